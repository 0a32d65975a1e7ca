"""What a staged partition is judged by, before anyone can read it.

DuckDB profiles the staged file in one scan into counts of broken rows (nulls, values out of
range, broken rules, repeated keys), one for each expectation, and great_expectations judges the
counts: the cost is the scan, whatever the size of the table. Results carry counts, column names
and rule names, never a value. This is the only module that imports great_expectations, and it
does so inside a function: the import takes seconds that loading the definitions must not.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from esrd_pipeline.tables.model import Column, Table
from esrd_pipeline.warehouse import Query

DRIFT_ROWS = 0.2
"""A partition with 20% more or fewer rows than the year before is worth a look."""
DRIFT_STANDARD_DEVIATIONS = 0.5
"""So is a mean that moved by half a standard deviation between years."""
DRIFT_NULL_SHARE = 0.25
"""So is a column with a quarter of its values newly there or newly missing."""


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One expectation: its name, how many rows broke it, and whether that is acceptable."""

    name: str
    broken_count: int
    passed: bool


@dataclass(frozen=True, slots=True)
class Audit:
    """Every expectation of one staged partition; `row_count` rows were looked at."""

    row_count: int
    results: tuple[RuleResult, ...]

    @property
    def broken(self) -> tuple[RuleResult, ...]:
        """The expectations that failed."""
        return tuple(result for result in self.results if not result.passed)


@dataclass(frozen=True, slots=True)
class Drift:
    """A difference from the year before that a person should look at."""

    column: str
    measure: str | None
    what: str
    before: float
    now: float


def audit(
    *, table: Table, staged: Path, query: Query, referenced: Mapping[str, Path] | None = None
) -> Audit:
    """Judge a staged Parquet file by its table's definition.

    Each expectation's name says column and rule; `broken_count` is a number of rows (for the
    number of rows itself, how many are too few). `referenced` are the partitions of the tables
    that the definition refers to, by name.
    """
    counts = _broken_counts(table)
    metrics = ", ".join(f"{sql} AS c{i}" for i, sql in enumerate(counts.values()))
    row = query(
        f"SELECT count(*) AS row_count, {metrics} FROM read_parquet($staged)", staged=str(staged)
    ).iloc[0]
    row_count = int(row["row_count"])
    related = _count_related(table, staged, referenced or {}, query)
    profile = pd.DataFrame(
        {
            "expectation": [f"at least {table.minimum_rows} rows", *counts, *related],
            "broken_count": [
                max(0, table.minimum_rows - row_count),
                *(int(row[f"c{i}"]) for i in range(len(counts))),
                *related.values(),
            ],
        }
    )
    verdicts = _judge(profile)
    results = zip(profile["expectation"], profile["broken_count"], verdicts, strict=True)
    return Audit(row_count, tuple(RuleResult(*result) for result in results))


def find_drift(*, table: Table, staged: Path, previous: Path, query: Query) -> list[Drift]:
    """Differences between a staged partition and the year before, largest first.

    Rows, and for every number column the mean and the share of nulls, are compared within each
    measure where the table has measures.
    """
    now, before = (_describe(table, path, query) for path in (staged, previous))
    drifts = [
        drift
        for measure in sorted(set(now) | set(before), key=str)
        for drift in _compare(table, measure, before.get(measure), now.get(measure))
    ]
    return sorted(drifts, key=lambda d: (-abs(d.now - d.before), d.column, str(d.measure)))


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
    """Count rows that repeat a key, that overlap one before, and that refer to none."""
    counts = {f"key ({', '.join(table.key)}) is unique": _count_repeated(table, staged, query)}
    if table.spans_of:
        name = f"spans of one {', '.join(table.spans_of)} do not overlap"
        counts[name] = _count_overlapping(table, staged, query)
    for reference in table.references:
        pairs = zip(reference.columns, reference.key, strict=True)
        same = " AND ".join(f"s.{_name(mine)} = o.{_name(other)}" for mine, other in pairs)
        there = " AND ".join(f"s.{_name(column)} IS NOT NULL" for column in reference.columns)
        counts[f"{', '.join(reference.columns)} is in {reference.table}"] = _count(
            query,
            f"SELECT count(*) AS n FROM read_parquet($staged) AS s WHERE {there} AND NOT EXISTS"
            f" (SELECT 1 FROM read_parquet($other) AS o WHERE {same})",
            staged=str(staged),
            other=str(referenced[reference.table]),
        )
    return counts


def _count_repeated(table: Table, staged: Path, query: Query) -> int:
    """Count rows that do not come after the one before in the order of the key.

    Rows are stored in that order, so this is a repeated key; against counting distinct keys it
    takes a tenth of the time and no memory. A key with a null is another expectation's.
    """
    keys = ", ".join(_name(key) for key in table.key)
    there = " AND ".join(f"{_name(key)} IS NOT NULL" for key in table.key)
    return _count(
        query,
        f"SELECT count(*) FILTER (WHERE NOT before < ({keys})) AS n FROM (SELECT {keys},"
        f" lag(({keys})) OVER () AS before FROM read_parquet($staged) WHERE {there})",
        staged=str(staged),
    )


def _count_overlapping(table: Table, staged: Path, query: Query) -> int:
    """Count spans that begin before an earlier one of the same has ended."""
    if table.key == (*table.spans_of, "start_date"):
        # In this order, none overlaps where none reaches into the next: seen in one pass.
        same = " AND ".join(f"{_name(c)} = lag({_name(c)}) OVER ()" for c in table.spans_of)
        reaching = _count(
            query,
            "SELECT count(*) FILTER (WHERE reaches) AS n FROM (SELECT"
            f" {same} AND start_date <= lag(end_date) OVER () AS reaches"
            " FROM read_parquet($staged))",
            staged=str(staged),
        )
        if not reaching:
            return 0
    groups = ", ".join(_name(column) for column in table.spans_of)
    return _count(
        query,
        "SELECT count(*) FILTER (WHERE start_date <= earlier) AS n FROM (SELECT start_date,"
        f" max(end_date) OVER (PARTITION BY {groups} ORDER BY start_date, end_date"
        " ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS earlier"
        " FROM read_parquet($staged))",
        staged=str(staged),
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
        texts = ", ".join("'" + text.replace("'", "''") + "'" for text in column.allowed)
        counts[f"{column.name} is one of {len(column.allowed)} allowed texts"] = (
            f"count(*) FILTER (WHERE {name} NOT IN ({texts}))"
        )
    return counts


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _judge(profile: pd.DataFrame) -> list[bool]:
    """great_expectations' verdict on each row of the profile: no row may be broken."""
    expect_between, batch_definition = _great_expectations()
    batch = batch_definition.get_batch(batch_parameters={"dataframe": profile})
    verdict = batch.validate(
        expect_between(column="broken_count", min_value=0, max_value=0),
        result_format="COMPLETE",
    )
    broken: set[int] = set(verdict.result.get("unexpected_index_list") or ())
    if verdict.success != (not broken):
        raise RuntimeError(f"great_expectations could not judge: {verdict.exception_info}")
    return [position not in broken for position in range(len(profile))]


@cache
def _great_expectations() -> tuple[Any, Any]:
    """Import great_expectations once a process, quiet and without analytics."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig
    from great_expectations.expectations.core.expect_column_values_to_be_between import (
        ExpectColumnValuesToBeBetween,
    )

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("profiles").add_dataframe_asset("profile")
    whole = asset.add_batch_definition_whole_dataframe("whole")
    return ExpectColumnValuesToBeBetween, whole


def _numbers(table: Table) -> list[str]:
    return [column.name for column in table.columns if column.type == "number"]


def _describe(table: Table, path: Path, query: Query) -> dict[str | None, dict[str, float]]:
    """Rows, and mean, spread and nulls of each number column, by measure."""
    has_measure = "measure" in table.column_names
    metrics = ["count(*) AS row_count"]
    for i, name in enumerate(_numbers(table)):
        quoted = _name(name)
        metrics += [
            f"avg({quoted}) AS mean{i}",
            f"stddev_pop({quoted}) AS sd{i}",
            f"count(*) FILTER (WHERE {quoted} IS NULL) AS null{i}",
        ]
    measure = "measure" if has_measure else "NULL::VARCHAR"
    described = query(
        f"SELECT {measure} AS measure, {', '.join(metrics)} FROM read_parquet($path) GROUP BY 1",
        path=str(path),
    )
    return {
        None if pd.isna(row["measure"]) else str(row["measure"]): {
            str(metric): float(value) for metric, value in row.items() if metric != "measure"
        }
        for _, row in described.iterrows()
    }


def _compare(
    table: Table,
    measure: str | None,
    before: dict[str, float] | None,
    now: dict[str, float] | None,
) -> list[Drift]:
    rows_before = before["row_count"] if before else 0.0
    rows_now = now["row_count"] if now else 0.0
    drifts = []
    if abs(rows_now - rows_before) > DRIFT_ROWS * max(rows_before, 1.0):
        drifts.append(Drift("(rows)", measure, "number of rows", rows_before, rows_now))
    if before is None or now is None:
        return drifts
    for i, name in enumerate(_numbers(table)):
        nulls = [before[f"null{i}"] / rows_before, now[f"null{i}"] / rows_now]
        if abs(nulls[1] - nulls[0]) > DRIFT_NULL_SHARE:
            drifts.append(Drift(name, measure, "share of nulls", nulls[0], nulls[1]))
        spread = before[f"sd{i}"]
        moved = abs(now[f"mean{i}"] - before[f"mean{i}"])
        if spread > 0 and moved > DRIFT_STANDARD_DEVIATIONS * spread:
            drifts.append(Drift(name, measure, "mean", before[f"mean{i}"], now[f"mean{i}"]))
    return drifts
