"""Two tiers of tests, and the order that lets the workers finish together.

The commit tier, `-m "not slow"`, is what one runs before a commit: rules, statistics, SQL and the
wiring on small cases. The full tier adds what is marked `slow`: whole nations, the UI's servers,
killed processes, Monte Carlo. A test that uses a nation is slow whether it says so or not; one of
the commit tier that takes long is named at the end of a run.
"""

import os
from collections.abc import Iterable
from pathlib import Path

import pytest
from xdist.scheduler import LoadFileScheduling

NATIONS = frozenset({"nation", "four_years", "years", "counted", "refreshed"})
"""Fixtures that generate or measure a nation, or refresh years of one."""

COMMIT_SECONDS = 15
"""Processor time of a test of the commit tier, and of its fixtures, beyond which it is named."""
_LONG = "processor seconds in the commit tier"

FOUR_YEARS = (
    "acceptance/test_years_from_raw.py",
    "acceptance/test_broken_source.py",
    "acceptance/test_permuted_files.py",
)
"""Files that need the four years: one worker's, for another could only wait until they are made."""

COSTLIEST = (
    *FOUR_YEARS,
    "sql/test_parity.py",
    "acceptance/test_spark_nation.py",
    "orchestration/test_refresh.py",
    "orchestration/test_celery.py",
    "engines/test_spark_faults.py",
    "stores/test_refresh.py",
    "orchestration/test_faults.py",
    "orchestration/test_ui.py",
    "acceptance/test_from_raw.py",
    "sources/test_manglings.py",
    "sql/test_batches.py",
    "orchestration/test_privacy.py",
    "orchestration/test_cutoff.py",
    "orchestration/test_release_command.py",
    "orchestration/test_readme.py",
    "orchestration/test_site.py",
    "statistics/test_monte_carlo.py",
    "synthetic/test_nation_intake.py",
    "orchestration/test_one_program.py",
    "orchestration/test_early_years.py",
    "synthetic/test_nation_written.py",
    "families/test_fit_files.py",
    "orchestration/test_code_version.py",
    "orchestration/test_star_operations.py",
    "synthetic/test_nation_truth.py",
)
"""Files that start first, in this order, each with the worker that is free: by processor time, but
that what is compiled for the four years is found compiled by `test_from_raw`, and that the worker
which makes the refreshed folder is the one that needs it next."""


class Scheduling(LoadFileScheduling):
    """Gives a file to one worker, which its fixtures are made for, and the four years to one."""

    def _split_scope(self, nodeid: str) -> str:
        return find_scope(super()._split_scope(nodeid))


def find_scope(file: str) -> str:
    """Return what the tests of a file share a worker with: the file, or the four years."""
    return "four years" if file.endswith(FOUR_YEARS) else file


def mark_slow(item: pytest.Item) -> None:
    """Mark a test that uses a nation."""
    if NATIONS & set(getattr(item, "fixturenames", ())):
        item.add_marker(pytest.mark.slow)


def is_slow(item: pytest.Item) -> bool:
    """Whether the test belongs to the full tier alone."""
    return item.get_closest_marker("slow") is not None


def place(item: pytest.Item) -> tuple[int, str]:
    """Return where the test's file comes: the costliest first, so that none is left for the end."""
    name = item.path.relative_to(Path(__file__).parent).as_posix()
    return COSTLIEST.index(name) if name in COSTLIEST else len(COSTLIEST), name


def processor_seconds() -> float:
    """Return the processor time of this process and of those it started and waited for."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def note(item: pytest.Item, seconds: float) -> None:
    """Keep the processor time of a test of the commit tier that took long."""
    if seconds > COMMIT_SECONDS and not is_slow(item):
        item.user_properties.append((_LONG, seconds))


def list_long(reports: Iterable[pytest.TestReport]) -> list[str]:
    """Return a line for each test of the commit tier that took long, or whose fixtures did."""
    return [
        f"{report.nodeid}: {seconds:.0f} s of processor time, above {COMMIT_SECONDS}: make it"
        " smaller, or mark it slow"
        for report in reports
        if report.when == "teardown"
        for name, seconds in report.user_properties
        if name == _LONG and isinstance(seconds, float)
    ]
