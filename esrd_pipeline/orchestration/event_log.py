"""Dagster's event log on SQLite, with connections that stay open.

Dagster's own storage opens, prepares and closes a connection for every event, and SQLite copies its
journal back into the database at each closing: a fifth of the time of a year of 200 facilities.
Here a database keeps its connection, and a batch of events is one transaction. The databases are
Dagster's, unchanged: either class reads what the other has written.
"""

import contextlib
import os
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

import dagster as dg
from dagster._config.config_schema import UserConfigSchema
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import StaticPool

_KEPT_OPEN = 16
"""Databases with an open connection: a run has one of its own, and the UI reads many."""


class OpenEventLogStorage(SqliteEventLogStorage):
    """Dagster's event log on SQLite, with connections that stay open."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._turns = threading.RLock()
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._in_batch: dict[str, Connection] = {}
        self._tables: set[str] = set()
        super().__init__(base_dir, inst_data)
        # A connection of SQLite may not be used in a forked process.
        os.register_at_fork(after_in_child=self._forget)

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """Return what dagster.yaml states: the instance's folder."""
        return {"home": dg.StringSource}

    @classmethod
    def from_config_value(  # pyright: ignore[reportIncompatibleMethodOverride] - of other settings
        cls,
        inst_data: ConfigurableClassData | None,
        config_value: Mapping[str, str],
    ) -> "OpenEventLogStorage":
        """Open the event log in the folder where Dagster's own class keeps it."""
        return cls(str(Path(config_value["home"]) / "history" / "runs"), inst_data)

    @property
    def open_shards(self) -> list[str]:
        """The databases with an open connection, the one unused longest first."""
        return list(self._engines)

    @contextlib.contextmanager
    def _connect(self, shard: str) -> Generator[Connection]:
        with self._turns:
            if shard in self._in_batch:
                yield self._in_batch[shard]
                return
            with self._engine(shard).begin() as connection:
                yield connection

    def store_event_batch(self, events: Sequence[dg.EventLogEntry]) -> None:
        """Store events of one run in one transaction of each database."""
        with self._turns, contextlib.ExitStack() as transactions:
            for shard in sorted({*(entry.run_id for entry in events), INDEX_SHARD_NAME}):
                connection = transactions.enter_context(self._engine(shard).begin())
                self._in_batch[shard] = connection
            transactions.callback(self._in_batch.clear)
            super().store_event_batch(events)

    def has_table(self, table_name: str) -> bool:
        """Whether the index has a table; asked at every check, and one that is there stays."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def dispose(self) -> None:
        """Close the connections."""
        super().dispose()
        with self._turns:
            while self._engines:
                self._engines.popitem()[1].dispose()

    def _engine(self, shard: str) -> Engine:
        """Return the database's engine, made on first use; the one unused longest is closed."""
        if shard in self._engines and Path(self.path_for_shard(shard)).exists():
            self._engines.move_to_end(shard)
            return self._engines[shard]
        engine = create_engine(
            self.conn_string_for_shard(shard),
            poolclass=StaticPool,
            connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
        )
        event.listen(engine, "connect", _write_without_waiting)
        self._initdb(engine)
        self._engines[shard] = engine
        if len(self._engines) > _KEPT_OPEN:
            self._engines.popitem(last=False)[1].dispose()
        return engine

    def _forget(self) -> None:
        self._turns = threading.RLock()
        self._in_batch.clear()
        while self._engines:
            self._engines.popitem()[1].dispose(close=False)


def _write_without_waiting(connection: sqlite3.Connection, _: object) -> None:
    """Wait for the disk where the journal is copied back, not at every event.

    A stopped process loses nothing by it; a machine without power loses the last events, and the
    database stays whole (SQLite, PRAGMA synchronous, WAL mode).
    """
    connection.execute("PRAGMA synchronous=NORMAL")
