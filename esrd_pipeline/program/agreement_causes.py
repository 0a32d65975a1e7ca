"""What a published file's digits leave open of a result, and why it may differ from CMS's.

A file prints rates and limits rounded; CMS computed with more digits. `low` and `high` are the
results that the printed numbers allow: where they are not the same, the file cannot tell which is
CMS's (reading 181).
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from esrd_pipeline.parameters.register import RegisterEntry, find_measure
from esrd_pipeline.program.qip_arithmetic import (
    Bools,
    Floats,
    score_achievement,
    score_improvement,
    to_units,
)
from esrd_pipeline.sources.published_fields import load_measures

CATEGORY = {"worse": -1.0, "as": 0.0, "better": 1.0}
APPLIED = {"achievement": 0.0, "improvement": 1.0}
_MOST_DIGITS = 4
_FAMILY_OF_LOGARITHMS = "recurrent_events"
"""Of a facility without events these measures' method has neither interval nor test (2.12.16)."""
_PERIOD_END = "%d%b%Y"
_HALF = 5
"""Half a unit of a rate's last printed decimal, in units of the decimal after it."""
Values = pd.Series | Floats
Keys = Collection[tuple[str, str]]
"""Programs and measures that are computed from patients: they carry every digit."""


@dataclass(frozen=True, slots=True)
class Results:
    """Results of one program and kind: `frame` has them by facility and measure.

    Its columns are ours, low and high, why ours may differ, and why we have none.
    """

    program: str
    kind: str
    frame: pd.DataFrame


def plain_results(
    rows: pd.DataFrame, program: str, kind: str, measure: pd.Series | str, value: pd.Series
) -> Results:
    """Return results that no printed number leaves open."""
    ours = value.astype("float64")
    return _make(rows, program, kind, measure, ours, low=ours, high=ours, cause=None, rounding=None)


def flag_results(
    performance_year: int, flags: pd.DataFrame, levels: pd.DataFrame, computed: Keys
) -> Results:
    """Return categories; one is open where a printed limit equals the reference.

    The causes of other differences: no event was seen, so that the method gives no interval; the
    printed interval excludes the reference, but a test that is not printed decided.
    """
    dfc = levels[levels["program"] == "dfc"]
    national = dict(zip(dfc["measure"], dfc["national"].astype(float), strict=True))
    as_rates = {
        measure.measure
        for measure in load_measures("contract", performance_year)
        if measure.program == "dfc" and measure.divide_by_national
    }
    parts = []
    for name, rows in flags.groupby("measure", sort=True):
        measure = str(name)
        entry = find_measure(measure, "dfc", performance_year)
        scale = national.get(measure, np.nan) if measure in as_rates else 1.0
        is_computed = ("dfc", measure) in computed
        parts.append(_flags_of(entry, rows, scale, is_computed=is_computed))
    frame = pd.concat([part.frame for part in parts], ignore_index=True) if parts else _nothing()
    return Results("dfc", "flag", frame)


def _flags_of(
    entry: RegisterEntry, rows: pd.DataFrame, scale: float, *, is_computed: bool
) -> Results:
    """Return one measure's categories; `scale` converts its limits to the printed numbers."""
    ours = _floats(rows["category"].map(CATEGORY))
    value, reference = _floats(rows["value"]), _floats(rows["reference"])
    above = 1.0 if entry.direction == "higher" else -1.0
    by_interval = rows["method"].to_numpy(object) == "interval"
    possible = [ours]
    for name, side in (("lower", above), ("upper", -above)) if not is_computed else ():
        touches = by_interval & is_same_in_print(_floats(rows[name]) * scale, reference * scale)
        # Of a limit on the reference nobody knows whether the interval holds it.
        possible += [np.where(touches, 0.0, ours), np.where(touches, side, ours)]
    if is_computed:
        cause = np.full(len(rows), "computed_from_patients", dtype=object)
    else:
        cause = np.full(len(rows), "difference_unexplained", dtype=object)
        cause[by_interval & np.isin(ours, [-1.0, 1.0])] = "category_of_unprinted_test"
        cause[(value == 0) & (entry.family == _FAMILY_OF_LOGARITHMS)] = "no_events_seen"
    return _make(
        rows,
        "dfc",
        "flag",
        entry.measure,
        ours,
        low=np.min(possible, axis=0),
        high=np.max(possible, axis=0),
        cause=cause,
        rounding="limit_printed_as_reference",
    )


def is_same_in_print(limits: Floats, reference: Floats) -> Bools:
    """Whether limits are the reference at the digits that the measure's limits are printed with.

    The digits are those of the limits at hand: four at most, else they are not printed numbers.
    """
    known = limits[~np.isnan(limits)]
    for digits in range(_MOST_DIGITS + 1):
        scaled = known * 10.0**digits
        if np.allclose(scaled, np.rint(scaled), rtol=0, atol=1e-6):
            half = 0.5 / 10.0**digits
            return np.asarray(np.abs(limits - reference) <= half + 1e-9, dtype=bool)
    return np.zeros(limits.shape, dtype=bool)


def score_results(measure_scores: pd.DataFrame, standards: pd.DataFrame, computed: Keys) -> Results:
    """Return scores; one is open where half a unit of a printed rate moves it."""
    ours = measure_scores["score"].astype("float64")
    spans = _find_spans(measure_scores, standards)
    low, high = ours.copy(), ours.copy()
    is_clinical = measure_scores["applied"].isin(list(APPLIED))
    low = low.mask(is_clinical, spans[["achievement_low", "improvement_low"]].max(axis=1))
    high = high.mask(is_clinical, spans[["achievement_high", "improvement_high"]].max(axis=1))
    return _scores(measure_scores, "score", ours, computed, low=low, high=high)


def applied_results(
    measure_scores: pd.DataFrame, standards: pd.DataFrame, computed: Keys
) -> Results:
    """Return which of achievement and improvement was applied, where one of them was."""
    rows = measure_scores[measure_scores["applied"].isin(list(APPLIED))]
    ours = rows["applied"].map(APPLIED).astype("float64")
    spans = _find_spans(rows, standards)
    # Improvement surely counts if its lowest score is above the highest of achievement.
    low = (spans["improvement_low"] > spans["achievement_high"]).astype("float64")
    high = (spans["improvement_high"] > spans["achievement_low"]).astype("float64")
    return _scores(rows, "applied", ours, computed, low=low, high=high)


def _scores(
    rows: pd.DataFrame,
    kind: str,
    ours: pd.Series,
    computed: Keys,
    *,
    low: pd.Series,
    high: pd.Series,
) -> Results:
    is_clinical = rows["applied"].isin(list(APPLIED))
    cause = pd.Series("difference_unexplained", index=rows.index)
    cause = cause.mask(is_clinical & rows["unit_count"].isna(), "size_not_printed")
    cause = cause.mask(rows["applied"] == "components", "part_differs")
    is_computed = pd.Series(
        [("qip", measure) in computed for measure in rows["measure"]], index=rows.index, dtype=bool
    )
    cause = cause.mask(is_computed, "computed_from_patients")
    return _make(
        rows,
        "qip",
        kind,
        rows["measure"],
        ours,
        low=low.where(~is_computed, ours).fillna(ours).clip(upper=ours),
        high=high.where(~is_computed, ours).fillna(ours).clip(lower=ours),
        cause=cause,
        rounding="rate_printed_rounded",
    )


def _find_spans(rows: pd.DataFrame, standards: pd.DataFrame) -> pd.DataFrame:
    """Return the lowest and highest score that rates within half a printed unit can give.

    Those of improvement are 0 where it has no score.
    """
    columns = ["achievement_low", "achievement_high", "improvement_low", "improvement_high"]
    spans = pd.DataFrame(np.nan, index=rows.index, columns=columns)
    for standard in standards.dropna(subset=["benchmark", "precision"]).to_dict("records"):
        is_mine = (rows["measure"] == standard["measure"]) & rows["achievement_score"].notna()
        mine = rows[is_mine]
        turn = 1 if standard["direction"] == "higher" else -1
        # One decimal more than is printed, so that half a unit is a whole number.
        precision = int(standard["precision"]) + 1
        bounds = np.array([standard["achievement_threshold"], standard["benchmark"]])
        threshold, benchmark = map(int, turn * to_units(bounds, precision=precision))
        # The adjustment of small facilities is applied to the rate as printed.
        adjusted = _floats(mine["adjusted_rate"].fillna(mine["rate"]))
        rate = turn * to_units(adjusted, precision=precision)
        earlier = turn * to_units(_floats(mine["improvement_rate"]), precision=precision)
        has_improvement = mine["improvement_score"].notna().to_numpy(bool)
        for name, move in (("low", -_HALF), ("high", _HALF)):
            achievement = score_achievement(rate + move, threshold=threshold, benchmark=benchmark)
            improvement, exists = score_improvement(
                rate + move, earlier=earlier - move, benchmark=benchmark
            )
            spans.loc[is_mine, f"achievement_{name}"] = achievement
            spans.loc[is_mine, f"improvement_{name}"] = np.where(
                exists & has_improvement, improvement, 0
            )
    return spans


def star_results(stars: pd.DataFrame, periods: pd.DataFrame | None) -> Results:
    """Return stars; the file's values may be of other months than those CMS rated by."""
    is_other = periods is not None and _are_values_later(periods)
    ours = stars["rating"].astype("float64")
    cause = pd.Series(
        "star_values_of_other_months" if is_other else "difference_unexplained", index=stars.index
    )
    return _make(
        stars, "dfc", "star", "star_rating", ours, low=ours, high=ours, cause=cause, rounding=None
    )


def _are_values_later(periods: pd.DataFrame) -> bool:
    """Whether the claims or EQRS values of a DFC file end after the period of its stars."""
    ends = [_find_end(periods[name]) for name in ("five_star_period", "claims_period")]
    ends.append(_find_end(periods["eqrs_period"]))
    stars, *values = ends
    return stars is not None and any(value is not None and value > stars for value in values)


def _find_end(periods: pd.Series) -> datetime | None:
    """Return the last day of a file's period, as in 01Jan2021-31Dec2024; None if not so written."""
    known = periods.dropna()
    if known.empty:
        return None
    last = str(known.iloc[0]).partition("-")[2]
    try:
        return datetime.strptime(last, _PERIOD_END).replace(tzinfo=UTC)
    except ValueError:
        return None


def _make(
    rows: pd.DataFrame,
    program: str,
    kind: str,
    measure: pd.Series | str,
    ours: Values,
    *,
    low: Values,
    high: Values,
    cause: NDArray[np.object_] | pd.Series | None,
    rounding: str | None,
) -> Results:
    count = len(rows)
    is_reasoned = "reason" in rows.columns
    has_number = "reason_number" in rows.columns
    columns = {
        "ccn": rows["ccn"],
        "measure": np.full(count, measure, dtype=object) if isinstance(measure, str) else measure,
        "ours": ours,
        "low": low,
        "high": high,
        "cause": np.full(count, None, dtype=object) if cause is None else cause,
        "cause_of_rounding": np.full(count, rounding, dtype=object),
        "our_reason": rows["reason"] if is_reasoned else np.full(count, None, dtype=object),
        "our_reason_number": rows["reason_number"] if has_number else np.full(count, np.nan),
    }
    numbers = {"ours", "low", "high", "our_reason_number"}
    frame = pd.DataFrame(
        {
            name: _floats(pd.Series(values))
            if name in numbers
            else np.asarray(values, dtype=object)
            for name, values in columns.items()
        }
    )
    return Results(program, kind, frame)


def _floats(column: pd.Series) -> Floats:
    return column.to_numpy(dtype=float, na_value=np.nan)


def _nothing() -> pd.DataFrame:
    """Return no results, with every column."""
    empty = pd.DataFrame({"ccn": pd.Series(dtype=object)})
    none = pd.Series(dtype="float64")
    return plain_results(empty, "dfc", "flag", "", none).frame
