"""A stored year of one facility, written row by row, for explanations to read.

Columns that a row leaves out are false, 0 or empty where the table needs a value, else null.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow.parquet as pq

from esrd_pipeline.explanation.request import Request
from esrd_pipeline.parameters.register import Program
from esrd_pipeline.tables import history
from esrd_pipeline.tables.catalog import TABLES_BY_NAME
from esrd_pipeline.tables.model import Table
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline_tests.sql.engine import to_arrow
from esrd_pipeline_tests.sql.worked import day

YEAR, CCN, HOSPITAL = 2024, "012501", "010001"
Row = Mapping[str, object]
Rows = Mapping[str, Sequence[Row]]
_EMPTY: Mapping[str, object] = {"boolean": False, "integer": 0, "number": 0.0, "text": ""}


def store(root: Path, rows: Rows, *, year: int = YEAR) -> Warehouse:
    """Store a year: every table of the catalog, most of them without a row."""
    warehouse = Warehouse(root)
    filled = {
        name: [_fill(TABLES_BY_NAME[name], row) for row in rows.get(name, ())]
        for name in TABLES_BY_NAME
    }
    for name, table in to_arrow(filled, year).items():
        path = warehouse.partition_path(TABLES_BY_NAME[name], year)
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path)
    return warehouse


def _fill(table: Table, row: Row) -> Row:
    # A model's facts are never null, whether their tables require that or not.
    is_facts = table is history.PATIENT_CHARACTERISTICS
    needed = [one for one in table.columns if one.required or is_facts]
    empty = {one.name: _EMPTY.get(one.type) for one in needed if one.name != "performance_year"}
    return {**empty, **row}


def ask(warehouse: Warehouse, measure: str, program: Program = "dfc") -> Request:
    """Ask for a number of the facility."""
    return Request(warehouse, measure, program, CCN, YEAR)


def fitted(measure: str, program: str, stage: int, element: str, **values: float) -> list[Row]:
    """Return the rows of one element of a fit, by the name of each term."""
    return [
        {
            "program": program,
            "measure": measure,
            "stage": stage,
            "element": element,
            "position": position,
            "term": term,
            "estimate": estimate,
        }
        for position, (term, estimate) in enumerate(values.items())
    ]


def contract(measure: str, program: str = "dfc", **values: object) -> Row:
    """Return the facility's row of a measure."""
    return {"ccn": CCN, "program": program, "measure": measure, "reportable": True, **values}


PEOPLE: Sequence[Row] = (
    {
        "patient_id": 1,
        "last_name": "Canary",
        "first_name": "Ada",
        "date_of_birth": day("1954-01-01"),
        "mbi": "1EG4TE5MK73",
    },
    {
        "patient_id": 2,
        "last_name": "Linnet",
        "first_name": "Bob",
        "date_of_birth": day("1959-01-01"),
        "mbi": "2EG4TE5MK74",
    },
)
