"""A measure's rules for people: its register entry in words, exclusions, sections, readings."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from esrd_pipeline.parameters.manual import (
    find_chapters,
    find_citations,
    is_below,
    load_sections,
)
from esrd_pipeline.parameters.readings import Reading, load_readings
from esrd_pipeline.parameters.reasons import find_reason
from esrd_pipeline.parameters.register import FlagRule, Program, RegisterEntry
from esrd_pipeline.tables.catalog import TABLES_BY_NAME
from esrd_pipeline.tables.explain import REPORT_REASONS
from esrd_pipeline.tables.patient_months import MONTHLY_REASONS_OF, YEARLY_REASONS_OF
from esrd_pipeline.tables.survival import NOT_FOLLOWED

DIRECTIONS = {"higher": "Higher is better", "lower": "Lower is better"}
FAMILIES = {
    "access": "Percentage of patient-months, adjusted by a logistic model for repeated months",
    "components": "Made of the scores of other measures",
    "discharges": "Ratio of observed to expected, by a three-stage logistic model of discharges",
    "patient_months": "Percentage of patient-months, not adjusted",
    "published": "As CMS publishes it; not computed here",
    "recurrent_events": "Ratio of observed to expected, by a two-stage Poisson model of events",
    "reporting": "What the facility reports, not adjusted",
    "survival": "Ratio of observed to expected, by a two-stage model of times to an event",
}
"""How each family computes a measure."""
QIP_ONLY = frozenset({"extraordinary_circumstances_exception", "new_facility"})
"""Exclusions of the QIP (3.4, 3.5)."""
_OF_PROGRAM: Mapping[tuple[str, str], Program] = {
    ("hypercalcemia", "under_18_years"): "qip",
    ("hypercalcemia", "other_modality"): "qip",
    ("hypercalcemia", "under_18_years_two_months_before"): "dfc",
    ("srr", "rehabilitation_revenue_center"): "dfc",
    ("srr", "stay_of_365_days_or_longer"): "dfc",
    ("srr", "transplant"): "qip",
    ("srr", "transplant_within_3_days"): "dfc",
    ("srr", "died_within_3_days"): "dfc",
    ("srr", "off_dialysis_within_3_days"): "dfc",
    ("srr", "hospitalized_within_3_days"): "dfc",
    ("srr", "unplanned_readmission_within_3_days"): "qip",
    ("srr", "died_within_30_days_without_readmission"): "qip",
}
"""Exclusions that one program alone has, by measure and code."""
_SAME_MONTHS = {"sfr": "ltc"}
"""Measures with the months of another: the SFR takes the long-term catheter rate's (2.2.9)."""
_KTV_PARTS = ("ktv_adult_hd", "ktv_adult_pd", "ktv_pediatric_hd", "ktv_pediatric_pd")
_OF_KTV_PARTS = ("ktv_comprehensive", "ktv_topic")
_NO_MEASURE_OF_PROGRAM = "not_a_measure_of_the_program"
_RETURNS = ("planned_readmission", "after_first_event")


@dataclass(frozen=True, slots=True)
class Exclusion:
    """One reason why a row of a cohort is not counted: text, citation, and whose rule it is."""

    text: str
    citation: str
    program: Program | None


@dataclass(frozen=True, slots=True)
class Excluded:
    """The exclusions that one table of a cohort tells apart, in the order of its rules."""

    table: str
    grain: str
    what: str
    exclusions: tuple[Exclusion, ...]


def describe_minimum(entry: RegisterEntry) -> str:
    """Return the smallest size that is reported."""
    parts = []
    if entry.minimum_units is not None:
        parts.append(f"at least {entry.minimum_units:g} {_write(entry.unit)}")
    if entry.minimum_expected is not None:
        parts.append(f"at least {entry.minimum_expected:g} expected events")
    if entry.minimum_modelled is not None:
        part = "empirical null" if entry.family == "recurrent_events" else "national model"
        parts.append(f"in the {part} from {entry.minimum_modelled} {_write(entry.unit)}")
    return "; ".join(parts) or "no minimum in the register"


def describe_flag(flag: FlagRule | None) -> str:
    """Return the rule by which a facility is better or worse than expected."""
    if flag is None:
        return "not flagged"
    against = "the national level" if flag.reference is None else f"{flag.reference:g}"
    confidence = f"{100 * (1 - flag.significance):g}%"
    rules = {
        "interval": f"the whole {confidence} interval lies on one side of {against}",
        "p_value": f"the two-sided p-value against {against} is below {flag.significance:g}",
        "wald_z": f"the z-score against {against} is beyond that of {confidence}",
    }
    return f"better or worse where {rules[flag.method]}; else as expected"


def _write(unit: str) -> str:
    return unit.replace("_", "-")


def list_sections(measure: str) -> list[tuple[str, str, str, str | None]]:
    """Return number, title, kind and note of the manual's sections on a measure."""
    chapters = _find_chapters(measure)
    return [
        (section.number, section.title, section.kind, section.why)
        for section in load_sections().values()
        if section.number in chapters or any(is_below(section.number, one) for one in chapters)
    ]


def list_readings(measure: str) -> list[Reading]:
    """Return the readings of places within the measure's chapters, or of its name."""
    chapters = _find_chapters(measure)
    name = re.compile(rf"(?<![a-z_]){re.escape(measure)}(?:\.py|\.sql|_days\.sql)$")
    return [
        reading
        for reading in load_readings()
        if _is_of(f"Manual {reading.section or ''}", chapters)
        or any(name.search(file) for file in reading.files)
    ]


def _find_chapters(measure: str) -> tuple[str, ...]:
    """Return a measure's chapters; of one made of others, theirs."""
    parts = _KTV_PARTS if measure in _OF_KTV_PARTS else (measure,)
    return tuple(dict.fromkeys(chapter for part in parts for chapter in find_chapters(part)))


def _is_of(text: str, chapters: Sequence[str]) -> bool:
    """Whether a text cites the chapters or sections within them."""
    return any(
        section == one or is_below(section, one)
        for citation in find_citations(text)
        for section in citation.sections
        for one in chapters
    )


def list_exclusions(measure: str) -> list[Excluded]:
    """Return what takes rows out of a measure, table by table; nothing for others' measures."""
    return [found for found in _list_exclusions(measure) if found.exclusions]


def _list_exclusions(measure: str) -> Iterator[Excluded]:
    months = _SAME_MONTHS.get(measure, measure)
    if measure in _OF_KTV_PARTS:
        codes = dict.fromkeys(code for part in _KTV_PARTS for code in MONTHLY_REASONS_OF[part])
        yield _make(measure, "cohort.patient_months", "Not in the denominator", tuple(codes))
    elif months in MONTHLY_REASONS_OF:
        table = f"cohort.{measure}" if measure in _SAME_MONTHS else "cohort.patient_months"
        yield _make(measure, table, "Not in the denominator", MONTHLY_REASONS_OF[months])
    elif measure in YEARLY_REASONS_OF:
        yield _make(
            measure, "cohort.patient_year", "Not in the denominator", YEARLY_REASONS_OF[measure]
        )
    else:
        for name in (f"cohort.{measure}_days", f"cohort.{measure}"):
            codes_of_table = _find_codes(name)
            if codes_of_table:
                yield _make(measure, name, "Not at risk, or not counted", codes_of_table)
                break
        yield from _list_uncounted_events(measure)
    reports = tuple(code for code in REPORT_REASONS if _cites(code, measure))
    yield _make(measure, "explain.reported", "Reports that do not count", reports)


def _list_uncounted_events(measure: str) -> Iterator[Excluded]:
    if measure in ("srr", "ed30"):
        codes = tuple(code for code in _RETURNS if _cites(code, measure))
        yield _make(measure, "cohort.return_event", "Returns to hospital that do not count", codes)
    elif measure in ("smr", "swr", "smosr"):
        rows = (*_find_codes(f"cohort.{measure}"), *_find_codes(f"cohort.{measure}_days"))
        codes = tuple(code for code in NOT_FOLLOWED if code not in rows and _cites(code, measure))
        yield _make(measure, "cohort.followed_event", "Events that do not count", codes)


def _find_codes(name: str) -> tuple[str, ...]:
    table = TABLES_BY_NAME.get(name)
    columns = () if table is None else table.columns
    return next((c.allowed for c in columns if c.name == "reason" and c.allowed), ())


def _cites(code: str, measure: str) -> bool:
    return _is_of(find_reason(code).citation, find_chapters(measure))


def _make(measure: str, table: str, what: str, codes: Sequence[str]) -> Excluded:
    exclusions = []
    for code in codes:
        if code == _NO_MEASURE_OF_PROGRAM:
            continue
        reason = find_reason(code)
        program: Program | None = _OF_PROGRAM.get((measure, code))
        if code in QIP_ONLY:
            program = "qip"
        text = reason.text[:1].upper() + reason.text[1:]
        exclusions.append(Exclusion(text, reason.citation, program))
    return Excluded(table, TABLES_BY_NAME[table].grain, what, tuple(exclusions))
