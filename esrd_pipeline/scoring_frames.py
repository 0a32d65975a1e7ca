"""The stored rows that a year's QIP scores are made from.

Read in one place: by the step that scores the year, by scenarios, and by exports.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Protocol

import pandas as pd

from esrd_pipeline.families.combined import leave_computed
from esrd_pipeline.program.qip_period import leave_excluded
from esrd_pipeline.program.qip_rules import QipRules
from esrd_pipeline.program.qip_scores import score_measures
from esrd_pipeline.program.qip_tps import score_tps
from esrd_pipeline.tables import facility, linkage, measured, program, raw
from esrd_pipeline.tables.model import Table
from esrd_pipeline.warehouse import Wanted, Warehouse

_KEY = ("ccn", "program", "measure")
_RATES = (*_KEY, "value", "reportable", "is_adjusted")
_SCORED = (*_RATES, "unit_count", "numerator", "denominator", "reason", "reason_number")
_ORIGIN = ("program", "measure", "origin")
_RESULT = (*_KEY, "score", "reason", "reason_number")
_DIRECTORY = ("ccn", "has_qip_row", "certification_date", "has_in_center_hemodialysis")


class StoredYear(Protocol):
    """Stored partitions of a performance year and of years before."""

    @property
    def performance_year(self) -> int:
        """The year."""
        ...

    @property
    def warehouse(self) -> Warehouse:
        """Where the partitions are stored."""
        ...

    def read(
        self, table: Table, *, columns: Sequence[str] | None = None, program: str | None = None
    ) -> pd.DataFrame:
        """Read this year's partition."""
        ...

    def read_earlier(
        self,
        table: Table,
        years: int,
        *,
        columns: Sequence[str] | None = None,
        program: str | None = None,
    ) -> pd.DataFrame | None:
        """Read the partition of some years before; None where it has not been stored."""
        ...


@dataclass(frozen=True, slots=True)
class WholeYear:
    """A stored year as it is."""

    warehouse: Warehouse
    performance_year: int

    def read(
        self, table: Table, *, columns: Sequence[str] | None = None, program: str | None = None
    ) -> pd.DataFrame:
        """Read this year's partition.

        Raises:
            MissingPartitionError: it has not been stored.
        """
        where = self._restrict({} if program is None else {"program": program}, columns)
        return self.warehouse.read(table, self.performance_year, columns=columns, where=where)

    def read_earlier(
        self,
        table: Table,
        years: int,
        *,
        columns: Sequence[str] | None = None,
        program: str | None = None,
    ) -> pd.DataFrame | None:
        """Read the partition of some years before; None where it has not been stored."""
        earlier = replace(self, performance_year=self.performance_year - years)
        if not self.warehouse.has(table, earlier.performance_year):
            return None
        return earlier.read(table, columns=columns, program=program)

    def _restrict(
        self,
        where: dict[str, Wanted],
        columns: Sequence[str] | None,  # noqa: ARG002
    ) -> Mapping[str, Wanted]:
        return where


@dataclass(frozen=True, slots=True)
class OneFacility(WholeYear):
    """A stored year with the rows of one facility, wherever the column `ccn` is asked for.

    What is read without it is of the nation: which measures were computed, for example, or the
    exceptions, whose numbers may be others than the facility's. Of an earlier year the rows of all
    numbers that are the facility's today are read.
    """

    ccn: str
    others: tuple[str, ...] = ()

    def read_earlier(
        self,
        table: Table,
        years: int,
        *,
        columns: Sequence[str] | None = None,
        program: str | None = None,
    ) -> pd.DataFrame | None:
        """Read the partition of some years before; None where it has not been stored."""
        named = replace(self, others=self._list_others() if years else ())
        return WholeYear.read_earlier(named, table, years, columns=columns, program=program)

    def _list_others(self) -> tuple[str, ...]:
        if not self.warehouse.has(linkage.PROVIDER_NUMBER, self.performance_year):
            return ()
        rows = self.warehouse.read(
            linkage.PROVIDER_NUMBER,
            self.performance_year,
            columns=("provider_number",),
            where={"program": "qip", "ccn": self.ccn},
        )
        return tuple(rows["provider_number"])

    def _restrict(
        self, where: dict[str, Wanted], columns: Sequence[str] | None
    ) -> Mapping[str, Wanted]:
        return where | {"ccn": [self.ccn, *self.others]} if "ccn" in (columns or ()) else where


@dataclass(frozen=True, slots=True)
class ScoringFrames:
    """The rows of some facilities that their QIP scores are made from, as in `score_measures`.

    `computed` names the measures that are computed in the nation.
    """

    current: pd.DataFrame
    improvement: pd.DataFrame
    earlier: pd.DataFrame | None
    standards: pd.DataFrame
    directory: pd.DataFrame
    ece_grants: pd.DataFrame
    published_results: pd.DataFrame
    computed: frozenset[str]

    def score(self, rules: QipRules, performance_year: int) -> pd.DataFrame:
        """Return every measure's score (`program.qip_measure_score`)."""
        return score_measures(
            rules=rules,
            performance_year=performance_year,
            **{field.name: getattr(self, field.name) for field in fields(self)},
        )

    def with_facilities(self, change: Callable[[pd.DataFrame], pd.DataFrame]) -> "ScoringFrames":
        """Return the same with every frame of facilities changed."""
        changed: Mapping[str, pd.DataFrame] = {
            field.name: change(frame)
            for field in fields(self)
            if isinstance(frame := getattr(self, field.name), pd.DataFrame) and "ccn" in frame
        }
        return replace(self, **changed)


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of measures (`program.qip_measure_score`) and totals (`program.qip_tps`)."""

    measures: pd.DataFrame
    totals: pd.DataFrame


def score(frames: ScoringFrames, rules: QipRules, performance_year: int) -> Scores:
    """Score measures and totals as the year's steps do."""
    measures = frames.score(rules, performance_year)
    totals = score_tps(rules=rules, performance_year=performance_year, measure_scores=measures)
    return Scores(measures, totals)


def read_frames(year: StoredYear, rules: QipRules) -> ScoringFrames:
    """Read what the scores of a stored year are made from.

    Improvement needs the rate of the year before: computed, where both years' are, else published
    in this year's file, else stored.

    Raises:
        MissingPartitionError: a table of the year has not been stored.
    """
    years = year.performance_year - rules.improvement_year
    origins = year.read(measured.CONTRACT, columns=_ORIGIN, program="qip")
    return ScoringFrames(
        current=year.read(measured.CONTRACT, columns=_SCORED, program="qip"),
        improvement=leave_computed(
            year.read(facility.PUBLISHED_IMPROVEMENT, columns=_RATES),
            current=origins,
            earlier=year.read_earlier(measured.CONTRACT, years, columns=_ORIGIN, program="qip"),
        ),
        earlier=read_named_today(year, rules, years),
        standards=year.read(program.QIP_STANDARD),
        directory=year.read(facility.DIRECTORY, columns=_DIRECTORY),
        ece_grants=read_grants(year),
        published_results=year.read(facility.PUBLISHED_RESULT, columns=_RESULT, program="qip"),
        computed=frozenset(origins.loc[origins["origin"] == "computed", "measure"]),
    )


def read_counted(year: StoredYear, rules: QipRules, years: int) -> pd.DataFrame | None:
    """Read the rates of some years before, of which those count that no measure excludes.

    None where that year has not been stored.
    """
    rates = year.read_earlier(measured.CONTRACT, years, columns=_RATES, program="qip")
    return None if rates is None else leave_uncounted(year, rules, years, rates)


def read_named_today(year: StoredYear, rules: QipRules, years: int) -> pd.DataFrame | None:
    """Read the same under the numbers that the facilities have in this year.

    None where that year has not been stored.
    """
    rates = read_counted(year, rules, years)
    return None if rates is None else name_today(year, rates)


def name_today(year: StoredYear, rates: pd.DataFrame) -> pd.DataFrame:
    """Return the QIP's rates of an earlier year under the numbers of this year (reading 302).

    Of rows under several numbers of a facility one is kept: one that counts before one that does
    not, then that of its own number, then that of the highest.
    """
    then = rates["ccn"]
    now = _find_facility(year, 0, then).where(rates["program"] == "qip", then)
    if now.equals(then):
        return rates
    order = pd.DataFrame(
        {"silent": ~rates["reportable"].astype(bool), "other": now != then, "then": then}
    )
    order = order.sort_values(["silent", "other", "then"], ascending=[True, True, False])
    chosen = rates.assign(ccn=now).loc[order.index]
    return chosen[~chosen.duplicated(list(_KEY))].sort_index()


def leave_uncounted(
    year: StoredYear, rules: QipRules, years: int, rates: pd.DataFrame
) -> pd.DataFrame:
    """Return the rates of some years before, those of excluded facilities not reportable.

    As they are where that year has no directory.
    """
    directory = year.read_earlier(facility.DIRECTORY, years, columns=_DIRECTORY)
    if directory is None:
        return rates
    return leave_excluded(
        rates,
        rules=rules,
        performance_year=year.performance_year - years,
        directory=directory,
        ece_grants=read_grants(year, years),
    )


def read_grants(year: StoredYear, years: int = 0) -> pd.DataFrame:
    """Read the exceptions of the list of some years before and of the one before that.

    A grant of the earlier list may run into the year. Where the numbers of the year are linked, a
    grant is of the facility its number stands for.
    """
    lists = [year.read_earlier(raw.ECE_GRANT, years + back) for back in (0, 1)]
    known = [rows for rows in lists if rows is not None]
    nobody = pd.DataFrame(columns=raw.ECE_GRANT.column_names)
    grants = pd.concat(known or [nobody], ignore_index=True)
    return grants.assign(ccn=_find_facility(year, years, grants["ccn"]))


def _find_facility(year: StoredYear, years: int, numbers: pd.Series) -> pd.Series:
    """Return the facility of each number by the QIP's links of some years before, else itself."""
    linked = year.read_earlier(linkage.PROVIDER_NUMBER, years, program="qip")
    if linked is None:
        return numbers
    return numbers.map(linked.set_index("provider_number")["ccn"]).fillna(numbers)
