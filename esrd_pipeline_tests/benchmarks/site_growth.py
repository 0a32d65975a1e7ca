"""What a facility of the static site takes, in processor time and bytes.

    python -m esrd_pipeline_tests.benchmarks.site_growth WAREHOUSE YEAR FOLDER

writes the site of 200 facilities and that of all into the folder, and prints a line of each,
and what a browser needs to paint the heaviest pages.
"""

import resource
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from playwright.sync_api import Browser, sync_playwright

from esrd_pipeline.site.build import build_site
from esrd_pipeline.site.data import SiteData
from esrd_pipeline.tables import facility, trend
from esrd_pipeline.tables.model import Table
from esrd_pipeline.warehouse import Warehouse

_OF_A_FACILITY = {"facility", "certificate", "patients", "list"}
"""Kinds of pages that grow with the number of facilities."""


def _read_some(
    warehouse: Warehouse, ccns: set[str] | None
) -> Callable[[Table, int], pd.DataFrame | None]:
    """Return a reader of some facilities' rows; of all where none are named."""

    def read(table: Table, year: int) -> pd.DataFrame | None:
        if not warehouse.has(table, year):
            return None
        frame = warehouse.read(table, year)
        if ccns is None:
            return frame
        if table is trend.TREND:
            is_other = (frame["level"] == trend.FACILITY) & ~frame["group_name"].isin(ccns)
            return frame[~is_other].reset_index(drop=True)
        if "ccn" in frame.columns:
            return frame[frame["ccn"].isin(ccns)].reset_index(drop=True)
        return frame

    return read


def _processor_seconds() -> float:
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(resource.getrusage(one).ru_utime + resource.getrusage(one).ru_stime for one in whose)


def measure_site(
    warehouse: Warehouse, year: int, folder: Path, *, facilities: int | None = None
) -> str:
    """Write the site of some facilities, or of all, and say what one of them takes."""
    directory = warehouse.read(facility.DIRECTORY, year)
    some = (
        None if facilities is None else set(directory["ccn"].iloc[:: len(directory) // facilities])
    )
    start = _processor_seconds()
    data = SiteData(_read_some(warehouse, some), year)
    built = build_site(data, folder)
    seconds = _processor_seconds() - start
    size = sum(kind.bytes for kind in built)
    of_facilities = sum(kind.bytes for kind in built if kind.kind in _OF_A_FACILITY)
    count = len(data.facilities)
    return (
        f"  site of {count:,}: {seconds:,.1f} processor seconds, {size / 1e6:,.1f} MB;"
        f" a facility {1000 * seconds / count:,.1f} ms, {of_facilities / count / 1000:,.1f} kB"
    )


def measure_painting(site: Path) -> str:
    """Say what the heaviest page of each kind takes of a browser's main thread, from its folder."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        return "  no chromium on this machine: painting is not measured"
    lines = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for kind in ("", "facilities", "networks", "states", "patients/states"):
            path = max((site / kind).glob("*.html"), key=lambda page: page.stat().st_size)
            name = path.relative_to(site)
            lines.append(f"  {name}: painted in {_paint(browser, path):.2f} processor seconds")
        browser.close()
    return "\n".join(lines)


def _paint(browser: Browser, path: Path) -> float:
    """Return the main thread's processor seconds until a page is painted: the lesser of two."""
    seconds = []
    for _ in range(2):
        context = browser.new_context(viewport={"width": 1200, "height": 900})
        page = context.new_page()
        client = context.new_cdp_session(page)
        client.send("Performance.enable", {"timeDomain": "threadTicks"})
        page.goto(path.as_uri())
        page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length > 0")
        metrics = client.send("Performance.getMetrics")["metrics"]
        # Layout, styles and scripts are parts of the tasks.
        seconds += [one["value"] for one in metrics if one["name"] == "TaskDuration"]
        context.close()
    return min(seconds)


if __name__ == "__main__":
    stored, of_year, target = Warehouse(Path(sys.argv[1])), int(sys.argv[2]), Path(sys.argv[3])
    for number in (200, None):
        sys.stdout.write(measure_site(stored, of_year, target, facilities=number) + "\n")
        sys.stdout.flush()
    sys.stdout.write(measure_painting(target) + "\n")
