"""A raw table made from a SAS file, which is unpacked while the step lasts."""

from datetime import date

import dagster as dg
import pandas as pd
import pyreadstat

from esrd_pipeline.orchestration.patient_assets import ASSETS
from esrd_pipeline.orchestration.resources import make_storage
from esrd_pipeline.settings import Settings
from esrd_pipeline.sources.sas import SCRATCH
from esrd_pipeline.tables.register import MDS_STAY
from esrd_pipeline.warehouse import Warehouse


def test_a_sas_file_is_stored_and_what_was_unpacked_is_deleted(
    world: Settings, instance: dg.DagsterInstance
) -> None:
    folder = world.agency_dir / "2024"
    folder.mkdir(parents=True)
    scratch = world.data_dir / "warehouse" / SCRATCH
    left_over = scratch / f"{MDS_STAY.name}-2024" / "of_a_killed_step.parquet"
    left_over.parent.mkdir(parents=True)
    left_over.touch()

    def refresh(stays: pd.DataFrame) -> dg.ExecuteInProcessResult:
        path = str(folder / "mds_stay.xpt")
        pyreadstat.write_xport(stays, path, variable_format={"ENTRY_DATE": "DATE9"})
        wanted = {dg.AssetKey(["raw", "extract"]), dg.AssetKey(["raw", "mds_stay"])}
        return dg.materialize(
            [step for step in ASSETS if wanted & step.keys],
            instance=instance,
            partition_key="2024",
            selection=list(wanted),
            resources={"storage": make_storage()},
            raise_on_error=False,
        )

    def read() -> list[int]:
        return Warehouse(world.data_dir / "warehouse").read(MDS_STAY, 2024)["bene_id"].tolist()

    for identifier, number in (("0002056B40CEE448", -5184215540723393811), ("7", 7)):
        stays = pd.DataFrame({"BENE_ID": [identifier], "ENTRY_DATE": [date(2024, 1, 1)]})
        assert refresh(stays).success
        assert read() == [number]
        assert not list(scratch.iterdir())
    assert not refresh(stays.assign(BENE_ID="1.6")).success
    assert read() == [7]
    assert not list(scratch.iterdir())
    # A key that appears twice breaks an expectation, when all is unpacked.
    assert not refresh(pd.concat([stays, stays])).success
    assert not list(scratch.iterdir())
