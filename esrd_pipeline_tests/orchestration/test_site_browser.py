"""The static site in a real browser, from its folder: no request, no fault of accessibility."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from esrd_pipeline_tests.browsing import find_faults, measure_width, open_browser, open_page
from esrd_pipeline_tests.orchestration.conftest import PUBLISHED_YEARS

pytestmark = pytest.mark.slow
YEAR = PUBLISHED_YEARS[-1]
MOST_NODES = 12_000
"""Nodes of a page's document: what a browser lays out and paints grows with them, and their number
is the same on every machine. How long painting takes stands in the benchmark."""
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as started:
        yield started


@pytest.fixture(scope="module")
def kinds(site: Path) -> list[Path]:
    """One page of each kind."""
    found = [site / "index.html"]
    for folder in sorted({path.parent for path in site.rglob("*.html")} - {site}):
        pages = sorted(folder.glob("*.html"))
        indexes = [page for page in pages if page.stem == "index"]
        others = [page for page in pages if page.stem != "index" and "-facilities" not in page.stem]
        lists = [page for page in pages if "-facilities" in page.stem]
        found += [*indexes, *others[:1], *lists[:1]]
    return found


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with open_page(browser) as opened:
        yield opened


def test_axe_finds_nothing(page: Page, kinds: list[Path], site: Path) -> None:
    assert len(kinds) > 8
    found = {}
    for path in kinds:
        page.goto(path.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        if faults := find_faults(page, RULES):
            found[str(path.relative_to(site))] = faults
    assert found == {}, json.dumps(found, indent=1)


def test_nothing_is_cut_off_at_320_pixels(page: Page, kinds: list[Path], site: Path) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    wide = {}
    for path in kinds:
        page.goto(path.as_uri())
        if (width := measure_width(page)) > 320:
            wide[str(path.relative_to(site))] = width
    assert wide == {}


def count_nodes(page: Page, path: Path) -> int:
    """Return the number of nodes of a page's document, text among them."""
    page.goto(path.as_uri())
    return page.evaluate(
        "document.evaluate('count(//node())', document, null, XPathResult.NUMBER_TYPE).numberValue"
    )


def test_no_page_is_heavy_to_paint(page: Page, site: Path) -> None:
    heaviest = [
        max((site / folder).glob("*.html"), key=lambda path: path.stat().st_size)
        for folder in ("", "facilities", "networks", "states", "patients/states")
    ]
    found = {str(path.relative_to(site)): count_nodes(page, path) for path in heaviest}
    assert {name: nodes for name, nodes in found.items() if nodes > MOST_NODES} == {}


def test_a_page_ten_times_too_heavy_is_found(page: Page, site: Path, tmp_path: Path) -> None:
    shutil.copytree(site / "static", tmp_path / "static")
    text = (site / "index.html").read_text(encoding="utf-8")
    start = '<main id="main">'
    before, within = text.split(start)
    within, after = within.split("</main>")
    (tmp_path / "index.html").write_text(
        f"{before}{start}{within * 10}</main>{after}", encoding="utf-8"
    )
    assert count_nodes(page, tmp_path / "index.html") > MOST_NODES


def test_the_first_key_leads_to_the_content(page: Page, site: Path) -> None:
    page.goto((site / "index.html").as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")


def test_a_list_is_sorted_and_filtered_by_keys(page: Page, site: Path) -> None:
    path = max((site / "states").glob("*-facilities*.html"), key=lambda p: p.stat().st_size)
    page.goto(path.as_uri())
    head = page.locator("#list thead th", has_text="TPS").locator("button")
    head.focus()
    page.keyboard.press("Enter")
    shown = page.locator("#list tbody tr td:nth-child(5)").all_inner_texts()
    scores = [int(text) for text in shown if text]
    assert len(scores) > 1
    assert scores == sorted(scores)
    name = page.locator("#list tbody tr th").first.inner_text()
    page.locator("input[data-filter]").fill(name)
    visible = page.locator("#list tbody tr:visible").all_inner_texts()
    assert visible
    assert all(name.lower() in text.lower() for text in visible)


def test_search_finds_a_facility_by_its_number(page: Page, site: Path) -> None:
    one = min((site / "facilities").glob("[0-9]*.html"))
    page.goto((site / "facilities" / "index.html").as_uri())
    page.locator("#query").fill(one.stem)
    page.locator("#hits a").first.click()
    assert page.url == one.as_uri()


def test_a_facility_prints_as_a_tagged_report(page: Page, site: Path) -> None:
    one = min((site / "facilities").glob("[0-9]*.html"))
    page.goto(one.as_uri())
    printed = page.pdf(tagged=True, format="Letter", prefer_css_page_size=True)
    assert printed.startswith(b"%PDF")
    assert b"/MarkInfo" in printed
    assert b"/StructTreeRoot" in printed


def test_pages_can_be_read_without_javascript(browser: Browser, site: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto((site / "facilities" / "index.html").as_uri())
    assert plain.locator("h2").first.inner_text() == "By state"
    assert plain.locator("ul.columns a").count() > 1
    context.close()
