"""Finds the release of a published file that is to be read."""

import re
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path

from esrd_pipeline.sources.errors import MissingSourceError, SourceError

# Matched without regard to case.
FILE_NAMES: dict[str, tuple[str, ...]] = {
    "dfc_facility": ("DFC_FACILITY*.csv",),
    "dfc_national": ("DFC_NATIONAL*.csv",),
    "qip_complete": ("*QIP_COMPLETE*.csv", "*COMPLETE_QIP*.csv"),
    "ich_cahps_facility": ("ICH_CAHPS_FACILITY*.csv",),
    "ece_grant": ("ECE_GRANT*.csv",),
    "qip_standard": ("QIP_STANDARD*.csv",),
}
QIP_BY_MEASURE: dict[str, tuple[str, ...]] = {
    f"qip_by_measure.{file.lower()}": (f"{file}*.csv",)
    for file in (
        "CLINICAL_DEPRESSION",
        "HYPERCALCEMIA",
        "KTV_COMPREHENSIVE",
        "MEDREC",
        "NHSN_BSI",
        "NHSN_DIALYSIS_EVENT",
        "PPPW",
        "SHR",
        "SRR",
        "STRR",
        "TPS",
        "UFR",
        "VAT_TOPIC",
    )
}
"""The QIP's files by measure, which stand for the Complete QIP file where there is none."""
FOOTNOTES = "qip_footnotes"
FOOTNOTE_FILES: dict[str, tuple[str, ...]] = {
    FOOTNOTES: ("*FOOTNOTES*.csv",),
}
"""CMS's list of what the QIP's footnotes mean."""
_ALL_NAMES = {**FILE_NAMES, **QIP_BY_MEASURE, **FOOTNOTE_FILES}
IGNORE_FILE = ".esrdignore"
RELEASE_DATE = re.compile(r"(?<!\d)(\d{4})-(\d{2})(?:-(\d{2}))?(?!\d)")


def find_release(folder: Path, source: str, cutoff: date | None = None) -> Path:
    """Return the newest release of `source` in `folder` on or before `cutoff`.

    The date of a release is `YYYY-MM-DD` or `YYYY-MM` (its first day) in the file's name. A single
    file without a date is used regardless of the cutoff.

    Raises:
        MissingSourceError: no file has one of the source's names.
        SourceError: several files are not all dated, or all are after the cutoff.
    """
    place = "/".join(folder.parts[-2:])
    files = _matching_files(folder, _ALL_NAMES[source])
    if not files:
        accepted = " or ".join(_ALL_NAMES[source])
        raise MissingSourceError(file=place, rule=f"no file named {accepted} in this folder")
    releases = {path: _release_date(path, place) for path in files}
    names = ", ".join(path.name for path in files)
    if len(files) > 1 and None in releases.values():
        raise SourceError(
            file=place, rule=f"several files and not all dated YYYY-MM in their names: {names}"
        )
    early = {
        path: released
        for path, released in releases.items()
        if released is None or cutoff is None or released <= cutoff
    }
    if not early:
        raise SourceError(file=place, rule=f"every release is later than {cutoff}: {names}")
    newest = max(released or date.min for released in early.values())
    chosen = [path for path, released in early.items() if (released or date.min) == newest]
    if len(chosen) > 1:
        names = ", ".join(path.name for path in chosen)
        raise SourceError(file=place, rule=f"several files of the same release: {names}")
    return chosen[0]


def list_unread(folder: Path) -> list[str]:
    """Return the names in a year's folder that are no published file's, ignored ones left out.

    Raises:
        SourceError: one looks like a file that is read, and is not named like it: a list of
            exceptions that nobody reads changes scores.
    """
    taken = {path for patterns in _ALL_NAMES.values() for path in _matching_files(folder, patterns)}
    ignored = read_ignored(folder)
    unread = sorted(
        path.name
        for path in (folder.iterdir() if folder.is_dir() else ())
        if path.is_file()
        and path not in taken
        and not path.name.startswith((".", "_", "~"))
        and not any(fnmatchcase(path.name.lower(), pattern.lower()) for pattern in ignored)
    )
    for name in unread:
        for patterns in FILE_NAMES.values():
            if any(_letters(pattern) in _letters(name) for pattern in patterns):
                raise SourceError(
                    file=f"{'/'.join(folder.parts[-2:])}/{name}",
                    rule="is not read: save it as CSV in UTF-8 and name it"
                    f" {' or '.join(patterns)}, or name it in {IGNORE_FILE}",
                )
    return unread


def read_ignored(folder: Path) -> list[str]:
    """Return the patterns of names that are not meant for the project."""
    ignore = folder / IGNORE_FILE
    return ignore.read_text(encoding="utf-8").split() if ignore.is_file() else []


def _letters(name: str) -> str:
    """Return the letters of a name, or of a pattern without its ending."""
    return re.sub(r"[^a-z]", "", name.removesuffix(".csv").lower())


def _matching_files(folder: Path, patterns: tuple[str, ...]) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(
        path
        for path in folder.iterdir()
        if path.is_file()
        and any(fnmatchcase(path.name.lower(), pattern.lower()) for pattern in patterns)
    )


def _release_date(path: Path, place: str) -> date | None:
    found = RELEASE_DATE.search(path.name)
    if found is None:
        return None
    year, month, day = found.groups(default="1")
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        raise SourceError(
            file=f"{place}/{path.name}", rule=f"'{found.group()}' in its name is not a date"
        ) from None
