"""Checks of a staged partition before it becomes visible to readers.

DuckDB profiles the staged file in one scan: it counts the rows that break each expectation (nulls,
values out of range, broken rules, repeated keys). great_expectations evaluates the counts, so its
cost does not depend on the size of the table. Results contain counts, column names and rule names,
never a value.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from esrd_pipeline.duckdb_text import AS_STORED, match_exactly, quote_text
from esrd_pipeline.judge import judge
from esrd_pipeline.tables.model import Column, Table
from esrd_pipeline.warehouse import Query

_STAGED = f"read_parquet($staged, {AS_STORED})"
_OTHER = f"read_parquet($other, {AS_STORED})"
_END = "coalesce(end_date, DATE '9999-12-31')"
"""A segment without a last day still holds."""


@dataclass(frozen=True, slots=True)
class RuleResult:
    """The result of one expectation: its name, the rows that broke it, and whether it passed."""

    name: str
    broken_count: int
    passed: bool


@dataclass(frozen=True, slots=True)
class Audit:
    """The results of all expectations of one staged partition with `row_count` rows."""

    row_count: int
    results: tuple[RuleResult, ...]

    @property
    def broken(self) -> tuple[RuleResult, ...]:
        """Return the expectations that failed."""
        return tuple(result for result in self.results if not result.passed)


def audit(
    *, table: Table, staged: Path, query: Query, referenced: Mapping[str, Path] | None = None
) -> Audit:
    """Check a staged Parquet file against its table's definition.

    Each expectation's name has column and rule; `broken_count` is a number of rows (for the
    minimum number of rows, how many are missing). `referenced` holds the partitions of the tables
    that the definition refers to, by name.
    """
    counts = _broken_counts(table)
    metrics = ", ".join(f"{sql} AS c{i}" for i, sql in enumerate(counts.values()))
    row = query(
        f"SELECT count(*) AS row_count, {metrics} FROM {_STAGED}", staged=match_exactly(staged)
    ).iloc[0]
    row_count = int(row["row_count"])
    related = _count_related(table, staged, referenced or {}, query)
    names = [f"at least {table.minimum_rows} rows", *counts, *related]
    broken = [
        max(0, table.minimum_rows - row_count),
        *(int(row[f"c{i}"]) for i in range(len(counts))),
        *related.values(),
    ]
    verdicts = judge({"expectation": names, "broken_count": broken})
    results = zip(names, broken, verdicts, strict=True)
    return Audit(row_count, tuple(RuleResult(*result) for result in results))


def _broken_counts(table: Table) -> Mapping[str, str]:
    counts: dict[str, str] = {}
    for column in table.columns:
        counts.update(_column_counts(column))
    for rule in table.rules:
        counts[rule.name] = f"count(*) FILTER (WHERE NOT ({rule.predicate}))"
    return counts


def _count_related(
    table: Table, staged: Path, referenced: Mapping[str, Path], query: Query
) -> dict[str, int]:
    """Count rows that repeat a key, overlap an earlier row, or refer to no row."""
    counts = {f"key ({', '.join(table.key)}) is unique": _count_repeated(table, staged, query)}
    if table.segments_of:
        name = f"segments of one {', '.join(table.segments_of)} do not overlap"
        counts[name] = _count_overlapping(table, staged, query)
    for reference in table.references:
        pairs = zip(reference.columns, reference.key, strict=True)
        same = " AND ".join(f"s.{_name(mine)} = o.{_name(other)}" for mine, other in pairs)
        there = " AND ".join(f"s.{_name(column)} IS NOT NULL" for column in reference.columns)
        counts[f"{', '.join(reference.columns)} is in {reference.table}"] = _count(
            query,
            f"SELECT count(*) AS n FROM {_STAGED} AS s WHERE {there} AND NOT EXISTS"
            f" (SELECT 1 FROM {_OTHER} AS o WHERE {same})",
            staged=match_exactly(staged),
            other=match_exactly(referenced[reference.table]),
        )
    return counts


def _count_repeated(table: Table, staged: Path, query: Query) -> int:
    """Count rows whose key is not greater than that of the row before.

    Rows are stored in the order of the key, so these repeat a key; this takes a tenth of the time
    of counting distinct keys and no memory. Another expectation covers nulls in a key.
    """
    keys = ", ".join(_name(key) for key in table.key)
    there = " AND ".join(f"{_name(key)} IS NOT NULL" for key in table.key)
    return _count(
        query,
        f"SELECT count(*) FILTER (WHERE NOT before < ({keys})) AS n FROM (SELECT {keys},"
        f" lag(({keys})) OVER () AS before FROM {_STAGED} WHERE {there})",
        staged=match_exactly(staged),
    )


def _count_overlapping(table: Table, staged: Path, query: Query) -> int:
    """Count rows whose dates begin before an earlier row of the same group has ended."""
    if table.key == (*table.segments_of, "start_date"):
        # In this order, no rows overlap if no row overlaps the next one: one pass is enough.
        same = " AND ".join(f"{_name(c)} = lag({_name(c)}) OVER ()" for c in table.segments_of)
        reaching = _count(
            query,
            "SELECT count(*) FILTER (WHERE reaches) AS n FROM (SELECT"
            f" {same} AND start_date <= lag({_END}) OVER () AS reaches"
            f" FROM {_STAGED})",
            staged=match_exactly(staged),
        )
        if not reaching:
            return 0
    groups = ", ".join(_name(column) for column in table.segments_of)
    return _count(
        query,
        "SELECT count(*) FILTER (WHERE start_date <= earlier) AS n FROM (SELECT start_date,"
        f" max({_END}) OVER (PARTITION BY {groups} ORDER BY start_date, end_date"
        " ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS earlier"
        f" FROM {_STAGED})",
        staged=match_exactly(staged),
    )


def _count(query: Query, sql: str, **parameters: object) -> int:
    return int(query(sql, **parameters)["n"].iloc[0])


def _column_counts(column: Column) -> dict[str, str]:
    name = _name(column.name)
    counts = {}
    if column.required:
        counts[f"{column.name} is there"] = f"count(*) FILTER (WHERE {name} IS NULL)"
    if column.type == "number":
        counts[f"{column.name} is finite"] = f"count(*) FILTER (WHERE NOT isfinite({name}))"
    if column.minimum is not None:
        counts[f"{column.name} >= {column.minimum:g}"] = (
            f"count(*) FILTER (WHERE {name} < {column.minimum})"
        )
    if column.maximum is not None:
        counts[f"{column.name} <= {column.maximum:g}"] = (
            f"count(*) FILTER (WHERE {name} > {column.maximum})"
        )
    if column.allowed is not None:
        # A cast looks each text up once a dictionary; NOT IN would compare them all in every row.
        texts = ", ".join(map(quote_text, column.allowed))
        counts[f"{column.name} is one of {len(column.allowed)} allowed texts"] = (
            f"count({name}) - count(TRY_CAST({name} AS ENUM ({texts})))"
        )
    return counts


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'
