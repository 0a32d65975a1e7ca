"""Writes one performance year of the synthetic nation in the layout of CMS's published files."""

import csv
import os
from collections.abc import Callable, Mapping
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd

from esrd_pipeline.parameters import load_parameters
from esrd_pipeline.parameters.payment_years import find_payment_year
from esrd_pipeline.sources.headers import api_name
from esrd_pipeline.sources.layout import RELEASE, load_layout
from esrd_pipeline.synthetic.care import draw_year
from esrd_pipeline.synthetic.dfc import render_dfc
from esrd_pipeline.synthetic.draws import stream
from esrd_pipeline.synthetic.facilities import certified_before, draw_facilities
from esrd_pipeline.synthetic.figures import load_figures, load_kind
from esrd_pipeline.synthetic.qip import render_qip
from esrd_pipeline.synthetic.rendering import Cells
from esrd_pipeline.synthetic.standards import list_new_measures, render_standards
from esrd_pipeline.synthetic.survey import render_ich_cahps

Progress = Callable[[str, int, int], None]
"""Called with the name of the file just written, the number written, and the total number."""

FIRST_YEAR = 2021
FACILITIES = 200
SEED = 20260
TEMPORARY_SUFFIX = ".part"
QUOTED = ("qip_complete",)
"""Sources in which CMS quotes every cell."""
WITH_CARRIAGE_RETURNS = ("dfc_facility", "ich_cahps_facility")
"""Sources with CRLF line ends."""


def write_published_files(
    folder: Path,
    *,
    performance_year: int,
    facility_count: int = FACILITIES,
    seed: int = SEED,
    numbers: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> list[Path]:
    """Write the published files of a performance year into `folder`, and return them.

    There are five files, and a sixth with the standards of measures that the baseline year's file
    does not have, if enough facilities have such a measure. `folder` is `<root>/<performance_year>`
    and is created if missing. The same arguments write the same bytes; every year describes the
    same facilities and can be written alone. `numbers` maps drawn certification numbers to the
    ones to write. A file appears under its name only when it is complete.

    Raises:
        ValueError: the year is before 2021, or `facility_count` is out of range.
    """
    if performance_year < FIRST_YEAR:
        raise ValueError(f"performance_year must be {FIRST_YEAR} or later, not {performance_year}")
    facilities = draw_facilities(facility_count, seed)
    if numbers is not None:
        facilities["ccn"] = facilities["ccn"].map(numbers)
    files = _render_files(facilities, seed=seed, year=performance_year)
    folder.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    for name, (source, cells) in files.items():
        _write_whole(folder / name, _arrange(source, cells, performance_year))
        paths.append(folder / name)
        if progress is not None:
            progress(name, len(paths), len(files))
    return paths


def _render_files(
    facilities: pd.DataFrame, *, seed: int, year: int
) -> dict[str, tuple[str, dict[str, Cells]]]:
    """Return file name -> source and rendered cells, for the facilities that each file covers."""
    care = draw_year(facilities, seed=seed, year=year)
    earlier = draw_year(facilities, seed=seed, year=year - 1)
    # The October release is the first with the yearly measures of the performance year.
    release = f"{year + 1}-10"
    is_open = facilities["last_year"].to_numpy() >= year
    in_release = is_open & certified_before(facilities, f"{year + 1}-07-01")
    in_year = _is_in_year(facilities, year)
    dfc = render_dfc(facilities, care, year)
    survey = render_ich_cahps(facilities, care, year)
    qip = render_qip(facilities, care=care, earlier=earlier, year=year)
    grants = _draw_grants(facilities, in_year, seed=seed, year=year)
    files = {
        f"DFC_FACILITY_{release}.csv": ("dfc_facility", _keep(dfc.facility, in_release)),
        f"DFC_NATIONAL_{release}.csv": ("dfc_national", dfc.national),
        f"QIP_COMPLETE_PY{find_payment_year(year)}.csv": ("qip_complete", _keep(qip, in_year)),
        f"ICH_CAHPS_FACILITY_{release}.csv": ("ich_cahps_facility", _keep(survey, in_year)),
        "ECE_GRANTS.csv": ("ece_grant", grants),
    }
    if standards := _render_standards(facilities, seed=seed, year=year):
        files["QIP_STANDARDS.csv"] = ("qip_standard", standards)
    return files


def _is_in_year(facilities: pd.DataFrame, year: int) -> np.ndarray:
    """Return which facilities are in the QIP file of a year."""
    is_open = facilities["last_year"].to_numpy() >= year
    return is_open & certified_before(facilities, f"{year + 1}-01-01")


def _render_standards(facilities: pd.DataFrame, *, seed: int, year: int) -> dict[str, Cells]:
    """Return the standards that a year's file needs; empty if it needs none."""
    baseline_year = year - int(load_figures()["baseline_years_before"])
    measures = list_new_measures(year, baseline_year)
    if not measures:
        return {}
    return render_standards(
        measures,
        care=draw_year(facilities, seed=seed, year=baseline_year),
        is_counted=_is_in_year(facilities, baseline_year),
        baseline_year=baseline_year,
    )


def _keep(cells: dict[str, Cells], rows: np.ndarray) -> dict[str, Cells]:
    return {name: column[rows] for name, column in cells.items()}


def _draw_grants(
    facilities: pd.DataFrame, is_open: np.ndarray, *, seed: int, year: int
) -> dict[str, Cells]:
    """Draw extraordinary circumstance exceptions of one to six months within the year."""
    rng, count = stream(seed, year, "ece grants"), len(facilities)
    granted = (rng.random(count) < load_figures()["ece_grant"]) & is_open
    first = rng.integers(1, 13, count)
    last = np.minimum(first + rng.integers(0, 6, count), 12)
    months = {"first_month": first[granted], "last_month": last[granted]}
    return {"ccn": facilities["ccn"].to_numpy()[granted]} | {
        name: np.array([f"{year}-{month:02d}" for month in column], dtype=object)
        for name, column in months.items()
    }


def _arrange(source: str, cells: dict[str, Cells], year: int) -> str:
    """Return the file's text: the year's columns in published order, in the year's style."""
    style = _style(year)
    columns = load_layout(source, year)
    headers = [column.header for column in columns]
    published = [cells[column.name] for column in columns]
    if style == "api":
        headers = [api_name(header) for header in headers]
    if style == "older":
        earlier = _earlier_headers(source)
        headers = [earlier.get(column.name, column.header) for column in columns]
        published = [
            _render_older(column.type, texts)
            for column, texts in zip(columns, published, strict=True)
        ]
    text = StringIO()
    quoting = csv.QUOTE_ALL if source in QUOTED else csv.QUOTE_MINIMAL
    line_end = "\r\n" if source in WITH_CARRIAGE_RETURNS else "\n"
    writer = csv.writer(text, quoting=quoting, lineterminator=line_end)
    writer.writerow(headers)
    writer.writerows(zip(*published, strict=True))
    return text.getvalue()


def _style(year: int) -> str:
    styles = load_kind("style")
    return dict(zip(styles["weight"].astype(int), styles["name"], strict=True)).get(year, "current")


def _earlier_headers(source: str) -> dict[str, str]:
    """Return our column name -> the latest of its earlier headers."""
    table = load_parameters("published_column")
    renamed = table[(table["source"] == source) & table["aliases"].notna()]
    return {
        str(name): RELEASE.sub("", str(aliases).rpartition("|")[2])
        for name, aliases in zip(renamed["name"], renamed["aliases"], strict=True)
    }


def _render_older(kind: str, texts: Cells) -> Cells:
    """Render fractions as percents (0.1291 as 12.91%) and networks as `Network 15`."""
    if kind == "network":
        return np.array([f"Network {text}" for text in texts], dtype=object)
    if kind == "fraction":
        return np.array([_render_percent(text) for text in texts], dtype=object)
    return texts


def _render_percent(text: str) -> str:
    whole, point, decimals = text.partition(".")
    if not point:
        return text
    return f"{int(whole + decimals[:2])}.{decimals[2:]}%"


def _write_whole(path: Path, text: str) -> None:
    """Write to a temporary name and rename, so that a file under its own name is complete."""
    part = path.with_name(f"{path.name}{TEMPORARY_SUFFIX}")
    with part.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
