"""Dagster's instance folder, made on first use."""

import contextlib
import fcntl
from collections.abc import Generator
from pathlib import Path

from esrd_pipeline.settings import Settings

CONFIGURATION = """\
# Made on first use; edit as you like, it is not written again.
telemetry: {enabled: false}
nux: {enabled: false}  # no sign-up dialog over the UI
event_log_storage:
  # Dagster's own, with connections that stay open.
  module: esrd_pipeline.orchestration.event_log
  class: OpenEventLogStorage
  config: {home: {env: DAGSTER_HOME}}
run_launcher:
  # Dagster's own, which can also end the runs that a command started.
  module: esrd_pipeline.orchestration.run_launcher
  class: CommandRunLauncher
concurrency:
  runs:
    # Two years at a time; the same year never twice at once. Within a run, steps run in
    # threads of one process (`executor`). There are no pools: a killed run would keep its slot.
    max_concurrent_runs: 2
    tag_concurrency_limits:
      - key: dagster/partition
        value: {applyLimitPerUniqueValue: true}
        limit: 1
run_monitoring: {enabled: true, start_timeout_seconds: 300}
run_retries:
  # A run whose process was killed is tried once more; a failed step is not.
  enabled: true
  max_retries: 1
  retry_on_asset_or_op_failure: false
"""


ORIGIN_FILE = "esrd_origin"
"""In Dagster's folder: the origin of the files of its newest run."""


class UnusableHomeError(ValueError):
    """Dagster cannot keep its runs in the folder."""


class OtherOriginError(RuntimeError):
    """The files are of another origin now than when this process was started."""


def describe_switch(settings: Settings) -> str | None:
    """Return what to say where the files are of another origin than in the run before, or None."""
    home, origin = settings.dagster_home, settings.origin
    noted = home / ORIGIN_FILE
    before = noted.read_text(encoding="utf-8").strip() if noted.is_file() else None
    if before != origin:
        home.mkdir(parents=True, exist_ok=True)
        noted.write_text(f"{origin}\n", encoding="utf-8")
    others = [path for other, path in settings.own_homes.items() if other != origin]
    if before not in (None, origin):
        return (
            f"The files were {before} and are {origin} now, and share Dagster's history in {home}:"
            f" the tag esrd/origin tells their runs apart; leave DAGSTER_HOME out for one each"
        )
    if before is None and home == settings.own_homes[origin].resolve() and others[0].is_dir():
        return (
            f"The files are {origin} now: their runs have a history of their own in {home}; what"
            f" was run before stays in {others[0]}. Restart `esrd ui` if it is open"
        )
    return None


def check_origin(settings: Settings) -> None:
    """Refuse a step on real files in the history of the embedded default.

    Raises:
        OtherOriginError: real files came while `esrd ui` was open on the embedded default.
    """
    embedded = settings.own_homes["embedded"].resolve()
    if settings.origin == "published" and settings.dagster_home == embedded:
        raise OtherOriginError(
            "there are real files now, and this is the Dagster history of the embedded ones:"
            " restart `esrd ui`"
        )


def prepare_dagster_home(folder: Path) -> Path:
    """Make the folder and its dagster.yaml if they do not exist; return the folder.

    Raises:
        UnusableHomeError: its name has a sign that Dagster's databases misread.
    """
    if set(str(folder)) & set("?%"):
        # Dagster names its databases by a URL: runs would go to the folder before the sign.
        raise UnusableHomeError(
            f"Dagster cannot keep its runs in {folder}, because of the ? or % in its name: set"
            " DAGSTER_HOME to another folder, or rename this one"
        )
    folder.mkdir(parents=True, exist_ok=True)
    configuration = folder / "dagster.yaml"
    if not configuration.exists():
        configuration.write_text(CONFIGURATION, encoding="utf-8")
    return folder


@contextlib.contextmanager
def take_turns(folder: Path) -> Generator[None]:
    """Let processes open the instance one after another.

    Two that make the databases of a new folder at once stop each other ("table runs already
    exists").
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
