"""Flags and stars of a facility in a scenario, by the rules that give the stored ones.

A scenario's events are as many more or fewer in the Dialysis Facility Measures' row as in the
QIP's, and its denominator is multiplied alike (reading 261). The empirical null, the national
levels and the star baseline stay the stored ones. What a test needs beyond the row's counts is kept
as it is: the spread of patients' events (reading 262). A test that needs more is not told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from esrd_pipeline.families.patient_months import WHOLE
from esrd_pipeline.parameters.register import RegisterEntry, find_measure
from esrd_pipeline.program.flags import flag_facilities
from esrd_pipeline.program.qip_rules import QipRules
from esrd_pipeline.program.star_scores import score_stars
from esrd_pipeline.statistics.empirical_null import FacilityNull, adjust_z, two_sided_p
from esrd_pipeline.statistics.facility_rates import (
    find_rate_error,
    find_rate_limits,
    find_rate_z,
)
from esrd_pipeline.statistics.poisson_binomial import adjust_counts, compare_counts
from esrd_pipeline.statistics.poisson_test import (
    find_exact_limits,
    find_exact_p,
    find_mid_z,
    find_null_limits,
)
from esrd_pipeline.tables import facility, measured, program
from esrd_pipeline.tables.catalog import TABLES_BY_NAME
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline.what_if.changes import Change, ScenarioError
from esrd_pipeline.what_if.refusals import list_scored

_SAME = 1e-9
_COUNTS = ("numerator", "denominator")
_RATED = ("ccn", "program", "measure", "value", "reportable", "denominator")
_RESULTS = ("ccn", "program", "measure", "category", "score")
Numbers = dict[str, float]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Judged:
    """What a scenario does to a facility's flags and stars.

    Attributes:
        flags: measure, value and category, both with the endings `_before` and `_after`; of the
            flagged measures that the scenario changes.
        rating: stars as stored and in the scenario; None without a rating.
        unknown: measures whose flag the scenario's numbers do not tell, and why.
    """

    flags: pd.DataFrame
    rating: tuple[int | None, int | None]
    unknown: Mapping[str, str]


def find_dfc_only(
    warehouse: Warehouse,
    year: int,
    changes: Sequence[Change],
    rules: QipRules,
    computed: frozenset[str],
) -> list[Change]:
    """Return the changes of measures that the facility's DFC row alone has: smr.numerator=3.

    So it is with one whose score in the QIP is the printed one, whatever its counts.
    """
    named = [change for change in changes if change.table == "contract"]
    if not named:
        return []
    rows = warehouse.read(
        measured.CONTRACT,
        year,
        columns=("program", "measure"),
        where={"ccn": named[0].ccn},
    )
    of_dfc, of_qip = (set(rows.loc[rows["program"] == of, "measure"]) for of in ("dfc", "qip"))
    printed = {
        rule.measure for rule in rules.measures if not list_scored(rule.measure, rules, computed)
    }
    return [
        change
        for change in named
        if change.measure in of_dfc - (of_qip - printed) and change.column in _COUNTS
    ]


def judge(warehouse: Warehouse, year: int, ccn: str, changes: Sequence[Change]) -> Judged:
    """Return flags and stars of a facility, as stored and in a scenario.

    Raises:
        ScenarioError: a count of the scenario cannot be a row's, or the stored flags are not what
            the stored rows give.
        MissingPartitionError: a table of the year is not stored.
    """
    own = warehouse.read(measured.CONTRACT, year, where={"ccn": ccn})
    rows = own[own["program"] == "dfc"].reset_index(drop=True)
    altered, unknown = rows.copy(), dict[str, str]()
    for measure in sorted({change.measure for change in changes if change.column in _COUNTS}):
        mine = [change for change in changes if change.measure == measure]
        is_row = rows["measure"] == measure
        if not is_row.any():
            continue
        row = rows[is_row].iloc[0]
        counts = _carry(row, own[(own["program"] == "qip") & (own["measure"] == measure)], mine)
        if counts is None:
            continue
        try:
            entry = find_measure(measure, "dfc", year)
            found = retest(entry, row, counts, _read_chances(warehouse, year, ccn, entry))
        except LookupError as why:
            unknown[measure] = str(why)
            continue
        for name, number in found.items():
            altered.loc[is_row, name] = number
    names = sorted(
        measure
        for measure in rows["measure"]
        if not _is_same(rows, altered, str(measure)) or measure in unknown
    )
    flags = _flag(warehouse, year, ccn, rows, altered)
    return Judged(
        flags[flags["measure"].isin(names) & ~flags["measure"].isin(list(unknown))],
        _rate(warehouse, year, ccn, rows, altered),
        unknown,
    )


def _carry(row: pd.Series, qip: pd.DataFrame, changes: Sequence[Change]) -> Numbers | None:
    """Return the row's counts in the scenario; None where it has none or they stay as they are."""
    counts = {name: float(row[name]) if pd.notna(row[name]) else np.nan for name in _COUNTS}
    before = dict(counts)
    for change in changes:
        if change.column not in _COUNTS:
            continue
        new = change.value
        if not qip.empty and pd.notna(qip[change.column].iloc[0]):
            old = float(qip[change.column].iloc[0])
            base = counts[change.column]
            new = base + new - old if change.column == "numerator" else base * new / old
        counts[change.column] = new
        if new < 0:
            raise ScenarioError(
                f"{change.where}: the Dialysis Facility Measures count"
                f" {before['numerator']:g} events of {change.measure}: they cannot be so many fewer"
            )
    unknown = any(np.isnan(number) for number in counts.values())
    return None if unknown or counts == before else counts


def _read_chances(warehouse: Warehouse, year: int, ccn: str, entry: RegisterEntry) -> Floats | None:
    """Return the event's probability of each discharge of the facility; None where not stored."""
    if entry.family != "discharges":
        return None
    cohort = TABLES_BY_NAME[f"cohort.{entry.measure}"]
    expected = measured.MODELLED[entry.measure].expected
    if expected is None or not (warehouse.has(cohort, year) and warehouse.has(expected, year)):
        return None
    key = ["patient_id", "stay"]
    mine = warehouse.read(
        cohort, year, columns=(*key, "program", "ccn"), where={"ccn": ccn, "program": "dfc"}
    )
    chances = warehouse.read(expected, year, where={"program": "dfc"})
    return mine.merge(chances, on=key)["expected"].to_numpy(float)


def retest(
    entry: RegisterEntry,
    row: pd.Series,
    counts: Numbers,
    chances: Floats | None,
) -> Numbers:
    """Return a row's counts, value, limits and test.

    `chances` are the probabilities of the facility's discharges, of a measure of these.

    Raises:
        LookupError: they do not follow from the counts; says why.
    """
    whole = WHOLE["dfc"] if entry.family in ("patient_months", "reporting") else 1.0
    stored = [float(row[name]) if pd.notna(row[name]) else np.nan for name in _COUNTS]
    expected = whole * stored[0] / stored[1] if stored[1] > 0 else np.nan
    value = float(row["value"]) if pd.notna(row["value"]) else np.nan
    if not abs(expected - value) <= _SAME * max(abs(value), 1):
        raise LookupError("its value is not observed over expected")
    top, bottom = (np.array([counts[name]]) for name in _COUNTS)
    if not bottom[0] > 0:
        raise LookupError("nothing is expected")
    found = {**counts, "value": float(whole * top[0] / bottom[0])}
    if entry.flag is None:
        return found
    null = FacilityNull(
        stratum=np.zeros(1, dtype=np.int64),
        mean=np.array([float(row["z_null_mean"])]),
        deviation=np.array([float(row["z_null_sd"])]),
    )
    match entry.family:
        case "recurrent_events":
            return found | _test_rate(row, top, bottom, null)
        case "survival":
            return found | _test_deaths(top, bottom, null)
        case "discharges" if chances is not None and counts["denominator"] == stored[1]:
            return found | _test_discharges(top, bottom, null, chances)
        case _:
            raise LookupError("its test needs the probabilities of patients' own events")


def _test_rate(row: pd.Series, top: Floats, bottom: Floats, null: FacilityNull) -> Numbers:
    """Return z, p-value and limits of a rate; its over-dispersion is in the stored error."""
    before = np.array([float(row["numerator"])])
    unit = find_rate_error(observed=before, scale=1.0)
    scale = float((float(row["standard_error"]) / unit[0]) ** 2)
    z = find_rate_z(observed=top, expected=bottom, scale=scale)
    lower, upper = find_rate_limits(
        observed=top, expected=bottom, scale=scale, mean=null.mean, deviation=null.deviation
    )
    found = {
        "z": z,
        "standard_error": find_rate_error(observed=top, scale=scale),
        "lower": lower,
        "upper": upper,
        "p_value": two_sided_p(adjust_z(z, mean=null.mean, deviation=null.deviation)),
    }
    return {name: float(of[0]) for name, of in found.items()}


def _test_deaths(top: Floats, bottom: Floats, null: FacilityNull) -> Numbers:
    """Return z, p-value and limits of a Poisson count: exact, or against the null it has."""
    if top[0] != np.floor(top[0]):
        raise LookupError("its events are whole")
    z = find_mid_z(top, bottom)
    if np.isnan(null.mean[0]):
        p_value = find_exact_p(top, bottom)
        lower, upper = find_exact_limits(top, bottom)
    else:
        p_value = two_sided_p(adjust_z(z, mean=null.mean, deviation=null.deviation))
        lower, upper = find_null_limits(top, bottom, mean=null.mean, deviation=null.deviation)
    names = ("z", "p_value", "lower", "upper")
    return {name: float(of[0]) for name, of in zip(names, (z, p_value, lower, upper), strict=True)}


def _test_discharges(top: Floats, bottom: Floats, null: FacilityNull, chances: Floats) -> Numbers:
    """Return z, p-value and limits of a count of discharges: exact, against the null.

    Each discharge's log-odds under the national norm is its offset, so that the norm is effect 0.
    """
    if top[0] != np.floor(top[0]) or top[0] > len(chances):
        raise LookupError("its events are whole, and at most its discharges")
    if abs(chances.sum() - bottom[0]) > _SAME * bottom[0]:
        raise LookupError("its stored discharges do not add up to its expected events")
    offset, codes = np.log(chances / (1 - chances)), np.zeros(len(chances), dtype=np.int64)
    compared = compare_counts(effect=0.0, offset=offset, facility=codes, observed=top)
    adjusted = adjust_counts(
        compared, offset=offset, facility=codes, mean=null.mean, deviation=null.deviation
    )
    return {
        "z": float(compared.z[0]),
        "p_value": float(adjusted.p_value[0]),
        "lower": float(adjusted.lower[0]),
        "upper": float(adjusted.upper[0]),
    }


def _is_same(before: pd.DataFrame, after: pd.DataFrame, measure: str) -> bool:
    rows = (frame[frame["measure"] == measure][list(_COUNTS)] for frame in (before, after))
    first, second = rows
    return first.equals(second)


def _flag(
    warehouse: Warehouse, year: int, ccn: str, before: pd.DataFrame, after: pd.DataFrame
) -> pd.DataFrame:
    """Flag the facility's rows as they are, which must give what is stored, and as altered."""
    national = warehouse.read(facility.LEVEL, year)
    results = warehouse.read(
        facility.PUBLISHED_RESULT, year, columns=_RESULTS[:-1], where={"program": "dfc"}
    )
    stored = warehouse.read(program.FLAGS, year, where={"ccn": ccn}).set_index("measure")
    first, second = (
        flag_facilities(
            performance_year=year,
            facilities=rows,
            national=national,
            published_results=results[results["ccn"] == ccn],
        )
        for rows in (before, after)
    )
    known = stored["category"].reindex(first["measure"]).to_numpy(object)
    if any(_text(old) != _text(new) for old, new in zip(known, first["category"], strict=True)):
        raise ScenarioError(
            f"{program.FLAGS.name} of {year} is not what its stored rows give: make the year again"
            f" with `esrd refresh --year {year}`"
        )
    names = ["measure", "value", "category"]
    return first[names].merge(second[names], on="measure", suffixes=("_before", "_after"))


def _text(category: object) -> str | None:
    return category if isinstance(category, str) else None


def _rate(
    warehouse: Warehouse, year: int, ccn: str, before: pd.DataFrame, after: pd.DataFrame
) -> tuple[int | None, int | None]:
    """Return the facility's stars, as stored and in the scenario, on the stored baseline."""
    stored = warehouse.read(program.STARS, year, where={"ccn": ccn})
    old = None if stored.empty or pd.isna(stored["rating"].iloc[0]) else stored["rating"].iloc[0]
    rating = None if old is None else int(old)
    if stored.empty or pd.isna(stored["baseline_year"].iloc[0]) or before.equals(after):
        return rating, rating
    contract = warehouse.read(measured.CONTRACT, year, columns=_RATED, where={"program": "dfc"})
    others = contract[contract["ccn"] != ccn]
    scored_by = (
        warehouse.read(measured.BASELINE_SCORED, year)
        if warehouse.has(measured.BASELINE_SCORED, year)
        else pd.DataFrame(columns=measured.BASELINE_SCORED.column_names)
    )
    rated = score_stars(
        performance_year=year,
        baseline=warehouse.read(program.STAR_BASELINE, int(stored["baseline_year"].iloc[0])),
        facilities=pd.concat([others, after[list(_RATED)]], ignore_index=True),
        directory=warehouse.read(facility.DIRECTORY, year),
        national=warehouse.read(facility.LEVEL, year),
        published_results=warehouse.read(
            facility.PUBLISHED_RESULT, year, columns=_RESULTS, where={"program": "dfc"}
        ),
        baseline_scored=scored_by,
    ).stars
    new = rated.loc[rated["ccn"] == ccn, "rating"].iloc[0]
    return rating, None if pd.isna(new) else int(new)
