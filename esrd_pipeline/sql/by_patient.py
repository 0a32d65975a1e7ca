"""Whether a SELECT makes each patient's rows from that patient's rows alone.

Such a SELECT can be run for some patients at a time, with the same rows and less memory. Its text
decides: relations of patients meet by equal `patient_id` only, and are grouped, numbered and made
distinct within one. What this reading does not understand is not by patient, which costs memory
and no row.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

import sqlglot
from sqlglot import exp

PATIENT = "patient_id"
_NEVER = ("limit", "offset", "laterals", "qualify", "pivots", "sample")
"""Clauses that this reading does not follow."""


class Kind(Enum):
    """What a relation's rows are of: nobody, one patient each, or a patient it does not name."""

    FREE = "free"
    NAMED = "named"
    UNNAMED = "unnamed"


@dataclass(frozen=True, slots=True)
class _Relation:
    """What a relation's rows are of, and its columns in their order, where they are known."""

    kind: Kind
    columns: tuple[str, ...] | None = None


_FREE = _Relation(Kind.FREE)


class _NotByPatientError(Exception):
    """Rows of several patients meet, or may."""


@dataclass(slots=True)
class _Rows:
    """What a FROM clause has gathered, from its first relation on.

    Attributes:
        relations: by alias.
        sure: those whose `patient_id` is the row's: an outer join fills others' with nulls.
        either: sets of them of which one has it, after a full join.
    """

    relations: dict[str, _Relation] = field(default_factory=dict)
    sure: set[str] = field(default_factory=set)
    either: list[frozenset[str]] = field(default_factory=list)

    @property
    def named(self) -> set[str]:
        """The relations of patients."""
        return {alias for alias, one in self.relations.items() if one.kind is Kind.NAMED}


def is_by_patient(text: str, tables: Collection[str]) -> bool:
    """Say whether the text makes each patient's rows from rows of the same patient.

    Args:
        text: a SELECT.
        tables: stored tables that have a column `patient_id`, by name.
    """
    tree = sqlglot.parse_one(text, dialect="duckdb")
    try:
        return _judge(tree, dict.fromkeys(tables, _Relation(Kind.NAMED))).kind is Kind.NAMED
    except _NotByPatientError:
        return False


def _judge(query: exp.Expr, known: Mapping[str, _Relation]) -> _Relation:
    """Return what a query's rows are of, given the relations it may read."""
    clause = query.args.get("with_")
    if clause is not None and clause.args.get("recursive"):
        raise _NotByPatientError
    for cte in clause.expressions if clause else ():
        if cte.alias_column_names:
            raise _NotByPatientError
        known = {**known, cte.alias: _judge(cte.this, known)}
    if isinstance(query, exp.Subquery):
        return _judge(query.this, known)
    if isinstance(query, exp.SetOperation):
        left, right = _judge(query.left, known), _judge(query.right, known)
        if left.kind is not right.kind or left.kind is Kind.UNNAMED:
            raise _NotByPatientError
        if left.kind is Kind.NAMED and _find_place(left) != _find_place(right):
            raise _NotByPatientError
        return left
    if not isinstance(query, exp.Select) or any(query.args.get(name) for name in _NEVER):
        raise _NotByPatientError
    return _judge_select(query, known)


def _find_place(relation: _Relation) -> int:
    """Return where the patient is among the columns, by which two queries are united."""
    if relation.columns is None:
        raise _NotByPatientError
    return relation.columns.index(PATIENT)


def _judge_select(select: exp.Select, known: Mapping[str, _Relation]) -> _Relation:
    rows = _gather(select, known)
    for nested in _list_nested(select):
        _check_nested(nested, rows, known)
    columns = _list_columns(select, rows)
    if not rows.named:
        return _Relation(Kind.FREE, columns)
    _check_groups(select, rows)
    kind = Kind.NAMED if _names_patient(select, rows) else Kind.UNNAMED
    return _Relation(kind, columns)


def _list_columns(select: exp.Select, rows: _Rows) -> tuple[str, ...] | None:
    columns = list[str]()
    for value in select.expressions:
        if not value.is_star:
            columns.append(value.alias_or_name)
            continue
        alias = value.table if isinstance(value, exp.Column) else ""
        starred = [rows.relations[alias]] if alias else list(rows.relations.values())
        for relation in starred:
            if relation.columns is None:
                return None
            columns += relation.columns
    return tuple(columns)


def _gather(select: exp.Select, known: Mapping[str, _Relation]) -> _Rows:
    """Join the relations in their order."""
    rows = _Rows()
    start = select.args.get("from_")
    if start is None:
        return rows
    where = select.args.get("where")
    filters = _list_equal(where.this if where else None)
    first = start.this
    rows.relations[first.alias_or_name] = _judge_relation(first, known)
    rows.sure |= rows.named
    for join in select.args.get("joins") or ():
        if join.args.get("using") or join.kind in {"SEMI", "ANTI"} or join.args.get("method"):
            raise _NotByPatientError
        _join(rows, join, _judge_relation(join.this, known), filters)
    return rows


def _join(rows: _Rows, join: exp.Join, relation: _Relation, filters: set[frozenset[str]]) -> None:
    alias, before = join.this.alias_or_name, rows.named
    rows.relations[alias] = relation
    if relation.kind is Kind.FREE:
        # Rows of no patient that stay without one would stay for every part of the patients.
        if before and join.side in {"RIGHT", "FULL"}:
            raise _NotByPatientError
        return
    if not before:
        if join.side in {"LEFT", "FULL"}:
            raise _NotByPatientError
        rows.sure.add(alias)
        return
    equal = _list_equal(join.args.get("on")) | (set() if join.side else filters)
    if not any(frozenset({alias, other}) in equal for other in before):
        raise _NotByPatientError
    if join.side == "FULL":
        rows.either = [frozenset({alias, other}) for other in rows.sure]
        rows.sure = set()
    elif join.side == "RIGHT":
        rows.sure, rows.either = {alias}, []
    elif not join.side:
        rows.sure.add(alias)


def _judge_relation(relation: exp.Expr, known: Mapping[str, _Relation]) -> _Relation:
    if isinstance(relation, exp.Table) and isinstance(relation.this, exp.Identifier):
        name = f"{relation.db}.{relation.name}" if relation.db else relation.name
        found = known.get(name, _FREE)
    elif isinstance(relation, exp.Subquery):
        found = _judge(relation, known)
    elif isinstance(relation, exp.Values | exp.Unnest | exp.Table):
        found = _FREE
    else:
        raise _NotByPatientError
    is_renamed = relation.alias_column_names or relation.args.get("pivots")
    if found.kind is Kind.UNNAMED or (found.kind is Kind.NAMED and is_renamed):
        raise _NotByPatientError
    return found


def _list_equal(condition: exp.Expr | None) -> set[frozenset[str]]:
    """Return the pairs of relations whose patients a condition holds equal."""
    return {
        frozenset({part.this.table, part.expression.table})
        for part in _list_parts(condition)
        if isinstance(part, exp.EQ) and _is_patient(part.this) and _is_patient(part.expression)
    }


def _list_parts(condition: exp.Expr | None) -> list[exp.Expr]:
    if condition is None:
        return []
    return list(condition.flatten()) if isinstance(condition, exp.And) else [condition]


def _is_patient(value: exp.Expr) -> bool:
    return isinstance(value, exp.Column) and value.name == PATIENT


def _list_own(select: exp.Select, *kinds: type[exp.Expr]) -> Iterator[exp.Expr]:
    """Yield a SELECT's nodes of these kinds, without those of the queries within it."""
    own = exp.Select | exp.SetOperation
    for node in select.walk(prune=lambda node: node is not select and isinstance(node, own)):
        if isinstance(node, kinds):
            yield node


def _list_nested(select: exp.Select) -> Iterator[exp.Expr]:
    """Yield the queries that stand in a SELECT's expressions and conditions."""
    for node in _list_own(select, exp.Select, exp.SetOperation):
        if node is not select and not _is_relation(node, select):
            yield node


def _is_relation(node: exp.Expr, select: exp.Select) -> bool:
    """Whether a query is one of the SELECT's relations, and so judged where they are joined."""
    start = select.args.get("from_")
    relations = [start.this] if start else []
    relations += [join.this for join in select.args.get("joins") or ()]
    clause = select.args.get("with_")
    relations += list(clause.expressions) if clause else []
    return any(node is relation.this for relation in relations)


def _check_nested(query: exp.Expr, rows: _Rows, known: Mapping[str, _Relation]) -> None:
    """A query in an expression is free of patients, or asks whether the row's own has rows."""
    if _judge(query, known).kind is Kind.FREE:
        return
    parent = query.parent
    if not isinstance(parent, exp.Exists) or not isinstance(query, exp.Select):
        raise _NotByPatientError
    inner = _gather(query, known)
    where = query.args.get("where")
    pairs = _list_equal(where.this if where else None)
    outside = {name for name in rows.sure if name not in inner.relations}
    if not any(frozenset({one, two}) in pairs for one in inner.sure for two in outside):
        raise _NotByPatientError


def _check_groups(select: exp.Select, rows: _Rows) -> None:
    """Groups, windows and distinct rows are of one patient."""
    group = select.args.get("group")
    if group is not None:
        if {name for name, value in group.args.items() if value} - {"expressions"}:
            raise _NotByPatientError
        if not any(_tells(value, rows) for value in group.expressions):
            raise _NotByPatientError
    elif any(
        not isinstance(node.parent, exp.Window | exp.Filter | exp.IgnoreNulls)
        for node in _list_own(select, exp.AggFunc)
    ) or any(
        isinstance(node, exp.Filter | exp.IgnoreNulls) and not isinstance(node.parent, exp.Window)
        for node in _list_own(select, exp.Filter, exp.IgnoreNulls)
    ):
        raise _NotByPatientError
    for window in _list_own(select, exp.Window):
        is_by_name = not window.args.get("partition_by") and window.alias
        if not is_by_name and not any(
            _tells(value, rows) for value in window.args.get("partition_by") or ()
        ):
            raise _NotByPatientError
    distinct = select.args.get("distinct")
    if distinct is not None and (distinct.args.get("on") or not _names_patient(select, rows)):
        raise _NotByPatientError


def _names_patient(select: exp.Select, rows: _Rows) -> bool:
    """Whether the rows have their patient in a column `patient_id`."""
    for value in select.expressions:
        if isinstance(value, exp.Star) or (
            isinstance(value, exp.Column) and isinstance(value.this, exp.Star)
        ):
            star = value if isinstance(value, exp.Star) else value.this
            if any(star.args.get(name) for name in ("except_", "except", "replace", "rename")):
                raise _NotByPatientError
            alias = value.table if isinstance(value, exp.Column) else ""
            if alias in rows.sure or (not alias and rows.named == rows.sure):
                return True
        elif value.alias_or_name == PATIENT:
            return _tells(value.unalias(), rows)
    return False


def _tells(value: exp.Expr, rows: _Rows) -> bool:
    """Whether an expression is the patient of the row."""
    if _is_patient(value):
        return _find_alias(value, rows) in rows.sure
    if isinstance(value, exp.Coalesce):
        parts = (value.this, *value.expressions)
        aliases = {_find_alias(part, rows) for part in parts if _is_patient(part)}
        return len(aliases) == len(parts) and (
            bool(aliases & rows.sure) or any(pair <= aliases for pair in rows.either)
        )
    return False


def _find_alias(column: exp.Expr, rows: _Rows) -> str:
    """Return the relation of a column; a column without one is of the only relation it can be."""
    table = column.args.get("table")
    if table is not None:
        return str(table.name)
    return next(iter(rows.named)) if len(rows.named) == 1 else ""
