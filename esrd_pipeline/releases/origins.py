"""What a release was made of: the code, the parameters and the files, by their digests."""

import hashlib
import platform
import re
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from pathlib import Path

from esrd_pipeline.parameters import find_official
from esrd_pipeline.stored_schema import OutdatedPartitionError
from esrd_pipeline.tables import release
from esrd_pipeline.warehouse import Warehouse

PACKAGE = "esrd_pipeline"
_REQUIRED = re.compile(r"[A-Za-z0-9_.-]+")


def describe_code() -> dict[str, object]:
    """Return the project's version, commit and digest, and the versions of what it uses."""
    digest = hashlib.sha256()
    root = resources.files(PACKAGE)
    for name, file in sorted(_list_files(root, "")):
        digest.update(f"{name}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return {
        "project": metadata.version(PACKAGE),
        "commit": _find_commit(Path(str(root)).parent),
        "sha256": digest.hexdigest(),
        "python": platform.python_version(),
        "libraries": {name: metadata.version(name) for name in _list_libraries()},
    }


def _list_files(folder: Traversable, prefix: str) -> list[tuple[str, Traversable]]:
    found: list[tuple[str, Traversable]] = []
    for item in folder.iterdir():
        if item.is_dir() and item.name != "__pycache__":
            found += _list_files(item, f"{prefix}{item.name}/")
        elif item.is_file():
            found.append((f"{prefix}{item.name}", item))
    return found


def _list_libraries() -> list[str]:
    """Return the libraries that the project names, those of development left out."""
    named = [_REQUIRED.match(text) for text in metadata.requires(PACKAGE) or ()]
    return sorted(match.group() for match in named if match is not None)


def _find_commit(checkout: Path) -> str | None:
    """Return the commit of a checkout, or None where the project is installed otherwise."""
    head = checkout / ".git" / "HEAD"
    if not head.is_file():
        return None
    text = head.read_text(encoding="utf-8").strip()
    if not text.startswith("ref: "):
        return text
    name = text.removeprefix("ref: ")
    loose = head.parent / name
    if loose.is_file():
        return loose.read_text(encoding="utf-8").strip()
    packed = head.with_name("packed-refs")
    lines = packed.read_text(encoding="utf-8").splitlines() if packed.is_file() else []
    return next((line.split()[0] for line in lines if line.endswith(f" {name}")), None)


def describe_parameters() -> dict[str, dict[str, object]]:
    """Return the digest of each parameter file, and whether it is an official one put in."""
    described: dict[str, dict[str, object]] = {}
    for file in sorted(resources.files(f"{PACKAGE}.parameters").iterdir(), key=lambda f: f.name):
        if file.name.endswith(".csv"):
            official = find_official(file.name.removesuffix(".csv"))
            content = file.read_bytes() if official is None else official.read_bytes()
            described[file.name] = {
                "sha256": hashlib.sha256(content).hexdigest(),
                "official": official is not None,
            }
    return described


def describe_inputs(
    warehouse: Warehouse, performance_year: int
) -> dict[str, list[dict[str, object]]]:
    """Return the files read, by year: those of the year, and of the years before it.

    An earlier year whose list is of other columns than today's is left out.
    """
    described: dict[str, list[dict[str, object]]] = {}
    for table, source in ((release.RELEASE, "source"), (release.EXTRACT, "table_name")):
        for year in warehouse.years(table):
            if year > performance_year:
                continue
            try:
                rows = warehouse.read(table, year)
            except OutdatedPartitionError:
                continue
            described.setdefault(str(year), []).extend(
                {
                    "read as": str(row[source]),
                    "file": str(row["file_name"]),
                    "bytes": int(row["size_bytes"]),
                    "sha256": str(row["sha256"]),
                }
                for row in rows[rows["file_name"].notna()].to_dict("records")
            )
    return dict(sorted(described.items()))
