"""What another engine answers differently is refused, and the form in the message is not."""

import pytest

from esrd_pipeline.sql import SelectError, parse_select
from esrd_pipeline.sql.portable import find_unportable
from esrd_pipeline.sql.spark import read_typed, to_spark
from esrd_pipeline.tables.catalog import TABLES_BY_NAME

HEADER = "-- One row: a claim; a test.\n"
READ = "FROM raw.claim AS c WHERE c.performance_year = $performance_year"
YEAR = {"performance_year": 2024}
FORMS = [
    ("list(c.prvdr_num ORDER BY c.clm_id)", "c.prvdr_num", "keep the rows"),
    ("first(c.prvdr_num)", "min(c.prvdr_num)", "write min"),
    ("any_value(c.prvdr_num)", "arg_min(c.prvdr_num, c.clm_id)", "arg_min"),
    (
        "string_agg(c.prvdr_num, ',')",
        "string_agg(c.prvdr_num, ',' ORDER BY c.clm_id)",
        "rows have no order",
    ),
    (
        "sum(c.clm_pmt_amt ORDER BY c.clm_id)",
        "sum(CAST(c.clm_pmt_amt AS DECIMAL(38, 18)))",
        r"DECIMAL\(38, 18\)",
    ),
    (
        "count(DISTINCT c.bene_id) OVER (PARTITION BY c.prvdr_num)",
        "count(DISTINCT c.bene_id)",
        "GROUP BY in a relation",
    ),
    ("quantile_cont(c.clm_pmt_amt, 0.5)", "median(c.clm_pmt_amt)", r"median\(CAST"),
    (
        "median(CAST(c.clm_pmt_amt AS DECIMAL(12, 2)))",
        "median(CAST(CAST(c.clm_pmt_amt AS DECIMAL(12, 2)) AS DOUBLE))",
        r"median\(CAST\(x AS DOUBLE\)\): DuckDB cuts",
    ),
    ("median(c.clm_id * 0.5)", "median(CAST(c.clm_id * 0.5 AS DOUBLE))", "DuckDB cuts"),
    (
        "dayofweek(c.clm_from_dt)",
        "datediff('day', DATE '2024-01-01', c.clm_from_dt) % 7",
        "since a Monday",
    ),
    ("isodow(c.clm_from_dt)", "day(c.clm_from_dt)", "since a Monday"),
    ("date_part('dow', c.clm_from_dt)", "date_part('month', c.clm_from_dt)", "since a Monday"),
    ("extract(dow FROM c.clm_from_dt)", "extract(year FROM c.clm_from_dt)", "since a Monday"),
    ("week(c.clm_from_dt)", "weekofyear(c.clm_from_dt)", r"weekofyear\(d\)"),
    (
        "c.clm_from_dt + INTERVAL (c.clm_id) DAY",
        "c.clm_from_dt + CAST(c.clm_id AS INTEGER)",
        "must be written out",
    ),
    (
        "CAST(c.clm_id * 0.5 AS INTEGER)",
        "CAST(round(c.clm_id * 0.5) AS INTEGER)",
        "halves of decimals and of doubles",
    ),
    ("unnest(generate_series(5, 3, -1))", "unnest(generate_series(3, 5, 1))", "series upward"),
    ("substr(c.prvdr_num, 0, 2)", "substr(c.prvdr_num, 1, 2)", "substr from 1"),
    ("left(c.prvdr_num, -2)", "left(c.prvdr_num, 2)", "negative count"),
    ("right(c.prvdr_num, -2)", "right(c.prvdr_num, 2)", "negative count"),
    ("c.prvdr_num[1:2]", "substr(c.prvdr_num, 1, 2)", "no brackets"),
    ("log(c.clm_pmt_amt)", "ln(c.clm_pmt_amt) / ln(10)", "another base"),
    ("isnan(c.clm_pmt_amt)", "c.clm_pmt_amt = CAST('NaN' AS DOUBLE)", "of null it is false"),
    (
        "c.prvdr_num SIMILAR TO '1.*'",
        "regexp_matches(c.prvdr_num, '^1.*$')",
        "write regexp_matches",
    ),
    ("c.prvdr_num COLLATE NOCASE", "lower(c.prvdr_num)", r"write lower\(x\)"),
    ("random()", "c.clm_id", "no chance"),
    ("MAP {'a': c.prvdr_num}", "c.prvdr_num", "outside SQL"),
    ("c.clm_id << 1", "c.clm_id * 2", "write a product"),
    ("format('{}', c.clm_id)", "lpad(CAST(c.clm_id AS VARCHAR), 6, '0')", "write lpad"),
    ("age(c.clm_thru_dt, c.clm_from_dt)", "c.clm_thru_dt - c.clm_from_dt", "does not know"),
]


def find(text: str) -> list[str]:
    """What is refused of a SELECT."""
    select = parse_select("raw.claim", "sql/a.sql", f"{HEADER}{text}")
    return find_unportable(read_typed(select, TABLES_BY_NAME, YEAR))


@pytest.mark.parametrize(("refused", "form", "message"), FORMS)
def test_a_refused_expression_has_a_portable_form(refused: str, form: str, message: str) -> None:
    with pytest.raises(SelectError, match=f"sql/a.sql: .*{message}"):
        to_spark(
            parse_select("raw.claim", "sql/a.sql", f"{HEADER}SELECT {refused} AS x {READ}"),
            TABLES_BY_NAME,
            YEAR,
        )
    assert find(f"SELECT {form} AS x {READ}") == []


def test_qualify_is_a_column_and_where() -> None:
    place = "row_number() OVER (PARTITION BY c.bene_id ORDER BY c.clm_id)"
    (message,) = find(f"SELECT c.clm_id {READ} QUALIFY {place} = 1")
    assert "write the window as a column of a relation, and WHERE after it" in message
    placed = f"WITH placed AS (SELECT c.clm_id, {place} AS place {READ})"
    assert find(f"{placed} SELECT clm_id FROM placed WHERE place = 1") == []


def test_relations_of_one_select_have_names_of_their_own() -> None:
    # sqlglot puts relations within a relation before it, where Spark refuses a second name.
    def write(inner: str) -> str:
        return (
            f"WITH claim AS (SELECT c.clm_id {READ}) SELECT o.clm_id FROM claim AS o"
            f" JOIN (WITH {inner} AS (SELECT c.clm_id {READ}) SELECT clm_id FROM {inner}) AS i"
            " ON i.clm_id = o.clm_id"
        )

    assert find(write("claim")) == [
        "claim: two relations of the SELECT or of what it shares have this name: rename one"
    ]
    assert find(write("other")) == []
