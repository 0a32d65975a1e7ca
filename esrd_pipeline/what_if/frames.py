"""The stored rows that a year's QIP scores are made from.

Read in one place: by the step that scores the year, and by scenarios.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Protocol

import pandas as pd

from esrd_pipeline.families.combined import leave_computed
from esrd_pipeline.program.qip_rules import QipRules
from esrd_pipeline.program.qip_scores import score_measures
from esrd_pipeline.program.qip_tps import score_tps
from esrd_pipeline.tables import facility, linkage, measured, program, raw
from esrd_pipeline.tables.model import Table
from esrd_pipeline.warehouse import Warehouse

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
        where: dict[str, str],
        columns: Sequence[str] | None,  # noqa: ARG002
    ) -> Mapping[str, str]:
        return where


@dataclass(frozen=True, slots=True)
class OneFacility(WholeYear):
    """A stored year with the rows of one facility, wherever the column `ccn` is asked for.

    What is read without it is of the nation: which measures were computed, for example, or the
    exceptions, whose numbers may be others than the facility's. Rows of an earlier year are those
    of every number that is the facility's today.
    """

    ccn: str

    def read_earlier(
        self,
        table: Table,
        years: int,
        *,
        columns: Sequence[str] | None = None,
        program: str | None = None,
    ) -> pd.DataFrame | None:
        """Read the partition of some years before; None where it has not been stored."""
        numbers = {self.ccn}
        if "ccn" in (columns or ()):
            today = read_numbers(self)
            numbers |= {number for number, ccn in today.items() if ccn == self.ccn}
        parts = [
            WholeYear.read_earlier(
                replace(self, ccn=number), table, years, columns=columns, program=program
            )
            for number in sorted(numbers)
        ]
        found = [part for part in parts if part is not None]
        return pd.concat(found, ignore_index=True) if found else None

    def _restrict(self, where: dict[str, str], columns: Sequence[str] | None) -> Mapping[str, str]:
        return where | {"ccn": self.ccn} if "ccn" in (columns or ()) else where


@dataclass(frozen=True, slots=True)
class ScoringFrames:
    """The rows of some facilities that their QIP scores are made from, as in `score_measures`."""

    current: pd.DataFrame
    improvement: pd.DataFrame
    earlier: pd.DataFrame | None
    standards: pd.DataFrame
    directory: pd.DataFrame
    ece_grants: pd.DataFrame
    published_results: pd.DataFrame

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
            if (frame := getattr(self, field.name)) is not None and "ccn" in frame.columns
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
    return ScoringFrames(
        current=year.read(measured.CONTRACT, columns=_SCORED, program="qip"),
        improvement=leave_computed(
            year.read(facility.PUBLISHED_IMPROVEMENT, columns=_RATES),
            current=year.read(measured.CONTRACT, columns=_ORIGIN, program="qip"),
            earlier=year.read_earlier(measured.CONTRACT, years, columns=_ORIGIN, program="qip"),
        ),
        earlier=name_today(
            year.read_earlier(measured.CONTRACT, years, columns=_RATES, program="qip"),
            read_numbers(year),
        ),
        standards=year.read(program.QIP_STANDARD),
        directory=year.read(facility.DIRECTORY, columns=_DIRECTORY),
        ece_grants=read_grants(year),
        published_results=year.read(facility.PUBLISHED_RESULT, columns=_RESULT, program="qip"),
    )


def read_grants(year: StoredYear) -> pd.DataFrame:
    """Read the exceptions of this year's list and of the one before, which may run into this year.

    Where the numbers of the year are linked, a grant is of the facility its number stands for.
    """
    lists = (year.read(raw.ECE_GRANT), year.read_earlier(raw.ECE_GRANT, 1))
    grants = pd.concat([rows for rows in lists if rows is not None], ignore_index=True)
    today = read_numbers(year)
    return grants.assign(ccn=[today.get(number, number) for number in grants["ccn"]])


def read_numbers(year: StoredYear) -> Mapping[str, str]:
    """Read the facility that each number stands for in the QIP; none where they are not linked."""
    if not year.warehouse.has(linkage.PROVIDER_NUMBER, year.performance_year):
        return {}
    # Without a list of columns the numbers are the nation's, also of `OneFacility`.
    known = year.read(linkage.PROVIDER_NUMBER, program="qip")
    return dict(zip(known["provider_number"], known["ccn"], strict=True))


def name_today(rows: pd.DataFrame | None, today: Mapping[str, str]) -> pd.DataFrame | None:
    """Return an earlier year's rates under today's numbers (reading 101).

    Of several rows one is taken: a reportable one before others, then that of today's number,
    then the highest.
    """
    if rows is None or not today:
        return rows
    ccn = [today.get(number, number) for number in rows["ccn"]]
    order = pd.DataFrame(
        {
            "silent": ~rows["reportable"].fillna(value=False).astype(bool),
            "other": [now != then for now, then in zip(ccn, rows["ccn"], strict=True)],
            "then": rows["ccn"],
        }
    ).sort_values(["silent", "other", "then"], ascending=[True, True, False])
    named = rows.assign(ccn=ccn).loc[order.index]
    return named.drop_duplicates(list(_KEY)).sort_index()
