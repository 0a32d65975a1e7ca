"""The relations of a SELECT's WITH clauses, and which of them are made first and kept.

DuckDB makes a relation once, however often it is read. Spark puts its text in the place of each
name, so that one which is read twice by one that is read twice is made four times. What is read
more than once is therefore made before the SELECT, and kept until it has run.
"""

from collections import Counter
from collections.abc import Mapping

from sqlglot import exp

_MAKING = ("joins", "group", "having", "distinct", "laterals", "windows", "qualify", "limit")
"""Clauses that make other rows than the ones that are read."""


def keep_relations(tree: exp.Expr) -> tuple[dict[str, exp.Expr], exp.Expr]:
    """Return the relations that are made first, in their order, and the SELECT that reads them.

    The text of all others is in the place of their names: Spark 4.1 cannot plan a WITH clause that
    reads a kept relation whose own text had one. No two relations of the tree have the same name
    (`sql.portable`), and none reads columns of what surrounds its clause.

    Args:
        tree: a SELECT; its WITH clauses are taken out of it.
    """
    relations = dict[str, exp.CTE]()
    _take_out(tree, relations)
    counts = Counter(
        name for query in (*relations.values(), tree) for name in _list_read(query, relations)
    )
    kept, passing = list[str](), set[str]()
    for name, relation in relations.items():
        read = _list_read(relation, relations)
        if _is_passed_on(relation.this) and all(one in kept or one in passing for one in read):
            passing.add(name)
        elif counts[name] > 1 and not relation.alias_column_names:
            kept.append(name)
    others = {name: relation for name, relation in relations.items() if name not in kept}
    made = {name: _put_in(relations[name].this, others) for name in kept}
    return made, _put_in(tree, others)


def _take_out(query: exp.Expr, relations: dict[str, exp.CTE]) -> None:
    """Take the WITH clauses out of a query; each relation comes after those that it reads."""
    for clause in list(query.find_all(exp.With)):
        if clause.parent is None:  # It went with the relation that it is part of.
            continue
        for relation in clause.expressions:
            _take_out(relation.this, relations)
            relations[relation.alias] = relation
        clause.pop()


def _list_read(query: exp.Expr, relations: Mapping[str, exp.CTE]) -> list[str]:
    return [
        table.name
        for table in query.find_all(exp.Table)
        if not table.db and table.name in relations
    ]


def _is_passed_on(query: exp.Expr) -> bool:
    """Whether the rows are those of one table, or some of them: to read it again is quicker."""
    return (
        isinstance(query, exp.Select)
        and not any(query.args.get(clause) for clause in _MAKING)
        and len(list(query.find_all(exp.Table))) == 1
        and query.find(exp.AggFunc, exp.Window, exp.Subquery, exp.Explode, exp.Unnest) is None
    )


def _put_in(query: exp.Expr, others: Mapping[str, exp.CTE]) -> exp.Expr:
    """Return a query in which the text of these relations is in the place of their names."""
    whole = query.copy()
    for table in list(whole.find_all(exp.Table)):
        if table.db or table.name not in others:
            continue
        relation = others[table.name]
        columns = [exp.to_identifier(name) for name in relation.alias_column_names]
        alias = exp.TableAlias(this=exp.to_identifier(table.alias_or_name), columns=columns)
        part = exp.Subquery(this=_put_in(relation.this, others), alias=alias)
        for clause in ("pivots", "joins", "sample"):
            part.set(clause, table.args.get(clause))
        table.replace(part)
    return whole
