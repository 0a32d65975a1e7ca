"""Steps that store into a bucket: kept on any machine, failed or refused with nothing lost."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from esrd_pipeline.orchestration.instance import prepare_dagster_home
from esrd_pipeline.orchestration.launch import LaunchError
from esrd_pipeline.settings import Bucket, load_settings
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline_tests.orchestration import chain
from esrd_pipeline_tests.orchestration.chain import MADE, NUMBERS, SUM, TENS, YEAR
from esrd_pipeline_tests.orchestration.commands import digests
from esrd_pipeline_tests.stores.conftest import open_machine
from esrd_pipeline_tests.stores.kept import Direct, list_objects
from esrd_pipeline_tests.stores.proxy import FOREVER, Proxy

ALL = [NUMBERS.name, TENS.name, SUM.name]
SUM_KEY = "raw/sum/performance_year=2024/data.parquet"
Move = Callable[[str, str], None]


@pytest.fixture
def move(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Move:
    """Go to a machine, by name, where the chain's file has these numbers."""
    monkeypatch.delenv("ESRD_PUBLISHED_DIR", raising=False)

    def go(machine: str, numbers: str) -> None:
        data = tmp_path / machine
        monkeypatch.setenv("ESRD_DATA_DIR", str(data))
        monkeypatch.setenv("DAGSTER_HOME", str(data / "dagster_home"))
        prepare_dagster_home(load_settings().dagster_home)
        (data / chain.FILE).write_text(numbers, encoding="utf-8")

    return go


@pytest.fixture
def in_folder(move: Move, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Digests of the chain of 12 25 48 in a folder, by key."""
    monkeypatch.delenv("ESRD_WAREHOUSE", raising=False)
    move("folder", "12 25 48")
    chain.refresh()
    return digests(load_settings().warehouse_dir)


@pytest.fixture
def place(in_folder: dict[str, str], bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """Where the steps store from now on."""
    assert len(in_folder) == 3
    monkeypatch.setenv("ESRD_WAREHOUSE", bucket.address)
    return bucket.below("embedded")


def find_tables(direct: Direct, place: Bucket) -> dict[str, str]:
    found = list_objects(direct, place)
    return {key: digest for key, digest in found.items() if key.endswith(".parquet")}


def test_a_step_whose_store_fails_stores_the_same_bytes_when_run_again(
    move: Move, in_folder: dict[str, str], place: Bucket, proxy: Proxy, direct: Direct
) -> None:
    move("one", "12 25 38")
    chain.refresh()
    before = find_tables(direct, place)
    proxy.add("unavailable", "PUT", SUM_KEY, times=FOREVER)
    move("one", "12 25 48")
    message = rf"raw\.sum 2024: {place.address} could not be used, in up to 5 attempts: 503"
    with pytest.raises(LaunchError, match=message):
        chain.refresh()
    now = find_tables(direct, place)
    assert now[SUM_KEY] == before[SUM_KEY]
    assert {key for key in now if now[key] != before[key]} == {key for key in now if key != SUM_KEY}
    proxy.faults.clear()
    chain.refresh()
    assert [SUM.name] == MADE
    assert find_tables(direct, place) == in_folder


def test_another_machine_keeps_what_is_unchanged(
    move: Move, in_folder: dict[str, str], place: Bucket, direct: Direct
) -> None:
    move("one", "12 25 48")
    chain.refresh()
    assert ALL == MADE
    move("other", "12 25 48")
    assert chain.tell() == dict.fromkeys(ALL)
    chain.refresh(every_step=True)
    assert MADE == []
    move("other", "12 25 38")
    chain.refresh()
    assert ALL == MADE
    move("one", "12 25 48")
    assert chain.tell()[NUMBERS.name] == f"file {chain.FILE} changed"
    chain.refresh()
    assert find_tables(direct, place) == in_folder


def test_a_step_that_comes_late_is_made_again_from_what_is_stored_then(
    move: Move, in_folder: dict[str, str], place: Bucket, proxy: Proxy, direct: Direct
) -> None:
    other = open_machine(place, load_settings().data_dir.with_name("third"))
    stored = list[str]()

    def store_as_another(method: str, path: str) -> None:
        # The record of a table is written after its checks, just before it is published.
        if method == "PUT" and path.endswith("/raw.sum/2024.json") and not stored:
            stored.append(path)
            store_sum(other, 99)

    proxy.after = store_as_another
    move("one", "12 25 48")
    chain.refresh()
    assert len(stored) == 1
    assert [*ALL, SUM.name] == MADE
    assert find_tables(direct, place) == in_folder


def store_sum(warehouse: Warehouse, number: int) -> None:
    with warehouse.lock(SUM, YEAR):
        frame = pd.DataFrame({"number": [number], "performance_year": [YEAR]})
        warehouse.publish(warehouse.stage(SUM, YEAR, frame))
    assert warehouse.read(SUM, YEAR)["number"].tolist() == [number]
