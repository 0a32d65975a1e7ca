"""Whether a file that says its year is of the year whose folder it lies in."""

from collections.abc import Iterable

import pandas as pd

from esrd_pipeline.engines.duckdb_engine import QueryError
from esrd_pipeline.sources.errors import SourceError
from esrd_pipeline.sources.extract import YEAR
from esrd_pipeline.sources.extract_files import Extract
from esrd_pipeline.sources.extract_values import locate, scan, write_text
from esrd_pipeline.tables.model import Table
from esrd_pipeline.warehouse import Query


def check_year(
    table: Table, extracts: Iterable[Extract], query: Query, performance_year: int
) -> None:
    """Check the column of the year in the files that have one, such as BENE_ENROLLMT_REF_YR.

    Raises:
        SourceError: a row is of another year, which would be stored as one of this year.
    """
    column = next((column for column in table.columns if column.name == YEAR), None)
    for extract in extracts:
        name = None if column is None else locate(table, extract, column)
        if name is None:
            continue
        text = write_text(extract, name)
        other = f"coalesce(TRY_CAST({text} AS DOUBLE) <> {performance_year}, TRUE)"
        numbered = f"SELECT *, row_number() OVER () + 1 AS row FROM {scan(extract)}"
        rows = f"SELECT min(row) AS row FROM ({numbered}) WHERE {text} IS NOT NULL AND {other}"
        try:
            first = query(rows)["row"].iloc[0]
        except QueryError:  # cannot be read at all, which is told when its values are checked
            continue
        if not pd.isna(first):
            raise SourceError(
                file=extract.path.name,
                row=int(first),
                column=extract.columns[name],
                rule=f"is not of the year {performance_year}",
            )
