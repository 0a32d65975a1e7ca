"""Pages of the data dictionary: every stored table, from the tables' definitions."""

from typing import Any

from esrd_pipeline.site.published import find_published
from esrd_pipeline.tables.catalog import PATIENT_TABLES, TABLES, TABLES_BY_NAME
from esrd_pipeline.tables.dictionary import find_unit
from esrd_pipeline.tables.model import Column, Table

LAYERS = {
    "raw": "Files as they were received",
    "linkage": "Who is who",
    "history": "Histories of patients",
    "cohort": "Cohorts of the measures",
    "fit": "Fitted models",
    "facility": "Results of facilities",
    "program": "Flags, scores and stars",
    "network": "Networks' indicators",
    "report": "Reports",
    "explain": "Explanations",
}
_TYPES = {
    "text": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "yes or no",
    "date": "date",
    "texts": "list of texts",
    "labels": "texts by name",
}
_MANY_VALUES = 40


def place_table(name: str) -> str:
    """Return the address of a table's page within the site."""
    return f"dictionary/{name}.html"


def list_tables() -> tuple[Table, ...]:
    """Return every table that has a page."""
    return tuple(TABLES_BY_NAME.values())


def describe_dictionary(year: int) -> dict[str, Any]:
    """Return what the template of the list of tables shows: by layer, in the order of the data."""
    layers: dict[str, list[Table]] = {}
    for table in (*TABLES, *PATIENT_TABLES):
        layers.setdefault(table.schema, []).append(table)
    order = [*LAYERS, *sorted(layers.keys() - LAYERS.keys())]
    return {
        "year": year,
        "table_count": len(list_tables()),
        "layers": [
            {
                "name": layer,
                "title": LAYERS.get(layer, layer),
                "tables": [
                    {
                        "table": table,
                        "columns": len(table.columns),
                        "patients": table in PATIENT_TABLES,
                        "is_published": find_published(table.name) is not None,
                    }
                    for table in layers[layer]
                ],
            }
            for layer in order
            if layer in layers
        ],
    }


def describe_table(table: Table, year: int) -> dict[str, Any]:
    """Return what the template of a table's page shows."""
    return {
        "year": year,
        "table": table,
        "is_of_patients": table in PATIENT_TABLES,
        "is_published": find_published(table.name) is not None,
        "columns": [_describe_column(table, column) for column in table.columns],
        "rules": table.rules,
        "references": table.references,
        "sums": list(_list_sums(table)),
    }


def _describe_column(table: Table, column: Column) -> dict[str, Any]:
    return {
        "column": column,
        "type": _TYPES[column.type],
        "unit": find_unit(table, column),
        "is_key": column.name in table.key,
        "limits": _describe_limits(column),
        "suppression": column.suppression,
    }


def _describe_limits(column: Column) -> str:
    """Return what a column may hold: a range, or a list of texts; of a long list the first ones."""
    parts = []
    if column.minimum is not None and column.maximum is not None:
        parts.append(f"{column.minimum:g} to {column.maximum:g}")
    elif column.minimum is not None:
        parts.append(f"{column.minimum:g} or more")
    elif column.maximum is not None:
        parts.append(f"{column.maximum:g} or less")
    if column.allowed is not None:
        shown = ", ".join(column.allowed[:_MANY_VALUES])
        more = len(column.allowed) - _MANY_VALUES
        parts.append(f"{shown} and {more} more" if more > 0 else shown)
    if column.form is not None:
        parts.append(str(getattr(column.form, "name", "") or "a normal form"))
    return "; ".join(parts)


def _list_sums(table: Table) -> list[str]:
    """Return the sums that are shown beside cells, as sentences."""
    sums = [f"{total.column} is the sum of {', '.join(total.parts)}" for total in table.row_totals]
    for total in table.totals:
        counts = ", ".join(total.counts) or "every count"
        sums.append(f"{counts} adds up over {', '.join(total.over)}")
    return sums
