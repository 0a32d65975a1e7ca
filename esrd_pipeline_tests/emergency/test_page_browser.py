"""The page of an emergency in a real browser, as wide as a phone."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from esrd_pipeline.cli import main
from esrd_pipeline_tests.browsing import find_faults, measure_width, open_browser, open_page
from esrd_pipeline_tests.emergency.small import CLOSED, store, write_files

pytestmark = pytest.mark.slow
WIDTH, HEIGHT = 360, 740


def test_an_officer_reads_it_on_a_phone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    monkeypatch.setenv("ESRD_DATA_DIR", str(data))
    monkeypatch.setenv("ESRD_NETWORK_DIR", str(write_files(tmp_path / "network")))
    monkeypatch.delenv("ESRD_PUBLISHED_DIR", raising=False)
    store(data / "embedded" / "warehouse")
    done = CliRunner().invoke(main, ["emergency", "--area", "FL", "--date", "2024-09-27"])
    assert done.exit_code == 0, done.output
    page_file = data / "embedded" / "emergency" / "FL-2024-09-27" / "index.html"
    with open_browser() as browser, open_page(browser, WIDTH, HEIGHT) as page:
        page.goto(page_file.as_uri())
        assert measure_width(page) <= WIDTH
        first = page.locator("details").first
        assert f"FACILITY {CLOSED}" in first.locator("summary").inner_text()
        first.locator("summary").click()
        assert first.get_by_text("Where its patients could go").is_visible()
        assert measure_width(page) <= WIDTH
        assert page.locator("svg path.closed").count() == 1
        assert page.locator("svg circle.open").count() == 4
        tall = page.locator("summary").evaluate_all("all => all.map(one => one.offsetHeight)")
        assert min(tall) >= 44, "a finger needs 44 pixels"
        assert find_faults(page) == []
