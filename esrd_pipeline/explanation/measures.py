"""The explanation of every measure of the register, by the family that computes it."""

from collections.abc import Callable

from esrd_pipeline.explanation import days, months, reports, returns
from esrd_pipeline.explanation.document import Check, Document, Section
from esrd_pipeline.explanation.identities import name_patients
from esrd_pipeline.explanation.request import ExplanationError, Request
from esrd_pipeline.explanation.results import (
    PROGRAMS,
    Row,
    find_title,
    list_facts,
    read_contract,
)
from esrd_pipeline.explanation.scores import explain_topic
from esrd_pipeline.families.cohort import PATIENT
from esrd_pipeline.measures.reporting import REPORTED_MEASURES
from esrd_pipeline.parameters.register import Program, find_measure, list_measures
from esrd_pipeline.tables.patient_months import YEARLY_MEASURES

Explain = Callable[[Request, Row], tuple[list[Section], list[Check]]]


def list_programs(measure: str, year: int, only: Program | None = None) -> list[Program]:
    """Return the programs that have a measure in a year, by the register, or one if it has."""
    programs: tuple[Program, ...] = ("dfc", "qip") if only is None else (only,)
    return [
        program
        for program in programs
        if any(entry.measure == measure for entry in list_measures(program, year))
    ]


def list_explained(year: int) -> list[str]:
    """Return the measures of a year that can be explained: all of the register's."""
    programs: tuple[Program, ...] = ("dfc", "qip")
    return sorted({one.measure for program in programs for one in list_measures(program, year)})


def explain_measure(request: Request) -> Document:
    """Return the explanation of one facility's measure of one program.

    Raises:
        ExplanationError: nothing is stored of the facility, or no model of the measure.
    """
    if find_measure(request.measure, request.program, request.year).family == "components":
        return explain_topic(request)
    row = read_contract(request)
    sections: list[Section] = []
    checks: list[Check] = []
    for explain in _choose(request, row):
        found, compared = explain(request, row)
        sections += found
        checks += compared
    named = [section for section in sections if PATIENT in section.rows]
    frames = name_patients(request, *(section.rows for section in named))
    shown = {id(one): frame for one, frame in zip(named, frames, strict=True)}
    return Document(
        name=f"{request.ccn}_{request.measure}_{request.program}",
        title=f"{find_title(request)}: {request.ccn}, {request.year}, {PROGRAMS[request.program]}",
        facts=list_facts(request, row),
        sections=[
            Section(one.name, one.title, shown.get(id(one), one.rows), one.note, one.is_printed)
            for one in sections
        ],
        checks=checks,
        is_of_patients=bool(named),
    )


def _choose(request: Request, row: Row) -> list[Explain]:
    """Return what explains a measure: of its patients, of its reports, or of both."""
    entry = find_measure(request.measure, request.program, request.year)
    if entry.family == "published" or row["origin"] == "published":
        return [reports.explain_published]
    if entry.family in ("recurrent_events", "survival"):
        return [days.explain_days]
    if entry.family == "discharges":
        return [returns.explain_returns]
    if entry.family == "access":
        return [months.explain_access]
    if entry.family == "patient_months":
        return [months.explain_months]
    if entry.family == "reporting":
        own: list[Explain] = []
        if request.measure in YEARLY_MEASURES:
            is_report = request.measure in REPORTED_MEASURES
            own.append(months.list_patients_only if is_report else months.explain_patients)
        if request.measure in REPORTED_MEASURES:
            own.append(reports.explain_reports)
        return own
    raise ExplanationError(f"{request.name}: no family {entry.family} is known")
