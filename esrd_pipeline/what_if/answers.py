"""Answers to what is asked of a stored year, as lines of text."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from esrd_pipeline.program.qip_rule_sets import DEFAULT
from esrd_pipeline.tables.what_if import FACILITY_STRATUM
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline.what_if.chances import MONTHS, estimate_chances, group_limits
from esrd_pipeline.what_if.changes import Change
from esrd_pipeline.what_if.dfc import find_dfc_only, judge
from esrd_pipeline.what_if.dollars import Payment, estimate_payment, read_impact
from esrd_pipeline.what_if.scenario import (
    Stored,
    imagine,
    list_moved,
    read_limits,
    read_stored,
)
from esrd_pipeline.what_if.strata import count_strata
from esrd_pipeline.what_if.targets import find_reports, find_steps, list_fixed
from esrd_pipeline.what_if.terminal import (
    describe_chances,
    describe_dollars,
    describe_facility,
    describe_judged,
    describe_moved,
    describe_scores,
    describe_steps,
    describe_strata,
    describe_ways,
)
from esrd_pipeline.what_if.ways import find_ways


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: of one facility or the nation, as stored, or with values or other rules.

    Attributes:
        year: performance year.
        ccn: the facility; None for the nation.
        changes: values in place of stored ones.
        rule_set: of the payment year.
        impact_file: payments by facility.
        out: where the facilities that move are written.
        months: of the year that the stored rows hold; the others are drawn.
    """

    year: int
    ccn: str | None
    changes: Sequence[Change]
    rule_set: str = DEFAULT
    impact_file: Path | None = None
    out: Path | None = None
    months: int = MONTHS

    @property
    def is_scenario(self) -> bool:
        """Whether anything is other than stored."""
        return bool(self.changes) or self.rule_set != DEFAULT


def answer(warehouse: Warehouse, question: Question) -> list[str]:
    """Return the answer, no line wider than 80 columns.

    Raises:
        ScenarioError: the question cannot be answered; says why.
        MissingPartitionError: a table of the year is not stored.
    """
    stored = read_stored(warehouse, question.year, question.ccn)
    if question.ccn is None:
        moved = list_moved(stored, imagine(stored, question.changes, question.rule_set))
        if question.out is not None:
            moved.to_csv(question.out, index=False, lineterminator="\n")
        lines = describe_moved(moved, len(stored.scores.totals))
        if warehouse.has(FACILITY_STRATUM, question.year):
            strata = warehouse.read(FACILITY_STRATUM, question.year)
            lines += describe_strata(count_strata(moved, strata))
        return lines
    if question.impact_file is not None:
        payment = read_impact(question.impact_file, question.ccn)
    else:
        payment = estimate_payment(warehouse, question.year, question.ccn)
    if question.is_scenario:
        return _compare(stored, question, payment)
    return _describe(stored, payment, question.months)


def _compare(stored: Stored, question: Question, payment: Payment | None) -> list[str]:
    """Return a facility's scores in a scenario beside the stored ones."""
    dfc_only = find_dfc_only(
        stored.warehouse, stored.year, question.changes, stored.rules, stored.frames.computed
    )
    of_qip = [change for change in question.changes if change not in dfc_only]
    after = imagine(stored, of_qip, question.rule_set).scores
    changed = [change.measure for change in question.changes]
    lines = describe_scores(stored.scores, after, changed)
    if any(change.table == "contract" for change in question.changes):
        judged = judge(stored.warehouse, stored.year, str(stored.ccn), question.changes)
        lines += describe_judged(judged)
    if payment is not None:
        before, then = (
            float(scores.totals["payment_reduction"].iloc[0]) for scores in (stored.scores, after)
        )
        lines += describe_dollars(payment, before, then)
    return lines


def _describe(stored: Stored, payment: Payment | None, months: int) -> list[str]:
    """Return a facility's scores, what it would take to better them, and their chances."""
    nation = stored.nation
    steps = [*find_steps(nation, 0), *find_reports(nation, 0)]
    numerators = {step.measure: float(nation.rows(step.measure).numerator[0]) for step in steps}
    mine = group_limits(read_limits(stored.warehouse, stored.year, stored.ccn))
    limits = mine.get(str(stored.ccn), {})
    return [
        *describe_facility(stored.scores),
        "",
        *describe_steps(steps, numerators, list_fixed(nation, 0)),
        "",
        *describe_ways(find_ways(nation, [0]).get(0, ()), numerators),
        "",
        *describe_chances(estimate_chances(nation, 0, limits, months=months), payment),
    ]
