"""The printable page of an explanation: one HTML file with the site's style inside it."""

import html
import os
import shutil
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

import pandas as pd

from esrd_pipeline.explanation.document import Document, Section, is_missing
from esrd_pipeline.explanation.factors import ROW, STORED
from esrd_pipeline.explanation.identities import CHART
from esrd_pipeline.explanation.legend import LEGEND
from esrd_pipeline.private import FILE_MODE
from esrd_pipeline.site.method_terms import write_term

_STYLE = Path(__file__).parents[1] / "site" / "static" / "site.css"
_OWN_STYLE = """
body{max-width:none}main{max-width:none}
.private{border:2px solid var(--bad);padding:.4rem .8rem;font-weight:600}
.wide td:first-child{min-width:14rem}
.facts th{white-space:nowrap;font-weight:600}
.no{color:var(--bad);font-weight:600}
.made td{font-size:.88em;color:var(--soft);padding-left:2rem}
@media print{@page{size:A4 landscape;margin:10mm}table{font-size:7pt}}
"""
_NUMBERS = "biufc"


def render_page(document: Document) -> str:
    """Return the page; it needs no other file."""
    parts = [
        "<!doctype html>\n<html lang='en'>\n<head>\n<meta charset='utf-8'>\n",
        "<meta name='viewport' content='width=device-width, initial-scale=1'>\n",
        f"<title>{_write(document.title)}</title>\n",
        f"<style>{_STYLE.read_text(encoding='utf-8')}{_OWN_STYLE}</style>\n</head>\n<body>\n<main>",
        f"<h1>{_write(document.title)}</h1>\n",
        f"<p class='private'>{_write(describe_privacy(document))}</p>\n",
        _render_facts(document),
        _render_checks(document),
        *(
            _render_section(document, section)
            for section in document.sections
            if section.is_printed
        ),
        _render_legend(document),
        "</main>\n</body>\n</html>\n",
    ]
    return "".join(parts)


def describe_privacy(document: Document) -> str:
    """Return what the reader must know of the page's handling."""
    if document.is_of_patients:
        return (
            "Private: this page names patients. It is for the facility's authorised reader alone;"
            " only the owner of its folder can open it."
        )
    return "For the facility's authorised reader: its own reports and scores. No patient is named."


def _render_facts(document: Document) -> str:
    rows = "".join(
        f"<tr><th scope='row'>{_write(name)}</th><td>{_write(text)}</td></tr>\n"
        for name, text in document.facts
    )
    return (
        f"<table class='facts'>\n<caption>The number</caption>\n<tbody>\n{rows}</tbody></table>\n"
    )


def _render_checks(document: Document) -> str:
    if not document.checks:
        return ""
    rows = "".join(
        f"<tr><th scope='row'>{_write(check.what)}</th><td class='n'>{_cell(check.added)}</td>"
        f"<td class='n'>{_cell(check.stored)}</td>"
        f"<td{'' if check.agrees is not False else ' class=no'}>{check.verdict}</td></tr>\n"
        for check in document.checks
    )
    return (
        "<h2>The lines add up to the number</h2>\n<table>\n<thead><tr><th scope='col'>Sum</th>"
        "<th scope='col' class='n'>Added up here</th><th scope='col' class='n'>Stored</th>"
        f"<th scope='col'>Compared</th></tr></thead>\n<tbody>\n{rows}</tbody></table>\n"
    )


def _render_section(document: Document, section: Section) -> str:
    is_made = section.name == "expected"
    rows = _join_patient(section.rows.drop(columns=[STORED] if is_made else [], errors="ignore"))
    note = f"<p>{_write(section.note)}</p>\n" if section.note else ""
    if rows.empty:
        return f"<h2>{_write(section.title)}</h2>\n{note}<p>None.</p>\n"
    is_number = [rows[name].dtype.kind in _NUMBERS for name in rows.columns]
    head = "".join(
        f"<th scope='col'{' class=n' if number else ''}>{_write(name.replace('_', ' '))}</th>"
        for name, number in zip(rows.columns, is_number, strict=True)
    )
    made = _write_adjusters(document) if is_made else [""] * len(rows)
    body = "".join(
        _render_row(tuple(values), is_number, words)
        for values, words in zip(rows.itertuples(index=False), made, strict=True)
    )
    return (
        f"<h2>{_write(section.title)}</h2>\n{note}"
        # What scrolls must be reached by the keyboard.
        f"<div class='wide' tabindex='0' role='region' aria-label='{_write(section.title)}'>\n"
        f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>\n"
    )


def _render_row(values: Iterable[object], is_number: list[bool], below: str) -> str:
    """Return a line, and what it is made of below it over its whole width."""
    cells = [
        f"<td class='{'n' if number else 'l' if isinstance(value, date) else 't'}'>"
        f"{_cell(value)}</td>"
        for value, number in zip(values, is_number, strict=True)
    ]
    line = f"<tr>{''.join(cells)}</tr>\n"
    if not below:
        return line
    return f"{line}<tr class='made'><td colspan='{len(cells)}'>{_write(below)}</td></tr>\n"


def _join_patient(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with the chart's identifiers in one cell."""
    if CHART[0] not in rows:
        return rows
    chart = rows[list(CHART)].astype(object)
    text = [
        f"{_plain(last)}, {_plain(first)}; born {_plain(born)}; EQRS {number}"
        for number, last, first, born in chart.itertuples(index=False)
    ]
    lines = rows.drop(columns=list(CHART))
    lines.insert(0, "patient", text)
    return lines


def _write_adjusters(document: Document) -> list[str]:
    """Return the adjusters of each expected number, with their products."""
    adjusters = document.find("adjusters")
    key = CHART[0]
    words = {
        name: [
            f"{write_term(str(term))}: {value:.7g} x {slope:.6g} = {product:.6g}"
            for term, value, slope, product in zip(
                part["adjuster"], part["value"], part["coefficient"], part["product"], strict=True
            )
        ]
        for name, part in adjusters.groupby([key, ROW], sort=False)
    }
    numbers = document.find("expected")
    found = (words.get(line, []) for line in zip(numbers[key], numbers[ROW], strict=True))
    return [
        f"{'adjuster' if len(products) == 1 else 'adjusters'}: "
        + ("; ".join(products) or "none, so their sum is 0")
        for products in found
    ]


def _render_legend(document: Document) -> str:
    names = list_columns(document)
    rows = "".join(
        f"<tr><th scope='row'>{_write(name.replace('_', ' '))}</th>"
        f"<td>{_write(LEGEND[name])}</td></tr>\n"
        for name in names
    )
    return f"<h2>What the columns mean</h2>\n<table><tbody>\n{rows}</tbody></table>\n"


def list_columns(document: Document) -> list[str]:
    """Return the columns of an explanation that the legend explains, in order."""
    names = dict.fromkeys(name for one in document.sections for name in one.rows.columns)
    return [name for name in names if name in LEGEND]


def _plain(value: object) -> str:
    if is_missing(value):
        return "not known"
    return str(value).removesuffix(" 00:00:00")


def _cell(value: object) -> str:
    if is_missing(value):
        return ""
    if isinstance(value, float):
        return f"{value:.7g}"
    return html.escape(str(value).removesuffix(" 00:00:00"))


def _write(text: str) -> str:
    return html.escape(text)


def find_chromium() -> str | None:
    """Return the path of a Chromium that can print; None where there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def render_pages(pages: Sequence[tuple[Path, Path]]) -> str | None:
    """Print pages as tagged PDFs for their owner alone; return why not where that cannot be done.

    Chromium's own files are in a temporary folder that it deletes; no script runs in a page.

    Args:
        pages: page and PDF of each.
    """
    chromium = find_chromium()
    if chromium is None:
        return "no Chromium is installed"
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        return "Playwright is not installed"
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            shown = browser.new_page(java_script_enabled=False)
            for page, target in pages:
                shown.goto(page.as_uri())
                content = shown.pdf(tagged=True, outline=True, prefer_css_page_size=True)
                _write_pdf(target, content)
            browser.close()
    except Error as refused:
        # Its message may hold the page's address, never the page's text.
        return f"Chromium could not print it ({type(refused).__name__})"
    return None


def _write_pdf(target: Path, content: bytes) -> None:
    draft = target.with_name(f".{target.name}")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
