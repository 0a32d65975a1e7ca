"""Writes the pages about the numbers: methods, data dictionary, downloads."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from esrd_pipeline.site import data_package, dictionary_page, method_page, writing
from esrd_pipeline.site.data import SiteData
from esrd_pipeline.site.download_files import Download, write_downloads

DOWNLOADS = "downloads"
_MEGABYTE, _KILOBYTE = 1_000_000, 1_000


def write_reference(
    data: SiteData, folder: Path, *, with_files: bool = True
) -> Iterator[tuple[str, str, int]]:
    """Write the pages; yield kind, address and size of each.

    Args:
        data: what the pages show.
        folder: the site's folder.
        with_files: whether the downloads' files are written, which are of the whole year.
    """
    yield _write(
        folder, "method", "measures/index.html", "measures", method_page.describe_index(data)
    )
    for measure in method_page.list_measures(data):
        shown = method_page.describe_measure(data, measure)
        yield _write(folder, "method", method_page.place_measure(measure), "measure", shown)
    index = dictionary_page.describe_dictionary(data.year)
    yield _write(folder, "dictionary", "dictionary/index.html", "dictionary", index)
    for table in dictionary_page.list_tables():
        shown = dictionary_page.describe_table(table, data.year)
        yield _write(folder, "dictionary", dictionary_page.place_table(table.name), "table", shown)
    files = list(write_downloads(data, folder / DOWNLOADS)) if with_files else []
    if files:
        yield from _write_metadata(data.year, folder, files)
    shown = describe_downloads(data.year, files)
    yield _write(folder, "downloads", f"{DOWNLOADS}/index.html", "downloads", shown)


def describe_downloads(year: int, files: list[Download]) -> dict[str, Any]:
    """Return what the template of the downloads' page shows."""
    return {
        "year": year,
        "downloads": [
            {
                "download": one,
                "csv": write_size(one.csv.bytes),
                "parquet": write_size(one.parquet.bytes),
            }
            for one in files
        ],
        "total": write_size(sum(one.csv.bytes + one.parquet.bytes for one in files)),
        "package": data_package.PACKAGE,
        "catalog": data_package.CATALOG,
    }


def write_size(size: int) -> str:
    """Write bytes as people read them."""
    if size >= _MEGABYTE:
        return f"{size / _MEGABYTE:,.1f}\N{NO-BREAK SPACE}MB"
    return f"{max(1, round(size / _KILOBYTE)):,}\N{NO-BREAK SPACE}kB"


def _write_metadata(
    year: int, folder: Path, files: list[Download]
) -> Iterator[tuple[str, str, int]]:
    publisher = data_package.read_publisher()
    for name, content in (
        (data_package.PACKAGE, data_package.describe_package(year, files)),
        (data_package.CATALOG, data_package.describe_catalog(year, files, publisher)),
    ):
        text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
        page = f"{DOWNLOADS}/{name}"
        yield "metadata", page, writing.write_page(folder, page, text)


def _write(
    folder: Path, kind: str, page: str, template: str, shown: dict[str, Any]
) -> tuple[str, str, int]:
    text = writing.render(f"{template}.html", page, shown)
    return kind, page, writing.write_page(folder, page, text)
