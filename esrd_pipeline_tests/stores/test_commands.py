"""Commands and settings of an installation whose tables are in a bucket."""

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from click.testing import CliRunner

from esrd_pipeline.catalog_database import write_catalog
from esrd_pipeline.cli import main
from esrd_pipeline.notes import MADE_BY
from esrd_pipeline.orchestration.made_of import (
    Record,
    digest_file,
    find_version,
    forget,
    read_record,
    write_record,
)
from esrd_pipeline.settings import Bucket, SettingError, load_settings
from esrd_pipeline.status import list_stored
from esrd_pipeline.stores import client, open_store
from esrd_pipeline.stores.store import StoreError
from esrd_pipeline.tables.facility import DIRECTORY
from esrd_pipeline.tables.model import Table
from esrd_pipeline.warehouse import Warehouse, open_warehouse
from esrd_pipeline_tests.stores.kept import TABLE, YEAR, Direct, read, rows, store
from esrd_pipeline_tests.stores.proxy import Proxy

FORK = """
import os
from esrd_pipeline.stores.client import DEFAULT_ACCESS, open_client
open_client(DEFAULT_ACCESS)
child = os.fork()
if not child:
    os._exit(open_client.cache_info().currsize)
print(open_client.cache_info().currsize, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.fixture
def machine(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """The environment names the bucket; the data folder is empty, so its files are synthetic."""
    monkeypatch.setenv("ESRD_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setenv("ESRD_WAREHOUSE", bucket.address)
    found = load_settings().bucket
    assert found is not None
    assert found.address == f"{bucket.address}/embedded"
    return found


def ask(*arguments: str) -> tuple[int, str]:
    ended = CliRunner().invoke(main, list(arguments))
    assert ended.exception is None or isinstance(ended.exception, SystemExit), ended.exception
    return ended.exit_code, ended.output


def keep_directory(warehouse: Warehouse, *ccns: str) -> None:
    made = pd.DataFrame([{"ccn": ccn, "performance_year": YEAR} for ccn in ccns])
    for column in DIRECTORY.columns:
        if column.name not in made:
            made[column.name] = "A" if column.required and column.type == "text" else None
    made = made.astype(object).where(made.notna(), None)[list(DIRECTORY.column_names)]
    notes = {MADE_BY: json.dumps({DIRECTORY.name: ["code parameters"]})}
    with warehouse.lock(DIRECTORY, YEAR):
        staged = warehouse.stage(DIRECTORY, YEAR, made, notes=notes)
        record(warehouse, DIRECTORY, staged.path)
        warehouse.publish(staged)


def record(warehouse: Warehouse, table: Table, staged: Path) -> str:
    of = {"tables": {"raw.other 2024": "1"}}
    return write_record(warehouse, table, YEAR, staged, of=of, notes={}, checks={})


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("gs://bucket/x", "begins with gs://; it can be a folder or s3://bucket/prefix"),
        ("https://me:secret@host/x", "begins with https://; it can be"),
        ("s3://", "is not s3://bucket/prefix"),
        ("s3://me:secret@bucket/x", "is not s3://bucket/prefix"),
        ("s3://bucket//x", "is not s3://bucket/prefix"),
        ("s3://bucket/../x", "is not s3://bucket/prefix"),
    ],
)
def test_an_address_that_is_none_is_refused_and_not_repeated(named: str, message: str) -> None:
    with pytest.raises(SettingError, match=message) as refused:
        load_settings(warehouse=named)
    assert "secret" not in str(refused.value)


def test_synthetic_and_real_tables_are_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ESRD_PUBLISHED_DIR", raising=False)
    monkeypatch.setenv("ESRD_DATA_DIR", str(tmp_path / "data"))

    def find(named: str) -> tuple[str, str]:
        settings = load_settings(warehouse=named)
        return settings.warehouse_address, str(settings.warehouse_dir.relative_to(tmp_path))

    folder = str(tmp_path / "tables")
    assert find("")[1] == "data/embedded/warehouse"
    assert find(folder) == (f"{folder}/embedded", "tables/embedded")
    assert find("s3://b-1/x") == ("s3://b-1/x/embedded", "data/embedded/copies/b-1+x+embedded")
    year = tmp_path / "data/raw/published/2024"
    year.mkdir(parents=True)
    (year / "DFC_FACILITY.csv").write_text("x", encoding="utf-8")
    assert find("")[1] == "data/warehouse"
    assert find(folder) == (folder, "tables")
    assert find("s3://b-1/x/y/") == ("s3://b-1/x/y", "data/copies/b-1+x+y")
    assert find("s3://b-1") == ("s3://b-1", "data/copies/b-1")


def test_without_the_extra_the_message_says_what_to_install(
    machine: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert machine.name.startswith("esrd-")
    monkeypatch.setitem(sys.modules, "botocore.session", None)
    client.open_client.cache_clear()
    with pytest.raises(StoreError, match=r"pip install 'esrd_pipeline\[s3\]'"):
        open_warehouse(load_settings()).has(TABLE, YEAR)


def test_a_forked_process_opens_connections_of_its_own(proxy: Proxy) -> None:
    assert proxy.asked == []
    forked = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORK],
        capture_output=True,
        text=True,
        check=True,
    )
    assert forked.stdout.split() == ["1", "0"]


def test_the_doctor_asks_the_store(machine: Bucket, proxy: Proxy, direct: Direct) -> None:
    _, text = ask("doctor")
    assert f"well   store: tables are stored in {machine.address}, which answers" in text
    assert "Contents" not in direct.list_objects_v2(Bucket=machine.name)
    proxy.hides_conditions = True
    code, text = ask("doctor")
    assert f"FAULT  store: {machine.address} answers, but writes without regard to If-M" in text
    assert code == 17
    proxy.hides_conditions = False
    assert "Contents" not in direct.list_objects_v2(Bucket=machine.name)
    direct.delete_bucket(Bucket=machine.name)
    code, text = ask("doctor")
    assert f"{machine.address} could not be used" in text
    assert "NoSuchBucket" in text
    assert code == 17


def test_records_are_beside_the_tables_and_go_with_them_to_other_machines(
    warehouse: Warehouse, other: Warehouse
) -> None:
    with warehouse.lock(TABLE, YEAR):
        staged = warehouse.stage(TABLE, YEAR, rows(1))
        version = record(warehouse, TABLE, staged.path)
        path = warehouse.publish(staged)
    for machine in (warehouse, other):
        recorded = read_record(machine, TABLE, YEAR)
        assert isinstance(recorded, Record)
        assert recorded.version == version == digest_file(path)
        found = find_version(machine, TABLE, YEAR, machine.partition_path(TABLE, YEAR))
        assert found == version
    store(other, 2)
    found = find_version(warehouse, TABLE, YEAR, warehouse.partition_path(TABLE, YEAR))
    assert found != version
    forget(other, TABLE, YEAR)
    assert read_record(warehouse, TABLE, YEAR) is None


def test_status_reads_the_ends_of_files_that_are_not_here(
    machine: Bucket, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_directory(open_warehouse(load_settings()), "012501", "012502")
    here = list_stored(open_store(load_settings()))
    monkeypatch.setenv("ESRD_DATA_DIR", str(tmp_path / "other"))
    assert list_stored(open_store(load_settings())) == here
    assert not list((tmp_path / "other").rglob("data.parquet"))
    (one,) = here
    assert (one.table, one.year) == ("facility.directory", YEAR)
    assert one.made_by == {"facility.directory": ["code parameters"]}
    assert one.read == {"raw.other 2024": "1"}
    assert one.version is not None
    code, text = ask("status")
    assert code == 0, text
    assert f"Tables:      {machine.address}" in text
    assert "2024:        1 tables" in text
    # Records that are here need no request: the listings of tables and records, and the one end.
    proxy.asked.clear()
    ask("status")
    assert [method for method, _, _ in proxy.asked] == ["GET"] * 3


def test_a_year_or_facility_that_is_not_stored_is_refused(machine: Bucket) -> None:
    keep_directory(open_warehouse(load_settings()), "012501", "012502")
    code, text = ask("site", "--year", "2023")
    assert code == 1
    assert "2023 is not stored; stored are 2024" in text
    code, text = ask("site", "--year", "2024", "--facility", "012599")
    assert code == 1
    assert "012599 is no facility of 2024" in text
    assert machine.prefix.endswith("embedded")


def test_views_read_the_copies_as_of_the_last_refresh(
    warehouse: Warehouse, other: Warehouse
) -> None:
    store(warehouse, 1)
    database = other.root.parent / "esrd.duckdb"

    def ask_views() -> list[tuple[int, int]]:
        with duckdb.connect(str(database), read_only=True) as connection:
            return connection.execute(
                "SELECT stations, count(*) FROM facility.example GROUP BY ALL"
            ).fetchall()

    assert write_catalog(other, [TABLE], database).views == 1
    assert ask_views() == [(1, 1000)]
    store(warehouse, 2)
    assert ask_views() == [(1, 1000)]
    write_catalog(other, [TABLE], database)
    assert ask_views() == [(2, 1000)]
    assert read(other) == [2]
