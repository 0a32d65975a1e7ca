"""What a store of files is, whatever it is made of.

A file has a key, its path in the warehouse, such as
`facility/directory/performance_year=2024/data.parquet`. Both stores have the same keys and the same
bytes, show a file to readers whole or not at all, and let one run at a time write a key. Readers
always get a file on this machine.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

PARTITION_FILE = "data.parquet"
YEAR_FOLDER = "performance_year="
Stat = tuple[int, int, int]
"""Size, time in nanoseconds and number of a file on this machine."""


class PartitionBusyError(RuntimeError):
    """Another process is writing the same partition, or has while this one made it."""


class StoreError(RuntimeError):
    """The object store cannot be used, or did not answer after several attempts."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A stored file as a listing has it.

    Attributes:
        key: its path in the warehouse.
        size: bytes.
        time: when it was stored, in seconds since 1970.
        mark: changes with the file: size, time and number in a folder, an object's ETag.
    """

    key: str
    size: int
    time: float
    mark: Stat | str


class Store(Protocol):
    """Files by key."""

    @property
    def root(self) -> Path:
        """Folder on this machine: of the files or of their copies, and of what is staged."""
        ...

    def locate(self, key: str) -> str:
        """Return where a file is, as people write it."""
        ...

    def has(self, key: str) -> bool:
        """Return whether the file is stored."""
        ...

    def find(self, key: str) -> Path:
        """Return the file as it is stored now, on this machine; the path is of no file if none is.

        Raises:
            StoreError: the object store does not answer.
        """
        ...

    def find_digest(self, key: str) -> str | None:
        """Return the SHA-256 of the bytes of a file that was found, where it is noted."""
        ...

    def list_keys(self, pattern: str) -> Iterator[str]:
        """Yield the keys of a pattern, whose `*` stands for any signs but a slash."""
        ...

    def look(self, pattern: str) -> Iterator[Seen]:
        """Yield the stored files of a pattern."""
        ...

    def find_seen(self, seen: Seen) -> Path:
        """Return a listed file on this machine, without asking for it where it is here already."""
        ...

    def open_end(self, seen: Seen) -> tuple[Path | IO[bytes], str | None]:
        """Return a listed file or its last bytes, for its footer; and its digest, if noted."""
        ...

    def lock(self, key: str) -> AbstractContextManager[None]:
        """Lock a key for writing; the lock ends when the process ends for any reason.

        Raises:
            PartitionBusyError: another process holds the lock.
        """
        ...

    def publish(self, staged: Path, key: str) -> Path:
        """Make a file of this machine visible under its key in one step; its lock is held.

        Raises:
            PartitionBusyError: the object was changed since the lock was taken; it stays.
            StoreError: the object store does not answer; what was stored stays.
        """
        ...

    def write(self, key: str, content: bytes) -> None:
        """Write a small file that is no table, in one step."""
        ...

    def delete(self, key: str) -> None:
        """Delete a small file that is no table, if it is there."""
        ...


def make_key(schema: str, name: str, performance_year: int | str) -> str:
    """Return the key of a table's year; `*` stands for any name or year."""
    return f"{schema}/{name}/{YEAR_FOLDER}{performance_year}/{PARTITION_FILE}"


def read_year(key: str) -> int:
    """Return the performance year of a table's key."""
    return int(key.split("/")[-2].removeprefix(YEAR_FOLDER))


def name_key(key: str) -> str:
    """Return the table and year of a key, or the key of another file, for a sentence."""
    parts = key.split("/")
    return f"{parts[0]}.{parts[1]} {read_year(key)}" if parts[-1] == PARTITION_FILE else key
