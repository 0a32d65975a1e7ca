"""What the QIP's footnotes mean, by year, and CMS's own list of it.

Meanings are rows of parameters/qip_footnote.csv. Footnote 11 is the proof that the number alone
does not tell: it stood for April 1 and a missing date up to payment year 2024, for September 1 in
payment year 2026.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from esrd_pipeline.parameters.rows import load_rows
from esrd_pipeline.sources.errors import SourceError
from esrd_pipeline.sources.file_notes import FileNotes
from esrd_pipeline.sources.grid import read_grid

HEADER = ("Footnote", "Reason for No Score")


@cache
def find_meaning(footnote: str, performance_year: int) -> Mapping[str, str]:
    """Return the row of a printed footnote in the file of a year.

    Raises:
        LookupError: there is no such footnote.
    """
    rows = [row for row in load_rows("qip_footnote") if row["printed_as"] == footnote]
    dated = [row for row in rows if row["last_year"] and performance_year <= int(row["last_year"])]
    undated = [row for row in rows if not row["last_year"]]
    for row in (*dated, *undated):
        return row
    raise LookupError(f"qip_footnote.csv has no footnote {footnote}")


def render_code(code: str) -> str:
    """Return how a footnote is printed, of its code in qip_footnote.csv."""
    return next((r["printed_as"] for r in load_rows("qip_footnote") if r["code"] == code), code)


def check_footnotes(path: Path, performance_year: int, notes: FileNotes) -> None:
    """Compare CMS's list of footnotes with what we take them for; tell what differs.

    Raises:
        SourceError: the file is no list of footnotes.
    """
    grid = read_grid(path)
    if len(grid.header) < len(HEADER) or grid.header[0] != HEADER[0]:
        raise SourceError(file=grid.file, row=1, rule=f"the columns are not {' and '.join(HEADER)}")
    for footnote, printed in zip(grid.columns[0], grid.columns[1], strict=True):
        try:
            known = find_meaning(footnote.strip(), performance_year)["printed"]
        except LookupError:
            notes.meanings.append(f"footnote {footnote} ('{printed}')")
            continue
        if _plain(printed) != _plain(known):
            notes.meanings.append(f"footnote {footnote} ('{printed}')")


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
