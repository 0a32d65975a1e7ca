"""The layouts of the files that a Network keeps itself: they are ours, so a header must match.

An optional column with a misspelled header would otherwise be read as empty. FEMA's own file has
more columns than we read, and may keep them.
"""

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from esrd_pipeline.parameters.rows import load_rows
from esrd_pipeline.sources.errors import SourceError
from esrd_pipeline.sources.extract import YEAR
from esrd_pipeline.sources.extract_files import list_extracts
from esrd_pipeline.sources.extract_values import locate
from esrd_pipeline.sources.files import IGNORE_FILE
from esrd_pipeline.tables.model import Column, Table
from esrd_pipeline.tables.network_inputs import DISASTER_DECLARATION, INPUTS

DICTIONARY = "DICTIONARY.md"
_HEAD = """# What a Network keeps itself

Each file is CSV or Parquet with these columns in any order, of all years. Days are `2024-09-26`,
times `2024-09-26T18:30Z` (UTC), yes and no `Y` and `N`. A file may be left out. `esrd network
check` reads them as a refresh does.
"""


def list_columns(table: Table) -> list[Column]:
    """Return the columns of a table's file, in the order of the template."""
    return [column for column in table.columns if column.name != YEAR]


def check_layouts(folder: Path, cutoff: date | None = None) -> None:
    """Check the headers of a Network's files.

    Raises:
        SourceError: a column is missing, or is none of the layout's.
    """
    for table in INPUTS:
        for extract in list_extracts(folder, table, cutoff):
            known = {locate(table, extract, column) for column in list_columns(table)}
            for column in list_columns(table):
                if locate(table, extract, column) is None:
                    raise SourceError(
                        file=extract.path.name,
                        column=_name_in_file(table, column),
                        rule="the column is missing",
                    )
            other = [name for lower, name in extract.columns.items() if lower not in known]
            if other and table is not DISASTER_DECLARATION:
                raise SourceError(
                    file=extract.path.name,
                    column=other[0],
                    rule=f"is no column of {table.name}: its columns are"
                    f" {', '.join(column.name for column in list_columns(table))}",
                )


def write_templates(folder: Path) -> list[Path]:
    """Write an empty file of each table, and a dictionary of their columns; return their paths.

    Raises:
        FileExistsError: a file is already there; nothing is written then.
    """
    texts = {f"{table.path[1]}.csv": _write_header(table) for table in INPUTS}
    texts |= {DICTIONARY: _write_dictionary(INPUTS), IGNORE_FILE: f"{DICTIONARY}\n"}
    for name in texts:
        if (folder / name).exists():
            raise FileExistsError(f"{folder / name} exists")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in texts]


def _name_in_file(table: Table, column: Column) -> str:
    """Return the name a column has in a file: FEMA's, or the table's."""
    for row in load_rows("openfema_column"):
        if row["table"] == table.path[1] and row["column"] == column.name:
            return row["openfema_column"]
    return column.name


def _write_header(table: Table) -> str:
    return ",".join(_name_in_file(table, column) for column in list_columns(table)) + "\n"


def _write_dictionary(tables: Iterable[Table]) -> str:
    parts = [_HEAD]
    for table in tables:
        rows = [
            f"| `{_name_in_file(table, column)}` | {column.type} |"
            f" {'yes' if column.required else 'no'} | {_describe(column)} |"
            for column in list_columns(table)
        ]
        rules = "".join(f"* {rule.name}\n" for rule in table.rules)
        refers = "".join(
            f"* {', '.join(one.columns)}: as in {one.table.removeprefix('raw.')}\n"
            for one in table.references
        )
        parts.append(
            f"\n## {table.path[1]}\n\nOne row is {table.grain}. No two rows have the same"
            f" {', '.join(f'`{name}`' for name in table.key)}.\n\n"
            "| column | type | needed | what it holds |\n|---|---|---|---|\n"
            + "\n".join(rows)
            + "\n"
            + (f"\n{rules}{refers}" if rules or refers else "")
        )
    return "".join(parts)


def _describe(column: Column) -> str:
    allowed = "" if column.allowed is None else f" One of: {', '.join(column.allowed)}."
    form = "" if column.form is None else f" Written as {column.form.name}."
    return f"{column.description}.{allowed}{form}"
