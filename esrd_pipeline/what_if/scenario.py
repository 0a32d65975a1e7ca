"""A scenario of a stored year: its scores beside the stored ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from esrd_pipeline.parameters.payment_years import find_payment_year
from esrd_pipeline.program.qip_rule_sets import DEFAULT
from esrd_pipeline.program.qip_rules import QipRules, load_rules
from esrd_pipeline.scoring_frames import (
    OneFacility,
    Scores,
    ScoringFrames,
    WholeYear,
    read_frames,
    score,
)
from esrd_pipeline.tables import facility, measured, program
from esrd_pipeline.tables.model import Table
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline.what_if.changes import Change, ScenarioError
from esrd_pipeline.what_if.ladders import Nation
from esrd_pipeline.what_if.overlay import find_scales, overlay

_RULE_SET_NOTE = "esrd.rule_set"
_SCALE_COLUMNS = ("ccn", "measure", "reportable", "numerator", "denominator", "value")
_TOTALS = ("tps", "payment_reduction")
_OWN = ("ccn", "facility_name", "network", "state", "chain_organization")


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored year, or one facility of it, with the rules it was scored by.

    Attributes:
        warehouse: where it is stored.
        year: performance year.
        ccn: the facility; None for all.
        rules: of the payment year.
        frames: what the scores are made from.
        scores: made from them, equal to the stored ones.
        scales: of the nation, by measure (`overlay.find_scales`).
    """

    warehouse: Warehouse
    year: int
    ccn: str | None
    rules: QipRules
    frames: ScoringFrames
    scores: Scores
    scales: dict[str, float]

    @property
    def nation(self) -> Nation:
        """Its facilities, all or one, with what their scores are made from."""
        return Nation(self.year, self.rules, self.frames, self.scales)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A scenario's scores, with the rules it was scored by."""

    rules: QipRules
    scores: Scores


def read_stored(warehouse: Warehouse, year: int, ccn: str | None = None) -> Stored:
    """Read a stored year and score it, which must give what is stored.

    Raises:
        ScenarioError: the year has no scores, or they are not of its rows.
        MissingPartitionError: a table of the year is not stored.
    """
    recorded = warehouse.read_note(program.QIP_MEASURE_SCORE, year, _RULE_SET_NOTE)
    if recorded is None:
        raise ScenarioError(f"{year} has no QIP scores: its payment year has no rule set")
    rules = load_rules(find_payment_year(year), recorded)
    source = WholeYear(warehouse, year) if ccn is None else OneFacility(warehouse, year, ccn)
    frames = read_frames(source, rules)
    scores = score(frames, rules, year)
    where = {} if ccn is None else {"ccn": ccn}
    for table, made in (
        (program.QIP_MEASURE_SCORE, scores.measures),
        (program.QIP_TPS, scores.totals),
    ):
        _require_equal(table, warehouse.read(table, year, where=where), made, year)
    contract = warehouse.read(
        measured.CONTRACT, year, columns=_SCALE_COLUMNS, where={"program": "qip"}
    )
    return Stored(warehouse, year, ccn, rules, frames, scores, find_scales(contract))


def _require_equal(table: Table, stored: pd.DataFrame, made: pd.DataFrame, year: int) -> None:
    columns = [name for name in table.column_names if name != "rule_set"]
    before, now = (rows[columns].reset_index(drop=True) for rows in (stored, made))
    same = len(before) == len(now) and all(
        (before[name].eq(now[name]) | (before[name].isna() & now[name].isna())).all()
        for name in columns
    )
    if not same:
        raise ScenarioError(
            f"{table.name} of {year} is not what its stored rows give: make the year again with"
            f" `esrd refresh --year {year}`"
        )


def imagine(stored: Stored, changes: Sequence[Change], rule_set: str = DEFAULT) -> Outcome:
    """Score a stored year with a scenario's values, by the stored rules or another rule set.

    Standards stay the stored ones; a measure that only the other set has is scored as the year's
    rows allow.

    Raises:
        ScenarioError: a change names no row, or the payment year has no such rule set.
    """
    rules = stored.rules
    if rule_set != DEFAULT:
        try:
            rules = load_rules(rules.payment_year, rule_set)
        except LookupError as unknown:
            raise ScenarioError(str(unknown)) from unknown
    overlaid = overlay(stored.frames, rules, changes, stored.scales)
    return Outcome(overlaid.rules, score(overlaid.frames, overlaid.rules, stored.year))


def list_moved(stored: Stored, outcome: Outcome) -> pd.DataFrame:
    """Return the facilities whose TPS or reduction moves, with both, by CCN.

    Columns: ccn, facility_name, network, state, chain_organization, and tps and payment_reduction
    with the endings `_before` and `_after`.
    """
    before, after = (
        scores.totals[["ccn", *_TOTALS]].reset_index(drop=True)
        for scores in (stored.scores, outcome.scores)
    )
    both = before.merge(after, on="ccn", how="outer", suffixes=("_before", "_after"))
    is_moved = pd.Series(data=False, index=both.index)
    for name in _TOTALS:
        old, new = both[f"{name}_before"], both[f"{name}_after"]
        is_moved |= ~(old.eq(new).fillna(value=False) | (old.isna() & new.isna()))
    directory = stored.warehouse.read(facility.DIRECTORY, stored.year, columns=_OWN)
    moved = both[is_moved.astype(bool)]
    return directory.merge(moved, on="ccn", how="right").sort_values("ccn", ignore_index=True)


def count_moved(moved: pd.DataFrame, by: str) -> pd.DataFrame:
    """Return by Network or chain how many facilities come to a higher and a lower reduction.

    Columns: the group, `higher_reduction`, `lower_reduction`, `other_tps_alone`.
    """
    before, after = (moved[f"payment_reduction_{when}"].fillna(0) for when in ("before", "after"))
    change = after - before
    counts = pd.DataFrame(
        {
            by: moved[by],
            "higher_reduction": change > 0,
            "lower_reduction": change < 0,
            "other_tps_alone": change == 0,
        }
    )
    return counts.groupby(by, dropna=False, sort=True).sum().astype(int).reset_index()


def read_limits(warehouse: Warehouse, year: int, ccn: str | None = None) -> pd.DataFrame:
    """Return ccn, measure, value, lower and upper of measures, of the program that has limits.

    The limits of a standardised ratio are those of the Dialysis Facility Measures, which judge it
    by them; a QIP row with limits of its own keeps them.
    """
    columns = ("ccn", "program", "measure", "value", "lower", "upper")
    where = None if ccn is None else {"ccn": ccn}
    return choose_limits(warehouse.read(measured.CONTRACT, year, columns=columns, where=where))


def choose_limits(contract: pd.DataFrame) -> pd.DataFrame:
    """Return a row of each facility and measure: `read_limits`."""
    rows = contract.dropna(subset=["value", "lower", "upper"])
    # "qip" comes after "dfc": of two rows of a measure the last is kept.
    ordered = rows.sort_values(["ccn", "measure", "program"])
    kept = ordered.drop_duplicates(["ccn", "measure"], keep="last")
    return kept[["ccn", "measure", "value", "lower", "upper"]]
