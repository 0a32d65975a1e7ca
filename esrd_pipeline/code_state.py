"""The state of the package's files and the code versions kept for it, read without Dagster."""

import hashlib
import json
import os
import sys
from pathlib import Path

from platformdirs import user_cache_path

PACKAGE = "esrd_pipeline"
OFFICIAL_VARIABLE = "ESRD_PARAMETER_DIR"
"""As in `parameters`, which takes long to import."""
_READ = (".py", ".sql", ".csv")


def digest_files(package: Path, official: Path | None) -> str:
    """Return the digest of all that code versions depend on: files, and the version of Python."""
    digest = hashlib.sha256(sys.version.encode())
    for folder in (package, *([official] if official else [])):
        for path in sorted(file for file in folder.rglob("*.*") if file.suffix in _READ):
            content = path.read_bytes()
            digest.update(f"\0{path.relative_to(folder)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def find_kept() -> tuple[Path, str]:
    """Return the folder of kept versions, and the state of the files this process has imported."""
    official = os.environ.get(OFFICIAL_VARIABLE)
    package = Path(sys.modules[PACKAGE].__path__[0])
    state = digest_files(package, Path(official) if official else None)
    return user_cache_path(PACKAGE, appauthor=False) / "code_versions", state


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
