"""The embedded default and real files have a Dagster history each; a switch is said."""

from pathlib import Path

import pytest

from esrd_pipeline.orchestration.instance import (
    OtherOriginError,
    check_origin,
    describe_switch,
    prepare_dagster_home,
)
from esrd_pipeline.settings import load_settings


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ESRD_DATA_DIR", str(tmp_path))
    for name in ("DAGSTER_HOME", "ESRD_PUBLISHED_DIR", "ESRD_PATIENT_DIR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def put_real_files(data: Path) -> None:
    folder = data / "raw" / "patient" / "2025"
    folder.mkdir(parents=True)
    (folder / "eqrs_patient.csv").write_text("a\n", encoding="utf-8")


def test_each_origin_has_a_history_of_its_own_and_the_switch_is_said(data: Path) -> None:
    embedded = load_settings()
    assert embedded.dagster_home == data / "embedded" / "dagster_home"
    prepare_dagster_home(embedded.dagster_home)
    assert describe_switch(embedded) is None
    put_real_files(data)
    real = load_settings()
    assert real.dagster_home == data / "dagster_home"
    prepare_dagster_home(real.dagster_home)
    text = describe_switch(real)
    assert text is not None
    assert text.startswith("The files are published now: their runs have a history of their own")
    assert str(embedded.dagster_home) in text
    assert describe_switch(real) is None


def test_a_shared_history_says_whose_files_it_follows(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(data / "shared"))
    assert describe_switch(load_settings()) is None
    put_real_files(data)
    text = describe_switch(load_settings())
    assert text is not None
    assert text.startswith("The files were embedded and are published now, and share")
    assert describe_switch(load_settings()) is None
    check_origin(load_settings())


def test_a_step_of_the_other_history_is_refused(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As `esrd ui` sets it before real files come.
    monkeypatch.setenv("DAGSTER_HOME", str(load_settings().dagster_home))
    check_origin(load_settings())
    put_real_files(data)
    with pytest.raises(OtherOriginError, match="restart `esrd ui`"):
        check_origin(load_settings())
