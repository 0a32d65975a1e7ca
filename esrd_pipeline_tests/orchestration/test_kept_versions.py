"""What is kept of code versions is what would be computed, and never of another state."""

from pathlib import Path

import pytest

import esrd_pipeline.definitions  # noqa: F401 - makes the assets
from esrd_pipeline import code_state, sql
from esrd_pipeline.code_state import KeptAnswers, digest_files
from esrd_pipeline.orchestration.code_version import CodeVersions
from esrd_pipeline.orchestration.kept_versions import KeptVersions
from esrd_pipeline.orchestration.table_asset import CODE_VERSIONS, MADE_ASSETS, find_digests
from esrd_pipeline.sql import parsing
from esrd_pipeline.sql.parsing import parse_text


def test_the_kept_versions_are_those_that_are_computed() -> None:
    computer = CodeVersions()
    assert len(MADE_ASSETS) > 150
    for asset in {asset.tables[0].name: asset for asset in MADE_ASSETS.values()}.values():
        computed = computer.compute_apart(asset.compute, asset.tables)
        assert CODE_VERSIONS.find(asset.compute, asset.tables) == computed, asset.tables[0].name


def test_a_state_is_computed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asset = MADE_ASSETS["facility.shr"]
    first = KeptVersions(tmp_path, "one")
    versions = first.find(asset.compute, asset.tables)
    first.keep()

    monkeypatch.setattr(CodeVersions, "compute_apart", lambda *_: ("other", "other", "other"))
    assert KeptVersions(tmp_path, "one").find(asset.compute, asset.tables) == versions
    assert KeptVersions(tmp_path, "two").find(asset.compute, asset.tables)[0] == "other"


@pytest.mark.parametrize("content", ["", '{"facility.shr": ["a", "b"'])
def test_a_file_cut_off_is_made_again(tmp_path: Path, content: str) -> None:
    (tmp_path / "one.json").write_text(content)
    asset = MADE_ASSETS["facility.shr"]
    versions = KeptVersions(tmp_path, "one")
    assert versions.find(asset.compute, asset.tables) == CODE_VERSIONS.find(
        asset.compute, asset.tables
    )
    versions.keep()
    assert (tmp_path / "one.json").read_text().endswith("}")
    assert [path.name for path in tmp_path.iterdir()] == ["one.json"]


def test_eight_states_are_kept(tmp_path: Path) -> None:
    asset = MADE_ASSETS["facility.shr"]
    for state in range(10):
        versions = KeptVersions(tmp_path, str(state))
        versions.find(asset.compute, asset.tables)
        versions.keep()
    assert len(list(tmp_path.iterdir())) == 8
    assert (tmp_path / "9.json").exists()


def test_a_change_in_any_file_is_another_state(tmp_path: Path) -> None:
    package, official = tmp_path / "package", tmp_path / "official"
    for folder in (package, official):
        folder.mkdir()
    (package / "a.py").write_text("x = 1\n")
    (package / "rows.csv").write_text("a\n1\n")
    (package / "a.pyc").write_text("ignored")
    states = {digest_files(package, None), digest_files(package, official)}
    assert len(states) == 1, "an empty folder of official files replaces nothing"
    (official / "rows.csv").write_text("a\n1\n")
    states.add(digest_files(package, official))
    (package / "rows.csv").write_text("a\n2\n")
    states.add(digest_files(package, None))
    (package / "rows.csv").rename(package / "lines.csv")
    states.add(digest_files(package, None))
    assert len(states) == 4


def test_what_is_kept_is_compared_with_the_notes_of_stored_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asset = MADE_ASSETS["facility.shr"]
    versions = KeptVersions(tmp_path, "one")
    _, code, parameters = versions.find(asset.compute, asset.tables)
    versions.keep()
    monkeypatch.setattr(code_state, "find_kept", lambda: (tmp_path, "one"))
    assert code_state.read_kept() == {asset.tables[0].name: f"{code} {parameters}"}
    assert find_digests(asset.tables[0]) == f"{code} {parameters}"
    monkeypatch.setattr(code_state, "find_kept", lambda: (tmp_path, "two"))
    assert code_state.read_kept() is None


def test_a_kept_reading_of_a_select_is_the_one_of_its_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["explain.access", "network.indicator", "history.calendar_month"]
    texts = [(one.table, one.path, one.text) for one in map(sql.load_select, names)]
    read = [parse_text(*text) for text in texts]
    assert any(source.only_if for select in read for source in select.sources)
    for _ in range(2):
        kept = KeptAnswers(tmp_path, "one")
        monkeypatch.setattr(sql, "find_readings", lambda kept=kept: kept)
        assert [sql.parse_select.__wrapped__(*text) for text in texts] == read
        kept.keep()
        monkeypatch.setattr(parsing, "parse_text", None)
