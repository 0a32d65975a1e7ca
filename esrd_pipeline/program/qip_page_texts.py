"""Words for single values of a rule set, as `qip_page` prints them."""

from collections.abc import Mapping
from fractions import Fraction

from esrd_pipeline.program.qip_parts import Reporting
from esrd_pipeline.program.qip_rules import MeasureRule, QipRules

_SCORINGS: Mapping[str, str] = {
    "achievement_improvement": "standards",
    "components_by_unit_count": "its parts, by size",
    "components_mean": "its parts, equally",
    "components_weighted": "its parts, by weight",
    "reporting": "what was reported",
    "reporting_steps": "what was reported",
    "published": "as CMS printed it",
    "published_or_reported": "what was reported, else as CMS printed it",
    "published_or_unknown": "as CMS scored it, unprinted",
}
_EXCEPTIONS: Mapping[str, str] = {"facility": "any month", "months": "all months"}


def percent(weight: Fraction) -> str:
    """Write a weight in percent, as the manual's tables do: 31.43%."""
    return f"{float(weight * 100):.2f}%"


def write_number(value: float | None) -> str:
    """Write a number without a trailing zero; none is empty."""
    return "" if value is None else f"{value:g}"


def describe_scoring(rule: MeasureRule) -> str:
    """Say what a measure is scored by; a way of scoring without words is named."""
    return _SCORINGS.get(rule.scoring, rule.scoring)


def write_formula(reporting: Reporting) -> str:
    """Write the formula of a reporting measure, or its steps, the highest first."""
    if reporting.steps:
        steps = [f"{step.score} from n = {step.reported_at_least}" for step in reporting.steps]
        return ", ".join(reversed(steps))
    less = f" - {reporting.subtrahend}" if reporting.subtrahend else ""
    return f"n / d x {reporting.multiplier}{less}"


def describe_bars(rule: MeasureRule) -> tuple[str, str, str]:
    """Say which months' exception, which treatment and which reports bar a score."""
    full = ""
    if rule.compliance:
        when = "whatever the size" if rule.compliance.before_size else "where large enough"
        full = f"{rule.compliance.measure}, {when}"
    return (
        _EXCEPTIONS.get(rule.ece_rule, rule.ece_rule),
        "in-center hemodialysis" if rule.requires_in_center_hemodialysis else "",
        full,
    )


def list_others(rules: QipRules, known: set[str]) -> str:
    """List the measures scored against standards that are not among those known."""
    return ", ".join(rule.measure for rule in rules.clinical_measures if rule.measure not in known)
