"""What a scenario comes to, in a terminal of 80 columns."""

import textwrap
from collections.abc import Sequence

import pandas as pd

from esrd_pipeline.explanation.document import is_missing
from esrd_pipeline.parameters.reasons import describe_rows
from esrd_pipeline.reports.rounding import PERCENT, write_count, write_rounded
from esrd_pipeline.reports.suppression import FEW_OR_BESIDE
from esrd_pipeline.scoring_frames import Scores
from esrd_pipeline.what_if.chances import DRAWS, MONTHS, SEED, Chances
from esrd_pipeline.what_if.dfc import Judged
from esrd_pipeline.what_if.dollars import Payment
from esrd_pipeline.what_if.scenario import count_moved
from esrd_pipeline.what_if.targets import Step, Way, find_nearest

WIDTH = 80
_MOST_ROWS = 20
_DIRECTIONS = ("higher", "lower")
_TOTALS = {"tps": "TPS", "payment_reduction": "payment reduction, percent"}


def describe_facility(scores: Scores) -> list[str]:
    """Return a facility's scores as they are stored."""
    lines = [f"{'measure':<30}{'score':>10}"]
    rows = scores.measures
    lines += [
        f"{row['measure']:<30}{_write(row['score']):>10}"
        for row in rows[rows["score"].notna()].to_dict("records")
    ]
    lines += [
        f"{title:<30}{_write(scores.totals[name].iloc[0]):>10}" for name, title in _TOTALS.items()
    ]
    return [*lines, *_describe_total(scores)]


def describe_scores(before: Scores, after: Scores, changed: Sequence[str]) -> list[str]:
    """Return a facility's measures, TPS and reduction, as stored and in the scenario.

    A measure of `changed` without a score says why it has none.
    """
    lines = [f"{'measure':<30}{'stored':>10}{'scenario':>10}"]
    both = before.measures.merge(after.measures, on="measure", how="outer", suffixes=("", "_after"))
    both = both[both["score"].notna() | both["score_after"].notna()]
    lines += [
        _compare(row["measure"], row["score"], row["score_after"])
        for row in both.to_dict("records")
    ]
    lines += [
        _compare(title, before.totals[name].iloc[0], after.totals[name].iloc[0])
        for name, title in _TOTALS.items()
    ]
    mine = after.measures[after.measures["measure"].isin(changed) & after.measures["score"].isna()]
    for name, why in zip(mine["measure"], describe_rows(mine), strict=True):
        lines += _fold(f"{name} has no score: {why}")
    return [*lines, *_describe_total(after)]


def _compare(title: object, old: object, new: object) -> str:
    mark = "" if _write(old) == _write(new) else "  *"
    return f"{title:<30}{_write(old):>10}{_write(new):>10}{mark}"


def _describe_total(scores: Scores) -> list[str]:
    lines = _fold(f"Working: {scores.totals['working'].iloc[0]}")
    if pd.isna(scores.totals["tps"].iloc[0]):
        lines += _fold(f"No TPS: {describe_rows(scores.totals)[0]}")
    return lines


def describe_steps(
    steps: Sequence[Step], numerators: dict[str, float], fixed: Sequence[str]
) -> list[str]:
    """Return the events to the next point of each measure; `fixed` are those without a count."""
    lines = ["The next point of each measure: events, all else as it is"]
    nearest = find_nearest(steps)
    lines += [f"  {_describe_step(step, numerators[step.measure])}" for step in nearest.values()]
    if not nearest:
        lines.append("  none: no measure can reach a further point by events")
    if fixed:
        lines += _fold(f"Without a count that events could move: {', '.join(fixed)}.")
    return lines


def describe_ways(ways: Sequence[Way], numerators: dict[str, float]) -> list[str]:
    """Return the ways with the fewest events to each lower reduction."""
    lines = ["The fewest events, over all measures together, to a lower reduction"]
    for way in ways:
        tps = "no TPS" if way.tps is None else f"TPS {way.tps}"
        lines.append(f"  {way.reduction:g} percent, {tps}, {write_count(way.events, 'event')}:")
        lines += [f"    {_describe_step(step, numerators[step.measure])}" for step in way.steps]
    return lines if ways else [*lines, "  none is needed, or events alone reach none"]


def _describe_step(step: Step, numerator: float) -> str:
    more = "more" if step.numerator > numerator else "fewer"
    reached = "the report complete" if step.score is None else f"to a score of {step.score}"
    return f"{step.measure}: {step.events:,} {more}, {numerator:g} to {step.numerator:g}, {reached}"


def describe_chances(chances: Chances, payment: Payment | None) -> list[str]:
    """Return how likely each reduction is, and its dollars."""
    is_over = chances.months == MONTHS
    rest = "the year were" if is_over else f"the {MONTHS - chances.months} months to come are"
    lines = [f"How likely each reduction is, if {rest} drawn{' again' * is_over} from its limits"]
    for percent, share in chances.reductions.items():
        dollars = "" if payment is None else f"{payment.reduce(percent):>16,.0f} dollars"
        lines.append(f"  {percent:>4g} percent: {_write_percent(share):>6}{dollars}")
    drawn = ", ".join(chances.drawn) or "none"
    lines += _fold(f"{DRAWS:,} draws, seed {SEED}, measures independently. Drawn: {drawn}.")
    if chances.fixed:
        lines += _fold(f"As they are, reported or without limits: {', '.join(chances.fixed)}.")
    if payment is not None:
        lines += _fold(f"Dollars: {payment.label}.")
    return lines


def describe_dollars(payment: Payment, before: float, after: float) -> list[str]:
    """Return what the reduction takes, as stored and in the scenario, with its label."""
    amounts = f"{payment.reduce(before):,.0f} dollars, in the scenario {payment.reduce(after):,.0f}"
    return _fold(f"The reduction takes {amounts}; {payment.label}.")


def describe_judged(judged: Judged) -> list[str]:
    """Return flags of the measures that a scenario changes, and the stars."""
    lines = [f"{'flag (Dialysis Facility Measures)':<36}{'stored':>20}{'scenario':>20}"]
    for row in judged.flags.to_dict("records"):
        cells = [
            f"{_write(row[f'value_{when}'])} {_category(row[f'category_{when}'])}"
            for when in ("before", "after")
        ]
        mark = "  *" if row["category_before"] != row["category_after"] else ""
        lines.append(f"{row['measure']:<36}{cells[0]:>20}{cells[1]:>20}{mark}")
    stars = ["none" if rating is None else str(rating) for rating in judged.rating]
    mark = "  *" if stars[0] != stars[1] else ""
    lines.append(f"{'stars':<36}{stars[0]:>20}{stars[1]:>20}{mark}")
    for measure, why in judged.unknown.items():
        lines += _fold(f"{measure}: its flag in the scenario is not told: {why}.")
    return lines


def _category(name: object) -> str:
    return "none" if is_missing(name) else str(name)


def describe_moved(moved: pd.DataFrame, facilities: int) -> list[str]:
    """Return who moves: counts by Network and chain, then the first facilities."""
    lines = [f"{len(moved):,} of {facilities:,} facilities get another TPS or reduction"]
    if moved.empty:
        return lines
    for by, title in (("network", "Network"), ("chain_organization", "chain")):
        lines += ["", f"{title:<38}{'higher':>10}{'lower':>10}{'TPS alone':>12}"]
        for row in count_moved(moved, by).to_dict("records"):
            name = "not known" if pd.isna(row[by]) else str(row[by])
            lines.append(
                f"{name[:37]:<38}{row['higher_reduction']:>10,}{row['lower_reduction']:>10,}"
                f"{row['other_tps_alone']:>12,}"
            )
    lines += ["", f"{'CCN':<8}{'facility':<36}{'TPS':>12}{'reduction':>16}"]
    for row in moved.head(_MOST_ROWS).to_dict("records"):
        tps = f"{_write(row['tps_before'])} to {_write(row['tps_after'])}"
        old, new = (_write(row[f"payment_reduction_{when}"]) for when in ("before", "after"))
        name = "" if pd.isna(row["facility_name"]) else str(row["facility_name"])
        lines.append(f"{row['ccn']:<8}{name[:35]:<36}{tps:>12}{f'{old} to {new}':>16}")
    if len(moved) > _MOST_ROWS:
        lines.append(f"and {len(moved) - _MOST_ROWS:,} more: --out FILE writes them all")
    return lines


def describe_strata(strata: pd.DataFrame) -> list[str]:
    """Return which share of each stratum's patients is at facilities whose reduction moves."""
    lines = ["", f"{'patients, by stratum: percent at those':<42}{'higher':>10}{'lower':>10}"]
    for row in strata.to_dict("records"):
        shares = [
            "*" if is_missing(row[name]) else _write_percent(row[name]) for name in _DIRECTIONS
        ]
        name = f"{row['dimension'].replace('_', ' ')}: {row['stratum']}"
        lines.append(f"{name[:41]:<42}{shares[0]:>10}{shares[1]:>10}")
    hides = bool(strata[list(_DIRECTIONS)].isna().to_numpy().any())
    return [*lines, *(_fold(f"* {FEW_OR_BESIDE}.") if hides else [])]


def _write(number: object) -> str:
    return "none" if is_missing(number) else f"{float(str(number)):.6g}"


def _fold(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent="  ")


def _write_percent(share: float) -> str:
    return f"{write_rounded(share, 1, shift=PERCENT)}%"
