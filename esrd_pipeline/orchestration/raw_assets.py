"""Assets of the raw layer: the files a year is made from, and their contents as tables."""

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd

from esrd_pipeline.orchestration.context import StepContext, StepResult
from esrd_pipeline.orchestration.table_asset import Dependency, TableAsset, make_multi_asset
from esrd_pipeline.sources.dfc_facility import read_dfc_facility
from esrd_pipeline.sources.dfc_national import read_dfc_national
from esrd_pipeline.sources.ece_grant import read_ece_grant
from esrd_pipeline.sources.ich_cahps_facility import read_ich_cahps_facility
from esrd_pipeline.sources.qip_complete import read_qip_complete
from esrd_pipeline.sources.qip_standard import read_qip_standard
from esrd_pipeline.tables import raw
from esrd_pipeline.tables.release import RELEASE

NEEDED = ("dfc_facility", "qip_complete")
"""A year without patient-level files needs at least one of these; a table without its file holds
no row."""


_Reader = Callable[[Path, int], pd.DataFrame]
_READERS: dict[str, _Reader] = {
    "dfc_facility": read_dfc_facility,
    "dfc_national": read_dfc_national,
    "qip_complete": read_qip_complete,
    "ich_cahps_facility": read_ich_cahps_facility,
    "ece_grant": read_ece_grant,
    "qip_standard": read_qip_standard,
}


def _find_files(step: StepContext) -> StepResult:
    from esrd_pipeline.sources.errors import MissingSourceError, SourceError
    from esrd_pipeline.sources.files import find_release

    if step.settings.origin == "embedded":
        _write_embedded_default(step)
    rows = []
    for source in raw.TITLES:
        row: dict[str, object] = {
            "performance_year": step.performance_year,
            "source": source,
            "origin": step.settings.origin,
        }
        try:
            path = find_release(step.source_folder, source, step.cutoff)
        except MissingSourceError as missing:
            row |= {"reason": missing.rule}
        else:
            content = path.read_bytes()
            row |= {
                "file_name": path.name,
                "size_bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
        rows.append(row)
    frame = pd.DataFrame(rows, columns=RELEASE.column_names)
    read = frame.loc[frame["file_name"].notna(), "source"]
    if not set(read) & set(NEEDED) and not step.settings.has_patients(step.performance_year):
        raise SourceError(
            file=f"{step.performance_year}",
            rule="neither a DFC facility file nor a Complete QIP file lies in"
            f" {step.source_folder.parent.name}/{step.performance_year};"
            " data/README.md says how they are named",
        )
    return StepResult(
        (frame,),
        notes={
            "origin": step.settings.origin,
            "data cut-off": step.cutoff.isoformat() if step.cutoff else "none",
            "files": ", ".join(frame["file_name"].dropna()),
        },
    )


def _write_embedded_default(step: StepContext) -> None:
    """Write the year's synthetic files again: they depend only on the year and the code."""
    from esrd_pipeline.synthetic.nation.embedded import number_facilities
    from esrd_pipeline.synthetic.published import write_published_files

    folder = step.source_folder
    written = write_published_files(
        folder,
        performance_year=step.performance_year,
        numbers=number_facilities(step.performance_year),
    )
    for stale in set(folder.glob("*.csv")) - set(written):
        stale.unlink()


def _read_source(step: StepContext, *, source: str, read: _Reader) -> StepResult:
    from esrd_pipeline.sources.errors import SourceError

    (release,) = (row for row in step.read(RELEASE).to_dict("records") if row["source"] == source)
    if pd.isna(release["file_name"]):
        empty = pd.DataFrame(columns=raw.raw_table(source).column_names)
        return StepResult((empty,), notes={"file": "none", "why": str(release["reason"])})
    path = step.source_folder / str(release["file_name"])
    if not path.is_file() or _digest(path) != release["sha256"]:
        raise SourceError(
            file=path.name,
            rule="changed or gone since raw.release was made: materialise raw.release again",
        )
    frame = read(path, step.performance_year)
    explained = int(frame["missing"].map(len).sum())
    return StepResult((frame,), notes={"source file": path.name, "nulls with a reason": explained})


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


_TABLES = (
    TableAsset(
        tables=(RELEASE,),
        compute=_find_files,
        description="The files this year is made from: the newest released on or before the"
        " data cut-off, with their digests. Without published files the embedded default is"
        " written first.",
        kinds=frozenset({"file", "parquet"}),
    ),
    *(
        TableAsset(
            tables=(raw.raw_table(source),),
            compute=partial(_read_source, source=source, read=_READERS[source]),
            description=f"The {raw.TITLES[source]}, every column typed; `missing` has the text"
            " published in place of a value. It has no rows where the year has no such file.",
            dependencies=(Dependency(RELEASE),),
            kinds=frozenset({"csv", "parquet"}),
        )
        for source in raw.TITLES
    ),
)

ASSETS = (make_multi_asset("raw", _TABLES),)
