"""Writing a table's files, and what is stored of them."""

from pathlib import Path

import pandas as pd

from esrd_pipeline.arrow import SchemaError
from esrd_pipeline.sources.extract import (
    check_extracts,
    make_select,
    make_strict_select,
    unpack,
)
from esrd_pipeline.sources.extract_files import Extract, find_extracts
from esrd_pipeline.sources.sas import SCRATCH, open_scratch
from esrd_pipeline.tables.model import Table
from esrd_pipeline.warehouse import Warehouse

YEAR = 2024


def load(folder: Path, table: Table) -> pd.DataFrame:
    """Stage a table's files and read them back."""
    warehouse = Warehouse(folder / "warehouse")
    with open_scratch(folder / SCRATCH) as scratch:
        extracts = unpack(table, find_extracts(folder, table), scratch)
        checked, rewritten = check_extracts(table, extracts, warehouse.query)
        select = make_select(table, checked)
        warehouse.publish(warehouse.stage_select(table, YEAR, select, tables={}))
        stored = warehouse.read(table, YEAR)
        at_once = _load_at_once(table, extracts, warehouse)
    if at_once is not None:
        assert not rewritten
        pd.testing.assert_frame_equal(at_once, stored)
    return stored


def _load_at_once(
    table: Table, extracts: tuple[Extract, ...], warehouse: Warehouse
) -> pd.DataFrame | None:
    """Read the files in one pass; None where that is refused."""
    try:
        select = make_strict_select(table, extracts)
        warehouse.publish(warehouse.stage_select(table, YEAR, select, tables={}))
    except SchemaError:
        return None
    return warehouse.read(table, YEAR)


def write(folder: Path, name: str, *lines: str) -> None:
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
