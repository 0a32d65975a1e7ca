"""Dagster's instance folder, made on first use."""

import contextlib
import fcntl
from collections.abc import Generator
from pathlib import Path

CONFIGURATION = """\
# Made on first use; edit as you like, it is not written again.
telemetry: {enabled: false}
nux: {enabled: false}  # no sign-up dialog over the UI
event_log_storage:
  # Dagster's own, with connections that stay open.
  module: esrd_pipeline.orchestration.event_log
  class: OpenEventLogStorage
  config: {home: {env: DAGSTER_HOME}}
concurrency:
  runs:
    # Two years at a time; the same year never twice at once. Within a run, steps run one after
    # another (the in-process executor). There are no pools: a killed run would keep its slot.
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


class UnusableHomeError(ValueError):
    """Dagster cannot keep its runs in the folder."""


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
