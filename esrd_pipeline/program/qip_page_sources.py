"""The rows a rule set's page is made from: their sources, numbered, and what it leaves untold."""

from collections.abc import Mapping

import pandas as pd

Line = tuple[str, ...]
"""A line of a table; the first names its columns."""
_TOLD: Mapping[str, tuple[str, ...]] = {
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
    "qip_domain": ("domain", "weight"),
    "qip_measure": (
        "measure",
        "domain",
        "role",
        "parent",
        "weight",
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
    "qip_standard": ("measure", "achievement_threshold", "performance_standard", "benchmark"),
}
"""By table: the columns that a part of the page tells in words of its own."""
_OF_EVERY_ROW = ("payment_year", "citation")
_NAMES = ("measure", "domain", "points_below_minimum", "payment_year")
"""Columns that name a row; the first one it has does."""


class Sources:
    """A payment year's rows by table, and the numbers of their sources in order of citation."""

    def __init__(self, tables: Mapping[str, pd.DataFrame], payment_year: int) -> None:
        self._rows = {
            name: table.loc[table["payment_year"] == str(payment_year)].fillna("")
            for name, table in tables.items()
        }
        self._numbers: dict[str, int] = {}

    def cite(self, text: str) -> str:
        """Return the mark of a source."""
        return f"[{self._numbers.setdefault(text, len(self._numbers) + 1)}]"

    def cite_row(self, table: str, column: str, value: object) -> str:
        """Return the mark of the source of the row with this value."""
        (row,) = [row for row in self._read(table) if row[column] == str(value)]
        return self.cite(row["citation"])

    def list_numbered(self) -> tuple[Line, ...]:
        """List the sources cited so far."""
        cited = ((f"[{number}]", text) for text, number in self._numbers.items())
        return (("source", "text"), *cited)

    def list_untold(self) -> list[Line]:
        """List the cells that no part of the page tells, with their sources."""
        return [
            (table, _name(row), f"{column} = {cell}", self.cite(row["citation"]))
            for table, told in _TOLD.items()
            for row in self._read(table)
            for column, cell in row.items()
            if cell and column not in (*told, *_OF_EVERY_ROW)
        ]

    def _read(self, table: str) -> list[dict[str, str]]:
        return [
            {str(column): str(cell) for column, cell in row.items()}
            for row in self._rows[table].to_dict("records")
        ]


def _name(row: Mapping[str, str]) -> str:
    return next(row[column] for column in _NAMES if row.get(column))
