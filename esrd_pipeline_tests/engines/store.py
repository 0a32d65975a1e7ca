"""Store the totals of visits on the Spark at ESRD_SPARK_MASTER, in a process of its own.

python -m esrd_pipeline_tests.engines.store
"""

import time

from esrd_pipeline.engines.spark_engine import SparkEngine
from esrd_pipeline.settings import load_settings
from esrd_pipeline.warehouse import SPILL, Warehouse
from esrd_pipeline_tests.engines.visits import TOTAL, stage

AUDIT_SECONDS = 0.5
"""As long as an audit takes, between staging and publishing."""


def main() -> None:
    """Stage, wait and publish, as a step does."""
    settings = load_settings()
    root = settings.data_dir / "warehouse"
    engine = SparkEngine(settings.spark_master, root / SPILL)
    warehouse = Warehouse(root, engine=engine)
    with warehouse.lock(TOTAL, 2024):
        staged = stage(root, engine)
        time.sleep(AUDIT_SECONDS)
        warehouse.publish(staged)


if __name__ == "__main__":
    main()
