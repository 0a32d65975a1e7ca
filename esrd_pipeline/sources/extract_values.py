"""SQL for the values of one patient-level file: as stored, as text, and in their column's form."""

from collections.abc import Callable, Mapping
from functools import cache

import pyarrow as pa

from esrd_pipeline.duckdb_text import AS_STORED, match_exactly, quote_text, scan_parquet
from esrd_pipeline.parameters.rows import load_rows
from esrd_pipeline.sources import identifiers, sas
from esrd_pipeline.sources.extract_files import Extract
from esrd_pipeline.tables.forms import Form
from esrd_pipeline.tables.model import Column, Table

_TYPES: Mapping[str, Callable[[pa.DataType], bool]] = {
    "text": lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind),
    "integer": pa.types.is_integer,
    # A float of 32 bits is read by its text: as a double 8.88 would be 8.880000114440918.
    "number": lambda kind: pa.types.is_float64(kind) or pa.types.is_integer(kind),
    "boolean": pa.types.is_boolean,
    "date": pa.types.is_date,
}


@cache
def _other_names(table: str) -> Mapping[str, tuple[str, ...]]:
    names: dict[str, tuple[str, ...]] = {}
    for layout in ("rif_column", "openfema_column"):
        for row in load_rows(layout):
            if row["table"] == table:
                known = names.get(row["column"], ())
                names[row["column"]] = (*known, row[layout].lower())
    return names


def locate(table: Table, extract: Extract, column: Column) -> str | None:
    """Return the file's lower-case name of a column; None if the file lacks it."""
    names = [column.name, *_other_names(table.path[1]).get(column.name, ())]
    if extract.is_sas:
        names = [name[: sas.LONGEST_NAME] for name in names]
    return next((name for name in names if name in extract.columns), None)


def is_typed(extract: Extract, name: str, column: Column) -> bool:
    """Return whether the file stores the column in its type: never of text, which has blanks."""
    is_typed = name in extract.typed and _TYPES[column.type](extract.typed[name])
    return is_typed and column.type != "text"


def is_float(extract: Extract, name: str) -> bool:
    """Return whether the file stores the column as floats."""
    return name in extract.typed and pa.types.is_floating(extract.typed[name])


def is_moment(extract: Extract, name: str) -> bool:
    """Return whether the file stores the column as moments of all time zones, not as days."""
    kind = extract.typed.get(name)
    return kind is not None and pa.types.is_timestamp(kind) and kind.tz is not None


def is_whole(extract: Extract, name: str) -> bool:
    """Return whether the file stores the column as whole numbers."""
    return name in extract.typed and pa.types.is_integer(extract.typed[name])


def find_lost(extract: Extract, name: str) -> str:
    """Return SQL that is true of a float of the file that may stand for several whole numbers."""
    exact = identifiers.find_exact(extract.typed[name])
    return identifiers.find_lost(quote(extract.columns[name]), exact)


def convert_identifier(extract: Extract, name: str) -> str:
    """Return SQL for the number that stands for an identifier."""
    if is_whole(extract, name):
        column = quote(extract.columns[name])
        return identifiers.convert_whole(column, extract.typed[name])
    return identifiers.convert_identifier(write_text(extract, name))


def find_other_identifier(extract: Extract, name: str) -> str:
    """Return SQL that is true of an identifier that is not written as the number it has."""
    if is_whole(extract, name):
        return identifiers.find_other_whole(quote(extract.columns[name]))
    return identifiers.find_other(write_text(extract, name))


_UNSEEN = (0x09, 0x0A, 0x0D, 0x20, 0xA0, 0x200B, 0xFEFF)
_BLANKS = f"concat({', '.join(f'chr({sign})' for sign in _UNSEEN)})"
"""SQL for signs around a value that are not seen, of which trim() alone takes the first."""


def scan(extract: Extract) -> str:
    """Return SQL that reads the file: text as text, Parquet in its types.

    Raises:
        ValueError: the rows of a SAS file are not unpacked.
    """
    if extract.is_sas and extract.content is None:
        raise ValueError(f"{extract.path.name} is not unpacked")
    content = extract.content or extract.path
    if extract.delimiter is None:
        return scan_parquet([content])
    path = quote_text(match_exactly(content))
    quote = '"' if extract.is_quoted else ""
    columns = ", ".join(f"{quote_text(name)}: 'VARCHAR'" for name in extract.columns.values())
    header = "header = false, skip = 1" if extract.has_longer_header else "header = true"
    return (
        f"read_csv({path}, delim = '{extract.delimiter}', {header}, auto_detect = false,"
        f" quote = '{quote}', escape = '{quote}', {AS_STORED}, columns = {{{columns}}})"
    )


def quote(name: str) -> str:
    """Return a column's name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def cast_to_text(extract: Extract, name: str) -> str:
    """Return SQL for a value as the file writes it."""
    return f"CAST({quote(extract.columns[name])} AS VARCHAR)"


def write_text(extract: Extract, name: str, *, is_measured: bool = False) -> str:
    """Return SQL for the text of a value without blanks around it; null if that is empty.

    Floats are written as whole numbers where they keep them, unless they are what was measured.
    """
    value = quote(extract.columns[name])
    if is_float(extract, name) and not is_measured:
        return identifiers.write_float(value, identifiers.find_exact(extract.typed[name]))
    return f"nullif(trim(trim(CAST({value} AS VARCHAR)), {_BLANKS}), '')"


def find_kept(column: Column, extract: Extract, name: str) -> str | None:
    """Return SQL that is true of a value that needs no second look; None if each needs one.

    It is in its column's form, or written as most files write its type: `convert_kept` reads it.
    """
    value = cast_to_text(extract, name)
    if column.form is not None:
        return f"coalesce(regexp_full_match({value}, '{column.form.kept}'), TRUE)"
    if column.is_identifier and is_whole(extract, name):
        other = identifiers.find_other_whole(quote(extract.columns[name]))
        return f"coalesce(NOT {other}, TRUE)"
    if not _is_text(extract, name) or column.type == "text":
        return None
    pattern, cast = _KEPT["identifier" if column.is_identifier else column.type]
    is_kept = f"coalesce(regexp_full_match({value}, '{pattern}'), TRUE)"
    if column.type == "date":  # the pattern does not know the calendar
        is_kept = f"({is_kept} AND ({value} IS NULL OR {cast.format(value)} IS NOT NULL))"
    return is_kept


def convert_kept(column: Column, extract: Extract, name: str) -> str:
    """Return SQL for a value of which `find_kept` is true, in its column's type."""
    value = cast_to_text(extract, name)
    if column.type == "text":
        return value
    if is_whole(extract, name):
        return f"CAST({quote(extract.columns[name])} AS BIGINT)"
    return _KEPT["identifier" if column.is_identifier else column.type][1].format(value)


def _is_text(extract: Extract, name: str) -> bool:
    """Return whether the file stores the column as text."""
    return name not in extract.typed or _TYPES["text"](extract.typed[name])


_KEPT = {
    "identifier": (identifiers.ITSELF, "CAST({} AS BIGINT)"),
    "integer": ("-?[0-9]{1,18}", "CAST({} AS BIGINT)"),
    "number": (r"-?[0-9]{1,18}(\.[0-9]{1,18})?", "CAST({} AS DOUBLE)"),
    "boolean": ("Y|N", "({} = 'Y')"),
    "date": (
        "[0-3][0-9]-[A-Z][a-z][a-z]-(1[89]|20)[0-9]{2}",
        "CAST(try_strptime({}, '%d-%b-%Y') AS DATE)",
    ),
}
"""How most files write a type, and how what matches is read, without a guess."""


def convert(column: Column, extract: Extract, name: str) -> str:
    """Return SQL for the value in its column's type and form; null if it cannot be converted.

    DuckDB's casts guess: 01-JAN-24 is the year 24 and 1.6 is 2. What they are given is therefore
    matched first.
    """
    text = write_text(extract, name, is_measured=column.type == "number")
    if column.type == "text":
        if column.form is None:
            return text
        stored = cast_to_text(extract, name)
        return (
            f"CASE WHEN {stored} IS NULL THEN NULL"
            f" WHEN regexp_full_match({stored}, '{column.form.kept}') THEN {stored}"
            f" ELSE {bring_into_form(text, column.form)} END"
        )
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
            r"\d{4}-\d{2}-\d{2}([ T]00:00:00(\.0+)?Z?)?",
            "CAST(TRY_CAST({} AS TIMESTAMP) AS DATE)",
        ),
    ),
    # Tools that know no missing whole number write 12.0.
    "integer": ((r"[+-]?\d+(\.0+)?", "TRY_CAST(split_part({}, '.', 1) AS BIGINT)"),),
    "number": ((r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", "TRY_CAST({} AS DOUBLE)"),),
}
"""What a value looks like, and how it is then read."""


NO_DAYS = ("0001-01-01", "1000-01-01", "9999-12-31")
"""How databases write that there is no day: no end, no death, no closing."""


def drop_no_day(value: str) -> str:
    """Return SQL for a date, null where it stands for none."""
    days = ", ".join(f"DATE '{day}'" for day in NO_DAYS)
    return f"CASE WHEN {value} IN ({days}) THEN NULL ELSE {value} END"


def bring_into_form(text: str, form: Form) -> str:
    """Return SQL that brings a text into its form, whatever can be lost on the way to a file."""
    value = f"upper({text})"
    if form.removed:
        value = f"translate({value}, {quote_text(form.removed)}, '')"
    if form.width is None or form.width == 1:
        return value
    cases = "".join(
        f" WHEN regexp_full_match({value}, '[0-9]{{{width - form.width + form.least},{width}}}"
        f"(\\.0+)?') THEN lpad(split_part({value}, '.', 1), {width}, '0')"
        for width in (form.width, form.longer)
        if width is not None
    )
    return f"CASE{cases} ELSE {value} END"
