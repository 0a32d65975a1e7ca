"""Dialysis centers as patients and families see them: what they offer, and how they stand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from esrd_pipeline.families.combined import NOT_COMPUTED
from esrd_pipeline.parameters.measure_texts import list_plain_texts
from esrd_pipeline.parameters.register import Direction, Program, is_ratio
from esrd_pipeline.reports.rounding import PERCENT, write_rounded
from esrd_pipeline.site.data import Row, SiteData
from esrd_pipeline.site.formats import is_missing
from esrd_pipeline.tables.raw import DFC_FACILITY

PAGE_LENGTH = 25
"""Centers on one page: such a page stays below 150 kB."""
NO_STATE = "other"
UNDER_ONE = 0.5
"""Stands for a share above 0% that is less than 1%."""
Standing = str | float
"""better, as or worse; or a share in percent."""
_LISTED = ("ccn", "address_line_1", "address_line_2", "telephone_number", "has_late_shift")
_LISTED_STARS = "five_star"


@dataclass(frozen=True, slots=True)
class PlainMeasure:
    """One measure of the year that patients are shown.

    Attributes:
        measure: short name.
        program: whose values are shown: DFC's, or the QIP's where DFC has none.
        direction: the better side.
        nation: the nation's share in percent, where facilities are not put in categories.
    """

    measure: str
    program: Program
    direction: Direction | None
    nation: float | None


@dataclass(frozen=True, slots=True)
class Center:
    """One center.

    Attributes:
        row: its row of facility.directory.
        listed: what only the published listing has: address, telephone, late shift.
        stars: 1 to 5, computed or else published; None without.
        standings: how it stands, by measure, in the order of the pages.
    """

    row: Row
    listed: Row
    stars: int | None
    standings: Mapping[str, Standing]

    @property
    def ccn(self) -> str:
        """Its certification number."""
        return str(self.row["ccn"])

    @property
    def name(self) -> str:
        """What it is called."""
        return str(self.row["facility_name"] or self.ccn)

    @property
    def address(self) -> str:
        """Street, as listed."""
        lines = (self.listed.get("address_line_1"), self.listed.get("address_line_2"))
        return ", ".join(str(line) for line in lines if line)

    @property
    def telephone(self) -> str:
        """Telephone number, as listed."""
        return str(self.listed.get("telephone_number") or "")

    @property
    def offers(self) -> tuple[bool | None, ...]:
        """In-center and peritoneal dialysis, training for home hemodialysis, late shift."""
        row = self.row
        return tuple(
            None if is_missing(value) else bool(value)
            for value in (
                row["has_in_center_hemodialysis"],
                row["has_peritoneal_dialysis"],
                row["has_home_hemodialysis_training"],
                self.listed.get("has_late_shift"),
            )
        )

    def count(self, standing: str) -> int:
        """Return in how many measures it stands so."""
        return sum(value == standing for value in self.standings.values())

    @property
    def flagged(self) -> int:
        """In how many measures it has a category."""
        return sum(isinstance(value, str) for value in self.standings.values())


@lru_cache(maxsize=1)
def list_measures(data: SiteData) -> tuple[PlainMeasure, ...]:
    """Return the measures of the year that patients are shown, in their order."""
    reported = {
        (row["program"], row["measure"])
        for rows in data.contract.values()
        for row in rows
        if row["reason"] != NOT_COMPUTED
    }
    found: list[PlainMeasure] = []
    for text in list_plain_texts():
        program: Program = "dfc" if ("dfc", text.measure) in reported else "qip"
        key = program, text.measure
        entry = data.registered.get(key)
        if key in reported and entry is not None:
            national = data.levels.get(key, {}).get("national")
            is_share = entry.flag is None and not is_ratio(text.measure, entry.family)
            nation = _round_share(national, program) if is_share else None
            found.append(PlainMeasure(text.measure, program, entry.direction, nation))
    return tuple(found)


def _round_share(value: Any, program: Program) -> float | None:  # noqa: ANN401 - a cell
    """Return a share in whole percent."""
    if is_missing(value):
        return None
    shift = PERCENT if program == "qip" else 0
    is_under_one = 0 < float(value) < 10.0**-shift
    return UNDER_ONE if is_under_one else float(write_rounded(float(value), 0, shift=shift))


def _find_standings(
    data: SiteData, ccn: str, measures: Sequence[PlainMeasure]
) -> Mapping[str, Standing]:
    """Return a center's categories, and its shares where a measure has no categories."""
    rows = {(row["program"], row["measure"]): row for row in data.contract.get(ccn, [])}
    found: dict[str, Standing] = {}
    for plain in measures:
        row = rows.get((plain.program, plain.measure))
        flag = data.flags.get((ccn, plain.measure)) if plain.program == "dfc" else None
        if flag is not None:
            hidden = (flag.get("suppressed") or "").split()
            if not is_missing(flag["category"]) and "value" not in hidden:
                found[plain.measure] = flag["category"]
        elif row is not None and row["reportable"] and plain.nation is not None:
            # A small count blanks the value as well, which is then missing here.
            share = _round_share(row["value"], plain.program)
            if share is not None:
                found[plain.measure] = share
    return found


@lru_cache(maxsize=1)
def load_centers(data: SiteData) -> Mapping[str, tuple[Center, ...]]:
    """Return the year's centers by state, in the order of city and name."""
    measures = list_measures(data)
    listed = _load_listing(data)
    by_state: dict[str, list[Center]] = {}
    for ccn, row in data.facilities.items():
        mine = listed.get(ccn, {})
        center = Center(
            row,
            mine,
            _find_stars(data.stars.get(ccn, {}), mine),
            _find_standings(data, ccn, measures),
        )
        by_state.setdefault(str(row["state"] or NO_STATE), []).append(center)
    return {
        state: tuple(sorted(centers, key=lambda c: (c.row["city"] or "", c.name, c.ccn)))
        for state, centers in sorted(by_state.items())
    }


def _load_listing(data: SiteData) -> Mapping[str, Row]:
    """Return rows of the published listing, with the columns that only it has."""
    return {row["ccn"]: row for row in data.rows(DFC_FACILITY, columns=(*_LISTED, _LISTED_STARS))}


def _find_stars(stars: Row, listed: Row) -> int | None:
    for value in (
        stars.get("rating"),
        stars.get("published_rating"),
        listed.get(_LISTED_STARS),
    ):
        if not is_missing(value):
            return int(value or 0)
    return None


@lru_cache(maxsize=1)
def find_pages(data: SiteData) -> Mapping[str, str]:
    """Return where each center stands below patients/ and patients/es/, by its number."""
    return {
        center.ccn: f"states/{state}-{place // PAGE_LENGTH + 1}.html"
        for state, centers in load_centers(data).items()
        for place, center in enumerate(centers)
    }


def place_for_patients(data: SiteData, ccn: str) -> str:
    """Return the address of a center on the English pages for patients, within the site."""
    return f"patients/{find_pages(data)[ccn]}#f{ccn}"
