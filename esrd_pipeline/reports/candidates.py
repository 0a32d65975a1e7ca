"""Facilities that a Network may help, or learn from, by priority and stated rule.

ESRD KHARES & 18 ESRD Networks: Networks mentor low-performing facilities, and best
practices come from high-performing ones. The rules, each of which a row names:

* `flag_worse`, `flag_better`: the year's flag of a measure (program.flags);
* `flag_worse_two_of_three_years`, `flag_better_two_of_three_years`: the same flag in at least two
  of the last three stored years, this one among them or not;
* `lowest_tenth`, `highest_tenth`: at most a tenth of the facilities with at least 11 patients are
  as bad, or as good, in a measure or an indicator. Facilities with equal values are in it together
  or not at all, so that a value which most have puts nobody there.

`parameters/priority.csv` tells what serves which priority, and its better side.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from esrd_pipeline.parameters.priorities import Indicator, Service
from esrd_pipeline.tables.network import CANDIDATE

LEAST_PATIENTS = 11
YEARS, LEAST_YEARS = 3, 2
"""Years that are looked at, and how many of them must have the flag."""
PARTS = 10
"""The lowest or highest part is one of so many."""
PERCENT = 100
PATIENT_UNITS = ("patients", "patient-months")
_SERVED = ["priority", "kind", "program", "name"]
_SIZED = [*_SERVED, "direction", "ccn", "value", "size", "size_unit", "events"]


def find_candidates(
    *,
    performance_year: int,
    services: Iterable[Service],
    indicators: Iterable[Indicator],
    ccns: Iterable[str],
    contract: pd.DataFrame,
    flags: Mapping[int, pd.DataFrame],
    monthly: pd.DataFrame | None,
) -> pd.DataFrame:
    """Return the rows of network.candidate.

    Args:
        performance_year: the year.
        services: what serves which priority.
        indicators: what the indicators are.
        ccns: the facilities of the year's directory; no other is a candidate.
        contract: facility.contract.
        flags: program.flags of this year and of earlier ones, by year.
        monthly: the facilities' rows of network.indicator; None in a year of published files alone.
    """
    served = pd.DataFrame(
        [(s.priority, s.kind, s.program, s.name, s.direction) for s in services if s.direction],
        columns=[*_SERVED, "direction"],
    )
    known = sorted(set(ccns))
    valued = _value_measures(served, contract)
    if monthly is not None:
        by_year = summarise_year(monthly, indicators)
        of_indicators = served[served["kind"] == "indicator"].merge(by_year, on="name")
        valued = pd.concat([valued, of_indicators[_SIZED]], ignore_index=True)
    valued = valued[valued["ccn"].isin(known)]
    here = {year: frame[frame["ccn"].isin(known)] for year, frame in flags.items()}
    parts = [
        _find_flagged(served, here.get(performance_year)),
        _find_persistent(served, performance_year, here),
        _find_tenths(valued),
    ]
    parts = [part for part in parts if not part.empty]
    if not parts:
        return pd.DataFrame(columns=CANDIDATE.column_names)
    rows = pd.concat(parts, ignore_index=True).assign(performance_year=performance_year)
    return rows.sort_values(list(CANDIDATE.key), ignore_index=True)[CANDIDATE.column_names]


def summarise_year(monthly: pd.DataFrame, indicators: Iterable[Indicator]) -> pd.DataFrame:
    """Return each facility's value of the year: name, ccn, value, size, size_unit and events.

    Sums of the months are divided once; what is asked of the year so far is that of its last month.
    Left out are facilities with fewer units than 11 patients have.
    """
    rules = pd.DataFrame(
        [
            (i.name, i.denominator_unit, i.is_of_last_month, i.least_units, i.unit)
            for i in indicators
        ],
        columns=["indicator", "size_unit", "is_of_last_month", "least_units", "scale_unit"],
    )
    rows = monthly.merge(rules, on="indicator").sort_values(["indicator", "group_name", "month"])
    group = ["indicator", "group_name"]
    is_last = ~rows.duplicated(group, keep="last")
    rows = rows[is_last | ~rows["is_of_last_month"].to_numpy(bool)]
    sums = rows.groupby(group, as_index=False).agg(
        numerator=("numerator", "sum"),
        size=("denominator", "sum"),
        size_unit=("size_unit", "first"),
        least_units=("least_units", "first"),
        scale_unit=("scale_unit", "first"),
    )
    sums = sums[sums["size"] >= sums["least_units"]]
    scale = np.where(sums["scale_unit"] == "share", 1, PERCENT)
    is_of_patients = sums["size_unit"].isin(PATIENT_UNITS)
    return sums.assign(
        value=scale * sums["numerator"] / sums["size"],
        events=sums["numerator"].astype(np.float64).where(is_of_patients),
    ).rename(columns={"indicator": "name", "group_name": "ccn"})[
        ["name", "ccn", "value", "size", "size_unit", "events"]
    ]


def _value_measures(served: pd.DataFrame, contract: pd.DataFrame) -> pd.DataFrame:
    """Return the reportable values of at least 11 patients, or units where patients are not known.

    Where a published file tells neither, CMS's own minimum is all there is.
    """
    rows = contract[contract["reportable"].astype(bool) & contract["value"].notna()]
    measured = served[served["kind"] == "measure"].merge(
        rows.rename(columns={"measure": "name"}), on=["program", "name"]
    )
    patients = measured["patients"].astype(np.float64)
    units = measured["unit_count"].astype(np.float64)
    measured["size"] = patients.fillna(units)
    measured["size_unit"] = measured["unit"].where(patients.isna(), "patients")
    measured["size_unit"] = measured["size_unit"].where(measured["size"].notna(), None)
    measured["events"] = np.nan
    is_large = measured["size"].isna() | (measured["size"] >= LEAST_PATIENTS)
    return measured.loc[is_large, _SIZED]


def _find_flagged(served: pd.DataFrame, flags: pd.DataFrame | None) -> pd.DataFrame:
    if flags is None:
        return pd.DataFrame()
    rows = _join_flags(served, flags)
    rows["facility_count"] = rows.groupby(_SERVED)["ccn"].transform("size")
    rows = rows[rows["category"].isin(["worse", "better"]) & rows["reference"].notna()]
    return rows.assign(
        rule="flag_" + rows["category"],
        standing=rows["category"].map({"worse": "low", "better": "high"}),
        cut_off=rows["reference"],
        size=rows["unit_count"],
        size_unit=rows["unit"].where(rows["unit_count"].notna(), None),
        events=np.nan,
    )


def _find_persistent(
    served: pd.DataFrame, performance_year: int, flags: Mapping[int, pd.DataFrame]
) -> pd.DataFrame:
    years = sorted((year for year in flags if year <= performance_year), reverse=True)[:YEARS]
    if len(years) < LEAST_YEARS:
        return pd.DataFrame()
    rows = _join_flags(served, pd.concat([flags[year] for year in years], ignore_index=True))
    rows = rows.assign(
        years=1, worse=rows["category"] == "worse", better=rows["category"] == "better"
    )
    counts = rows.groupby([*_SERVED, "ccn"], as_index=False)[["years", "worse", "better"]].sum()
    counts = counts[counts["years"] >= LEAST_YEARS]
    counts["facility_count"] = counts.groupby(_SERVED)["ccn"].transform("size")
    parts = [
        counts[counts[category] >= LEAST_YEARS].assign(
            rule=f"flag_{category}_two_of_three_years",
            standing=standing,
            value=lambda rows, category=category: rows[category].astype(np.float64),
            cut_off=float(LEAST_YEARS),
            size=np.nan,
            size_unit=None,
            events=np.nan,
        )
        for category, standing in (("worse", "low"), ("better", "high"))
    ]
    return pd.concat(parts, ignore_index=True)


def _join_flags(served: pd.DataFrame, flags: pd.DataFrame) -> pd.DataFrame:
    """Return the categories by what they serve; only Dialysis Facility Measures are flagged."""
    rows = flags[flags["category"].notna()].rename(columns={"measure": "name"})
    is_flagged = (served["kind"] == "measure") & (served["program"] == "dfc")
    return served[is_flagged].merge(rows, on="name")


def _find_tenths(valued: pd.DataFrame) -> pd.DataFrame:
    """Return who is in the lowest or highest tenth of what they are judged on."""
    if valued.empty:
        return pd.DataFrame()
    value = valued["value"].astype(np.float64)
    rows = valued.assign(value=value, goodness=value.where(valued["direction"] == "higher", -value))
    groups = rows.groupby(_SERVED)["goodness"]
    rows["facility_count"] = groups.transform("size")
    parts = []
    for rule, standing, is_low in (("lowest_tenth", "low", True), ("highest_tenth", "high", False)):
        as_far = groups.rank(method="max", ascending=is_low)
        mine = rows[as_far * PARTS <= rows["facility_count"]].assign(rule=rule, standing=standing)
        last = mine.groupby(_SERVED)["goodness"].transform("max" if is_low else "min")
        parts.append(mine.assign(cut_off=last.where(mine["direction"] == "higher", -last)))
    return pd.concat(parts, ignore_index=True)
