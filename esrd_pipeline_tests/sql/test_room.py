"""Rules of every SQL file: years filtered, total orders, translation to Spark, right columns."""

import re
from datetime import date
from importlib import resources
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp
from sqlglot.optimizer.qualify import qualify

from esrd_pipeline.parameters import load_parameters
from esrd_pipeline.sql import (
    SHARED_SCHEMA,
    SelectError,
    Source,
    inline_shared,
    list_selects,
    list_shared,
    load_select,
    parse_select,
)
from esrd_pipeline.tables.catalog import TABLES_BY_NAME
from esrd_pipeline_tests.sql.worked import run

SELECTS = list_selects()
FILES = sorted(Path(str(resources.files("esrd_pipeline.sql"))).rglob("*.sql"))


@pytest.mark.parametrize("name", SELECTS)
def test_every_file_makes_a_defined_table_from_defined_tables(name: str) -> None:
    select = load_select(name)
    assert name in TABLES_BY_NAME
    assert {source.table for source in select.sources} <= set(TABLES_BY_NAME)
    for value_set in select.value_sets:
        assert load_parameters(value_set) is not None


@pytest.mark.parametrize("name", SELECTS)
def test_every_file_gives_the_columns_of_its_table_and_no_others(name: str) -> None:
    schema: dict[str, dict[str, dict[str, str]]] = {}
    select = load_select(name)
    for source in select.sources:
        layer, short = TABLES_BY_NAME[source.table].path
        columns = dict.fromkeys(TABLES_BY_NAME[source.table].column_names, "VARCHAR")
        schema.setdefault(layer, {})[short] = columns
    for value_set in select.value_sets:
        columns = dict.fromkeys(load_parameters(value_set).columns, "VARCHAR")
        schema.setdefault("parameter", {})[value_set] = columns
    tree = qualify(sqlglot.parse_one(select.text, dialect="duckdb"), schema=schema)
    assert sorted(tree.named_selects) == sorted(TABLES_BY_NAME[name].column_names)


@pytest.mark.parametrize("name", SELECTS)
def test_every_relation_of_a_file_is_read(name: str) -> None:
    tree = sqlglot.parse_one(load_select(name).text, dialect="duckdb")
    read = {table.name for table in tree.find_all(exp.Table) if not table.db}
    assert {relation.alias for relation in tree.find_all(exp.CTE)} <= read


def test_what_files_share_is_read_by_several_and_stands_in_their_text() -> None:
    for name in list_shared():
        shared = f"{SHARED_SCHEMA}.{name}"
        readers = [
            path
            for path in FILES
            if re.search(rf"\b{shared}( AS|\()", path.read_text(encoding="utf-8"))
        ]
        assert len(readers) > 1, shared
        assert not any(shared in load_select(select).text for select in SELECTS)


ALWAYS_A_ROW = {"history.calendar_month", "history.claim_run_out"}
"""They describe the year itself."""


@pytest.mark.parametrize("name", [name for name in SELECTS if name not in ALWAYS_A_ROW])
def test_every_file_gives_no_rows_from_no_rows(name: str) -> None:
    assert run(name, tables={}, **RULES).empty


def test_the_calendar_alone_reads_no_table_and_has_twelve_months() -> None:
    assert [name for name in SELECTS if not load_select(name).sources] == ["history.calendar_month"]
    months = run("history.calendar_month", tables={})
    assert [(day.month, day.day) for day in months["month"]] == [(n, 1) for n in range(1, 13)]
    assert [day.day for day in months["month_end"]] == [
        *(31, 29, 31, 30, 31, 30),
        *(31, 31, 30, 31, 30, 31),
    ]


HEADER = "-- one row a claim; manual 9.9\n"
READ = "SELECT clm_id FROM raw.claim WHERE performance_year"
READ_BOTH = "SELECT c.clm_id FROM raw.claim AS c JOIN raw.claim_value AS v ON v.clm_id = c.clm_id"
RULES = {
    "measure": "ltc",
    "is_chosen": True,
    "ccn": "A",
    "day": date(2024, 9, 27),
}


def test_years_are_read_off_the_filters() -> None:
    text = (
        f"{HEADER}WITH now AS ({READ} = $performance_year),"
        f" before AS ({READ} = $performance_year - 1 AND clm_pmt_amt > $least),"
        " joined AS (SELECT r.clm_id FROM now JOIN raw.claim_revenue AS r ON r.clm_id = now.clm_id"
        " AND r.performance_year BETWEEN $performance_year - 3 AND $performance_year - 1)"
        " SELECT clm_id FROM joined UNION ALL SELECT clm_id FROM before"
    )
    select = parse_select("a.b", "sql/a/b.sql", text)
    assert select.sources == (Source("raw.claim", 1, 0), Source("raw.claim_revenue", 3, 1))
    assert select.parameters == ("least", "performance_year")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("SELECT 1 AS x", "no header"),
        (f"{HEADER}SELECT 1 AS x; SELECT 2 AS x", "not one SELECT"),
        (f"{HEADER}SELECT clm_id FROM raw.claim", "raw.claim is not filtered"),
        (f"{HEADER}{READ} = 2024", "raw.claim is not filtered"),
        (f"{HEADER}{READ} = $performance_year OR clm_id = 1", "raw.claim is not filtered"),
        (
            f"{HEADER}{READ_BOTH} WHERE c.performance_year = $performance_year",
            "raw.claim_value is not filtered",
        ),
        (f"{HEADER}SELECT row_number() OVER (PARTITION BY a) AS n FROM t", "has no order"),
        (f"{HEADER}SELECT FROM WHERE", "sql/a/b.sql: "),
    ],
)
def test_a_broken_rule_is_named(text: str, rule: str) -> None:
    with pytest.raises(SelectError, match=rule):
        parse_select("a.b", "sql/a/b.sql", text)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(SelectError, match=r"sql/history/nothing.sql: there is no such file"):
        load_select("history.nothing")


def test_a_shared_value_takes_the_place_of_its_name_with_the_columns_it_is_used_with() -> None:
    text = load_select("cohort.swr").text
    assert "year(b.first_service_date) - year(p.date_of_birth)" in text
    assert "birth_date" not in text
    with pytest.raises(SelectError, match=r"shared.bmi_class is no value of 2 columns"):
        inline_shared("SELECT shared.bmi_class(a, b)")
    with pytest.raises(SelectError, match=r"shared.acute_claim is no value of 1 columns"):
        inline_shared("SELECT shared.acute_claim(a)")


def test_a_shared_relation_takes_the_place_of_its_name() -> None:
    text = load_select("network.indicator").text
    assert "FROM (\n-- One row: a facility of the DFC list" in text
    assert Source("linkage.facility", 0, 0) in load_select("network.indicator").sources
