"""Writes an explanation: a CSV a table, a page and its PDF, in one private folder."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from esrd_pipeline.explanation.document import Document
from esrd_pipeline.explanation.legend import LEGEND
from esrd_pipeline.explanation.page import describe_privacy, list_columns, print_pdf, render_page
from esrd_pipeline.private import make_private_folder, write_private

PAGE, PRINTED = "explanation.html", "explanation.pdf"


@dataclass(frozen=True, slots=True)
class Written:
    """An explanation on disk.

    Attributes:
        folder: its folder, for its owner alone.
        not_printed: why there is no PDF; None where there is one.
    """

    folder: Path
    not_printed: str | None


def write_document(document: Document, root: Path, year: int, *, with_pdf: bool = True) -> Written:
    """Write a document below the explanations' folder of a year; an earlier one is replaced."""
    folder = make_private_folder(root, str(year), document.name)
    for old in folder.iterdir():
        # A table that this explanation has not must not stay beside those it has.
        if old.is_file() and old.suffix in (".csv", ".html", ".pdf"):
            old.unlink()
    tables = {
        "number": pd.DataFrame(document.facts, columns=["what", "text"]),
        "sums": pd.DataFrame(
            [(one.what, one.added, one.stored, one.verdict) for one in document.checks],
            columns=["sum", "added_up_here", "stored", "compared"],
        ),
        **{section.name: section.rows for section in document.sections},
        "legend": pd.DataFrame(
            [(name, LEGEND[name]) for name in list_columns(document)],
            columns=["column", "meaning"],
        ),
    }
    for name, rows in tables.items():
        with write_private(folder / f"{name}.csv") as file:
            rows.to_csv(file, index=False, lineterminator="\n")
    with write_private(folder / "README.txt") as file:
        file.write(_describe(document))
    with write_private(folder / PAGE) as file:
        file.write(render_page(document))
    if not with_pdf:
        return Written(folder, "not asked for")
    return Written(folder, print_pdf(folder / PAGE, folder / PRINTED))


def _describe(document: Document) -> str:
    lines = [document.title, describe_privacy(document), ""]
    lines += [
        f"{section.name}.csv: {section.title}. {section.note}" for section in document.sections
    ]
    lines += [
        "number.csv: the number, its limits and category.",
        "sums.csv: what the lines add up to, compared with the stored number.",
        "legend.csv: what the columns mean.",
    ]
    return "\n".join(lines) + "\n"
