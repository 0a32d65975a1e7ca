"""What holds for every test: its tier, its place in the order, one BLAS thread a worker."""

import os
from collections.abc import Iterator

import pytest

from esrd_pipeline_tests.tiers import judge, mark_slow, place, processor_seconds

# Workers share the cores: a second BLAS thread in each would only stand in the other's way.
# Read when NumPy is first imported, which is after this.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow, and put the costliest files first."""
    for item in items:
        mark_slow(item)
    items.sort(key=place)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Judge the time that a test's fixtures took."""
    began = processor_seconds()
    yield
    judge(item, processor_seconds() - began)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Judge the time that a test took."""
    began = processor_seconds()
    yield
    judge(item, processor_seconds() - began)
