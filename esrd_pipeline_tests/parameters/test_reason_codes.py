"""Every reason that can be written stands in reason.csv, and every row of it can be written."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

import esrd_pipeline
from esrd_pipeline.families.published_codes import NO_CODE, Why, list_codes
from esrd_pipeline.parameters.reasons import find_footnote, load_reasons
from esrd_pipeline.parameters.rows import load_rows
from esrd_pipeline.sources.layout import load_meanings
from esrd_pipeline.sql import list_selects, load_select
from esrd_pipeline.tables.catalog import TABLES_BY_NAME
from esrd_pipeline.tables.model import Column

PACKAGE = Path(esrd_pipeline.__file__).parent
WRITTEN_BY_SQL = list_selects()
OF_ANOTHERS_FILES = {"admit_reason", "discharge_reason"}
"""Reasons that EQRS has: their texts are EQRS's."""


def is_reason(name: str) -> bool:
    """Whether a column of this name holds reasons of ours."""
    return (name == "reason" or name.endswith("_reason")) and name not in OF_ANOTHERS_FILES


def find_texts(value: exp.Expr) -> Iterator[str]:
    """Texts an expression can result in: of a CASE its branches, not what it compares."""
    match value:
        case exp.Alias() | exp.Paren():
            yield from find_texts(value.this)
        case exp.Case():
            for branch in value.args["ifs"]:
                yield from find_texts(branch.args["true"])
            if value.args.get("default"):
                yield from find_texts(value.args["default"])
        case exp.Coalesce():
            for part in (value.this, *value.expressions):
                yield from find_texts(part)
        case exp.Literal() if value.is_string:
            yield value.name
        case _:
            pass


def list_branches(query: exp.Query) -> list[exp.Select]:
    """The SELECTs of a UNION in order, or the one SELECT."""
    if isinstance(query, exp.SetOperation):
        return [*list_branches(query.this), *list_branches(query.expression)]
    return [query] if isinstance(query, exp.Select) else []


@cache
def collect_sql_reasons(text: str) -> frozenset[str]:
    """Every text that a SELECT can give to a column of reasons, in any of its parts.

    Columns of a UNION have the names of its first SELECT.
    """
    tree = sqlglot.parse_one(text, dialect="duckdb")
    found: set[str] = set()
    for query in tree.find_all(exp.Select, exp.SetOperation):
        branches = list_branches(query)
        names = [column.alias_or_name for column in branches[0].expressions]
        for branch in branches:
            for name, column in zip(names, branch.expressions, strict=False):
                if is_reason(name):
                    found.update(find_texts(column))
    return frozenset(found)


def list_reason_columns(table: str) -> list[Column]:
    return [column for column in TABLES_BY_NAME[table].columns if is_reason(column.name)]


def list_allowed() -> set[str]:
    """Every reason that a table's columns may hold."""
    return {
        code
        for table in TABLES_BY_NAME
        for column in list_reason_columns(table)
        for code in column.allowed or ()
    }


def list_module_texts() -> set[str]:
    """Every text in the package's modules, but for what tables allow."""
    return {
        node.value
        for file in PACKAGE.rglob("*.py")
        if file.parent.name != "tables"
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_the_collector_reads_branches_and_unions_and_not_what_is_compared() -> None:
    text = """
        WITH j AS (
            SELECT x, CASE WHEN k = 'no' THEN 'a' ELSE coalesce(y, 'b') END AS reason FROM t
            UNION ALL
            SELECT x, CASE WHEN k THEN 'c' END FROM t
        )
        SELECT x, coalesce(reason, 'd') AS stay_reason, 'e' AS state FROM j
    """
    assert collect_sql_reasons(text) == {"a", "b", "c", "d"}


@pytest.mark.parametrize("name", WRITTEN_BY_SQL)
def test_what_sql_writes_stands_in_reason_csv_and_the_table_allows_it(name: str) -> None:
    written = collect_sql_reasons(load_select(name).text)
    assert sorted(written - set(load_reasons())) == []
    allowed = {code for c in list_reason_columns(name) for code in c.allowed or ()}
    assert sorted(written - allowed) == []


@pytest.mark.parametrize("name", WRITTEN_BY_SQL)
def test_a_table_written_by_sql_allows_no_other_reason_than_can_come_to_it(name: str) -> None:
    columns = list_reason_columns(name)
    select = load_select(name)
    possible = set(collect_sql_reasons(select.text))
    for source in select.sources:
        for column in list_reason_columns(source.table):
            possible.update(column.allowed or ())
    for column in columns:
        assert column.allowed, f"{name}.{column.name} says not which reasons it may hold"
        assert sorted(set(column.allowed) - possible) == []


def test_what_tables_allow_stands_in_reason_csv() -> None:
    assert sorted(list_allowed() - set(load_reasons())) == []


def list_module_reasons() -> set[str]:
    """Codes that modules write: into `RowReasons`, or as an argument `reason` or `nothing`."""
    return {
        value.value
        for file in PACKAGE.rglob("*.py")
        if file.relative_to(PACKAGE).parts[0] != "synthetic"
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        for value in (
            *(call.args[1:2] if getattr(call.func, "attr", "") == "add" else ()),
            *(word.value for word in call.keywords if word.arg in {"reason", "nothing"}),
        )
        if isinstance(value, ast.Constant) and isinstance(value.value, str)
    }


def test_what_modules_write_stands_in_reason_csv() -> None:
    written = list_module_reasons()
    assert {"below_minimum_units", "certified_too_late", "no_index_discharge"} <= written
    assert sorted(written - set(load_reasons())) == []


def test_every_row_of_reason_csv_can_be_written() -> None:
    written = list_module_texts()
    for name in list_selects():
        written |= collect_sql_reasons(load_select(name).text)
    known = {row["code"] for row in load_rows("reason")}
    assert sorted(known - written) == []


def test_the_reasons_of_published_layouts_are_reasons() -> None:
    rows = load_rows("reason_footnote")
    assert sorted({row["reason"] for row in rows} - set(load_reasons())) == []
    printed = {"dfc_facility": "availability_code", "qip_complete": "qip_footnote"}
    for row in rows:
        if row["code"] == NO_CODE:
            assert row["source"] == "qip_complete", "a DFC file prints a code of every facility"
        else:
            assert row["code"] in load_meanings(printed[row["source"]]), row


def test_every_reason_of_the_facility_list_has_an_availability_code() -> None:
    (column,) = list_reason_columns("linkage.facility")
    for code in column.allowed or ():
        assert list_codes("dfc_facility", "shr", Why(code, float("nan"))) == ["258"]


OF_DFC = (
    "families/contract.py",
    "families/facility_list.py",
    "families/patient_months.py",
    "families/patient_months_contract.py",
    "families/published_codes.py",
    "measures/flag.py",
    "orchestration/access_assets.py",
    "orchestration/discharges_assets.py",
    "orchestration/modelled_measure.py",
)
"""Modules that write why a facility has no computed Dialysis Facility Measure."""


OF_THE_FILE = {"opened_in_period", "service_not_offered"}
"""What the facility file makes of too few patients, the second in the measures it names."""


def test_every_reason_of_a_computed_dialysis_facility_measure_has_an_availability_code() -> None:
    written = {
        node.value
        for name in OF_DFC
        for node in ast.walk(ast.parse((PACKAGE / name).read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    reasons = written & {row["code"] for row in load_rows("reason")}
    # What only the personnel's vaccination says (2.21).
    reasons |= {"no_month_reported", "nothing_reported"}
    assert {"no_index_discharge", "nothing_in_denominator", "suppressed_small_count"} <= reasons
    for code in sorted(reasons - OF_THE_FILE):
        (found,) = list_codes("dfc_facility", "shr", Why(code, 11.0))
        assert found in {"199", "201", "258"}, code


OF_QIP = (
    "families/contract.py",
    "families/facility_list.py",
    "families/patient_months.py",
    "families/patient_months_contract.py",
    "families/published_codes.py",
    "families/published_reasons.py",
    "families/reporting.py",
    "measures/flag.py",
    "orchestration/access_assets.py",
    "orchestration/discharges_assets.py",
    "orchestration/modelled_measure.py",
    "orchestration/patient_months_assets.py",
    "program/qip_clinical.py",
    "program/qip_period.py",
    "program/qip_reporting.py",
    "program/qip_scores.py",
    "program/qip_standards.py",
    "program/qip_tps.py",
)
"""Modules that write why a facility has no rate, score or TPS of the QIP."""
NOT_RENDERED = {"no_measure_scored", "no_rule_set", "no_facility_of_qip", *OF_THE_FILE}
"""Of a domain, of a year that cannot be scored and of a file that is not there: no column prints
them. And those of the other program's file."""


def list_qip_pairs() -> Iterator[tuple[str, str, str]]:
    """Measure, reason and day of every pair that the Complete QIP file can have to print."""
    (column,) = list_reason_columns("linkage.facility")
    reasons = set(column.allowed or ())
    for name in OF_QIP:
        tree = ast.parse((PACKAGE / name).read_text(encoding="utf-8"))
        reasons |= {
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        } & {row["code"] for row in load_rows("reason")}
    days = {row["certification_cutoff"].replace("-", "") for row in load_rows("qip_measure")} - {""}
    for row in load_rows("published_measure"):
        for reason in reasons - NOT_RENDERED if row["program"] == "qip" else ():
            for day in sorted(days) if reason == "certified_too_late" else [""]:
                yield row["measure"], reason, day


def test_every_reason_of_the_qip_has_a_footnote_or_a_row_that_says_there_is_none() -> None:
    pairs = list(list_qip_pairs())
    assert {"no_index_discharge", "nothing_reported", "no_rate"} <= {pair[1] for pair in pairs}
    without = [
        pair for pair in pairs if find_footnote("qip_complete", pair[0], pair[1], pair[2]) is None
    ]
    assert without == []
