"""What keeps patient data to its reader: private files and folders, and where the UI is served.

Explanations name patients. They are written under a name of their own that is private from its
first byte, whatever the umask, and renamed when they are complete.
"""

import contextlib
import ipaddress
import os
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import TextIO

FOLDER_MODE = 0o700
FILE_MODE = 0o600


def make_private_folder(root: Path, *below: str) -> Path:
    """Make `root` and the folders below it, one in the other; return the last.

    Folders that are there lose what others may do with them, and so do the files in the last one:
    an earlier version may have made them.

    Raises:
        PermissionError: a folder or a file belongs to somebody else.
    """
    root.parent.mkdir(parents=True, exist_ok=True)
    folder = root
    for name in ("", *below):
        folder /= name
        folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
        folder.chmod(FOLDER_MODE)
    for path in folder.iterdir():
        if path.is_file() and not path.is_symlink():
            path.chmod(FILE_MODE)
    return folder


@contextlib.contextmanager
def write_private(path: Path) -> Generator[TextIO]:
    """Open a private file beside `path` for writing; it replaces `path` unless an error occurs."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    draft = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            # mkstemp asks for this mode, and a strict umask would take of it.
            os.fchmod(file.fileno(), FILE_MODE)
            yield file
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def warn_of_host(host: str, port: int) -> str | None:
    """Return what to know before the UI is served on an address that others reach; else None."""
    try:
        is_own = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        # What a name stands for is not known here.
        is_own = False
    if is_own:
        return None
    return (
        f"Warning: the UI asks for no password, so patient data can be reached by anybody who"
        f" reaches port {port} of {host}: put a proxy with authentication and TLS before it"
        " (README.md, The UI)."
    )
