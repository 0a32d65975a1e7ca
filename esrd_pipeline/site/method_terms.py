"""Adjusters of a measure's model, in words and with the places of the manual they come from."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from inspect import signature

from esrd_pipeline.measures.specification import Specification
from esrd_pipeline.parameters.register import Program
from esrd_pipeline.parameters.rows import load_rows

_GROUPS = {"shr": "manual", "sedr": "sedr", "smr": "smr", "ed30": "ed30"}
"""The list of conditions that adjusts a measure; SRR has one for each program."""
_FILES = ("prevalent_condition_group", "discharge_condition_group")
_WORDS = {
    "bmi": "BMI",
    "covid": "COVID-19, stage",
    "esrd": "ESRD",
    "form": "CMS-2728",
    "ma": "Medicare Advantage",
    "x": "times",
}
_COVID = re.compile(r"COVID-19, stage(?! \d)")


@dataclass(frozen=True, slots=True)
class Adjuster:
    """One column of a model: its name, words for it, and where it comes from."""

    term: str
    words: str
    place: str


def find_specification(measure: str, program: Program, year: int) -> Specification | None:
    """Return a measure's specification; None where the year's register has none."""
    specify = import_module(f"esrd_pipeline.measures.{measure}").specify
    arguments = (program, year) if len(signature(specify).parameters) > 1 else (year,)
    try:
        found: Specification = specify(*arguments)
    except LookupError:
        return None
    return found


def list_adjusters(specification: Specification) -> list[Adjuster]:
    """Return the adjusters of a specification, the groups of conditions after the others."""
    own = [
        Adjuster(name, write_term(name), term.row)
        for term in specification.terms
        for name in term.names
    ]
    labels = _load_conditions(_find_list(specification))
    return [*own, *(Adjuster(name, *label) for name, label in labels.items())]


def _find_list(specification: Specification) -> str:
    if specification.measure == "srr":
        return f"srr_{specification.program}"
    return _GROUPS.get(specification.measure, "")


@cache
def _load_conditions(wanted: str) -> Mapping[str, tuple[str, str]]:
    """Return label and citation of a list's conditions, by the name of the group."""
    return {
        row["condition_group"]: (row["label"], row["citation"])
        for name in _FILES
        for row in load_rows(name)
        if row["specification"] == wanted
    }


def write_term(name: str) -> str:
    """Return a model's column in words: is_age_under_25 is `age under 25`."""
    parts = name.removeprefix("is_").removeprefix("has_").split("_")
    return _COVID.sub("COVID-19", " ".join(_WORDS.get(part, part) for part in parts))
