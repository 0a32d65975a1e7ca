"""The asset `report.site` in a run of Dagster's, over the shared small nation."""

from pathlib import Path

import dagster as dg
import pytest

from esrd_pipeline.definitions import defs
from esrd_pipeline.orchestration.instance import prepare_dagster_home
from esrd_pipeline.settings import load_settings
from esrd_pipeline.tables import facility
from esrd_pipeline.tables.site import SITE
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline_tests.orchestration.conftest import PUBLISHED_YEARS, Refreshed
from esrd_pipeline_tests.site.links import find_dead_links

pytestmark = pytest.mark.slow
YEAR = PUBLISHED_YEARS[-1]


def test_a_run_writes_the_site_and_tells_its_address(
    refreshed: Refreshed, published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = refreshed.copy_to(tmp_path / "data")
    monkeypatch.setenv("ESRD_DATA_DIR", str(data))
    monkeypatch.setenv("ESRD_PUBLISHED_DIR", str(published))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    settings = load_settings()
    prepare_dagster_home(settings.dagster_home)
    job = defs.resolve_job_def("site")
    with dg.DagsterInstance.from_config(str(settings.dagster_home)) as instance:
        result = job.execute_in_process(
            instance=instance, partition_key=str(YEAR), raise_on_error=False
        )
        assert result.success
        (event,) = result.get_asset_materialization_events()
        found = event.materialization.metadata
    assert event.partition == str(YEAR)
    start = settings.site_dir / str(YEAR) / "index.html"
    assert found["address"].value == start.as_uri()
    assert start.is_file()
    picture = found["picture"].value
    assert isinstance(picture, str)
    assert "data:image/" in picture
    checks = {check.check_name: check.passed for check in result.get_asset_check_evaluations()}
    assert checks["expectations"]
    warehouse = Warehouse(settings.warehouse_dir)
    rows = warehouse.read(SITE, YEAR).set_index("kind")
    assert rows.loc["facility", "page_count"] == len(warehouse.read(facility.DIRECTORY, YEAR))
    assert found["pages"].value == rows["page_count"].sum()
    for kind, row in rows.iterrows():
        first = start.parent / row["example"]
        assert 0 < first.stat().st_size <= row["largest_bytes"] <= row["size_bytes"], kind
    assert find_dead_links(start.parent) == []
