"""What the site's pages are made from: stored tables of one year, by facility and by area.

Counts of one to ten patients are blanked as they are read (`reports.suppression`), so that no page
can show one.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from esrd_pipeline.parameters.register import RegisterEntry, list_measures
from esrd_pipeline.reports.suppression import MARKER, find_few, suppress
from esrd_pipeline.tables import (
    change,
    exclusion,
    facility,
    measured,
    monitor,
    network,
    program,
    source_agreement,
    trend,
    what_if,
)
from esrd_pipeline.tables.model import Table
from esrd_pipeline.warehouse import Warehouse

Row = Mapping[str, Any]
Read = Callable[[Table, int], pd.DataFrame | None]
"""Reads a table's partition; None where it is not stored."""

YEARS_SHOWN = 4
AREA_COLUMNS = (("network", "network"), ("state", "state"), ("chain", "chain_organization"))
"""Levels of areas, and the column of the directory that names a facility's."""
CHANGES_SHOWN = ("flag", "tps", "reduction", "star")
SOURCE_COUNTS = (
    *("eqrs_count", "claims_count", "both_count", "equal_count"),
    *("eqrs_only_count", "claims_only_count", "not_expected_count"),
)
_OF_CHANGES = ("ccn", "measure", "kind", "before", "after", "before_text", "after_text")
_OF_CONTRACT = (
    *("ccn", "program", "measure", "numerator", "denominator", "value", "lower", "upper", "unit"),
    *("unit_count", "reportable", "reason", "reason_number"),
)
_OF_SCORES = (
    *("ccn", "measure", "domain", "role", "parent", "rate", "adjusted_rate", "improvement_rate"),
    *("achievement_threshold", "benchmark", "achievement_score", "improvement_score", "applied"),
    *("score", "weight_in_parent", "weight_in_domain", "unit", "reason", "reason_number"),
)
_OF_DOMAINS = ("ccn", "domain", "nominal_weight", "weight", "score", "working", "reason")
_OF_STARS = ("ccn", "measure", "domain", "value", "adjusted_value", "score", "is_imputed")


@dataclass(frozen=True, slots=True)
class Area:
    """The nation, a Network, a state or a chain, and its facilities' numbers in their order."""

    level: str
    name: str
    ccns: tuple[str, ...]


class SiteData:
    """The tables of one performance year that the pages show.

    Attributes:
        year: the performance year.
    """

    def __init__(self, read: Read, year: int) -> None:
        """Read the year's tables, and the trends of the years before.

        Args:
            read: reads a stored table.
            year: performance year.

        Raises:
            LookupError: the year has no facilities.
        """
        self.year = year
        self._read = read
        directory = read(facility.DIRECTORY, year)
        if directory is None or directory.empty:
            raise LookupError(f"{year} has no facility.directory: refresh the year first")
        self._places = directory
        contract, scores = read(measured.CONTRACT, year), read(program.QIP_TPS, year)
        measured_ccns = {
            str(ccn) for frame in (contract, scores) if frame is not None for ccn in frame["ccn"]
        }
        self.facilities: Mapping[str, Row] = _describe_facilities(
            directory, read(facility.REGISTERED, year), measured_ccns
        )
        self._few = None if contract is None else find_few(contract)

    def rows(
        self, table: Table, year: int | None = None, *, columns: Sequence[str] | None = None
    ) -> list[Row]:
        """Return a table's rows with small counts blanked; none where it is not stored."""
        frame = self.frame(table, year)
        if frame is None:
            return []
        return _to_rows(frame if columns is None else frame[[*columns, MARKER]])

    def frame(self, table: Table, year: int | None = None) -> pd.DataFrame | None:
        """Return a table with small counts blanked; None where it is not stored, or is empty."""
        frame = self._read(table, year or self.year)
        if frame is None or frame.empty:
            return None
        few = self._few if year in (None, self.year) else None
        return suppress(table, frame, few=few, places=self._places)

    def _by_facility(self, table: Table, columns: Sequence[str]) -> Mapping[str, list[Row]]:
        return _group(self.rows(table, columns=columns), "ccn")

    @cached_property
    def contract(self) -> Mapping[str, list[Row]]:
        """facility.contract by facility."""
        return self._by_facility(measured.CONTRACT, _OF_CONTRACT)

    @cached_property
    def flags(self) -> Mapping[tuple[str, str], Row]:
        """program.flags by facility and measure."""
        return {(row["ccn"], row["measure"]): row for row in self.rows(program.FLAGS)}

    @cached_property
    def tps(self) -> Mapping[str, Row]:
        """program.qip_tps by facility."""
        return {row["ccn"]: row for row in self.rows(program.QIP_TPS)}

    @cached_property
    def stars(self) -> Mapping[str, Row]:
        """program.stars by facility."""
        return {row["ccn"]: row for row in self.rows(program.STARS)}

    @cached_property
    def measure_scores(self) -> Mapping[str, list[Row]]:
        """program.qip_measure_score by facility."""
        return self._by_facility(program.QIP_MEASURE_SCORE, _OF_SCORES)

    @cached_property
    def domain_scores(self) -> Mapping[str, list[Row]]:
        """program.qip_domain_score by facility."""
        return self._by_facility(program.QIP_DOMAIN_SCORE, _OF_DOMAINS)

    @cached_property
    def star_scores(self) -> Mapping[str, list[Row]]:
        """program.star_measure_score by facility."""
        return self._by_facility(program.STAR_MEASURE_SCORE, _OF_STARS)

    @cached_property
    def levels(self) -> Mapping[tuple[str, str], Row]:
        """facility.level by program and measure."""
        return {(row["program"], row["measure"]): row for row in self.rows(facility.LEVEL)}

    @cached_property
    def candidates(self) -> Mapping[str, list[Row]]:
        """network.candidate by facility."""
        return self._by_facility(network.CANDIDATE, network.CANDIDATE.column_names)

    @cached_property
    def peers(self) -> Mapping[str, list[Row]]:
        """network.peer by facility."""
        return self._by_facility(network.PEER, ("ccn", "rank", "peer_ccn"))

    @cached_property
    def signals(self) -> Mapping[str, list[Row]]:
        """network.signal by facility."""
        return self._by_facility(monitor.SIGNAL, monitor.SIGNAL.column_names)

    @cached_property
    def next_points(self) -> Mapping[str, list[Row]]:
        """report.next_point by facility."""
        return self._by_facility(what_if.NEXT_POINT, what_if.NEXT_POINT.column_names)

    @cached_property
    def reduction_ways(self) -> Mapping[str, list[Row]]:
        """report.reduction_way by facility."""
        return self._by_facility(what_if.REDUCTION_WAY, what_if.REDUCTION_WAY.column_names)

    @cached_property
    def reduction_chances(self) -> Mapping[str, list[Row]]:
        """report.reduction_chance by facility."""
        return self._by_facility(what_if.REDUCTION_CHANCE, what_if.REDUCTION_CHANCE.column_names)

    @cached_property
    def reduction_dollars(self) -> Mapping[str, list[Row]]:
        """report.reduction_dollars by facility."""
        table = what_if.REDUCTION_DOLLARS
        return self._by_facility(table, table.column_names)

    @cached_property
    def years(self) -> Sequence[int]:
        """The years of which trends are shown, the earliest first; the page's own is the last."""
        earlier = [
            year
            for year in range(self.year - YEARS_SHOWN + 1, self.year)
            if self._read(trend.TREND, year) is not None
        ]
        return (*earlier, self.year)

    @cached_property
    def trends(self) -> Mapping[tuple[str, str], Mapping[tuple[str, str], Mapping[int, Row]]]:
        """report.trend of areas by group (level, name), then program and measure, then year."""
        groups: dict[tuple[str, str], dict[tuple[str, str], dict[int, Row]]] = defaultdict(
            lambda: defaultdict(dict)
        )
        for year in self.years:
            frame = self.frame(trend.TREND, year)
            if frame is not None:
                for row in _to_rows(frame[frame["level"] != trend.FACILITY]):
                    group = groups[row["level"], row["group_name"]]
                    group[row["program"], row["measure"]][year] = row
        return groups

    @cached_property
    def histories(self) -> Mapping[str, Mapping[tuple[str, str], Mapping[int, float]]]:
        """Values of facilities by number, then program and measure, then year."""
        found: dict[str, dict[tuple[str, str], dict[int, float]]] = defaultdict(
            lambda: defaultdict(dict)
        )
        for year in self.years:
            frame = self.frame(trend.TREND, year)
            if frame is not None:
                mine = frame[(frame["level"] == trend.FACILITY) & frame["value"].notna()]
                names = ("group_name", "program", "measure", "value")
                columns = [mine[name].tolist() for name in names]
                for ccn, of, measure, value in zip(*columns, strict=True):
                    found[ccn][of, measure][year] = value
        return found

    @cached_property
    def registered(self) -> Mapping[tuple[str, str], RegisterEntry]:
        """The register's entries of the year by program and measure."""
        entries = (*list_measures("dfc", self.year), *list_measures("qip", self.year))
        return {(entry.program, entry.measure): entry for entry in entries}

    @cached_property
    def indicators(self) -> Mapping[tuple[str, str], list[Row]]:
        """network.indicator by level and group, of the levels that others are shown."""
        frame = self._read(network.INDICATORS, self.year)
        if frame is None:
            return {}
        shown = frame[frame["level"].isin(network.SHOWN_LEVELS)]
        return _group(_to_rows(suppress(network.INDICATORS, shown)), "level", "group_name")

    @cached_property
    def changes(self) -> Mapping[str, list[Row]]:
        """Changes of flags, scores, reductions and stars since the year before, by facility."""
        frame = self._read(change.CHANGE, self.year)
        if frame is None:
            return {}
        year_changes = frame[(frame["basis"] == "year") & frame["kind"].isin(CHANGES_SHOWN)]
        shown = suppress(change.CHANGE, year_changes, few=self._few, places=self._places)
        return _group(_to_rows(shown[[*_OF_CHANGES, MARKER]]), "ccn")

    @cached_property
    def exclusions(self) -> Mapping[str, list[Row]]:
        """report.exclusion by facility."""
        return self._by_facility(exclusion.EXCLUSION, exclusion.EXCLUSION.column_names)

    @cached_property
    def source_sums(self) -> Mapping[int, list[Row]]:
        """report.source_agreement of the year, summed over the facilities of each Network.

        Small counts are hidden, and others by which they would follow. Other areas are not summed:
        beside the Networks they would give small counts away.
        """
        frame = self._read(source_agreement.SOURCE_AGREEMENT, self.year)
        if frame is None or frame.empty:
            return {}
        counted = frame[frame["unit"] == "patients"]
        networks = {ccn: row["network"] for ccn, row in self.facilities.items()}
        group = counted["ccn"].map(networks).rename("network")
        added = counted.groupby([group, "kind"])[list(SOURCE_COUNTS)].sum().reset_index()
        # A Network and the year stand where the table has a facility and a month.
        keyed = added.assign(ccn=added["network"], month=self.year, unit="patients")
        shown = suppress(source_agreement.SOURCE_AGREEMENT, keyed)
        return _group(_to_rows(shown[["network", "kind", *SOURCE_COUNTS]]), "network")

    @cached_property
    def strata(self) -> list[Row]:
        """report.stratum."""
        return self.rows(trend.STRATUM)

    @cached_property
    def cohorts(self) -> Mapping[tuple[str, str], list[Row]]:
        """report.cohort by level and group, as the DFC counts patients."""
        rows = [row for row in self.rows(trend.COHORT) if row["program"] == "dfc"]
        return _group(rows, "level", "group_name")

    def list_areas(self) -> list[Area]:
        """Return the nation and every Network, state and chain that is known."""
        areas = [Area("nation", "nation", tuple(self.facilities))]
        for level, column in AREA_COLUMNS:
            groups = _group(self.facilities.values(), column)
            areas += [
                Area(level, str(name), tuple(row["ccn"] for row in rows))
                for name, rows in sorted(
                    ((name, rows) for name, rows in groups.items() if name is not None),
                    key=lambda item: item[0],
                )
            ]
        return areas


def open_site_data(warehouse: Warehouse, year: int) -> SiteData:
    """Return what the pages of a stored year show.

    Raises:
        LookupError: the year has no facilities.
    """

    def read(table: Table, of_year: int) -> pd.DataFrame | None:
        return warehouse.read(table, of_year) if warehouse.has(table, of_year) else None

    return SiteData(read, year)


def _describe_facilities(
    directory: pd.DataFrame, registered: pd.DataFrame | None, measured_ccns: Iterable[str]
) -> dict[str, Row]:
    """Return the directory's facilities, and those beside it that were measured, by number.

    A year's published file may lack a facility that EQRS lists; of one that neither describes,
    only the number is known.
    """
    described = {str(row["ccn"]): row for row in _to_rows(directory)}
    others = {} if registered is None else {str(row["ccn"]): row for row in _to_rows(registered)}
    nothing: Row = dict.fromkeys(map(str, directory.columns))
    for ccn in set(measured_ccns) - set(described):
        known = {name: others.get(ccn, {}).get(name) for name in nothing}
        described[ccn] = {**known, "ccn": ccn}
    return dict(sorted(described.items()))


def _to_rows(frame: pd.DataFrame) -> list[Row]:
    """Return a frame's rows as dictionaries, with None for what is missing."""
    columns = {
        str(name): frame[name].astype(object).where(frame[name].notna(), None).tolist()
        for name in frame.columns
    }
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def _group(rows: Iterable[Row], *names: str) -> Mapping[Any, list[Row]]:
    groups: dict[Hashable, list[Row]] = defaultdict(list)
    for row in rows:
        key = row[names[0]] if len(names) == 1 else tuple(row[name] for name in names)
        groups[key].append(row)
    return groups
