"""The first row of a table's files that breaks one of the table's expectations.

An audit counts what is broken in the stored rows, which no longer know their file. Only where
something is broken are the files read again, to say where.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from esrd_pipeline.duckdb_text import scan_parquet
from esrd_pipeline.sources.errors import SourceError
from esrd_pipeline.sources.extract import YEAR, make_select
from esrd_pipeline.sources.extract_files import Extract
from esrd_pipeline.sources.extract_values import NO_DAYS
from esrd_pipeline.tables.model import Column, Table
from esrd_pipeline.warehouse import Query


def find_first_rows(
    table: Table,
    extracts: tuple[Extract, ...],
    query: Query,
    *,
    performance_year: int,
    referenced: Mapping[str, Path] | None = None,
) -> str | None:
    """Say of each broken expectation its first file and row, without the value; None if none is.

    Flat files, whose rows are not the table's, are left out. `referenced` are the stored files of
    the tables that this one refers to.
    """
    plain = tuple(extract for extract in extracts if not extract.is_flat)
    if not plain or not table.column_names:
        return None
    parts = [
        f"SELECT *, {place} AS file, row_number() OVER () + 1 AS row"
        f" FROM ({make_select(table, (extract,)).text})"
        for place, extract in enumerate(plain)
    ]
    named = f"WITH named AS ({' UNION ALL '.join(parts)})"
    unknown = dict(_list_unknown(table, referenced or {}))
    related = [
        (", ".join(columns).upper(), f"unknown_{place}", f"is no {' and '.join(key)} of {other}")
        for place, (columns, other, key) in enumerate(unknown)
    ]
    rules = [*_list_rules(table), _repeated(table), *_list_overlapping(table), *related]
    firsts = ", ".join(
        f"min({{'file': file, 'row': row}}) FILTER (WHERE {broken}) AS c{place}"
        for place, (_, broken, _) in enumerate(rules)
    )
    keys = ", ".join(f'"{name}"' for name in table.key)
    added = "".join(f", {test} AS unknown_{place}" for place, test in enumerate(unknown.values()))
    if table.segments_of:
        added += f", {_write_overlap(table)} AS is_overlapping"
    found = query(
        f"{named}, counted AS (SELECT *, row_number() OVER (PARTITION BY {keys}"
        f" ORDER BY file, row) AS copy{added} FROM named AS s) SELECT {firsts} FROM counted",
        performance_year=performance_year,
    ).iloc[0]
    faults = [
        str(SourceError(file=plain[at["file"]].path.name, row=at["row"], column=column, rule=rule))
        for place, (column, _, rule) in enumerate(rules)
        if isinstance(at := found[f"c{place}"], dict)
    ]
    return "; ".join(faults) or None


def _list_rules(table: Table) -> Iterator[tuple[str, str, str]]:
    """Yield a column, SQL that is true of a row that breaks an expectation of it, and the rule."""
    for column in table.columns:
        if column.name != YEAR:
            for broken, rule in _list_broken(column):
                yield column.name.upper(), broken, rule
    for rule in table.rules:
        named = set(re.findall(r"\w+", rule.predicate))
        columns = ", ".join(name.upper() for name in table.column_names if name in named)
        yield columns, f"NOT ({rule.predicate})", f"breaks the rule: {rule.name}"


def _list_broken(column: Column) -> Iterator[tuple[str, str]]:
    name = f'"{column.name}"'
    if column.required:
        none = f" ({', '.join(NO_DAYS)} are none)" if column.type == "date" else ""
        yield f"{name} IS NULL", f"has no value, and needs one{none}"
    if column.minimum is not None:
        yield f"{name} < {column.minimum}", f"is less than {column.minimum:g}"
    if column.maximum is not None:
        yield f"{name} > {column.maximum}", f"is more than {column.maximum:g}"
    if column.allowed is not None:
        texts = ", ".join("'" + text.replace("'", "''") + "'" for text in column.allowed)
        yield f"{name} NOT IN ({texts})", f"is none of the {len(column.allowed)} allowed texts"


def _repeated(table: Table) -> tuple[str, str, str]:
    there = " AND ".join(f'"{name}" IS NOT NULL' for name in table.key)
    columns = ", ".join(name.upper() for name in table.key if name != YEAR)
    return columns, f"copy > 1 AND {there}", "repeats the key of an earlier row"


def _list_overlapping(table: Table) -> Iterator[tuple[str, str, str]]:
    if table.segments_of:
        columns = ", ".join(name.upper() for name in (*table.segments_of, "start_date"))
        yield columns, "is_overlapping", "begins before an earlier row of the same has ended"


def _write_overlap(table: Table) -> str:
    groups = ", ".join(f'"{name}"' for name in table.segments_of)
    return (
        "start_date <= max(coalesce(end_date, DATE '9999-12-31')) OVER (PARTITION BY"
        f" {groups} ORDER BY start_date, end_date, file, row"
        " ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
    )


_Related = tuple[tuple[str, ...], str, tuple[str, ...]]


def _list_unknown(table: Table, referenced: Mapping[str, Path]) -> Iterator[tuple[_Related, str]]:
    """Yield each reference, and SQL that is true of a row that refers to nothing."""
    for reference in table.references:
        if reference.table not in referenced:
            continue
        pairs = zip(reference.columns, reference.key, strict=True)
        same = " AND ".join(f's."{mine}" = o."{other}"' for mine, other in pairs)
        there = " AND ".join(f's."{column}" IS NOT NULL' for column in reference.columns)
        stored = scan_parquet([referenced[reference.table]])
        yield (
            (reference.columns, reference.table, reference.key),
            f"({there} AND NOT EXISTS (SELECT 1 FROM {stored} AS o WHERE {same}))",
        )
