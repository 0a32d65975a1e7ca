"""The SQL transformations: one SELECT per file, whose path is the name of its table.

`sql/linkage/patient.sql` makes `linkage.patient`. The tables that a file reads, how many years back
it reads them, and its parameters are derived from its text.

`sql/shared/` holds SELECTs that several files have in common. A file reads one as a table,
`shared.<name>`, and its text takes that place: it sees the file's own relations, which its header
names. A SELECT of one value, whose header names what it is made of, is used as a function,
`shared.<name>(<column>, ...)`: its expression of these columns takes that place.
"""

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from esrd_pipeline.code_state import KeptAnswers, open_kept

YEAR = "performance_year"
PARAMETER_SCHEMA = "parameter"
"""`parameter.ccs_group` is the file `parameters/ccs_group.csv`, every column as text."""


SHARED_SCHEMA = "shared"
_SHARED = re.compile(rf"(?<=FROM )\b{SHARED_SCHEMA}\.(\w+)|(?<=JOIN )\b{SHARED_SCHEMA}\.(\w+)")
_SHARED_VALUE = re.compile(rf"\b({SHARED_SCHEMA}\.\w+)\(([^()]*)\)")
_VALUE = re.compile(
    r"-- One value, of (?P<names>\w+(?: and \w+)*): .*?\nSELECT\s+(?P<expression>.*) AS \w+\n",
    re.DOTALL,
)


class SelectError(ValueError):
    """A SQL file breaks a rule of this package; the message has the file and the rule."""


@dataclass(frozen=True, slots=True)
class Source:
    """A table that a SELECT reads, with the range of years relative to its own, inclusive.

    `only_if` is a parameter and the text it must have for the table to be read at all.
    """

    table: str
    first: int
    last: int
    only_if: tuple[str, str] | None = None

    def is_read(self, values: Mapping[str, object]) -> bool:
        """Whether a SELECT with these parameters reads the table."""
        return self.only_if is None or values.get(self.only_if[0]) == self.only_if[1]


@dataclass(frozen=True, slots=True)
class Select:
    """One SQL file.

    Attributes:
        table: the table it makes, `schema.table`.
        path: path of the file, relative to the package.
        text: the SELECT, with the text of what it shares in its place.
        sources: stored tables it reads, by name.
        value_sets: parameter tables it reads, by name.
        parameters: named parameters, including `performance_year`.
    """

    table: str
    path: str
    text: str
    sources: tuple[Source, ...]
    value_sets: tuple[str, ...]
    parameters: tuple[str, ...]


def list_selects() -> list[str]:
    """Return the names of all SQL files as `schema.table`, sorted."""
    package = resources.files("esrd_pipeline.sql")
    return sorted(
        f"{schema.name}.{file.name.removesuffix('.sql')}"
        for schema in package.iterdir()
        if schema.is_dir() and schema.name != SHARED_SCHEMA
        for file in schema.iterdir()
        if file.name.endswith(".sql")
    )


@cache
def load_select(table: str) -> Select:
    """Read the file that makes a table and derive its sources and parameters.

    Raises:
        SelectError: there is no such file, or it breaks a rule of this package.
    """
    path = f"sql/{table.replace('.', '/')}.sql"
    return parse_select(table, path, inline_shared(_read(table)))


def list_shared() -> list[str]:
    """Return the names of the SELECTs that several files share, sorted."""
    folder = resources.files("esrd_pipeline.sql").joinpath(SHARED_SCHEMA)
    return sorted(file.name.removesuffix(".sql") for file in folder.iterdir())


def _read(table: str) -> str:
    schema, _, name = table.partition(".")
    file = resources.files("esrd_pipeline.sql").joinpath(schema, f"{name}.sql")
    if not file.is_file():
        raise SelectError(f"sql/{schema}/{name}.sql: there is no such file")
    return file.read_text(encoding="utf-8")


def inline_shared(text: str) -> str:
    """Put the text of what a SELECT shares in the place of its name."""

    def take(found: re.Match[str]) -> str:
        return f"(\n{inline_shared(_read(found.group()))})"

    return _SHARED_VALUE.sub(_take_value, _SHARED.sub(take, text))


def _take_value(used: re.Match[str]) -> str:
    """Return the expression of a shared value, with the columns it is used with in their places.

    Raises:
        SelectError: it is no value, or is made of another number of columns.
    """
    name, columns = used.group(1), [column.strip() for column in used.group(2).split(",")]
    value = _VALUE.fullmatch(_read(name))
    names = value["names"].split(" and ") if value else []
    if value is None or len(names) != len(columns):
        raise SelectError(f"{name} is no value of {len(columns)} columns: {used.group()}")
    places = dict(zip(names, columns, strict=True))
    named = re.compile(rf"\b({'|'.join(names)})\b")
    return f"({named.sub(lambda found: places[found.group()], value['expression'])})"


@cache
def parse_select(table: str, path: str, text: str) -> Select:
    """Derive the sources and parameters of a SELECT.

    Each stored table must be filtered on its year in the WHERE or ON of the same SELECT:
    `performance_year = $performance_year` (or minus a number), or BETWEEN two such values.

    Raises:
        SelectError: the text is not one SELECT or has no header, a stored table has no such
            filter, or a ranking window has no order.
    """

    def read() -> list[Any]:
        from esrd_pipeline.sql.parsing import parse_text

        select = parse_text(table, path, text)
        sources = [[one.table, one.first, one.last, one.only_if] for one in select.sources]
        return [sources, select.value_sets, select.parameters]

    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    sources, value_sets, parameters = find_readings().find(f"{table} {path} {digest}", read)
    return Select(
        table=table,
        path=path,
        text=text,
        sources=tuple(
            Source(name, first, last, tuple(only_if) if only_if else None)
            for name, first, last, only_if in sources
        ),
        value_sets=tuple(value_sets),
        parameters=tuple(parameters),
    )


def is_by_patient(select: Select, tables: Collection[str]) -> bool:
    """Say whether each patient's rows are made from rows of the same patient (`sql.by_patient`).

    Args:
        select: result of `load_select` or `parse_select`.
        tables: stored tables that have a column `patient_id`, by name.
    """

    def read() -> bool:
        from esrd_pipeline.sql import by_patient

        return by_patient.is_by_patient(select.text, tables)

    digest = hashlib.sha256("\n".join([select.text, *sorted(tables)]).encode()).hexdigest()[:16]
    return bool(find_readings().find(f"{select.table} by patient {digest}", read))


@cache
def find_readings() -> KeptAnswers:
    """Return what is known of the SELECTs of this state of the package."""
    return open_kept("selects")
