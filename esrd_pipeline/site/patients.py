"""Writes the pages for patients and families, in English and Spanish, and what their script reads.

Without the script: lists by state, and each center in plain words. With it: centers by distance
from a ZIP code, and up to four side by side, from files that are loaded as they are needed.
"""

import json
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from markupsafe import Markup

from esrd_pipeline.parameters.measure_texts import LANGUAGES, Language, find_measure_text
from esrd_pipeline.parameters.patient_texts import load_patient_texts
from esrd_pipeline.site import writing
from esrd_pipeline.site.centers import (
    NO_STATE,
    PAGE_LENGTH,
    UNDER_ONE,
    Center,
    PlainMeasure,
    Standing,
    find_pages,
    list_measures,
    load_centers,
)
from esrd_pipeline.site.certificate import find_means, has_certificate
from esrd_pipeline.site.data import SiteData
from esrd_pipeline.site.formats import CATEGORY_SIGNS
from esrd_pipeline.site.replacing import end_with_parent
from esrd_pipeline.site.state_map import name_states
from esrd_pipeline.site.writing import place_facility
from esrd_pipeline.site.zip_positions import REGION, Position, find_position, load_positions

FOLDERS: dict[Language, str] = {"en": "patients/", "es": "patients/es/"}
OFFERS = ("in_center", "peritoneal", "home_training", "late_shift")
CELLS_PER_DEGREE = 1
"""Centers are kept in one file per cell of the map: a degree, 69 miles or less, each way."""
_DATA = "patients/data/"
_SCRIPT_TEXTS = (
    *(
        "zip_wrong",
        "zip_unknown",
        "none_near",
        "found",
        "found_one",
        "miles",
        "same_zip",
        "under_mile",
        "one_mile",
    ),
    *("compare", "compare_name", "compare_full", "compare_go", "remove", "what", "distance"),
    *("address", "phone", *OFFERS, "stations", "yes", "no", "unknown", "stars", "stars_of"),
    *("stars_none", "better", "as", "worse", "percent", "under_percent", "nation"),
    *("nation_under", "not_reported", "counts", "counts_one", "all_numbers", "higher", "lower"),
    *("offers", "none_reported", "results"),
)


_shared: dict[str, tuple[SiteData, Path, Mapping[str, Sequence[Center]]]] = {}
"""What a forked process finds in memory, so that nothing is sent to it but its language."""


def write_patients(
    data: SiteData, folder: Path, ccns: Sequence[str], *, workers: int = 1
) -> list[tuple[str, str, int]]:
    """Write the pages of the states where some facilities are.

    Args:
        data: what the pages show.
        folder: the site's folder.
        ccns: the facilities.
        workers: with two or more, each language has a process of its own.

    Returns:
        Kind, address and size of each page.
    """
    wanted = {str(data.facilities[ccn]["state"] or NO_STATE) for ccn in ccns}
    by_state = {state: rows for state, rows in load_centers(data).items() if state in wanted}
    find_pages(data)
    find_means(data)
    _shared["site"] = data, folder, by_state
    try:
        if workers == 1:
            _write_data(data, folder, by_state)
            return [page for language in LANGUAGES for page in _write_language(language)]
        fork = get_context("fork")
        with ProcessPoolExecutor(workers, fork, initializer=end_with_parent) as pool:
            made = pool.map(_write_language, LANGUAGES)
            _write_data(data, folder, by_state)
            return [page for pages in made for page in pages]
    finally:
        _shared.clear()


def _write_language(language: Language) -> list[tuple[str, str, int]]:
    data, folder, by_state = _shared["site"]
    other = LANGUAGES[1 - LANGUAGES.index(language)]
    shared = {
        "year": data.year,
        "language": language,
        "t": load_patient_texts(language),
        "home": FOLDERS[language],
    }
    written: list[tuple[str, str, int]] = []
    for page, template, shown in _list_pages(data, by_state, language):
        here = f"{FOLDERS[language]}{page}"
        context = {**shared, **shown, "other": f"{FOLDERS[other]}{page}"}
        text = writing.render(template, here, context)
        written.append(("patients", here, writing.write_page(folder, here, text)))
    return written


def _list_pages(
    data: SiteData, by_state: Mapping[str, Sequence[Center]], language: Language
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield address within the language's folder, template and what it shows."""
    names = name_states()
    states = [(state, names.get(state, state)) for state in by_state]
    yield "index.html", "patients.html", _describe_start(data, states, language)
    for state, name in states:
        centers = by_state[state]
        yield f"states/{state}.html", "patients_state.html", _describe_cities(data, name, centers)
        parts = [centers[at : at + PAGE_LENGTH] for at in range(0, len(centers), PAGE_LENGTH)]
        for place, part in enumerate(parts, start=1):
            shown = {
                "state": name,
                "code": state,
                "place": place,
                "places": len(parts),
                "centers": [_describe_center(data, center, language) for center in part],
            }
            yield f"states/{state}-{place}.html", "patients_list.html", shown


def _describe_start(
    data: SiteData, states: Sequence[tuple[str, str]], language: Language
) -> dict[str, Any]:
    measures = list_measures(data)
    return {
        "states": states,
        "measures": [find_measure_text(one.measure).plain[language] for one in measures],
        "offers": OFFERS,
        "script": _describe_for_script(measures, language),
    }


def _describe_cities(data: SiteData, state: str, centers: Sequence[Center]) -> dict[str, Any]:
    pages = find_pages(data)
    return {
        "state": state,
        "count": len(centers),
        "cities": [
            (city or state, [(one.ccn, one.name, pages[one.ccn]) for one in found])
            for city, found in groupby(centers, key=lambda center: center.row["city"])
        ],
    }


def _describe_center(data: SiteData, center: Center, language: Language) -> dict[str, Any]:
    standings = center.standings
    measures = list_measures(data)
    return {
        "center": center,
        "ccn": center.ccn,
        "address": write_address(center),
        "facts": _write_facts(center.offers, center.row["station_count"], language),
        "results": _join(
            [
                _write_standing(one, standings[one.measure], language)
                for one in measures
                if one.measure in standings
            ]
        ),
        "missing": "; ".join(
            find_measure_text(one.measure).plain[language].name
            for one in measures
            if one.measure not in standings
        ),
        "page": place_facility(center.ccn),
        "has_certificate": has_certificate(data, center.ccn),
    }


@cache
def _write_facts(
    offers: tuple[bool | None, ...], stations: int | None, language: Language
) -> Markup:
    """Write what a center offers as items of a list."""
    t = load_patient_texts(language)
    words = {True: t["yes"], False: t["no"], None: t["unknown"]}
    facts = [(t[name], words[value]) for name, value in zip(OFFERS, offers, strict=True)]
    facts.append((t["stations"], t["unknown"] if stations is None else str(int(stations))))
    return _join([Markup("<li>{}: <strong>{}</strong></li>").format(*fact) for fact in facts])


def _join(parts: Sequence[Markup]) -> Markup:
    """Join what is escaped already, which Markup.join would look through once more."""
    return Markup("".join(parts))  # noqa: S704 - every part is escaped


@cache
def _write_standing(plain: PlainMeasure, standing: Standing, language: Language) -> Markup:
    """Write how a center stands in one measure as an item of a list."""
    t = load_patient_texts(language)
    text = find_measure_text(plain.measure).plain[language]
    if isinstance(standing, str):
        here = Markup('<span class="cat {}"><span aria-hidden="true">{}</span> {}</span>').format(
            standing, CATEGORY_SIGNS[standing], t[standing]
        )
    else:
        here = Markup("<strong>{}</strong>").format(write_share(standing, plain, language))
    return Markup("<li><h4>{}</h4> {} <span>{}</span></li>\n").format(
        text.name, here, text.sentence
    )


def write_share(share: float, plain: PlainMeasure, language: Language) -> str:
    """Write a center's share beside the nation's, and which way is better."""
    t = load_patient_texts(language)
    here = t["under_percent"] if share == UNDER_ONE else t["percent"].format(value=f"{share:.0f}")
    beside = (
        t["nation_under"]
        if plain.nation == UNDER_ONE
        else t["nation"].format(value=f"{plain.nation:.0f}")
    )
    better = f" {t[plain.direction]}" if plain.direction else ""
    return f"{here}, {beside}.{better}"


def _describe_for_script(measures: Sequence[PlainMeasure], language: Language) -> dict[str, Any]:
    """Return the words and measures that the script needs, as a page holds them."""
    t = load_patient_texts(language)
    texts = [find_measure_text(one.measure).plain[language] for one in measures]
    return {
        "texts": {name: t[name] for name in _SCRIPT_TEXTS},
        "offers": OFFERS,
        "signs": CATEGORY_SIGNS,
        "measures": [
            [text.name, text.sentence, one.nation, one.direction]
            for text, one in zip(texts, measures, strict=True)
        ],
    }


def _write_data(data: SiteData, folder: Path, by_state: Mapping[str, Sequence[Center]]) -> None:
    """Write positions of ZIP codes by region, and centers by cell of the map."""
    positions = load_positions(sorted(by_state))
    for region, rows in groupby(positions.items(), key=lambda pair: pair[0][:REGION]):
        found = {zip_code[REGION:]: position for zip_code, position in rows}
        _write_script(folder, f"zip/{region}", "zipArea", region, found)
    cells: dict[str, list[Any]] = defaultdict(list)
    measures = list_measures(data)
    pages = find_pages(data)
    for centers in by_state.values():
        for center in centers:
            at = find_position(str(center.row["zip_code"] or ""), positions)
            if at is not None:
                page = pages[center.ccn]
                cells[place_cell(at)].append(_pack(center, at, page, measures))
    for cell, found in cells.items():
        _write_script(folder, f"centers/{cell}", "centerCell", cell, found)
    _write_script(folder, "cells", "centerCells", "all", sorted(cells))


def place_cell(at: Position) -> str:
    """Return the name of the map's cell where a place lies."""
    latitude, longitude = (math.floor(degrees * CELLS_PER_DEGREE) for degrees in at)
    return f"{latitude}_{longitude}"


def _pack(
    center: Center, at: Position, page: str, measures: Sequence[PlainMeasure]
) -> list[object]:
    """Return what the script knows of a center, in the order it expects."""
    row = center.row
    return [
        center.ccn,
        center.name,
        write_address(center),
        center.telephone,
        [*at],
        page,
        center.stars,
        None if row["station_count"] is None else int(row["station_count"]),
        list(center.offers),
        [center.standings.get(one.measure) for one in measures],
    ]


def write_address(center: Center) -> str:
    """Write street, city, state and ZIP code; what is not known leaves no comma behind."""
    row = center.row
    place = " ".join(str(row[name]) for name in ("state", "zip_code") if row[name])
    return ", ".join(str(part) for part in (center.address, row["city"], place) if part)


def _write_script(folder: Path, name: str, function: str, key: str, value: object) -> None:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    writing.write_page(folder, f"{_DATA}{name}.js", f'{function}("{key}",{text});\n')
