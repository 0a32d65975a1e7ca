"""The resource shared by all steps: folders of source files and stored tables, and the engine."""

import socket
from functools import partial

import dagster as dg
from dagster_duckdb import DuckDBResource
from pydantic import Field

from esrd_pipeline.duckdb_session import share_duckdb
from esrd_pipeline.engines import Engine
from esrd_pipeline.settings import (
    SettingError,
    Settings,
    check_named_folders,
    load_settings,
)
from esrd_pipeline.warehouse import SPILL, SPILL_OF_SELECTS, Warehouse, open_warehouse

SELECTS = "selects"
"""What tells the DuckDB of SELECTs from the one of queries."""


class Storage(dg.ConfigurableResource[object]):
    """Folders of this installation; an empty field means the environment's or the default."""

    data_dir: str = Field(
        default="", description="Data folder instead of ESRD_DATA_DIR or the default"
    )
    published_dir: str = Field(
        default="",
        description="Folder of published CMS files by performance year, instead of"
        " ESRD_PUBLISHED_DIR or the default",
    )
    engine: str = Field(
        default="",
        description="What makes tables from tables, duckdb or spark, instead of ESRD_ENGINE",
    )
    spark_master: str = Field(
        default="",
        description="Address of Spark (local[*], spark://..., sc://...) instead of"
        " ESRD_SPARK_MASTER",
    )
    warehouse_address: str = Field(
        default="",
        description="Folder or s3://bucket/prefix of the stored tables instead of ESRD_WAREHOUSE",
    )
    needs_files: bool = Field(
        default=False,
        description="Refuse the embedded default, for steps that run on other machines",
    )
    duckdb: DuckDBResource

    def settings(self) -> Settings:
        """Read the folders at each call, so that adding real files needs no restart.

        Raises:
            SettingError: there are no source files, and the embedded default is refused; or a
                named folder is not there.
        """
        check_named_folders()
        settings = load_settings(
            data_dir=self.data_dir,
            published_dir=self.published_dir,
            engine=self.engine,
            spark_master=self.spark_master,
            warehouse=self.warehouse_address,
        )
        if self.needs_files and settings.origin == "embedded":
            raise SettingError(
                f"{socket.gethostname()} sees no source files in {settings.published_dir} or"
                f" {settings.agency_dir}: mount them there, or set ESRD_PUBLISHED_DIR and"
                " ESRD_PATIENT_DIR in the environment of the worker"
            )
        return settings

    def warehouse(self) -> Warehouse:
        """Open the stored tables of the current origin, on DuckDBs in memory that are shared."""
        settings = self.settings()
        open_one, root = self.duckdb.get_connection, settings.warehouse_dir
        return open_warehouse(
            settings,
            partial(share_duckdb, root, root / SPILL, open_one),
            partial(share_duckdb, root / SELECTS, root / SPILL_OF_SELECTS, open_one),
            _make_engine(settings),
        )


def _make_engine(settings: Settings) -> Engine | None:
    if settings.engine == "duckdb":
        return None
    from esrd_pipeline.engines.spark_engine import SparkEngine

    return SparkEngine(settings.spark_master, settings.warehouse_dir / SPILL)


def make_storage(*, needs_files: bool = False) -> Storage:
    """Make the resource, with DuckDB connections in memory: no step writes a shared database."""
    return Storage(needs_files=needs_files, duckdb=DuckDBResource(database=":memory:"))
