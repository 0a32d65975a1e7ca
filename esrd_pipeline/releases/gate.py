"""The gate: what is asked of a year's stored tables before a candidate is made of them.

Each question has one answer: it passes, warns or fails. One that fails makes no candidate; a
warning stands in the candidate's `CHANGES.md`, where who approves it reads it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Literal

import pandas as pd

from esrd_pipeline.families.unusual_months import describe_unusual_months
from esrd_pipeline.parameters import load_parameters

Outcome = Literal["passes", "warns", "fails"]
Checked = Literal["passed", "failed", "not run", "unknown"]
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Answer:
    """A question of the gate, and what was found."""

    question: str
    outcome: Outcome
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What Dagster's record holds of one stored table of the year.

    Attributes:
        expectations: outcome of its latest check of expectations: `passed`, `failed`, `not run` to
            its end in the latest run, or `unknown` where there is no record.
        warns: whether its latest check of plausibility warned.
        older_than: tables it is made from that were made after it, with their years.
    """

    expectations: Checked
    warns: bool = False
    older_than: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What is stored of a year.

    Attributes:
        tables: Dagster's record by table, of every table that a refresh of the year makes.
        missing: of them, those that are not stored, or not in today's columns.
        other_code: those made by other code or parameters than are installed.
        cutoffs: data cut-off by table that lists files (`raw.release`, `raw.extract`).
        has_patients: whether the year is made from patient-level files.
        agreement: `report.published_agreement`, or None.
        account: `report.event_account`, or None.
    """

    tables: Mapping[str, Recorded]
    missing: Sequence[str]
    other_code: Sequence[str]
    cutoffs: Mapping[str, date | None]
    has_patients: bool
    agreement: pd.DataFrame | None
    account: pd.DataFrame | None


def judge_stored(stored: Stored, *, cutoff: date, quarter_ends: date) -> list[Answer]:
    """Ask everything that a year's stored tables answer by themselves."""
    return [
        _judge_missing(stored),
        _judge_checks(stored),
        _judge_order(stored),
        _judge_code(stored),
        _judge_cutoff(stored, cutoff, quarter_ends),
        _judge_agreement(stored.agreement),
        _judge_account(stored),
        _judge_plausibility(stored),
    ]


def _judge_missing(stored: Stored) -> Answer:
    what = "every table of the year is stored"
    if stored.missing:
        return Answer(what, "fails", f"not stored: {_list(stored.missing)}; refresh the year")
    return Answer(what, "passes", f"{len(stored.tables)} tables")


def _judge_checks(stored: Stored) -> Answer:
    what = "every table's expectations hold"
    parts = [
        f"{outcome}: {_list(names)}"
        for outcome in ("failed", "not run", "unknown")
        if (names := [n for n, one in stored.tables.items() if one.expectations == outcome])
    ]
    if parts:
        return Answer(what, "fails", f"{'; '.join(parts)}; what is stored is older than that")
    return Answer(what, "passes", f"{len(stored.tables)} checks passed")


def _judge_order(stored: Stored) -> Answer:
    what = "no table is older than what it is made from"
    stale = {name: one.older_than for name, one in stored.tables.items() if one.older_than}
    if stale:
        listed = [f"{name} (than {_list(older)})" for name, older in stale.items()]
        return Answer(what, "fails", f"older: {_list(listed)}; refresh the year")
    return Answer(what, "passes", "all were made in the order of the data")


def _judge_code(stored: Stored) -> Answer:
    what = "the tables were made by the code and parameters that are installed"
    if stored.other_code:
        return Answer(what, "fails", f"by others: {_list(stored.other_code)}; refresh the year")
    return Answer(what, "passes", "by these")


def _judge_cutoff(stored: Stored, cutoff: date, quarter_ends: date) -> Answer:
    what = "the year's files were read by the data cut-off of the quarter"
    others = {name: day for name, day in stored.cutoffs.items() if day != cutoff}
    if others:
        listed = [f"{name} by {day or 'none'}" for name, day in others.items()]
        return Answer(
            what,
            "fails",
            f"{_list(listed)}, and not {cutoff}: refresh the year with --cutoff {cutoff}",
        )
    if cutoff > quarter_ends:
        return Answer(what, "fails", f"{cutoff} is after the quarter's end")
    return Answer(what, "passes", f"released by {cutoff}")


def _judge_agreement(agreement: pd.DataFrame | None) -> Answer:
    what = "results agree with those that CMS published"
    if agreement is None or agreement["decided_count"].fillna(0).sum() == 0:
        return Answer(what, "passes", "CMS's files of the year print nothing to compare with")
    shares = _share_decided(agreement)
    warns, fails = read_limits("agreement_share")
    low = shares[shares < warns].sort_values()
    if low.empty:
        text = f"lowest {shares.min():.2%}, {shares.idxmin()}"
        return Answer(what, "passes", f"{len(shares)} kinds of results: {text}")
    outcome: Outcome = "fails" if (low < fails).any() else "warns"
    listed = [f"{key} {share:.2%}" for key, share in low.items()]
    return Answer(what, outcome, f"below {warns:.0%} (fails below {fails:.0%}): {_list(listed)}")


def _share_decided(agreement: pd.DataFrame) -> pd.Series:
    """Return the share that is equal, of the results that the digits of CMS's files decide."""
    decided = agreement[agreement["decided_count"] > 0]
    decided = decided.set_index(_name(decided, "program", "measure", "kind"))
    return (decided["decided_equal_count"] / decided["decided_count"]).astype("float64")


def judge_agreement_before(now: pd.DataFrame | None, before: pd.DataFrame) -> Answer:
    """Compare the agreement with that of the release before."""
    what = "results agree as well as in the release before"
    if now is None or before.empty:
        return Answer(what, "passes", "nothing to compare with")
    fall = (_share_decided(before) - _share_decided(now)).dropna()
    warns, fails = read_limits("agreement_fall")
    falling = fall[fall > warns].sort_values(ascending=False)
    if falling.empty:
        return Answer(what, "passes", f"none of {len(fall)} kinds of results fell")
    outcome: Outcome = "fails" if (falling > fails).any() else "warns"
    listed = [f"{key} by {part:.2%}" for key, part in falling.items()]
    return Answer(what, outcome, f"fell: {_list(listed)}")


def _judge_account(stored: Stored) -> Answer:
    what = "every event is accounted for"
    if not stored.has_patients:
        return Answer(what, "passes", "the year has no patient-level files")
    account = stored.account
    if account is None:
        return Answer(what, "fails", "report.event_account is not stored: it does not close")
    open_kinds = account[account["found_count"] != account["accounted_count"]]
    if not open_kinds.empty:
        names = sorted(set(open_kinds["measure"] + " " + open_kinds["kind"]))
        return Answer(what, "fails", f"the account does not close: {_list(names)}")
    unusual = describe_unusual_months(account)
    if unusual is not None:
        return Answer(what, "warns", unusual)
    return Answer(what, "passes", "the account closes, and no month is unusual")


def _judge_plausibility(stored: Stored) -> Answer:
    what = "the tables look like the year before's"
    warned = [name for name, one in stored.tables.items() if one.warns]
    if not warned:
        return Answer(what, "passes", "no check warns")
    return Answer(what, "warns", f"{len(warned)} checks warn: {_list(warned)}")


def judge_changes(changes: pd.DataFrame, contract: pd.DataFrame) -> list[Answer]:
    """Judge what differs from the release before, as both show it.

    `changes` has the rows of `find_changes`, `contract` today's `facility.contract`.
    """
    facilities = _name(contract, "program", "measure").value_counts()
    flags = changes[changes["kind"] == "flag"]
    lost = changes[
        (changes["kind"] == "value") & changes["before"].notna() & changes["after"].isna()
    ]
    return [
        _judge_share("flags_moved", "flags are those of the release before", flags, facilities),
        _judge_share("values_lost", "no facility has lost its value", lost, facilities),
    ]


def _judge_share(limit: str, what: str, rows: pd.DataFrame, facilities: pd.Series) -> Answer:
    """Judge the share of each measure's facilities that have a row."""
    warns, fails = read_limits(limit)
    counts = _name(rows, "program", "measure").value_counts()
    of = facilities.reindex(counts.index, fill_value=0)
    shares = (counts / of.where(of > counts, counts)).astype("float64")
    high = shares[shares > warns].sort_values(ascending=False)
    if high.empty:
        return Answer(what, "passes", f"{len(rows):,} differ, in no measure above {warns:.0%}")
    outcome: Outcome = "fails" if (high > fails).any() else "warns"
    listed = [f"{key} {share:.1%}" for key, share in high.items()]
    return Answer(what, outcome, f"above {warns:.0%} (fails above {fails:.0%}): {_list(listed)}")


@cache
def read_limits(question: str) -> tuple[float, float]:
    """Return the shares beyond which an answer warns, and beyond which it fails."""
    table = load_parameters("release_limit").set_index("question")
    row = table.loc[question]
    return float(str(row["warn_limit"])), float(str(row["fail_limit"]))


def _name(frame: pd.DataFrame, *columns: str) -> pd.Series:
    """Return the names of what rows are of, as one text: `dfc shr flag`."""
    named = frame[columns[0]].astype(str)
    for column in columns[1:]:
        named = named + " " + frame[column].astype(str)
    return named


def find_failing(answers: Sequence[Answer]) -> list[Answer]:
    """Return the answers that fail."""
    return [answer for answer in answers if answer.outcome == "fails"]


def _list(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
