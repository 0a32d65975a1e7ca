"""Pages of measures: rules in words, adjusters with coefficients, checks of the fit."""

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Any

import pandas as pd

from esrd_pipeline.families.cross_check import describe_difference
from esrd_pipeline.measures.specification import Specification
from esrd_pipeline.parameters.measure_definitions import find_definition
from esrd_pipeline.parameters.measure_texts import find_measure_text
from esrd_pipeline.parameters.register import RegisterEntry, is_ratio
from esrd_pipeline.reports.suppression import SMALLEST_SHOWN
from esrd_pipeline.site import method_rules
from esrd_pipeline.site.data import Row, SiteData
from esrd_pipeline.site.formats import is_missing, write_number, write_value
from esrd_pipeline.site.method_terms import (
    Adjuster,
    find_specification,
    list_adjusters,
    write_term,
)
from esrd_pipeline.tables.catalog import TABLES_BY_NAME
from esrd_pipeline.tables.measured import MODELLED
from esrd_pipeline.tables.trend import STRATUM
from esrd_pipeline.trace import find_sql

PROGRAM_WORDS = {
    "dfc": "Dialysis Facility Measures",
    "qip": "ESRD Quality Incentive Program",
}
_CODE = re.compile(r"`([^`]+)`")
_EMPHASIS = re.compile(r"(?<![\w*])\*(\w[^*<>]*)\*(?![\w*])")
_MOST_DIFFERENCE = 1e-4
"""As the plausibility check of the cross-check, which warns beyond it."""


def place_measure(measure: str) -> str:
    """Return the address of a measure's page within the site."""
    return f"measures/{measure}.html"


def list_measures(data: SiteData) -> list[str]:
    """Return the measures of the year's register, in order of their titles."""
    names = {measure for _, measure in data.registered}
    return sorted(names, key=lambda name: find_measure_text(name).title.lower())


def describe_index(data: SiteData) -> dict[str, Any]:
    """Return what the template of the list of measures shows."""
    rows = []
    for measure in list_measures(data):
        entries = _entries(data, measure)
        rows.append(
            {
                "measure": measure,
                "text": find_measure_text(measure),
                "programs": ", ".join(entry.program.upper() for entry in entries),
                "direction": _join(_direction(entry) for entry in entries),
                "unit": _join(entry.unit.replace("_", "-") for entry in entries),
                "family": _join(method_rules.FAMILIES[entry.family] for entry in entries),
            }
        )
    return {"year": data.year, "measures": rows}


def describe_measure(data: SiteData, measure: str) -> dict[str, Any]:
    """Return what the template of a measure's page shows."""
    entries = _entries(data, measure)
    cohort = [name for name in (f"cohort.{measure}_days", f"cohort.{measure}") if _is_table(name)]
    return {
        "year": data.year,
        "measure": measure,
        "text": find_measure_text(measure),
        "programs": [_describe_program(data, entry) for entry in entries],
        "sections": method_rules.list_sections(measure),
        "excluded": method_rules.list_exclusions(measure),
        "cohort": cohort,
        "models": [] if measure not in MODELLED else list(_list_models(data, measure, entries)),
        "cross_checks": list(_list_cross_checks(data, measure)),
        "reliability": _list_reliability(data, measure),
        "calibration": list(_list_calibration(data, measure)),
        "readings": [
            {
                "number": reading.number,
                "title": mark_up(reading.title),
                "reading": mark_up(reading.reading),
                "why": mark_up(reading.why or ""),
                "place": f"Manual {reading.section}" if reading.section else reading.citation,
            }
            for reading in method_rules.list_readings(measure)
        ],
        "files": find_sql(measure),
    }


def mark_up(text: str) -> str:
    """Return a text of the readings as HTML: `code` and *emphasis* as such."""
    coded = _CODE.sub(r"<code>\1</code>", escape(text, quote=False))
    return _EMPHASIS.sub(r"<em>\1</em>", coded)


def _entries(data: SiteData, measure: str) -> list[RegisterEntry]:
    return [entry for (_, name), entry in sorted(data.registered.items()) if name == measure]


def _is_table(name: str) -> bool:
    return name in TABLES_BY_NAME


def _join(words: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(words))


def _direction(entry: RegisterEntry) -> str:
    return method_rules.DIRECTIONS.get(entry.direction or "", "Neither side is better")


def _describe_program(data: SiteData, entry: RegisterEntry) -> dict[str, Any]:
    definition = find_definition(entry.measure, entry.program)
    level = data.levels.get((entry.program, entry.measure))
    return {
        "program": entry.program,
        "name": PROGRAM_WORDS[entry.program],
        "definition": definition,
        "facts": [
            ("Better side", _direction(entry)),
            ("How it is computed", method_rules.FAMILIES[entry.family]),
            ("Unit of its size", entry.unit.replace("_", "-")),
            ("Smallest size", method_rules.describe_minimum(entry)),
            ("Flag", method_rules.describe_flag(entry.flag)),
            *([("Rate per", f"{entry.rate_scale:g} units")] if entry.rate_scale != 1 else []),
            ("Source", entry.citation),
        ],
        "level": None if level is None else _describe_level(entry, level),
    }


def _describe_level(entry: RegisterEntry, level: Row) -> list[tuple[str, str, str]]:
    """Return names, columns of facility.level and texts."""
    ratio = is_ratio(entry.measure, entry.family)
    national = write_value(level["national"], ratio=ratio, program=entry.program)
    return [
        ("National value", "national", national),
        ("Its source", "source", str(level["source"])),
        *(
            (words, column, write_number(level[column]))
            for words, column in (
                ("Facilities with a value", "facility_count"),
                ("Better", "better_count"),
                ("As expected", "as_count"),
                ("Worse", "worse_count"),
            )
        ),
    ]


def _list_models(
    data: SiteData, measure: str, entries: Sequence[RegisterEntry]
) -> Iterator[dict[str, Any]]:
    """Yield each program's model: its adjusters, with coefficients where a fit is stored.

    Without a fit, programs with the same adjusters are one.
    """
    fit = data.frame(MODELLED[measure].fit)
    unfitted: dict[tuple[Adjuster, ...], list[str]] = {}
    for entry in entries:
        specification = find_specification(measure, entry.program, data.year)
        if specification is None or entry.family == "published":
            continue
        mine = None if fit is None else fit[fit["program"] == entry.program]
        if mine is None or mine.empty:
            adjusters = tuple(list_adjusters(specification))
            unfitted.setdefault(adjusters, []).append(entry.program.upper())
            continue
        rows = list(_list_coefficients(specification, mine))
        estimated = {row["adjuster"].term for row in rows}
        yield {
            "programs": entry.program.upper(),
            "is_fitted": True,
            "rows": rows,
            "missing": [
                write_term(name) for name in specification.adjusters if name not in estimated
            ],
            "sizes": list(_list_sizes(mine)),
        }
    for adjusters, programs in unfitted.items():
        rows = [{"adjuster": adjuster} for adjuster in adjusters]
        shared = {"is_fitted": False, "rows": rows, "missing": [], "sizes": []}
        yield {"programs": " and ".join(programs), **shared}


def _list_coefficients(specification: Specification, fit: pd.DataFrame) -> Iterator[dict[str, Any]]:
    known = {adjuster.term: adjuster for adjuster in list_adjusters(specification)}
    chosen = fit[fit["element"] == "coefficient"].sort_values(["stage", "position"])
    columns = [chosen[name].tolist() for name in ("stage", "term", "estimate", "standard_error")]
    for stage, term, estimate, error in zip(*columns, strict=True):
        yield {
            "stage": int(stage),
            "adjuster": known.get(term) or Adjuster(term, write_term(term), ""),
            "estimate": "" if is_missing(estimate) else f"{estimate:.4f}",
            "error": "" if is_missing(error) else f"{error:.4f}",
        }


def _list_sizes(fit: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Yield how many rows and events the first stage was fitted to; small numbers are not shown."""
    summary = fit[(fit["element"] == "summary") & (fit["stage"] == 1)]
    for term, word in (("row_count", "rows"), ("event_count", "events")):
        for number in summary.loc[summary["term"] == term, "estimate"]:
            if number >= SMALLEST_SHOWN:
                yield word, write_number(number)


def _list_cross_checks(data: SiteData, measure: str) -> Iterator[dict[str, Any]]:
    frame = data.frame(MODELLED[measure].cross_check) if measure in MODELLED else None
    if frame is None:
        return
    for program, rows in frame.groupby("program", sort=True):
        largest, _ = describe_difference(rows)
        yield {
            "program": str(program).upper(),
            "library": rows["library"].iloc[0],
            "terms": len(rows),
            "facilities": int(rows["facility_count"].iloc[0]),
            "largest": f"{largest:.1e}",
            "agrees": largest <= _MOST_DIFFERENCE,
        }


def _list_reliability(data: SiteData, measure: str) -> list[Row]:
    table = TABLES_BY_NAME.get(f"fit.{measure}_reliability")
    rows = [] if table is None else data.rows(table)
    return [row for row in rows if not _is_of_few(row)]


def _is_of_few(row: Row) -> bool:
    return row["patients"] is not None and row["patients"] < SMALLEST_SHOWN


def _list_calibration(data: SiteData, measure: str) -> Iterator[dict[str, Any]]:
    """Yield the nation's observed and expected events by group of patients, of modelled ratios."""
    for row in data.strata:
        if row["measure"] == measure and row["kind"] == "ratio" and row["stratum"] != "all":
            yield {
                **{name: row[name] for name in STRATUM.column_names if name in row},
                "program": row["program"].upper(),
                "key": row["dimension"],
                "dimension": row["dimension"].replace("_", " "),
            }
