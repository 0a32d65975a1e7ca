"""What a column holds, in words: for `report.catalog`, `esrd.duckdb` and the fields of the files.

All three are made from the tables' definitions by these functions, so that none of them can say
something else.
"""

import re
from collections.abc import Iterable, Mapping

from esrd_pipeline.tables.model import Column, Table
from esrd_pipeline.tables.units import find_unit_of

NUMERIC = ("integer", "number")
"""Types of columns whose values are numbers."""


def find_unit(table: Table, column: Column) -> str | None:
    """Return the column's unit: the one stated, what it always counts, or that of its name.

    None for texts, days and booleans, and for numbers of the kinds of `tables.units`.
    """
    stated = column.unit or (column.counts if column.counts_where is None else None)
    if stated is None and column.type in NUMERIC:
        return find_unit_of(table.name, column.name)
    return stated


def find_rules(table: Table, column: Column) -> str | None:
    """Return the rules of every row that name the column; None where there is none."""
    named = re.compile(rf"\b{re.escape(column.name)}\b")
    rules = [
        f"{rule.name} ({rule.predicate})" for rule in table.rules if named.search(rule.predicate)
    ]
    rules += [
        f"{total.column} is the sum of {', '.join(total.parts)}"
        for total in table.row_totals
        if column.name in (total.column, *total.parts)
    ]
    rules += [
        f"refers to a row of {reference.table}"
        for reference in table.references
        if column.name in reference.columns
    ]
    return "; ".join(rules) or None


def describe_column(table: Table, column: Column) -> Mapping[str, str]:
    """Return what is known of a column by name of the fact; without what is not stated of it."""
    facts = {
        "description": column.description,
        "unit": find_unit(table, column),
        "allowed": None if column.allowed is None else ", ".join(column.allowed),
        "minimum": None if column.minimum is None else f"{column.minimum:g}",
        "maximum": None if column.maximum is None else f"{column.maximum:g}",
        "required": "no nulls" if column.required else None,
        "key": "part of the key" if column.name in table.key else None,
        "rules": find_rules(table, column),
    }
    return {name: fact for name, fact in facts.items() if fact is not None}


def comment_on_column(table: Table, column: Column) -> str:
    """Return the same as one text."""
    facts = describe_column(table, column)
    named = {"unit": "unit", "allowed": "one of", "minimum": "at least", "maximum": "at most"}
    parts = [facts["description"]]
    parts += [f"{text}: {facts[name]}" for name, text in named.items() if name in facts]
    parts += [facts[name] for name in ("key", "required", "rules") if name in facts]
    return "; ".join(parts)


def comment_on_table(table: Table) -> str:
    """Return what a row is, the key, and where the table is defined, as one text."""
    return f"One row is {table.grain}. Key: {', '.join(table.key)}. Source: {table.source}."


def list_columns(
    tables: Iterable[Table], patient_level: Iterable[Table]
) -> list[dict[str, object]]:
    """Return the rows of `report.catalog`: a column of a table each, in the order of the tables."""
    of_patients = {table.name for table in patient_level}
    return [
        {
            "table_name": table.name,
            "column_position": position,
            "column_name": column.name,
            "type": column.type,
            "unit": find_unit(table, column),
            "is_key": column.name in table.key,
            "is_required": column.required,
            "description": column.description,
            "allowed": None if column.allowed is None else list(column.allowed),
            "minimum": column.minimum,
            "maximum": column.maximum,
            "rules": find_rules(table, column),
            "suppression": column.suppression,
            "is_patient_level": table.name in of_patients,
            "grain": table.grain,
            "source": table.source,
        }
        for table in tables
        for position, column in enumerate(table.columns, start=1)
    ]
