"""DFC listings of years before 2021, in the columns and words of their time.

Their numbers are those of the synthetic nation's first year. The columns are those of the listing
of January 2017 on data.medicare.gov, and of the listings of 2019 and 2020.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from esrd_pipeline.sources.layout import load_layout
from esrd_pipeline.synthetic.published import FIRST_YEAR, write_published_files

_SERVICES = (
    "is_chain_owned",
    "has_late_shift",
    "has_in_center_hemodialysis",
    "has_peritoneal_dialysis",
    "has_home_hemodialysis_training",
)
_OF_2017 = {
    "ccn": "Provider Number",
    "city": "City",
    "zip_code": "Zip",
    "county": "County",
    "telephone_number": "Phone Number",
    "has_peritoneal_dialysis": "Offers in-center peritoneal dialysis",
    "certification_date": "Certification or Recertification Date",
    "eqrs_period": "CROWNWeb Date",
    "srr_category": "Rate of hospital readmission category text",
    "ktv_adult_pd_rate": "Percentage of adult PD patients with Kt/V>=1.7",
    "shr_category": "Patient Hospitalization category text",
}
_OF_2020 = {
    "ccn": "Provider Number",
    "certification_date": "Certification or Recertification Date",
    "swr_period": "SWR Date",
    "swr_category": "SWR category text",
    "swr_patient_count": "Number of patients in this facility for SWR",
    "swr_ratio": "Standardized First Kidney Transplant Waitlist Ratio",
    "swr_upper": "95% C.I. (upper limit) for SWR",
    "swr_lower": "95% C.I. (lower limit) for SWR",
    "pppw_rate": "Percentage of Prevalent Patients Waitlisted",
}
_UNREAD = "Percentage of patients with arteriovenous fistulae in use"
"""A column of January 2017 whose measure is no longer published."""


def write_listing_of_2017(folder: Path, *, facility_count: int) -> Path:
    """Write the listing of January 2017, of performance in 2015."""
    listing = _Listing(2015, "2017-01", _OF_2017, "true", "false", (_UNREAD,))
    return _write(folder / "2015", listing, facility_count)


def write_listing_of_2020(folder: Path, year: int, *, facility_count: int) -> Path:
    """Write a listing of performance in 2018 or 2019: services as 1 and 0."""
    return _write(
        folder / str(year), _Listing(year, f"{year + 1}-10", _OF_2020, "1", "0"), facility_count
    )


@dataclass(frozen=True)
class _Listing:
    """A listing's year, release, headers by our names, words for services, and other columns."""

    year: int
    release: str
    headers: Mapping[str, str]
    yes: str
    no: str
    unread: tuple[str, ...] = ()


def _write(folder: Path, listing: _Listing, facility_count: int) -> Path:
    source = folder / "written"
    write_published_files(source, performance_year=FIRST_YEAR, facility_count=facility_count)
    (file,) = source.glob("DFC_FACILITY*.csv")
    with file.open(encoding="utf-8", newline="") as opened:
        _, *rows = csv.reader(opened)
    names = [column.name for column in load_layout("dfc_facility", FIRST_YEAR)]
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    for path in source.iterdir():
        path.unlink()
    source.rmdir()
    layout = load_layout("dfc_facility", listing.year)
    texts = []
    for column in layout:
        cells = columns[column.name]
        if column.name in _SERVICES:
            cells = tuple(listing.yes if cell == "Yes" else listing.no for cell in cells)
        if column.name == "shr_period":
            cells = (f"01/01/{listing.year}-12/31/{listing.year}",) * len(cells)
        if column.name == "profit_status":
            cells = tuple(cell.replace("Non-profit", "Non-Profit") for cell in cells)
        texts.append(cells)
    texts += [("50",) * len(rows) for _ in listing.unread]
    written = folder / f"DFC_FACILITY_{listing.release}.csv"
    with written.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened, lineterminator="\r\n")
        names = (listing.headers.get(column.name, column.header) for column in layout)
        writer.writerow([*names, *listing.unread])
        writer.writerows(zip(*texts, strict=True))
    return written
