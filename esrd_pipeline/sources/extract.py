"""Patient-level extracts: builds the SELECT that reads the files of a raw table.

The files' columns are those of the table's definition or, for Medicare, RIF's. Nothing is read into
memory here: this module matches the columns, checks the values that are converted in one DuckDB
pass, and leaves reading to the SELECT.
"""

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow as pa

from esrd_pipeline.engines.duckdb_engine import QueryError
from esrd_pipeline.sources import identifiers, sas
from esrd_pipeline.sources.errors import MOST_ROWS, Fault, SourceError
from esrd_pipeline.sources.extract_files import LINES, Extract, check_end
from esrd_pipeline.sources.extract_values import (
    convert,
    convert_identifier,
    convert_kept,
    drop_no_day,
    find_kept,
    find_lost,
    find_other_identifier,
    is_float,
    is_moment,
    is_typed,
    is_whole,
    locate,
    quote,
    scan,
    write_text,
)
from esrd_pipeline.sql import Select
from esrd_pipeline.tables.forms import NO_VALUE
from esrd_pipeline.tables.medicare import MONTHS
from esrd_pipeline.tables.model import Column, Table
from esrd_pipeline.warehouse import Query

YEAR = "performance_year"
_TEXTS = "identifiers that are texts"
_KINDS = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "yes or no",
    "date": "a date (DD-Mon-YYYY, DDMonYYYY, YYYYMMDD or YYYY-MM-DD)",
}
_CONTROL = r"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F]"
"""Signs no text has: what a damaged file puts into one. Tabs and ends of line are free text's."""
_NO_FORMAT = (
    "is a number without a date format, perhaps of days or of seconds: give the column its format"
    " in SAS, such as DATE9"
)

_NO_DAY = (
    "is a moment with a time zone, whose day depends on where it is read: give the column days, or"
    " moments without a zone"
)


def unpack(table: Table, extracts: Iterable[Extract], folder: Path) -> tuple[Extract, ...]:
    """Write the rows of a table's SAS files into a folder as Parquet, from where they are read.

    Raises:
        SourceError: a required column is missing, or a file is damaged.
    """
    unpacked: list[Extract] = []
    for extract in extracts:
        if extract.is_sas:
            _check_columns(table, extract)
            located = (locate(table, extract, column) for column in table.columns)
            names = {
                extract.columns[name]: column.type != "number"
                for column, name in zip(table.columns, located, strict=True)
                if name is not None
            }
            # A name never used before: DuckDB remembers what it read under a name.
            content = folder / f"{uuid.uuid4().hex}.parquet"
            sas.write_parquet(extract.path, names, content)
            unpacked.append(replace(extract, content=content))
        else:
            unpacked.append(extract)
    return tuple(unpacked)


def check_header(table: Table, extract: Extract) -> None:
    """Check that a file has the columns that its table needs.

    Raises:
        SourceError: a required column is missing, or a text ends within a needed one.
    """
    _check_columns(table, extract)
    if extract.delimiter is not None:
        needed = [locate(table, extract, column) for column in table.columns]
        check_end(extract.path, is_needed=[*extract.columns][-1] in needed)


def check_extracts(
    table: Table, extracts: Iterable[Extract], query: Query
) -> tuple[tuple[Extract, ...], dict[str, int]]:
    """Check every value of a table's files.

    Returns:
        The files with the columns that are kept as they stand, which need not be looked at again;
        and by column of a known width, the values that are not in its form, such as codes without
        the zeros at their front. Columns without such values are left out.

    Raises:
        SourceError: a required column is missing, or a value is not of its type or form; the
            message has file, first row, column and rule, never the value.
    """
    rewritten: Counter[str] = Counter()
    checked: list[Extract] = []
    has_texts = False
    for extract in extracts:
        check_header(table, extract)
        found, kept, are_texts = _check_values(table, extract, query)
        checked.append(replace(extract, kept=kept))
        rewritten.update(found)
        has_texts |= are_texts
    read = tuple(checked)
    if has_texts:
        _check_identifiers(table, read, query)
    return read, {name: count for name, count in sorted(rewritten.items()) if count}


def make_select(table: Table, extracts: tuple[Extract, ...]) -> Select:
    """Return the SELECT that types and combines a table's files, which `check_extracts` passed.

    Columns that a file does not have are null; columns that the table does not have are ignored.
    """
    return _combine(table, extracts, [_project(table, extract) for extract in extracts])


def make_strict_select(table: Table, extracts: tuple[Extract, ...]) -> Select:
    """Return a SELECT that types a table's files in one pass, or fails where a second look is due.

    It succeeds only where `check_extracts` finds nothing to refuse and nothing to bring into its
    form, which is so of nearly all files, and its rows are then those of `make_select`.
    """
    parts: list[str] = []
    for extract in extracts:
        kept = dict(_list_kept(table, extract))
        tried = [broken for name, broken, _ in _list_checks(table, extract) if name not in kept]
        identifier = _identifying_column(table)
        key = None if identifier is None else locate(table, extract, identifier)
        if key is not None and key not in kept:
            tried.append(find_other_identifier(extract, key))
        good = " AND ".join([*kept.values(), *(f"({broken}) IS NOT TRUE" for broken in tried)])
        where = f"CASE WHEN {good} THEN TRUE ELSE error('a second look is due') END" if good else ""
        parts.append(_project(table, replace(extract, kept=frozenset(kept)), where))
    return _combine(table, extracts, parts)


def _combine(table: Table, extracts: Sequence[Extract], parts: Sequence[str]) -> Select:
    if not parts:
        nothing = ", ".join(f'NULL AS "{column.name}"' for column in table.columns)
        parts = [f"SELECT {nothing} WHERE false"]
    return Select(
        table=table.name,
        path=", ".join(extract.path.name for extract in extracts) or "no file",
        text="\nUNION ALL\n".join(parts),
        sources=(),
        value_sets=(),
        parameters=(YEAR,) if extracts else (),
    )


def _check_columns(table: Table, extract: Extract) -> None:
    there = {
        column.name
        for column in table.columns
        if column.name == YEAR or locate(table, extract, column) is not None
    }
    for name in (locate(table, extract, column) for column in table.columns):
        if name is not None and name in extract.typed and pa.types.is_nested(extract.typed[name]):
            rule = "holds lists or records, where each row has one value"
            raise SourceError(file=extract.path.name, column=extract.columns[name], rule=rule)
    for column in table.columns:
        stem, _, month = column.name.rpartition("_")
        of_months = {f"{stem}_{other}" for other in MONTHS} if month in MONTHS else set()
        if column.name in there or not (column.required or of_months & there):
            continue
        rule = "the column is missing" + (
            "" if column.required else ", and other months' are there"
        )
        raise SourceError(file=extract.path.name, column=column.name.upper(), rule=rule)


def _list_checks(table: Table, extract: Extract) -> Iterator[tuple[str, str, str]]:
    """Yield what is looked for in the file: (column, SQL of a value that breaks a rule, rule)."""
    for column in table.columns:
        name = None if column.name == YEAR else locate(table, extract, column)
        if name is None:
            continue
        text = write_text(extract, name)
        if column.type == "text":
            if is_float(extract, name):
                yield name, find_lost(extract, name), identifiers.FLOAT_RULE
            if column.form is not None:
                yield name, f"upper({text}) IN {NO_VALUE}", "is a word for no value, not a code"
            if column.form is None:
                yield name, f"regexp_matches({text}, '{_CONTROL}')", "has a control character"
            elif column.form.pattern is not None:
                value = convert(column, extract, name)
                broken = f"NOT regexp_full_match({value}, '{column.form.pattern}')"
                yield name, broken, f"is not {column.form.name}"
            if extract.delimiter is not None and not extract.is_quoted:
                broken = f"starts_with({text}, '\"')"
                yield name, broken, "is in quotes, where the first lines are not"
        else:
            broken, rule = _find_unconverted(column, extract, name)
            if broken is not None:
                yield name, broken, rule


def _find_unconverted(column: Column, extract: Extract, name: str) -> tuple[str | None, str]:
    """Return SQL that is true of a value that is not of its column's type, and the rule."""
    text = write_text(extract, name, is_measured=column.type == "number")
    if column.is_identifier:
        if is_whole(extract, name):
            return None, ""
        rule = identifiers.FLOAT_RULE if is_float(extract, name) else identifiers.RULE
        return identifiers.find_broken(write_text(extract, name)), rule
    if column.type == "date" and (
        is_moment(extract, name) or (extract.is_sas and is_float(extract, name))
    ):
        return f"{text} IS NOT NULL", _NO_FORMAT if extract.is_sas else _NO_DAY
    if not is_typed(extract, name, column):
        value = convert(column, extract, name)
        broken = f"{text} IS NOT NULL AND {value} IS NULL"
        if column.type == "number":  # 1e400 is read as infinity
            broken += f" OR NOT isfinite({value})"
        is_lost = column.type == "integer" and is_float(extract, name)
        return broken, identifiers.FLOAT_RULE if is_lost else f"is not {_KINDS[column.type]}"
    if is_float(extract, name):
        return f"NOT isfinite({quote(extract.columns[name])})", "is not a finite number"
    return None, ""


def _check_values(
    table: Table, extract: Extract, query: Query
) -> tuple[dict[str, int], frozenset[str], bool]:
    """Check every value that is converted, in one pass where all are kept as they stand.

    Returns:
        The rewritten ones by column; the names of columns of which all are kept; and whether the
        table's key is an identifier and one is written otherwise than the number it has.

    Raises:
        SourceError: rows break rules: all of them that the file breaks.
    """
    kept = dict(_list_kept(table, extract))
    tried = list(_list_checks(table, extract))
    wanted = {name: f"NOT {is_kept}" for name, is_kept in kept.items()}
    found, faults = _count_broken(
        extract, [fault for fault in tried if fault[0] not in kept], wanted, query
    )
    others = [name for name in kept if found[name]]
    changed = {
        column: is_rewritten
        for column, name, is_rewritten in _list_rewritten(table, extract)
        if name in others
    }
    identifier = _identifying_column(table)
    key = None if identifier is None else locate(table, extract, identifier)
    if key is not None and (key in others or key not in kept):
        changed[_TEXTS] = find_other_identifier(extract, key)
    counts, more = _count_broken(
        extract, [fault for fault in tried if fault[0] in others], changed, query
    )
    if faults or more:
        raise SourceError.of_faults(extract.path.name, [*faults, *more])
    are_texts = bool(counts.pop(_TEXTS, 0))
    return counts, frozenset(kept).difference(others), are_texts


def _count_broken(
    extract: Extract,
    tried: Sequence[tuple[str, str, str]],
    wanted: Mapping[str, str],
    query: Query,
) -> tuple[dict[str, int], list[Fault]]:
    """Return the number of rows of which each condition of `wanted` is true, and what is broken."""
    conditions = [*(broken for _, broken, _ in tried), *wanted.values()]
    if not conditions:
        return {}, []
    counted = ", ".join(
        f"count(CASE WHEN {condition} THEN 1 END) AS c{place}"
        for place, condition in enumerate(conditions)
    )
    found = _run(extract, query, f"SELECT {counted} FROM {scan(extract)}").iloc[0].tolist()
    faults: list[Fault] = []
    for (name, broken, rule), count in zip(tried, found, strict=False):
        if count:
            # Rows are numbered only where some are to be named: it takes a third of the time.
            numbered = f"SELECT *, row_number() OVER () + 1 AS row FROM {scan(extract)}"
            first_rows = (
                f"SELECT row FROM ({numbered}) WHERE {broken} ORDER BY row LIMIT {MOST_ROWS + 1}"
            )
            rows = tuple(map(int, _run(extract, query, first_rows)["row"]))
            faults.append(Fault(rule, extract.columns[name], rows, int(count)))
    return dict(zip(wanted, map(int, found[len(tried) :]), strict=True)), faults


def _list_kept(table: Table, extract: Extract) -> Iterator[tuple[str, str]]:
    """Yield names of columns, and SQL that is true of their values that need no second look."""
    for column in table.columns:
        name = None if column.name == YEAR else locate(table, extract, column)
        is_kept = None if name is None else find_kept(column, extract, name)
        if name is not None and is_kept is not None:
            yield name, is_kept


def _identifying_column(table: Table) -> Column | None:
    """Return the column that is the table's key alone, if it holds identifiers."""
    key = [column for column in table.columns if column.name in table.key]
    return key[0] if len(key) == 1 and key[0].is_identifier else None


def _check_identifiers(table: Table, extracts: tuple[Extract, ...], query: Query) -> None:
    """Check that no two identifiers have one number, in a table where each stands once."""
    column = _identifying_column(table)
    if column is None:
        return
    names = [(extract, locate(table, extract, column)) for extract in extracts]
    parts = [
        f"SELECT {place} AS file, row_number() OVER () + 1 AS row,"
        f" {write_text(extract, name)} AS identifier,"
        f" {convert_identifier(extract, name)} AS number FROM {scan(extract)}"
        for place, (extract, name) in enumerate(names)
        if name is not None
    ]
    found = query(
        f"WITH named AS ({' UNION ALL '.join(parts)}), shared AS (SELECT number FROM"
        " (SELECT DISTINCT identifier, number FROM named) GROUP BY number HAVING count(*) > 1)"
        " SELECT file, row FROM named SEMI JOIN shared USING (number) ORDER BY file, row LIMIT 1"
    )
    if not found.empty:
        extract, name = names[int(found["file"].iloc[0])]
        raise SourceError(
            file=extract.path.name,
            row=int(found["row"].iloc[0]),
            column=None if name is None else extract.columns[name],
            rule=identifiers.SHARED_RULE,
        )


def _list_rewritten(table: Table, extract: Extract) -> Iterator[tuple[str, str, str]]:
    """Yield columns of a known width: name, the file's name, SQL of a value written otherwise."""
    for column in table.columns:
        name = locate(table, extract, column)
        if name is not None and column.form is not None and (column.form.width or 1) > 1:
            value = convert(column, extract, name)
            text = write_text(extract, name)
            yield column.name, name, f"{value} <> {text}"


def _run(extract: Extract, query: Query, sql: str) -> pd.DataFrame:
    try:
        return query(sql)
    except QueryError as error:
        raise SourceError(
            file=extract.path.name,
            row=error.line,
            rule="is not delimited text with as many cells as the header",
        ) from None


def _project(table: Table, extract: Extract, where: str = "") -> str:
    columns: list[str] = []
    for column in table.columns:
        name = None if column.name == YEAR else locate(table, extract, column)
        if column.name == YEAR:
            value = f"${YEAR}"
        elif name is None:
            value = "NULL"
        elif name in extract.kept:
            value = convert_kept(column, extract, name)
        elif column.is_identifier:
            value = convert_identifier(extract, name)
        else:
            is_stored = is_typed(extract, name, column)
            value = quote(extract.columns[name]) if is_stored else convert(column, extract, name)
            value = drop_no_day(value) if column.type == "date" else value
        columns.append(f'{value} AS "{column.name}"')
    is_line = table.path[1] in LINES
    distinct = "DISTINCT " if extract.is_flat and not is_line else ""
    conditions = [where] if where else []
    if extract.is_flat and is_line:
        conditions.append(f"{write_text(extract, LINES[table.path[1]])} IS NOT NULL")
    chosen = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"SELECT {distinct}{', '.join(columns)} FROM {scan(extract)}{chosen}"
