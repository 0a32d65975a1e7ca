"""Definition of a stored table: columns, key and the rules every partition must meet.

The Arrow schema of a partition, its audit and the data dictionary all come from the definitions in
this package.
"""

from dataclasses import dataclass
from typing import Literal

from esrd_pipeline.tables.forms import Form

ColumnType = Literal["text", "integer", "number", "boolean", "date", "texts", "labels"]
"""`texts` is a list of text; `labels` a map from text to text."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a stored table.

    `required` columns hold no null. `minimum` and `maximum` are inclusive and apply to values
    that are not null; `allowed` lists the only texts a column may hold. `form` is the normal form
    of a raw table's codes. An `is_identifier` column of a raw table holds the number of an
    identifier that a file may write as text.
    """

    name: str
    type: ColumnType
    description: str
    unit: str | None = None
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    allowed: tuple[str, ...] | None = None
    form: Form | None = None
    is_identifier: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A relation between the columns of one row, as a DuckDB predicate.

    A row breaks the rule where the predicate is false, not where it is null (because a column it
    names is null).
    """

    name: str
    predicate: str


@dataclass(frozen=True, slots=True)
class Reference:
    """Foreign key: columns that, where none is null, refer to a row of the same year's `table`."""

    columns: tuple[str, ...]
    table: str
    key: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A stored table: one Parquet file per performance year.

    `name` is `schema.table`, which is also the asset key and the folder. `grain` describes one
    row, and `key` names the columns that make it unique; rows are stored in the order of the
    key. `source` cites the manual or file that defines the table. Where `spans_of` names
    columns, rows with equal values in them are segments of days, `start_date` to `end_date`,
    that do not overlap. `references` name rows that must exist. A partition is compared with the
    year before, within each value of a column `measure`, unless it is not `is_compared`.
    """

    name: str
    grain: str
    source: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...] = ()
    minimum_rows: int = 0
    spans_of: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()
    is_compared: bool = True

    @property
    def schema(self) -> str:
        """The layer of this table, e.g. `raw`, `facility`, `program` or `report`."""
        return self.name.partition(".")[0]

    @property
    def path(self) -> tuple[str, str]:
        """The asset key's two parts: layer and table."""
        schema, _, table = self.name.partition(".")
        return schema, table

    @property
    def column_names(self) -> list[str]:
        """The names of the columns in stored order."""
        return [column.name for column in self.columns]
