"""Stored tables in a folder of a file system: renames make them visible, `flock` locks them."""

import contextlib
import fcntl
import os
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

from esrd_pipeline.stores.store import PartitionBusyError, Seen, Stat, name_key


@dataclass(frozen=True, slots=True)
class FolderStore:
    """Files under `root`; see `Store`."""

    root: Path

    def locate(self, key: str) -> str:
        """Return the file's path."""
        return str(self.root / key)

    def has(self, key: str) -> bool:
        """Return whether the file is stored."""
        return (self.root / key).is_file()

    def find(self, key: str) -> Path:
        """Return the file's path, which need not exist."""
        return self.root / key

    def find_digest(self, key: str) -> None:
        """No digest is noted in a folder."""
        del key

    def list_keys(self, pattern: str) -> Iterator[str]:
        """Yield the keys of a pattern."""
        return (path.relative_to(self.root).as_posix() for path in self.root.glob(pattern))

    def look(self, pattern: str) -> Iterator[Seen]:
        """Yield the stored files of a pattern."""
        for key in self.list_keys(pattern):
            size, time, number = read_stat(self.root / key)
            yield Seen(key, size, time / 1e9, (size, time, number))

    def find_seen(self, seen: Seen) -> Path:
        """Return the file's path."""
        return self.root / seen.key

    def open_end(self, seen: Seen) -> tuple[Path, None]:
        """Return the file's path; no digest is noted."""
        return self.root / seen.key, None

    def make_folder(self, key: str) -> Path:
        """Make and return the folder of a key; the root is made for its owner alone.

        A root that is there stays as its owner has opened it to others.
        """
        folder = (self.root / key).parent
        self.root.parent.mkdir(parents=True, exist_ok=True)
        self.root.mkdir(mode=0o700, exist_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @contextlib.contextmanager
    def lock(self, key: str) -> Generator[None]:
        """Lock a key against other processes that see the folder.

        Raises:
            PartitionBusyError: another process holds the lock.
        """
        with (self.make_folder(key) / ".lock").open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as busy:
                raise PartitionBusyError(
                    f"{name_key(key)} is being written by another run"
                ) from busy
            yield

    def publish(self, staged: Path, key: str) -> Path:
        """Make a file of the same file system visible in one rename."""
        target = self.root / key
        with staged.open("rb+") as written:
            os.fsync(written.fileno())
        staged.replace(target)
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return target

    def write(self, key: str, content: bytes) -> None:
        """Write a small file in one rename; one process at a time writes it."""
        path = self.make_folder(key) / Path(key).name
        new = path.with_suffix(".new")
        new.write_bytes(content)
        new.replace(path)

    def delete(self, key: str) -> None:
        """Delete a small file, if it is there."""
        (self.root / key).unlink(missing_ok=True)


def read_stat(path: Path) -> Stat:
    """Return what changes with a file: a rename changes nothing of it."""
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns, stat.st_ino
