"""A payment year's rule set as a page that a person can check against the regulation.

Everything on it comes from the rows of `parameters/qip_*.csv` as the scoring reads them: weights
without a measure or domain are what the scoring applies, and a cell that no part of the page
describes is listed under "Other values of the rows". Each row of the parameter files names its
source.
"""

from dataclasses import dataclass

from esrd_pipeline.program.qip_page_sources import Line, Sources
from esrd_pipeline.program.qip_page_texts import (
    describe_bars,
    describe_scoring,
    list_others,
    percent,
    write_formula,
    write_number,
)
from esrd_pipeline.program.qip_page_weights import (
    list_sent_elsewhere,
    list_within_others,
    list_without_domain,
    list_without_measure,
)
from esrd_pipeline.program.qip_rule_sets import (
    DEFAULT,
    find_rule_set,
    list_changes,
    list_rule_sets,
    load_tables,
)
from esrd_pipeline.program.qip_rules import QipRules, load_rules
from esrd_pipeline.program.qip_tps import list_bands


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a page: sentences, and a table whose first line names its columns."""

    title: str
    sentences: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """A rule set as parts to read; `note` is what must be known before it is used."""

    title: str
    note: str | None
    parts: tuple[Part, ...]


def describe_payment_year(payment_year: int, rule_set: str = DEFAULT) -> Page:
    """Describe a rule set of a payment year.

    Raises:
        LookupError: there is none; the message lists the known ones.
    """
    rules = load_rules(payment_year, rule_set)
    chosen = find_rule_set(payment_year, rule_set)
    sources = Sources(load_tables(payment_year, rule_set), payment_year)
    parts = [
        *_describe_choice(rules, sources),
        _describe_years(rules, sources),
        _describe_domains(rules, sources),
        _describe_measures(rules, sources),
        _describe_sizes(rules, sources),
        *_describe_reporting(rules, sources),
        _describe_bars(rules, sources),
        _describe_standards(rules, sources),
        *_describe_missing(rules),
        _describe_tps(rules, sources),
        *_with_lines(
            Part(
                "Other values of the rows",
                lines=(("table", "row", "value", "source"), *sources.list_unused()),
            )
        ),
    ]
    return Page(
        title=f"Payment year {payment_year} of the ESRD QIP, rule set {rule_set}"
        + (f": {chosen.title}" if chosen else ""),
        note=chosen.note if chosen else None,
        parts=(*parts, Part("Sources", lines=sources.list_numbered())),
    )


def render_markdown(page: Page) -> str:
    """Write a page as Markdown."""
    blocks = [f"# {page.title}"]
    if page.note:
        blocks.append(f"**{page.note}**")
    for part in page.parts:
        blocks += [f"## {part.title}", *part.sentences]
        if part.lines:
            first, *rest = (
                f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |"
                for line in part.lines
            )
            blocks.append("\n".join([first, "|---" * len(part.lines[0]) + "|", *rest]))
    return "\n\n".join(blocks) + "\n"


def _describe_choice(rules: QipRules, sources: Sources) -> list[Part]:
    """Tell which other rule sets there are, and what this one changes."""
    names = list_rule_sets(rules.payment_year)
    others = [name for name in names if name != rules.rule_set]
    if not others:
        return []
    sentence = (
        f"Rule sets of this payment year: {', '.join(names)}. A refresh takes {DEFAULT} unless"
        " `--rule-set` names another."
    )
    changes = list_changes(rules.payment_year, rules.rule_set)
    if not changes:
        return [Part("Choice", (sentence,))]
    lines = [
        (
            change.row,
            f"{change.column} = {change.value or 'nothing'}" if change.column else "left out",
            sources.cite(change.citation),
        )
        for change in changes
    ]
    return [
        Part("Choice", (sentence,)),
        Part(f"Changes to the rule set {DEFAULT}", lines=(("row", "change", "source"), *lines)),
    ]


def _describe_years(rules: QipRules, sources: Sources) -> Part:
    mark = sources.cite_row("qip_year", "payment_year", rules.payment_year)
    return Part(
        "Years",
        lines=(
            ("what", "year", "source"),
            ("performance year", str(rules.performance_year), mark),
            ("baseline year of computed standards", str(rules.baseline_year), mark),
            ("improvement is against", str(rules.improvement_year), mark),
        ),
    )


def _describe_domains(rules: QipRules, sources: Sources) -> Part:
    lines = [
        (
            domain.name,
            str(domain.weight),
            percent(domain.weight),
            sources.cite_row("qip_domain", "domain", domain.name),
        )
        for domain in rules.domains
    ]
    return Part("Domains", lines=(("domain", "weight", "of the TPS", "source"), *lines))


def _describe_measures(rules: QipRules, sources: Sources) -> Part:
    weights = {domain.name: domain.weight for domain in rules.domains}
    lines = [
        (
            rule.measure,
            rule.parent or rule.domain,
            "" if rule.weight is None else str(rule.weight),
            ""
            if rule.weight is None or rule.parent
            else percent(rule.weight * weights[rule.domain]),
            describe_scoring(rule),
            sources.cite_row("qip_measure", "measure", rule.measure),
        )
        for rule in rules.measures
    ]
    sentences = ["A weight is a share of the domain; of a part, a share of its topic or survey."]
    if rules.clinical_measures:
        sentences.append(
            "Against standards the higher score counts, of achievement and improvement (4.1.2)."
        )
    if any(rule.scoring.startswith("published") for rule in rules.measures):
        sentences.append(
            "A score that CMS printed is taken as it is: what bars a score, below, is in it."
        )
    return Part(
        "Measures",
        tuple(sentences),
        (("measure", "part of", "weight", "of the TPS", "scored by", "source"), *lines),
    )


def _describe_sizes(rules: QipRules, sources: Sources) -> Part:
    lines = [
        (
            rule.measure,
            rule.direction,
            write_number(rule.entry.minimum_units),
            rule.unit,
            str(rule.precision) if rule in rules.clinical_measures else "",
            f"{write_number(rule.small_facility.lower)} to {rule.small_facility.upper}"
            if rule.small_facility
            else "none",
            sources.cite(rule.entry.citation),
        )
        for rule in rules.measures
    ]
    return Part(
        "Size, direction and precision",
        (
            "A measure with fewer units than the least size is not scored.",
            "Rates are adjusted where the size is within these bounds (4.1.1).",
            "They are rounded to their decimals before they are scored.",
        ),
        (
            ("measure", "better", "least", "unit", "decimals", "adjusted", "source"),
            *lines,
        ),
    )


def _describe_reporting(rules: QipRules, sources: Sources) -> list[Part]:
    lines = [
        (
            rule.measure,
            write_formula(rule.reporting),
            "the year's months, less those before a new facility must report and those of a"
            " granted exception"
            if rule.reporting.months_from_calendar
            else "as counted",
            sources.cite_row(
                "qip_step" if rule.reporting.steps else "qip_measure", "measure", rule.measure
            ),
        )
        for rule in rules.measures
        if rule.reporting.multiplier or rule.reporting.steps
    ]
    return _with_lines(
        Part(
            "Reporting formulas and steps",
            ("n is what was reported, d what was to be reported. Halves are rounded up.",),
            (("measure", "score", "d", "source"), *lines),
        )
    )


def _describe_bars(rules: QipRules, sources: Sources) -> Part:
    lines = [
        (
            rule.measure,
            rule.cutoff.on(rules.performance_year).isoformat() if rule.cutoff else "",
            *describe_bars(rule),
            sources.cite_row("qip_measure", "measure", rule.measure),
        )
        for rule in rules.measures
    ]
    return Part(
        "Which facilities are not scored on a measure",
        (
            "Not scored: certified on or after the day; without the treatment;",
            f"with an exception granted for these months of {rules.performance_year}.",
            "One that did not report in full what the last column names is scored 0.",
        ),
        (
            ("measure", "certified", "exception", "treatment", "full reports of", "source"),
            *lines,
        ),
    )


def _describe_standards(rules: QipRules, sources: Sources) -> Part:
    if not rules.clinical_measures:
        return Part("Standards", ("No measure is scored against standards.",))
    at = rules.percentiles
    mark = sources.cite_row("qip_year", "payment_year", rules.payment_year)
    computed = (
        f"Computed from the facilities of {rules.baseline_year}, at least {at.minimum_facilities}"
        f" of them: achievement threshold at the {at.achievement_threshold}th, performance"
        f" standard at the {at.performance_standard}th, benchmark at the {at.benchmark}th"
        f" percentile of performance {mark}."
    )
    adjusted = (
        "The small facility adjustment's benchmark is the"
        f" {at.benchmark}th percentile of performance in {rules.performance_year}."
    )
    supplied = "Standards supplied in the year's folder (QIP_STANDARD*.csv) go before all others."
    given = rules.published_standards if rules.standards_are_published else ()
    if not given:
        return Part("Standards", (computed, adjusted, supplied))
    others = list_others(rules, {standard.measure for standard in given})
    lines = [
        (
            standard.measure,
            standard.achievement_threshold,
            standard.performance_standard,
            standard.benchmark,
            sources.cite(standard.citation),
        )
        for standard in given
    ]
    return Part(
        "Standards",
        (
            *([f"Of {others}: {computed[0].lower()}{computed[1:]}"] if others else []),
            adjusted,
            supplied,
        ),
        (
            ("measure", "achievement threshold", "performance standard", "benchmark", "source"),
            *lines,
        ),
    )


def _describe_missing(rules: QipRules) -> list[Part]:
    """Tell the weights as applied when a domain or measure has no score (4.2.7.1, 4.2.8.1)."""
    return _with_lines(
        Part(
            "Weights when a domain has no score",
            lines=(
                ("without", "its weight goes to", "shares of the TPS then"),
                *list_without_domain(rules),
            ),
        ),
        Part(
            "Weights within a domain when another domain has no score",
            (
                "What a domain gets of the weight is shared among its measures.",
                "Only domains in which that changes the weights are listed.",
            ),
            (("without", "domain", "weights in the domain then"), *list_within_others(rules)),
        ),
        Part(
            "Weights within a domain when a measure has no score",
            lines=(
                ("without", "its weight goes to", "weights in the domain then"),
                *list_without_measure(rules),
            ),
        ),
        Part(
            "Weight that goes to another domain when a measure has no score",
            ("Where that domain has no score either, the weight stays in the measure's own.",),
            (
                ("without", "its weight goes to", "shares of the TPS then", "there, of the TPS"),
                *list_sent_elsewhere(rules),
            ),
        ),
    )


def _with_lines(*parts: Part) -> list[Part]:
    """Return the parts whose tables have lines below the names of their columns."""
    return [part for part in parts if len(part.lines) > 1]


def _describe_tps(rules: QipRules, sources: Sources) -> Part:
    mark = sources.cite_row("qip_year", "payment_year", rules.payment_year)
    required = [
        f"{domain.name} {sources.cite_row('qip_domain', 'domain', domain.name)}"
        for domain in rules.domains
        if domain.is_required
    ]
    needed = (
        f"A TPS needs a score in {rules.minimum_scored_domains} of {len(rules.domains)} domains"
        f" {mark}, {'among them ' + ', '.join(required) if required else 'whichever they are'}."
    )
    starts = [reduction.points_below_minimum for reduction in rules.reductions]
    lines = [
        (
            f"{lowest} to {highest}",
            f"{share}%",
            sources.cite_row("qip_reduction", "points_below_minimum", start),
        )
        for (lowest, highest, share), start in zip(list_bands(rules), starts, strict=True)
    ]
    return Part(
        "Total Performance Score and payment reduction",
        (
            needed,
            f"The minimum TPS without a reduction is {rules.minimum_tps} {mark}.",
        ),
        (("TPS", "reduction", "source"), *lines),
    )
