"""What differs from the release before, in words: `CHANGES.md`.

Both sides are what the releases show, so that nothing stands here that they do not.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from esrd_pipeline.releases.gate import Answer
from esrd_pipeline.reports.change import Results, list_changed_makers

_MOVERS = 5
_ORDER = {"flag": 1, "value": 2, "score": 3, "tps": 4, "reduction": 5, "star": 6}
_NOUNS = {
    "value": ("value", "values"),
    "flag": ("flag", "flags"),
    "score": ("score", "scores"),
    "tps": ("Total Performance Score", "Total Performance Scores"),
    "reduction": ("payment reduction", "payment reductions"),
    "star": ("star rating", "star ratings"),
}
_SIDES = ("better", "worse")
_HIDDEN = "Values of few patients, which no release shows, are not compared."


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """What stands at the top: the release, what it corrects and why, what it is compared with."""

    name: str
    performance_year: int
    quarter: str
    cutoff: str
    maker: str
    replaces: str = ""
    why: str = ""
    before: str = ""


def describe(
    heading: Heading, answers: Sequence[Answer], changes: pd.DataFrame | None, causes: Sequence[str]
) -> str:
    """Return the text; `changes` is None where there is no release before."""
    lines = [
        f"# Release {heading.name} of performance year {heading.performance_year}",
        "",
        f"Quarter {heading.quarter}; files released by {heading.cutoff}; made by {heading.maker}.",
    ]
    if heading.replaces:
        lines += ["", f"It corrects release {heading.replaces}: {heading.why}"]
    lines += ["", "## What was asked before it was made", ""]
    lines += [f"- {one.question}: **{one.outcome}**. {one.text}." for one in answers]
    lines += ["", "## What differs", ""]
    if changes is None:
        lines += ["This is the first release: there is none to compare it with."]
    elif changes.empty:
        lines += [f"No result is other than in {heading.before}."]
    else:
        lines += [
            f"{len(changes):,} results are other than in {heading.before}. {_HIDDEN}",
            "",
            *(f"- {cause}" for cause in causes),
        ]
        for (_, _, _), rows in _split(changes):
            lines += ["", *_describe_result(rows)]
    return "\n".join(lines) + "\n"


def _split(changes: pd.DataFrame) -> Iterator[tuple[tuple[str, str, str], pd.DataFrame]]:
    groups = {
        (str(program), str(measure), str(kind)): rows
        for (program, measure, kind), rows in changes.groupby(["program", "measure", "kind"])
    }
    for key in sorted(groups, key=lambda key: (key[0], key[1], _ORDER[key[2]])):
        yield key, groups[key]


def _describe_result(rows: pd.DataFrame) -> list[str]:
    first = rows.iloc[0]
    kind = str(first["kind"])
    noun = _NOUNS[kind][len(rows) > 1]
    whose = "" if first["measure"] in ("tps", "stars") else f" of {first['measure']}"
    title = f"### {str(first['program']).upper()}: {len(rows):,} {noun}{whose}"
    found = _describe_flags(rows) if kind == "flag" else _describe_numbers(rows)
    return [title, "", *found]


def _describe_flags(rows: pd.DataFrame) -> list[str]:
    """Tell who gained or lost a flag, better or worse."""
    lines: list[str] = []
    for side in _SIDES:
        gained = rows[(rows["after_text"] == side) & (rows["before_text"] != side)]
        lost = rows[(rows["before_text"] == side) & (rows["after_text"] != side)]
        for what, some in ((f"gained *{side}*", gained), (f"lost *{side}*", lost)):
            if len(some):
                lines.append(f"- {len(some):,} {what}: {_list(sorted(some['ccn']))}")
    others = rows[
        ~rows["after_text"].isin(_SIDES).to_numpy() & ~rows["before_text"].isin(_SIDES).to_numpy()
    ]
    if len(others):
        lines.append(f"- {len(others):,} from or to *as expected*, or with another reason for none")
    return lines


def _describe_numbers(rows: pd.DataFrame) -> list[str]:
    new = int((rows["before"].isna() & rows["after"].notna()).sum())
    lost = int((rows["before"].notna() & rows["after"].isna()).sum())
    moved = rows[rows["change"].notna() & (rows["change"] != 0)].sort_values(["rank", "ccn"])
    lines = [f"- {n:,} {what}" for n, what in ((new, "are new"), (lost, "are gone")) if n]
    if len(moved):
        up = int((moved["change"] > 0).sum())
        lines.append(f"- {len(moved):,} moved, {up:,} up and {len(moved) - up:,} down; most:")
        lines += [
            f"  - {row['ccn']}: {row['before']:.6g} to {row['after']:.6g} ({row['change']:+.4g})"
            for row in moved.head(_MOVERS).to_dict("records")
        ]
    others = len(rows) - new - lost - len(moved)
    if others:
        lines.append(f"- {others:,} have another reason for no result")
    return lines


def list_causes(before: Results, after: Results) -> list[str]:
    """Return sentences on what was read and what made it, where these are others."""
    causes: list[str] = []
    if before.files is not None and after.files is not None:
        names = _differing(before.files, after.files)
        causes.append(f"Files that are others: {_list(names)}." if names else "The same files.")
    makers = list_changed_makers(before, after)
    if makers:
        causes.append(f"Code or parameters are others of: {_list(makers)}.")
    elif before.makers and after.makers:
        causes.append("The same code and parameters.")
    return causes


def _differing(some: Mapping[str, str], others: Mapping[str, str]) -> list[str]:
    return sorted(
        name for name in some.keys() | others.keys() if some.get(name) != others.get(name)
    )


def _list(names: Sequence[str], shown: int = 12) -> str:
    more = f" and {len(names) - shown:,} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
