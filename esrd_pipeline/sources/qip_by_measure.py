"""Reads the QIP's files by measure as one table with the Complete QIP file.

For some payment years CMS publishes one file a measure and one of the Total Performance Score.
Each lists every facility; their columns are rows of parameters/published_column.csv.
"""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from esrd_pipeline.sources.errors import SourceError
from esrd_pipeline.sources.file_notes import FileNotes
from esrd_pipeline.sources.files import QIP_BY_MEASURE
from esrd_pipeline.sources.layout import load_layout
from esrd_pipeline.sources.table import Readings, make_frame, read_columns
from esrd_pipeline.tables.raw import BY_MEASURE

SOURCE = "qip_complete"
KEY = "ccn"
TOTALS = f"{BY_MEASURE}.tps"


def read_qip_by_measure(
    paths: Mapping[str, Path], performance_year: int, notes: FileNotes | None = None
) -> pd.DataFrame:
    """Return the files of one year as the table `raw.qip_complete`.

    `paths` are the files by source. What describes a facility is taken from the first of them.

    Raises:
        SourceError: a file breaks a rule, or the files do not list the same facilities.
    """
    if TOTALS not in paths:
        (file, *_) = sorted(path.name for path in paths.values())
        raise SourceError(file=file, rule="lies here without the year's file TPS.csv")
    described = load_layout(BY_MEASURE, performance_year)
    notes = FileNotes() if notes is None else notes
    notes.files += [
        source.removeprefix(f"{BY_MEASURE}.") for source in QIP_BY_MEASURE if source not in paths
    ]
    parts: list[pd.DataFrame] = []
    known: Readings = {}
    # The file of totals comes first: it is the list of facilities.
    for source in sorted(paths, key=lambda name: (name != TOTALS, name)):
        own = [column.name for column in load_layout(source, performance_year)]
        layout = (*described, *load_layout(source, performance_year))
        grid, columns = read_columns(
            paths[source], layout, (KEY,), notes=notes, source=BY_MEASURE, known=known
        )
        rows, names = len(grid.rows), own if parts else None
        part = make_frame(SOURCE, performance_year, layout, columns, rows, names=names)
        part = part.set_index(KEY, drop=False)
        if parts:
            _check_facilities(paths, source, part, parts[0])
            part = part[own].join(
                part[["missing"]].rename(columns={"missing": f"missing of {source}"})
            )
        parts.append(part)
    return _join(parts)


def _check_facilities(
    paths: Mapping[str, Path], source: str, part: pd.DataFrame, first: pd.DataFrame
) -> None:
    differing = part.index.symmetric_difference(first.index)
    if len(differing):
        raise SourceError(
            file=paths[source].name,
            rule=f"{len(differing):,} facilities are not both here and in {paths[TOTALS].name},"
            f" {differing[0]} first: the files are of different releases",
        )


def _join(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Put the measures' columns beside the facilities of the first part."""
    frame = parts[0].copy()
    labels = [dict(label) for label in frame["missing"]]
    for part in parts[1:]:
        rows = part.reindex(frame.index)
        for name in rows.columns:
            if name.startswith("missing of "):
                for label, more in zip(labels, rows[name], strict=True):
                    label.update(more)
            else:
                frame[name] = rows[name]
    frame["missing"] = pd.Series(labels, index=frame.index, dtype=object)
    return frame.reset_index(drop=True)
