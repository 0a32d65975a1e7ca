"""What becomes of weights without a domain or measure, for a rule set's page.

Computed with the functions that score, so that the page shows what is applied. As Tables 25 to 27
of the manual.
"""

from collections.abc import Mapping
from fractions import Fraction

from esrd_pipeline.program.qip_page_sources import Line
from esrd_pipeline.program.qip_page_texts import percent
from esrd_pipeline.program.qip_rules import QipRules
from esrd_pipeline.program.qip_weights import share_domains, share_measures, share_tps


def list_without_domain(rules: QipRules) -> list[Line]:
    """List, domain by domain, where its weight goes, and the shares of the TPS then."""
    nominal = {domain.name: domain.weight for domain in rules.domains}
    lines: list[Line] = []
    for missing, scored in _leave_out_each(nominal):
        then = share_domains(rules, scored)
        lines.append((missing, _describe_gain(nominal, then), _write(then)))
    return lines


def list_within_others(rules: QipRules) -> list[Line]:
    """List the weights within a domain that are others when another domain has no score."""
    nominal = {domain.name: domain.weight for domain in rules.domains}
    lines: list[Line] = []
    for missing, scored in _leave_out_each(nominal):
        for domain in (name for name in nominal if name != missing):
            own = _weigh(rules, domain)
            then = share_measures(rules, domain, scored, frozenset(own))
            if then != own:
                lines.append((missing, domain, _write(then)))
    return lines


def list_without_measure(rules: QipRules) -> list[Line]:
    """List, measure by measure, where its weight goes, and the weights in the domain then."""
    every = frozenset(domain.name for domain in rules.domains)
    to = {rule.measure: rule.weight_to for rule in rules.domain_measures}
    lines: list[Line] = []
    for domain in rules.domains:
        own = _weigh(rules, domain.name)
        for missing, scored in _leave_out_each(own):
            then = share_measures(rules, domain.name, every, scored)
            gain = f"domain {to[missing]}" if to[missing] else _describe_gain(own, then)
            lines.append((missing, gain, _write(then)))
    return lines


def list_sent_elsewhere(rules: QipRules) -> list[Line]:
    """List the measures whose weight goes to another domain, and all weights without them."""
    every = frozenset(rule.measure for rule in rules.domain_measures)
    nominal = {domain.name: domain.weight for domain in rules.domains}
    lines: list[Line] = []
    for rule in rules.domain_measures:
        if rule.weight_to is None:
            continue
        shares = share_tps(rules, every - {rule.measure})
        domains = dict.fromkeys(nominal, Fraction(0))
        for other in rules.domain_measures:
            domains[other.domain] += shares.get(other.measure, Fraction(0))
        gained = {rule.weight_to: domains[rule.weight_to]}
        there = {
            other.measure: shares[other.measure] for other in rules.measures_of(rule.weight_to)
        }
        lines.append(
            (
                rule.measure,
                _describe_gain(nominal, gained),
                _write({name: weight for name, weight in domains.items() if weight}),
                _write(there),
            )
        )
    return lines


def _leave_out_each(weights: Mapping[str, Fraction]) -> list[tuple[str, frozenset[str]]]:
    """Return each name with all the others, where there are others."""
    return [(name, frozenset(weights) - {name}) for name in weights if len(weights) > 1]


def _weigh(rules: QipRules, domain: str) -> dict[str, Fraction]:
    return {rule.measure: rule.weight or Fraction(0) for rule in rules.measures_of(domain)}


def _describe_gain(nominal: Mapping[str, Fraction], then: Mapping[str, Fraction]) -> str:
    """Say who gains how many percentage points of what is missing."""
    gains = {name: weight - nominal[name] for name, weight in then.items()}
    if len(gains) > 1 and len(set(gains.values())) == 1:
        return f"each of the others, +{percent(next(iter(gains.values())))}"
    return ", ".join(f"{name} +{percent(gain)}" for name, gain in gains.items() if gain)


def _write(shares: Mapping[str, Fraction]) -> str:
    return ", ".join(f"{name} {percent(weight)}" for name, weight in shares.items())
