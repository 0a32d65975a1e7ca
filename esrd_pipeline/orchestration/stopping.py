"""Stop a run at once when its process is asked to: no more is computed and nothing more is stored.

Python handles a signal between two of its own instructions. While DuckDB computes there is none for
minutes, so a thread waits for the signal and interrupts the queries. DuckDB may also swallow what a
handler raises; therefore every table asks before it is published whether the run is to stop. The
thread also asks Dagster, because the UI cannot signal a run of the command.
"""

import atexit
import contextlib
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Generator
from typing import ClassVar

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError
from sqlalchemy.exc import DBAPIError

from esrd_pipeline.duckdb_session import interrupt_queries, is_interruption
from esrd_pipeline.engines import interrupt_engines

_ASK_SECONDS = 2.0
PATIENCE_SECONDS = 8.0
"""What does not end by then, such as a long call of a numerical library, ends with its process."""
_LOG = logging.getLogger(__name__)


class _Watch:
    """The thread that waits for signals to this process, and the run they would stop."""

    started: ClassVar[bool] = False
    is_stopping: ClassVar[threading.Event] = threading.Event()
    run: ClassVar[tuple[dg.DagsterInstance, str] | None] = None
    is_reported: ClassVar[threading.Event] = threading.Event()
    over: ClassVar[threading.Event] = threading.Event()


def watch_signals() -> None:
    """Start the thread, once a process; only the main thread can."""
    if _Watch.started or threading.current_thread() is not threading.main_thread():
        return
    waiting, waking = socket.socketpair()
    waking.settimeout(0)
    waiting.settimeout(_ASK_SECONDS)
    signal.set_wakeup_fd(waking.fileno(), warn_on_full_buffer=False)
    _Watch.started = True
    thread = threading.Thread(target=_wait, args=(waiting, waking), name="signals", daemon=True)
    thread.start()
    atexit.register(_end, waking, thread, os.getpid())


@contextlib.contextmanager
def stopping(instance: dg.DagsterInstance, run_id: str) -> Generator[None]:
    """Let signals, and a request in the UI, stop this run."""
    watch_signals()
    before = _Watch.run
    if before is None:
        _Watch.is_stopping.clear()
        _Watch.is_reported.clear()
        _Watch.over.clear()
    _Watch.run = (instance, run_id)
    try:
        yield
    finally:
        _Watch.run = before
        if before is None:
            _Watch.over.set()


def is_stopping() -> bool:
    """Return whether the run of this process is to stop."""
    return _Watch.is_stopping.is_set()


@contextlib.contextmanager
def ending_when_stopped() -> Generator[None]:
    """Raise what Dagster takes for a stop, whatever the interrupted code made of it.

    Raises:
        DagsterExecutionInterruptedError: the run is to stop.
    """
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        end_if_stopped(error)
        raise
    check_stopped()


def end_if_stopped(error: BaseException) -> None:
    """Raise what Dagster takes for a stop, if an error comes of one; return for every other.

    Raises:
        DagsterExecutionInterruptedError: the run is to stop, or a query was interrupted.
    """
    if is_stopping() or _is_interruption(error):
        # Dagster takes a stop for a crash unless it was announced before.
        _Watch.is_reported.wait(PATIENCE_SECONDS)
        raise DagsterExecutionInterruptedError from error


def _is_interruption(error: BaseException) -> bool:
    """Return whether an error is what a signal's handler raised, or DuckDB in its place."""
    raised = (DagsterExecutionInterruptedError, KeyboardInterrupt)
    return isinstance(error, raised) or is_interruption(error)


def check_stopped() -> None:
    """Raise if the run is to stop.

    Raises:
        DagsterExecutionInterruptedError: it is.
    """
    if is_stopping():
        raise DagsterExecutionInterruptedError


def _wait(waiting: socket.socket, waking: socket.socket) -> None:
    """Wait for a signal, or for a request in the UI; `waking` is kept open by this thread."""
    stops = {signal.SIGTERM, signal.SIGINT}
    while waking.fileno() >= 0:
        try:
            received = {*waiting.recv(64)} & stops
        except TimeoutError:
            if not _is_cancelled():
                continue
            # The handler of the main thread does the rest.
            os.kill(os.getpid(), signal.SIGINT)
            continue
        if received and _Watch.run is not None:
            _stop(*_Watch.run)


def _end(waking: socket.socket, thread: threading.Thread, owner: int) -> None:
    """End the thread before Python takes its modules apart, which DuckDB would complain of."""
    if os.getpid() == owner:
        signal.set_wakeup_fd(-1)
        waking.close()
        thread.join(_ASK_SECONDS)


def _is_cancelled() -> bool:
    """Return whether someone asked in the UI to end the run."""
    watched = _Watch.run
    if watched is None or is_stopping():
        return False
    instance, run_id = watched
    if instance.is_ephemeral:
        # No UI reaches it, and its database in memory refuses a write while another thread reads.
        return False
    try:
        run = instance.get_run_by_id(run_id)
    except DBAPIError:  # the database is busy: it is asked again
        return False
    # CANCELED: it was to be marked so at once, whether the process ends or not.
    asked = (dg.DagsterRunStatus.CANCELING, dg.DagsterRunStatus.CANCELED)
    return run is not None and run.status in asked


def _stop(instance: dg.DagsterInstance, run_id: str) -> None:
    if is_stopping():
        return
    _Watch.is_stopping.set()
    _interrupt()
    _try_report(lambda: _report_canceling(instance, run_id))
    _Watch.is_reported.set()
    # A query may have begun just after the first interruption.
    while not _Watch.over.wait(0.5):
        _interrupt()
        if _Watch.over.wait(PATIENCE_SECONDS):
            break
        _try_report(lambda: _report_canceled(instance, run_id))
        os._exit(128 + signal.SIGTERM)


def _interrupt() -> None:
    interrupt_queries()
    interrupt_engines()


def _report_canceling(instance: dg.DagsterInstance, run_id: str) -> None:
    run = instance.get_run_by_id(run_id)
    if run is not None and not run.is_finished and run.status != dg.DagsterRunStatus.CANCELING:
        # Otherwise Dagster would take the signal for a crash, and the run for a failure.
        instance.report_run_canceling(run, "Its process was asked to stop.")


def _report_canceled(instance: dg.DagsterInstance, run_id: str) -> None:
    run = instance.get_run_by_id(run_id)
    if run is not None and not run.is_finished:
        instance.report_run_canceled(run, "Its process was ended: it did not stop by itself.")


def _try_report(report: Callable[[], None]) -> None:
    try:
        report()
    except (DBAPIError, dg.DagsterError):  # the run is to end, whatever becomes of its record
        _LOG.warning("Dagster's record of the run could not be changed", exc_info=True)
