"""What a SELECT reads more than once is made first; all else is part of what reads it."""

import sqlglot

from esrd_pipeline.sql.relations import keep_relations


def keep(text: str) -> tuple[dict[str, str], str]:
    """What is made first and what is left, as texts."""
    kept, last = keep_relations(sqlglot.parse_one(text, dialect="duckdb"))
    return {name: one.sql() for name, one in kept.items()}, last.sql()


def test_a_relation_that_is_read_twice_is_made_first() -> None:
    kept, last = keep(
        "WITH total AS (SELECT a, sum(b) AS b FROM t GROUP BY a)"
        " SELECT x.a FROM total AS x JOIN total AS y ON x.b = y.b + 1"
    )
    assert kept == {"total": "SELECT a, SUM(b) AS b FROM t GROUP BY a"}
    assert last == "SELECT x.a FROM total AS x JOIN total AS y ON x.b = y.b + 1"


def test_one_that_is_read_once_is_a_part_of_what_reads_it() -> None:
    kept, last = keep(
        "WITH total AS (SELECT a, sum(b) AS b FROM t GROUP BY a) SELECT x.a FROM total AS x"
    )
    assert kept == {}
    assert last == "SELECT x.a FROM (SELECT a, SUM(b) AS b FROM t GROUP BY a) AS x"


def test_rows_of_one_table_are_read_again() -> None:
    kept, last = keep(
        "WITH some AS (SELECT a FROM t WHERE b > 1) SELECT x.a FROM some AS x, some AS y"
    )
    assert kept == {}
    part = "(SELECT a FROM t WHERE b > 1)"
    assert last == f"SELECT x.a FROM {part} AS x, {part} AS y"


def test_rows_of_a_relation_that_is_not_kept_are_not() -> None:
    # To read `some` twice would be to make `total` twice.
    kept, last = keep(
        "WITH total AS (SELECT a, sum(b) AS b FROM t GROUP BY a),"
        " some AS (SELECT a FROM total WHERE b > 1) SELECT x.a FROM some AS x, some AS y"
    )
    part = "(SELECT a, SUM(b) AS b FROM t GROUP BY a) AS total"
    assert kept == {"some": f"SELECT a FROM {part} WHERE b > 1"}
    assert last == "SELECT x.a FROM some AS x, some AS y"


def test_relations_of_a_part_come_before_what_reads_them() -> None:
    kept, last = keep(
        "WITH first AS (SELECT DISTINCT a FROM t) SELECT z.a FROM (WITH second AS ("
        "SELECT p.a FROM first AS p JOIN first AS q ON p.a = q.a)"
        " SELECT u.a FROM second AS u JOIN second AS v ON u.a = v.a) AS z"
    )
    assert kept == {
        "first": "SELECT DISTINCT a FROM t",
        "second": "SELECT p.a FROM first AS p JOIN first AS q ON p.a = q.a",
    }
    assert (
        last == "SELECT z.a FROM (SELECT u.a FROM second AS u JOIN second AS v ON u.a = v.a) AS z"
    )


def test_named_columns_stay_with_their_values() -> None:
    kept, last = keep("WITH bit(a, b) AS (VALUES (1, 2)) SELECT x.b FROM bit AS x, bit AS y")
    assert kept == {}
    assert last.count("(VALUES (1, 2))") == 2
    assert "AS x(a, b)" in last
    assert "AS y(a, b)" in last


def test_what_is_turned_into_rows_stays_so() -> None:
    turned = "UNPIVOT(v FOR name IN (a, b))"
    _, last = keep(f"WITH total AS (SELECT DISTINCT a, b FROM t) SELECT v FROM total {turned}")
    assert last == f"SELECT v FROM (SELECT DISTINCT a, b FROM t) AS total {turned}"
