"""What an emergency did to an area's patients, against two comparison groups.

The design of Kelman et al., Dialysis care and death following Hurricane Sandy, Am J Kidney Dis
2015;65:109-115: the same area in the same weeks a year before, and states without an emergency in
the same weeks. Readings 270 to 275 and 294.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

import numpy as np
import pandas as pd

from esrd_pipeline.emergency.area import find_area
from esrd_pipeline.emergency.picture import make_request
from esrd_pipeline.emergency.status import OPEN, find_status
from esrd_pipeline.statistics.two_groups import Group, Ratio, compare_odds, compare_rates
from esrd_pipeline.tables.emergency import (
    COMPARISONS,
    EFFECT,
    ODDS,
    OUTCOMES,
    PERIODS,
    RATE,
)

DAYS_BEFORE, DAYS_AFTER, YEAR_DAYS = 30, 29, 364
"""As in `sql/emergency/facility_outcome.sql`."""
_WHOLE = ("facilities", "patients", "events")
_DAY, _YEAR_BEFORE = PERIODS
_SAME_AREA, _OTHER_STATES = COMPARISONS


class EffectDayError(ValueError):
    """The weeks around a day are not within a year's stored claims, or it has none of them."""


class Records(Protocol):
    """Where the frames come from: files and stored tables, or the tables of a run."""

    def read_directory(self) -> pd.DataFrame:
        """Return facility.directory."""
        ...

    def read_outcomes(self, day: date) -> pd.DataFrame:
        """Return emergency.facility_outcome of the day."""
        ...

    def read_inputs(self) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        """Return raw.facility_status, raw.disaster_declaration and raw.facility_asset."""
        ...


@dataclass(frozen=True, slots=True)
class _Outcome:
    """Columns of emergency.facility_outcome: events, and what they are counted against."""

    events: str
    amount: str
    kind: str
    unit: str


_COLUMNS: Mapping[str, _Outcome] = dict(
    zip(
        OUTCOMES,
        (
            _Outcome("dialysed_early", "patients", ODDS, "patients"),
            _Outcome("sessions", "usual_sessions", RATE, "usual sessions"),
            _Outcome("treated_elsewhere", "patients", ODDS, "patients"),
            _Outcome("emergency_visits", "patient_days", RATE, "patient-days"),
            _Outcome("admissions", "patient_days", RATE, "patient-days"),
            _Outcome("deaths", "patient_days", RATE, "patient-days"),
        ),
        strict=True,
    )
)


def check_day(day: date) -> None:
    """Reject a day whose weeks, or those a year before, a year's stored claims do not hold.

    Raises:
        EffectDayError: with the days that they hold.
    """
    first = date(day.year - 1, 1, 1) + timedelta(days=YEAR_DAYS + DAYS_BEFORE)
    last = date(day.year, 12, 31) - timedelta(days=DAYS_AFTER)
    if not first <= day <= last:
        raise EffectDayError(
            f"{day}: the {DAYS_BEFORE} days before, the 30 days from it on and those a year before"
            f" are not all in {day.year - 1} and {day.year}: a day from {first} to {last} is needed"
        )


def measure_effect(area: str, day: date, records: Records) -> pd.DataFrame:
    """Return emergency.effect of an area (as `find_area` takes it) and an emergency's first day.

    Raises:
        AreaError: there is no such area.
        EffectDayError: the weeks around the day are not stored, or nobody has a claim of them.
    """
    check_day(day)
    request = make_request(area, day)
    reports, declarations, _ = records.read_inputs()
    directory = records.read_directory()
    statuses = find_status(reports, request.at)
    _, ccns = find_area(request.area, directory, declarations, statuses)
    outcomes = records.read_outcomes(day)
    if not (outcomes["period"] == _DAY).any():
        raise EffectDayError(
            f"{day}: no patient in center of the nation has a session on a claim of the four weeks"
            f" before it: the claims of {day.year} are not there, or do not reach so far"
        )
    return estimate_effect(
        outcomes,
        day=day,
        area=request.area,
        ccns=ccns,
        unaffected=find_unaffected(directory, declarations, reports, day=day, ccns=ccns),
    )


def estimate_effect(
    outcomes: pd.DataFrame,
    *,
    day: date,
    area: str,
    ccns: frozenset[str],
    unaffected: frozenset[str],
) -> pd.DataFrame:
    """Return emergency.effect: every outcome against both comparison groups.

    Args:
        outcomes: emergency.facility_outcome of the day. Without a row of the year before, of any
            facility, that year has no claims, and nothing is known of the same area.
        day: the emergency's first day.
        area: the area's name, as asked for.
        ccns: its facilities.
        unaffected: those of states without an emergency (`find_unaffected`).
    """
    is_now = outcomes["period"] == _DAY
    mine = outcomes[is_now & outcomes["ccn"].isin(ccns)]
    before = outcomes[outcomes["period"] == _YEAR_BEFORE]
    others = {
        _SAME_AREA: None if before.empty else before[before["ccn"].isin(ccns)],
        _OTHER_STATES: outcomes[is_now & outcomes["ccn"].isin(unaffected)],
    }
    rows = [
        {
            "outcome": name,
            "comparison": comparison,
            "performance_year": day.year,
            "day": day,
            "area": area,
            **_compare(columns, mine, other),
        }
        for name, columns in _COLUMNS.items()
        for comparison, other in others.items()
    ]
    # Whole also beside cells that are not known or not shown: a CSV has 45, not 45.0.
    whole = {f"{prefix}{name}": "Int64" for prefix in ("", "comparison_") for name in _WHOLE}
    return pd.DataFrame(rows, columns=EFFECT.column_names).astype(whole)


def find_unaffected(
    directory: pd.DataFrame,
    declarations: pd.DataFrame,
    reports: pd.DataFrame,
    *,
    day: date,
    ccns: frozenset[str],
) -> frozenset[str]:
    """Return the facilities of states without an emergency in the weeks around a day (reading 275).

    Args:
        directory: facility.directory: ccn, state.
        declarations: raw.disaster_declaration.
        reports: raw.facility_status.
        day: the emergency's first day.
        ccns: the area's facilities, whose states are out.
    """
    first = pd.Timestamp(day) - pd.Timedelta(days=DAYS_BEFORE)
    last = pd.Timestamp(day) + pd.Timedelta(days=DAYS_AFTER)
    began = pd.to_datetime(declarations["incident_begin_date"])
    declared = declarations.loc[(began >= first) & (began <= last), "state"]
    since = pd.to_datetime(reports["from_at"].str[:10])
    is_hit = (reports["status"] != OPEN) & (since >= first) & (since <= last)
    hit = directory["ccn"].isin({*ccns, *reports.loc[is_hit, "ccn"]})
    affected = {*declared, *directory.loc[hit, "state"]}
    free = directory["state"].notna() & ~directory["state"].isin(affected)
    return frozenset(directory.loc[free, "ccn"])


def lacks_year_before(effects: pd.DataFrame) -> bool:
    """Return whether emergency.effect has no comparison with the year before (reading 294)."""
    is_before = effects["comparison"] == _SAME_AREA
    return bool(effects.loc[is_before, "comparison_facilities"].isna().all())


def _compare(
    columns: _Outcome, mine: pd.DataFrame, other: pd.DataFrame | None
) -> dict[str, object]:
    found = Ratio(np.nan, np.nan, np.nan)
    if other is not None:
        compare = compare_odds if columns.kind == ODDS else compare_rates
        found = compare(_group(columns, mine), _group(columns, other))
    return {
        "ratio_kind": columns.kind,
        "amount_unit": columns.unit,
        **_describe("", columns, mine),
        **_describe("comparison_", columns, other),
        "ratio": found.ratio,
        "lower": found.lower,
        "upper": found.upper,
    }


def _group(columns: _Outcome, rows: pd.DataFrame) -> Group:
    ordered = rows.sort_values("ccn")
    return Group(
        ordered[columns.events].to_numpy(dtype=np.float64),
        ordered[columns.amount].to_numpy(dtype=np.float64),
    )


def _describe(prefix: str, columns: _Outcome, rows: pd.DataFrame | None) -> dict[str, object]:
    """Return a group's numbers, which are null where nothing is known of it."""
    names = (*_WHOLE, "amount")
    if rows is None:
        return {f"{prefix}{name}": None for name in names}
    numbers = (
        len(rows),
        int(rows["patients"].sum()),
        int(rows[columns.events].sum()),
        float(rows[columns.amount].sum()),
    )
    return {f"{prefix}{name}": number for name, number in zip(names, numbers, strict=True)}
