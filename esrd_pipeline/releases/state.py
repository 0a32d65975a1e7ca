"""The state of each release, from the ledger's entries."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from esrd_pipeline.releases.ledger import Entry
from esrd_pipeline.releases.people import ApprovalError
from esrd_pipeline.releases.quarter import name_release

State = Literal["refused", "candidate", "released", "replaced"]


@dataclass(frozen=True, slots=True)
class Release:
    """One release as the ledger has it: the entry it was made by, and the one that approved it."""

    state: State
    made: Entry
    approved: Entry | None = None
    replaced_by: str = ""

    @property
    def name(self) -> str:
        """Its name."""
        return self.made.name

    @property
    def digest(self) -> str:
        """The digest of its folder: the release's, or the candidate's."""
        return self.made.digest if self.approved is None else self.approved.digest

    @property
    def is_out(self) -> bool:
        """Whether it was approved, replaced since or not."""
        return self.approved is not None


def find_states(entries: Sequence[Entry]) -> list[Release]:
    """Return every release in the order of its quarter and name.

    A gate that fails puts an earlier candidate of the same name aside.
    """
    releases: dict[str, Release] = {}
    for entry in entries:
        if entry.event == "approved":
            releases[entry.name] = replace(releases[entry.name], state="released", approved=entry)
            if entry.replaces:
                releases[entry.replaces] = replace(
                    releases[entry.replaces], state="replaced", replaced_by=entry.name
                )
        else:
            releases[entry.name] = Release(state=entry.event, made=entry)
    return sorted(releases.values(), key=lambda release: (release.made.quarter, release.name))


def find_pending(releases: Sequence[Release], quarter: str) -> Release:
    """Return the candidate of a quarter.

    Raises:
        ApprovalError: it has none.
    """
    of_quarter = [release for release in releases if release.made.quarter == quarter]
    for release in of_quarter:
        if release.state == "candidate":
            return release
    last = of_quarter[-1] if of_quarter else None
    why = "nothing was made of it yet" if last is None else f"{last.name} is {last.state}"
    raise ApprovalError(f"{quarter} has no candidate: {why}")


def choose_name(releases: Sequence[Release], quarter: str, replaces: str, why: str) -> str:
    """Return the name of a new release of a quarter.

    Raises:
        ApprovalError: the quarter is released and the release to correct is not named, or there is
            no such release, or another took its place already, or nobody says why.
    """
    out = [one for one in releases if one.made.quarter == quarter and one.is_out]
    if not out:
        if replaces:
            raise ApprovalError(f"{quarter} has no release {replaces} that could be replaced")
        return name_release(quarter, 0)
    standing = next((one.name for one in out if one.state == "released"), "")
    if replaces != standing:
        what = f"{replaces} is not the release that stands" if replaces else "it is released"
        raise ApprovalError(
            f"{quarter}: {what}; a correction names it (--replaces {standing}) and says why"
            " (--because)"
        )
    if not why.strip():
        raise ApprovalError("a correction says why: give --because")
    return name_release(quarter, len(out))


def find_before(releases: Sequence[Release], quarter: str) -> Release | None:
    """Return the release that stands of the newest quarter up to this one."""
    standing = [one for one in releases if one.state == "released" and one.made.quarter <= quarter]
    return standing[-1] if standing else None
