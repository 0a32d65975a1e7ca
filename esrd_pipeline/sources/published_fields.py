"""The raw columns of each measure's fields, from the parameters package.

published_measure.csv lists the measures, published_field.csv names their columns, and
published_adjustment.csv says which printed rates have had the small facility adjustment.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal, cast

from esrd_pipeline.parameters.register import Program, find_measure
from esrd_pipeline.parameters.rows import load_rows
from esrd_pipeline.sources.layout import list_names, load_layout
from esrd_pipeline.tables.raw import BY_MEASURE

TableName = Literal["contract", "improvement", "result", "national"]
CATEGORY_COUNTS = {"better": "better_count", "as": "as_count", "worse": "worse_count"}
"""Category of a facility -> the field that counts the nation's facilities in it."""


@dataclass(frozen=True, slots=True)
class PublishedMeasure:
    """One measure as a source publishes it in one year, for one of our tables.

    `columns` maps a field of our table to the raw column. `basis` is the field without which
    there is nothing to report. `fixed_denominator` is a denominator that files do not have.
    `upper_stops_at` is printed for every upper limit above it.
    `has_unweighted_mean` states that a mean of facilities is unweighted, `is_adjusted` that the
    value has had the small facility adjustment (manual 4.1.1).
    """

    program: str
    measure: str
    source: str
    basis: str
    unit: str | None
    divide_by_national: bool
    fixed_denominator: float | None
    upper_stops_at: float | None
    has_unweighted_mean: bool
    is_adjusted: bool
    columns: Mapping[str, str]


@cache
def load_measures(table: TableName, performance_year: int) -> tuple[PublishedMeasure, ...]:
    """Return the measures whose basis is in that year's files, for one of our tables."""
    found: list[PublishedMeasure] = []
    for row in load_rows("published_measure"):
        columns = _columns(table, row, performance_year)
        if not _can_stand(table, columns, row["basis"]):
            continue
        found.append(
            PublishedMeasure(
                program=row["program"],
                measure=row["measure"],
                source=row["source"],
                basis=row["basis"],
                unit=_find_unit(row, performance_year),
                divide_by_national=row["divide_by_national"] == "yes",
                fixed_denominator=_float(row["fixed_denominator"]),
                upper_stops_at=_float(row["upper_stops_at"]),
                has_unweighted_mean=row["mean_of_facilities"] == "unweighted",
                is_adjusted=_is_adjusted(table, row),
                columns=columns,
            )
        )
    return tuple(found)


@cache
def load_national_columns(performance_year: int) -> dict[str, dict[str, str]]:
    """Return DFC measure -> field of facility.national -> column of raw.dfc_national."""
    published = {column.name for column in load_layout("dfc_national", performance_year)}
    columns: dict[str, dict[str, str]] = {}
    for row in load_rows("published_field"):
        if row["table"] == "national" and row["name"] in published:
            columns.setdefault(row["measure"], {})[row["field"]] = row["name"]
    return columns


def find_file(
    measure: PublishedMeasure, performance_year: int, files: Mapping[str, str]
) -> str | None:
    """Return the name of the file that prints a measure's result; None where there is none.

    `files` maps sources to the names of their files. A file by measure stands for the Complete QIP
    file in a year without one.
    """
    if measure.source in files:
        return files[measure.source]
    result = measure.columns.get("score", measure.columns.get("category"))
    for source, name in files.items():
        if source.startswith(BY_MEASURE) and any(
            column.name == result for column in load_layout(source, performance_year)
        ):
            return name
    return None


def _float(text: str) -> float | None:
    return float(text) if text else None


def _columns(table: TableName, measure: Mapping[str, str], performance_year: int) -> dict[str, str]:
    published = list_names(measure["source"], performance_year)
    return {
        row["field"]: row["name"]
        for row in load_rows("published_field")
        if row["table"] == table
        and row["name"] in published
        and all(row[key] == measure[key] for key in ("source", "program", "measure"))
    }


def _find_unit(measure: Mapping[str, str], performance_year: int) -> str | None:
    """Return the unit of a file's counts: the measure's, unless it has another; None of scores."""
    if measure["basis"] == "score":
        return None
    program = cast("Program", measure["program"])
    return (
        measure["printed_unit"] or find_measure(measure["measure"], program, performance_year).unit
    )


def _is_adjusted(table: TableName, measure: Mapping[str, str]) -> bool:
    """Whether the printed value is adjusted; a measure without a row is one that never is."""
    return any(
        row["is_adjusted"] == "yes"
        for row in load_rows("published_adjustment")
        if row["table"] == table and all(row[key] == measure[key] for key in ("source", "measure"))
    )


def _can_stand(table: TableName, columns: Mapping[str, str], basis: str) -> bool:
    if table == "result":
        return "score" in columns or "category" in columns
    return basis in columns
