"""Inputs and results of QIP scoring as arrays with one element per facility.

The rows of the facility tables are aligned to the facilities once; scoring works on the arrays.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from esrd_pipeline.program.qip_arithmetic import Bools, Floats
from esrd_pipeline.program.qip_period import Facilities
from esrd_pipeline.program.qip_texts import Texts, no_texts


@dataclass(frozen=True, slots=True)
class Rows:
    """One measure's contract rows, aligned to the facilities.

    `present` is true where there is a row; elsewhere numbers are NaN and texts None.
    `is_adjusted` is true where the value has had the small facility adjustment.
    """

    present: Bools
    reportable: Bools
    unit_count: Floats
    numerator: Floats
    denominator: Floats
    value: Floats
    is_adjusted: Bools
    reason: Texts
    reason_number: Floats


@dataclass(frozen=True, slots=True)
class Rates:
    """One measure's rates of an earlier year, aligned to the facilities."""

    present: Bools
    reportable: Bools
    value: Floats
    is_adjusted: Bools


@dataclass(frozen=True, slots=True)
class Results:
    """One measure's scores as CMS published them, aligned to the facilities."""

    score: Floats
    reason: Texts
    reason_number: Floats


@dataclass(frozen=True, slots=True)
class Standard:
    """A measure's stored standards: NaN and a reason where there is none."""

    achievement_threshold: float
    benchmark: float
    small_facility_benchmark: float
    reason: str | None
    reason_number: float


@dataclass(frozen=True, slots=True)
class Sheet:
    """The columns of a long frame as arrays, with a null element appended, and an index of rows.

    `places` maps a measure to each facility's row: -1 (the null element) where it has none.
    """

    facility_count: int
    places: dict[str, NDArray[np.intp]]
    numbers: dict[str, Floats]
    texts: dict[str, Texts]

    def place(self, measure: str) -> NDArray[np.intp]:
        """Return each facility's row of a measure."""
        nowhere = np.full(self.facility_count, -1, dtype=np.intp)
        return self.places.get(measure, nowhere)

    def rows(self, measure: str) -> Rows:
        """Return a measure's contract rows."""
        at = self.place(measure)
        return Rows(
            present=at >= 0,
            reportable=self.numbers["reportable"][at] == 1,
            unit_count=self.numbers["unit_count"][at],
            numerator=self.numbers["numerator"][at],
            denominator=self.numbers["denominator"][at],
            value=self.numbers["value"][at],
            is_adjusted=self.numbers["is_adjusted"][at] == 1,
            reason=self.texts["reason"][at],
            reason_number=self.numbers["reason_number"][at],
        )

    def rates(self, measure: str) -> Rates:
        """Return only a measure's rates."""
        at = self.place(measure)
        return Rates(
            present=at >= 0,
            reportable=self.numbers["reportable"][at] == 1,
            value=self.numbers["value"][at],
            is_adjusted=self.numbers["is_adjusted"][at] == 1,
        )

    def results(self, measure: str) -> Results:
        """Return a measure's published results."""
        at = self.place(measure)
        return Results(
            score=self.numbers["score"][at],
            reason=self.texts["reason"][at],
            reason_number=self.numbers["reason_number"][at],
        )


@dataclass(frozen=True, slots=True)
class Inputs:
    """The facilities of a performance year with their data.

    `improvement` holds the rates of the year before as published in this year's file, `earlier`
    those of the year before's own file. `computed` names the measures whose rows are computed: in
    the nation, of which the facilities may be a part.
    """

    facilities: Facilities
    current: Sheet
    improvement: Sheet
    earlier: Sheet
    results: Sheet
    standards: dict[str, Standard]
    computed: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """One measure's columns of `program.qip_measure_score`; NaN or None where there is no value."""

    unit_count: Floats
    rate: Floats
    adjusted_rate: Floats
    improvement_rate: Floats
    improvement_source: Texts
    achievement_threshold: Floats
    benchmark: Floats
    small_facility_benchmark: Floats
    achievement_score: Floats
    improvement_score: Floats
    applied: Texts
    unrounded_score: Floats
    score: Floats
    weight_in_parent: Floats
    reason: Texts
    reason_number: Floats


def blank_score(count: int) -> Scored:
    """Return a measure without any value, for `dataclasses.replace` to fill in."""
    nothing, silent = np.full(count, np.nan), no_texts(count)
    return Scored(
        unit_count=nothing,
        rate=nothing,
        adjusted_rate=nothing,
        improvement_rate=nothing,
        improvement_source=silent,
        achievement_threshold=nothing,
        benchmark=nothing,
        small_facility_benchmark=nothing,
        achievement_score=nothing,
        improvement_score=nothing,
        applied=silent,
        unrounded_score=nothing,
        score=nothing,
        weight_in_parent=nothing,
        reason=silent,
        reason_number=nothing,
    )


def read_standards(frame: pd.DataFrame) -> dict[str, Standard]:
    """Read the rows of `program.qip_standard` by measure."""
    numbers = frame[
        ["achievement_threshold", "benchmark", "small_facility_benchmark", "reason_number"]
    ]
    values = numbers.to_numpy(dtype=np.float64, na_value=np.nan)
    return {
        str(measure): Standard(
            achievement_threshold=float(threshold),
            benchmark=float(benchmark),
            small_facility_benchmark=float(small),
            reason=None if pd.isna(reason) else str(reason),
            reason_number=float(number),
        )
        for measure, reason, (threshold, benchmark, small, number) in zip(
            frame["measure"], frame["reason"], values, strict=True
        )
    }


def read_contract(frame: pd.DataFrame, facilities: Facilities) -> Sheet:
    """Read rows of the facility contract."""
    numbers = (
        *("reportable", "unit_count", "numerator", "denominator", "value", "is_adjusted"),
        "reason_number",
    )
    return _read_sheet(frame, facilities, numbers, ("reason",))


def read_rates(frame: pd.DataFrame | None, facilities: Facilities) -> Sheet:
    """Read an earlier year's rates from the facility contract; no rows if there is no frame."""
    columns = ("reportable", "value", "is_adjusted")
    empty = pd.DataFrame(columns=["ccn", "measure", *columns])
    return _read_sheet(empty if frame is None else frame, facilities, columns, ())


def read_results(frame: pd.DataFrame, facilities: Facilities) -> Sheet:
    """Read rows of `facility.published_result`."""
    return _read_sheet(frame, facilities, ("score", "reason_number"), ("reason",))


def _read_sheet(
    frame: pd.DataFrame,
    facilities: Facilities,
    numbers: tuple[str, ...],
    texts: tuple[str, ...],
) -> Sheet:
    ccn_codes, ccns = pd.factorize(frame["ccn"])
    rows = facilities.ccns.get_indexer(pd.Index(ccns))[ccn_codes]
    known = np.flatnonzero(rows >= 0)
    codes, measures = pd.factorize(frame["measure"])
    places = np.full((len(measures), facilities.count), -1, dtype=np.intp)
    places[codes[known], rows[known]] = known
    return Sheet(
        facility_count=facilities.count,
        places={str(measure): places[code] for code, measure in enumerate(measures)},
        numbers={
            name: np.append(frame[name].to_numpy(dtype=np.float64, na_value=np.nan), np.nan)
            for name in numbers
        },
        texts={name: _read_texts(frame[name]) for name in texts},
    )


def _read_texts(column: pd.Series) -> Texts:
    """Return the column with None where there is no text, and a None appended as null element."""
    texts = no_texts(len(column) + 1)
    known = column.notna().to_numpy()
    texts[:-1][known] = column.to_numpy(dtype=object)[known]
    return texts
