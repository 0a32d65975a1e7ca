"""The stored baseline of the star ratings, made by a reset or a rebaseline (manual 5.8, 5.9).

One table holds all that later years need: every pass of the truncated z-scores, the value and
score of every probit point, the cut-offs, the counts of stars and the national levels.
`star_scores` rates a later year.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
import pandas as pd

from esrd_pipeline.program.star_final import (
    combine_scores,
    find_cutoffs,
    find_unrated,
    rate,
)
from esrd_pipeline.program.star_rules import StarMeasure, StarRules, load_star_rules
from esrd_pipeline.program.star_values import collect_values, find_peritoneal_only
from esrd_pipeline.statistics.scales import (
    FloatArray,
    PassScale,
    ProbitScale,
    fit_probit,
    fit_truncated_z,
)
from esrd_pipeline.tables.program import STAR_BASELINE

Operation = Literal["reset", "rebaseline"]
Scale = PassScale | ProbitScale


@dataclass(frozen=True, slots=True)
class StoredBaseline:
    """A baseline as read back: year, rules, one scale per measure, cut-offs and levels."""

    year: int
    rules: StarRules
    scales: dict[str, Scale]
    cutoffs: FloatArray
    national: dict[str, float]


def build_baseline(
    *,
    performance_year: int,
    operation: Operation,
    measure_set: str,
    facilities: pd.DataFrame,
    directory: pd.DataFrame,
    national: pd.DataFrame,
    rating_counts: Mapping[int, int] | None,
) -> pd.DataFrame:
    """Make the baseline of a year (`program.star_baseline`).

    A reset uses the set's shares (10/20/40/20/10) as cut-offs. A rebaseline chooses cut-offs
    that reproduce the previous release's `rating_counts` (stars to facilities) under the new
    measures, or their shares where a different number of facilities can be rated now.

    Raises:
        ValueError: a rebaseline without counts, a reset with counts, a measure for which no
            facility has a value, or no facility that can be rated.
    """
    rules = load_star_rules(measure_set, performance_year)
    values = collect_values(rules=rules, facilities=facilities, directory=directory)
    scales = {measure.name: _fit(rules, measure, values) for measure in rules.measures}
    combined = combine_scores(
        rules=rules,
        scores=place_values(rules=rules, scales=scales, values=values),
        is_peritoneal_only=find_peritoneal_only(rules=rules, values=values, directory=directory),
    )
    shares = _find_shares(rules=rules, operation=operation, rating_counts=rating_counts)
    cutoffs = find_cutoffs(final=combined.final, shares=shares)
    ratings = range(1, len(shares) + 1)
    counts = rate(combined.final, cutoffs).value_counts().reindex(ratings, fill_value=0)
    elements = [
        *(_list_scale(name, scale) for name, scale in scales.items()),
        *(_list_national(name, national) for name in rules.ratios),
        _element("cutoff", "final_score", position=list(ratings[1:]), score=list(cutoffs)),
        _element("count", "final_score", position=list(ratings), value=list(counts)),
    ]
    table = pd.concat(elements, ignore_index=True).assign(
        performance_year=performance_year, operation=operation, measure_set=measure_set
    )
    return table.sort_values(list(STAR_BASELINE.key), ignore_index=True)[STAR_BASELINE.column_names]


def find_rateable(
    *, performance_year: int, measure_set: str, facilities: pd.DataFrame, directory: pd.DataFrame
) -> pd.Index:
    """Return the facilities that a set of measures can rate: a value in every domain (5.7.3).

    A rebaselining can count the previous release's stars of these alone (reading 182).
    """
    rules = load_star_rules(measure_set, performance_year)
    values = collect_values(rules=rules, facilities=facilities, directory=directory)
    is_peritoneal_only = find_peritoneal_only(rules=rules, values=values, directory=directory)
    reason = find_unrated(rules=rules, values=values, is_peritoneal_only=is_peritoneal_only)
    return reason.index[reason.isna()]


def read_baseline(baseline: pd.DataFrame) -> StoredBaseline:
    """Read a stored baseline back.

    Raises:
        ValueError: the table is empty or mixes baselines.
    """
    heads = baseline[["performance_year", "measure_set"]].drop_duplicates()
    if len(heads) != 1:
        raise ValueError(f"a star baseline must be of one year and measure set, not {len(heads)}")
    year = int(heads["performance_year"].iloc[0])
    rules = load_star_rules(str(heads["measure_set"].iloc[0]), year)
    ordered = baseline.sort_values("position")
    groups = {
        (str(element), str(measure)): rows
        for (element, measure), rows in ordered.groupby(["element", "measure"])
    }
    return StoredBaseline(
        year=year,
        rules=rules,
        scales={measure.name: _read_scale(rules, measure, groups) for measure in rules.measures},
        cutoffs=_floats(groups["cutoff", "final_score"]["score"]),
        national={
            name: float(_floats(groups["national", name]["value"])[0]) for name in rules.ratios
        },
    )


def place_values(
    *, rules: StarRules, scales: Mapping[str, Scale], values: pd.DataFrame
) -> pd.DataFrame:
    """Score values on the baseline's scales, with the sign set so that higher is better."""
    return pd.DataFrame(
        {
            measure.name: scales[measure.name].place(values[measure.name].to_numpy(float))
            * (1 if measure.higher_is_better else -1)
            for measure in rules.measures
        },
        index=values.index,
    )


def national_level(national: pd.DataFrame, measure: str) -> float:
    """Return a DFC measure's national level; NaN where the table has none."""
    is_measure = (national["program"] == "dfc") & (national["measure"] == measure)
    levels = _floats(national.loc[is_measure, "national"])
    return float(levels[0]) if levels.size else float("nan")


def _fit(rules: StarRules, measure: StarMeasure, values: pd.DataFrame) -> Scale:
    present = np.sort(values[measure.name].dropna().to_numpy(float))
    if not present.size:
        raise ValueError(
            f"no facility has a value of {measure.name}: no baseline of {rules.measure_set}"
            " can be made"
        )
    if measure.transform == "probit":
        return fit_probit(present, bound=rules.bound)
    return fit_truncated_z(
        present, bound=rules.bound, tolerance=rules.tolerance, pass_limit=rules.pass_limit
    )


def _find_shares(
    *, rules: StarRules, operation: Operation, rating_counts: Mapping[int, int] | None
) -> tuple[Fraction, ...]:
    if operation == "reset":
        if rating_counts is not None:
            raise ValueError("a reset has fixed shares and takes no counts of stars")
        return rules.shares
    counts = {int(rating): int(count) for rating, count in (rating_counts or {}).items()}
    total = sum(counts.values())
    if not total:
        raise ValueError("a rebaseline needs the previous release's counts of stars")
    return tuple(
        Fraction(counts.get(rating, 0), total) for rating in range(1, len(rules.shares) + 1)
    )


def _list_scale(measure: str, scale: Scale) -> pd.DataFrame:
    if isinstance(scale, PassScale):
        return _element("pass", measure, value=list(scale.means), score=list(scale.deviations))
    return _element("probit", measure, value=list(scale.values), score=list(scale.scores))


def _list_national(measure: str, national: pd.DataFrame) -> pd.DataFrame:
    return _element("national", measure, value=[national_level(national, measure)])


def _element(
    element: str,
    measure: str,
    *,
    position: list[int] | None = None,
    value: list[float] | None = None,
    score: list[float] | None = None,
) -> pd.DataFrame:
    count = len(value if value is not None else score or [])
    return pd.DataFrame(
        {
            "element": element,
            "measure": measure,
            "position": list(range(count)) if position is None else position,
            "value": np.nan if value is None else np.array(value, dtype=float),
            "score": np.nan if score is None else np.array(score, dtype=float),
        }
    )


def _read_scale(
    rules: StarRules, measure: StarMeasure, groups: Mapping[tuple[str, str], pd.DataFrame]
) -> Scale:
    kind = "probit" if measure.transform == "probit" else "pass"
    rows = groups[kind, measure.name]
    values, scores = _floats(rows["value"]), _floats(rows["score"])
    if kind == "probit":
        return ProbitScale(values, scores)
    return PassScale(values, scores, rules.bound)


def _floats(column: pd.Series) -> FloatArray:
    return column.to_numpy(dtype=float, na_value=np.nan)
