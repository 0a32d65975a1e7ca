"""Orders, people and stored years that pass the gate, for the tests of releases."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd

from esrd_pipeline.releases.approval import approve
from esrd_pipeline.releases.candidate import Made, Order, make_candidate
from esrd_pipeline.releases.gate import Recorded, Stored
from esrd_pipeline.releases.ledger import Entry
from esrd_pipeline.releases.people import Person
from esrd_pipeline.tables.measured import CONTRACT
from esrd_pipeline.warehouse import Warehouse

YEAR = 2025
QUARTER = "2026Q4"
CUTOFF = date(2026, 10, 15)
NOW = datetime(2026, 10, 20, 9, tzinfo=UTC)
ADA, BEN = Person("Ada Lovelace", "ada"), Person("Ben Okri", "ben")
GOOD = Stored(
    tables={"facility.contract": Recorded(expectations="passed")},
    missing=(),
    other_code=(),
    cutoffs={"raw.release": CUTOFF},
    has_patients=False,
    agreement=None,
    account=None,
)
ORDER = Order(
    performance_year=YEAR, quarter=QUARTER, maker=ADA, process="ada", when=NOW, cutoff=CUTOFF
)


def make(warehouse: Warehouse, folder: Path, stored: Stored = GOOD, **changed: object) -> Made:
    """Make a candidate of the quarter."""
    return make_candidate(
        warehouse=warehouse,
        folder=folder,
        origin="published",
        order=replace(ORDER, **changed),
        stored=stored,
    )


def release(warehouse: Warehouse, folder: Path, **changed: object) -> Entry:
    """Make a candidate and let a second person approve it."""
    assert make(warehouse, folder, **changed).entry.event == "candidate"
    quarter = str(changed.get("quarter", QUARTER))
    return approve(folder=folder, quarter=quarter, approver=BEN, when=NOW, by_names=False)


def store(
    warehouse: Warehouse, root: Path, change: Callable[[pd.DataFrame], pd.DataFrame]
) -> Warehouse:
    """Return a warehouse with the year's contract, changed."""
    other = Warehouse(root)
    rows = change(warehouse.read(CONTRACT, YEAR))
    other.publish(other.stage(CONTRACT, YEAR, rows))
    return other


def list_all(folder: Path) -> list[str]:
    """Return everything in a folder, hidden files too."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
