"""Writes an area's page; the one before stays until the new one is complete."""

from datetime import UTC, datetime
from pathlib import Path

from esrd_pipeline.emergency.page import PAGE, write_page
from esrd_pipeline.emergency.picture import Picture


def write_area(folder: Path, picture: Picture, now: datetime | None = None) -> Path:
    """Write the page into `<folder>/<area>-<day>/` and return its path."""
    request = picture.request
    target = folder / f"{request.area}-{request.day.isoformat()}" / PAGE
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{PAGE}")
    draft.write_text(write_page(picture, now or datetime.now(tz=UTC)), encoding="utf-8")
    draft.replace(target)
    return target
