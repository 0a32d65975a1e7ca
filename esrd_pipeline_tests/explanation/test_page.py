"""The printable page of an explanation: its words, and what a keyboard reaches."""

from collections.abc import Sequence

import pandas as pd

from esrd_pipeline.explanation.document import Document, Section
from esrd_pipeline.explanation.factors import ROW, STORED
from esrd_pipeline.explanation.identities import CHART
from esrd_pipeline.explanation.page import render_page


def page_of(adjusters: Sequence[tuple[int, str, float]]) -> str:
    """Return the page of two patients' expected numbers; adjusters are of patient, term, value."""
    names = {CHART[1]: "Draft", CHART[2]: "Ann", CHART[3]: "1950-01-01"}
    expected = pd.DataFrame({CHART[0]: [1, 2], **names, ROW: 1, "expected": 0.5, STORED: 0.5})
    made = pd.DataFrame(adjusters, columns=[CHART[0], "adjuster", "value"])
    made = made.assign(**{ROW: 1, "coefficient": 2.0, "product": 2 * made["value"]})
    sections = [
        Section("expected", "The model's numbers", expected),
        Section("adjusters", "Adjusters", made, is_printed=False),
    ]
    return render_page(Document(name="n", title="T", facts=[], sections=sections))


def test_one_adjuster_is_not_plural() -> None:
    page = page_of([(1, "age", 3.0), (1, "female", 1.0), (2, "age", 4.0)])
    assert page.count(">adjusters: ") == 1
    assert page.count(">adjuster: ") == 1
    assert page_of([(1, "age", 3.0)]).count(">adjusters: none, so their sum is 0<") == 1


def test_a_table_that_scrolls_is_reached_by_the_keyboard() -> None:
    page = page_of([(1, "age", 3.0)])
    name = "aria-label='The model&#x27;s numbers'"
    assert f"<div class='wide' tabindex='0' role='region' {name}>" in page
