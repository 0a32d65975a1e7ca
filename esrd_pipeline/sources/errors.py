"""The error for an invalid source file, the only one that readers raise."""

from collections.abc import Sequence
from dataclasses import dataclass

MOST_FAULTS = 10
MOST_ROWS = 5


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule broken in one column (or by the whole file): the first row and the others.

    `rule` is what the first row breaks it with; `rows` lists the broken rows in order, or none for
    a fault of the whole file. Where they are not all listed, `count` is their number.
    """

    rule: str
    column: str | None = None
    rows: tuple[int, ...] = ()
    count: int | None = None

    def __str__(self) -> str:
        """Return place and rule, with the number of the other rows and the first of them."""
        parts = [f"row {self.rows[0]}"] if self.rows else []
        if self.column is not None:
            parts.append(f"column '{self.column}'")
        place = ", ".join(parts)
        others = self.rows[1:]
        text = f"{place}: {self.rule}" if place else self.rule
        if not others:
            return text
        count = self.count or len(self.rows)
        shown = ", ".join(map(str, others[:MOST_ROWS]))
        beyond = f" and {count - 1 - MOST_ROWS:,} more" if count - 1 > MOST_ROWS else ""
        return f"{text} ({count:,} rows: also {shown}{beyond})"


class SourceError(ValueError):
    """A source file breaks a rule; the message has the file, row, column and rule.

    `file` is the file's name without its folder. `row` is the line of the file, counted from 1
    with the header line, and None for an error of the whole file; `column` is the header as in
    the file, or None. Where the file has several faults, these are the first one's, and the
    message tells all of them.
    """

    def __init__(
        self, *, file: str, rule: str, row: int | None = None, column: str | None = None
    ) -> None:
        first = Fault(rule, column, () if row is None else (row,))
        self._describe(file, [first])

    @classmethod
    def of_faults(cls, file: str, faults: Sequence[Fault]) -> "SourceError":
        """Return the error of one file's faults, the first of them first.

        Raises:
            ValueError: there is no fault.
        """
        if not faults:
            raise ValueError(f"{file} has no fault to tell")
        error = cls(file=file, rule="")
        error._describe(file, faults)
        return error

    def _describe(self, file: str, faults: Sequence[Fault]) -> None:
        first = faults[0]
        has_place = bool(first.rows) or first.column is not None
        message = f"{file}{', ' if has_place else ': '}{first}"
        if len(faults) > 1:
            sentences = "; ".join(map(str, faults[:MOST_FAULTS]))
            beyond = len(faults) - MOST_FAULTS
            more = f"; and {beyond:,} more columns" if beyond > 0 else ""
            message = f"{file}: {len(faults):,} faults: {sentences}{more}"
        self.args = (message,)
        self.file = file
        self.row = first.rows[0] if first.rows else None
        self.column = first.column
        self.rule = first.rule
        self.faults = tuple(faults)


class MissingSourceError(SourceError):
    """The folder has no release of a source."""
