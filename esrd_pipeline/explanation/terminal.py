"""An explanation on a terminal of 80 columns: the number, its sums, no patient."""

import textwrap
from typing import Any, cast

import pandas as pd

from esrd_pipeline.explanation.document import Check, Document
from esrd_pipeline.explanation.results import write_number
from esrd_pipeline.reports.rounding import write_count

WIDTH = 80
_NAME = 18
_WORDS = {"uncounted": ("event not counted", "events not counted")}


def describe(document: Document) -> str:
    """Return what is printed: facts, exclusions, sums. No line is wider than WIDTH."""
    lines = [*textwrap.wrap(document.title, WIDTH), ""]
    for name, text in document.facts:
        lines += _fold(name, text)
    lines += _describe_scores(document)
    lines += _describe_excluded(document)
    if document.checks:
        lines += ["", "The lines add up to the number"]
        for check in document.checks:
            lines += _describe_check(check)
    return "\n".join(lines)


def _fold(name: str, text: str) -> list[str]:
    if len(name) >= _NAME:
        return [name, *_fold("", text)]
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=f"{name:<{_NAME}}",
        subsequent_indent=" " * _NAME,
    )


def _describe_excluded(document: Document) -> list[str]:
    lines: list[str] = []
    for section in document.sections:
        if section.name == "exclusions" and not section.rows.empty:
            lines += ["", section.title]
            for row in cast("list[dict[str, Any]]", section.rows.to_dict("records")):
                counts = ", ".join(
                    write_count(value, *_WORDS.get(name, (name.removesuffix("s"),)))
                    for name, value in row.items()
                    if name not in ("why", "manual")
                )
                lines += textwrap.wrap(
                    f"{row['why']} ({row['manual']}): {counts}",
                    WIDTH,
                    initial_indent="  ",
                    subsequent_indent="    ",
                )
    return lines


def _describe_scores(document: Document) -> list[str]:
    """Return how each score is worked out."""
    lines: list[str] = []
    for section in document.sections:
        if section.name != "measure_scores":
            continue
        lines += ["", section.title]
        for row in section.rows.to_dict("records"):
            steps = [
                f"{name} {row[f'{name}_working']}"
                for name in ("achievement", "improvement", "score")
                if row[f"{name}_working"]
            ]
            score = f"none: {row['why']}" if pd.isna(row["score"]) else f"{row['score']}"
            text = "; ".join([f"{row['measure']}: {score}", *steps])
            lines += textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="    ")
    return lines


def _describe_check(check: Check) -> list[str]:
    if check.agrees is None:
        text = f"{check.what}: no number stored"
    else:
        numbers = f"{write_number(check.added)} and {write_number(check.stored)}"
        text = f"{check.what}: {numbers}, {check.verdict}"
    return textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="    ")
