"""Who can read what names patients: its owner, whatever the umask; and where the UI is served."""

import os
import shlex
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from esrd_pipeline.cli import main
from esrd_pipeline.private import make_private_folder, write_private
from esrd_pipeline.tables.linkage import DEATH
from esrd_pipeline.warehouse import Warehouse


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o777], ids=oct, autouse=True)
def umask(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[int]:
    """Whatever the umask is when files are made; the test's folder is there before."""
    assert tmp_path.is_dir()
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_a_new_file_and_its_folders_are_its_owners_alone(tmp_path: Path) -> None:
    folder = make_private_folder(tmp_path / "explanations", "2024")
    with write_private(folder / "shr_012501.csv") as file:
        file.write("patient_id\r\n7\n")
        (draft,) = folder.iterdir()
        assert mode(draft) == 0o600, "the draft is private from its first byte"
        assert draft.name.startswith(".shr_012501.csv.")
    assert [path.name for path in folder.iterdir()] == ["shr_012501.csv"]
    assert (folder / "shr_012501.csv").read_bytes() == b"patient_id\r\n7\n"
    assert mode(folder / "shr_012501.csv") == 0o600
    assert mode(folder) == mode(folder.parent) == 0o700


def test_what_was_open_before_is_closed(tmp_path: Path) -> None:
    root = tmp_path / "explanations"
    for folder in (root, root / "2024"):
        folder.mkdir()
        folder.chmod(0o777)
    for name in ("shr_012501.csv", "shr_012502.csv"):
        (root / "2024" / name).write_text("old")
        (root / "2024" / name).chmod(0o666)
    folder = make_private_folder(root, "2024")
    with write_private(folder / "shr_012501.csv") as file:
        file.write("new")
    assert mode(root) == mode(folder) == 0o700
    assert {mode(path) for path in folder.iterdir()} == {0o600}
    assert (folder / "shr_012501.csv").read_text() == "new"
    assert (folder / "shr_012502.csv").read_text() == "old"


def test_an_error_leaves_the_file_before_and_no_draft(tmp_path: Path) -> None:
    folder = make_private_folder(tmp_path / "explanations", "2024")
    path = folder / "shr_012501.csv"
    path.write_text("before")
    path.chmod(0o600)

    def fail() -> None:
        with write_private(path) as file:
            file.write("half")
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        fail()
    assert [one.name for one in folder.iterdir()] == ["shr_012501.csv"]
    assert path.read_text() == "before"


@pytest.mark.parametrize("umask", [0o000, 0o022], indirect=True)
def test_a_new_warehouse_is_its_owners_alone_and_an_opened_one_stays_open(tmp_path: Path) -> None:
    for name in ("new", "opened"):
        root = tmp_path / name / "warehouse"
        if name == "opened":
            root.mkdir(parents=True)
            root.chmod(0o750)
        with Warehouse(root).lock(DEATH, 2024):
            assert mode(root) == (0o700 if name == "new" else 0o750)


def start_ui(monkeypatch: pytest.MonkeyPatch, folder: Path, *options: str) -> tuple[Result, str]:
    """Call `esrd ui`; return what it says and the command by which it replaces itself."""
    commands: list[str] = []
    monkeypatch.setenv("ESRD_DATA_DIR", str(folder))
    monkeypatch.setenv("DAGSTER_HOME", str(folder / "home"))
    monkeypatch.setenv("DAGSTER_DISABLE_TELEMETRY", "1")
    monkeypatch.setattr(os, "execv", lambda _, command: commands.append(shlex.join(command)))
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    result = CliRunner().invoke(main, ["ui", *options])
    assert result.exit_code == 0, result.output
    (command,) = commands
    return result, command


@pytest.mark.parametrize("umask", [0o022], indirect=True)
@pytest.mark.parametrize(
    "options", [(), ("--host", "localhost"), ("--host", "127.0.0.9"), ("--host", "::1")]
)
def test_the_ui_serves_this_machine_alone(
    options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    result, command = start_ui(monkeypatch, tmp_path, *options)
    assert command.endswith(f" -p 3000 -h {options[1] if options else '127.0.0.1'}")
    assert result.stderr == ""


@pytest.mark.parametrize("umask", [0o022], indirect=True)
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.5", "esrd.example.org"])  # noqa: S104
def test_the_ui_says_so_where_others_reach_it(
    host: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    result, command = start_ui(monkeypatch, tmp_path, "--host", host, "--port", "8080")
    assert command.endswith(f" -p 8080 -h {host}")
    assert result.stderr == (
        "Warning: the UI asks for no password, so patient data can be reached by anybody who"
        f" reaches port 8080 of {host}: put a proxy with authentication and TLS before it"
        " (README.md, The UI).\n"
    )
