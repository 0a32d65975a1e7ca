"""What a SELECT must not have, because another engine answers it differently or not at all.

`sql.spark` puts into Spark's words what can be said in them. What is refused here has no such words
that are sure to mean the same, or means what depends on the order of rows; each rule has a form
that gives the same rows on both engines. The rules were found by running both on the same rows
(DuckDB 2.0, Spark 4.1, sqlglot 30).
"""

from collections import Counter
from collections.abc import Callable, Mapping

from sqlglot import exp

_KNOWN_FUNCTIONS = frozenset({"date_part"})
"""Functions that sqlglot does not know, which both engines have with the same meaning."""
_WEEKDAYS = frozenset({"DOW", "ISODOW", "DAYOFWEEK", "WEEKDAY"})


def find_unportable(tree: exp.Expr) -> list[str]:
    """Return what a SELECT has that no other engine answers alike, each with the portable form.

    Args:
        tree: result of `sql.spark.read_typed`.
    """
    found = [f"{_quote(node)}: {form}" for node, form in _list_matches(tree) if form]
    names = Counter(relation.alias for relation in tree.find_all(exp.CTE))
    found += [
        f"{name}: two relations of the SELECT or of what it shares have this name: rename one"
        for name, count in names.items()
        if count > 1
    ]
    return found


def _quote(node: exp.Expr) -> str:
    return node.sql(dialect="duckdb", comments=False)[:80]


def _list_matches(tree: exp.Expr) -> list[tuple[exp.Expr, str]]:
    return [
        (node, rule(node))
        for node in tree.walk()
        for kind, rule in _RULES.items()
        if isinstance(node, kind)
    ]


def _always(form: str) -> Callable[[exp.Expr], str]:
    return lambda _: form


def _find_order(node: exp.Expr) -> str:
    """The order of an aggregate's rows, which Spark's grammar does not know."""
    if isinstance(node, exp.GroupConcat) or not isinstance(node.this, exp.Order):
        return ""
    return "write sums of CAST(... AS DECIMAL(38, 18)), which no order changes, or arg_min, arg_max"


def _find_text(node: exp.Expr) -> str:
    if isinstance(node.this, exp.Order):
        return ""
    return "write string_agg(... ORDER BY ...): rows have no order"


def _find_start(node: exp.Expr) -> str:
    start = node.args.get("start")
    is_zero = isinstance(start, exp.Literal) and start.name == "0"
    return "write substr from 1: the first sign is 1, and 0 is another place on Spark" * is_zero


def _find_negative(node: exp.Expr) -> str:
    is_negative = isinstance(node.expression, exp.Neg)
    return "write substr with length(...): Spark gives nothing for a negative count" * is_negative


def _find_window(node: exp.Expr) -> str:
    if not isinstance(node.this.this, exp.Distinct):
        return ""
    return "count distinct rows with GROUP BY in a relation of its own, and join it"


def _find_weekday(node: exp.Expr) -> str:
    if isinstance(node, exp.Extract) and node.name.upper() not in _WEEKDAYS:
        return ""
    return "write datediff('day', DATE '2024-01-01', x) % 7, of days since a Monday"


def _find_length(node: exp.Expr) -> str:
    if node.this is None or isinstance(node.this, exp.Literal):
        return ""
    return "write d + CAST(n AS INTEGER): an interval's length must be written out"


def _find_fraction(node: exp.Expr) -> str:
    """DuckDB's 2.5 is a decimal, whose halves are rounded up; sqlglot takes it for a double."""
    if not isinstance(node, exp.Cast) or not node.to.is_type(*exp.DataType.INTEGER_TYPES):
        return ""
    literals = node.this.find_all(exp.Literal)
    if isinstance(node.this, exp.Round | exp.Floor | exp.Ceil) or not any(
        not one.is_string and "." in one.name for one in literals
    ):
        return ""
    return "write CAST(round(...) AS INTEGER): halves of decimals and of doubles round differently"


def _find_median(node: exp.Expr) -> str:
    """DuckDB cuts a median of decimals off at their places; a literal 0.5 is one, too."""
    what = node.this
    if isinstance(what, exp.Cast) and what.to.is_type(exp.DataType.Type.DOUBLE):
        return ""
    literals = what.find_all(exp.Literal)
    is_decimal = what.is_type(exp.DataType.Type.DECIMAL) or any(
        not one.is_string and "." in one.name for one in literals
    )
    return "write median(CAST(x AS DOUBLE)): DuckDB cuts that of decimals off" * is_decimal


def _find_step(node: exp.Expr) -> str:
    is_downward = isinstance(node.args.get("step"), exp.Neg)
    return "write a series upward, and order by it downward" * is_downward


def _find_unknown(node: exp.Expr) -> str:
    if node.expressions and node.expressions[0].name.upper() in _WEEKDAYS:
        return _find_weekday(node)
    if node.name.lower() in _KNOWN_FUNCTIONS:
        return ""
    return (
        "sqlglot does not know this function, Spark may not have it: write it with those it knows"
    )


# A subclass may have a rule beside its class's: a first value is an aggregate, too.
_RULES: Mapping[type[exp.Expr], Callable[[exp.Expr], str]] = {
    exp.Qualify: _always("write the window as a column of a relation, and WHERE after it"),
    exp.ArrayAgg: _always("keep the rows: Spark's list leaves out nulls and has no order"),
    exp.First: _always("write min(...) or arg_min(..., ...): rows have no order"),
    exp.AnyValue: _always("write min(...) or arg_min(..., ...): rows have no order"),
    exp.GroupConcat: _find_text,
    exp.AggFunc: _find_order,
    exp.Window: _find_window,
    exp.PercentileCont: _always(
        "write median(CAST(x AS DOUBLE)), or row_number() over the values in order"
    ),
    exp.Quantile: _always(
        "write median(CAST(x AS DOUBLE)), or row_number() over the values in order"
    ),
    exp.Median: _find_median,
    exp.DayOfWeek: _find_weekday,
    exp.DayOfWeekIso: _find_weekday,
    exp.Week: _always("write weekofyear(d)"),
    exp.Extract: _find_weekday,
    exp.Interval: _find_length,
    exp.Cast: _find_fraction,
    exp.GenerateSeries: _find_step,
    exp.Substring: _find_start,
    exp.Left: _find_negative,
    exp.Right: _find_negative,
    exp.Bracket: _always("write substr(x, first, count): Spark has no brackets after a text"),
    exp.Log: _always("write ln(x) / ln(10): log has another base on Spark"),
    exp.IsNan: _always("write x = CAST('NaN' AS DOUBLE): of null it is false on Spark"),
    exp.SimilarTo: _always("write regexp_matches(x, '^...$')"),
    exp.Collate: _always("write lower(x): Spark has other collations"),
    exp.Rand: _always("the same rows must come of the same input: no chance"),
    exp.ToMap: _always("write map columns outside SQL: Spark's grammar has no such literal"),
    exp.BitwiseLeftShift: _always("write a product: DuckDB refuses what Spark lets overflow"),
    exp.Format: _always("write lpad and ||: the places are written otherwise on Spark"),
    exp.Anonymous: _find_unknown,
}
