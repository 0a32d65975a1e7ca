"""The answers that the files of one year's folder give, without storing anything."""

from collections.abc import Collection, Mapping
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from esrd_pipeline.sources.extract import make_select, unpack
from esrd_pipeline.sources.extract_files import find_extracts
from esrd_pipeline.sources.intake.counting import Source, count_answers, list_read
from esrd_pipeline.sources.intake.judging import ASKED_OF_TWO_YEARS, INFORMATION, judge
from esrd_pipeline.sources.intake.questions import TABLES
from esrd_pipeline.tables.model import Table
from esrd_pipeline.warehouse import Query

HELD = "held"
"""Begin the names of tables with the values that rows of other tables are looked up in."""


def ask_folder(
    folder: Path,
    *,
    performance_year: int,
    query: Query,
    faulty: Collection[str] = (),
    cutoff: date | None = None,
) -> pd.DataFrame:
    """Return the rows of `report.intake` that concern any of a folder's rows.

    What compares with another year's folder is left out. For the arguments see `count_folder`.
    """
    answers = count_folder(
        folder, performance_year=performance_year, query=query, faulty=faulty, cutoff=cutoff
    )
    judged = judge(answers, None, performance_year)
    is_shown = (judged["concerned_count"] > 0) & (judged["outcome"] != INFORMATION)
    return judged[is_shown & ~judged["kind"].isin(ASKED_OF_TWO_YEARS)]


def count_folder(
    folder: Path,
    *,
    performance_year: int,
    query: Query,
    faulty: Collection[str] = (),
    cutoff: date | None = None,
) -> pd.DataFrame:
    """Return the answers of a folder's files.

    Args:
        folder: the year's folder.
        performance_year: its year.
        query: runs DuckDB; the values looked up are held in its database, in memory.
        faulty: tables whose files cannot be read. They are asked nothing, nor is what would be
            looked up in them.
        cutoff: files that were released after it are not read.
    """
    with TemporaryDirectory(prefix="esrd-check-") as scratch:
        texts = {
            table.name: _read_files(folder, table, Path(scratch), cutoff)
            for table in TABLES
            if table.name not in faulty
        }
        return _count_files(texts, performance_year, query, faulty)


def _count_files(
    texts: Mapping[str, str], performance_year: int, query: Query, faulty: Collection[str]
) -> pd.DataFrame:
    for table, columns in list_read().items():
        if table not in faulty:
            _hold(table, columns, texts[table], performance_year, query)
    source = Source(
        rows=lambda table: f"({texts[table]})",
        read=lambda table, columns, _: f"SELECT {', '.join(columns)} FROM {_name(table)}",
        has_earlier=False,
    )
    return count_answers(
        lambda _, text: query(text, performance_year=performance_year), source, absent=faulty
    )


def _read_files(folder: Path, table: Table, scratch: Path, cutoff: date | None) -> str:
    return make_select(table, unpack(table, find_extracts(folder, table, cutoff), scratch)).text


def _hold(
    table: str, columns: Mapping[str, str], text: str, performance_year: int, query: Query
) -> None:
    listed = ", ".join(f'{value} AS "{name}"' for name, value in columns.items())
    # A parameter cannot stand in what makes a table.
    rows = text.replace("$performance_year", str(performance_year))
    query(f"CREATE TEMP TABLE {_name(table)} AS SELECT {listed} FROM ({rows}) AS t")


def _name(table: str) -> str:
    return f'"{HELD}_{table.partition(".")[2]}"'
