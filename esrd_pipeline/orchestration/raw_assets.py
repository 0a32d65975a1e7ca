"""Assets of the raw layer: the files a year is made from, and their contents as tables."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from esrd_pipeline.cutoffs import write_cutoff
from esrd_pipeline.orchestration.context import StepContext, StepResult
from esrd_pipeline.orchestration.made_of import digest_file
from esrd_pipeline.orchestration.table_asset import Dependency, TableAsset, make_steps
from esrd_pipeline.sources.dfc_facility import read_dfc_facility
from esrd_pipeline.sources.dfc_national import read_dfc_national
from esrd_pipeline.sources.ece_grant import read_ece_grant
from esrd_pipeline.sources.file_notes import FileNotes
from esrd_pipeline.sources.ich_cahps_facility import read_ich_cahps_facility
from esrd_pipeline.sources.qip_complete import read_qip_complete
from esrd_pipeline.sources.qip_standard import read_qip_standard
from esrd_pipeline.tables import raw
from esrd_pipeline.tables.release import RELEASE

NEEDED = ("dfc_facility", "qip_complete")
"""A year without patient-level files needs at least one of these; a table without its file holds
no row."""


_Reader = Callable[[Path, int, FileNotes | None], pd.DataFrame]
_READERS: dict[str, _Reader] = {
    "dfc_facility": read_dfc_facility,
    "dfc_national": read_dfc_national,
    "qip_complete": read_qip_complete,
    "ich_cahps_facility": read_ich_cahps_facility,
    "ece_grant": read_ece_grant,
    "qip_standard": read_qip_standard,
}


def _find_files(step: StepContext) -> StepResult:
    from esrd_pipeline.sources.files import FOOTNOTES, QIP_BY_MEASURE, list_unread

    if step.settings.origin == "embedded":
        _write_embedded_default(step)
    # Where one folder has both kinds, the step of the patient-level files tells.
    shared = step.source_folder == step.patient_folder
    unread = [] if shared else list_unread(step.source_folder)
    rows = [_find_file(step, source) for source in (*raw.TITLES, *QIP_BY_MEASURE, FOOTNOTES)]
    # A file by measure, or the list of footnotes, has a row where it is there.
    frame = pd.DataFrame(
        [row for row in rows if row["source"] in raw.TITLES or "file_name" in row],
        columns=RELEASE.column_names,
    )
    parts = frame.loc[frame["source"].isin(QIP_BY_MEASURE), "file_name"]
    if len(parts):
        _put_parts(step, frame, list(parts))
    read = frame.loc[frame["file_name"].notna(), "source"]
    if not set(read) & {*NEEDED, *QIP_BY_MEASURE}:
        _check_patients(step)
    return StepResult(
        (frame,),
        notes={
            "origin": step.settings.origin,
            "data cut-off": step.cutoff.isoformat() if step.cutoff else "none",
            "files": ", ".join(frame["file_name"].dropna()),
            **({"files not read": ", ".join(unread)} if unread else {}),
        },
        warning=_describe_unread(unread),
        written=write_cutoff(step.cutoff),
    )


def _describe_unread(unread: Sequence[str]) -> str | None:
    from esrd_pipeline.sources.files import IGNORE_FILE

    if not unread:
        return None
    return (
        f"not read are {', '.join(unread)}: data/README.md says how files are named; name those"
        f" that are not meant for the project in {IGNORE_FILE}"
    )


def _list_outside(step: StepContext, sources: Sequence[str]) -> Mapping[str, str]:
    """Return the digests of the published files of sources, and what else decides on them."""
    files = {
        f"file {row.get('file_name', f'of {source}')}": str(row.get("sha256", row.get("reason")))
        for source in sources
        for row in (_find_file(step, source),)
    }
    return files | {"data cut-off": str(step.cutoff)}


def _list_all(step: StepContext) -> Mapping[str, str]:
    from esrd_pipeline.sources.files import FOOTNOTES, QIP_BY_MEASURE

    has_patients = step.settings.has_patients(step.performance_year)
    files = _list_outside(step, (*raw.TITLES, *QIP_BY_MEASURE, FOOTNOTES))
    return {**files, "patient-level files": str(has_patients)}


def _list_of_source(step: StepContext, source: str) -> Mapping[str, str]:
    from esrd_pipeline.sources.files import FOOTNOTES, QIP_BY_MEASURE

    is_qip = source == raw.QIP_COMPLETE.path[1]
    return _list_outside(step, (source, *((*QIP_BY_MEASURE, FOOTNOTES) if is_qip else ())))


def _find_file(step: StepContext, source: str) -> dict[str, object]:
    """Return the row of raw.release of a source: its file, or why there is none."""
    from esrd_pipeline.sources.errors import MissingSourceError
    from esrd_pipeline.sources.files import find_release

    row: dict[str, object] = {
        "performance_year": step.performance_year,
        "source": source,
        "origin": step.settings.origin,
    }
    try:
        path = find_release(step.source_folder, source, step.cutoff)
    except MissingSourceError as missing:
        return row | {"reason": missing.rule}
    return row | {
        "file_name": path.name,
        "size_bytes": path.stat().st_size,
        "sha256": digest_file(path),
    }


def _put_parts(step: StepContext, frame: pd.DataFrame, parts: list[str]) -> None:
    """Note that the QIP's table is read from files by measure.

    Raises:
        SourceError: there is a Complete QIP file too.
    """
    from esrd_pipeline.sources.errors import SourceError

    is_qip = frame["source"] == raw.QIP_COMPLETE.path[1]
    if frame.loc[is_qip, "file_name"].notna().any():
        raise SourceError(
            file=f"{step.source_folder.parent.name}/{step.performance_year}",
            rule=f"both a Complete QIP file, {frame.loc[is_qip, 'file_name'].iloc[0]}, and QIP"
            f" files by measure ({', '.join(parts)}): keep one of the two",
        )
    frame.loc[is_qip, "reason"] = f"read from the files by measure: {', '.join(parts)}"


def _check_patients(step: StepContext) -> None:
    """Refuse a year without a file of either program and without patient-level files."""
    from esrd_pipeline.sources.errors import SourceError
    from esrd_pipeline.sources.files import FILE_NAMES

    if step.settings.has_patients(step.performance_year):
        return
    names = " or ".join(name for source in NEEDED for name in FILE_NAMES[source])
    raise SourceError(
        file=f"{step.source_folder.parent.name}/{step.performance_year}",
        rule=f"no file named {names} in this folder, and no patient-level file in"
        f" {step.patient_folder.parent.name}/{step.performance_year}: a year needs the DFC"
        " facility file, the Complete QIP file or patient-level files; data/README.md says how"
        " they are named",
    )


def _write_embedded_default(step: StepContext) -> None:
    """Write the year's synthetic files again: they depend only on the year and the code."""
    from esrd_pipeline.sources.errors import SourceError
    from esrd_pipeline.synthetic.nation.embedded import number_facilities
    from esrd_pipeline.synthetic.published import FIRST_YEAR, write_published_files

    folder = step.source_folder
    if step.performance_year < FIRST_YEAR:
        raise SourceError(
            file=f"{folder.parent.name}/{step.performance_year}",
            rule=f"there is no published file, and the synthetic nation begins with {FIRST_YEAR}",
        )
    written = write_published_files(
        folder,
        performance_year=step.performance_year,
        numbers=number_facilities(step.performance_year),
    )
    for stale in set(folder.glob("*.csv")) - set(written):
        stale.unlink()


def _read_source(step: StepContext, *, source: str, read: _Reader) -> StepResult:
    releases = {row["source"]: row for row in step.read(RELEASE).to_dict("records")}
    notes = FileNotes()
    parts = _find_parts(step, source, releases)
    if parts:
        from esrd_pipeline.sources.qip_by_measure import read_qip_by_measure

        frame = read_qip_by_measure(parts, step.performance_year, notes)
        name = ", ".join(path.name for path in parts.values())
    elif pd.isna(releases[source]["file_name"]):
        empty = pd.DataFrame(columns=raw.raw_table(source).column_names)
        return StepResult((empty,), notes={"file": "none", "why": str(releases[source]["reason"])})
    else:
        path = _find_unchanged(step, releases[source])
        frame, name = read(path, step.performance_year, notes), path.name
    if source == raw.QIP_COMPLETE.path[1]:
        _check_meanings(step, releases, notes)
    explained = int(frame["missing"].map(len).sum())
    return StepResult(
        (frame,),
        notes={"source file": name, "nulls with a reason": explained, **notes.as_metadata()},
        warning=notes.as_warning(),
    )


_Releases = Mapping[Hashable, Mapping[Hashable, object]]


def _find_parts(step: StepContext, source: str, releases: _Releases) -> dict[str, Path]:
    """Return the files by measure that stand for the Complete QIP file, by source."""
    from esrd_pipeline.sources.files import QIP_BY_MEASURE

    if source != raw.QIP_COMPLETE.path[1]:
        return {}
    return {
        part: _find_unchanged(step, releases[part]) for part in QIP_BY_MEASURE if part in releases
    }


def _check_meanings(step: StepContext, releases: _Releases, notes: FileNotes) -> None:
    from esrd_pipeline.sources.files import FOOTNOTES
    from esrd_pipeline.sources.qip_footnotes import check_footnotes

    if FOOTNOTES in releases:
        path = _find_unchanged(step, releases[FOOTNOTES])
        check_footnotes(path, step.performance_year, notes)


def _find_unchanged(step: StepContext, release: Mapping[Hashable, object]) -> Path:
    """Return the path of a file of raw.release.

    Raises:
        SourceError: it is not the file that raw.release was made of.
    """
    from esrd_pipeline.sources.errors import SourceError

    path = step.source_folder / str(release["file_name"])
    if not path.is_file() or digest_file(path) != release["sha256"]:
        raise SourceError(
            file=path.name,
            rule="changed or gone since raw.release was made: materialise raw.release again",
        )
    return path


_TABLES = (
    TableAsset(
        tables=(RELEASE,),
        compute=_find_files,
        description="The files this year is made from: the newest released on or before the"
        " data cut-off, with their digests. Without published files the embedded default is"
        " written first.",
        kinds=frozenset({"file", "parquet"}),
        outside=_list_all,
    ),
    *(
        TableAsset(
            tables=(raw.raw_table(source),),
            compute=partial(_read_source, source=source, read=_READERS[source]),
            description=f"The {raw.TITLES[source]}, every column typed; `missing` has the text"
            " published in place of a value. It has no rows where the year has no such file.",
            dependencies=(Dependency(RELEASE),),
            kinds=frozenset({"csv", "parquet"}),
            outside=partial(_list_of_source, source=source),
            listed_in=RELEASE,
        )
        for source in raw.TITLES
    ),
)

ASSETS = make_steps(_TABLES)
