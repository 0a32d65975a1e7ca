"""A full disk or a kill leaves no half release, and an approval that was stopped is completed."""

import errno
import multiprocessing
import os
import resource
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from esrd_pipeline.releases import approval, ledger
from esrd_pipeline.releases.approval import approve, complete, list_releases, verify
from esrd_pipeline.releases.ledger import CANDIDATES, read_ledger
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline_tests.releases.orders import BEN, NOW, QUARTER, list_all, make, release

_FORK = multiprocessing.get_context("fork")


def run_apart(work: Callable[[], object]) -> int:
    """Run work in a process of its own, and return its exit code."""

    def guarded() -> None:
        try:
            work()
        except OSError as stopped:
            os._exit(stopped.errno or 1)
        os._exit(0)

    process = _FORK.Process(target=guarded)
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def approve_it(folder: Path) -> None:
    approve(folder=folder, quarter=QUARTER, approver=BEN, when=NOW, by_names=False)


def list_shown(folder: Path) -> list[str]:
    """Return the folders of a year that have their names: candidates and releases."""
    found = [*folder.glob("[!.]*"), *(folder / CANDIDATES).glob("[!.]*")]
    return sorted(path.name for path in found if path.is_dir() and path.name != CANDIDATES)


@pytest.mark.parametrize("name", ["describe_inputs", "seal", "append"])
def test_a_kill_while_a_candidate_is_made_leaves_none(
    stored_year: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(f"esrd_pipeline.releases.candidate.{name}", die)
        assert run_apart(lambda: make(stored_year, tmp_path)) == -signal.SIGKILL
    assert read_ledger(tmp_path) == []
    assert verify(tmp_path) == ([], [])
    make(stored_year, tmp_path)
    approve_it(tmp_path)
    assert list_shown(tmp_path) == [QUARTER]
    assert not [name for name in list_all(tmp_path) if "draft" in name]


@pytest.mark.parametrize("step", ["copytree", "seal", "rename", "close_folders"])
def test_a_kill_while_it_is_approved_leaves_no_half_release_and_is_completed(
    stored_year: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    make(stored_year, tmp_path)
    with monkeypatch.context() as patch:
        owner = {"copytree": shutil, "rename": Path}.get(step, approval)
        patch.setattr(owner, step, die)
        assert run_apart(lambda: approve_it(tmp_path)) == -signal.SIGKILL
    out = step == "close_folders"
    assert (tmp_path / QUARTER).exists() is out
    faults = [fault for one in verify(tmp_path)[0] for fault in one.faults]
    assert faults == ([] if out else ["its folder is missing"])
    complete(tmp_path)
    assert [fault for one in verify(tmp_path)[0] for fault in one.faults] == []
    assert [one.state for one in list_releases(tmp_path)] == ["released"]
    assert QUARTER in list_shown(tmp_path)
    assert not [name for name in list_all(tmp_path) if "draft" in name]


def test_a_full_disk_leaves_no_candidate_and_the_ledger_as_it_was(
    stored_year: Warehouse, tmp_path: Path
) -> None:
    release(stored_year, tmp_path)
    before = list_all(tmp_path)

    def make_with_little_room() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        # Files may have 100,000 bytes: the contract's CSV has more.
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        make(stored_year, tmp_path, replaces=QUARTER, why="A test.")

    assert run_apart(make_with_little_room) == errno.EFBIG
    assert list_all(tmp_path) == before
    assert [one.state for one in list_releases(tmp_path)] == ["released"]
    assert [fault for one in verify(tmp_path)[0] for fault in one.faults] == []


def test_a_full_disk_while_it_is_approved_leaves_the_candidate(
    stored_year: Warehouse, tmp_path: Path
) -> None:
    make(stored_year, tmp_path)

    def approve_with_little_room() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        approve_it(tmp_path)

    assert run_apart(approve_with_little_room) != 0
    assert not (tmp_path / QUARTER).exists()
    assert not [name for name in list_all(tmp_path) if "draft" in name]
    complete(tmp_path)
    assert [fault for one in verify(tmp_path)[0] for fault in one.faults] == []


def test_no_room_for_the_ledger_leaves_it_as_it_was(
    stored_year: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(stored_year, tmp_path)
    before = read_ledger(tmp_path)

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(ledger.os, "fsync", fail)
        with pytest.raises(OSError, match="No space left"):
            approve_it(tmp_path)
    assert read_ledger(tmp_path) == before
    assert not [name for name in list_all(tmp_path) if ".ledger-" in name]
    approve_it(tmp_path)
    assert list_shown(tmp_path) == [QUARTER]
