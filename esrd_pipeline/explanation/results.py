"""What is printed first of a facility's number: who, which year, value, limits, category."""

from typing import Any

import pandas as pd

from esrd_pipeline.explanation.document import Check, is_missing
from esrd_pipeline.explanation.request import ExplanationError, Request
from esrd_pipeline.parameters.measure_definitions import MeasureDefinition, find_definition
from esrd_pipeline.parameters.measure_texts import find_measure_text
from esrd_pipeline.parameters.reasons import describe_rows
from esrd_pipeline.parameters.register import find_measure
from esrd_pipeline.parameters.units import list_units
from esrd_pipeline.tables import facility, linkage, measured
from esrd_pipeline.tables.model import Table

PROGRAMS = {"dfc": "Dialysis Facility Measures", "qip": "ESRD Quality Incentive Program"}
_CATEGORIES = {
    "better": "better than expected",
    "as": "as expected",
    "worse": "worse than expected",
}
Row = dict[str, Any]


def read_contract(request: Request) -> Row:
    """Return the facility's stored row of the measure.

    Raises:
        ExplanationError: neither its own table nor the contract of the year has the facility.
    """
    own = _find_table(request)
    for table in (own, measured.CONTRACT) if own is not None else (measured.CONTRACT,):
        if not request.warehouse.has(table, request.year):
            continue
        rows = request.read(
            table,
            where={"ccn": request.ccn, "program": request.program, "measure": request.measure},
        )
        if not rows.empty:
            row: Row = {str(name): value for name, value in rows.iloc[0].items()}
            row["why"] = describe_rows(rows)[0]
            row.setdefault("origin", "computed")
            row |= _find_units(request)
            return row
    raise ExplanationError(f"{request.name}: no row is stored: is the CCN right?")


def _find_units(request: Request) -> Row:
    """Return what the measure's value and rate count; None where the register has no unit."""
    for unit in list_units(request.year):
        if (unit.program, unit.measure) == (request.program, request.measure):
            return {"value_unit": unit.value, "rate_unit": unit.rate}
    return {"value_unit": None, "rate_unit": None}


def _find_table(request: Request) -> Table | None:
    if request.measure in measured.MODELLED:
        return measured.MODELLED[request.measure].facility
    family = find_measure(request.measure, request.program, request.year).family
    return {"patient_months": measured.MONTHLY, "reporting": measured.REPORTING}.get(family)


def find_title(request: Request) -> str:
    """Return the measure's whole name."""
    return find_measure_text(request.measure).title


def find_meaning(request: Request) -> MeasureDefinition:
    """Return what the measure counts; where the project defines nothing, says that CMS does."""
    try:
        return find_definition(request.measure, request.program)
    except LookupError:
        citation = find_measure(request.measure, request.program, request.year).citation
        return MeasureDefinition("as CMS publishes it", "as CMS publishes it", citation)


def find_name(request: Request) -> str:
    """Return the facility's name, from the directory or the program's list."""
    for table, column in (
        (facility.DIRECTORY, "facility_name"),
        (facility.REGISTERED, "facility_name"),
        (linkage.FACILITY, "facility_name"),
    ):
        if not request.warehouse.has(table, request.year):
            continue
        rows = request.read(table, columns=["ccn", column], where={"ccn": request.ccn})
        names = rows[column].dropna()
        if not names.empty:
            return str(names.iloc[0])
    return "name not stored"


def list_facts(request: Request, row: Row) -> list[tuple[str, str]]:
    """Return the first part of the page, as lines of a name and a text."""
    entry = find_measure(request.measure, request.program, request.year)
    meaning = find_meaning(request)
    better = {"higher": "a higher value", "lower": "a lower value", None: "neither side"}
    unit = str(row["unit"] or "").replace("_", " ")
    facts = [
        ("Facility", f"{find_name(request)}, CCN {request.ccn}"),
        ("Performance year", str(request.year)),
        ("Program", PROGRAMS[request.program]),
        ("Value", _add_unit(write_number(row["value"]), row["value_unit"])),
        ("95% limits", _write_limits(row)),
        ("Category", _CATEGORIES.get(str(row["category"]), "none: the measure has no flag here")),
        ("Published", "yes" if row["reportable"] else f"no: {row['why']}"),
        ("Size", f"{write_number(row['unit_count'])} {unit}"),
        ("Patients", write_number(row["patients"])),
        ("Numerator", f"{write_number(row['numerator'])}: {meaning.numerator}"),
        ("Denominator", f"{write_number(row['denominator'])}: {meaning.denominator}"),
        ("Rate", _add_unit(write_number(row["rate"]), row["rate_unit"])),
        ("p-value", write_number(row["p_value"])),
        ("z, and its null", _write_null(row)),
        ("Better is", better[entry.direction]),
        ("Source", f"{row['origin']}; {meaning.citation}"),
        ("Note", "" if pd.isna(row["note"]) else str(row["note"])),
    ]
    facts += _find_level(request)
    return [(name, text) for name, text in facts if text and not text.startswith("not stored")]


def _find_level(request: Request) -> list[tuple[str, str]]:
    if not request.warehouse.has(facility.LEVEL, request.year):
        return []
    rows = request.read(
        facility.LEVEL, where={"program": request.program, "measure": request.measure}
    )
    return [("National level", write_number(value)) for value in rows["national"].head(1)]


def _add_unit(number: str, unit: object) -> str:
    return f"{number} ({unit})" if isinstance(unit, str) else number


def _write_limits(row: Row) -> str:
    if pd.isna(row["lower"]) or pd.isna(row["upper"]):
        return "not stored: the measure has none here"
    return f"{write_number(row['lower'])} to {write_number(row['upper'])}"


def _write_null(row: Row) -> str:
    if pd.isna(row["z"]):
        return ""
    if pd.isna(row["z_null_mean"]):
        return write_number(row["z"])
    return (
        f"{write_number(row['z'])}; mean {write_number(row['z_null_mean'])}, standard deviation"
        f" {write_number(row['z_null_sd'])} of facilities of this size"
    )


def write_number(value: Any) -> str:  # noqa: ANN401 - a cell of any table
    """Return a number with seven digits, or that it is not stored."""
    return "not stored" if is_missing(value) else f"{float(value):.7g}"


def find_nothing(row: Row) -> Check:
    """Return the comparison of no line at all with the contract: it may have nothing either."""
    return compare(row, "no line", "denominator", 0.0)


def compare(row: Row, what: str, column: str, added: float | None, *, exact: bool = True) -> Check:
    """Return a sum beside the contract's number."""
    stored = row[column]
    return Check(
        f"{what} = {column} of the contract",
        added,
        None if stored is None or pd.isna(stored) else float(stored),
        1e-9 if exact else 1e-6,
    )
