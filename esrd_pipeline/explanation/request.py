"""What is explained, and how its stored rows are read: of one facility, or of some patients."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
import pandas as pd
import pyarrow as pa

from esrd_pipeline.parameters.register import Program
from esrd_pipeline.sql import Select, load_select, parse_select
from esrd_pipeline.tables.catalog import TABLES_BY_NAME
from esrd_pipeline.tables.model import Table
from esrd_pipeline.warehouse import Wanted, Warehouse


class ExplanationError(ValueError):
    """A stored number cannot be explained; names measure and facility, and no patient."""


@dataclass(frozen=True, slots=True)
class Request:
    """One facility's measure of one program, and the tables it is explained from."""

    warehouse: Warehouse
    measure: str
    program: Program
    ccn: str
    year: int

    @property
    def name(self) -> str:
        """What is explained, for messages."""
        return f"{self.measure} of {self.ccn} in {self.year} ({self.program})"

    def read(
        self,
        table: Table,
        year: int | None = None,
        *,
        columns: Sequence[str] | None = None,
        where: Mapping[str, Wanted] | None = None,
    ) -> pd.DataFrame:
        """Return rows of one year's partition; none where it has not been stored."""
        year = self.year if year is None else year
        if not self.warehouse.has(table, year):
            return pd.DataFrame(columns=list(columns or table.column_names))
        return self.warehouse.read(table, year, columns=columns, where=where)

    def read_arrow(
        self,
        table: Table,
        year: int | None = None,
        *,
        columns: Sequence[str] | None = None,
        where: Mapping[str, Wanted] | None = None,
    ) -> pa.Table:
        """Return the same as an Arrow table.

        Raises:
            MissingPartitionError: it has not been stored.
        """
        year = self.year if year is None else year
        return self.warehouse.read_arrow(table, year, columns=columns, where=where)

    def explain(self, table: str) -> pd.DataFrame:
        """Return the program's rows of an explanation, by the SELECT its Dagster job runs."""
        rows = self._run(load_select(table), {"ccn": self.ccn, "measure": self.measure})
        return rows[rows["program"] == self.program].reset_index(drop=True)

    def select(self, name: str, patients: Sequence[int]) -> pd.DataFrame:
        """Return what one of this package's own SELECTs finds of some patients."""
        return self._run(_load(name), {"patients": [int(number) for number in patients]})

    def _run(self, select: Select, parameters: Mapping[str, object]) -> pd.DataFrame:
        return self.warehouse.read_select(
            self.year, select, tables=TABLES_BY_NAME, parameters=parameters
        )


@cache
def _load(name: str) -> Select:
    path = f"explanation/sql/{name}.sql"
    file = resources.files("esrd_pipeline.explanation").joinpath("sql", f"{name}.sql")
    return parse_select(f"explanation.{name}", path, file.read_text(encoding="utf-8"))


def list_patients(rows: pd.DataFrame) -> list[int]:
    """Return the distinct patients of some rows, ascending."""
    return [int(number) for number in np.unique(rows["patient_id"].to_numpy(dtype=np.int64))]
