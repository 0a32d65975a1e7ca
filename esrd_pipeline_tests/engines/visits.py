"""Visits and their totals by facility: a SELECT over two years of a stored table."""

from pathlib import Path

import pandas as pd

from esrd_pipeline.engines import Engine
from esrd_pipeline.sql import Select, parse_select
from esrd_pipeline.tables.facility import YEAR
from esrd_pipeline.tables.model import Column, Table
from esrd_pipeline.warehouse import Staged, Warehouse

VISIT = Table(
    name="raw.visit",
    grain="one visit",
    source="test",
    key=("visit_id",),
    columns=(
        Column("visit_id", "integer", "Visit", required=True),
        YEAR,
        Column("ccn", "text", "Facility"),
        Column("day", "date", "Day"),
        Column("paid", "number", "Paid"),
    ),
)
TOTAL = Table(
    name="cohort.total",
    grain="one facility",
    source="test",
    key=("ccn",),
    columns=(
        Column("ccn", "text", "Facility"),
        YEAR,
        Column("visits", "integer", "Visits"),
        Column("paid", "number", "Paid"),
        Column("first_day", "date", "First day"),
        Column("is_large", "boolean", "More than two visits"),
        Column("kinds", "texts", "Kinds"),
        Column("names", "labels", "Names"),
    ),
)
TABLES = {VISIT.name: VISIT}
TEXT = """-- One row: a facility; a test.
SELECT
    ccn,
    $performance_year AS performance_year,
    count(*) AS visits,
    sum(CAST(paid AS DECIMAL(12, 2))) AS paid,
    min(day) AS first_day,
    count(*) > 2 AS is_large,
    ['visit', ccn] AS kinds,
    map(['facility', 'kind'], [ccn, 'visit']) AS names
FROM raw.visit
WHERE performance_year BETWEEN $performance_year - 1 AND $performance_year AND paid >= $least
GROUP BY ccn
"""


def select(text: str = TEXT) -> Select:
    return parse_select(TOTAL.name, "sql/cohort/total.sql", text)


def store_visits(root: Path, count: int = 6, facilities: int = 3) -> None:
    """Store two years of visits; the facility of every third visit is not known."""
    stored = Warehouse(root)
    for year in (2023, 2024):
        numbers = range(count)
        visits = pd.DataFrame(
            {
                "visit_id": numbers,
                "performance_year": year,
                "ccn": [None if n % 3 == 2 else f"{n * 7 % facilities:06d}" for n in numbers],
                "day": pd.Timestamp(year, 3, 1).date(),
                "paid": [n + 0.25 for n in numbers],
            }
        )
        stored.publish(stored.stage(VISIT, year, visits))


def stage(
    root: Path, engine: Engine | None, text: str = TEXT, *, year: int = 2024, least: float = 0
) -> Staged:
    """Stage the year's totals with an engine."""
    return Warehouse(root, engine=engine).stage_select(
        TOTAL, year, select(text), tables=TABLES, parameters={"least": least}, notes={"a": "b"}
    )
