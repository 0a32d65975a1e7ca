"""The resource shared by all steps: the folders of source files and stored tables."""

from functools import partial

import dagster as dg
from dagster_duckdb import DuckDBResource
from pydantic import Field

from esrd_pipeline.duckdb_session import share_duckdb
from esrd_pipeline.settings import Settings, load_settings
from esrd_pipeline.warehouse import Warehouse


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
    duckdb: DuckDBResource

    def settings(self) -> Settings:
        """Read the folders at each call, so that adding real files needs no restart."""
        return load_settings(data_dir=self.data_dir, published_dir=self.published_dir)

    def warehouse(self) -> Warehouse:
        """Open the stored tables of the current origin, on one DuckDB in memory a process."""
        root = self.settings().warehouse_dir
        return Warehouse(root, partial(share_duckdb, root, self.duckdb.get_connection))


def make_storage() -> Storage:
    """Make the resource, with DuckDB connections in memory: no step writes a shared database."""
    return Storage(duckdb=DuckDBResource(database=":memory:"))
