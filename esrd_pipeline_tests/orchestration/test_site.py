"""The static site of a refreshed year as files: its numbers, its links, what it must not say."""

import re
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pandas as pd
import pytest

from esrd_pipeline.reports.suppression import find_few
from esrd_pipeline.tables import change, facility, measured, program, trend, what_if
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline_tests.orchestration.commands import run, run_here
from esrd_pipeline_tests.orchestration.conftest import PUBLISHED_YEARS, Refreshed
from esrd_pipeline_tests.site import tracing
from esrd_pipeline_tests.site.links import find_dead_links

pytestmark = pytest.mark.slow
YEAR = PUBLISHED_YEARS[-1]
LARGEST = 150_000
"""Bytes a page may have."""


class Page(HTMLParser):
    """What a test reads of a page: its links, the stored values of its cells, its text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.stored: dict[str, str] = {}
        self.ids: list[str] = []
        self.texts: list[str] = []
        self._row = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep links, identifiers, and the stored value of a cell under its row's identifier."""
        found = dict(attrs)
        if found.get("id"):
            self.ids.append(str(found["id"]))
        if tag == "tr":
            self._row = found.get("id") or ""
        if "data-v" in found:
            self.stored[self._row] = str(found["data-v"])
        for name in ("href", "src"):
            if found.get(name):
                self.links.append(str(found[name]))

    def handle_data(self, data: str) -> None:
        """Keep the text."""
        self.texts.append(data)

    @property
    def text(self) -> str:
        """The page's text in one line."""
        return " ".join(" ".join(self.texts).split())


@cache
def read_page(path: Path) -> Page:
    """Parse a page, once for all tests; nobody changes it."""
    return Page(path)


@pytest.fixture(scope="module")
def warehouse(refreshed: Refreshed) -> Warehouse:
    return Warehouse(refreshed.data / "warehouse")


@pytest.fixture(scope="module")
def pages(site: Path) -> list[Path]:
    return sorted(site.rglob("*.html"))


def test_every_link_leads_to_a_file_of_the_site(site: Path, pages: list[Path]) -> None:
    assert len(pages) > 150
    for path in pages:
        page = read_page(path)
        for link in page.links:
            parts = urlsplit(link)
            assert not parts.scheme, f"{path.name} asks {link}"
            assert not parts.netloc, f"{path.name} asks {link}"
            if parts.path:
                target = (path.parent / parts.path).resolve()
                assert target.is_file(), f"{path.relative_to(site)} leads to {link}"
            elif parts.fragment:
                assert parts.fragment in page.ids, f"{path.name} leads to {link}"


def test_every_facility_has_a_page(site: Path, warehouse: Warehouse) -> None:
    ccns = set(warehouse.read(facility.DIRECTORY, YEAR)["ccn"])
    assert {path.stem for path in (site / "facilities").glob("*.html")} - {"index"} == ccns


def test_values_of_a_facility_are_the_contracts(site: Path, warehouse: Warehouse) -> None:
    contract = warehouse.read(measured.CONTRACT, YEAR)
    few = {tuple(row) for row in find_few(contract).to_numpy()}
    shown = 0
    for ccn, rows in contract[contract["program"] == "dfc"].groupby("ccn"):
        values = read_page(site / "facilities" / f"{ccn}.html").stored
        for row in rows.itertuples():
            is_shown = row.reportable and ("dfc", row.measure, ccn) not in few
            stored = values.get(f"dfc-{row.measure}")
            if is_shown and pd.notna(row.value):
                assert stored is not None, f"{ccn} {row.measure} is not shown"
                assert float(stored) == row.value
                shown += 1
            elif not is_shown:
                assert stored is None, f"{ccn} {row.measure} is shown"
    assert shown > 500


def _terms(working: str) -> Iterator[Fraction]:
    """Yield the products of a sum such as 3/10 x 75 + 0.4 x 50.25."""
    for term in working.split(" + "):
        weight, score = term.split(" x ")
        yield Fraction(weight) * Fraction(score)


def test_the_sum_on_a_page_gives_the_score_on_it(site: Path, warehouse: Warehouse) -> None:
    tps = warehouse.read(program.QIP_TPS, YEAR).set_index("ccn")
    scored = tps[tps["tps"].notna()]
    assert len(scored) > 40
    for ccn, row in scored.iterrows():
        text = read_page(site / "facilities" / f"{ccn}.html").text
        message = re.search(r"Total Performance Score (\d+) ; the minimum", text)
        working = re.search(r"reduction: [\d.]+% \. ([\d/. x+]+) = [\d.]+, rounded (\d+) \.", text)
        assert message is not None
        assert working is not None
        assert int(message[1]) == int(working[2]) == row["tps"]
        # Halves go up.
        assert int(sum(_terms(working[1])) + Fraction(1, 2)) == row["tps"]


def _read_percent(text: str) -> Fraction:
    return Fraction(text.removesuffix("%")) / 100


def test_a_readers_script_finds_the_score_from_the_points(site: Path, warehouse: Warehouse) -> None:
    """Points times weights are the domains' scores; these times their weights the total."""
    tps = warehouse.read(program.QIP_TPS, YEAR).set_index("ccn")
    scored = tps[tps["tps"].notna()]
    for ccn, row in scored.iterrows():
        text = (site / "facilities" / f"{ccn}.html").read_text(encoding="utf-8")
        total, domain = Fraction(0), Fraction(0)
        shown: dict[str, Fraction] = {}
        for element in tracing.Page(text).root.walk():
            source, column = (element.attributes.get(name, "") for name in ("data-t", "data-c"))
            if source == "program.qip_domain_score":
                shown = {}
            elif column == "weight":
                shown["weight"] = _read_percent(element.text)
            elif column == "score" and element.tag == "span":
                shown["score"] = Fraction(element.text)
                total += shown["weight"] * shown["score"]
            elif source == "program.qip_measure_score":
                domain = sum((_read_points(line) for line in element.find("tr")), start=Fraction(0))
                # Weights are shown with four decimals, scores with two.
                assert abs(domain - shown.get("score", domain)) < Fraction(6, 100), ccn
        assert abs(total - Fraction(row["unrounded_tps"])) < Fraction(1, 10), ccn


def _read_points(line: tracing.Element) -> Fraction:
    """Return what a row of a domain's table adds to its score: ten times points times weight."""
    cells = [cell for cell in line.children if cell.tag == "td"]
    if not cells or line.attributes.get("class") == "part":
        return Fraction(0)
    score, weight = cells[-3].text, cells[-2].text
    return Fraction(0) if "\u2013" in {score, weight} else 10 * int(score) * _read_percent(weight)


def test_numbers_of_every_kind_of_page_are_the_stored_ones(
    site: Path, warehouse: Warehouse
) -> None:
    tables = (
        *(facility.DIRECTORY, facility.LEVEL, measured.CONTRACT, trend.TREND, change.CHANGE),
        *(program.FLAGS, program.QIP_TPS, program.QIP_DOMAIN_SCORE, program.QIP_MEASURE_SCORE),
        *(program.STARS, program.STAR_MEASURE_SCORE),
        *(what_if.NEXT_POINT, what_if.REDUCTION_WAY, what_if.REDUCTION_CHANCE),
    )
    frames = {
        (table.name, year): warehouse.read(table, year)
        for table in tables
        for year in (PUBLISHED_YEARS if table is trend.TREND else [YEAR])
    }
    for folder, least in (
        ("", 50),
        ("networks", 100),
        ("states", 10),
        ("chains", 100),
        ("facilities", 300),
        ("measures", 5),
    ):
        pages = sorted((site / folder).glob("*.html"))
        pages = [page for page in pages if page.stem != "index" or not folder]
        traced = 0
        for page in pages[:3]:
            found = tracing.trace(page.read_text(encoding="utf-8"), frames, YEAR)
            assert found.wrong == [], page.name
            traced += len(found.columns)
        assert traced >= least, folder


def test_the_nation_counts_what_is_stored(site: Path, warehouse: Warehouse) -> None:
    text = read_page(site / "index.html").text
    stars = warehouse.read(program.STARS, YEAR)["rating"].value_counts()
    tps = warehouse.read(program.QIP_TPS, YEAR)["tps"].dropna().astype(float)
    assert f"{len(tps)} with a Total Performance Score, mean {tps.mean():.1f}" in text
    for rating, count in stars.items():
        assert f"{rating} {count} " in text.split("Stars", 1)[1]


def test_pages_are_small_and_tell_of_no_folder(pages: list[Path]) -> None:
    for path in pages:
        assert path.stat().st_size <= LARGEST, path.name
        text = path.read_text(encoding="utf-8")
        assert "/tmp" not in text  # noqa: S108 - what a page must not say
        assert str(Path.home()) not in text


def test_the_same_tables_give_the_same_bytes(
    site: Path, refreshed: Refreshed, published: Path, tmp_path: Path
) -> None:
    # In a process of its own, where sets have another order.
    code, message = run(
        refreshed.data, published, "site", "--year", str(YEAR), "--folder", str(tmp_path / "again")
    )
    assert code == 0, message
    names = sorted(p.relative_to(site) for p in site.rglob("*") if p.is_file())
    again = tmp_path / "again"
    assert names == sorted(p.relative_to(again) for p in again.rglob("*") if p.is_file())
    assert [n for n in names if (site / n).read_bytes() != (again / n).read_bytes()] == []


def test_a_page_of_one_facility_and_of_one_network(
    refreshed: Refreshed, published: Path, tmp_path: Path, warehouse: Warehouse
) -> None:
    directory = warehouse.read(facility.DIRECTORY, YEAR)
    one = directory.iloc[0]
    asked = ("site", "--year", str(YEAR), "--folder", str(tmp_path / "one"))
    code, message = run_here(refreshed.data, published, *asked, "--facility", one["ccn"])
    assert code == 0, message
    assert [p.stem for p in (tmp_path / "one" / "facilities").glob("[0-9]*.html")] == [one["ccn"]]
    assert find_dead_links(tmp_path / "one") == []
    network = str(one["network"])
    code, message = run_here(refreshed.data, published, *asked, "--network", network)
    assert code == 0, message
    made = {p.stem for p in (tmp_path / "one" / "facilities").glob("[0-9]*.html")}
    assert made == set(directory.loc[directory["network"] == one["network"], "ccn"])
    assert find_dead_links(tmp_path / "one") == []


def test_what_cannot_be_written_is_refused(
    refreshed: Refreshed, published: Path, tmp_path: Path
) -> None:
    asked = ("site", "--year", str(YEAR))
    code, message = run_here(refreshed.data, published, *asked, "--facility", "999999")
    assert code == 1
    assert f"999999 is no facility of {YEAR}" in message
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "letter.txt").write_text("keep me", encoding="utf-8")
    code, message = run_here(refreshed.data, published, *asked, "--folder", str(mine))
    assert code == 1
    assert "is not a site of this project" in message
    assert (mine / "letter.txt").read_text(encoding="utf-8") == "keep me"
