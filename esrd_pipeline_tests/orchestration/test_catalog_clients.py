"""`esrd.duckdb` is read by the DuckDB that people have: older than the library that writes it."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from esrd_pipeline_tests.orchestration.conftest import Refreshed
from esrd_pipeline_tests.session import make_once
from esrd_pipeline_tests.test_catalog_database import STRANGE, make

OLDER = "duckdb==1.1.3"
"""The oldest whose macros know variables."""
NEWEST_COMMAND = "duckdb-cli==1.5.6"
"""The newest command line there was when the library was 2.0."""

pytestmark = pytest.mark.slow


@dataclass(frozen=True, slots=True)
class Clients:
    """An environment of its own with the older library and the command line."""

    bin: Path

    def ask_library(self, database: str, sql: str) -> list[list[object]]:
        """Return the rows that the older library reads."""
        code = (
            "import duckdb, json, sys; session = duckdb.connect(sys.argv[1], read_only=True);"
            # A query of more than two seconds would print its progress into the answer.
            " session.execute('SET enable_progress_bar = false');"
            " print(json.dumps(session.execute(sys.argv[2]).fetchall(), default=str))"
        )
        return json.loads(run(str(self.bin / "python"), "-c", code, database, sql))

    def ask_command(self, database: str, sql: str) -> list[list[object]]:
        """Return the rows that the command line reads."""
        text = run(str(self.bin / "duckdb"), "-readonly", "-json", database, sql)
        return [list(row.values()) for row in json.loads(text or "[]")]


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Clients:
    """The clients, installed from the package index; skipped where it is not reached."""

    def install(folder: Path) -> None:
        run(sys.executable, "-m", "venv", str(folder / "venv"))
        pip = [str(folder / "venv" / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        done = subprocess.run(
            [*pip, "--disable-pip-version-check", OLDER, NEWEST_COMMAND],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"{OLDER} and {NEWEST_COMMAND} cannot be installed here: {done.stderr}")

    return Clients(make_once(tmp_path_factory, "clients", install) / "venv" / "bin")


def test_older_clients_read_a_small_folder_from_any_place(
    clients: Clients, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = make(tmp_path / STRANGE, "a")
    (tmp_path / "beside").symlink_to(data)
    monkeypatch.chdir(tmp_path)
    for place in (
        str(data),
        "beside",
        "./beside",
        f"{tmp_path}/beside",
        f"../{tmp_path.name}/beside",
    ):
        for ask in (clients.ask_library, clients.ask_command):
            assert ask(f"{place}/esrd.duckdb", "FROM facility.example") == [["a", 1.0]], place
    monkeypatch.chdir(data)
    assert clients.ask_command("esrd.duckdb", "FROM facility.example") == [["a", 1.0]]


def test_older_clients_read_every_view_of_a_refreshed_folder(
    clients: Clients, refreshed: Refreshed
) -> None:
    database = str(refreshed.data / "esrd.duckdb")
    listed = "SELECT schema_name || '.' || view_name FROM duckdb_views() WHERE NOT internal"
    for ask in (clients.ask_library, clients.ask_command):
        views = sorted(str(name) for (name,) in ask(database, listed))
        assert "program.qip_tps" in views
        each = [f"SELECT count(*) FROM {view}" for view in views]  # noqa: S608 - of our own views
        counted = ask(database, " UNION ALL ".join(each))
        assert len(counted) == len(views)
        (facilities,) = ask(
            database,
            "SELECT count(DISTINCT ccn), count(tps) > 0 FROM program.qip_tps"
            " WHERE performance_year = 2025",
        )
        assert facilities[0] == 60
        assert facilities[1] in (True, "true")
