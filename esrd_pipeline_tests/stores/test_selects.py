"""A SELECT over tables in a bucket, by either engine: the bytes it stores in a folder."""

from dataclasses import replace
from pathlib import Path

import pytest

from esrd_pipeline.engines.spark_engine import SparkEngine
from esrd_pipeline.settings import Bucket
from esrd_pipeline.warehouse import MissingPartitionError, Warehouse
from esrd_pipeline_tests.engines.visits import TABLES, TOTAL, VISIT, select, store_visits
from esrd_pipeline_tests.stores.kept import Direct, digest, list_objects

TOTAL_KEY = "cohort/total/performance_year=2024/data.parquet"


def publish_totals(warehouse: Warehouse) -> Path:
    with warehouse.lock(TOTAL, 2024):
        staged = warehouse.stage_select(
            TOTAL, 2024, select(), tables=TABLES, parameters={"least": 0}
        )
        return warehouse.publish(staged)


@pytest.mark.parametrize("name", ["duckdb", pytest.param("spark", marks=pytest.mark.slow)])
def test_a_select_reads_and_stores_objects(
    warehouse: Warehouse, bucket: Bucket, *, direct: Direct, tmp_path: Path, name: str
) -> None:
    engine = None if name == "duckdb" else SparkEngine("local[2]", tmp_path / "spill")
    warehouse, folder = (
        replace(warehouse, engine=engine),
        Warehouse(tmp_path / "folder", engine=engine),
    )
    store_visits(folder.root)
    with pytest.raises(MissingPartitionError, match=r"raw\.visit has no partition 2024"):
        publish_totals(warehouse)
    # The folder is copied to the bucket by another tool.
    for file in folder.root.rglob("data.parquet"):
        key = f"{bucket.prefix}/{file.relative_to(folder.root).as_posix()}"
        direct.put_object(Bucket=bucket.name, Key=key, Body=file.read_bytes())
    assert warehouse.years(VISIT) == [2023, 2024]
    publish_totals(warehouse)
    assert list_objects(direct, bucket)[TOTAL_KEY] == digest(publish_totals(folder).read_bytes())
    assert warehouse.read(TOTAL, 2024)["paid"].tolist() == [15.0, 7.0, 11.0]
