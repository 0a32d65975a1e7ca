"""Definition of a stored table: columns, key and the rules every partition must meet.

The Arrow schema of a partition, its audit and the data dictionary all come from the definitions in
this package.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
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

    How others are shown the table (`reports.suppression`): a cell of a column that `counts`
    patients, or events of patients, is not shown where it is 1 to 10. Numerators and denominators
    of a facility's measure are no such columns: they are shown with their value, where it rests on
    11 patients or more (data/README.md). Where a row has more than
    one unit, `counts_where` names a column and the text it must hold for the cell to be such a
    count. `out_of` names the count it is a part of: 195 of 200 tell of 5. `suppressed_with` names
    the counts that a cell is not shown without: columns of the row, or another table, whose row of
    the same facility, program and measure then decides.
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
    counts: Literal["patients", "events"] | None = None
    counts_where: tuple[str, str] | None = None
    out_of: str | None = None
    suppressed_with: tuple[str, ...] = ()

    @property
    def suppression(self) -> str | None:
        """When others are not shown a cell, for the data dictionary; None where they always are."""
        where = "" if self.counts_where is None else f" where {' is '.join(self.counts_where)}"
        own = [f"1 to 10 {self.counts}{where}"] if self.counts else []
        with_others = [f"with {', '.join(self.suppressed_with)}"] if self.suppressed_with else []
        return "; ".join(own + with_others) or None


@dataclass(frozen=True, slots=True)
class Rule:
    """A relation between the columns of one row, as a DuckDB predicate.

    A row breaks the rule where the predicate is false, not where it is null (because a column it
    names is null).
    """

    name: str
    predicate: str


@dataclass(frozen=True, slots=True)
class Total:
    """Rows whose counts add up to one that is shown, too.

    Rows equal in all columns of the key but those of `over` are the parts of one total; with
    `among`, only those of these values. The total is the row whose key is that of its parts,
    with the values of `row`, and in the columns that `place` names the parts' own value of the
    attribute given there (a column of the table, or one of the facility directory). Where a
    `column` is named, the total stands in that column of every part instead. Without any of these
    a reader is taken to know it from elsewhere.

    Ages that add up to all patients, and facilities to their Network:

        Total(over=("stratum",), row={"kind": "all", "stratum": "all"})
        Total(over=("level", "place"), among={"level": "facility"}, row={"level": "network"},
              place={"place": "network"})

    `counts` names the columns that add up; every column that counts, where it names none.
    """

    over: tuple[str, ...]
    row: Mapping[str, str] = field(default_factory=dict)
    among: Mapping[str, str] = field(default_factory=dict)
    place: Mapping[str, str] = field(default_factory=dict)
    column: str | None = None
    counts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RowTotal:
    """Counts of one row that add up to another count of it: `column` is the sum of `parts`."""

    column: str
    parts: tuple[str, ...]


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
    key. `source` cites the manual or file that defines the table. Where `segments_of` names
    columns, rows with equal values in them are segments of days, `start_date` to `end_date`,
    that do not overlap. `references` name rows that must exist. A partition is compared with the
    year before, within each value of a column `measure`, unless it is not `is_compared`. `totals`
    and `row_totals` are the sums that others are shown beside the cells that make them.
    """

    name: str
    grain: str
    source: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...] = ()
    minimum_rows: int = 0
    segments_of: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()
    is_compared: bool = True
    totals: tuple[Total, ...] = ()
    row_totals: tuple[RowTotal, ...] = ()

    @property
    def is_suppressed(self) -> bool:
        """Whether others are not shown every cell of the table."""
        return any(column.suppression for column in self.columns)

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
