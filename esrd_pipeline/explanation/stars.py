"""A facility's stars, step by step: measure scores on the baseline's scales, domains, cut-offs.

Manual 5.6 to 5.8. The baseline is the stored one of the year that the rating read.
"""

import numpy as np
import pandas as pd

from esrd_pipeline.explanation.document import Check, Line, Section, describe_why, is_missing
from esrd_pipeline.explanation.request import Request
from esrd_pipeline.explanation.results import write_number
from esrd_pipeline.parameters.reasons import describe_rows
from esrd_pipeline.program.star_rules import StarRules, load_star_rules
from esrd_pipeline.tables import program as scores


def explain_stars(
    request: Request,
) -> tuple[list[tuple[str, str]], list[Section], list[Check]]:
    """Return facts, tables and sums of a facility's stars; nothing where none are stored."""
    mine = {"ccn": request.ccn}
    stars = request.read(scores.STARS, where=mine)
    if stars.empty:
        return [], [], []
    row = stars.iloc[0]
    reason = describe_rows(stars)[0]
    if is_missing(row["rating"]):
        shown = stars.assign(why=describe_why(stars)).drop(
            columns=["ccn", "performance_year", "reason"]
        )
        return [("Stars", f"none: {reason}")], [Section("stars", "Stars", shown)], []
    rules = load_star_rules(str(row["measure_set"]), request.year)
    baseline = request.read(scores.STAR_BASELINE, int(row["baseline_year"]))
    placed = request.read(scores.STAR_MEASURE_SCORE, where=mine)
    factors = request.read(scores.STAR_ADJUSTMENT).set_index("measure")
    working = [_place(one, rules, baseline, factors) for one in placed.to_dict("records")]
    measures = placed.assign(working=[text for text, _ in working]).drop(
        columns=["ccn", "performance_year"]
    )
    domains, checks = _add_up_domains(row, rules, placed)
    cutoffs = baseline[baseline["element"] == "cutoff"].sort_values("position")
    checks = [
        *(check for _, check in working if check is not None),
        *checks,
        Check(
            "stars: 1, and 1 for each cut-off that the final score reaches",
            float(1 + np.count_nonzero(cutoffs["score"].to_numpy() <= float(row["final_score"]))),
            float(row["rating"]),
        ),
    ]
    reached = "; ".join(
        f"{int(position)} stars from {score:.6f}"
        for position, score in zip(cutoffs["position"], cutoffs["score"], strict=True)
    )
    facts = [
        ("Stars", f"{int(row['rating'])} of 5"),
        ("Final score", f"{write_number(row['final_score'])}; {reached}"),
        ("Baseline", f"{row['baseline_year']}, measure set {row['measure_set']}"),
    ]
    return (
        facts,
        [
            Section(
                "star_measures",
                "Star scores of the measures (5.6)",
                measures,
                "A score is the value on the baseline's scale, with the sign that makes higher"
                " better; a missing value has the mean score of the period (5.7.3).",
            ),
            Section("star_domains", "Domain scores and final score (5.7)", domains),
            Section(
                "stars",
                "Stars (5.8)",
                stars.drop(columns=["ccn", "performance_year", "reason"]),
                f"Cut-offs of the baseline: {reached}.",
            ),
        ],
        checks,
    )


def _place(
    row: Line, rules: StarRules, baseline: pd.DataFrame, factors: pd.DataFrame
) -> tuple[str, Check | None]:
    """Work a measure's star score out again, in words and as a check."""
    name = str(row["measure"])
    measure = next(one for one in rules.measures if one.name == name)
    if row["is_imputed"] or is_missing(row["adjusted_value"]):
        return "no value: the mean score of all facilities of the period (5.7.3)", None
    adjusted = float(str(row["adjusted_value"]))
    before = f"value {write_number(row['value'])}"
    if name in factors.index:
        factor = factors.loc[name]
        before += f" x {factor['factor']:.7g} ({factor['factor_source']}) = {adjusted:.7g}"
    own = baseline[baseline["measure"] == name]
    sign = 1 if measure.higher_is_better else -1
    if measure.transform == "probit":
        known = own[own["element"] == "probit"].sort_values("position")
        xs, ys = (known[one].to_numpy(dtype=float) for one in ("value", "score"))
        score = sign * float(np.interp(adjusted, xs, ys))
        place = int(np.clip(np.searchsorted(xs, adjusted), 1, len(xs) - 1))
        scale = (
            f"between {xs[place - 1]:.6g} (score {ys[place - 1]:.6g}) and {xs[place]:.6g} (score"
            f" {ys[place]:.6g}) of the baseline"
        )
    else:
        passes = own[own["element"] == "pass"].sort_values("position")
        score = adjusted
        first = ""
        for mean, deviation in zip(passes["value"], passes["score"], strict=True):
            score = float(np.clip((score - mean) / deviation, -rules.bound, rules.bound))
            first = first or f"({adjusted:.6g} - {mean:.6g}) / {deviation:.6g} = {score:.6g}"
        scale = f"{first}, cut at {rules.bound:g}; after {len(passes)} passes {score:.6g}"
        score = sign * score
    text = f"{before}; {scale}; x {sign:+d} = {score:.6g}"
    return text, Check(f"{name}: star score", score, float(str(row["score"])), 1e-6)


def _add_up_domains(
    row: pd.Series, rules: StarRules, placed: pd.DataFrame
) -> tuple[pd.DataFrame, list[Check]]:
    weights = rules.peritoneal_weights if row["is_peritoneal_only"] else rules.weights
    lines: list[dict[str, object]] = []
    checks: list[Check] = []
    final, terms = 0.0, []
    for domain, weight in weights.items():
        mine = placed[placed["domain"] == domain]
        mean = float(mine["score"].mean())
        final += float(weight) * mean
        terms.append(f"{weight} x {mean:.6f}")
        parts = " + ".join(
            f"{name} {score:.6f}"
            for name, score in zip(mine["measure"], mine["score"], strict=True)
        )
        lines.append(
            {
                "domain": f"domain {domain}",
                "weight": str(weight),
                "score": mean,
                "working": f"({parts}) / {len(mine)}",
            }
        )
        stored = row[f"domain_{domain}"]
        checks.append(
            Check(
                f"star domain {domain}", mean, None if is_missing(stored) else float(stored), 1e-9
            )
        )
    lines.append(
        {"domain": "final score", "weight": "1", "score": final, "working": " + ".join(terms)}
    )
    checks.append(Check("final score", final, float(row["final_score"]), 1e-9))
    return pd.DataFrame(lines), checks
