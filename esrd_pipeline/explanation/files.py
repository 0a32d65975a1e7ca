"""Writes an explanation: a CSV a table, a page and its PDF, in one private folder."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from esrd_pipeline.explanation.document import Document
from esrd_pipeline.explanation.legend import LEGEND
from esrd_pipeline.explanation.page import describe_privacy, list_columns, render_page, render_pages
from esrd_pipeline.private import make_private_folder, write_private

PAGE, PRINTED = "explanation.html", "explanation.pdf"


def write_document(document: Document, root: Path, year: int) -> Path:
    """Write a document below the explanations' folder of a year; return its own folder.

    An earlier explanation of the same number is replaced, its PDF too.
    """
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
    return folder


def render_pdfs(folders: Sequence[Path]) -> str | None:
    """Print the pages of some explanations as PDFs; return why not where that cannot be done."""
    return render_pages([(folder / PAGE, folder / PRINTED) for folder in folders])


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
