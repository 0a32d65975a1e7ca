"""The SQL transformations: one SELECT per file, whose path is the name of its table.

`sql/linkage/patient.sql` makes `linkage.patient`. The tables that a file reads, how many years back
it reads them, and its parameters are derived from its text.

`sql/shared/` holds SELECTs that several files have in common. A file reads one as a table,
`shared.<name>`, and its text takes that place: it sees the file's own relations, which its header
names. A SELECT of one value, whose header names what it is made of, is used as a function,
`shared.<name>(<column>, ...)`: its expression of these columns takes that place.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError

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
    if not text.startswith("--"):
        raise SelectError(f"{path}: no header that states grain and manual section")
    try:
        statements = sqlglot.parse(text, dialect="duckdb")
    except ParseError as error:
        raise SelectError(f"{path}: {error}") from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise SelectError(f"{path}: not one SELECT")
    tree = statements[0]
    found: dict[str, Source] = {}
    value_sets: set[str] = set()
    for node in tree.find_all(exp.Table):
        if not node.db:
            continue
        if node.db == PARAMETER_SCHEMA:
            value_sets.add(node.name)
            continue
        source = _find_years(path, node)
        seen = found.get(source.table, source)
        found[source.table] = Source(
            source.table,
            max(seen.first, source.first),
            min(seen.last, source.last),
            source.only_if if seen.only_if == source.only_if else None,
        )
    _check_windows(path, tree)
    names = {node.name for node in tree.find_all(exp.Parameter, exp.Placeholder)}
    return Select(
        table=table,
        path=path,
        text=text,
        sources=tuple(found[name] for name in sorted(found)),
        value_sets=tuple(sorted(value_sets)),
        parameters=tuple(sorted(names)),
    )


def _find_years(path: str, node: exp.Table) -> Source:
    """Return the years of a table that are read, from the filter in the same SELECT."""
    name = f"{node.db}.{node.name}"
    select = node.find_ancestor(exp.Select)
    if select is None:
        raise SelectError(f"{path}: {name} is read outside a SELECT")
    only_source = not select.args.get("joins")
    conditions = _list_conditions(select)
    only_if = _find_parameter(conditions)
    for condition in conditions:
        column = condition.this
        if not isinstance(column, exp.Column) or column.name != YEAR:
            continue
        if column.table != node.alias_or_name and not (only_source and not column.table):
            continue
        if isinstance(condition, exp.EQ):
            back = _count_back(condition.expression)
            if back is not None:
                return Source(name, back, back, only_if)
        if isinstance(condition, exp.Between):
            first = _count_back(condition.args["low"])
            last = _count_back(condition.args["high"])
            if first is not None and last is not None:
                return Source(name, first, last, only_if)
    raise SelectError(
        f"{path}: {name} is not filtered on its {YEAR} ({YEAR} = ${YEAR}, minus a number,"
        " or BETWEEN two such)"
    )


def _find_parameter(conditions: Sequence[exp.Expr]) -> tuple[str, str] | None:
    """Return the parameter, and its text, that the rows of a SELECT depend on; None without one."""
    for condition in conditions:
        if (
            isinstance(condition, exp.EQ)
            and isinstance(condition.this, exp.Parameter | exp.Placeholder)
            and isinstance(condition.expression, exp.Literal)
        ):
            return condition.this.name, condition.expression.name
    return None


def _list_conditions(select: exp.Select) -> list[exp.Expr]:
    """Return the conjuncts of the WHERE and of the ONs of one SELECT."""
    clauses = [join.args.get("on") for join in select.args.get("joins") or []]
    where = select.args.get("where")
    clauses.append(where.this if where else None)
    return [
        part
        for clause in clauses
        if clause is not None
        for part in (clause.flatten() if isinstance(clause, exp.And) else [clause])
    ]


def _count_back(value: exp.Expr) -> int | None:
    """Return k of `$performance_year - k`; None for any other expression."""
    if isinstance(value, exp.Parameter | exp.Placeholder):
        return 0 if value.name == YEAR else None
    if isinstance(value, exp.Sub) and isinstance(value.expression, exp.Literal):
        start = _count_back(value.this)
        return None if start is None else start + int(value.expression.name)
    return None


def _check_windows(path: str, tree: exp.Expr) -> None:
    """Reject ranking windows without an order: their results would depend on the engine."""
    ordered = (exp.RowNumber, exp.FirstValue, exp.LastValue, exp.Lag, exp.Lead)
    named = {window.name for window in tree.find_all(exp.Window) if window.args.get("order")}
    for window in tree.find_all(exp.Window):
        has_order = window.args.get("order") or window.alias in named
        if isinstance(window.this, ordered) and not has_order:
            raise SelectError(f"{path}: a window of {window.this.key} has no order")
