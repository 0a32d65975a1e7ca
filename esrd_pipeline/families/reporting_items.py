"""One facility's reports of a year, item by item: every quarter, month, domain or survey.

The rows of a measure without a reason add up to its numerator and denominator in the contract; the
others have the reason why they do not count. Manual 2.17, 2.18, 2.20 to 2.22.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from esrd_pipeline.families.reporting import (
    MONTHS,
    QUARTER_MONTHS,
    SURVEYS,
    Places,
    last_weeks,
    sum_quarters,
)
from esrd_pipeline.measures.specification import WHOLE, Program
from esrd_pipeline.parameters.reasons import RowReasons
from esrd_pipeline.tables.clinical import EQUITY_ELEMENTS, SURVEY_COMPONENTS
from esrd_pipeline.tables.explain import REPORTED

QUARTERS = MONTHS // QUARTER_MONTHS


def list_reports(
    measure: str, performance_year: int, places: Places, reports: pd.DataFrame, ccn: str
) -> pd.DataFrame:
    """Return a facility's items of one measure, in the columns of explain.reported.

    `reports` is the measure's raw table of the year. A facility has no row for a program in which
    it need not report.
    """
    parts = [
        _items(rows, performance_year, program, measure, ccn)
        for program, rows in _list(measure, performance_year, places, reports, ccn)
        if ccn in places.eligible(program)
    ]
    return pd.concat(parts, ignore_index=True) if parts else _nothing()


def _list(
    measure: str, performance_year: int, places: Places, reports: pd.DataFrame, ccn: str
) -> list[tuple[Program, pd.DataFrame]]:
    if measure == "covid_vaccination":
        return [
            ("dfc", _list_weeks(performance_year, places, reports, ccn)),
            ("qip", _list_months(performance_year, places, reports, ccn)),
        ]
    if measure == "health_equity":
        own = places.by_facilityid("qip", reports)
        return [("qip", _list_domains(own[own["ccn"] == ccn]))]
    if measure in ("nhsn_bsi", "nhsn_dialysis_event"):
        rows = _list_quarters(places, reports, ccn)
        return [("qip", _list_infections(rows) if measure == "nhsn_bsi" else _list_events(rows))]
    own = places.by_number("qip", reports)
    own = own[own["ccn"] == ccn]
    if measure == "ich_cahps":
        return [("qip", _list_surveys(own))]
    return [("qip", _list_answers(own, measure.removeprefix("ich_cahps_")))]


def _list_quarters(places: Places, quarters: pd.DataFrame, ccn: str) -> pd.DataFrame:
    """List the quarters; one without a report has no months."""
    whole = sum_quarters(places, quarters).reset_index()
    numbers = pd.RangeIndex(1, QUARTERS + 1, name="quarter")
    mine = whole[whole["ccn"] == ccn].set_index("quarter").reindex(numbers)
    return mine.fillna({"months_reported": 0}).reset_index()


def _list_infections(rows: pd.DataFrame) -> pd.DataFrame:
    is_unknown = rows["infections"].isna() | rows["predicted_infections"].isna()
    months = rows["months_reported"]
    reasons = RowReasons(len(rows))
    reasons.add((months == 0).to_numpy(), "no_report")
    reasons.add((months < QUARTER_MONTHS).to_numpy(), "not_every_month_accurate")
    reasons.add(is_unknown.to_numpy(), "infections_unknown")
    return pd.DataFrame(
        {
            "item": "quarter " + rows["quarter"].astype(str),
            "detail": months.astype(int).astype(str) + " accurate months",
            "numerator": rows["infections"],
            "denominator": rows["predicted_infections"],
            "reason": reasons.code,
        }
    )


def _list_events(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "item": "quarter " + rows["quarter"].astype(str),
            "numerator": rows["months_reported"],
            "denominator": float(QUARTER_MONTHS),
        }
    )


def _list_weeks(
    performance_year: int, places: Places, weeks: pd.DataFrame, ccn: str
) -> pd.DataFrame:
    """List the last whole week of every month: personnel up to date, of those who could be."""
    rows = _last_of_months(performance_year, places, "dfc", weeks, ccn)
    return pd.DataFrame(
        {
            "item": [f"{month:%Y-%m}" for month in rows.index],
            "detail": _describe_week(rows),
            "numerator": rows["up_to_date"].to_numpy(dtype=np.float64),
            "denominator": (rows["personnel"] - rows["contraindicated"]).to_numpy(np.float64),
            "reason": _where(rows["personnel"].isna().to_numpy(), "no_whole_week_reported"),
        }
    )


def _list_months(
    performance_year: int, places: Places, weeks: pd.DataFrame, ccn: str
) -> pd.DataFrame:
    """List every month and whether it was reported; months not required have a reason."""
    rows = _last_of_months(performance_year, places, "qip", weeks, ccn)
    asked = places.asked_months(performance_year)
    is_asked = asked.loc[ccn].to_numpy(dtype=bool) if ccn in asked.index else np.ones(MONTHS, bool)
    return pd.DataFrame(
        {
            "item": [f"{month:%Y-%m}" for month in rows.index],
            "detail": _describe_week(rows),
            "numerator": rows["personnel"].notna().to_numpy(dtype=np.float64),
            "denominator": 1.0,
            "reason": _where(~is_asked, "not_asked_for"),
        }
    )


def _where(rows: NDArray[np.bool_], code: str) -> NDArray[np.object_]:
    """Return the reason in these rows and None elsewhere."""
    reasons = RowReasons(len(rows))
    reasons.add(rows, code)
    return reasons.code


def _last_of_months(
    performance_year: int, places: Places, program: Program, weeks: pd.DataFrame, ccn: str
) -> pd.DataFrame:
    mine = weeks[pd.to_datetime(weeks["week_end_date"]).dt.year == performance_year]
    last = last_weeks(places, program, mine)
    months = pd.date_range(f"{performance_year}-01-01", periods=MONTHS, freq="MS", name="month")
    return last[last["ccn"] == ccn].set_index("month").reindex(months)


def _describe_week(rows: pd.DataFrame) -> list[str]:
    days = pd.to_datetime(rows["week_end_date"])
    return ["" if pd.isna(day) else f"week ending {day:%Y-%m-%d}" for day in days]


def _list_domains(own: pd.DataFrame) -> pd.DataFrame:
    """List every domain; it is attested if each of its elements is."""
    attested = own[own["is_attested"].astype(bool)].drop_duplicates(["domain", "element"])
    counts = attested.groupby("domain").size()
    needed = pd.Series(dict(EQUITY_ELEMENTS))
    found = counts.reindex(needed.index, fill_value=0)
    return pd.DataFrame(
        {
            "item": needed.index,
            "detail": [
                f"{mine} of {all_} elements attested"
                for mine, all_ in zip(found, needed, strict=True)
            ],
            "numerator": (found == needed).to_numpy(dtype=np.float64),
            "denominator": 1.0,
        }
    )


def _surveys(own: pd.DataFrame) -> pd.DataFrame:
    """List the surveys: whether each was administered, and the completed surveys."""
    done = own[own["is_administered"].astype(bool)]
    numbers = pd.RangeIndex(1, SURVEYS + 1, name="survey")
    completed = done.groupby("survey")["completed_surveys"].sum().reindex(numbers)
    rows = pd.DataFrame({"completed": completed.astype(np.float64)})
    is_small = bool(own["is_attested_small"].astype(bool).any())
    return rows.assign(
        item=["survey 1, spring", "survey 2, fall"],
        is_done=numbers.isin(done["survey"]),
        reason="attested_too_few_patients" if is_small else None,
    )


def _list_surveys(own: pd.DataFrame) -> pd.DataFrame:
    rows = _surveys(own)
    return pd.DataFrame(
        {
            "item": rows["item"],
            "detail": rows["completed"].fillna(0).astype(int).astype(str) + " completed",
            "numerator": rows["is_done"].astype(np.float64),
            "denominator": 1.0,
            "reason": rows["reason"],
        }
    )


def _list_answers(own: pd.DataFrame, part: str) -> pd.DataFrame:
    """List the completed surveys in the top box of one part, of those completed."""
    if part not in SURVEY_COMPONENTS:
        raise LookupError(f"the survey has no part {part}")
    rows = _surveys(own)
    known = own[own["is_administered"].astype(bool)].dropna(subset=[part])
    weight = known["completed_surveys"].astype(np.float64)
    top = (known[part].astype(np.float64) * weight / WHOLE["dfc"]).groupby(known["survey"]).sum()
    of = weight.groupby(known["survey"]).sum()
    answered = pd.DataFrame({"numerator": top, "denominator": of}).reindex(rows.index)
    silent = np.where(rows["is_done"], "survey_part_unanswered", "survey_not_administered")
    return pd.DataFrame(
        {
            "item": rows["item"],
            "numerator": answered["numerator"],
            "denominator": answered["denominator"],
            "reason": rows["reason"].where(
                rows["reason"].notna() | answered["denominator"].notna(), silent
            ),
        }
    )


def _items(
    rows: pd.DataFrame, performance_year: int, program: Program, measure: str, ccn: str
) -> pd.DataFrame:
    return rows.assign(
        program=program, performance_year=performance_year, ccn=ccn, measure=measure
    ).reindex(columns=REPORTED.column_names)


def _nothing() -> pd.DataFrame:
    return pd.DataFrame(columns=REPORTED.column_names)
