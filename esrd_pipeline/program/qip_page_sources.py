"""The rows a rule set's page is made from: their sources, numbered, and which it does not use."""

from collections.abc import Iterable, Mapping
from importlib import resources

import pandas as pd

from esrd_pipeline.parameters import load_parameters

Line = tuple[str, ...]
"""A line of a table; the first names its columns."""
_DESCRIBED: Mapping[str, tuple[str, ...]] = {
    "qip_year": (
        "performance_year",
        "baseline_year",
        "improvement_year",
        "minimum_tps",
        "minimum_scored_domains",
        "standards",
        "achievement_threshold_percentile",
        "performance_standard_percentile",
        "benchmark_percentile",
        "minimum_facilities",
    ),
    "qip_domain": (
        "domain",
        "weight",
        "weight_if_missing",
        "weight_of_missing_measures",
        "is_required",
    ),
    "qip_measure": (
        "measure",
        "domain",
        "role",
        "parent",
        "weight",
        "weight_if_missing",
        "scoring",
        "precision",
        "small_facility_upper",
        "reporting_multiplier",
        "reporting_subtrahend",
        "eligible_months",
        "compliance_measure",
        "compliance_before_size",
        "certification_cutoff",
        "certification_year_offset",
        "requires_in_center_hemodialysis",
        "ece_rule",
    ),
    "qip_reduction": ("points_below_minimum", "payment_reduction"),
    "qip_step": ("measure", "reported_at_least", "score"),
    "qip_standard": ("measure", "achievement_threshold", "performance_standard", "benchmark"),
}
"""By table: the columns that a part of the page tells in words of its own."""
_OF_RULE_SETS = ("qip_rule_set", "qip_amendment")
"""Files whose rows make a rule set, and are not in it."""
_OF_EVERY_ROW = ("payment_year", "citation")
_NAMES = ("measure", "domain", "points_below_minimum", "payment_year")
"""Columns that name a row; the first one it has does."""


def list_other_tables(known: Iterable[str]) -> list[str]:
    """List the parameter files with rows of a payment year that are not among those known."""
    folder = resources.files("esrd_pipeline.parameters")
    names = sorted(file.name for file in folder.iterdir() if file.name.startswith("qip_"))
    return [
        name
        for name in (file.removesuffix(".csv") for file in names)
        if name not in (*known, *_OF_RULE_SETS) and "payment_year" in load_parameters(name).columns
    ]


class Sources:
    """A payment year's rows by table, and the numbers of their sources in order of citation."""

    def __init__(self, tables: Mapping[str, pd.DataFrame], payment_year: int) -> None:
        others = {name: load_parameters(name) for name in list_other_tables(tables)}
        self._rows = {
            name: table.loc[table["payment_year"] == str(payment_year)].fillna("")
            for name, table in {**tables, **others}.items()
        }
        self._numbers: dict[str, int] = {}

    def cite(self, text: str) -> str:
        """Return the mark of a source."""
        return f"[{self._numbers.setdefault(text, len(self._numbers) + 1)}]"

    def cite_row(self, table: str, column: str, value: object) -> str:
        """Return the marks of the sources of the rows with this value."""
        rows = [row for row in self._read(table) if row[column] == str(value)]
        return " ".join(self.cite(text) for text in dict.fromkeys(row["citation"] for row in rows))

    def list_numbered(self) -> tuple[Line, ...]:
        """List the sources cited so far."""
        cited = ((f"[{number}]", text) for text, number in self._numbers.items())
        return (("source", "text"), *cited)

    def list_unused(self) -> list[Line]:
        """List the cells that no part of the page tells, with their sources.

        Rows with the same value from the same source are one line.
        """
        found: dict[tuple[str, str, str], list[str]] = {}
        for table in self._rows:
            for row in self._read(table):
                described = (*_DESCRIBED.get(table, _NAMES), *_OF_EVERY_ROW)
                cells = {name: cell for name, cell in row.items() if cell and name not in described}
                texts = [f"{name} = {cell}" for name, cell in cells.items()]
                if table not in _DESCRIBED:
                    # A table of its own: its rows are shown as they stand.
                    texts = [", ".join(texts)]
                for text in texts:
                    found.setdefault((table, text, row["citation"]), []).append(_name(row))
        return [
            (table, ", ".join(dict.fromkeys(names)), text, self.cite(citation))
            for (table, text, citation), names in found.items()
        ]

    def _read(self, table: str) -> list[dict[str, str]]:
        return [
            {str(column): str(cell) for column, cell in row.items()}
            for row in self._rows[table].to_dict("records")
        ]


def _name(row: Mapping[str, str]) -> str:
    return next(row[column] for column in _NAMES if row.get(column))
