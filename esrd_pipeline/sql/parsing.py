"""The reading of a SELECT's text: the tables, their years and the parameters that it states.

Apart from `sql`, because importing the parser takes as long as reading a third of all SELECTs, and
neither is needed where the readings of this state of the files are kept.
"""

from collections.abc import Sequence

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError

from esrd_pipeline.sql import PARAMETER_SCHEMA, YEAR, Select, SelectError, Source


def parse_text(table: str, path: str, text: str) -> Select:
    """Derive the sources and parameters of a SELECT.

    Raises:
        SelectError: as `parse_select` states.
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
