"""What holds for every test: its tier, its place in the order, one BLAS thread, no deadline."""

import os
from collections.abc import Iterator

import hypothesis
import pytest
from xdist.remote import Producer

from esrd_pipeline_tests.tiers import (
    Scheduling,
    list_long,
    mark_slow,
    note,
    place,
    processor_seconds,
)

# Workers share the cores: a second BLAS thread in each would only stand in the other's way.
# Read when NumPy is first imported, which is after this.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# How long an example takes on a busy machine is no fault of it.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow, and put the costliest files first."""
    for item in items:
        mark_slow(item)
    items.sort(key=place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    """Spread the files over the workers."""
    return Scheduling(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Note the time that a test's fixtures took."""
    began = processor_seconds()
    yield
    note(item, processor_seconds() - began)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Note the time that a test took."""
    began = processor_seconds()
    yield
    note(item, processor_seconds() - began)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the tests of the commit tier that took long."""
    reports = [
        report
        for kind in terminalreporter.stats.values()
        for report in kind
        if isinstance(report, pytest.TestReport)
    ]
    if lines := list_long(reports):
        terminalreporter.section("long tests of the commit tier")
        for line in lines:
            terminalreporter.write_line(line)
