"""Code versions of one state of the package's files, kept in a file of the user's cache.

Computing them reads every module of the package, which is most of what loading the definitions
takes.
"""

from collections.abc import Sequence
from pathlib import Path

from esrd_pipeline.code_state import KeptAnswers, find_kept
from esrd_pipeline.orchestration.code_version import CodeVersions
from esrd_pipeline.tables.model import Table

Version = tuple[str, str, str]
"""The version of a computation, that of its code alone, and that of its parameter files alone."""


class KeptVersions:
    """Code versions, read from the file of this state of the package if there is one."""

    def __init__(self, folder: Path, state: str) -> None:
        self._kept = KeptAnswers(folder, state)
        self._computer = CodeVersions()

    def find(self, computation: object, tables: Sequence[Table]) -> Version:
        """Return the versions of the computation that stores `tables`."""
        version, code, parameters = self._kept.find(
            tables[0].name, lambda: self._computer.compute_apart(computation, tables)
        )
        return version, code, parameters

    def keep(self) -> None:
        """Write the file if something was computed. A folder that cannot be written is left."""
        self._kept.keep()


def open_kept_versions() -> KeptVersions:
    """Open the versions of the files that this process has imported."""
    return KeptVersions(*find_kept())
