"""Digests of a folder's files, and the files that are not what they were.

They are written as `sha256sum` writes them, so that `sha256sum -c SHA256SUMS` checks a release
where this project is not installed.
"""

import hashlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

DIGESTS = "SHA256SUMS"
_BLOCK = 1 << 20
_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """A file that is not what its release says."""

    file: str
    kind: Literal["differs", "is missing", "was added"]

    def __str__(self) -> str:
        """Name the file and what is wrong with it."""
        return f"{self.file} {self.kind}"


def digest_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def list_digests(folder: Path) -> dict[str, str]:
    """Return the digest of every file below a folder but the list itself, by its path in it."""
    return {
        path.relative_to(folder).as_posix(): digest_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink() and path != folder / DIGESTS
    }


def render_digests(digests: Mapping[str, str]) -> str:
    """Return the text of the list."""
    return "".join(f"{digests[name]}  {name}\n" for name in sorted(digests))


def parse_digests(text: str) -> dict[str, str]:
    """Return the digests of a list's text; lines of another form are left out."""
    pairs = (line.partition("  ") for line in text.splitlines())
    return {name: digest for digest, separator, name in pairs if separator}


def digest_list(digests: Mapping[str, str]) -> str:
    """Return the digest of a folder: that of its list, which stands for all its files."""
    return hashlib.sha256(render_digests(digests).encode()).hexdigest()


def seal(folder: Path) -> str:
    """Write the list, bring all to the disk, make the files read-only; return the folder's digest.

    Folders stay writable until they have their name: what a kill leaves must be deletable.
    """
    digests = list_digests(folder)
    (folder / DIGESTS).write_text(render_digests(digests), encoding="utf-8")
    for path in (*folder.rglob("*"), folder):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        if path.is_file():
            path.chmod(0o444)
    return digest_list(digests)


def close_folders(folder: Path) -> None:
    """Make a folder and those in it read-only."""
    for path in (*(path for path in folder.rglob("*") if path.is_dir()), folder):
        path.chmod(stat.S_IMODE(path.stat().st_mode) & ~_WRITE)


def find_faults(folder: Path, digest: str) -> list[Fault]:
    """Return every file of a folder that differs, is missing or was added.

    `digest` is the folder's, from the ledger: a list that was written anew with the files it names
    is found by it.
    """
    path = folder / DIGESTS
    if not path.is_file():
        return [Fault(DIGESTS, "is missing")]
    text = path.read_text(encoding="utf-8", errors="replace")
    listed = parse_digests(text)
    there = list_digests(folder)
    faults = [
        Fault(name, "differs") for name in listed.keys() & there if listed[name] != there[name]
    ]
    faults += [Fault(name, "is missing") for name in listed.keys() - there.keys()]
    faults += [Fault(name, "was added") for name in there.keys() - listed.keys()]
    faults += [
        Fault(link.relative_to(folder).as_posix(), "was added")
        for link in folder.rglob("*")
        if link.is_symlink() and link.relative_to(folder).as_posix() not in listed
    ]
    if hashlib.sha256(text.encode()).hexdigest() != digest:
        faults.append(Fault(DIGESTS, "differs"))
    return sorted(faults)
