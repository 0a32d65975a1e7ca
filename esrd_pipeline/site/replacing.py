"""Puts a finished folder in the place of another in one step, whenever it may be killed.

A process may be killed at any moment: what stands under the site's name is then the old site or the
new one, whole, and the next run removes what the killed one has left.
"""

import ctypes
import os
import shutil
import signal
import sys
from pathlib import Path

_DRAFT, _BEFORE = ".draft-site", ".replaced-site"
_HERE, _EXCHANGE, _END_WITH_PARENT = -100, 2, 1
"""AT_FDCWD and RENAME_EXCHANGE of renameat2(2), PR_SET_PDEATHSIG of prctl(2)."""


def start_draft(folder: Path) -> Path:
    """Remove what killed runs have left of a folder, and return an empty one to write into."""
    draft, before = _name(_DRAFT, folder), _name(_BEFORE, folder)
    if before.exists() and not folder.exists():
        before.rename(folder)
    shutil.rmtree(before, ignore_errors=True)
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    return draft


def put_in_place(draft: Path, folder: Path) -> None:
    """Give a draft the folder's name; what had it before is deleted."""
    before = _name(_BEFORE, folder)
    if not folder.exists():
        draft.rename(folder)
    elif not _exchange(draft, folder):
        folder.rename(before)
        draft.rename(folder)
    shutil.rmtree(draft, ignore_errors=True)
    shutil.rmtree(before, ignore_errors=True)


def end_with_parent() -> None:
    """Make this process end when the one that forked it is killed (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_END_WITH_PARENT, signal.SIGKILL)


def _name(prefix: str, folder: Path) -> Path:
    return folder.with_name(f"{prefix}-{folder.name}")


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two folders in one step; False where the system or the file system cannot."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None) if sys.platform == "linux" else None
    if rename is None:
        return False
    return rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0
