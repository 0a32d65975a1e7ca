"""Every measure of the nation, Networks, states, chains and facilities: rows of report.trend.

Observed and expected events, numerators and denominators, are summed over facilities and divided
once; a facility has its row of the contract. Sums run over reportable facilities whose numbers are
shown, so that a group less its facilities tells nothing of the others (reading 195). Manual
2.10.14, 2.12.16, 2.13.16, 2.14.15, 2.15.15, 2.25.17, 2.26.15, 2.27.15 and reading 196 have the
limits.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from esrd_pipeline.families.levels import find_national_rate
from esrd_pipeline.measures.specification import WHOLE
from esrd_pipeline.parameters.register import list_measures
from esrd_pipeline.reports.suppression import SMALLEST_SHOWN, find_few
from esrd_pipeline.sources.published_fields import load_measures
from esrd_pipeline.statistics.summed import (
    find_poisson_limits,
    find_proportion_limits,
    find_ratio_limits,
    list_proportion_squares,
    list_ratio_squares,
)
from esrd_pipeline.tables.facility import CATEGORIES
from esrd_pipeline.tables.trend import (
    FACILITY,
    LEVELS,
    LIMITS,
    MEAN,
    NATION,
    NOTHING,
    SUMMED,
    TREND,
    UNADJUSTED,
    UNKNOWN,
)

MEASURE = ["program", "measure"]
KEY = ["level", "group_name", *MEASURE]
SUMS = ["unit_count", "patients", "numerator", "denominator"]
COUNTS = ["facility_count", "summed_count"]
FLAGS = [f"{name}_count" for name in CATEGORIES]
SUPPRESSED = "suppressed_small_count"
_UNKNOWN = ["squares_unknown", "unsummed", "patients_unknown", "units_unknown"]
_PLACES = {"network": "network", "state": "state", "chain": "chain_organization"}
_RATIO_FAMILIES = {
    "recurrent_events": "standard errors",
    "survival": "mid-p Poisson",
    "discharges": "exact Poisson",
}
NO_RATE = 1e-3
"""A quotient this near to the value, at printed digits, is the value: a ratio, and not a rate."""
_EXACT = ("swr", "smosr")
_RATIO_OF_REPORTS = "nhsn_bsi"


def combine_trend(
    *,
    performance_year: int,
    contract: pd.DataFrame,
    level: pd.DataFrame,
    directory: pd.DataFrame,
    flags: pd.DataFrame,
) -> pd.DataFrame:
    """Return report.trend of a year.

    Args:
        performance_year: the year of all frames.
        contract: facility.contract.
        level: facility.level.
        directory: facility.directory.
        flags: program.flags, which flags rows that are published; computed ones have their own.
    """
    rows = _prepare(performance_year, contract, directory, flags)
    summed = _prepare_sums(rows)
    scales = _find_scales(summed)
    groups = [name for name in LEVELS if name != FACILITY]
    parts = [_list_facilities(rows), *(_sum_groups(summed, scales, name) for name in groups)]
    table = pd.concat([part for part in parts if not part.empty] or parts[:1], ignore_index=True)
    published = level.loc[level["source"] != "computed", [*MEASURE, "source"]]
    table = table.merge(level[[*MEASURE, "national"]], on=MEASURE, how="left").merge(
        published, on=MEASURE, how="left"
    )
    table = _take_published(table, performance_year)
    counts = [*COUNTS, *FLAGS]
    table[counts] = table[counts].astype("Int64")
    table = table.assign(performance_year=performance_year)
    return table.sort_values(KEY, ignore_index=True)[TREND.column_names]


def _prepare(
    performance_year: int, contract: pd.DataFrame, directory: pd.DataFrame, flags: pd.DataFrame
) -> pd.DataFrame:
    """Return the contract's rows with their groups, kinds and flags."""
    numbers = [*SUMS, "value", "rate", "lower", "upper", "standard_error", "reason_number"]
    names = ["ccn", *MEASURE, "origin", "unit", "reportable", "reason", "category"]
    rows = contract[[*names, *numbers]].astype(dict.fromkeys(numbers, float))
    rows["reportable"] = rows["reportable"].astype(bool)
    rows["is_summed"] = find_summed(contract).to_numpy(bool)
    places = directory[["ccn", *_PLACES.values()]]
    rows = rows.merge(places, on="ccn", how="left", validate="many_to_one")
    for column in _PLACES.values():
        known = rows[column].astype("Int64") if column == "network" else rows[column]
        rows[column] = known.astype("string").fillna(UNKNOWN).astype(object)
    flagged = flags[["ccn", "measure", "category"]].rename(columns={"category": "flag"})
    rows = rows.merge(flagged.assign(program="dfc"), on=["ccn", *MEASURE], how="left")
    is_own = rows["origin"] == "computed"
    category = rows["category"].where(is_own, rows["flag"]).where(rows["reportable"])
    for name in CATEGORIES:
        rows[f"{name}_count"] = (category == name).astype(int)
    rows["facility_count"] = rows["reportable"].astype(int)
    rows["summed_count"] = rows["is_summed"].astype(int)
    return rows.merge(_list_kinds(performance_year), on=MEASURE, how="left", validate="many_to_one")


def find_summed(contract: pd.DataFrame) -> pd.Series:
    """Return which rows of the contract are in sums: reportable, and not of one to ten patients."""
    key = ["program", "measure", "ccn"]
    few = pd.MultiIndex.from_frame(find_few(contract)[key])
    return contract["reportable"].astype(bool) & ~pd.MultiIndex.from_frame(contract[key]).isin(few)


def _prepare_sums(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the facilities' rows as they are summed, with the variances of their events."""
    # The QIP's numerators of these are values times the nation's months: their sum says nothing.
    is_mean = rows["by"] == MEAN
    masked = rows.assign(by=rows["by"].mask(is_mean & (rows["origin"] != "computed"), SUMMED))
    masked[["numerator", "denominator"]] = rows[["numerator", "denominator"]].mask(is_mean)
    return _add_squares(masked)


def _list_kinds(performance_year: int) -> pd.DataFrame:
    """Return how each measure of the register is summed, and the method of its limits."""
    kinds = []
    for program in WHOLE:
        for entry in list_measures(program, performance_year):
            is_ratio = entry.family in _RATIO_FAMILIES or entry.measure == _RATIO_OF_REPORTS
            limits = _RATIO_FAMILIES.get(entry.family)
            if entry.measure in _EXACT:
                limits = "exact Poisson"
            elif not is_ratio and entry.family in ("patient_months", "reporting"):
                limits = "standard errors"
            by = SUMMED
            if entry.family == "access":
                by = UNADJUSTED if program == "dfc" else MEAN
            kinds.append(
                {
                    "program": program,
                    "measure": entry.measure,
                    "is_ratio": is_ratio,
                    "whole": 1.0 if is_ratio else WHOLE[program],
                    "by": by,
                    "kind_of_limits": limits,
                }
            )
    return pd.DataFrame(kinds)


def _add_squares(rows: pd.DataFrame) -> pd.DataFrame:
    """Add the variance of each facility's events, and how many rows lack a sum."""
    error = rows["standard_error"].to_numpy(float)
    top, bottom = (rows[name].to_numpy(float) for name in ("numerator", "denominator"))
    squares = np.where(
        rows["is_ratio"].to_numpy(bool),
        list_ratio_squares(observed=top, standard_error=error),
        list_proportion_squares(numerator=top, denominator=bottom, logit_error=error),
    )
    return rows.assign(
        squares=squares,
        squares_unknown=np.isnan(squares).astype(int),
        unsummed=(np.isnan(top) | np.isnan(bottom)).astype(int),
        patients_unknown=rows["patients"].isna().astype(int),
        units_unknown=rows["unit_count"].isna().astype(int),
    )


def _list_facilities(rows: pd.DataFrame) -> pd.DataFrame:
    """Return every facility's row: the contract's numbers where they may be shown."""
    shown = rows["reportable"] & (rows["value"].notna() | rows["rate"].notna())
    numbers = [*SUMS, "value", "rate", "lower", "upper"]
    table = rows[[*MEASURE, "unit", *COUNTS, *FLAGS, *numbers, "reason_number"]].assign(
        level=FACILITY,
        group_name=rows["ccn"],
        method=np.where(shown, FACILITY, NOTHING),
        reason=rows["reason"].astype(object).mask(rows["reportable"], "no_value").mask(shown),
    )
    table[numbers] = table[numbers].where(shown)
    has_limits = table["lower"].notna() | table["upper"].notna()
    return table.assign(limits=pd.Series("contract", table.index, object).where(has_limits))


def _sum_groups(rows: pd.DataFrame, scales: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the sums of one level's groups, their quotients and limits."""
    group = NATION if name == NATION else rows[_PLACES[name]]
    labelled = rows.assign(group_name=group)
    keys = ["group_name", *MEASURE]
    added = [*SUMS, "value", "squares", *_UNKNOWN]
    counts = labelled.groupby(keys, sort=True)[[*COUNTS, *FLAGS]].sum().reset_index()
    shown = labelled[labelled["is_summed"]]
    sums = shown.groupby(keys, sort=True)[added].sum().reset_index()
    table = counts.merge(sums, on=keys, how="left").merge(scales, on=MEASURE, how="left")
    table["patients"] = table["patients"].where(table["patients_unknown"] == 0)
    table["unit_count"] = table["unit_count"].where(table["units_unknown"] == 0)
    is_mean = (table["by"] == MEAN) & (table["summed_count"] > 0)
    is_summed = (table["unsummed"] == 0) & (table["denominator"] > 0)
    table[["numerator", "denominator"]] = table[["numerator", "denominator"]].where(is_summed)
    quotient = table["numerator"] / table["denominator"]
    # Rounded once, as a facility's value is.
    value, rate = (
        (table[scale] * table["numerator"] / table["denominator"]).where(quotient != 0, 0.0)
        for scale in ("scale", "rate_scale")
    )
    reason = (
        pd.Series("nothing_in_denominator", table.index, object)
        .mask(table["unsummed"] > 0, "sums_not_printed")
        .mask(table["summed_count"] == 0, SUPPRESSED)
        .mask(table["facility_count"] == 0, "no_reportable_facility")
        .mask(is_summed | is_mean)
    )
    table = table.assign(
        level=name,
        value=value.mask(is_mean, table["value"] / table["summed_count"]),
        rate=rate.where(table["rate_scale"].notna()),
        method=np.where(is_summed | is_mean, table["by"], NOTHING),
        reason=reason,
        reason_number=np.where(reason == SUPPRESSED, float(SMALLEST_SHOWN), np.nan),
    )
    return _add_limits(table, is_summed)


def _find_scales(rows: pd.DataFrame) -> pd.DataFrame:
    """Return each measure's value and rate where its quotient of sums is 1, and its kind.

    In the QIP a ratio's value is its rate, as its files print it.
    """
    found = []
    for (program, measure), mine in rows.groupby(MEASURE, sort=True):
        kind = mine.iloc[0]
        quotient = mine["numerator"] / mine["denominator"]
        rate_scale = find_national_rate(mine.assign(value=quotient))
        scale = kind["whole"]
        if kind["is_ratio"] and program == "qip":
            known = find_national_rate(mine.assign(value=quotient, rate=mine["value"]))
            if np.isfinite(known) and abs(known - 1) > NO_RATE:
                scale = rate_scale = known
        found.append(
            {
                "program": program,
                "measure": measure,
                "scale": scale,
                "rate_scale": rate_scale,
                "unit": next(iter(mine["unit"].dropna()), None),
                "is_ratio": kind["is_ratio"],
                "by": kind["by"],
                "kind_of_limits": kind["kind_of_limits"] if mine["lower"].notna().any() else None,
            }
        )
    columns = [*MEASURE, "scale", "rate_scale", "unit", "is_ratio", "by", "kind_of_limits"]
    return pd.DataFrame(found, columns=columns)


def _add_limits(table: pd.DataFrame, is_summed: pd.Series) -> pd.DataFrame:
    """Add the limits of summed groups, by the measure's method."""
    lower, upper = np.full((2, len(table)), np.nan)
    squares = table["squares"].where(table["squares_unknown"] == 0).to_numpy(float)
    top, bottom = (table[name].to_numpy(float) for name in ("numerator", "denominator"))
    whole = is_summed & (table["by"] == SUMMED)
    for kind, is_ratio, place in _list_places(table, whole):
        if not place.size:
            continue
        seen, due = top[place], bottom[place]
        if kind != "standard errors":
            found = find_poisson_limits(observed=seen, expected=due, is_mid=kind == "mid-p Poisson")
        elif is_ratio:
            found = find_ratio_limits(observed=seen, expected=due, squares=squares[place])
        else:
            found = find_proportion_limits(numerator=seen, denominator=due, squares=squares[place])
        lower[place], upper[place] = found
    scale = table["scale"].to_numpy(float)
    has_limits = ~(np.isnan(lower) & np.isnan(upper))
    return table.assign(
        lower=scale * lower,
        upper=scale * upper,
        limits=table["kind_of_limits"].where(has_limits),
    )


def _list_places(table: pd.DataFrame, whole: pd.Series) -> Iterator[tuple[str, bool, np.ndarray]]:
    """Yield each kind of limits, whether it is of ratios, and its rows."""
    is_ratio = table["is_ratio"].to_numpy(bool)
    for kind in LIMITS:
        is_mine = (whole & (table["kind_of_limits"] == kind)).to_numpy(bool)
        for of_ratios in (True, False):
            yield kind, of_ratios, np.flatnonzero(is_mine & (is_ratio == of_ratios))


def _take_published(table: pd.DataFrame, performance_year: int) -> pd.DataFrame:
    """Give the nation CMS's own level where its facilities have no sums."""
    is_open = (table["level"] == NATION) & (table["method"] == NOTHING)
    is_open &= table["source"].notna() & table["national"].notna()
    is_rate = find_published_as_rate(table, performance_year)
    for column, mine in (("rate", is_open & is_rate), ("value", is_open & ~is_rate)):
        table[column] = table[column].where(~mine, table["national"])
    table["method"] = table["method"].where(~is_open, table["source"])
    table["reason"] = table["reason"].where(~is_open)
    return table


def find_published_as_rate(table: pd.DataFrame, performance_year: int) -> pd.Series:
    """Return which rows are of a measure whose national level is a rate."""
    known = {
        f"{measure.program} {measure.measure}"
        for measure in load_measures("contract", performance_year)
        if measure.divide_by_national
    }
    return (table["program"] + " " + table["measure"]).isin(known)
