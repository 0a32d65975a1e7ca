"""The context of a computation: its year, the stored tables it may read, and its configuration."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import dagster as dg
import pandas as pd

from esrd_pipeline.settings import Settings
from esrd_pipeline.sql import Select
from esrd_pipeline.tables.model import Table
from esrd_pipeline.warehouse import Query, Warehouse

if TYPE_CHECKING:
    from matplotlib.figure import Figure

T = TypeVar("T")

C = TypeVar("C", bound=dg.Config)
FindWarning = Callable[[pd.DataFrame], str | None]
"""What a table's rows give cause to warn of, without counts of patients."""
Inspect = Callable[[Query, Path], tuple[str | None, str | None]]
"""What a staged table gives cause to warn of, and what is wrong with it."""
Locate = Callable[[Query], str | None]
"""Where in its files a table first breaks its expectations."""
TRANSIENT_ERRORS = (BlockingIOError, InterruptedError, TimeoutError, ConnectionError)
"""Errors that may not occur again on a second attempt; every other error is final."""


@dataclass(frozen=True, slots=True)
class StepContext:
    """The year, storage and options of one step."""

    performance_year: int
    warehouse: Warehouse
    settings: Settings
    cutoff: date | None = None
    config: dg.Config | None = None
    instance: dg.DagsterInstance | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    _frames: dict[object, pd.DataFrame] = field(default_factory=dict)
    _kept: dict[object, Any] = field(default_factory=dict)

    def read_config(self, kind: type[C]) -> C:
        """The step's run configuration.

        Raises:
            TypeError: the step takes no such configuration.
        """
        if not isinstance(self.config, kind):
            raise TypeError(f"the step's configuration is no {kind.__name__}")
        return self.config

    def read(
        self, table: Table, *, columns: Sequence[str] | None = None, program: str | None = None
    ) -> pd.DataFrame:
        """Read this year's partition, or only its `columns` and the rows of one `program`.

        Raises:
            MissingPartitionError: it has not been materialised.
        """
        return self._read(table, self.performance_year, columns, program)

    def read_earlier(
        self,
        table: Table,
        years: int,
        *,
        columns: Sequence[str] | None = None,
        program: str | None = None,
    ) -> pd.DataFrame | None:
        """Read the partition of `years` before, or None where it has not been stored."""
        year = self.performance_year - years
        if not self.warehouse.has(table, year):
            return None
        return self._read(table, year, columns, program)

    def _read(
        self, table: Table, year: int, columns: Sequence[str] | None, program: str | None
    ) -> pd.DataFrame:
        # Asked for each time, so that what is read from memory is noted as read (`made_of`).
        self.warehouse.partition_path(table, year)
        # Kept for the step: its tables are made from the same few. Copy on write costs nothing.
        key = (table.name, year, None if columns is None else tuple(columns), program)
        if key not in self._frames:
            where = None if program is None else {"program": program}
            self._frames[key] = self.warehouse.read(table, year, columns=columns, where=where)
        return self._frames[key].copy(deep=False)

    def keep(self, key: object, make: Callable[[], T]) -> T:
        """Return the result of `make` for this key, which is computed once per step."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    @property
    def unrecorded(self) -> Warehouse:
        """The warehouse, for what looks at tables and does not read them (`made_of`)."""
        stored = self.warehouse
        return Warehouse(stored.root, stored.open_connection, stored.engine, stored.remote)

    @property
    def source_folder(self) -> Path:
        """The folder of this year's source files."""
        return self.settings.source_dir / str(self.performance_year)

    @property
    def patient_folder(self) -> Path:
        """The folder of this year's patient-level files."""
        return self.settings.patient_dir / str(self.performance_year)


LookAgain = Callable[[], tuple[Select, Mapping[str, int]]]
"""What is done where a SELECT fails: the SELECT to run instead, and the note on the table."""


@dataclass(frozen=True, slots=True)
class SqlOutput:
    """A table that DuckDB makes from stored ones, with its SELECT's parameters besides the year.

    `look_again` is called if the SELECT meets a value it does not take.
    """

    select: Select
    parameters: Mapping[str, object] = field(default_factory=dict)
    look_again: LookAgain | None = None


@dataclass(frozen=True, slots=True)
class StepResult:
    """The result of a computation: a frame or SELECT per table, in the order of the asset's tables.

    `notes` are shown as metadata (text or numbers about the computation, never a patient's) and
    are the same for the same inputs; `picture` is shown with them; `warning`, where there is one,
    is the message of the check that only warns, and `fault`, where there is one, fails the step.
    `find_warning` finds the warning in the rows of the first table instead, which a SELECT has made
    only by then; `inspect` finds both in its file. `written` are texts for the files' metadata.
    `locate` is asked where expectations are broken. `failure` fails the step after its tables are
    stored, which mention it.
    """

    frames: tuple[pd.DataFrame | SqlOutput, ...]
    notes: Mapping[str, str | int | float] = field(default_factory=dict)
    picture: "Figure | None" = None
    warning: str | None = None
    find_warning: FindWarning | None = None
    release: Callable[[], None] | None = None
    fault: str | None = None
    inspect: Inspect | None = None
    written: Mapping[str, str] = field(default_factory=dict)
    locate: Locate | None = None
    failure: str | None = None
