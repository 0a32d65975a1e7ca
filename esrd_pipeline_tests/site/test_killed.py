"""A run that is killed half-way leaves the site as it was; the next one leaves no rest."""

import hashlib
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from pathlib import Path
from unittest import mock

import pytest

from esrd_pipeline.site import build, replacing, writing
from esrd_pipeline_tests.site.whole import FAR, make_data, make_frames

PATIENCE_SECONDS = 120


@pytest.fixture(scope="module", autouse=True)
def small() -> Iterator[None]:
    """The pages about tables and measures take most of the time, and no part in this."""
    with mock.patch.object(build, "write_reference", return_value=iter(())):
        yield


def digest(site: Path) -> dict[str, str]:
    return {
        path.relative_to(site).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(site.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of fewer facilities, written before."""
    site = tmp_path_factory.mktemp("old") / "site"
    build.build_site(make_data(), site, choice=build.Choice(network="6"), workers=1)
    return site


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The files of the site that the killed runs would have written."""
    site = tmp_path_factory.mktemp("new") / "site"
    build.build_site(make_data(), site, workers=1)
    return digest(site)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_after(calls: int, function: Callable[..., object]) -> Callable[..., object]:
    """Return a function that kills its process at one of its calls, when it has done its work."""
    done = 0

    def call(*arguments: object, **named: object) -> object:
        nonlocal done
        result = function(*arguments, **named)
        done += 1
        if done == calls:
            die()
        return result

    return call


def run_killed(site: Path, module: object, name: str, calls: int) -> None:
    """Write the site in a process that kills itself; it must not come to its end."""

    def write() -> None:
        replaced = die_after(calls, getattr(module, name))
        with mock.patch.object(module, name, replaced):
            build.build_site(make_data(), site, workers=1)

    process = get_context("fork").Process(target=write)
    process.start()
    process.join(PATIENCE_SECONDS)
    assert process.exitcode == -signal.SIGKILL


@pytest.mark.parametrize(
    ("moment", "left"),
    [
        ((build, "start_draft", 1), "old"),
        ((writing, "write_page", 1), "old"),
        ((writing, "write_page", 12), "old"),
        ((writing, "write_page", 30), "old"),
        ((replacing, "_exchange", 1), "new"),
        ((build, "put_in_place", 1), "new"),
    ],
)
def test_the_site_is_whole_at_every_moment(
    moment: tuple[object, str, int],
    left: str,
    old: Path,
    new: dict[str, str],
    tmp_path: Path,
) -> None:
    site = shutil.copytree(old, tmp_path / "site")
    before = digest(site)
    assert f"facilities/{FAR}.html" not in before
    run_killed(site, *moment)
    assert digest(site) == (new if left == "new" else before)
    build.build_site(make_data(), site, workers=1)
    assert digest(site) == new
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_where_folders_cannot_be_exchanged_the_next_run_heals(
    old: Path, new: dict[str, str], tmp_path: Path
) -> None:
    site = shutil.copytree(old, tmp_path / "site")
    before = digest(site)
    with mock.patch.object(replacing, "_exchange", return_value=False):
        run_killed(site, Path, "rename", 1)
        # Between the two renames the old site stands beside its place, whole.
        assert not site.exists()
        shutil.rmtree(replacing.start_draft(site))
        assert digest(site) == before
        build.build_site(make_data(), site, workers=1)
    assert digest(site) == new
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_no_process_outlives_a_killed_one(tmp_path: Path) -> None:
    data, site, found = make_data(make_frames()), tmp_path / "site", tmp_path / "told"

    def write_and_wait(folder: Path, page: str, text: str) -> int:
        if page.startswith("patients/es"):
            found.write_text(str(os.getpid()), encoding="utf-8")
            time.sleep(PATIENCE_SECONDS)
        return len(folder.as_posix() + text)

    def write() -> None:
        with mock.patch.object(writing, "write_page", write_and_wait):
            build.build_site(data, site, workers=2)

    process = get_context("fork").Process(target=write)
    process.start()
    until = time.monotonic() + PATIENCE_SECONDS
    while not (found.exists() and found.read_text(encoding="utf-8")):
        assert time.monotonic() < until
        time.sleep(0.05)
    worker = int(found.read_text(encoding="utf-8"))
    assert worker != process.pid
    process.kill()
    process.join(PATIENCE_SECONDS)
    while _is_running(worker):
        assert time.monotonic() < until, "the worker has outlived its parent"
        time.sleep(0.05)
    assert not site.exists()


def _is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2]
    except FileNotFoundError:
        return False
    return state.split()[0] != "Z"
