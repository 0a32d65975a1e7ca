"""DuckDB connections: those a process keeps open, value sets of parameters, where it may spill."""

import atexit
import contextlib
import fcntl
import os
import shutil
import threading
import uuid
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TextIO

import duckdb

from esrd_pipeline.arrow import load_value_set
from esrd_pipeline.duckdb_text import quote_text
from esrd_pipeline.sql import PARAMETER_SCHEMA

Connect = Callable[[], AbstractContextManager[duckdb.DuckDBPyConnection]]
_COMPUTING = set[duckdb.DuckDBPyConnection]()
"""Connections lent to this process's steps."""
MOST_OPEN = 4
"""DuckDBs that a process keeps open: two of a warehouse."""
_TURN, _SPILL_TURN = threading.Lock(), threading.Lock()
"""Steps in several threads share them, and the folder that they spill to."""
_OPEN: dict[Path, tuple[AbstractContextManager[object], duckdb.DuckDBPyConnection]] = {}
"""Oldest first. A connection that is in use outlives the removal of its DuckDB from here."""
_SPILLING: dict[tuple[Path, int], TextIO] = {}
"""By folder and process: the open file whose lock says that the process may spill. Oldest first."""
_MOST_SPILLING = 8
"""More than the DuckDBs that a process has open."""


@contextlib.contextmanager
def share_duckdb(
    key: Path, spill: Path, open_connection: Connect
) -> Generator[duckdb.DuckDBPyConnection]:
    """Yield a connection to the DuckDB that this process keeps for `key`, opened on first use.

    It spills to the folder `spill`.

    Opening one takes longer than most queries of a step. The connection begins in an empty
    database of its own, which is gone afterwards. After an error the DuckDB is opened anew: it may
    hold on to what failed.
    """
    with _TURN:
        opened = _OPEN.get(key)
        if opened is None:
            while len(_OPEN) >= MOST_OPEN:
                _OPEN.pop(next(iter(_OPEN)))
            held = open_connection()
            opened = _OPEN[key] = (held, held.__enter__())
            spill_to(opened[1], spill)
        connection = opened[1].cursor()
    name = f"session_{uuid.uuid4().hex}"
    failed = True
    _COMPUTING.add(connection)
    try:
        connection.execute(f"ATTACH ':memory:' AS {name}")
        connection.execute(f"USE {name}")
        yield connection
        connection.execute("USE memory")
        connection.execute(f"DETACH {name}")
        failed = False
    finally:
        _COMPUTING.discard(connection)
        # Where several steps fail in one DuckDB, as on a full disk, the next is not theirs to end.
        if failed and _OPEN.get(key) is opened:
            _OPEN.pop(key, None)
        connection.close()


def set_for_selects(connection: duckdb.DuckDBPyConnection) -> None:
    """Set what a DuckDB that runs SELECTs needs to give the right rows, and to be silent.

    Joins are made as written. DuckDB 2.0 moves a cross-joined row of constants into the side of a
    left join whose rows may be missing, and then loses rows by a condition on it
    (findings/duckdb_left_join_order.sh): the order of joins is not its to change. Without that
    optimizer it has no estimates of rows, so the other, which swaps a join's sides by them, would
    hold the larger one in memory. The relation after JOIN is the one that is held: write the
    larger first.
    """
    connection.execute("SET enable_progress_bar = false")
    connection.execute("SET disabled_optimizers = 'join_order, build_side_probe_side'")


def interrupt_queries() -> None:
    """End the queries that this process runs, from another thread than theirs."""
    for connection in tuple(_COMPUTING):
        with contextlib.suppress(duckdb.Error):
            connection.interrupt()


def attach_value_sets(connection: duckdb.DuckDBPyConnection, names: Sequence[str]) -> None:
    """Create tables `parameter.<name>` of parameter files: text, null for an empty cell."""
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {PARAMETER_SCHEMA}")
    for name in names:
        connection.register("registered", load_value_set(name))
        connection.execute(f'CREATE TABLE {PARAMETER_SCHEMA}."{name}" AS FROM registered')
        connection.unregister("registered")


def spill_to(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Let DuckDB spill to a folder of this process in `folder`; DuckDB refuses to change it."""
    own = own_spill(folder)
    set_to = connection.execute("SELECT current_setting('temp_directory')").fetchall()
    if set_to != [(str(own),)]:
        connection.execute(f"SET temp_directory = {quote_text(str(own))}")


def own_spill(folder: Path) -> Path:
    """Return the folder in `folder` that this process alone spills to; empty those of the dead.

    DuckDB 2.0 tells processes apart by their numbers. Those of two containers may have the same,
    and would read each other's rows.
    """
    with _SPILL_TURN:
        held = _SPILLING.get((folder, os.getpid()))
        if held is None:
            while len(_SPILLING) >= _MOST_SPILLING:
                _SPILLING.pop(next(iter(_SPILLING))).close()
            # Whoever comes first makes the warehouse, for its owner alone.
            folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.mkdir(exist_ok=True)
            _remove_dead(folder)
            held = _SPILLING[folder, os.getpid()] = _hold_lock(folder)
        return Path(held.name).with_suffix("")


def _hold_lock(folder: Path) -> TextIO:
    while True:
        held = (folder / f"{uuid.uuid4().hex}.lock").open("w", encoding="utf-8")
        fcntl.flock(held, fcntl.LOCK_EX)
        if Path(held.name).exists():
            return held
        held.close()  # another process took it for a dead one's before it was locked


@atexit.register
def _remove_unused() -> None:
    """Leave nothing where nothing was spilled; what was is removed by the next process."""
    for (_, owner), held in _SPILLING.items():
        lock = Path(held.name)
        if owner == os.getpid() and not lock.with_suffix("").exists():
            lock.unlink(missing_ok=True)


def _remove_dead(folder: Path) -> None:
    """Remove what processes left that ended: a lock ends with its process, on any machine."""
    for path in folder.glob("*.lock"):
        with contextlib.suppress(BlockingIOError, FileNotFoundError), path.open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path.with_suffix(""), ignore_errors=True)
            path.unlink()


def is_interruption(error: BaseException) -> bool:
    """Return whether an error is DuckDB's for a query that was interrupted, by us or a signal."""
    if type(error) is RuntimeError:
        return str(error) == "Query interrupted"
    return isinstance(error, duckdb.InterruptException)
