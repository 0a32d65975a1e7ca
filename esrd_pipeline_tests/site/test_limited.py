"""A site of one facility or one Network leads only to what is written, and says what it is."""

import json
from pathlib import Path

import pytest

from esrd_pipeline.site.build import Choice, build_site
from esrd_pipeline_tests.site.links import find_dead_links
from esrd_pipeline_tests.site.whole import BESIDE, FAR, NEAR, make_data


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of one facility."""
    site = tmp_path_factory.mktemp("one") / "site"
    built = build_site(make_data(), site, choice=Choice(facility=NEAR), workers=1)
    size = sum(path.stat().st_size for path in site.rglob("*.html"))
    assert sum(kind.bytes for kind in built) == size
    return site


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of one Network."""
    site = tmp_path_factory.mktemp("few") / "site"
    build_site(make_data(), site, choice=Choice(network="6"), workers=1)
    return site


def test_links_lead_to_files(one: Path, few: Path) -> None:
    assert [path.stem for path in (one / "facilities").glob("[0-9]*.html")] == [NEAR]
    assert {path.stem for path in (few / "facilities").glob("[0-9]*.html")} == {NEAR, BESIDE}
    assert find_dead_links(one) == []
    assert find_dead_links(few) == []


def test_each_page_says_that_the_site_is_limited(one: Path, few: Path) -> None:
    for site, english, spanish in (
        (one, f"facility {NEAR} and", f"el centro {NEAR} y"),
        (few, "ESRD Network 6 and", "la red ESRD 6 y"),
    ):
        for path in site.rglob("*.html"):
            text = path.read_text(encoding="utf-8")
            is_spanish = "es" in path.relative_to(site).parts
            assert text.count('<p class="limited">') == 1, path
            assert (spanish if is_spanish else english) in text, path


def test_names_without_a_page_stay(one: Path) -> None:
    listed = (one / "states/GA-facilities.html").read_text(encoding="utf-8")
    assert f'<a href="../facilities/{NEAR}.html">CENTER ONE</a>' in listed
    assert '<th scope="row">CENTER TWO</th>' in listed
    script = (one / "static/facilities.js").read_text(encoding="utf-8")
    found = json.loads(script.removeprefix("const FACILITIES=").removesuffix(";\n"))
    assert [row[0] for row in found] == [NEAR]


def test_the_whole_site_is_not_limited(tmp_path: Path) -> None:
    site = tmp_path / "site"
    build_site(make_data(), site, workers=1)
    assert {path.stem for path in (site / "facilities").glob("[0-9]*.html")} == {NEAR, BESIDE, FAR}
    assert find_dead_links(site) == []
    assert "limited" not in (site / "index.html").read_text(encoding="utf-8")
