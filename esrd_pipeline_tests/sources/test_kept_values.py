"""What a form keeps as it stands is what looking closely would make of it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from esrd_pipeline.sources.extract_files import Extract
from esrd_pipeline.sources.extract_values import (
    bring_into_form,
    convert,
    convert_identifier,
    convert_kept,
    find_kept,
)
from esrd_pipeline.tables import forms
from esrd_pipeline.tables.forms import NO_VALUE, Form
from esrd_pipeline.tables.model import Column

FORMS = {name: form for name, form in vars(forms).items() if isinstance(form, Form)}


OPENED: list[duckdb.DuckDBPyConnection] = []


@pytest.fixture(scope="module", autouse=True)
def _opened() -> Iterator[None]:
    """One DuckDB for all examples: opening one takes longer than what an example asks of it.

    Hypothesis would keep a fixture's value until Python ends.
    """
    with duckdb.connect() as connection:
        OPENED.append(connection)
        yield
        OPENED.clear()


def read_as(name: str, values: list[str], sql: str) -> list[tuple]:
    """Return what `sql` gives of a table `read` whose one column has these values."""
    OPENED[0].execute(f"CREATE OR REPLACE TABLE read AS SELECT unnest(?) AS {name}", [values])
    return OPENED[0].execute(sql).fetchall()


@pytest.mark.parametrize("name", FORMS)
@settings(max_examples=20)
@given(data=st.data())
def test_a_value_that_is_kept_is_in_its_form(name: str, data: st.DataObject) -> None:
    form = FORMS[name]
    values = data.draw(st.lists(st.from_regex(form.kept, fullmatch=True), min_size=5))
    made = bring_into_form("value", form)
    rows = read_as(
        "value",
        values,
        f"FROM read SELECT value, {made} AS made, regexp_full_match(made, '{form.pattern}')",
    )
    for value, made, is_allowed in rows:
        assert made == value
        assert is_allowed
        assert value not in NO_VALUE


FILE = Extract(Path("f.txt"), {"v": "v"}, typed={}, is_flat=False, delimiter="|", is_quoted=False)
COLUMNS = (
    Column("bene_id", "integer", "", is_identifier=True),
    Column("line", "integer", ""),
    Column("amount", "number", ""),
    Column("is_there", "boolean", ""),
    Column("day", "date", ""),
)
WRITTEN = (
    r"-?[0-9]{1,20}(\.[0-9]*)?|[+ ]?[0-9]{1,3}[ ,eE][0-9]{1,2}|0x1F|inf|nan|-|\.|[A-Z0-9]{15}",
    r"[0-4]?[0-9]-(Jan|FEB|mar|Jum)-[0-9]{2,5}|[12][0-9]{3}[01][0-9][0-3][0-9]|Y|N|Yes|0|1|y",
)


@pytest.mark.parametrize("column", COLUMNS, ids=[column.name for column in COLUMNS])
@settings(max_examples=30)
@given(values=st.lists(st.one_of(*(st.from_regex(p, fullmatch=True) for p in WRITTEN)), min_size=9))
def test_a_typed_value_that_is_kept_is_read_as_a_closer_look_would(
    column: Column, values: list[str]
) -> None:
    slow = convert_identifier(FILE, "v") if column.is_identifier else convert(column, FILE, "v")
    rows = read_as(
        "v",
        values,
        f"FROM (FROM read SELECT v, {slow} AS slow, {find_kept(column, FILE, 'v')} AS is_kept)"
        f" SELECT v, slow, CASE WHEN is_kept THEN {convert_kept(column, FILE, 'v')} END"
        " WHERE is_kept",
    )
    for value, slowly, kept in rows:
        assert slowly is not None, value
        assert kept == slowly, value


@pytest.mark.parametrize(
    ("column", "value"), list(zip(COLUMNS, ("-17", "17", "0.50", "Y", "29-Feb-2024"), strict=True))
)
def test_what_most_files_write_is_kept(column: Column, value: str) -> None:
    with duckdb.connect() as connection:
        read = connection.execute("CREATE TABLE read AS SELECT ? AS v", [value])
        assert read.sql(f"FROM read SELECT {find_kept(column, FILE, 'v')}").fetchall() == [(True,)]


def test_there_are_forms_and_a_wrong_one_would_be_seen() -> None:
    assert len(FORMS) > 15
    wrong = replace(forms.CCN, kept="[0-9]{5}")
    with duckdb.connect() as connection:
        made = connection.execute(f"SELECT {bring_into_form(chr(39) + '12501' + chr(39), wrong)}")
        assert made.fetchall() == [("012501",)]
