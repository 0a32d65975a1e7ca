"""USDA's and CDC's lists of ZIP codes are raw tables: optional, and refused by file and row."""

import dagster as dg

from esrd_pipeline.orchestration.patient_assets import ASSETS
from esrd_pipeline.orchestration.resources import make_storage
from esrd_pipeline.settings import Settings
from esrd_pipeline.tables.register import RUCA_ZIP, SVI_ZCTA
from esrd_pipeline.warehouse import Warehouse

HEADER = "''ZIP_CODE'',STATE,ZIP_TYPE,RUCA1,RUCA2"


def test_a_year_has_a_list_or_none_and_a_bad_one_stores_nothing(
    world: Settings, instance: dg.DagsterInstance
) -> None:
    folder = world.agency_dir / "2024"
    folder.mkdir(parents=True)

    def refresh(*lines: str) -> dg.ExecuteInProcessResult:
        text = "".join(f"{line}\n" for line in (HEADER, *lines))
        (folder / "ruca_zip.csv").write_text(text, encoding="utf-8")
        wanted = {dg.AssetKey(["raw", name]) for name in ("extract", "ruca_zip", "svi_zcta")}
        return dg.materialize(
            [step for step in ASSETS if wanted & step.keys],
            instance=instance,
            partition_key="2024",
            selection=list(wanted),
            resources={"storage": make_storage()},
            raise_on_error=False,
        )

    def read() -> list[tuple[str, int]]:
        rows = Warehouse(world.data_dir / "warehouse").read(RUCA_ZIP, 2024)
        return list(zip(rows["zip_code"], rows["ruca1"], strict=True))

    assert refresh("''00501'',NY,Post Office or large volume customer,1,1").success
    assert read() == [("00501", 1)]
    assert Warehouse(world.data_dir / "warehouse").read(SVI_ZCTA, 2024).empty
    bad = refresh("00501,NY,,2,2", "00502,NY,,11,11")
    (failure,) = [event for event in bad.all_events if event.is_step_failure]
    error = failure.step_failure_data.error
    assert error is not None
    message = "ruca_zip.csv, row 3, column 'RUCA1': breaks the rule: ruca1 is 1 to 10, or 99"
    assert message in error.message
    assert read() == [("00501", 1)]
