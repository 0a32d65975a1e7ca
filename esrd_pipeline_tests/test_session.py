"""What the tests' own session does: a folder made once, tiers, an order."""

from pathlib import Path
from types import SimpleNamespace

import pytest

import esrd_pipeline_tests
from esrd_pipeline_tests.session import make_once
from esrd_pipeline_tests.tiers import (
    COMMIT_SECONDS,
    COSTLIEST,
    find_scope,
    is_slow,
    list_long,
    note,
)

TESTS = Path(str(esrd_pipeline_tests.__file__)).parent


def factory(folder: Path) -> pytest.TempPathFactory:
    """A session's base folder, as a worker has it below the session's."""
    return SimpleNamespace(getbasetemp=lambda: folder)  # type: ignore[return-value]


def test_a_folder_is_made_by_the_first_worker_and_found_by_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Path] = []
    folders = set()
    for worker in ("gw0", "gw1", "gw0"):
        monkeypatch.setenv("PYTEST_XDIST_WORKER", worker)
        folders.add(make_once(factory(tmp_path / worker), "example", made.append))
    assert folders == {tmp_path / "example"}
    assert made == [tmp_path / "example"]


def test_a_folder_that_could_not_be_made_is_not_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")

    def fail(_: Path) -> None:
        raise ValueError("no such nation")

    with pytest.raises(ValueError, match="no such nation"):
        make_once(factory(tmp_path / "gw0"), "example", fail)
    with pytest.raises(RuntimeError, match="example: another worker could not make it"):
        make_once(factory(tmp_path / "gw1"), "example", fail)


def test_a_quick_test_that_takes_long_is_named(request: pytest.FixtureRequest) -> None:
    assert not is_slow(request.node)
    item = SimpleNamespace(get_closest_marker=lambda _: None, user_properties=[])
    note(item, COMMIT_SECONDS)  # type: ignore[arg-type]
    assert item.user_properties == []
    note(item, COMMIT_SECONDS + 1.0)  # type: ignore[arg-type]
    reports = [
        pytest.TestReport(
            nodeid="sql/test_days.py::test_a_day",
            location=("sql/test_days.py", 1, "test_a_day"),
            keywords={},
            outcome="passed",
            longrepr=None,
            when=when,
            user_properties=item.user_properties,
        )
        for when in ("call", "teardown")
    ]
    (line,) = list_long(reports)
    assert line.startswith("sql/test_days.py::test_a_day: 16 s of processor time, above 15: ")


def test_the_files_that_start_first_are_there() -> None:
    assert [name for name in COSTLIEST if not (TESTS / name).is_file()] == []


def test_the_four_years_are_one_workers_and_every_other_file_is_by_itself() -> None:
    folder = "esrd_pipeline_tests/acceptance"
    names = ("years_from_raw", "broken_source", "permuted_files", "from_raw")
    years, broken, permuted, alone = (find_scope(f"{folder}/test_{name}.py") for name in names)
    assert years == broken == permuted
    assert alone == f"{folder}/test_from_raw.py"
