"""Reads generated files as plain text or through the project's own readers.

A frame is read once and shared: tests must not change it.
"""

import csv
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pandas as pd

from esrd_pipeline.sources.dfc_facility import read_dfc_facility
from esrd_pipeline.sources.dfc_national import read_dfc_national
from esrd_pipeline.sources.ece_grant import read_ece_grant
from esrd_pipeline.sources.files import find_release
from esrd_pipeline.sources.ich_cahps_facility import read_ich_cahps_facility
from esrd_pipeline.sources.qip_complete import read_qip_complete
from esrd_pipeline.sources.qip_standard import read_qip_standard

READERS: dict[str, Callable[[Path, int], pd.DataFrame]] = {
    "dfc_facility": read_dfc_facility,
    "dfc_national": read_dfc_national,
    "qip_complete": read_qip_complete,
    "ich_cahps_facility": read_ich_cahps_facility,
    "ece_grant": read_ece_grant,
    "qip_standard": read_qip_standard,
}
OF_EVERY_YEAR = [source for source in READERS if source != "qip_standard"]


@cache
def read_source(root: Path, source: str, year: int) -> pd.DataFrame:
    return READERS[source](find_release(root / str(year), source), year)


def read_published(root: Path, source: str, year: int) -> list[dict[str, str]]:
    path = find_release(root / str(year), source)
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))
