"""One rule of identity: people and facilities of earlier years have today's numbers (3.2.1)."""

import pytest
import sqlglot
from sqlglot import exp

from esrd_pipeline.sql import list_selects, load_select
from esrd_pipeline.tables.catalog import TABLES_BY_NAME
from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, worked

pytestmark = pytest.mark.manual("3.2.1", "3.3.3", "3.3.5")


def linked(bene: int, patient: int, year: int = 2024) -> Row:
    return {
        "bene_id": bene,
        "patient_id": patient,
        "is_matched": patient > 0,
        "performance_year": year,
    }


def find_changes(
    *links: Row, known: tuple[int, ...] = (1, 2), carried: tuple[tuple[int, int], ...] = ()
) -> Case:
    """Numbers that changed, as earlier and today's; `known` are EQRS patients of today."""
    return case(
        "linkage.earlier_patient",
        tables={
            "linkage.beneficiary": links,
            "raw.eqrs_patient": [{"patient_id": number} for number in known],
            "linkage.earlier_patient": [
                {"earlier_patient_id": then, "patient_id": now, "performance_year": 2023}
                for then, now in carried
            ],
        },
        alone=True,
    ).read(lambda rows: rows[["earlier_patient_id", "patient_id"]].to_numpy().tolist())


@pytest.mark.parametrize("year", [2021, 2022, 2023])
@worked
def test_whom_eqrs_comes_to_know_this_year_had_another_number(year: int) -> Worked:
    assert (yield find_changes(linked(900, -900, year), linked(900, 1))) == [[-900, 1]]


@worked
def test_who_has_the_number_of_the_year_before_has_no_row() -> Worked:
    both = (linked(900, 1, 2023), linked(900, 1), linked(901, -901, 2023), linked(901, -901))
    assert (yield find_changes(*both)) == []


@worked
def test_a_number_that_eqrs_no_longer_has_is_its_beneficiarys_new_one() -> Worked:
    moved = (linked(900, 2, 2023), linked(900, 1))
    gone, kept = yield find_changes(*moved, known=(1,)), find_changes(*moved, known=(1, 2))
    assert gone == [[2, 1]]
    assert kept == []


@worked
def test_a_change_is_carried_forward_through_the_next_one() -> Worked:
    found = yield find_changes(
        linked(900, 2, 2023), linked(900, 1), known=(1,), carried=((-900, 2), (-77, 1))
    )
    assert found == [[-900, 1], [-77, 1], [2, 1]]


@worked
def test_who_is_unknown_to_eqrs_again_has_the_own_number() -> Worked:
    found = yield find_changes(linked(900, 1, 2023), linked(900, -900), carried=((-900, 1),))
    assert found == []


# No SELECT reads an earlier year's patient or facility under its number of then.

IDENTITY = {
    "patient_id": ("linkage.earlier_patient", "earlier_patient_id"),
    "ccn": ("linkage.provider_number", "provider_number"),
}
# The tables that say who is who: they read what was known then.
ABOUT_IDENTITY = ("linkage.earlier_patient",)


def reads_earlier_year(node: exp.Table, select: exp.Select) -> bool:
    """Whether the SELECT takes rows of a year before its own of this table."""
    alone = not select.args.get("joins")
    for condition in select.find_all(exp.EQ, exp.Between):
        column = condition.this
        if (
            isinstance(column, exp.Column)
            and column.name == "performance_year"
            and condition.find_ancestor(exp.Select) is select
            and (column.table == node.alias_or_name or (alone and not column.table))
            and condition.find(exp.Sub)
        ):
            return True
    return False


def is_of_today(column: exp.Column, name: str, select: exp.Select) -> bool:
    """Whether a column is the key of the join with today's numbers, or what stands in for one."""
    table, key = IDENTITY[name]
    names = {
        node.alias_or_name
        for node in select.find_all(exp.Table)
        if f"{node.db}.{node.name}" == table and node.find_ancestor(exp.Select) is select
    }
    parent = column.parent
    if isinstance(parent, exp.Coalesce):
        first = parent.this
        return isinstance(first, exp.Column) and first.name == name and first.table in names
    if isinstance(parent, exp.EQ):
        other = parent.this if parent.expression is column else parent.expression
        return isinstance(other, exp.Column) and other.name == key and other.table in names
    return False


def list_numbers_of_then(text: str) -> list[str]:
    """Columns by which a file reads people or facilities of an earlier year as they were then."""
    tree = sqlglot.parse_one(text, dialect="duckdb")
    found = []
    for node in tree.find_all(exp.Table):
        select = node.find_ancestor(exp.Select)
        if not node.db or select is None or not reads_earlier_year(node, select):
            continue
        held = TABLES_BY_NAME[f"{node.db}.{node.name}"].column_names
        alone = not select.args.get("joins")
        for column in select.find_all(exp.Column):
            if column.find_ancestor(exp.Select) is not select or column.name not in IDENTITY:
                continue
            is_its = column.table == node.alias_or_name or (alone and not column.table)
            if is_its and column.name in held and not is_of_today(column, column.name, select):
                found.append(f"{node.db}.{node.name}: {column.sql()}")
    return found


@pytest.mark.parametrize("name", [name for name in list_selects() if name not in ABOUT_IDENTITY])
def test_no_file_reads_an_earlier_years_people_or_facilities_as_they_were_then(name: str) -> None:
    assert list_numbers_of_then(load_select(name).text) == []


JOINED = (
    "FROM linkage.death AS d LEFT JOIN linkage.earlier_patient AS m"
    " ON m.earlier_patient_id = d.patient_id"
    " AND m.performance_year = $performance_year WHERE d.performance_year = $performance_year - 1"
)
THREE_YEARS = "BETWEEN $performance_year - 2 AND $performance_year"


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        (
            "SELECT patient_id FROM linkage.death WHERE performance_year = $performance_year - 1",
            True,
        ),
        (f"SELECT d.patient_id {JOINED}", True),
        (
            f"SELECT coalesce(m.patient_id, d.patient_id) AS patient_id {JOINED}",
            False,
        ),
        (
            "SELECT patient_id FROM linkage.death WHERE performance_year = $performance_year",
            False,
        ),
        (
            f"SELECT ccn FROM cohort.swr WHERE performance_year {THREE_YEARS}",
            True,
        ),
    ],
)
def test_the_check_finds_what_it_is_for(text: str, *, is_found: bool) -> None:
    assert bool(list_numbers_of_then(text)) is is_found
