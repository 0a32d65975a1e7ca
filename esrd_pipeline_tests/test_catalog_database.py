"""`esrd.duckdb`: no session of a reader breaks it, and it reads the tables of its own folder."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from esrd_pipeline.catalog_database import FOLDER_VARIABLE, VERSIONS, Catalog, write_catalog
from esrd_pipeline.tables.catalog import CATALOG, PATIENT_TABLES, TABLES, TABLES_BY_NAME
from esrd_pipeline.tables.dictionary import list_columns
from esrd_pipeline.tables.facility import DIRECTORY
from esrd_pipeline.tables.measured import CONTRACT
from esrd_pipeline.tables.model import Column, Rule, Table
from esrd_pipeline.warehouse import Warehouse

TABLE = Table(
    name="facility.example",
    grain="one facility",
    source="this test",
    key=("ccn",),
    columns=(Column("ccn", "text", "CCN", required=True), Column("rate", "number", "Rate")),
)
WHOLE = replace(TABLE, columns=(TABLE.columns[0], Column("rate", "integer", "Rate")))
STRANGE = "a[1]?*'b"
OPENED = "import duckdb, os, sys, time; session = duckdb.connect(sys.argv[1]); "
WRITTEN = "session.execute('CREATE VIEW mine AS SELECT 1'); "
WAITING = "print('ready', flush=True); sys.stdin.readline(); "


def store(data: Path, ccn: str, year: int = 2024, table: Table = TABLE, rate: float = 1.0) -> None:
    warehouse = Warehouse(data / "warehouse")
    frame = pd.DataFrame({"ccn": [ccn], "rate": [rate]})
    warehouse.publish(warehouse.stage(table, year, frame))


def refresh(data: Path, table: Table = TABLE) -> Catalog:
    return write_catalog(Warehouse(data / "warehouse"), (table,), data / "esrd.duckdb")


def make(data: Path, ccn: str) -> Path:
    store(data, ccn)
    refresh(data)
    return data


def read(database: Path, *, read_only: bool = True) -> list[str]:
    with duckdb.connect(str(database), read_only=read_only) as session:
        return ask(session)


def ask(session: duckdb.DuckDBPyConnection, schema: str = "facility") -> list[str]:
    return [ccn for ccn, _ in session.execute(f"FROM {schema}.example ORDER BY ccn").fetchall()]


@contextmanager
def running(database: Path, code: str) -> Generator[subprocess.Popen[str]]:
    """Run a session in a process of its own up to where it waits for a line."""
    with subprocess.Popen(
        [sys.executable, "-c", OPENED + code, str(database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.kill()


def versions(data: Path) -> set[str]:
    return {path.name for path in (data / VERSIONS).iterdir() if path.is_dir()}


def test_the_catalog_sees_years_published_after_it_was_written(tmp_path: Path) -> None:
    store(tmp_path, "a")
    assert refresh(tmp_path) == Catalog(views=1, left_out=())
    store(tmp_path, "b", year=2025)
    assert read(tmp_path / "esrd.duckdb") == ["a", "b"]


def test_a_session_killed_after_it_wrote_breaks_no_later_catalog(tmp_path: Path) -> None:
    database = make(tmp_path, "a") / "esrd.duckdb"
    with running(database, WRITTEN + WAITING) as session:
        session.send_signal(signal.SIGKILL)
        session.wait()
    assert list(tmp_path.rglob("*.wal")), "the session was to leave a log"
    assert read(database, read_only=False) == ["a"], "before a refresh"
    for _ in range(3):
        refresh(tmp_path)
        assert read(database) == read(database, read_only=False) == ["a"]
    assert not list(tmp_path.rglob("*.wal"))
    with duckdb.connect(str(database), read_only=True) as reader, pytest.raises(duckdb.Error):
        reader.execute("FROM mine")


def test_a_session_that_writes_after_a_refresh_breaks_nothing(tmp_path: Path) -> None:
    database = make(tmp_path, "a") / "esrd.duckdb"
    with running(database, WAITING + WRITTEN + WAITING) as session:
        with pytest.raises(duckdb.IOException, match="lock"):
            read(database)
        refresh(tmp_path)
        assert read(database) == ["a"], "the session that writes no longer keeps others out"
        assert session.stdin is not None
        assert session.stdout is not None
        session.stdin.write("go\n")
        session.stdin.flush()
        assert session.stdout.readline() == "ready\n"
        session.send_signal(signal.SIGKILL)
        session.wait()
        assert read(database) == read(database, read_only=False) == ["a"]


def test_a_running_reader_keeps_its_version_until_it_ends(tmp_path: Path) -> None:
    database = make(tmp_path, "a") / "esrd.duckdb"
    (held,) = versions(tmp_path)
    read_only = "session.close(); session = duckdb.connect(sys.argv[1], read_only=True); "
    printed = "print(session.execute('FROM facility.example').fetchall(), flush=True)"
    with running(database, read_only + WAITING + printed) as session:
        for _ in range(4):
            refresh(tmp_path)
        assert held in versions(tmp_path)
        assert len(versions(tmp_path)) == 3, "its own, the last and the one before"
        out, err = session.communicate("go\n", timeout=60)
        assert out == "[('a', 1.0)]\n", err
    refresh(tmp_path)
    assert held not in versions(tmp_path)
    assert len(versions(tmp_path)) == 2


def test_a_plain_file_of_earlier_code_and_its_log_are_replaced(tmp_path: Path) -> None:
    store(tmp_path, "a")
    database = tmp_path / "esrd.duckdb"
    with duckdb.connect(str(database)) as earlier:
        earlier.execute("CREATE TABLE other AS SELECT 1")
    with running(database, WRITTEN + WAITING) as session:
        session.send_signal(signal.SIGKILL)
        session.wait()
    assert (tmp_path / "esrd.duckdb.wal").exists()
    refresh(tmp_path)
    assert not (tmp_path / "esrd.duckdb.wal").exists()
    assert read(database, read_only=False) == ["a"]


def test_a_refresh_killed_halfway_is_made_good_by_the_next(tmp_path: Path) -> None:
    database = make(tmp_path, "a") / "esrd.duckdb"
    half = tmp_path / VERSIONS / ("0" * 32)
    half.mkdir()
    (half / "esrd.duckdb").write_bytes(b"half")
    (tmp_path / VERSIONS / "link").symlink_to("nowhere")
    refresh(tmp_path)
    assert read(database) == ["a"]
    assert not half.exists()
    assert len(versions(tmp_path)) == 2


@pytest.mark.parametrize("links", [True, False], ids=["links kept", "links followed"])
def test_a_copy_reads_its_own_tables(tmp_path: Path, *, links: bool) -> None:
    original = make(tmp_path / "original", "a")
    copy = shutil.copytree(original, tmp_path / "copy", symlinks=links)
    store(copy, "b")
    for read_only in (True, False):
        assert read(copy / "esrd.duckdb", read_only=read_only) == ["b"]
        assert read(original / "esrd.duckdb", read_only=read_only) == ["a"]
    refresh(copy)
    assert read(copy / "esrd.duckdb") == ["b"]


def test_a_moved_folder_reads_its_own_tables_from_any_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = make(tmp_path / "data", "a").rename(tmp_path / STRANGE)
    (tmp_path / "beside").symlink_to(moved)
    assert read(moved / "esrd.duckdb") == ["a"]
    assert read(tmp_path / "beside" / "esrd.duckdb") == ["a"]
    monkeypatch.chdir(moved)
    assert read(Path("esrd.duckdb")) == ["a"]
    monkeypatch.chdir(tmp_path)
    assert read(Path(os.path.relpath(moved)) / "esrd.duckdb") == ["a"]


def test_an_attached_copy_never_reads_the_originals_tables(tmp_path: Path) -> None:
    original = make(tmp_path / "original", "a")
    copy = shutil.copytree(original, tmp_path / "copy", symlinks=True)
    store(copy, "b")
    with duckdb.connect() as session:
        session.execute(f"ATTACH '{original}/esrd.duckdb' AS one (READ_ONLY)")
        assert ask(session, "one.facility") == ["a"]
        session.execute("DETACH one")
        session.execute(f"ATTACH '{copy}/esrd.duckdb' AS two (READ_ONLY)")
        with pytest.raises(duckdb.Error, match=f"SET VARIABLE {FOLDER_VARIABLE}"):
            ask(session, "two.facility")
        session.execute(f"SET VARIABLE {FOLDER_VARIABLE} = '{copy}'")
        assert ask(session, "two.facility") == ["b"]
        session.execute(f"ATTACH '{original}/esrd.duckdb' AS one (READ_ONLY)")
        for schema in ("one.facility", "two.facility"):
            with pytest.raises(duckdb.Error, match="attach one alone"):
                ask(session, schema)
    with duckdb.connect(str(original / "esrd.duckdb"), read_only=True) as session:
        session.execute(f"ATTACH '{copy}/esrd.duckdb' AS two (READ_ONLY)")
        with pytest.raises(duckdb.Error, match="attach one alone"):
            ask(session, "two.facility")


def test_a_session_with_a_spill_folder_of_its_own(tmp_path: Path) -> None:
    original = make(tmp_path / "original", "a")
    copy = shutil.copytree(original, tmp_path / "copy")
    spill = {"temp_directory": str(tmp_path / "spill")}
    with duckdb.connect(str(original / "esrd.duckdb"), read_only=True, config=spill) as session:
        assert ask(session) == ["a"]
    with (
        duckdb.connect(str(copy / "esrd.duckdb"), read_only=True, config=spill) as session,
        pytest.raises(duckdb.Error, match=f"SET VARIABLE {FOLDER_VARIABLE}"),
    ):
        ask(session)


def test_folders_whose_names_are_patterns_of_each_other_are_not_mixed(tmp_path: Path) -> None:
    strange = make(tmp_path / STRANGE, "a")
    store(tmp_path / "a1xyz'b", "b")
    store(tmp_path / "a[1]xx'b", "c")
    assert read(strange / "esrd.duckdb") == ["a"]


def test_a_year_that_does_not_fit_is_left_out_by_name(tmp_path: Path) -> None:
    store(tmp_path, "a", year=2023, table=WHOLE)
    store(tmp_path, "b")
    made = refresh(tmp_path)
    assert made.views == 1
    (reason,) = made.left_out
    assert reason == (
        "facility.example 2023: column rate is stored as integer, defined as number."
        " Make the year again: esrd refresh --year 2023"
    )
    with duckdb.connect(str(tmp_path / "esrd.duckdb"), read_only=True) as session:
        assert ask(session) == ["b"]
        rows = session.execute("SELECT table_name, performance_year FROM esrd_left_out").fetchall()
    assert rows == [("facility.example", 2023)]
    store(tmp_path, "a", year=2023)
    assert refresh(tmp_path).left_out == ()
    assert read(tmp_path / "esrd.duckdb") == ["a", "b"]


def test_each_measure_of_a_program_has_a_view_with_one_unit_and_the_facilitys_place(
    tmp_path: Path,
) -> None:
    for year in (2023, 2024):
        keep(tmp_path, DIRECTORY, year, [{"ccn": "a", "facility_name": f"NORTH {year}"}])
        rows = [
            {"program": "dfc", "measure": "shr", "value": 1.1, "value_unit": "ratio"},
            {"program": "qip", "measure": "shr", "value": 150.0, "value_unit": "events"},
            {"program": "qip", "measure": "ltc", "value": 0.2, "value_unit": "fraction"},
        ]
        keep(tmp_path, CONTRACT, year, [{"ccn": ccn, **row} for ccn in "ab" for row in rows])
    made = write_catalog(
        Warehouse(tmp_path / "warehouse"), (CONTRACT, DIRECTORY), tmp_path / "esrd.duckdb"
    )
    assert (made.views, made.measures) == (2, 3)
    with duckdb.connect() as session:
        session.execute(f"ATTACH '{tmp_path}/esrd.duckdb' AS one (READ_ONLY)")
        for schema in ("one.dfc", "one.qip"):
            assert len(session.execute(f"FROM {schema}.shr").fetchall()) == 4
    with duckdb.connect(str(tmp_path / "esrd.duckdb"), read_only=True) as session:
        found = session.execute(
            "SELECT ccn, performance_year, facility_name, value, value_unit FROM dfc.shr"
            " ORDER BY ALL"
        ).fetchall()
        (text,) = session.execute(
            "SELECT comment FROM duckdb_columns() WHERE schema_name = 'qip'"
            " AND table_name = 'ltc' AND column_name = 'value_unit'"
        ).fetchone() or ("",)
    assert found == [
        ("a", 2023, "NORTH 2023", 1.1, "ratio"),
        ("a", 2024, "NORTH 2024", 1.1, "ratio"),
        ("b", 2023, None, 1.1, "ratio"),
        ("b", 2024, None, 1.1, "ratio"),
    ]
    assert text.startswith("Unit of value and its limits")


def test_the_dictionary_is_whole_stands_once_and_is_said_of_every_column(tmp_path: Path) -> None:
    rows = list_columns((*TABLES, *PATIENT_TABLES), PATIENT_TABLES)
    dictionary = pd.DataFrame(rows, columns=CATALOG.column_names)
    for year in (2023, 2024):
        store(tmp_path, "a", year)
        warehouse = Warehouse(tmp_path / "warehouse")
        warehouse.publish(warehouse.stage(CATALOG, year, dictionary))
    with_units = replace(
        TABLE,
        columns=(TABLE.columns[0], Column("rate", "number", "Rate", unit="percent", minimum=0)),
        rules=(Rule("a rate is a share", "rate <= 100"),),
    )
    database = tmp_path / "esrd.duckdb"
    write_catalog(warehouse, (with_units, CATALOG), database, dictionary=dictionary)
    with duckdb.connect(str(database), read_only=True) as session:
        counts = session.execute(
            "SELECT count(*), count(DISTINCT (table_name, column_name)),"
            " count(DISTINCT table_name) FROM report.catalog"
        ).fetchone()
        kept = session.execute(
            "SELECT allowed, is_patient_level FROM report.catalog WHERE column_name = 'program'"
            " AND table_name IN ('facility.contract', 'cohort.shr') ORDER BY table_name"
        ).fetchall()
        comments = session.execute(
            "SELECT comment FROM duckdb_columns() WHERE table_name = 'example'"
            " ORDER BY column_index"
        ).fetchall()
        (of_view,) = session.execute(
            "SELECT comment FROM duckdb_views() WHERE view_name = 'example'"
        ).fetchone() or ("",)
    assert counts == (len(rows), len(rows), len(TABLES_BY_NAME))
    assert kept == [(["dfc", "qip"], True), (["dfc", "qip"], False)]
    assert [text for (text,) in comments] == [
        "CCN; part of the key; no nulls",
        "Rate; unit: percent; at least: 0; a rate is a share (rate <= 100)",
    ]
    assert of_view == "One row is one facility. Key: ccn. Source: this test."


def keep(data: Path, table: Table, year: int, rows: list[dict[str, object]]) -> None:
    """Store rows of a real table; what its definition needs beside them is made up."""
    needed: dict[str, object] = {
        column.name: {"text": "", "boolean": True, "integer": year}.get(column.type)
        for column in table.columns
        if column.required
    }
    frame = pd.DataFrame([{**needed, **row} for row in rows]).reindex(columns=table.column_names)
    frame = frame.astype(object).where(frame.notna(), None)
    warehouse = Warehouse(data / "warehouse")
    warehouse.publish(warehouse.stage(table, year, frame))


def test_a_year_of_another_type_stored_later_is_not_cast(tmp_path: Path) -> None:
    store(tmp_path, "a", year=2023, table=WHOLE)
    refresh(tmp_path, WHOLE)
    store(tmp_path, "b", rate=1.6)
    with duckdb.connect(str(tmp_path / "esrd.duckdb"), read_only=True) as session:
        rows = session.execute("FROM facility.example ORDER BY ccn").fetchall()
    assert rows == [("a", 1.0), ("b", 1.6)]
