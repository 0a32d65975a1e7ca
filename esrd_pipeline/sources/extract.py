"""Patient-level extracts: builds the SELECT that reads the files of a raw table.

The files' columns are those of the table's definition or, for Medicare, RIF's. Nothing is read into
memory here: this module matches the columns, checks the values that are converted in one DuckDB
pass, and leaves reading to the SELECT.
"""

import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import pandas as pd
import pyarrow as pa

from esrd_pipeline.duckdb_text import AS_STORED, match_exactly, quote_text, scan_parquet
from esrd_pipeline.parameters.rows import load_rows
from esrd_pipeline.sources import identifiers, sas
from esrd_pipeline.sources.errors import SourceError
from esrd_pipeline.sources.extract_files import LINES, Extract, check_end
from esrd_pipeline.sql import Select
from esrd_pipeline.tables.forms import NO_VALUE, Form
from esrd_pipeline.tables.model import Column, Table
from esrd_pipeline.warehouse import Query, QueryError

YEAR = "performance_year"
_KINDS = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "yes or no",
    "date": "a date (DD-Mon-YYYY, DDMonYYYY, YYYYMMDD or YYYY-MM-DD)",
}
_NO_FORMAT = (
    "is a number without a date format, perhaps of days or of seconds: give the column its format"
    " in SAS, such as DATE9"
)
_TYPES: Mapping[str, Callable[[pa.DataType], bool]] = {
    "text": lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind),
    "integer": pa.types.is_integer,
    "number": lambda kind: pa.types.is_floating(kind) or pa.types.is_integer(kind),
    "boolean": pa.types.is_boolean,
    "date": pa.types.is_date,
}


def unpack(table: Table, extracts: Iterable[Extract], folder: Path) -> tuple[Extract, ...]:
    """Write the rows of a table's SAS files into a folder as Parquet, from where they are read.

    Raises:
        SourceError: a required column is missing, or a file is damaged.
    """
    unpacked: list[Extract] = []
    for extract in extracts:
        if extract.is_sas:
            _check_columns(table, extract)
            located = (_locate(table, extract, column) for column in table.columns)
            names = dict.fromkeys(extract.columns[name] for name in located if name is not None)
            # A name never used before: DuckDB remembers what it read under a name.
            content = folder / f"{uuid.uuid4().hex}.parquet"
            sas.write_parquet(extract.path, list(names), content)
            unpacked.append(replace(extract, content=content))
        else:
            unpacked.append(extract)
    return tuple(unpacked)


def check_extracts(table: Table, extracts: Iterable[Extract], query: Query) -> dict[str, int]:
    """Check every value of a table's files; return how many are rewritten.

    Returns:
        By column of a known width, the values that are not in its form, such as codes without the
        zeros at their front. Columns without such values are left out.

    Raises:
        SourceError: a required column is missing, or a value is not of its type or form; the
            message has file, first row, column and rule, never the value.
    """
    rewritten: Counter[str] = Counter()
    read = tuple(extracts)
    has_texts = False
    for extract in read:
        _check_columns(table, extract)
        if extract.delimiter is not None:
            needed = [_locate(table, extract, column) for column in table.columns]
            check_end(extract.path, is_needed=[*extract.columns][-1] in needed)
        found, are_texts = _check_values(table, extract, query)
        rewritten.update(found)
        has_texts |= are_texts
    if has_texts:
        _check_identifiers(table, read, query)
    return {name: count for name, count in sorted(rewritten.items()) if count}


def make_select(table: Table, extracts: tuple[Extract, ...]) -> Select:
    """Return the SELECT that types and combines a table's files, which `check_extracts` passed.

    Columns that a file does not have are null; columns that the table does not have are ignored.
    """
    parts = [_project(table, extract) for extract in extracts]
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


@cache
def _rif_names(table: str) -> Mapping[str, str]:
    return {
        row["column"]: row["rif_column"].lower()
        for row in load_rows("rif_column")
        if row["table"] == table
    }


def _locate(table: Table, extract: Extract, column: Column) -> str | None:
    """Return the file's lower-case name of a column; None if the file lacks it."""
    names = [column.name, _rif_names(table.path[1]).get(column.name, column.name)]
    if extract.is_sas:
        names = [name[: sas.LONGEST_NAME] for name in names]
    return next((name for name in names if name in extract.columns), None)


def _check_columns(table: Table, extract: Extract) -> None:
    for column in table.columns:
        is_there = column.name == YEAR or _locate(table, extract, column) is not None
        if column.required and not is_there:
            raise SourceError(
                file=extract.path.name, column=column.name.upper(), rule="the column is missing"
            )


def _list_checks(table: Table, extract: Extract) -> Iterator[tuple[str, str, str]]:
    """Yield what is looked for in the file: (column, SQL of a value that breaks a rule, rule)."""
    for column in table.columns:
        name = None if column.name == YEAR else _locate(table, extract, column)
        if name is None:
            continue
        text = _text(extract, name)
        if column.type == "text":
            if column.form is not None:
                yield name, f"upper({text}) IN {NO_VALUE}", "is a word for no value, not a code"
            if column.form is not None and column.form.pattern is not None:
                value = _convert(column, extract, name)
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
    text = _text(extract, name)
    if column.is_identifier:
        if _is_whole(extract, name):
            return None, ""
        rule = identifiers.FLOAT_RULE if _is_float(extract, name) else identifiers.RULE
        return identifiers.find_broken(_identifier(extract, name)), rule
    if column.type == "date" and extract.is_sas and _is_float(extract, name):
        return f"{text} IS NOT NULL", _NO_FORMAT
    if not _is_typed(extract, name, column):
        broken = f"{text} IS NOT NULL AND {_convert(column, extract, name)} IS NULL"
        return broken, f"is not {_KINDS[column.type]}"
    if _is_float(extract, name):
        return f"NOT isfinite({_quote(extract.columns[name])})", "is not a finite number"
    return None, ""


def _check_values(table: Table, extract: Extract, query: Query) -> tuple[dict[str, int], bool]:
    """Check in one pass every value that is converted.

    Returns:
        The rewritten ones by column, and whether the table's key is an identifier and one is
        written otherwise than the number it has.
    """
    tried = list(_list_checks(table, extract))
    rewritten = list(_list_rewritten(table, extract))
    identifier = _identifying_column(table)
    key = None if identifier is None else _locate(table, extract, identifier)
    if not tried and not rewritten and key is None:
        return {}, False
    wanted = [
        f"min(CASE WHEN {broken} THEN row END) AS c{place}"
        for place, (_, broken, _) in enumerate(tried)
    ]
    wanted += [
        f"count(CASE WHEN {is_rewritten} THEN 1 END) AS r{place}"
        for place, (_, is_rewritten) in enumerate(rewritten)
    ]
    if key is not None:
        is_text = identifiers.find_other(_identifier(extract, key))
        wanted.append(f"count(CASE WHEN {is_text} THEN 1 END) AS texts")
    numbered = f"SELECT *, row_number() OVER () + 1 AS row FROM {_scan(extract)}"
    found = _run(extract, query, f"SELECT {', '.join(wanted)} FROM ({numbered})")
    for place, (name, _, rule) in enumerate(tried):
        row = found[f"c{place}"].iloc[0]
        if not pd.isna(row):
            raise SourceError(
                file=extract.path.name, row=int(row), column=extract.columns[name], rule=rule
            )
    counts = {name: int(found[f"r{place}"].iloc[0]) for place, (name, _) in enumerate(rewritten)}
    return counts, key is not None and bool(found["texts"].iloc[0])


def _identifying_column(table: Table) -> Column | None:
    """Return the column that is the table's key alone, if it holds identifiers."""
    key = [column for column in table.columns if column.name in table.key]
    return key[0] if len(key) == 1 and key[0].is_identifier else None


def _check_identifiers(table: Table, extracts: tuple[Extract, ...], query: Query) -> None:
    """Check that no two identifiers have one number, in a table where each stands once."""
    column = _identifying_column(table)
    if column is None:
        return
    names = [(extract, _locate(table, extract, column)) for extract in extracts]
    parts = [
        f"SELECT {place} AS file, row_number() OVER () + 1 AS row,"
        f" {_identifier(extract, name)} AS identifier,"
        f" {_convert_identifier(extract, name)} AS number FROM {_scan(extract)}"
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


def _list_rewritten(table: Table, extract: Extract) -> Iterator[tuple[str, str]]:
    """Yield the columns of a known width, and the SQL of a value that is written otherwise."""
    for column in table.columns:
        name = _locate(table, extract, column)
        if name is not None and column.form is not None and (column.form.width or 1) > 1:
            value = _convert(column, extract, name)
            text = _text(extract, name)
            yield column.name, f"{value} <> {text}"


def _run(extract: Extract, query: Query, sql: str) -> pd.DataFrame:
    try:
        return query(sql)
    except QueryError as error:
        raise SourceError(
            file=extract.path.name,
            row=error.line,
            rule="is not delimited text with as many cells as the header",
        ) from None


def _project(table: Table, extract: Extract) -> str:
    columns: list[str] = []
    for column in table.columns:
        name = None if column.name == YEAR else _locate(table, extract, column)
        if column.name == YEAR:
            value = f"${YEAR}"
        elif name is None:
            value = "NULL"
        elif column.is_identifier:
            value = _convert_identifier(extract, name)
        elif _is_typed(extract, name, column):
            value = _quote(extract.columns[name])
        else:
            value = _convert(column, extract, name)
        columns.append(f'{value} AS "{column.name}"')
    is_line = table.path[1] in LINES
    distinct = "DISTINCT " if extract.is_flat and not is_line else ""
    where = ""
    if extract.is_flat and is_line:
        line = LINES[table.path[1]]
        where = f" WHERE {_text(extract, line)} IS NOT NULL"
    return f"SELECT {distinct}{', '.join(columns)} FROM {_scan(extract)}{where}"


def _is_typed(extract: Extract, name: str, column: Column) -> bool:
    is_typed = name in extract.typed and _TYPES[column.type](extract.typed[name])
    return is_typed and column.form is None


def _is_float(extract: Extract, name: str) -> bool:
    return name in extract.typed and pa.types.is_floating(extract.typed[name])


def _is_whole(extract: Extract, name: str) -> bool:
    return name in extract.typed and pa.types.is_integer(extract.typed[name])


def _convert_identifier(extract: Extract, name: str) -> str:
    if _is_whole(extract, name):
        column = _quote(extract.columns[name])
        return identifiers.convert_whole(column, extract.typed[name])
    return identifiers.convert_identifier(_identifier(extract, name))


def _identifier(extract: Extract, name: str) -> str:
    if _is_float(extract, name):
        return identifiers.write_float(_quote(extract.columns[name]))
    return _text(extract, name)


def _scan(extract: Extract) -> str:
    if extract.is_sas and extract.content is None:
        raise ValueError(f"{extract.path.name} is not unpacked")
    content = extract.content or extract.path
    if extract.delimiter is None:
        return scan_parquet([content])
    path = quote_text(match_exactly(content))
    quote = '"' if extract.is_quoted else ""
    columns = ", ".join(f"{quote_text(name)}: 'VARCHAR'" for name in extract.columns.values())
    return (
        f"read_csv({path}, delim = '{extract.delimiter}', header = true, auto_detect = false,"
        f" quote = '{quote}', escape = '{quote}', {AS_STORED}, columns = {{{columns}}})"
    )


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(extract: Extract, name: str) -> str:
    value = _quote(extract.columns[name])
    if extract.is_sas and _is_float(extract, name):
        return identifiers.write_float(value)
    return f"nullif(trim(CAST({value} AS VARCHAR)), '')"


def _convert(column: Column, extract: Extract, name: str) -> str:
    """Return SQL for the value in its column's type and form; null if it cannot be converted.

    DuckDB's casts guess: 01-JAN-24 is the year 24 and 1.6 is 2. What they are given is therefore
    matched first.
    """
    text = _text(extract, name)
    if column.type == "text":
        return text if column.form is None else _bring_into_form(text, column.form)
    if column.type == "boolean":
        return (
            f"CASE WHEN upper({text}) IN ('Y', 'YES', 'TRUE', 'T', '1') THEN TRUE"
            f" WHEN upper({text}) IN ('N', 'NO', 'FALSE', 'F', '0') THEN FALSE END"
        )
    cases = " ".join(
        f"WHEN regexp_full_match({text}, '{pattern}') THEN {cast.format(text)}"
        for pattern, cast in _CASTS[column.type]
    )
    return f"CASE {cases} END"


_CASTS = {
    "date": (
        (r"\d{1,2}-[A-Za-z]{3}-\d{4}", "CAST(try_strptime({}, '%d-%b-%Y') AS DATE)"),
        (r"\d{1,2}[A-Za-z]{3}\d{4}", "CAST(try_strptime({}, '%d%b%Y') AS DATE)"),
        (r"\d{8}", "CAST(try_strptime({}, '%Y%m%d') AS DATE)"),
        (
            r"\d{4}-\d{2}-\d{2}([ T]00:00:00(\.0+)?)?",
            "CAST(TRY_CAST({} AS TIMESTAMP) AS DATE)",
        ),
    ),
    # Tools that know no missing whole number write 12.0.
    "integer": ((r"[+-]?\d+(\.0+)?", "TRY_CAST(split_part({}, '.', 1) AS BIGINT)"),),
    "number": ((r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", "TRY_CAST({} AS DOUBLE)"),),
}
"""What a value looks like, and how it is then read."""


def _bring_into_form(text: str, form: Form) -> str:
    value = f"upper({text})"
    if form.removed:
        value = f"translate({value}, '{form.removed}', '')"
    if form.width is None or form.width == 1:
        return value
    short = f"[0-9]{{{form.least},{form.width - 1}}}"
    return (
        f"CASE WHEN length({value}) < {form.width} AND regexp_full_match({value}, '{short}')"
        f" THEN lpad({value}, {form.width}, '0')"
        f" WHEN regexp_full_match({value}, '[0-9]{{{form.least},{form.width}}}\\.0+')"
        f" THEN lpad(split_part({value}, '.', 1), {form.width}, '0') ELSE {value} END"
    )
