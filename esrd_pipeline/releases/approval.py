"""Approval of a candidate by a second person, and what can be verified of a release afterwards."""

import hashlib
import json
import shutil
import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from esrd_pipeline.releases.digests import (
    DIGESTS,
    close_folders,
    digest_list,
    find_faults,
    parse_digests,
    seal,
)
from esrd_pipeline.releases.ledger import Entry, append, find_candidate, hold, read_ledger
from esrd_pipeline.releases.people import ApprovalError, Person, check_second
from esrd_pipeline.releases.state import Release, find_pending, find_states
from esrd_pipeline.reports.releases import ABOUT

APPROVAL = "approval.json"
"""File of a release: who approved it, and when."""
_DRAFT = ".draft-"


@dataclass(frozen=True, slots=True)
class Verified:
    """A release, and every file of it that is not what it was."""

    release: Release
    faults: tuple[str, ...]


def approve(
    *, folder: Path, quarter: str, approver: Person, when: datetime, by_names: bool
) -> Entry:
    """Make a quarter's candidate a release; return the ledger's entry.

    Raises:
        ApprovalError: there is no candidate, it was changed, or the approver may not approve it.
        LedgerError: the ledger is damaged.
    """
    with hold(folder):
        complete(folder)
        made = find_pending(find_states(read_ledger(folder)), quarter).made
        makers = [Person(made.person, made.account)]
        if made.made_by:
            makers.append(Person(made.made_by, made.made_by))
        check_second(makers, approver, by_names=by_names)
        candidate = find_candidate(folder, made)
        faults = find_faults(candidate, made.digest)
        if faults:
            faulty = ", ".join(str(fault) for fault in faults)
            raise ApprovalError(
                f"the candidate is not what the gate let pass ({faulty}): make it again"
            )
        entry = replace(
            made,
            event="approved",
            when=when.isoformat(timespec="seconds"),
            person=approver.name,
            account=approver.account,
            made_by="",
            told_by="names" if by_names else "accounts",
        )
        entry = replace(entry, digest=_compute_digest(candidate, _render(entry, made)))
        if (folder / entry.name).exists():
            raise ApprovalError(f"{folder / entry.name} exists, and is not of the ledger")
        # Written first: whoever is killed from here on leaves a release that can be completed.
        append(folder, entry)
        complete(folder)
        return entry


def complete(folder: Path) -> None:
    """Give every approved release its folder, where a kill or a full disk prevented it."""
    entries = read_ledger(folder)
    for entry in entries:
        if entry.event != "approved" or (folder / entry.name).exists():
            continue
        made = next(
            one
            for one in reversed(entries)
            if (one.event, one.name, one.attempt) == ("candidate", entry.name, entry.attempt)
        )
        candidate = find_candidate(folder, made)
        if candidate.is_dir() and not find_faults(candidate, made.digest):
            _move(folder, candidate, entry, made)


def _move(folder: Path, candidate: Path, entry: Entry, made: Entry) -> None:
    """Copy a candidate beside the releases, add the approval, and give it its name."""
    for left_over in folder.glob(f"{_DRAFT}*"):
        shutil.rmtree(left_over)
    draft = folder / f"{_DRAFT}{uuid.uuid4().hex}"
    try:
        shutil.copytree(candidate, draft, copy_function=shutil.copyfile)
        (draft / APPROVAL).write_text(_render(entry, made), encoding="utf-8")
        (draft / DIGESTS).unlink()
        if seal(draft) != entry.digest:
            raise ApprovalError(f"{candidate.name} was changed while it was copied: try again")
        draft.rename(folder / entry.name)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    close_folders(folder / entry.name)
    shutil.rmtree(candidate)


def _render(entry: Entry, made: Entry) -> str:
    """Return the text of the approval."""
    record = {
        "approved_by": {"name": entry.person, "account": entry.account},
        "approved_at": entry.when,
        "people_told_apart_by": entry.told_by,
        "candidate_sha256": made.digest,
    }
    return json.dumps(record, indent=1, sort_keys=True) + "\n"


def _compute_digest(candidate: Path, approval: str) -> str:
    """Return the digest of the folder that a candidate becomes with its approval."""
    listed = parse_digests((candidate / DIGESTS).read_text(encoding="utf-8"))
    return digest_list({**listed, APPROVAL: hashlib.sha256(approval.encode()).hexdigest()})


def verify(folder: Path) -> tuple[list[Verified], list[str]]:
    """Recompute the digests of a year's candidates and releases.

    Returns:
        Each of them with the files that differ, are missing or were added; and folders that look
        like releases and are none.

    Raises:
        LedgerError: the ledger is damaged.
    """
    states = find_states(read_ledger(folder))
    verified: list[Verified] = []
    for release in states:
        if release.state == "refused":
            verified.append(Verified(release, ()))
            continue
        place = folder / release.name if release.is_out else find_candidate(folder, release.made)
        faults = (
            tuple(str(fault) for fault in find_faults(place, release.digest))
            if place.is_dir()
            else ("its folder is missing",)
        )
        verified.append(Verified(release, faults))
    known = {release.name for release in states if release.is_out}
    strange = sorted(
        path.parent.name for path in folder.glob(f"*/{ABOUT}") if path.parent.name not in known
    )
    return verified, [f"{name}: a release that the ledger does not have" for name in strange]


def list_releases(folder: Path) -> list[Release]:
    """Return a year's releases and candidates in the order of their quarters."""
    return find_states(read_ledger(folder))
