"""The page of an emergency in a real browser, as wide as a phone."""

import shutil
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from click.testing import CliRunner
from playwright.sync_api import sync_playwright

from esrd_pipeline.cli import main
from esrd_pipeline_tests.emergency.small import CLOSED, store, write_files

pytestmark = pytest.mark.slow
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
WIDTH, HEIGHT = 360, 740


def test_an_officer_reads_it_on_a_phone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine: .ci/run installs it where it may")
    data = tmp_path / "data"
    monkeypatch.setenv("ESRD_DATA_DIR", str(data))
    monkeypatch.setenv("ESRD_NETWORK_DIR", str(write_files(tmp_path / "network")))
    monkeypatch.delenv("ESRD_PUBLISHED_DIR", raising=False)
    store(data / "embedded" / "warehouse")
    done = CliRunner().invoke(main, ["emergency", "--area", "FL", "--date", "2024-09-27"])
    assert done.exit_code == 0, done.output
    page_file = data / "embedded" / "emergency" / "FL-2024-09-27" / "index.html"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(page_file.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= WIDTH
        first = page.locator("details").first
        assert f"FACILITY {CLOSED}" in first.locator("summary").inner_text()
        first.locator("summary").click()
        assert first.get_by_text("Where its patients could go").is_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= WIDTH
        assert page.locator("svg path.closed").count() == 1
        assert page.locator("svg circle.open").count() == 4
        tall = page.locator("summary").evaluate_all("all => all.map(one => one.offsetHeight)")
        assert min(tall) >= 44, "a finger needs 44 pixels"
        broken = Axe().run(page).response["violations"]
        assert broken == [], [(one["id"], one["help"]) for one in broken]
        assert [url for url in asked if not url.startswith("file:")] == []
        browser.close()
