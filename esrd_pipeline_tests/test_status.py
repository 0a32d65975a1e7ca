"""What `esrd status`, `esrd doctor` and the early refusals tell, and that they import little."""

import json
import os
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from esrd_pipeline import cli_checks, code_state, parameters
from esrd_pipeline.cli import main
from esrd_pipeline.cli_completion import EXAMPLES
from esrd_pipeline.doctor import QUESTIONS
from esrd_pipeline.notes import MADE_BY
from esrd_pipeline.parameters.register import FIRST_PUBLISHED_YEAR
from esrd_pipeline.processes import PROCESS_TAG, describe_process
from esrd_pipeline.settings import load_settings
from esrd_pipeline.status import (
    Stored,
    find_baseline,
    find_failed_checks,
    find_last_run,
    find_stale,
)
from esrd_pipeline.tables.facility import DIRECTORY
from esrd_pipeline.warehouse import Warehouse

A, B, C = ["a1 p"], ["b1 p"], ["c1 p"]
FACTS = {"has_dfc_row": True, "has_qip_row": True}


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder, named by the environment."""
    for name in ("ESRD_PUBLISHED_DIR", "ESRD_PATIENT_DIR", "DAGSTER_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ESRD_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def ask(*arguments: str) -> tuple[int, str]:
    ended = CliRunner().invoke(main, list(arguments))
    assert ended.exception is None or isinstance(ended.exception, SystemExit), ended.exception
    return ended.exit_code, ended.output


def stored(table: str, time: float, made_by: dict[str, list[str]], year: int = 2024) -> Stored:
    return Stored(table, year, 10, time, made_by)


def keep(year: int, *ccns: str) -> None:
    warehouse = Warehouse(load_settings().warehouse_dir)
    rows = pd.DataFrame([{"ccn": ccn, "performance_year": year, **FACTS} for ccn in ccns])
    frame = rows.reindex(columns=DIRECTORY.column_names).astype(object)
    frame = frame.where(frame.notna(), None)
    notes = {MADE_BY: json.dumps({DIRECTORY.name: A})}
    warehouse.publish(warehouse.stage(DIRECTORY, year, frame, notes=notes))


def test_a_table_is_stale_where_its_code_or_what_it_was_made_from_is_newer() -> None:
    whole = [
        stored("x.a", 1, {"x.a": A}),
        stored("x.b", 2, {"x.a": A, "x.b": B}),
        stored("x.c", 3, {"x.a": A, "x.b": B, "x.c": C, "x.c_beside": C}),
        stored("x.c_beside", 4, {"x.a": A, "x.b": B, "x.c": C, "x.c_beside": C}),
    ]
    now = {"x.a": A[0], "x.b": B[0], "x.c": C[0]}
    assert find_stale(whole, now) == {}
    assert find_stale(whole, None) == {}
    assert find_stale(whole, {**now, "x.b": "b2 p"}) == {
        (2024, "other code or parameters now"): ["x.b"]
    }
    again = [stored("x.a", 9, {"x.a": A}), *whole[1:]]
    assert find_stale(again, now) == {
        (2024, "x.a was stored after it"): ["x.b", "x.c", "x.c_beside"]
    }
    anew = [*whole[:1], stored("x.b", 2, {"x.a": A, "x.b": ["b2 p"]}), *whole[2:]]
    assert find_stale(anew, {**now, "x.b": "b2 p"}) == {
        (2024, "x.b was made anew by other code"): ["x.c", "x.c_beside"]
    }
    assert find_stale([stored("x.a", 1, {})], None) == {
        (2024, "has no note of what made it"): ["x.a"]
    }


def test_a_table_stored_again_with_the_same_bytes_makes_nothing_stale() -> None:
    a = replace(stored("x.a", 9, {"x.a": A}), version="1")
    b = replace(stored("x.b", 2, {"x.a": A, "x.b": B}), version="2", read={"x.a 2024": "1"})
    assert find_stale([a, b], None) == {}
    assert find_stale([replace(a, version="3"), b], None) == {
        (2024, "x.a was stored after it"): ["x.b"]
    }
    # A list of files, of which it read its own rows.
    assert find_stale([a, replace(b, read={})], None) == {}


def test_what_came_through_an_earlier_year_may_be_stored_later_in_this_one() -> None:
    """Events by the baseline's models are made before the contract, whose stars need them."""
    contract = stored("facility.contract", 5, {"facility.contract": A})
    made_by = {"facility.contract": A, "program.star_baseline": B, "fit.baseline_scored": C}
    scored = stored("fit.baseline_scored", 2, made_by)
    assert find_stale([contract, scored], None) == {
        (2024, "facility.contract was stored after it"): ["fit.baseline_scored"]
    }
    noted = replace(scored, made_from=frozenset({"cohort.shr"}))
    assert find_stale([contract, noted], None) == {}
    cohort = stored("cohort.shr", 3, {"cohort.shr": A})
    assert find_stale(
        [contract, cohort, replace(noted, made_by={**made_by, "cohort.shr": A})], None
    )


def test_the_newest_star_baseline_is_in_force() -> None:
    assert find_baseline([]) is None
    years = [stored("program.star_baseline", 1, {}, year) for year in (2024, 2022)]
    assert find_baseline(years) == 2024


def test_the_last_run_is_read_from_dagsters_database(tmp_path: Path) -> None:
    assert find_last_run(tmp_path) is None
    (tmp_path / "history").mkdir()
    with sqlite3.connect(tmp_path / "history" / "runs.db") as opened:
        opened.execute(
            "CREATE TABLE runs"
            " (id INTEGER, run_id, pipeline_name, partition, status, start_time, end_time)"
        )
        opened.execute("CREATE TABLE run_tags (run_id, key, value)")
        rows = [
            (1, "a", "refresh", "2024", "SUCCESS", 0, 60),
            (2, "b", "site", "2025", "FAILURE", 100, 130),
        ]
        opened.executemany("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    run = find_last_run(tmp_path)
    assert run is not None
    assert (run.job, run.year, run.status, run.seconds) == ("site", "2025", "FAILURE", 30)


def test_a_run_whose_process_is_gone_is_not_going_on(tmp_path: Path) -> None:
    (tmp_path / "history").mkdir()
    mine = describe_process(os.getpid())
    with sqlite3.connect(tmp_path / "history" / "runs.db") as opened:
        opened.execute(
            "CREATE TABLE runs"
            " (id INTEGER, run_id, pipeline_name, partition, status, start_time, end_time)"
        )
        opened.execute("CREATE TABLE run_tags (run_id, key, value)")
        opened.execute("INSERT INTO runs VALUES (1, 'a', 'refresh', '2025', 'STARTED', 9, NULL)")
        opened.execute("INSERT INTO run_tags VALUES ('a', ?, ?)", (PROCESS_TAG, mine))
    going = find_last_run(tmp_path)
    assert going is not None
    assert not going.is_dead
    with sqlite3.connect(tmp_path / "history" / "runs.db") as opened:
        # The number is this process's, but not its start: it was another's before.
        opened.execute("UPDATE run_tags SET value = ?", (mine.rpartition(" ")[0] + " 1",))
    killed = find_last_run(tmp_path)
    assert killed is not None
    assert killed.is_dead


@pytest.mark.usefixtures("data")
def test_checks_are_told_by_year_and_by_the_newest_evaluation() -> None:
    keep(2024, "012501")
    keep(2025, "012501")
    home = load_settings().dagster_home
    assert find_failed_checks(home) == {}
    (home / "history" / "runs").mkdir(parents=True)
    rows = [
        ("SUCCEEDED", "2024", "plausibility"),
        ("FAILED", "2024", "plausibility"),
        ("PLANNED", "2024", "plausibility"),
        ("FAILED", "2025", "plausibility"),
        ("SUCCEEDED", "2025", "plausibility"),
        ("FAILED", "2025", "expectations"),
    ]
    with sqlite3.connect(home / "history" / "runs" / "index.db") as opened:
        opened.execute(
            "CREATE TABLE asset_check_executions (id INTEGER PRIMARY KEY, asset_key TEXT,"
            " check_name TEXT, partition TEXT, execution_status TEXT)"
        )
        opened.executemany(
            'INSERT INTO asset_check_executions VALUES (NULL, \'["facility", "directory"]\','
            " ?3, ?2, ?1)",
            rows,
        )
    assert find_failed_checks(home) == {
        (2024, "plausibility"): [DIRECTORY.name],
        (2025, "expectations"): [DIRECTORY.name],
    }
    code, text = ask("status")
    assert code == 0
    of_2024, of_2025 = text[text.index("2024:") :].split("2025:")
    assert "unlike the years before: facility.directory" in of_2024
    assert "unlike the years before" not in of_2025
    assert "broken expectations, not stored: facility.directory" in of_2025


def test_status_of_an_empty_folder_says_what_to_do_and_makes_nothing(data: Path) -> None:
    code, text = ask("status")
    assert code == 0
    assert "nothing yet: run `esrd demo`" in text
    assert f"none yet ({data}/embedded/esrd.duckdb)" in text
    assert not data.exists()


def test_status_tells_years_database_and_disk(data: Path) -> None:
    keep(2023, "012501")
    keep(2024, "012501", "012502")
    code, text = ask("status")
    assert code == 0
    assert "2023:        1 tables" in text
    assert "2024:        1 tables" in text
    assert f"Tables:      {data}/embedded/warehouse" in text
    assert "Baseline:    none" in text
    assert "stored tables" in text


@pytest.mark.usefixtures("data")
def test_status_and_refusals_import_neither_dagster_nor_pandas() -> None:
    keep(2024, "012501")
    code = (
        "import sys, contextlib\n"
        "import esrd_pipeline.cli\n"
        "from esrd_pipeline.cli_status import status\n"
        "from esrd_pipeline.cli_doctor import doctor\n"
        "from esrd_pipeline import cli_checks\n"
        "from esrd_pipeline.settings import load_settings\n"
        "status([], standalone_mode=False)\n"
        "with contextlib.suppress(SystemExit): doctor([], standalone_mode=False)\n"
        "cli_checks.require_facility(load_settings(), 2024, '012501')\n"
        "print({'dagster', 'pandas', 'duckdb', 'scipy'} & set(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("set()\n"), done.stdout


@pytest.mark.usefixtures("data")
def test_a_year_that_is_not_stored_and_a_facility_that_is_none_are_refused() -> None:
    keep(2024, "012501", "012502", "552501")
    for command in (("site",), ("export",), ("fit", "shr", "--out", "none")):
        code, text = ask(*command, "--year", "2025")
        assert code == 1
        assert "2025 is not stored; stored are 2024. Make it with `esrd refresh --year" in text
    code, text = ask("site", "--year", "2024", "--facility", "12501")
    assert code == 1
    assert "'12501' is no CCN: it has 6 digits or letters" in text
    code, text = ask("site", "--year", "2024", "--facility", "012503")
    assert code == 1
    nearest = "012503 is no facility of 2024: is the CCN right? Nearest are 012501, 012502"
    assert nearest in text
    for measure in (("--measure", "shr"), ("--tps",)):
        code, text = ask("explain", *measure, "--ccn", "012503", "--year", "2024")
        assert (code, nearest in text) == (1, True)
        code, text = ask("explain", *measure, "--ccn", "012501", "--year", "2025")
        assert (code, "2025 is not stored" in text) == (1, True)


def test_a_year_without_files_is_refused_with_the_years_that_have(data: Path) -> None:
    code, text = ask("refresh", "--year", "2014")
    assert code == 1
    assert "2014 is before 2015" in text
    (data / "raw" / "published" / "2023").mkdir(parents=True)
    (data / "raw" / "published" / "2023" / "DFC_FACILITY.csv").touch()
    code, text = ask("refresh", "--year", "2024")
    assert code == 1
    assert f"{data}/raw/published/2024: no file named DFC_FACILITY*.csv or" in text
    assert "no patient-level file in" in text
    assert "there are files of 2023" in text
    code, text = ask("refresh", "--year", "2999")
    assert code == 1
    assert "2999 is not a performance year: 2015 to" in text


def test_the_doctor_has_a_sentence_and_a_code_for_every_question(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, text = ask("doctor")
    assert [line.split()[1] for line in text.splitlines()] == [f"{name}:" for name in QUESTIONS]
    assert len({of for of, _ in QUESTIONS.values()}) == len(QUESTIONS)
    assert "java: not needed: Spark alone runs on it" in text
    assert code == 0, text
    home = load_settings().dagster_home
    (home / "history").mkdir(parents=True)
    (home / "dagster.yaml").touch()
    (home / "history" / "runs.db").write_bytes(b"no database" * 100)
    code, text = ask("doctor")
    assert (code, "FAULT  instance:" in text) == (15, True)
    (data / "embedded" / "warehouse").mkdir(parents=True)
    (data / "embedded" / "warehouse").chmod(0o755)
    code, text = ask("doctor")
    assert (code, "is open to others: chmod 700" in text) == (14, True)
    monkeypatch.setenv("ESRD_PATIENT_DIR", str(data / "nowhere"))
    code, text = ask("doctor")
    assert (code, "ESRD_PATIENT_DIR names" in text) == (13, True)
    for name, find in (("memory", "doctor.find_memory"), ("disk", "status.find_free")):
        with monkeypatch.context() as patch:
            patch.setattr(f"esrd_pipeline.{find}", lambda *_: 10**9)
            assert f"FAULT  {name}: 1.0 GB" in ask("doctor")[1]


def test_every_command_ends_its_help_with_an_example() -> None:
    for name in main.commands:
        code, text = ask(name, "--help")
        assert code == 0
        assert f"esrd {name}" in text.partition("Options:")[2] or "xample" in text, name
    assert set(EXAMPLES) <= set(main.commands)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script_of_its_own(shell: str) -> None:
    code, text = ask("completion", shell)
    assert code == 0
    assert f"_ESRD_COMPLETE={shell}_complete" in text


def test_completion_offers_commands_and_measures(monkeypatch: pytest.MonkeyPatch) -> None:
    for words, offered in (("esrd s", "status"), ("esrd fit s", "smr")):
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
        monkeypatch.setenv("_ESRD_COMPLETE", "bash_complete")
        ended = CliRunner().invoke(main, [], prog_name="esrd")
        assert f"plain,{offered}" in ended.output


def test_constants_that_are_written_twice_are_the_same() -> None:
    assert cli_checks.FIRST_YEAR == FIRST_PUBLISHED_YEAR
    assert code_state.OFFICIAL_VARIABLE == parameters.FOLDER_VARIABLE
