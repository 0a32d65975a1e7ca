"""A small table, and what tests ask of an object store that has it."""

import hashlib
from pathlib import Path
from typing import Any

import pandas as pd

from esrd_pipeline.settings import Bucket
from esrd_pipeline.tables.model import Column, Table
from esrd_pipeline.warehouse import Warehouse

Direct = Any
"""A client of botocore, which has no types."""
TABLE = Table(
    name="facility.example",
    grain="one facility",
    source="this test",
    key=("ccn",),
    columns=(
        Column("ccn", "text", "CCN", required=True),
        Column("stations", "integer", "Stations"),
    ),
)
YEAR = 2024
KEY = "facility/example/performance_year=2024/data.parquet"


def rows(stations: int, count: int = 1000) -> pd.DataFrame:
    """Facilities that all have so many stations."""
    return pd.DataFrame(
        {
            "ccn": [f"{number:06}" for number in range(count)],
            "stations": pd.array([stations] * count, dtype="Int64"),
        }
    )


def store(warehouse: Warehouse, stations: int) -> Path:
    """Publish the table as a step does: lock, stage, publish."""
    with warehouse.lock(TABLE, YEAR):
        return warehouse.publish(warehouse.stage(TABLE, YEAR, rows(stations)))


def read(warehouse: Warehouse) -> list[int]:
    """The different numbers of stations; a whole file has one."""
    found = warehouse.read(TABLE, YEAR)["stations"]
    assert len(found) == 1000
    return sorted(set(found))


def digest(content: bytes) -> str:
    """The digest of some bytes."""
    return hashlib.sha256(content).hexdigest()


def list_objects(direct: Direct, bucket: Bucket) -> dict[str, str]:
    """Digests of all objects of a bucket, by key without the prefix."""
    listed = direct.list_objects_v2(Bucket=bucket.name).get("Contents", ())
    return {
        one["Key"].removeprefix(f"{bucket.prefix}/"): digest(
            direct.get_object(Bucket=bucket.name, Key=one["Key"])["Body"].read()
        )
        for one in listed
    }
