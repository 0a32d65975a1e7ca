"""The one error a bad source file gets. Nothing else may leave a reader."""


class SourceError(ValueError):
    """A published file breaks a rule: says which file, row, column and rule.

    `file` is the file's name without its folder. `row` is the line of the file, counted from 1
    with the header line, and None where the whole file is meant; `column` is the header as the
    file prints it, or None.
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
    """No release of a source lies in the folder."""
