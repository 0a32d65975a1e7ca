"""A killed generator leaves only complete files, and a second run writes the same bytes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from esrd_pipeline.synthetic.published import write_published_files

pytestmark = pytest.mark.slow

# Stops for ever at the n-th call that makes a file durable: its text is written, its name is not.
CHILD = """
import os, sys, time
from pathlib import Path
from esrd_pipeline.synthetic.published import write_published_files

whole_files = int(sys.argv[2])
calls = 0
sync = os.fsync

def stop(descriptor):
    global calls
    calls += 1
    if calls > whole_files:
        print("stopped", flush=True)
        time.sleep(600)
    sync(descriptor)

os.fsync = stop
write_published_files(Path(sys.argv[1]), performance_year=2024, facility_count=40)
"""


@pytest.mark.parametrize("whole_files", [0, 1, 4])
def test_killed_in_the_middle_of_a_file(tmp_path: Path, whole_files: int) -> None:
    undisturbed = write_published_files(
        tmp_path / "undisturbed", performance_year=2024, facility_count=40
    )
    folder = tmp_path / "killed"
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder), str(whole_files)], stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline().strip() == b"stopped"
        os.kill(child.pid, signal.SIGKILL)
    names = sorted(path.name for path in folder.glob("*.csv"))
    assert names == sorted(path.name for path in undisturbed[:whole_files])
    for name in names:
        assert (folder / name).read_bytes() == (tmp_path / "undisturbed" / name).read_bytes()

    again = write_published_files(folder, performance_year=2024, facility_count=40)
    assert sorted(folder.iterdir()) == sorted(again)
    for path, expected in zip(again, undisturbed, strict=True):
        assert path.read_bytes() == expected.read_bytes()
