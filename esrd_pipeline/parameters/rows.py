"""A parameter file as plain rows, for code that iterates over them."""

from collections.abc import Mapping
from functools import cache

from esrd_pipeline.parameters import load_parameters


@cache
def load_rows(name: str) -> tuple[Mapping[str, str], ...]:
    """Return the rows of `parameters/<name>.csv` in file order; an empty cell is an empty text."""
    table = load_parameters(name)
    columns = {str(column): table[column].fillna("").tolist() for column in table.columns}
    return tuple(
        dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)
    )


def load_rows_of(value: str, name: str, column: str) -> tuple[Mapping[str, str], ...]:
    """Return the rows of `parameters/<name>.csv` that have `value` in `column`, in file order.

    A computation that reads a file only in this way depends on these rows alone: a change of
    another row leaves its code version as it is (`orchestration/code_version.py`).
    """
    return tuple(row for row in load_rows(name) if row[column] == value)
