"""Spark's processes killed in the middle, and a cluster and a server as operators start them."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from esrd_pipeline_tests.engines.cluster import (
    PATIENCE_SECONDS,
    Cluster,
    make_environment,
    run_connect,
    run_standalone,
    write_defaults,
)
from esrd_pipeline_tests.engines.visits import stage, store_visits
from esrd_pipeline_tests.faults import World, kill_when, make_world
from esrd_pipeline_tests.orchestration.commands import digests

pytestmark = pytest.mark.slow
COMMAND = (sys.executable, "-m", "esrd_pipeline_tests.engines.store")
STORED = "cohort/total/performance_year=2024/data.parquet"


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with visits."""
    data = tmp_path_factory.mktemp("before")
    store_visits(data / "warehouse", count=150_000, facilities=100_005)
    return data


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of the undisturbed run, below that of Spark's settings."""
    folder = tmp_path_factory.mktemp("local")
    write_defaults(folder)
    return folder / "data"


@pytest.fixture(scope="module")
def world(before: Path, undisturbed: Path) -> World:
    """What is stored from them on the Spark of this machine."""
    environment = {**make_environment(undisturbed.parent), "ESRD_SPARK_MASTER": "local[2]"}
    return make_world(COMMAND, environment, undisturbed, before=before)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with run_standalone(tmp_path_factory.mktemp("cluster")) as running:
        yield running


def find_parts(data: Path) -> bool:
    """Spark writes its parts."""
    return any((data / "warehouse" / STORED).parent.glob("*.parts/_temporary/*"))


def find_staged(data: Path) -> bool:
    """The parts have been put together, and the table is not visible yet."""
    names = [path.name for path in (data / "warehouse" / STORED).parent.glob("*staging*")]
    return bool(names) and not any(name.endswith(".parts") for name in names)


@pytest.mark.parametrize("reached", [find_parts, find_staged])
def test_a_driver_that_is_killed_leaves_nothing_that_is_seen(
    world: World, tmp_path: Path, reached: Callable[[Path], bool]
) -> None:
    world.begin(tmp_path)
    kill_when(world, tmp_path, lambda: reached(tmp_path))
    assert STORED not in digests(tmp_path / "warehouse")
    world.check_visible(tmp_path)
    world.check_again(tmp_path)


def test_an_executor_that_is_killed_is_replaced(
    world: World, cluster: Cluster, tmp_path: Path
) -> None:
    world.begin(tmp_path)
    environment = {**cluster.environment, "ESRD_DATA_DIR": str(tmp_path)}
    process = subprocess.Popen(COMMAND, env=environment, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + PATIENCE_SECONDS
    while not find_parts(tmp_path) and process.poll() is None:
        assert time.monotonic() < until, "the moment never came"
        time.sleep(0.001)
    killed = cluster.list_executors()
    for executor in killed:
        os.kill(executor, signal.SIGKILL)
    _, said = process.communicate(timeout=PATIENCE_SECONDS)
    assert killed
    assert process.returncode == 0, said
    # The same bytes as of the Spark of this machine.
    assert digests(tmp_path / "warehouse") == world.stored


def test_a_server_of_spark_connect_stores_the_same(
    world: World, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    world.begin(tmp_path)
    with run_connect(tmp_path_factory.mktemp("connect")) as environment:
        here = {**environment, "ESRD_DATA_DIR": str(tmp_path)}
        subprocess.run(COMMAND, env=here, check=True, timeout=PATIENCE_SECONDS)
    assert digests(tmp_path / "warehouse") == world.stored


@pytest.mark.usefixtures("world")
def test_duckdb_stores_the_same(undisturbed: Path, before: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(before / "warehouse", tmp_path / "duckdb")
    by_duckdb = stage(copied, None)
    assert by_duckdb.row_count == 66_671
    assert (undisturbed / "warehouse" / STORED).read_bytes() == by_duckdb.path.read_bytes()
