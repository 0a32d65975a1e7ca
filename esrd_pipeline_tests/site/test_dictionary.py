"""The data dictionary has a page for every stored table, made from its definition."""

import re

import pytest

from esrd_pipeline.site import dictionary_page, writing
from esrd_pipeline.site.published import PUBLISHED
from esrd_pipeline.tables import facility, measured, network
from esrd_pipeline.tables.catalog import PATIENT_TABLES, TABLES_BY_NAME
from esrd_pipeline.tables.model import Table

LARGEST_PAGE = 150_000


def render(table: Table) -> str:
    page = dictionary_page.place_table(table.name)
    return writing.render("table.html", page, dictionary_page.describe_table(table, 2024))


@pytest.mark.parametrize("name", TABLES_BY_NAME)
def test_a_page_names_every_column_and_links_to_pages_that_exist(name: str) -> None:
    table = TABLES_BY_NAME[name]
    text = render(table)
    assert re.findall(r'<th scope="row"><code>(\w+)</code>', text) == table.column_names
    assert set(re.findall(r'href="([\w.]+)\.html"', text)) - {"index"} <= TABLES_BY_NAME.keys()
    assert len(text.encode()) < LARGEST_PAGE


def test_a_page_tells_type_key_values_and_what_is_hidden() -> None:
    text = render(measured.CONTRACT)
    assert "<code>ccn</code> (key)" in text
    assert "1 to 10 patients where unit is patients" in text
    assert "better, as, worse" in text
    assert "A row is reportable or has a reason: <code>reportable = (reason IS NULL)</code>" in text
    assert "Those of few patients" in text
    network_page = render(facility.DIRECTORY)
    assert "1 to 18" in network_page
    assert "whole number" in network_page


def test_tables_of_patients_are_for_authorised_readers() -> None:
    for table in PATIENT_TABLES:
        assert "Authorised readers alone" in render(table)
    assert not {one.table.name for one in PUBLISHED} & {table.name for table in PATIENT_TABLES}


def test_the_list_has_every_table_once() -> None:
    index = dictionary_page.describe_dictionary(2024)
    text = writing.render("dictionary.html", "dictionary/index.html", index)
    names = re.findall(r'<th scope="row"><a href="([\w.]+)\.html"', text)
    assert sorted(names) == sorted(TABLES_BY_NAME)
    assert len(text.encode()) < LARGEST_PAGE
    assert network.INDICATORS.name in names
