"""Writing a table's files, and what is stored of them."""

from pathlib import Path

import pandas as pd

from esrd_pipeline.sources.extract import check_extracts, make_select, unpack
from esrd_pipeline.sources.extract_files import find_extracts
from esrd_pipeline.sources.sas import SCRATCH, open_scratch
from esrd_pipeline.tables.model import Table
from esrd_pipeline.warehouse import Warehouse

YEAR = 2024


def load(folder: Path, table: Table) -> pd.DataFrame:
    """Stage a table's files and read them back."""
    warehouse = Warehouse(folder / "warehouse")
    with open_scratch(folder / SCRATCH) as scratch:
        extracts = unpack(table, find_extracts(folder, table), scratch)
        extracts, _ = check_extracts(table, extracts, warehouse.query)
        select = make_select(table, extracts)
        warehouse.publish(warehouse.stage_select(table, YEAR, select, tables={}))
    return warehouse.read(table, YEAR)


def write(folder: Path, name: str, *lines: str) -> None:
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
