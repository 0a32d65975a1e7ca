"""The error for an invalid source file, the only one that readers raise."""


class SourceError(ValueError):
    """A source file breaks a rule; the message has the file, row, column and rule.

    `file` is the file's name without its folder. `row` is the line of the file, counted from 1
    with the header line, and None for an error of the whole file; `column` is the header as in
    the file, or None.
    """

    def __init__(
        self, *, file: str, rule: str, row: int | None = None, column: str | None = None
    ) -> None:
        place = file
        if row is not None:
            place += f", row {row}"
        if column is not None:
            place += f", column '{column}'"
        super().__init__(f"{place}: {rule}")
        self.file = file
        self.row = row
        self.column = column
        self.rule = rule


class MissingSourceError(SourceError):
    """The folder has no release of a source."""
