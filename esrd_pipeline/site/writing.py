"""Writes pages: templates in, files out, with links that work from a folder."""

import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import jinja2

from esrd_pipeline.parameters.measure_texts import find_measure_text
from esrd_pipeline.reports.rounding import write_count
from esrd_pipeline.site import formats

_TEMPLATES = Path(__file__).parent / "templates"
_STATIC = Path(__file__).parent / "static"
_NO_NAME = re.compile(r"[^a-z0-9]+")


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    shown: dict[str, Any] = {
        "find_measure_text": find_measure_text,
        "NOTHING": formats.NOTHING,
        "CATEGORY_WORDS": formats.CATEGORY_WORDS,
        "CATEGORY_SIGNS": formats.CATEGORY_SIGNS,
    }
    environment.globals.update(shown)
    filters: dict[str, Any] = {
        "number": formats.write_number,
        "percent": formats.write_percent,
        "counted": write_count,
        "slug": slug,
    }
    environment.filters.update(filters)
    return environment


def slug(name: str) -> str:
    """Return a name as part of an address: small letters, digits and hyphens."""
    return _NO_NAME.sub("-", name.lower()).strip("-")


def place_area(level: str, name: str) -> str:
    """Return the address of an area's page within the site."""
    if level == "nation":
        return "index.html"
    return f"{level}s/{name if level != 'chain' else slug(name)}.html"


def place_facility(ccn: str) -> str:
    """Return the address of a facility's page within the site."""
    return f"facilities/{ccn}.html"


def render(template: str, page: str, context: Mapping[str, Any]) -> str:
    """Return a page's HTML.

    Args:
        template: name of the template.
        page: the page's address within the site, from which links are counted.
        context: what the template shows.
    """
    root = "../" * (len(PurePosixPath(page).parts) - 1)
    return _environment().get_template(template).render(root=root, page=page, **context)


def write_page(folder: Path, page: str, text: str) -> int:
    """Write a page below the site's folder; return its size in bytes."""
    content = text.encode()
    target = folder / page
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return len(content)


def copy_static(folder: Path) -> None:
    """Copy the style sheet and the script."""
    (folder / "static").mkdir(parents=True, exist_ok=True)
    for entry in sorted(os.scandir(_STATIC), key=lambda found: found.name):
        (folder / "static" / entry.name).write_bytes(Path(entry.path).read_bytes())
