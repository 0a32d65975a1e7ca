"""One contract of all measures: those computed from raw files, and the others as published."""

from collections.abc import Sequence

import pandas as pd

from esrd_pipeline.parameters.units import list_units
from esrd_pipeline.sources.published_fields import load_measures
from esrd_pipeline.tables.measured import CONTRACT

NOT_COMPUTED = "not_computed"
_MEASURE = ["program", "measure"]


def combine_contract(
    *, performance_year: int, published: pd.DataFrame, computed: Sequence[pd.DataFrame]
) -> pd.DataFrame:
    """Return the rows of every measure, each measure of a program from one origin only.

    A program's measure that has been computed has no published rows, not even for facilities that
    its computation lacks. In a year with any computed measure, a measure with neither origin has a
    row with a reason for every facility of its program, so that it is neither zero nor missing. A
    computed value is raw: scoring adjusts it for small facilities (reading 4). Every row names the
    unit of its value, by the register: a measure's differs between the programs.
    """
    own = [
        frame.assign(origin="computed", is_adjusted=False) for frame in computed if not frame.empty
    ]
    known = {tuple(row) for frame in own for row in frame[_MEASURE].drop_duplicates().to_numpy()}
    is_known = [tuple(row) in known for row in published[_MEASURE].to_numpy()]
    rest = published[~pd.Series(is_known, index=published.index, dtype=bool)]
    parts = [*own, rest.assign(origin="published")]
    if own:
        parts.append(_list_missing(performance_year, pd.concat(parts, ignore_index=True)))
    rows = pd.concat([part for part in parts if not part.empty] or parts, ignore_index=True)
    return _name_units(rows, performance_year).reindex(columns=CONTRACT.column_names)


def _name_units(rows: pd.DataFrame, performance_year: int) -> pd.DataFrame:
    """Add the units of value and rate; none to a measure that the register does not know."""
    units = pd.DataFrame(
        [
            (unit.program, unit.measure, unit.value, unit.rate)
            for unit in list_units(performance_year)
        ],
        columns=[*_MEASURE, "value_unit", "rate_unit"],
    ).astype(object)
    return rows.merge(units, on=_MEASURE, how="left")


def leave_computed(
    printed: pd.DataFrame, *, current: pd.DataFrame, earlier: pd.DataFrame | None
) -> pd.DataFrame:
    """Return the published rates of the year before, without measures computed in both years.

    Improvement of a computed rate is from the computed rate of the year before, not from the
    published one. `current` and `earlier` are both contracts: their measures and origins.
    """
    if earlier is None:
        return printed
    computed = [
        set(rows.loc[rows["origin"] == "computed", "measure"]) for rows in (current, earlier)
    ]
    return printed[~printed["measure"].isin(set.intersection(*computed))]


def _list_missing(performance_year: int, rows: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each facility of a program and each of its measures without any row."""
    known = {tuple(row) for row in rows[_MEASURE].drop_duplicates().to_numpy()}
    measures = pd.DataFrame(
        [
            (measure.program, measure.measure, measure.unit)
            for measure in load_measures("contract", performance_year)
            if (measure.program, measure.measure) not in known
        ],
        columns=[*_MEASURE, "unit"],
    )
    facilities = rows.loc[rows["origin"] == "computed", ["program", "ccn"]].drop_duplicates()
    return (
        facilities.merge(measures, on="program")
        .assign(
            performance_year=performance_year,
            reportable=False,
            reason=NOT_COMPUTED,
            is_adjusted=False,
            origin="neither",
        )
        .reindex(columns=CONTRACT.column_names)
    )
