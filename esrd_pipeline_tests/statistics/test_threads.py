"""NumPy computes with one thread, but where a matrix is large or the user says otherwise."""

import os
import subprocess
import sys

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from esrd_pipeline.statistics.crossed_effects import MANY_LEVELS, sharing_cores

_COUNT = """
import esrd_pipeline
import scipy.linalg
from threadpoolctl import threadpool_info
print({pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"})
"""


@pytest.mark.parametrize(("expected", "threads"), [(None, 1), ("2", min(2, os.cpu_count() or 1))])
def test_the_package_computes_with_one_thread_unless_told(
    expected: str | None, threads: int
) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "OPENBLAS_NUM_THREADS"}
    if expected is not None:
        environment["OPENBLAS_NUM_THREADS"] = expected
    done = subprocess.run(
        [sys.executable, "-c", _COUNT], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == f"{{{threads}}}"


def test_only_many_levels_are_factorised_by_all_cores() -> None:
    def count() -> set[int]:
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    with threadpool_limits(1, user_api="blas"):
        with sharing_cores(MANY_LEVELS - 1):
            assert count() == {1}
        with sharing_cores(MANY_LEVELS):
            assert count() == {os.cpu_count()}
        assert count() == {1}
