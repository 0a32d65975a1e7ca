"""Facilities of a performance year that may be scored in the QIP.

Certification date, in-center hemodialysis and granted exceptions decide which facilities are
excluded.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from esrd_pipeline.parameters.reasons import RowReasons, number_of_day
from esrd_pipeline.program.qip_arithmetic import Bools, Units
from esrd_pipeline.program.qip_rules import MeasureRule, QipRules

Days = NDArray[np.datetime64]

_MONTHS = 12
_MONTHS_BEFORE_REPORTING = 4
"""A new facility reports from the first day of the fourth month after certification (3.5)."""


@dataclass(frozen=True, slots=True)
class Facilities:
    """The facilities of the year, in order of CCN, with the facts that may exclude them.

    `certified` is NaT where unknown. `granted` has one column per month of the year, true where
    an ECE covers the month. `lacks_in_center` is true only where the services are known.
    """

    ccns: pd.Index
    performance_year: int
    certified: Days
    lacks_in_center: Bools
    granted: Bools

    @property
    def count(self) -> int:
        """The number of facilities."""
        return len(self.ccns)

    def eligible_months(self) -> Units:
        """Count the months a facility must report: after its start (3.5), outside ECEs (3.4)."""
        months = np.arange(_MONTHS) + (self.performance_year - 1970) * _MONTHS
        start = self.certified.astype("datetime64[M]").astype(np.int64) + _MONTHS_BEFORE_REPORTING
        start = np.where(np.isnat(self.certified), months[0], start)
        return ((months >= start[:, None]) & ~self.granted).sum(axis=1)


def gather_facilities(
    *,
    performance_year: int,
    directory: pd.DataFrame,
    current: pd.DataFrame,
    ece_grants: pd.DataFrame,
) -> Facilities:
    """Collect the facilities of the directory and the QIP contract, and what may exclude them.

    A row of `ece_grants` covers whole months, from `first_month` to `last_month`, both included.
    """
    listed = directory.loc[directory["has_qip_row"].astype(bool), "ccn"]
    ccns = pd.Index(sorted({*listed.unique(), *current["ccn"].unique()}), dtype=object, name="ccn")
    # What is not in the directory is not known, also where nobody is in it.
    known = directory.set_index("ccn").reindex(ccns)
    certified = pd.to_datetime(known["certification_date"]).to_numpy(dtype="datetime64[D]")
    offers = known["has_in_center_hemodialysis"].astype("boolean")
    return Facilities(
        ccns=ccns,
        performance_year=performance_year,
        certified=certified,
        lacks_in_center=~offers.to_numpy(dtype=bool, na_value=True),
        granted=_granted_months(ccns, ece_grants, performance_year),
    )


def list_unplaced(
    ece_grants: pd.DataFrame, ccns: pd.Series, performance_year: int
) -> tuple[str, ...]:
    """List the numbers with an exception in the year that none of the facilities has (3.4)."""
    first, last = (pd.to_datetime(ece_grants[name]) for name in ("first_month", "last_month"))
    is_of_year = (first.dt.year <= performance_year) & (last.dt.year >= performance_year)
    numbers = ece_grants.loc[is_of_year & ~ece_grants["ccn"].isin(ccns), "ccn"]
    return tuple(sorted(numbers.unique()))


def exclude(rule: MeasureRule, facilities: Facilities) -> RowReasons:
    """Find why facilities may not be scored on a measure whatever their data are.

    Certification date, services and granted exceptions: manual 2.8.8, 2.9.4, 2.17.6, 2.18.6,
    2.19.8, 2.20.8, 2.22.8 to 2.24.8, Table 17.
    """
    reasons = RowReasons(facilities.count)
    if rule.cutoff is not None:
        day = rule.cutoff.on(facilities.performance_year)
        is_late = facilities.certified >= np.datetime64(day)
        reasons.add(is_late, "certified_too_late", number_of_day(day))
    if rule.requires_in_center_hemodialysis:
        reasons.add(facilities.lacks_in_center, "no_in_center_hemodialysis")
    granted = facilities.granted
    if rule.ece_rule == "facility":
        reasons.add(np.any(granted, axis=1), "exception_granted")
    else:
        reasons.add(np.all(granted, axis=1), "all_months_excepted")
    return reasons


def leave_excluded(
    rates: pd.DataFrame,
    *,
    rules: QipRules,
    performance_year: int,
    directory: pd.DataFrame,
    ece_grants: pd.DataFrame,
) -> pd.DataFrame:
    """Return a year's rows of the contract, with those of excluded facilities not reportable.

    A facility that a measure excludes has no rate in that year (4.1): it is in no percentile of
    the year, and its improvement is not measured against it (4.1.2.2). A computed row has a value
    all the same, because these exclusions are rules of the payment year (reading 300). Where rows
    have reasons, one without gets that of the exclusion.

    Args:
        rates: rows of `facility.contract`; those of other programs stay as they are.
        rules: the payment year that is scored, whose rules hold for each of its years.
        performance_year: the year of the rates.
        directory: `facility.directory` of that year.
        ece_grants: exceptions of that year, as in `gather_facilities`.
    """
    facilities = gather_facilities(
        performance_year=performance_year,
        directory=directory,
        current=rates,
        ece_grants=ece_grants,
    )
    at = facilities.ccns.get_indexer(pd.Index(rates["ccn"]))
    is_qip = (rates["program"] == "qip").to_numpy(dtype=bool)
    reasons = RowReasons(len(rates))
    for rule in rules.measures:
        why = exclude(rule, facilities)
        is_mine = is_qip & (rates["measure"] == rule.measure).to_numpy(dtype=bool)
        reasons.add(is_mine, why.code[at], why.number[at])
    reportable = rates["reportable"].where(reasons.is_silent, other=False)
    if "reason" not in rates.columns:
        return rates.assign(reportable=reportable)
    is_told = rates["reason"].notna().to_numpy(dtype=bool)
    return rates.assign(
        reportable=reportable,
        reason=rates["reason"].where(is_told, reasons.code),
        reason_number=rates["reason_number"].astype(float).where(is_told, reasons.number),
    )


def _granted_months(ccns: pd.Index, ece_grants: pd.DataFrame, performance_year: int) -> Bools:
    granted = np.zeros((len(ccns), _MONTHS), dtype=bool)
    rows = ccns.get_indexer(pd.Index(ece_grants["ccn"]))
    first = pd.to_datetime(ece_grants["first_month"])
    last = pd.to_datetime(ece_grants["last_month"])
    for month in range(_MONTHS):
        day = pd.Timestamp(date(performance_year, month + 1, 1))
        starts_in_time = (first <= day + pd.offsets.MonthEnd(0)).to_numpy()
        covers = starts_in_time & (last >= day).to_numpy() & (rows >= 0)
        granted[rows[covers], month] = True
    return granted
