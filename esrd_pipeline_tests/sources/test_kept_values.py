"""What a form keeps as it stands is what looking closely would make of it."""

from dataclasses import replace

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from esrd_pipeline.sources.extract_values import bring_into_form
from esrd_pipeline.tables import forms
from esrd_pipeline.tables.forms import NO_VALUE, Form

FORMS = {name: form for name, form in vars(forms).items() if isinstance(form, Form)}


@pytest.mark.parametrize("name", FORMS)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_a_value_that_is_kept_is_in_its_form(name: str, data: st.DataObject) -> None:
    form = FORMS[name]
    values = data.draw(st.lists(st.from_regex(form.kept, fullmatch=True), min_size=5))
    with duckdb.connect() as connection:
        made = bring_into_form("value", form)
        read = connection.execute("CREATE TABLE read AS SELECT unnest(?) AS value", [values])
        rows = read.sql(
            f"FROM read SELECT value, {made} AS made, regexp_full_match(made, '{form.pattern}')"
        ).fetchall()
    for value, made, is_allowed in rows:
        assert made == value
        assert is_allowed
        assert value not in NO_VALUE


def test_there_are_forms_and_a_wrong_one_would_be_seen() -> None:
    assert len(FORMS) > 15
    wrong = replace(forms.CCN, kept="[0-9]{5}")
    with duckdb.connect() as connection:
        made = connection.execute(f"SELECT {bring_into_form(chr(39) + '12501' + chr(39), wrong)}")
        assert made.fetchall() == [("012501",)]
