"""Builds the static site of one performance year."""

import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

from esrd_pipeline.site import activities_page, area_page, writing
from esrd_pipeline.site.certificate import find_means, list_certificates, write_certificates
from esrd_pipeline.site.data import Area, SiteData
from esrd_pipeline.site.facility_page import describe_facility
from esrd_pipeline.site.limited import limit_pages
from esrd_pipeline.site.patients import write_patients
from esrd_pipeline.site.reference import write_reference
from esrd_pipeline.site.replacing import end_with_parent, put_in_place, start_draft

_CHUNK = 100
_MARK = "static/.esrd-site"
"""By which a folder is known that may be replaced."""
Progress = Callable[[int, int], None]


class ForeignFolderError(RuntimeError):
    """A folder has other files than a site's, which must not be deleted."""


@dataclass(frozen=True, slots=True)
class Built:
    """One kind of page of a site.

    Attributes:
        kind: what the pages are of, such as network, facility or certificate.
        pages: how many there are.
        bytes: their size together.
        largest: size of the largest.
        example: address of the first within the site.
    """

    kind: str
    pages: int
    bytes: int
    largest: int
    example: str


@dataclass(frozen=True, slots=True)
class Choice:
    """The pages that are made: all, or those of one facility or one Network."""

    facility: str | None = None
    network: str | None = None


_shared: dict[str, tuple[SiteData, Path]] = {}
"""What the forked workers find in memory, so that nothing is sent to them but addresses."""


def build_site(
    data: SiteData,
    folder: Path,
    *,
    choice: Choice | None = None,
    workers: int = 2,
    progress: Progress | None = None,
) -> list[Built]:
    """Write the pages into a folder, which is replaced as a whole when all are written.

    Args:
        data: what the pages show.
        folder: the site's folder.
        choice: which pages; all by default.
        workers: processes that write facilities' pages.
        progress: is given pages done and pages to do.

    Returns:
        What was written, by kind of page.

    Raises:
        LookupError: the chosen facility or Network is not in the year.
        ForeignFolderError: the folder exists and is not a site.
    """
    areas, ccns = _choose(data, choice or Choice())
    if folder.exists() and not (folder / _MARK).is_file():
        raise ForeignFolderError(f"{folder} is not a site of this project: choose another folder")
    draft = start_draft(folder)
    try:
        writing.copy_static(draft)
        (draft / _MARK).write_text("", encoding="utf-8")
        sizes: dict[str, list[tuple[str, int]]] = {}
        for kind, page, size in _write_areas(data, draft, areas):
            sizes.setdefault(kind, []).append((page, size))
        for kind, page, size in write_patients(data, draft, ccns, workers=workers):
            sizes.setdefault(kind, []).append((page, size))
        sizes["facility"] = _write_facilities(data, draft, ccns, workers, progress)
        sizes["search"] = [_write_search(data, draft, ccns)]
        sizes["certificate"] = list_certificates(draft)
        limits = None if choice == Choice() else choice
        for kind, page, size in write_reference(data, draft, with_files=limits is None):
            sizes.setdefault(kind, []).append((page, size))
        if limits is not None:
            limit_pages(draft, facility=limits.facility, network=limits.network)
            sizes = {kind: _measure(draft, pages) for kind, pages in sizes.items()}
        put_in_place(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return [
        Built(
            kind,
            len(pages),
            sum(size for _, size in pages),
            max(size for _, size in pages),
            pages[0][0],
        )
        for kind, pages in sizes.items()
        if pages
    ]


def _measure(folder: Path, pages: list[tuple[str, int]]) -> list[tuple[str, int]]:
    return [(page, (folder / page).stat().st_size) for page, _ in pages]


def _choose(data: SiteData, choice: Choice) -> tuple[list[Area], list[str]]:
    areas = data.list_areas()
    if choice.facility is not None:
        if choice.facility not in data.facilities:
            raise LookupError(f"{data.year} has no facility {choice.facility}")
        mine = [area for area in areas if choice.facility in area.ccns and area.level != "chain"]
        return mine, [choice.facility]
    if choice.network is not None:
        mine = [area for area in areas if (area.level, area.name) == ("network", choice.network)]
        if not mine:
            raise LookupError(f"{data.year} has no facility of Network {choice.network}")
        return [areas[0], *mine], list(mine[0].ccns)
    return areas, list(data.facilities)


def _write_areas(data: SiteData, folder: Path, areas: list[Area]) -> Iterator[tuple[str, str, int]]:
    for area in areas:
        page = writing.place_area(area.level, area.name)
        template = "nation.html" if area.level == "nation" else "area.html"
        text = writing.render(template, page, area_page.describe_area(data, area))
        yield area.level, page, writing.write_page(folder, page, text)
        if area.level == "nation":
            for program in area_page.list_stratified(data):
                page = area_page.place_strata(program)
                text = writing.render("strata.html", page, area_page.describe_strata(data, program))
                yield "groups", page, writing.write_page(folder, page, text)
            continue
        if activities_page.has_activities(data, area):
            described = activities_page.describe_activities(data, area)
            written = activities_page.place_activities(area.name)
            text = writing.render("activities.html", written, described)
            yield "activities", written, writing.write_page(folder, written, text)
        for suffix, ccns in area_page.split_list(area):
            listed = f"{page.removesuffix('.html')}{suffix}.html"
            text = writing.render("list.html", listed, area_page.describe_list(data, area, ccns))
            yield "list", listed, writing.write_page(folder, listed, text)


def _write_facilities(
    data: SiteData, folder: Path, ccns: list[str], workers: int, progress: Progress | None
) -> list[tuple[str, int]]:
    """Write facilities' pages, in processes that share what is in memory where there are many."""
    _load(data)
    chunks = list(_split(ccns))
    _shared["site"] = data, folder
    done: list[tuple[str, int]] = []
    try:
        if workers == 1 or len(chunks) == 1:
            made = map(_write_chunk, chunks)
            return _collect(made, len(ccns), progress)
        fork = get_context("fork")
        with ProcessPoolExecutor(workers, fork, initializer=end_with_parent) as pool:
            done = _collect(pool.map(_write_chunk, chunks), len(ccns), progress)
    finally:
        _shared.clear()
    return done


def _collect(
    made: Iterator[list[tuple[str, int]]], wanted: int, progress: Progress | None
) -> list[tuple[str, int]]:
    done: list[tuple[str, int]] = []
    for pages in made:
        done += pages
        if progress is not None:
            progress(len(done), wanted)
    return done


def _load(data: SiteData) -> None:
    """Read every table before the processes are forked, which then share its rows."""
    for name in (
        *("contract", "flags", "tps", "stars", "measure_scores", "domain_scores", "star_scores"),
        *("levels", "peers", "changes", "trends", "histories", "registered", "exclusions"),
    ):
        getattr(data, name)
    find_means(data)


def _split(ccns: list[str]) -> Iterator[list[str]]:
    left = iter(ccns)
    while chunk := list(islice(left, _CHUNK)):
        yield chunk


def _write_chunk(ccns: list[str]) -> list[tuple[str, int]]:
    data, folder = _shared["site"]
    written = []
    for ccn in ccns:
        page = writing.place_facility(ccn)
        text = writing.render("facility.html", page, describe_facility(data, ccn))
        written.append((page, writing.write_page(folder, page, text)))
        write_certificates(data, folder, ccn)
    return written


def _write_search(data: SiteData, folder: Path, ccns: list[str]) -> tuple[str, int]:
    """Write the search page and the list that its script reads."""
    rows = [
        [ccn, row["facility_name"] or "", row["city"] or "", row["state"] or ""]
        for ccn in ccns
        for row in (data.facilities[ccn],)
    ]
    text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    writing.write_page(folder, "static/facilities.js", f"const FACILITIES={text};\n")
    states = sorted({state for *_, state in rows if state})
    page = "facilities/index.html"
    shown = {"year": data.year, "states": states, "count": len(rows)}
    return page, writing.write_page(folder, page, writing.render("search.html", page, shown))
