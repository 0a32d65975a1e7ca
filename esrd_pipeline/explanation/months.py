"""Measures of patient-months and of a year's patients explained, adjusted ones too."""

import pandas as pd

from esrd_pipeline.explanation.document import COUNTED, Check, Section
from esrd_pipeline.explanation.events import describe_counting
from esrd_pipeline.explanation.request import Request
from esrd_pipeline.explanation.results import Row, compare, find_meaning, find_nothing
from esrd_pipeline.explanation.returns import write_flags
from esrd_pipeline.families.cohort import PATIENT
from esrd_pipeline.measures.specification import WHOLE

POOLED = "ktv_comprehensive"
"""Kt/V of four populations together, until payment year 2026: the four lists in one."""
_PARTS = ("ktv_adult_hd", "ktv_adult_pd", "ktv_pediatric_hd", "ktv_pediatric_pd")
_IN = f"{COUNTED}: in the denominator"
_NOT_SHOWN = ("program", "performance_year", "ccn", "measure", "reason", "is_in_numerator")


def explain_months(request: Request, row: Row) -> tuple[list[Section], list[Check]]:
    """Return the tables and sums of a measure of patient-months without a model."""
    listed = _list_months(request)
    if listed.empty:
        return [], [find_nothing(row)]
    lines = _describe(request, listed)
    sections = [_list_section(lines), _list_excluded(lines)]
    return sections, _compare(request, row, lines)


def explain_access(request: Request, row: Row) -> tuple[list[Section], list[Check]]:
    """Return the tables and sums of SFR or PPPW: months, adjusters, standardised value."""
    from esrd_pipeline.explanation.days import list_arithmetic
    from esrd_pipeline.explanation.standardised import explain_standardised

    listed = request.explain("explain.access")
    if listed.empty:
        return [], [find_nothing(row)]
    lines = _describe(request, listed.drop(columns=_find_empty(listed)))
    found = explain_standardised(request)
    standard = Section(
        "standardised",
        "From the facility's level to its value",
        found.bands,
        "product = share_of_nation x probability; the products add up to the measure's value.",
    )
    sections = [
        _list_section(lines),
        *list_arithmetic(found.factors),
        standard,
        _list_excluded(lines),
    ]
    counted = lines[lines["counts"] == "yes"]
    whole = WHOLE[request.program]
    months = _compare_counts(row, counted)
    if request.program == "qip":
        # The QIP's contract has the nation's months: how many, and those met at this level.
        share = float(found.bands["product"].sum())
        nation = found.nation_months
        months = [
            compare(
                row,
                f"{nation:g} months x the sum of the products",
                "numerator",
                nation * share,
                exact=False,
            ),
            compare(row, "the nation's months", "denominator", nation),
            compare(row, "patients counted", "patients", float(counted[PATIENT].nunique())),
        ]
    return sections, [
        *months,
        compare(row, "patients counted", "unit_count", float(counted[PATIENT].nunique())),
        compare(
            row,
            f"{whole:g} x the sum of the products",
            "value",
            whole * float(found.bands["product"].sum()),
            exact=False,
        ),
    ]


def explain_patients(request: Request, row: Row) -> tuple[list[Section], list[Check]]:
    """Return the tables and sums of a measure that counts a year's patients."""
    listed = request.explain("explain.yearly")
    if listed.empty:
        return [], [find_nothing(row)]
    lines = _describe(request, listed)
    return [_list_section(lines, "Patients"), _list_excluded(lines)], _compare(request, row, lines)


def list_patients_only(request: Request, row: Row) -> tuple[list[Section], list[Check]]:
    """Return the patients whose number is the size of a measure of reports, and their sum."""
    listed = request.explain("explain.yearly")
    if listed.empty:
        return [], [compare(row, "no patient", "unit_count", 0.0)]
    lines = _describe(request, listed).drop(columns="in_numerator")
    counted = lines[lines["counts"] == "yes"]
    check = compare(row, "patients counted", "unit_count", float(counted[PATIENT].nunique()))
    return [_list_section(lines, "Patients"), _list_excluded(lines)], [check]


def _list_months(request: Request) -> pd.DataFrame:
    """Return the months of the measure; of the pooled Kt/V each under its population's rules."""
    if request.measure != POOLED:
        return request.explain("explain.patient_months")
    parts = []
    for measure in _PARTS:
        own = Request(request.warehouse, measure, request.program, request.ccn, request.year)
        parts.append(own.explain("explain.patient_months").assign(population=measure))
    rows = pd.concat(parts, ignore_index=True)
    # A month is in at most one population; it is listed there, or where the adults' rules put it.
    is_counted = rows["reason"].isna()
    rows = rows.assign(_first=~is_counted).sort_values([PATIENT, "month", "_first"], kind="stable")
    return rows.drop_duplicates([PATIENT, "month"]).drop(columns="_first").reset_index(drop=True)


def _describe(request: Request, listed: pd.DataFrame) -> pd.DataFrame:
    facts = [name for name in listed.columns if name not in (*_NOT_SHOWN, PATIENT)]
    frame = listed[[PATIENT, *facts]].copy()
    if "month" in frame:
        frame["month"] = pd.to_datetime(frame["month"]).dt.strftime("%Y-%m")
    for name in facts:
        if frame[name].dtype.name in ("bool", "boolean"):
            frame[name] = write_flags(frame[name])
    citation = find_meaning(request).citation
    # A month of the pooled Kt/V is judged by the rules, and so the sections, of its population.
    measures = listed.get("population", pd.Series(request.measure, index=listed.index))
    counting = pd.concat(
        [
            describe_counting(str(measure), reasons, _IN, citation)
            for measure, reasons in listed["reason"].groupby(measures, sort=False)
        ]
    ).loc[listed.index]
    counting.insert(1, "in_numerator", write_flags(listed["is_in_numerator"]))
    return pd.concat([frame, counting], axis=1).sort_values(
        [PATIENT, *(["month"] if "month" in frame else [])], ignore_index=True
    )


def _find_empty(listed: pd.DataFrame) -> list[str]:
    """Return the facts that another measure of the same table has and this one has not."""
    return [name for name in ("access_type", "age") if listed[name].isna().all()]


def _list_section(lines: pd.DataFrame, what: str = "Months, patient by patient") -> Section:
    return Section(
        "lines",
        what,
        lines,
        "Every one that this facility treated or had admitted: counted, or excluded by the first"
        " rule that applies.",
    )


def _list_excluded(lines: pd.DataFrame) -> Section:
    excluded = lines[lines["counts"] == "no"]
    name = "months" if "month" in lines else "lines"
    rows = (
        excluded.groupby(["why", "manual"], sort=True)
        .agg(patients=(PATIENT, "nunique"), **{name: (PATIENT, "size")})
        .reset_index()
    )
    return Section("exclusions", "Excluded by reason", rows)


def _compare_counts(row: Row, counted: pd.DataFrame) -> list[Check]:
    met = float((counted["in_numerator"] == "yes").sum())
    return [
        compare(row, "lines in the numerator", "numerator", met),
        compare(row, "lines counted", "denominator", float(len(counted))),
        compare(row, "patients counted", "patients", float(counted[PATIENT].nunique())),
    ]


def _compare(request: Request, row: Row, lines: pd.DataFrame) -> list[Check]:
    counted = lines[lines["counts"] == "yes"]
    if counted.empty:
        return _compare_counts(row, counted)
    met = int((counted["in_numerator"] == "yes").sum())
    share = WHOLE[request.program] * met / len(counted)
    what = f"{WHOLE[request.program]:g} x {met} / {len(counted)}"
    return [*_compare_counts(row, counted), compare(row, what, "value", share)]
