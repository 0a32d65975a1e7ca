"""What a command is given and cannot be: one plain sentence and an exit code, never a traceback."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from esrd_pipeline.cli import main
from esrd_pipeline.orchestration.shown import list_owners
from esrd_pipeline.settings import SettingError

NAMED = ("ESRD_PUBLISHED_DIR", "ESRD_PATIENT_DIR", "ESRD_NETWORK_DIR")


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in NAMED:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ESRD_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "file").write_text("", encoding="utf-8")
    return tmp_path / "data"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)))


def assert_plain(told: Result, message: str) -> None:
    assert told.exit_code == 1, told.output
    assert isinstance(told.exception, SystemExit), told.exception
    assert message in told.output
    assert told.output.splitlines()[-1].startswith("Error: ")


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("command", ["refresh --year 2024", "backfill --from 2024 --to 2024"])
def test_a_named_folder_that_is_not_there_is_not_replaced_by_the_synthetic_nation(
    name: str, command: str, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, str(data / "nowhere"))
    assert_plain(run(*command.split()), f"{name} names {data / 'nowhere'}, which is no folder")
    assert not data.exists()


@pytest.mark.parametrize(
    "command",
    [
        "readings --write {}/page.md",
        "payment-year 2027 --write {}/page.md",
        "network template {}/network",
        "synthesize --facilities 4 --first-year 2024 --last-year 2024 --folder {}/nation",
    ],
)
def test_a_place_that_cannot_be_written_is_told(command: str, tmp_path: Path) -> None:
    place = tmp_path / "file"
    assert_plain(run(*command.format(place).split()), f"Error: {place}/")


@pytest.mark.parametrize("name", ["../../elsewhere", "/elsewhere", ".hidden", "a b", "candidates"])
def test_an_export_is_not_written_elsewhere(name: str) -> None:
    assert_plain(run("export", "--year", "2024", "--name", name), f"'{name}' is no name")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ESRD_MEMORY_LIMIT", "banana"),
        ("ESRD_ENGINE", "banana"),
        ("ESRD_WAREHOUSE", "http://banana"),
    ],
)
def test_a_setting_that_cannot_be_is_told(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    assert_plain(run("status"), f"Error: {name}")


@pytest.mark.parametrize(
    ("owners", "is_good"),
    [("ada@example.org, team:quality", True), ("banana", False), ("team:", False)],
)
def test_an_owner_is_an_address_or_a_team(
    owners: str, *, is_good: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ESRD_OWNERS", owners)
    if is_good:
        assert list_owners() == ["ada@example.org", "team:quality"]
    else:
        with pytest.raises(SettingError, match="is no e-mail address and no team:name"):
            list_owners()


@pytest.mark.parametrize("name", sorted(main.commands))
def test_the_help_of_every_command_ends_with_its_examples_a_line_each(name: str) -> None:
    """A raw docstring has no sign that keeps lines apart: help showed and joined them."""
    told = run(name, "--help").output
    assert "\\b" not in told
    text, examples = told.split("\n  Examples:\n")
    assert "esrd " + name not in text.replace(f"Usage: main {name}", "")
    lines = examples.strip("\n").split("\n")
    assert all(line.startswith(("    esrd ", "    Rscript ")) for line in lines), lines
