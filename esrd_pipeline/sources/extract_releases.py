"""Which release of a patient-level extract is read: the newest on or before the data cut-off.

A release has its day in the names of its files (`eqrs_patient_2025_2026-07-15.parquet`) or in the
name of the folder they lie in (`2026-07-15/eqrs_patient.parquet`). It holds its extract whole, and
takes the place of the one before.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from esrd_pipeline.sources.errors import SourceError

_DAY = r"(?P<year>\d{4})-(?P<month>\d{2})(?:-(?P<day>\d{2}))?"
_FOLDER = re.compile(_DAY)
_IN_NAME = re.compile(rf"[_.-]{_DAY}(?=[_.-]|$)")


@dataclass(frozen=True, slots=True)
class Delivered:
    """A file of a year's folder: where it is, its name without its day, and its day if it has one.

    `day` of `2026-07` is the first of the month.
    """

    path: Path
    name: str
    day: date | None


def list_delivered(folder: Path) -> list[Delivered]:
    """Return everything in a year's folder and in the folders of its releases, by name.

    Raises:
        SourceError: a day is none, or a file's name has another than its folder.
    """
    if not folder.is_dir():
        return []
    found: list[Delivered] = []
    for path in sorted(folder.iterdir()):
        named = _FOLDER.fullmatch(path.name)
        if named is not None and path.is_dir():
            day = _read_day(named, path.name)
            found += [_look_at(inner, day) for inner in sorted(path.iterdir())]
        else:
            found.append(_look_at(path, None))
    return found


def _look_at(path: Path, of_folder: date | None) -> Delivered:
    named = _IN_NAME.search(path.name)
    if named is None:
        return Delivered(path, path.name, of_folder)
    day = _read_day(named, path.name)
    if of_folder not in (None, day):
        raise SourceError(
            file=f"{path.parent.name}/{path.name}",
            rule="has another day in its name than its folder",
        )
    return Delivered(path, path.name[: named.start()] + path.name[named.end() :], day)


def _read_day(named: re.Match[str], name: str) -> date:
    try:
        return date(int(named["year"]), int(named["month"]), int(named["day"] or 1))
    except ValueError:
        raise SourceError(
            file=name, rule=f"'{named.group().lstrip('_.-')}' in its name is not a date"
        ) from None


def choose(
    found: Sequence[tuple[str | None, Delivered]], folder: Path, cutoff: date | None
) -> list[tuple[str | None, Delivered]]:
    """Return the files of the newest release on or before `cutoff`, of one extract's files.

    Files are given with the number of their part. A file without a day is read whatever the
    cut-off, where it is the only release.

    Raises:
        SourceError: some have a day and some none, or the newest has other parts alone.
    """
    days = {one.day for _, one in found}
    if None in days and len(days) > 1:
        names = ", ".join(name_below(folder, one.path) for _, one in found)
        raise SourceError(
            file=folder.name,
            rule="files of one extract, and not all have the day of their release in their names"
            f" or folders: {names}",
        )
    early = [
        (part, one) for part, one in found if one.day is None or cutoff is None or one.day <= cutoff
    ]
    newest = max((one.day or date.min for _, one in early), default=None)
    chosen = [(part, one) for part, one in early if (one.day or date.min) == newest]
    parts = {part for part, _ in chosen}
    for day in {one.day for _, one in early} - {newest}:
        before = {part for part, one in early if one.day == day}
        if None not in parts | before and not parts & before:
            raise SourceError(
                file=name_below(folder, chosen[0][1].path),
                rule=f"a release holds its extract whole, and {newest} has none of the parts of"
                f" {day}",
            )
    return chosen


def name_below(folder: Path, path: Path) -> str:
    """Return a file's name as it stands in the year's folder: `2026-07-15/eqrs_patient.csv`."""
    return path.relative_to(folder).as_posix()
