"""Tables in a bucket: the same files as in a folder, whole or not there, one writer at a time."""

import os
import signal
import stat
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from esrd_pipeline.settings import Bucket
from esrd_pipeline.stores.client import Access
from esrd_pipeline.stores.objects import ObjectStore
from esrd_pipeline.stores.store import PartitionBusyError, StoreError
from esrd_pipeline.warehouse import MissingPartitionError, Warehouse
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
from esrd_pipeline_tests.stores.proxy import Proxy

PART = 5 << 20
IN_PARTS = Access(attempts=3, connect_seconds=2, read_seconds=5, at_once=PART, part=PART)
KILLED = """
import os, signal, sys
from pathlib import Path
from esrd_pipeline.settings import Bucket
from esrd_pipeline_tests.stores.conftest import open_machine
from esrd_pipeline_tests.stores.kept import TABLE, YEAR, rows
bucket, prefix, root = sys.argv[1:]
warehouse = open_machine(Bucket(bucket, prefix), Path(root))
with warehouse.lock(TABLE, YEAR):
    warehouse.stage(TABLE, YEAR, rows(9))
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_bytes_in_the_bucket_are_those_of_a_folder(
    warehouse: Warehouse, other: Warehouse, bucket: Bucket, direct: Direct, tmp_path: Path
) -> None:
    in_folder = store(Warehouse(tmp_path / "folder"), 7)
    copy = store(warehouse, 7)
    expected = digest(in_folder.read_bytes())
    assert list_objects(direct, bucket) == {KEY: expected}
    assert digest(copy.read_bytes()) == expected
    assert not other.root.exists()
    assert other.has(TABLE, YEAR)
    assert other.years(TABLE) == [2024]
    assert read(other) == [7]
    assert digest(other.find(TABLE, YEAR).read_bytes()) == expected
    assert other.locate(TABLE, YEAR) == f"s3://{bucket.name}/tables/here/{KEY}"
    for machine in (warehouse, other):
        assert stat.S_IMODE(machine.root.stat().st_mode) == 0o700


def test_what_is_staged_is_not_in_the_bucket(
    warehouse: Warehouse, other: Warehouse, bucket: Bucket, direct: Direct
) -> None:
    with warehouse.lock(TABLE, YEAR):
        staged = warehouse.stage(TABLE, YEAR, rows(7))
        assert list_objects(direct, bucket) == {}
        assert not other.has(TABLE, YEAR)
        with pytest.raises(MissingPartitionError):
            read(warehouse)
        warehouse.discard(staged)
    with pytest.raises(RuntimeError, match=r"facility\.example 2024 is published without its lock"):
        warehouse.publish(warehouse.stage(TABLE, YEAR, rows(7)))


def test_a_step_killed_before_it_publishes_leaves_the_partition_stored_before(
    warehouse: Warehouse, bucket: Bucket, direct: Direct
) -> None:
    store(warehouse, 7)
    before = list_objects(direct, bucket)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, bucket.name, bucket.prefix, str(warehouse.root)],
        env=os.environ | {"PYTHONWARNINGS": "ignore"},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    folder = warehouse.partition_path(TABLE, YEAR).parent
    (left_over,) = folder.glob("data.parquet.staging-*")
    assert list_objects(direct, bucket) == before
    assert read(warehouse) == [7]
    store(warehouse, 8)
    assert not left_over.exists()
    assert read(warehouse) == [8]


def test_a_reader_sees_the_old_partition_or_the_new_one_whole(
    warehouse: Warehouse, other: Warehouse
) -> None:
    store(warehouse, 0)
    seen, is_over = list[int](), threading.Event()

    def look() -> None:
        while not is_over.is_set():
            seen.extend(read(other))

    reader = threading.Thread(target=look)
    reader.start()
    for stations in range(1, 20):
        store(warehouse, stations)
    is_over.set()
    reader.join()
    assert seen == sorted(seen)
    assert len(set(seen)) > 3
    assert read(other) == [19]


@pytest.mark.parametrize("is_new", [True, False])
def test_of_two_machines_the_second_to_publish_is_refused(
    warehouse: Warehouse, other: Warehouse, bucket: Bucket, *, is_new: bool
) -> None:
    if not is_new:
        store(warehouse, 1)
    with warehouse.lock(TABLE, YEAR):
        staged = warehouse.stage(TABLE, YEAR, rows(2))
        store(other, 3)
        with pytest.raises(PartitionBusyError, match=rf"2024 was changed in s3://{bucket.name}/"):
            warehouse.publish(staged)
        warehouse.discard(staged)
    assert read(warehouse) == read(other) == [3]
    # What begins after the other has ended reads what it stored, and may replace it.
    store(warehouse, 2)
    assert read(other) == [2]


def test_of_two_machines_that_store_the_same_bytes_neither_is_refused(
    warehouse: Warehouse, other: Warehouse
) -> None:
    with warehouse.lock(TABLE, YEAR):
        staged = warehouse.stage(TABLE, YEAR, rows(3))
        store(other, 3)
        warehouse.publish(staged)
    assert read(warehouse) == read(other) == [3]


def test_a_partition_is_locked_on_its_own_machine(warehouse: Warehouse) -> None:
    with (
        warehouse.lock(TABLE, YEAR),
        pytest.raises(PartitionBusyError, match="2024 is being written by another run"),
        warehouse.lock(TABLE, YEAR),
    ):
        pass


def test_an_object_is_fetched_again_once_it_has_changed(
    warehouse: Warehouse, other: Warehouse, bucket: Bucket, direct: Direct
) -> None:
    store(warehouse, 1)
    first = other.find(TABLE, YEAR).stat()
    assert other.find(TABLE, YEAR).stat() == first
    store(warehouse, 2)
    assert read(other) == [2]
    # A copy that somebody has written over is no copy.
    other.partition_path(TABLE, YEAR).write_bytes(b"other")
    assert read(other) == [2]
    # An object that other tools have stored has no digest.
    name = f"{bucket.prefix}/{KEY}"
    stored = Warehouse(other.root.with_name("folder"))
    direct.put_object(Bucket=bucket.name, Key=name, Body=store(stored, 4).read_bytes())
    assert read(other) == read(warehouse) == [4]
    direct.delete_object(Bucket=bucket.name, Key=name)
    for machine in (warehouse, other):
        with pytest.raises(MissingPartitionError):
            read(machine)
        assert not (machine.root / KEY).exists()
        assert machine.years(TABLE) == []


def test_no_bucket_is_no_warehouse_without_tables(proxy: Proxy, tmp_path: Path) -> None:
    nowhere = Warehouse(tmp_path, remote=ObjectStore(Bucket("esrd-none"), tmp_path))
    assert proxy.asked == []
    for ask in (nowhere.has, nowhere.find, nowhere.read, lambda table, _: nowhere.years(table)):
        with pytest.raises(StoreError, match=r"s3://esrd-none could not be used.*: NoSuchBucket"):
            ask(TABLE, YEAR)


@pytest.fixture
def large(bucket: Bucket, tmp_path: Path) -> ObjectStore:
    """A store that takes files of more than 5 MiB in parts."""
    return ObjectStore(bucket, tmp_path / "one", IN_PARTS)


def stage(large: ObjectStore, content: bytes) -> Path:
    large.root.mkdir(mode=0o700, exist_ok=True)
    staged = large.root / "staged"
    staged.write_bytes(content)
    return staged


def list_uploads(direct: Direct, bucket: Bucket) -> list[str]:
    return [
        upload["Key"]
        for upload in direct.list_multipart_uploads(Bucket=bucket.name).get("Uploads", ())
    ]


def test_a_large_file_is_sent_in_parts_and_is_seen_when_all_are_there(
    large: ObjectStore, proxy: Proxy, bucket: Bucket, direct: Direct
) -> None:
    content = os.urandom(2 * PART + 1)
    again = proxy.add("unavailable", "PUT", KEY)
    seen = list[dict[str, str]]()
    proxy.after = lambda method, _: (
        seen.append(list_objects(direct, bucket)) if (method == "PUT") else None
    )
    with large.lock(KEY):
        large.publish(stage(large, content), KEY)
    assert seen == [{}, {}, {}]
    assert again.happened == 1
    assert list_objects(direct, bucket) == {KEY: digest(content)}
    (_, _, headers) = next(one for one in proxy.asked if one[0] == "POST" and "uploadId" in one[1])
    assert {"If-None-Match": "*"}.items() <= headers.items()
    assert large.find(KEY).read_bytes() == content
    assert ObjectStore(bucket, large.root.with_name("other")).find(KEY).read_bytes() == content


def test_a_large_file_that_is_late_leaves_neither_parts_nor_another_object(
    large: ObjectStore, proxy: Proxy, bucket: Bucket, direct: Direct
) -> None:
    name = f"{bucket.prefix}/{KEY}"
    with large.lock(KEY):
        staged = stage(large, os.urandom(PART + 1))
        direct.put_object(Bucket=bucket.name, Key=name, Body=b"another run's")
        with pytest.raises(PartitionBusyError):
            large.publish(staged, KEY)
    assert list_objects(direct, bucket) == {KEY: digest(b"another run's")}
    assert list_uploads(direct, bucket) == []
    proxy.add("reset", "PUT", KEY, times=1_000)
    with large.lock(KEY), pytest.raises(StoreError, match=r"facility\.example 2024"):
        large.publish(staged, KEY)
    assert list_objects(direct, bucket) == {KEY: digest(b"another run's")}
    assert list_uploads(direct, bucket) == []


def test_parts_that_a_killed_run_left_are_deleted_after_a_day(
    large: ObjectStore, bucket: Bucket, direct: Direct, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The server says of every upload that it began in 2010.
    for key in (KEY, f"{KEY}.other"):
        direct.create_multipart_upload(Bucket=bucket.name, Key=f"{bucket.prefix}/{key}")
    with monkeypatch.context() as patch:
        patch.setattr("esrd_pipeline.stores.objects._ABANDONED", timedelta(days=36_500))
        with large.lock(KEY):
            large.publish(stage(large, os.urandom(PART + 1)), KEY)
    assert len(list_uploads(direct, bucket)) == 2
    with large.lock(KEY):
        large.publish(stage(large, os.urandom(PART + 1)), KEY)
    assert list_uploads(direct, bucket) == [f"{bucket.prefix}/{KEY}.other"]
