"""The SELECTs in the words of Spark SQL, which give the same rows there as in DuckDB.

`sqlglot` knows the grammar of both. What it leaves to the engine, and the engines answer
differently, is put here into words that mean on Spark what the file means on DuckDB: each rule
below says what differs. Rules need the types of what they meet, which are derived from the tables'
definitions.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import sqlglot
from sqlglot import exp
from sqlglot.errors import UnsupportedError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify

from esrd_pipeline.parameters import load_parameters
from esrd_pipeline.sql import PARAMETER_SCHEMA, Select, SelectError
from esrd_pipeline.sql.portable import find_unportable
from esrd_pipeline.sql.relations import keep_relations
from esrd_pipeline.tables.model import Table

SQL_TYPES: Mapping[str, str] = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "texts": "VARCHAR[]",
    "labels": "MAP(VARCHAR, VARCHAR)",
}
"""Types of a table's columns in the SELECTs, by the type in its definition."""
SPARK_TYPES: Mapping[str, str] = {
    "text": "STRING",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "texts": "ARRAY<STRING>",
    "labels": "MAP<STRING, STRING>",
}
"""Types of a table's columns on Spark, by the type in its definition."""
SESSION_SETTINGS: Mapping[str, str] = {
    # Spark 4.1 finds its own plan invalid after this rule where a relation is read several times.
    "spark.sql.optimizer.excludedRules": (
        "org.apache.spark.sql.catalyst.optimizer.RemoveRedundantAliases"
    ),
    # An error, and not null, where a text is no number or a sum has no room, as in DuckDB.
    "spark.sql.ansi.enabled": "true",
    # Days and moments are without a zone.
    "spark.sql.session.timeZone": "UTC",
    # Sorted columns of few values: rows take some 20 times the room of their file, and a table that
    # Spark takes for small is built as a whole in the driver and sent to every executor.
    "spark.sql.sources.fileCompressionFactor": "20",
}
"""What a session of Spark must have set: to give DuckDB's rows, and to know tables' sizes."""
_DATE = exp.DType.DATE


def name_view(table: str) -> str:
    """Return the name under which Spark finds a table: its views have no schemas."""
    return table.replace(".", "__")


@dataclass(frozen=True, slots=True)
class SparkSelect:
    """A SELECT in Spark's words.

    Attributes:
        relations: what is made first, in this order: text by the name that later texts read it by.
        text: the SELECT itself.
    """

    relations: Mapping[str, str]
    text: str


def to_spark(
    select: Select, tables: Mapping[str, Table], parameters: Mapping[str, object]
) -> SparkSelect:
    """Return a SELECT in Spark's words, with its parameters in their places.

    Args:
        select: result of `sql.load_select`.
        tables: definitions of the tables it reads, by name.
        parameters: values of its parameters, by name.

    Raises:
        SelectError: it has what no rule can say on Spark.
    """
    tree = read_typed(select, tables, parameters)
    if refused := find_unportable(tree):
        raise SelectError(f"{select.path}: {'; '.join(refused)}")
    for node in reversed(list(tree.walk(bfs=True))):
        for kind, rule in _RULES.items():
            if isinstance(node, kind):
                said = rule(node)
                if node is tree:
                    tree = said
                elif said is not node:
                    node.replace(said)
                break
    relations, last = keep_relations(tree)
    try:
        return SparkSelect({name: _write(one) for name, one in relations.items()}, _write(last))
    except UnsupportedError as error:
        raise SelectError(f"{select.path}: {error}") from error


def _write(tree: exp.Expr) -> str:
    return tree.sql(dialect="spark", unsupported_level=sqlglot.ErrorLevel.RAISE, pretty=True)


def read_typed(
    select: Select, tables: Mapping[str, Table], parameters: Mapping[str, object]
) -> exp.Expr:
    """Return the tree of a SELECT, in which every column has its table and every value its type."""
    tree = sqlglot.parse_one(select.text, dialect="duckdb")
    for node in list(tree.find_all(exp.Parameter, exp.Placeholder)):
        node.replace(_say(parameters[node.name]))
    schema: dict[str, object] = {}
    for node in list(tree.find_all(exp.Table)):
        if not node.db:
            continue
        name = f"{node.db}.{node.name}"
        schema[name_view(name)] = (
            {str(column): "VARCHAR" for column in load_parameters(node.name).columns}
            if node.db == PARAMETER_SCHEMA
            else {column.name: SQL_TYPES[column.type] for column in tables[name].columns}
        )
        alias = node.alias_or_name
        node.set("this", exp.to_identifier(name_view(name)))
        node.set("db", None)
        node.set("alias", exp.TableAlias(this=exp.to_identifier(alias)))
    qualified = qualify(tree, schema=schema, dialect="duckdb", validate_qualify_columns=False)
    return annotate_types(qualified, schema=schema, dialect="duckdb")


def _say(value: object) -> exp.Expr:
    """Return a parameter's value as a literal."""
    if isinstance(value, date):
        return exp.cast(exp.Literal.string(value.isoformat()), "date")
    return exp.convert(value)


def _is(node: exp.Expr | None, *kinds: exp.DType) -> bool:
    return node is not None and node.type is not None and node.type.this in kinds


def _call(name: str, *arguments: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=list(arguments))


def _count(name: str, *arguments: exp.Expr) -> exp.Expr:
    """A call of what counts: DuckDB's is a BIGINT, Spark's an INT, whose products overflow."""
    return exp.cast(_call(name, *arguments), "bigint")


def _widen(node: exp.Expr) -> exp.Expr:
    """As `_count`."""
    if isinstance(node.parent, exp.Cast) and node.parent.is_type("bigint"):
        return node
    return _typed(exp.cast(node.copy(), "bigint"), node)


def _whole(node: exp.Expr) -> exp.Expr:
    return exp.cast(node, "int")


def _subtract(node: exp.Sub) -> exp.Expr:
    """DuckDB's difference of dates is a number of days, Spark's an interval."""
    if _is(node.left, _DATE) and _is(node.right, _DATE):
        return _count("DATEDIFF", node.left, node.right)
    if _is(node.left, _DATE) and not isinstance(node.right, exp.Interval):
        return _typed(_call("DATE_SUB", node.left, _whole(node.right)), node)
    return node


def _add(node: exp.Add) -> exp.Expr:
    """Spark adds days to a date only as INT."""
    if _is(node.left, _DATE) and not isinstance(node.right, exp.Interval):
        return _typed(_call("DATE_ADD", node.left, _whole(node.right)), node)
    if _is(node.right, _DATE) and not isinstance(node.left, exp.Interval):
        return _typed(_call("DATE_ADD", node.right, _whole(node.left)), node)
    return node


def _typed(made: exp.Expr, node: exp.Expr) -> exp.Expr:
    made.type = node.type
    return made


def _count_between(node: exp.DateDiff) -> exp.Expr:
    """DuckDB counts the boundaries of months and years between two days, Spark whole months."""
    unit = node.text("unit").upper() or "DAY"
    last, first = node.this, node.expression
    if unit == "DAY":
        return _count("DATEDIFF", last, first)
    years = exp.Sub(this=_count("YEAR", last.copy()), expression=_count("YEAR", first.copy()))
    if unit == "YEAR":
        return exp.paren(years)
    if unit == "MONTH":
        months = exp.Sub(this=_count("MONTH", last), expression=_count("MONTH", first))
        twelve = exp.Mul(this=exp.paren(years), expression=exp.Literal.number(12))
        return exp.paren(exp.Add(this=twelve, expression=months))
    raise SelectError(f"date_diff by {unit}: no rule says it on Spark; count days or months")


def _cast(node: exp.Cast) -> exp.Expr:
    """DuckDB rounds to an integer, halves of doubles to even; Spark cuts off the fraction."""
    if not node.to.is_type(*exp.DataType.INTEGER_TYPES) or node.this.type is None:
        return node
    inner = node.this
    if inner.is_type(exp.DataType.Type.DOUBLE, exp.DataType.Type.FLOAT):
        node.set("this", _call("RINT", inner.copy()))
    elif inner.is_type(exp.DataType.Type.DECIMAL):
        node.set("this", _call("ROUND", inner.copy()))
    return node


def _divide(node: exp.Div) -> exp.Expr:
    """DuckDB divides doubles as IEEE 754 has it; Spark refuses zero, and keeps decimals."""
    above, below = exp.cast(node.left, "double"), exp.cast(node.right, "double")
    node.args.update(typed=True, safe=False)
    node.set("this", above)
    node.set("expression", below)
    literal = node.right.find(exp.Column, exp.AggFunc, exp.Subquery) is None
    if literal:
        return node
    zero = exp.Literal.number(0)
    infinite = _special("Infinity")
    at_zero = (
        exp.Case()
        .when(exp.GT(this=above.copy(), expression=zero), infinite)
        .when(exp.LT(this=above.copy(), expression=zero.copy()), exp.Neg(this=infinite.copy()))
        .when(
            exp.Not(this=exp.Is(this=above.copy(), expression=exp.Null())),
            _special("NaN"),
        )
    )
    return (
        exp.Case()
        .when(exp.EQ(this=below.copy(), expression=zero.copy()), at_zero)
        .else_(node.copy())
    )


def _choose(node: exp.ArgMax | exp.ArgMin) -> exp.Expr:
    """DuckDB passes over rows whose value is null, Spark chooses them."""
    known = exp.Not(this=exp.Is(this=node.this.copy(), expression=exp.Null()))
    if isinstance(node.parent, exp.Filter):
        where = node.parent.args["expression"]
        where.set("this", exp.and_(where.this.copy(), known))
        return node
    return exp.Filter(this=node.copy(), expression=exp.Where(this=known))


def _truncate(node: exp.TimestampTrunc | exp.DateTrunc) -> exp.Expr:
    """DuckDB's first day of a date's month is a date, Spark's a moment."""
    if not _is(node.this, _DATE):
        return node
    return _typed(_call("TRUNC", node.this, exp.Literal.string(node.text("unit"))), node)


def _take_logarithm(node: exp.Ln) -> exp.Expr:
    """DuckDB's logarithm of zero is infinite and of less NaN; Spark's is null."""
    number = exp.cast(node.this, "double")
    zero = exp.Literal.number(0)
    return (
        exp.Case()
        .when(exp.EQ(this=number.copy(), expression=zero), _special("-Infinity"))
        .when(exp.LT(this=number.copy(), expression=zero.copy()), _special("NaN"))
        .else_(exp.Ln(this=number.copy()))
    )


def _special(text: str) -> exp.Expr:
    return exp.cast(exp.Literal.string(text), "double")


def _count_up(node: exp.GenerateSeries) -> exp.Expr:
    """DuckDB's series to less than its start is empty; Spark's counts down, or is refused."""
    upward = exp.LTE(this=node.args["start"].copy(), expression=node.args["end"].copy())
    return exp.Case().when(upward, node.copy())


def _is_by_name(node: exp.Expr | None) -> bool:
    return isinstance(node, exp.Union) and bool(node.args.get("by_name"))


def _unite_by_name(node: exp.Union) -> exp.Expr:
    """Spark's UNION goes by place: each side gives the columns of all, null where it has none."""
    if not _is_by_name(node) or _is_by_name(node.parent):
        return node
    sides: list[exp.Query] = []
    left: exp.Query = node
    while isinstance(left, exp.Union) and _is_by_name(left):
        sides.insert(0, left.right)
        left = left.left
    sides.insert(0, left)
    types: dict[str, exp.DataType | None] = {}
    for side in sides:
        for column in side.selects:
            types.setdefault(column.alias_or_name, column.type)
    made, *others = [_give(side, types) for side in sides]
    for one in others:
        made = exp.union(made, one, distinct=bool(node.args.get("distinct")), copy=False)
    made.set("with_", node.args.get("with_"))
    return made


def _give(side: exp.Query, types: Mapping[str, exp.DataType | None]) -> exp.Select:
    """Return the rows of a side with these columns in their order."""
    own = side.named_selects
    return exp.select(
        *(
            exp.column(name, quoted=True)
            if name in own
            else exp.alias_(exp.cast(exp.Null(), kind or "string"), name, quoted=True)
            for name, kind in types.items()
        )
    ).from_(side.subquery("side", copy=False))


_RULES: Mapping[type[exp.Expr], Callable[..., exp.Expr]] = {
    exp.Union: _unite_by_name,
    exp.Sub: _subtract,
    exp.Add: _add,
    exp.DateDiff: _count_between,
    exp.Cast: _cast,
    exp.Div: _divide,
    exp.ArgMax: _choose,
    exp.ArgMin: _choose,
    exp.TimestampTrunc: _truncate,
    exp.DateTrunc: _truncate,
    exp.GenerateSeries: _count_up,
    exp.Year: _widen,
    exp.Month: _widen,
    exp.Day: _widen,
    exp.Quarter: _widen,
    exp.Length: _widen,
    exp.Ln: _take_logarithm,
}
