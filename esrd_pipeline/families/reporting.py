"""Measures of facilities' own reports, from the raw files to the facility contract.

Manual 2.17, 2.18, 2.20 to 2.22. Every eligible facility of the program's list has a row, also
without any report, because these measures measure reporting.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from esrd_pipeline.families.facility_list import list_facilities
from esrd_pipeline.measures.flag import (
    add_size_reason,
    add_size_reasons,
    is_below_minimum_units,
)
from esrd_pipeline.measures.reporting import (
    DIALYSIS_EVENT,
    HEALTH_EQUITY,
    INFECTION,
    SURVEY,
    SURVEY_PARTS,
    VACCINATION,
    specify,
)
from esrd_pipeline.measures.specification import WHOLE, Program
from esrd_pipeline.parameters.reasons import RowReasons
from esrd_pipeline.tables.clinical import EQUITY_ELEMENTS, PERSONNEL
from esrd_pipeline.tables.facility import CONTRACT_COLUMNS

MONTHS, QUARTER_MONTHS = 12, 3
SURVEYS = 2
_PERCENT_PARTS = 10**6
"""Parts of a percent in which shares of surveys are added up, as whole numbers."""


@dataclass(frozen=True, slots=True)
class Places:
    """Finds the facility of a report: linkage.facility, .provider_number and .facility_ccn.

    All three have the rows of every program; `exceptions` is history.exception_month.
    """

    facilities: pd.DataFrame
    provider_numbers: pd.DataFrame
    facility_ccns: pd.DataFrame
    exceptions: pd.DataFrame

    def eligible(self, program: Program) -> pd.Index:
        """Return the facilities that must report, in ascending order."""
        rows = self.facilities
        chosen = (rows["program"] == program) & rows["is_eligible"].astype(bool)
        return pd.Index(sorted(rows.loc[chosen, "ccn"]), name="ccn")

    def by_number(self, program: Program, rows: pd.DataFrame) -> pd.DataFrame:
        """Return rows by the facility of their provider number, the facility's own number first."""
        known = self.provider_numbers[self.provider_numbers["program"] == program]
        known = known[["provider_number", "ccn"]].rename(columns={"ccn": "found_ccn"})
        found = rows.merge(known, left_on="ccn", right_on="provider_number")
        found = found.sort_values(
            "ccn", key=lambda number: number != found["found_ccn"], kind="stable"
        )
        return found.drop(columns=["ccn", "provider_number"]).rename(columns={"found_ccn": "ccn"})

    def count_unknown(self, program: Program, rows: pd.DataFrame) -> int:
        """Count the rows whose provider number stands for no facility; they are not used."""
        known = self.provider_numbers[self.provider_numbers["program"] == program]
        return int((~rows["ccn"].isin(known["provider_number"])).sum())

    def by_facilityid(self, program: Program, rows: pd.DataFrame) -> pd.DataFrame:
        """Return rows by the last CCN of the facility's EQRS identifier."""
        known = self.facility_ccns[self.facility_ccns["program"] == program]
        last = known.sort_values(["facilityid", "start_date"]).groupby("facilityid")["ccn"].last()
        return rows.assign(ccn=rows["facilityid"].map(last)).dropna(subset=["ccn"])

    def asked_months(self, performance_year: int) -> pd.DataFrame:
        """Return by QIP facility and month whether a report is required (2.20.8, 3.4, 3.5)."""
        ccns = self.eligible("qip")
        mine = self.facilities[self.facilities["program"] == "qip"].set_index("ccn")
        months = pd.date_range(f"{performance_year}-01-01", periods=MONTHS, freq="MS")
        first = pd.to_datetime(mine["reporting_date"].reindex(ccns)).fillna(months[0])
        asked = pd.DataFrame(
            months.to_numpy()[None, :] >= first.to_numpy()[:, None], index=ccns, columns=months
        )
        excepted = self.exceptions.assign(month=pd.to_datetime(self.exceptions["month"]))
        for ccn, month in zip(excepted["ccn"], excepted["month"], strict=True):
            if ccn in asked.index and month in asked.columns:
                asked.loc[ccn, month] = False
        return asked


def assess_equity(
    performance_year: int, places: Places, attested: pd.DataFrame, patients: pd.Series
) -> pd.DataFrame:
    """Count the domains in which a facility attests every element (2.22.5).

    `attested` is raw.eqrs_equity_attestation, `patients` eligible patients by ccn.
    """
    mine = places.by_facilityid("qip", attested[attested["is_attested"].astype(bool)])
    elements = mine.drop_duplicates(["ccn", "domain", "element"]).groupby(["ccn", "domain"]).size()
    needed = elements.index.get_level_values("domain").map(EQUITY_ELEMENTS)
    whole = (elements == needed).groupby("ccn").sum()
    ccns = places.eligible("qip")
    domains = whole.reindex(ccns, fill_value=0).to_numpy(dtype=np.float64)
    count = patients.reindex(ccns, fill_value=0).to_numpy(dtype=np.float64)
    frame = pd.DataFrame(
        {
            "ccn": ccns,
            "unit_count": count,
            "patients": count,
            "numerator": domains,
            "denominator": float(len(EQUITY_ELEMENTS)),
            "value": domains / len(EQUITY_ELEMENTS),
        }
    )
    return _finish(HEALTH_EQUITY, performance_year, places, frame)


def assess_infections(
    performance_year: int, places: Places, quarters: pd.DataFrame, patients: pd.Series
) -> pd.DataFrame:
    """Return the infection ratio of facilities with twelve accurate months, and all months.

    `quarters` is raw.nhsn_bloodstream_infection, `patients` in-center patients by ccn (2.18.6).
    The months of a facility with too few such patients are not reportable (reading 286).
    Reading: reports of a quarter under several numbers are added up, their months to at most three.
    """
    whole = sum_quarters(places, quarters)
    mine = whole.groupby("ccn").agg(lambda quarter: quarter.sum(skipna=False))
    ccns = places.eligible("qip")
    mine = mine.reindex(ccns)
    months = mine["months_reported"].fillna(0).to_numpy()
    expected = mine["predicted_infections"].to_numpy()
    count = patients.reindex(ccns, fill_value=0).to_numpy(dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(expected > 0, mine["infections"].to_numpy() / expected, np.nan)
    is_whole = months == MONTHS
    ratios = pd.DataFrame(
        {
            "ccn": ccns,
            "unit_count": count,
            "patients": count,
            "numerator": np.where(is_whole, mine["infections"], np.nan),
            "denominator": np.where(is_whole, expected, np.nan),
            "value": np.where(is_whole, ratio, np.nan),
        }
    )
    reasons = RowReasons(len(ccns))
    # A facility that is too small is left out, however little it reported (2.18.6).
    entry = specify(INFECTION, performance_year).entry
    add_size_reason(reasons, entry, is_below_minimum_units(entry, count))
    reasons.add(~is_whole, "not_every_month_accurate")
    reasons.add((mine["infections"].isna() | np.isnan(expected)).to_numpy(), "infections_unknown")
    reasons.add(np.isnan(ratio), "no_infections_predicted")
    # Its size counts months; the patients it asks for are those of the infections (reading 286).
    least = specify(INFECTION, performance_year).entry.minimum_units or 0
    small = RowReasons(len(ccns))
    small.add(count < least, "too_few_in_center_patients", least)
    events = pd.DataFrame(
        {
            "ccn": ccns,
            "unit_count": months,
            "numerator": months,
            "denominator": float(MONTHS),
            "value": months / MONTHS,
        }
    )
    return pd.concat(
        [
            _finish(INFECTION, performance_year, places, ratios, reasons),
            _finish(DIALYSIS_EVENT, performance_year, places, events, small),
        ],
        ignore_index=True,
    )


def assess_vaccination(performance_year: int, places: Places, weeks: pd.DataFrame) -> pd.DataFrame:
    """Count the months reported (QIP, 2.20.9), and the personnel up to date (DFC, 2.21.5).

    `weeks` is raw.nhsn_vaccination. A week is reported if all four categories have a numerator and
    a denominator; of a month's weeks the last reported one counts. Reading: the year's personnel
    are those of its months added up; of a week under two numbers the facility's own counts.
    """
    ends = pd.to_datetime(weeks["week_end_date"])
    mine = weeks[ends.dt.year == performance_year]
    last = {program: last_weeks(places, program, mine) for program in ("dfc", "qip")}
    asked = places.asked_months(performance_year)
    reported = (
        last["qip"]
        .assign(there=True)
        .pivot_table(index="ccn", columns="month", values="there", aggfunc="any")
        .reindex(index=asked.index, columns=asked.columns)
        .notna()
    )
    months, eligible = (reported & asked).sum(axis=1), asked.sum(axis=1)
    qip = pd.DataFrame(
        {
            "ccn": asked.index,
            "unit_count": eligible.to_numpy(dtype=np.float64),
            "numerator": months.to_numpy(dtype=np.float64),
            "denominator": eligible.to_numpy(dtype=np.float64),
        }
    )
    qip["value"] = qip["numerator"] / qip["denominator"].where(qip["denominator"] > 0)
    unasked = RowReasons(len(qip))
    unasked.add((qip["denominator"] <= 0).to_numpy(), "no_eligible_month")
    sums = last["dfc"].groupby("ccn")[["personnel", "contraindicated", "up_to_date"]].sum()
    sums = sums.reindex(places.eligible("dfc")).astype(np.float64)
    there = (sums["personnel"] - sums["contraindicated"]).to_numpy()
    has_personnel = there > 0
    dfc = pd.DataFrame(
        {
            "ccn": sums.index,
            "unit_count": np.nan_to_num(there),
            "numerator": sums["up_to_date"].to_numpy(),
            "denominator": there,
            "value": np.where(
                has_personnel, WHOLE["dfc"] * sums["up_to_date"] / np.maximum(there, 1), np.nan
            ),
        }
    )
    silent = RowReasons(len(dfc))
    silent.add(~has_personnel, "no_month_reported")
    return pd.concat(
        [
            _finish(VACCINATION, performance_year, places, dfc, silent, program="dfc"),
            _finish(VACCINATION, performance_year, places, qip, unasked),
        ],
        ignore_index=True,
    )


def assess_surveys(performance_year: int, places: Places, surveys: pd.DataFrame) -> pd.DataFrame:
    """Return the survey's compliance and its six parts, weighted by completed surveys (2.17).

    `surveys` is raw.ich_cahps_survey. A facility that attests fewer than 30 eligible patients need
    not survey them; one that does neither is not compliant.
    """
    mine = places.by_number("qip", surveys)
    ccns = places.eligible("qip")
    groups = mine.groupby("ccn")
    is_small = groups["is_attested_small"].any().reindex(ccns, fill_value=False).to_numpy(bool)
    done = mine[mine["is_administered"].astype(bool)]
    administered = done.groupby("ccn")["survey"].nunique().reindex(ccns, fill_value=0)
    completed = done.groupby("ccn")["completed_surveys"].sum().reindex(ccns, fill_value=0)
    count = completed.to_numpy(dtype=np.float64)
    attested = RowReasons(len(ccns))
    attested.add(is_small, "attested_too_few_patients")
    whole = pd.DataFrame(
        {
            "ccn": ccns,
            "unit_count": count,
            "patients": count,
            "numerator": np.where(is_small, np.nan, administered),
            "denominator": float(SURVEYS),
            "value": np.where(is_small, np.nan, administered / SURVEYS),
        }
    )
    parts = [_finish(SURVEY, performance_year, places, whole, attested)]
    for name, measure in SURVEY_PARTS.items():
        known = done.dropna(subset=[name])
        weight = known["completed_surveys"].astype(np.float64)
        top = (known[name].astype(np.float64) * weight).groupby(known["ccn"]).sum()
        # Whole numbers, divided once: a half of the published precision stays one, and rounds up.
        of_all = _PERCENT_PARTS * WHOLE["dfc"] * weight.groupby(known["ccn"]).sum()
        share = ((_PERCENT_PARTS * top).round() / of_all).reindex(ccns)
        frame = pd.DataFrame(
            {
                "ccn": ccns,
                "unit_count": count,
                "patients": count,
                "numerator": np.nan,
                "denominator": np.nan,
                "value": np.where(is_small, np.nan, share),
            }
        )
        reasons = RowReasons(len(ccns))
        reasons.add(is_small, "attested_too_few_patients")
        reasons.add(share.isna().to_numpy(), "no_completed_survey")
        parts.append(_finish(measure, performance_year, places, frame, reasons))
    return pd.concat(parts, ignore_index=True)


def sum_quarters(places: Places, quarters: pd.DataFrame) -> pd.DataFrame:
    """Return months, infections and predicted ones by ccn and quarter, whatever the number.

    A count missing in one of a quarter's reports is unknown: the sum of the others is too small.
    """
    sums = ["months_reported", "infections", "predicted_infections"]
    groups = places.by_number("qip", quarters).groupby(["ccn", "quarter"])[sums]
    whole = groups.sum().where(groups.count().eq(groups.size(), axis=0)).astype(np.float64)
    whole["months_reported"] = whole["months_reported"].clip(upper=QUARTER_MONTHS)
    return whole


def last_weeks(places: Places, program: Program, weeks: pd.DataFrame) -> pd.DataFrame:
    """Return the last whole week of each facility and month: its personnel of all categories.

    Reading 94: a week is of the month in which it ends; one that lacks one of the four required
    categories, or a number, is no report of a week, and the last whole one before it counts.
    """
    known = places.by_number(program, weeks).dropna(subset=["personnel", "up_to_date"])
    numbers = ["personnel", "contraindicated", "up_to_date"]
    known = known.drop_duplicates(["ccn", "week_end_date", "personnel_category"])
    counted = known.assign(contraindicated=known["contraindicated"].fillna(0))
    grouped = counted.groupby(["ccn", "week_end_date"])
    sums = grouped[numbers].sum()
    whole = sums[(grouped["personnel_category"].nunique() == len(PERSONNEL)).to_numpy()]
    rows = whole.reset_index().sort_values(["ccn", "week_end_date"])
    day = pd.to_datetime(rows["week_end_date"])
    return rows.assign(month=day.dt.to_period("M").dt.to_timestamp()).drop_duplicates(
        ["ccn", "month"], keep="last"
    )


def _finish(
    measure: str,
    performance_year: int,
    places: Places,
    frame: pd.DataFrame,
    given: RowReasons | None = None,
    *,
    program: Program = "qip",
) -> pd.DataFrame:
    """Return rows of the contract: not reportable for the reason given, else by the size rule."""
    specification = specify(measure, performance_year, program)
    entry, reasons = specification.entry, given or RowReasons(len(frame))
    count = frame["unit_count"].to_numpy(dtype=np.float64)
    add_size_reasons(reasons, entry, unit_count=count, expected=np.full(len(frame), np.nan))
    rows = frame.assign(
        performance_year=performance_year,
        program=program,
        measure=measure,
        unit=entry.unit,
        reason=reasons.code,
        reason_number=reasons.number,
        reportable=reasons.is_silent,
        category=None,
    ).reindex(columns=[column.name for column in CONTRACT_COLUMNS])
    mine = places.facilities[places.facilities["program"] == program]
    return list_facilities(specification, performance_year, rows, mine, nothing="nothing_reported")
