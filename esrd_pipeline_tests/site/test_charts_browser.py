"""Where the labels of charts stand, in a real browser."""

from pathlib import Path

import numpy as np
import pytest

from esrd_pipeline.site import charts, writing
from esrd_pipeline_tests.browsing import open_browser, open_page

pytestmark = pytest.mark.slow


def test_a_funnels_labels_stand_at_their_ticks(tmp_path: Path) -> None:
    """A style of text-anchor outweighs the attribute, by which axes set their labels."""
    funnel = charts.draw_funnel(np.array([10.0, 40.0]), np.array([9.0, 44.0]))
    bars = charts.draw_bars([1, 2], ["0", "10"])
    writing.copy_static(tmp_path)
    sheet = '<link rel="stylesheet" href="static/site.css">'
    (tmp_path / "page.html").write_text(f"<!doctype html>{sheet}{funnel}{bars}", encoding="utf-8")
    with open_browser() as browser, open_page(browser) as page:
        page.goto((tmp_path / "page.html").as_uri())
        anchors = page.evaluate(
            """() => [...document.querySelectorAll("text")].map((one) => [
                getComputedStyle(one).textAnchor, one.getAttribute("text-anchor") ?? "middle"])"""
        )
        assert len(anchors) == 5 + 4 + 1 + 2
        assert [drawn for drawn, _ in anchors] == [meant for _, meant in anchors]
