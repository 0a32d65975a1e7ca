"""Two tiers of tests, and the order that lets the workers finish together.

The commit tier, `-m "not slow"`, is what one runs before a commit: rules, statistics, SQL and the
wiring on small cases. The full tier adds what is marked `slow`: whole nations, the UI's servers,
killed processes, Monte Carlo. A test that uses a nation is slow whether it says so or not, and one
that does not say so may not take long.
"""

import os
from pathlib import Path

import pytest

NATIONS = frozenset({"nation", "four_years", "years", "counted", "refreshed"})
"""Fixtures that generate or measure a nation, or refresh years of one."""

COMMIT_SECONDS = 60
"""Processor time that a test of the commit tier may take, and its fixtures: several times what the
longest need, for slower machines and for what is compiled on first use."""

COSTLIEST = (
    "acceptance/test_from_raw.py",
    "orchestration/test_refresh.py",
    "orchestration/test_faults.py",
    "orchestration/test_ui.py",
    "orchestration/test_privacy.py",
    "acceptance/test_years_from_raw.py",
    "statistics/test_monte_carlo.py",
    "synthetic/test_nation_truth.py",
    "synthetic/test_nation_effects.py",
    "synthetic/test_nation_written.py",
    "orchestration/test_star_operations.py",
    "acceptance/test_permuted_files.py",
    "acceptance/test_broken_source.py",
)
"""Files that start first, in this order, each with the worker that is free. What the first compiles
the second worker finds: it meanwhile has what compiles nothing. The last two need the four years
that `test_years_from_raw` makes: earlier, their workers would stand idle until they are made."""


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


def judge(item: pytest.Item, seconds: float) -> None:
    """Fail a test of the commit tier that took too long."""
    if seconds > COMMIT_SECONDS and not is_slow(item):
        pytest.fail(
            f"{seconds:.0f} s of processor time, above {COMMIT_SECONDS}: make it smaller, or mark"
            " it slow",
            pytrace=False,
        )
