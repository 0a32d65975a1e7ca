"""The first row of a table's files that breaks one of the table's expectations.

An audit counts what is broken in the stored rows, which no longer know their file. Only where
something is broken are the files read again, to say where.
"""

import re
from collections.abc import Iterator

from esrd_pipeline.sources.errors import SourceError
from esrd_pipeline.sources.extract import YEAR, make_select
from esrd_pipeline.sources.extract_files import Extract
from esrd_pipeline.tables.model import Column, Table
from esrd_pipeline.warehouse import Query


def find_first_rows(
    table: Table, extracts: tuple[Extract, ...], query: Query, *, performance_year: int
) -> str | None:
    """Say of each broken expectation its first file and row, without the value; None if none is.

    Flat files, whose rows are not the table's, are left out.
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
    rules = [*_list_rules(table), _repeated(table)]
    firsts = ", ".join(
        f"min({{'file': file, 'row': row}}) FILTER (WHERE {broken}) AS c{place}"
        for place, (_, broken, _) in enumerate(rules)
    )
    keys = ", ".join(f'"{name}"' for name in table.key)
    found = query(
        f"{named}, counted AS (SELECT *, row_number() OVER (PARTITION BY {keys}"
        f" ORDER BY file, row) AS copy FROM named) SELECT {firsts} FROM counted",
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
        yield f"{name} IS NULL", "has no value, and needs one"
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
