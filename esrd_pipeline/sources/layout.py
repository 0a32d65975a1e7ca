"""Names and allowed values of each source's columns, from parameters/published_column.csv."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from esrd_pipeline.parameters.payment_years import find_payment_year
from esrd_pipeline.parameters.rows import load_rows
from esrd_pipeline.sources.headers import api_name
from esrd_pipeline.tables.raw import BY_MEASURE


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """One column of a published file in one performance year.

    `api_names` lists the accepted names, those of other releases among them, `choices` maps
    published to stored texts, `sentinels` lists the texts that mean no value, and `explained_by`
    is the column whose availability code gives the reason for an empty cell. `is_needed` says that
    something is made from the column, `may_be_absent` that a file of this year may lack it where
    it lacks every column of the measure.
    """

    header: str
    api_names: frozenset[str]
    name: str
    type: str
    minimum: float | None
    maximum: float | None
    required: bool
    choices: Mapping[str, str]
    sentinels: frozenset[str]
    explained_by: str | None
    is_needed: bool
    may_be_absent: bool


ALWAYS = "always"
"""In `needed_from`: files of every year must have the column."""
RELEASE = re.compile(r"\[\d{4}(?:-\d{2})?\] ")
"""In front of an alias: the first release known to name the column so."""


@cache
def load_layout(source: str, performance_year: int) -> tuple[SourceColumn, ...]:
    """Return the columns of `source` for `performance_year`, in published order.

    A year placeholder in a header is filled in; columns of other years are omitted.
    """
    return tuple(
        _column(row, performance_year)
        for row in load_rows("published_column")
        if row["source"] == source
        and int(row["first_year"] or performance_year)
        <= performance_year
        <= int(row["last_year"] or performance_year)
    )


@cache
def list_names(source: str, performance_year: int) -> frozenset[str]:
    """Return the stored columns of a source, those of the files that may stand for it among them.

    In place of the Complete QIP file there may be files by measure.
    """
    sources = {source} | {
        row["source"]
        for row in load_rows("published_column")
        if source == "qip_complete" and row["source"].startswith(BY_MEASURE)
    }
    return frozenset(
        column.name for name in sources for column in load_layout(name, performance_year)
    )


@cache
def group_measures(source: str) -> tuple[tuple[str, frozenset[str]], ...]:
    """Return the measures of a source, each with all of its columns (published_field.csv)."""
    names: dict[str, set[str]] = {}
    for row in load_rows("published_field"):
        if row["source"] == source:
            names.setdefault(row["measure"], set()).add(row["name"])
    return tuple((measure, frozenset(columns)) for measure, columns in names.items())


@cache
def load_meanings(name: str) -> dict[str, str]:
    """Return code -> meaning of `availability_code` or `qip_footnote`."""
    return {row["code"]: row["meaning"] for row in load_rows(name)}


def _column(row: Mapping[str, str], performance_year: int) -> SourceColumn:
    header, *aliases = (
        text.format(
            performance_year=performance_year, payment_year=find_payment_year(performance_year)
        )
        for text in (row["header"], *(RELEASE.sub("", text) for text in _split(row["aliases"])))
    )
    needed = row["needed_from"]
    return SourceColumn(
        header=header,
        api_names=frozenset(api_name(text) for text in (header, *aliases)),
        name=row["name"],
        type=row["type"],
        minimum=float(row["minimum"]) if row["minimum"] else None,
        maximum=float(row["maximum"]) if row["maximum"] else None,
        required=row["required"] == "yes",
        choices=dict(_pair(text) for text in _split(row["choices"])),
        sentinels=frozenset(_split(row["sentinels"])),
        explained_by=row["explained_by"] or None,
        is_needed=needed != "",
        may_be_absent=needed not in ("", ALWAYS) and performance_year < int(needed),
    )


def _split(text: str) -> list[str]:
    return text.split("|") if text else []


def _pair(text: str) -> tuple[str, str]:
    published, _, stored = text.partition("=")
    return published, stored
