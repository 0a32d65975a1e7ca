"""SELECTs in Spark's words: what the engines answer differently is text so that both agree."""

from datetime import date

import pytest
import sqlglot
from sqlglot import exp

from esrd_pipeline.sql import SelectError, list_selects, load_select, parse_select
from esrd_pipeline.sql.spark import to_spark
from esrd_pipeline.tables.catalog import TABLES_BY_NAME

PARAMETERS = {
    "performance_year": 2024,
    "measure": "ltc",
    "is_chosen": True,
    "ccn": "A",
    "day": date(2024, 9, 27),
}


def say(expression: str) -> str:
    """An expression over claims in Spark's words."""
    text = (
        f"-- One row: a claim; a test.\nSELECT {expression} AS said FROM raw.claim AS c"
        " WHERE c.performance_year = $performance_year"
    )
    select = parse_select("raw.claim", "a test", text)
    tree = sqlglot.parse_one(to_spark(select, TABLES_BY_NAME, PARAMETERS).text, dialect="spark")
    return next(tree.find_all(exp.Alias)).this.sql(dialect="spark", comments=False)


@pytest.mark.parametrize("name", list_selects())
def test_every_select_can_be_said_to_spark(name: str) -> None:
    select = load_select(name)
    parameters = {key: PARAMETERS[key] for key in select.parameters}
    said = to_spark(select, TABLES_BY_NAME, parameters)
    for text in (*said.relations.values(), said.text):
        tree = sqlglot.parse_one(text, dialect="spark")
        assert tree.find(exp.Parameter, exp.Placeholder) is None


def test_months_between_days_are_boundaries_and_not_whole_months() -> None:
    # 15 January to 1 May are four in DuckDB, three by Spark's own count.
    text = say("datediff('month', c.clm_from_dt, c.clm_thru_dt)")
    assert text == (
        "((CAST(YEAR(`c`.`clm_thru_dt`) AS BIGINT) - CAST(YEAR(`c`.`clm_from_dt`) AS BIGINT)) * 12"
        " + CAST(MONTH(`c`.`clm_thru_dt`) AS BIGINT) - CAST(MONTH(`c`.`clm_from_dt`) AS BIGINT))"
    )
    with pytest.raises(SelectError, match="date_diff by WEEK"):
        say("datediff('week', c.clm_from_dt, c.clm_thru_dt)")


def test_a_difference_of_dates_is_a_number_of_days() -> None:
    days = "CAST(DATEDIFF(`c`.`clm_thru_dt`, `c`.`clm_from_dt`) AS BIGINT)"
    assert say("c.clm_thru_dt - c.clm_from_dt") == days
    assert say("c.clm_thru_dt - 14") == "DATE_ADD(`c`.`clm_thru_dt`, CAST(14 AS INT) * -1)"


def test_a_double_is_rounded_to_an_integer_halves_to_even() -> None:
    assert say("CAST(c.clm_pmt_amt AS INTEGER)") == "CAST(RINT(`c`.`clm_pmt_amt`) AS INT)"


def test_nothing_is_an_error_where_it_is_divided_by() -> None:
    text = say("c.clm_pmt_amt / c.clm_pmt_amt")
    assert text.startswith("CASE WHEN CAST(`c`.`clm_pmt_amt` AS DOUBLE) = 0 THEN CASE WHEN")
    assert "'Infinity'" in text
    assert "'NaN'" in text


def test_a_series_to_less_than_its_start_is_empty() -> None:
    text = say("unnest(generate_series(c.clm_id, c.bene_id))")
    assert text == (
        "EXPLODE(CASE WHEN `c`.`clm_id` <= `c`.`bene_id`"
        " THEN SEQUENCE(`c`.`clm_id`, `c`.`bene_id`) END)"
    )


def test_the_logarithm_of_zero_is_infinite() -> None:
    text = say("ln(c.clm_pmt_amt)")
    assert "= 0 THEN CAST('-Infinity' AS DOUBLE)" in text
    assert "< 0 THEN CAST('NaN' AS DOUBLE)" in text


def test_a_union_by_name_is_one_by_place_with_nulls_for_what_a_side_has_not() -> None:
    where = "FROM raw.claim WHERE performance_year = $performance_year"
    text = (
        f"-- One row: a claim; a test.\nSELECT clm_id, bene_id {where}"
        f" UNION ALL BY NAME SELECT prvdr_num, clm_id {where}"
        f" UNION ALL BY NAME SELECT bene_id {where}"
    )
    text = to_spark(parse_select("raw.claim", "a test", text), TABLES_BY_NAME, PARAMETERS).text
    tree = sqlglot.parse_one(text, dialect="spark")
    assert "BY NAME" not in text
    sides = []
    while isinstance(tree, exp.Union):
        sides.insert(0, tree.expression.selects)
        tree = tree.this
    columns = [[column.sql(dialect="spark") for column in side] for side in [tree.selects, *sides]]
    nothing, no_text = "CAST(NULL AS BIGINT)", "CAST(NULL AS STRING) AS `prvdr_num`"
    assert columns == [
        ["`clm_id`", "`bene_id`", no_text],
        ["`clm_id`", f"{nothing} AS `bene_id`", "`prvdr_num`"],
        [f"{nothing} AS `clm_id`", "`bene_id`", no_text],
    ]
