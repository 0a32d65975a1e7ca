"""The one resource steps share: where files are read and tables are stored."""

import dagster as dg
from dagster_duckdb import DuckDBResource
from pydantic import Field

from esrd_pipeline.settings import Settings, load_settings
from esrd_pipeline.warehouse import Warehouse


class Storage(dg.ConfigurableResource[object]):
    """Folders of this installation; an empty field leaves the environment's or default's word."""

    data_dir: str = Field(
        default="", description="Data folder instead of ESRD_DATA_DIR or the default"
    )
    published_dir: str = Field(
        default="",
        description="Folder of published CMS files by performance year, instead of"
        " ESRD_PUBLISHED_DIR or the default",
    )
    duckdb: DuckDBResource

    def settings(self) -> Settings:
        """The folders as they stand now: dropping in real files needs no restart."""
        return load_settings(data_dir=self.data_dir, published_dir=self.published_dir)

    def warehouse(self) -> Warehouse:
        """The stored tables of the origin in force, on in-memory DuckDB connections."""
        return Warehouse(self.settings().warehouse_dir, self.duckdb.get_connection)


def make_storage() -> Storage:
    """The resource with its DuckDB connections in memory: no step writes a shared database."""
    return Storage(duckdb=DuckDBResource(database=":memory:"))
