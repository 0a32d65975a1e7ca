"""A real browser for the tests of pages, and what axe finds wrong with a page."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Start a headless browser; without one on the machine the test is skipped."""
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine: .ci/run installs it where it may")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@contextmanager
def open_page(browser: Browser, width: int = 1200, height: int = 900) -> Iterator[Page]:
    """Open a page that may ask for no address but files, and may raise no error."""
    opened = browser.new_page(viewport={"width": width, "height": height})
    asked: list[str] = []
    faults: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("pageerror", lambda error: faults.append(str(error)))
    yield opened
    opened.close()
    assert [url for url in asked if not url.startswith("file:")] == []
    assert faults == []


def find_faults(page: Page, options: dict[str, Any] | None = None) -> list[tuple[str, str]]:
    """Return the faults of accessibility that axe finds: rule, and the first element."""
    violations = Axe().run(page, options=options).response["violations"]
    return [(fault["id"], fault["nodes"][0]["html"][:120]) for fault in violations]


def measure_width(page: Page) -> int:
    """Return how wide the page's content is, in pixels."""
    return page.evaluate("document.documentElement.scrollWidth")
