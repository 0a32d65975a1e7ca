"""Code versions of one state of the package's files, kept in a file of the user's cache.

Computing them reads every module of the package, which is most of what loading the definitions
takes. They depend on these files alone, so a file named by their digest holds them: a change of any
file is another digest, and what was kept is never out of date.
"""

import contextlib
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from esrd_pipeline.code_state import find_kept
from esrd_pipeline.orchestration.code_version import CodeVersions
from esrd_pipeline.tables.model import Table

Version = tuple[str, str, str]
"""The version of a computation, that of its code alone, and that of its parameter files alone."""
_KEPT_STATES = 8
"""Files kept: a developer goes back and forth between a few states."""


class KeptVersions:
    """Code versions, read from the file of this state of the package if there is one."""

    def __init__(self, folder: Path, state: str) -> None:
        self._path = folder / f"{state}.json"
        self._computer = CodeVersions()
        self._added = False
        self._versions: dict[str, Version] = {}
        # Without the file, or with one that a full disk cut off, they are computed.
        with contextlib.suppress(OSError, ValueError):
            self._versions = json.loads(self._path.read_bytes())

    def find(self, computation: object, tables: Sequence[Table]) -> Version:
        """Return the versions of the computation that stores `tables`."""
        name = tables[0].name
        if name not in self._versions:
            self._versions[name] = self._computer.compute_apart(computation, tables)
            self._added = True
        version, code, parameters = self._versions[name]
        return version, code, parameters

    def keep(self) -> None:
        """Write the file if something was computed. A folder that cannot be written is left."""
        if not self._added:
            return
        with contextlib.suppress(OSError):
            folder = self._path.parent
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=folder, suffix=".new", delete=False) as new:
                json.dump(self._versions, new, sort_keys=True)
            Path(new.name).replace(self._path)
            states = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
            for old in states[:-_KEPT_STATES]:
                old.unlink()


def open_kept_versions() -> KeptVersions:
    """Open the versions of the files that this process has imported."""
    return KeptVersions(*find_kept())
