"""A candidate: a year's tables as they would be released, if the gate lets them pass."""

import json
import shutil
from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from pathlib import Path

import pandas as pd

from esrd_pipeline.export import export_year
from esrd_pipeline.releases.changes import Heading, describe, list_causes
from esrd_pipeline.releases.digests import seal
from esrd_pipeline.releases.gate import (
    Answer,
    Stored,
    find_failing,
    judge_agreement_before,
    judge_changes,
    judge_stored,
)
from esrd_pipeline.releases.ledger import (
    CANDIDATES,
    CHANGES,
    Entry,
    append,
    find_candidate,
    hold,
    read_ledger,
)
from esrd_pipeline.releases.origins import describe_code, describe_inputs, describe_parameters
from esrd_pipeline.releases.people import Person
from esrd_pipeline.releases.quarter import find_cutoff
from esrd_pipeline.releases.state import Release, choose_name, find_before, find_states
from esrd_pipeline.reports.change import find_changes
from esrd_pipeline.reports.releases import ABOUT, read_results
from esrd_pipeline.tables.report import PUBLISHED_AGREEMENT
from esrd_pipeline.warehouse import Warehouse


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A candidate that somebody asks for.

    Attributes:
        performance_year: year of the tables.
        quarter: its quarter, as 2026Q3.
        maker: who asks for it.
        process: account of the process that makes it, if it is another than the maker's.
        when: now, in UTC.
        cutoff: data cut-off, if it is not the quarter's own.
        replaces: release that it corrects; empty for none.
        why: why it is corrected.
    """

    performance_year: int
    quarter: str
    maker: Person
    process: str
    when: datetime
    cutoff: date | None = None
    replaces: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """What became of an order: the ledger's entry, and what the gate found."""

    entry: Entry
    answers: list[Answer]


@dataclass(frozen=True, slots=True)
class _Before:
    """The release before: its name, folder, and whether it is of the same year."""

    name: str
    folder: Path
    is_same_year: bool


class _RefusedError(Exception):
    """The differences from the release before do not pass the gate."""


def make_candidate(
    *, warehouse: Warehouse, folder: Path, origin: str, order: Order, stored: Stored
) -> Made:
    """Make a candidate in a year's folder of releases, or tell why there is none.

    The ledger gets a line of either. A candidate that was not approved goes when another is made.

    Raises:
        ApprovalError: the quarter is released, or what it corrects is not the standing release.
        LedgerError: the ledger is damaged.
    """
    with hold(folder):
        entries = read_ledger(folder)
        states = find_states(entries)
        name = choose_name(states, order.quarter, order.replaces, order.why)
        cutoff = order.cutoff or find_cutoff(order.quarter)
        entry = Entry(
            event="candidate",
            performance_year=order.performance_year,
            quarter=order.quarter,
            name=name,
            when=order.when.isoformat(timespec="seconds"),
            person=order.maker.name,
            account=order.maker.account,
            made_by="" if order.process == order.maker.account else order.process,
            cutoff=cutoff.isoformat(),
            replaces=order.replaces,
            why=order.why,
            attempt=1 + sum(one.name == name and one.event == "candidate" for one in entries),
        )
        answers = judge_stored(stored, cutoff=cutoff, quarter_ends=_find_end(order.quarter))
        before = _find_before(folder, states, order, origin)
        _clear_candidates(folder)
        if stored.missing:
            digest = ""
        else:
            draft = _Draft(warehouse, entry, stored, answers, before, origin)
            digest = _write(draft, find_candidate(folder, entry))
        if digest:
            entry = replace(entry, digest=digest)
        else:
            why = "; ".join(f"{one.question}: {one.text}" for one in find_failing(answers))
            entry = replace(entry, event="refused", why=why)
        append(folder, entry)
        return Made(entry, answers)


@dataclass(frozen=True, slots=True)
class _Draft:
    """What a candidate is made of; what the comparison finds is added to `answers`."""

    warehouse: Warehouse
    entry: Entry
    stored: Stored
    answers: list[Answer]
    before: _Before | None
    origin: str


def _write(draft: _Draft, target: Path) -> str:
    """Write a candidate; return its digest, or nothing where the gate does not let it pass."""
    digests: list[str] = []

    def finish(folder: Path) -> None:
        changes, causes = _compare(draft, folder)
        if find_failing(draft.answers):
            raise _RefusedError
        _add_files(draft, folder, changes, causes)
        digests.append(seal(folder))

    try:
        export_year(
            warehouse=draft.warehouse,
            performance_year=draft.entry.performance_year,
            folder=target,
            origin=draft.origin,
            finish=finish,
        )
    except _RefusedError:
        return ""
    return digests[0]


def _compare(draft: _Draft, folder: Path) -> tuple[pd.DataFrame | None, list[str]]:
    """Compare a draft with the release before, as both show their results; add the answers."""
    if draft.before is None:
        return None, []
    before, after = read_results(draft.before.folder), read_results(folder)
    changes = find_changes(
        performance_year=draft.entry.performance_year, basis="release", before=before, after=after
    )
    if draft.before.is_same_year:
        draft.answers.extend(judge_changes(changes, after.contract))
        agreement = draft.before.folder / f"{PUBLISHED_AGREEMENT.name}.csv"
        if agreement.is_file():
            draft.answers.append(
                judge_agreement_before(draft.stored.agreement, pd.read_csv(agreement))
            )
    return changes, list_causes(before, after)


def _add_files(
    draft: _Draft, folder: Path, changes: pd.DataFrame | None, causes: Sequence[str]
) -> None:
    """Add what the release says of itself: changes, code, parameters, files read."""
    entry = draft.entry
    heading = Heading(
        name=entry.name,
        performance_year=entry.performance_year,
        quarter=entry.quarter,
        cutoff=entry.cutoff,
        maker=entry.person,
        replaces=entry.replaces,
        why=entry.why,
        before=f"release {draft.before.name}" if draft.before else "",
    )
    text = describe(heading, draft.answers, changes, causes)
    (folder / CHANGES).write_text(text, encoding="utf-8")
    about = {
        "performance_year": entry.performance_year,
        "quarter": entry.quarter,
        "name": entry.name,
        "origin": draft.origin,
        "data_cutoff": entry.cutoff,
        "made_by": {"name": entry.person, "account": entry.account, "process": entry.made_by},
        "made_at": entry.when,
        "replaces": entry.replaces or None,
        "why": entry.why or None,
        "compared_with": None if draft.before is None else draft.before.name,
        "gate": [asdict(answer) for answer in draft.answers],
        "code": describe_code(),
    }
    _write_json(folder / ABOUT, about)
    _write_json(folder / "parameters.json", describe_parameters())
    _write_json(folder / "inputs.json", describe_inputs(draft.warehouse, entry.performance_year))


def _write_json(path: Path, content: Mapping[str, object]) -> None:
    path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _clear_candidates(folder: Path) -> None:
    """Delete candidates that were not approved, and what a kill left."""
    for left_over in (folder / CANDIDATES).glob("*"):
        shutil.rmtree(left_over)


def _find_before(
    folder: Path, states: Sequence[Release], order: Order, origin: str
) -> _Before | None:
    """Return the release to compare with: the year's newest, or the last of the year before."""
    year = order.performance_year
    earlier = folder.parent / str(year - 1)
    for place, known, quarter in (
        (folder, states, order.quarter),
        (earlier, find_states(read_ledger(earlier)), order.quarter),
    ):
        release = find_before(known, quarter)
        about = place / release.name / ABOUT if release else None
        if release is not None and about is not None and about.is_file():
            if json.loads(about.read_text(encoding="utf-8"))["origin"] != origin:
                continue
            return _Before(release.name, place / release.name, place == folder)
    return None


def _find_end(quarter: str) -> date:
    """Return the last day of a quarter."""
    first = find_cutoff(quarter)
    month = first.month + 2
    return date(first.year, month, monthrange(first.year, month)[1])
