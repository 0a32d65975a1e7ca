"""One value of a scenario, and the error that refuses it."""

from dataclasses import dataclass


class ScenarioError(ValueError):
    """A scenario cannot be scored; names its file and row or its setting, and the rule."""


@dataclass(frozen=True, slots=True)
class Change:
    """One value of a scenario: of a facility's contract, a measure's standard, or the rules.

    Attributes:
        table: `contract`, `standard` or `rules`.
        ccn: facility; empty where the table has none.
        measure: empty where the table has none.
        column: which number.
        value: what it is to be, in the column's own unit.
        where: where it was said, for messages.
    """

    table: str
    ccn: str
    measure: str
    column: str
    value: float
    where: str
