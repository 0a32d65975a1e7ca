"""The ledger of a year's releases: one line for every candidate, refusal and approval.

Each line has the digest of the line before, so that a line taken out or changed is found. It is no
signature: who may write all of the folder can write it anew. The digest of each release is also in
Dagster's record of the asset `report.release`, and printed when it is approved.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import uuid
from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

LEDGER = "ledger.jsonl"
CANDIDATES = "candidates"
"""Folder, within a year's releases, of those that wait for their approval."""
CHANGES = "CHANGES.md"
"""File of a release: what differs from the one before, in words."""
_LOCK = ".ledger.lock"
_DRAFT = ".ledger-"
Event = Literal["refused", "candidate", "approved"]


class LedgerError(ValueError):
    """The ledger is damaged or was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the ledger.

    Attributes:
        event: what happened.
        performance_year: year of the release.
        quarter: its quarter.
        name: name of the release.
        when: time, in UTC.
        person: the name of who did it, as they gave it.
        account: the account they are known by.
        digest: digest of the candidate's or release's folder; empty for a refusal.
        cutoff: data cut-off of the year's files.
        replaces: release that this one corrects; empty for none.
        why: reason of a correction; of a refusal, what the gate found.
        attempt: number of the candidate among those of its name.
        made_by: account of the process that made it, if it is another, such as the daemon's.
        told_by: of an approval, whether two people were told apart by accounts or by names alone.
    """

    event: Event
    performance_year: int
    quarter: str
    name: str
    when: str
    person: str
    account: str
    digest: str = ""
    cutoff: str = ""
    replaces: str = ""
    why: str = ""
    attempt: int = 0
    made_by: str = ""
    told_by: str = ""


def find_candidate(folder: Path, entry: Entry) -> Path:
    """Return the folder of a candidate."""
    return folder / CANDIDATES / f"{entry.name}.{entry.attempt}"


def read_ledger(folder: Path) -> list[Entry]:
    """Return a year's entries, oldest first; none where there is no ledger.

    Raises:
        LedgerError: a line does not follow the one before it.
    """
    path = folder / LEDGER
    if not path.is_file():
        return []
    entries: list[Entry] = []
    before = ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            fields = json.loads(line)
            is_next = fields.pop("before") == before
            entries.append(Entry(**fields))
        except (ValueError, TypeError, KeyError):
            is_next = False
        if not is_next:
            raise LedgerError(
                f"line {number} of {path} does not follow the line before it: the ledger is"
                " damaged or was changed; put back a copy"
            )
        before = _digest(line)
    return entries


def append(folder: Path, entry: Entry) -> None:
    """Add an entry; who is killed or has no room meanwhile leaves the ledger as it was.

    Raises:
        LedgerError: the ledger is damaged.
    """
    read_ledger(folder)
    path = folder / LEDGER
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    before = _digest(text.splitlines()[-1]) if text else ""
    line = json.dumps({**asdict(entry), "before": before}, sort_keys=True)
    draft = folder / f"{_DRAFT}{uuid.uuid4().hex}"
    try:
        with draft.open("w", encoding="utf-8") as file:
            file.write(f"{text}{line}\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


@contextlib.contextmanager
def hold(folder: Path) -> Generator[None]:
    """Let those who change a year's releases take turns; drafts of killed ones are deleted."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK).open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        for left_over in folder.glob(f"{_DRAFT}*"):
            left_over.unlink()
        yield


def _digest(line: str) -> str:
    return hashlib.sha256(line.encode()).hexdigest()
