"""The state of the package's files and what is kept for it in the user's cache, without Dagster.

What depends on these files alone is computed once: a file named by their digest holds it. A change
of any file is another digest, and what was kept is never out of date.
"""

import contextlib
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

PACKAGE = "esrd_pipeline"
OFFICIAL_VARIABLE = "ESRD_PARAMETER_DIR"
"""As in `parameters`, which takes long to import."""
_READ = (".py", ".sql", ".csv")
_KEPT_STATES = 8
"""Files kept: a developer goes back and forth between a few states."""


class KeptAnswers:
    """Answers by name, read from the file of this state of the package if there is one."""

    def __init__(self, folder: Path, state: str) -> None:
        self._path = folder / f"{state}.json"
        self._added = False
        self._answers: dict[str, Any] = {}
        # Without the file, or with one that a full disk cut off, they are computed.
        with contextlib.suppress(OSError, ValueError):
            self._answers = json.loads(self._path.read_bytes())

    def find(self, name: str, compute: Callable[[], Any]) -> Any:  # noqa: ANN401 - of any kind
        """Return an answer, computed if it is not kept; JSON must be able to hold it."""
        if name not in self._answers:
            self._answers[name] = compute()
            self._added = True
        return self._answers[name]

    def keep(self) -> None:
        """Write the file if something was computed. A folder that cannot be written is left."""
        if not self._added:
            return
        with contextlib.suppress(OSError):
            folder = self._path.parent
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=folder, suffix=".new", delete=False) as new:
                json.dump(self._answers, new, sort_keys=True)
            Path(new.name).replace(self._path)
            self._added = False
            states = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
            for old in states[:-_KEPT_STATES]:
                old.unlink()


def digest_files(package: Path, official: Path | None) -> str:
    """Return the digest of all that code versions depend on: files, and the version of Python."""
    digest = hashlib.sha256(sys.version.encode())
    for folder in (package, *([official] if official else [])):
        for path in sorted(file for file in folder.rglob("*.*") if file.suffix in _READ):
            content = path.read_bytes()
            digest.update(f"\0{path.relative_to(folder)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def find_kept(kind: str = "code_versions") -> tuple[Path, str]:
    """Return the folder of what is kept, and the state of the files this process has imported."""
    official = os.environ.get(OFFICIAL_VARIABLE)
    package = Path(sys.modules[PACKAGE].__path__[0])
    state = _find_state(package, Path(official) if official else None)
    return user_cache_path(PACKAGE, appauthor=False) / kind, state


@cache
def _find_state(package: Path, official: Path | None) -> str:
    """Return the state when first asked: what is imported does not change with the files."""
    return digest_files(package, official)


def open_kept(kind: str) -> KeptAnswers:
    """Open the answers of one kind for the files that this process has imported."""
    return KeptAnswers(*find_kept(kind))


def read_kept() -> dict[str, str] | None:
    """Return the digests of code and parameters by table, as a stored file's note has them.

    Of tables that one computation stores, the first alone. None where nobody has computed them.
    """
    folder, state = find_kept()
    try:
        versions = json.loads((folder / f"{state}.json").read_bytes())
    except (OSError, ValueError):
        return None
    return {name: f"{code} {parameters}" for name, (_, code, parameters) in versions.items()}
