"""An object store that answers late or fails: asked again, or a clear error and nothing lost."""

import time
from pathlib import Path

import pytest

from esrd_pipeline.settings import Bucket
from esrd_pipeline.stores.objects import ARRIVING
from esrd_pipeline.stores.store import StoreError
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline_tests.stores.conftest import SECRET, open_machine
from esrd_pipeline_tests.stores.kept import (
    KEY,
    TABLE,
    YEAR,
    Direct,
    digest,
    list_objects,
    read,
    rows,
    store,
)
from esrd_pipeline_tests.stores.proxy import FOREVER, LATE_SECONDS, Kind, Proxy


@pytest.fixture
def expected(tmp_path: Path) -> str:
    """The digest of the table with 2 stations, stored in a folder."""
    return digest(store(Warehouse(tmp_path / "folder"), 2).read_bytes())


@pytest.mark.parametrize("kind", ["unavailable", "reset", "lost", "late"])
@pytest.mark.parametrize("before", [None, 1])
def test_a_table_is_published_though_the_store_fails_once(
    warehouse: Warehouse,
    proxy: Proxy,
    bucket: Bucket,
    direct: Direct,
    expected: str,
    *,
    kind: Kind,
    before: int | None,
) -> None:
    if before is not None:
        store(warehouse, before)
    fault = proxy.add(kind, "PUT", KEY)
    started = time.monotonic()
    store(warehouse, 2)
    assert fault.happened == 1
    assert kind != "late" or time.monotonic() - started > LATE_SECONDS
    assert list_objects(direct, bucket) == {KEY: expected}
    assert read(warehouse) == [2]


@pytest.mark.parametrize("kind", ["unavailable", "reset", "lost", "late", "cut", "altered"])
def test_a_table_is_read_though_the_store_fails_once(
    warehouse: Warehouse, other: Warehouse, proxy: Proxy, expected: str, kind: Kind
) -> None:
    store(warehouse, 2)
    fault = proxy.add(kind, "GET", KEY)
    assert read(other) == [2]
    assert fault.happened == 1
    assert digest(other.find(TABLE, YEAR).read_bytes()) == expected
    assert list((other.root / ARRIVING).iterdir()) == []


@pytest.mark.parametrize("kind", ["unavailable", "reset"])
def test_a_store_that_takes_nothing_loses_nothing(
    warehouse: Warehouse,
    other: Warehouse,
    *,
    proxy: Proxy,
    bucket: Bucket,
    direct: Direct,
    expected: str,
    kind: Kind,
) -> None:
    store(warehouse, 1)
    before = list_objects(direct, bucket)
    fault = proxy.add(kind, "PUT", KEY, times=FOREVER)
    with pytest.raises(StoreError) as failed:
        store(warehouse, 2)
    assert fault.happened == 3
    reason = "503" if kind == "unavailable" else "ConnectionClosedError"
    assert str(failed.value) == (
        f"facility.example 2024: s3://{bucket.name}/tables/here could not be used, in up to 3"
        f" attempts: {reason}. What is stored there is whole"
    )
    assert failed.value.__cause__ is None
    assert list_objects(direct, bucket) == before
    assert read(warehouse) == read(other) == [1]
    proxy.faults.clear()
    store(warehouse, 2)
    assert list_objects(direct, bucket) == {KEY: expected}
    assert read(other) == [2]


@pytest.mark.parametrize("kind", ["unavailable", "reset", "cut", "altered"])
def test_a_store_that_gives_nothing_whole_is_an_error_and_no_copy_is_read_for_it(
    warehouse: Warehouse, other: Warehouse, proxy: Proxy, kind: Kind
) -> None:
    store(warehouse, 1)
    assert read(other) == [1]
    store(warehouse, 2)
    fault = proxy.add(kind, "GET", KEY, times=FOREVER)
    with pytest.raises(StoreError, match=r"facility\.example 2024: s3://.*in up to 3 attempts: "):
        read(other)
    assert fault.happened == 3
    assert list((other.root / ARRIVING).iterdir()) == []
    proxy.faults.clear()
    assert read(other) == [2]


def test_a_store_that_is_silent_is_an_error_after_the_time_it_has(
    warehouse: Warehouse, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(warehouse, 1)
    monkeypatch.setattr("esrd_pipeline_tests.stores.proxy.LATE_SECONDS", 3)
    proxy.add("late", "PUT", KEY, times=FOREVER)
    with pytest.raises(StoreError, match=r"facility\.example 2024.*: ReadTimeoutError"):
        store(warehouse, 2)
    time.sleep(3)
    # A request may be carried out that nobody waits for any more: whole, as any other.
    assert read(warehouse) in ([1], [2])


def test_no_message_has_keys_or_the_password_of_an_address(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://someone:{SECRET}@127.0.0.1:9")
    machine = open_machine(bucket, tmp_path / "machine")
    for ask in (
        lambda: machine.has(TABLE, YEAR),
        lambda: machine.find(TABLE, YEAR),
        lambda: store(machine, 1),
    ):
        with pytest.raises(StoreError, match=": EndpointConnectionError") as failed:
            ask()
        assert SECRET not in str(failed.value)
        assert failed.value.__suppress_context__
    assert SECRET not in repr(machine)


def test_an_answer_lost_while_another_run_publishes_leaves_the_other_ones_table(
    warehouse: Warehouse, other: Warehouse, proxy: Proxy
) -> None:
    """The run whose answer was lost is told that its table is no longer there."""
    store(warehouse, 1)
    proxy.add("lost", "PUT", KEY)
    published = list[bool]()

    def publish_another(method: str, _: str) -> None:
        if method == "PUT" and not published:
            published.append(True)
            store(other, 3)

    proxy.after = publish_another
    with warehouse.lock(TABLE, YEAR):
        staged = warehouse.stage(TABLE, YEAR, rows(2))
        with pytest.raises(RuntimeError, match="was changed in"):
            warehouse.publish(staged)
    assert read(warehouse) == read(other) == [3]
