"""A year's published files and contract, stored, of which releases are made."""

import pytest

from esrd_pipeline.families.combined import combine_contract
from esrd_pipeline.families.published import build_national, publish_contract
from esrd_pipeline.sources.files import find_release
from esrd_pipeline.sources.table import read_table
from esrd_pipeline.synthetic.published import write_published_files
from esrd_pipeline.tables import raw
from esrd_pipeline.tables.measured import CONTRACT
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline_tests.releases.orders import YEAR

FILES = {
    "dfc_facility": raw.DFC_FACILITY,
    "dfc_national": raw.DFC_NATIONAL,
    "qip_complete": raw.QIP_COMPLETE,
}


@pytest.fixture(scope="module")
def stored_year(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Return a warehouse with a year's contract; nobody may change it."""
    folder = tmp_path_factory.mktemp("year")
    write_published_files(folder / "files", performance_year=YEAR, facility_count=30)
    files = {name: read_table(find_release(folder / "files", name), name, YEAR) for name in FILES}
    dfc, nation, qip = files.values()
    national = build_national(performance_year=YEAR, dfc=dfc, dfc_national=nation, qip=qip)
    rows = publish_contract(
        performance_year=YEAR, dfc=dfc, qip=qip, ich_cahps=None, national=national
    )
    warehouse = Warehouse(folder / "warehouse")
    contract = combine_contract(performance_year=YEAR, published=rows, computed=())
    warehouse.publish(warehouse.stage(CONTRACT, YEAR, contract))
    return warehouse
