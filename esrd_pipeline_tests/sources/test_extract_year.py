"""Files that say their year are of the year whose folder they lie in."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from esrd_pipeline.sources.check import check_tables
from esrd_pipeline.tables import clinical, medicare
from esrd_pipeline.tables.model import Table
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline_tests.sources.extracts import YEAR, write


def check(folder: Path, table: Table) -> str | None:
    query = Warehouse(folder / "warehouse").query
    (found,) = check_tables(folder, [table], performance_year=YEAR, query=query)
    return found.fault


@pytest.mark.parametrize("name", ["PERFORMANCE_YEAR", "BENE_ENROLLMT_REF_YR"])
def test_a_file_of_another_year_is_refused_by_its_own_words(tmp_path: Path, name: str) -> None:
    table = medicare.MEDICARE_ENROLLMENT
    write(tmp_path, "medicare_enrollment.txt", f"BENE_ID|{name}", "7|2024", "8|", "9|2023")
    assert check(tmp_path, table) == (
        f"medicare_enrollment.txt, row 4, column '{name}': is not of the year {YEAR}"
    )
    write(tmp_path, "medicare_enrollment.txt", f"BENE_ID|{name}", "7|2024", "8|")
    assert check(tmp_path, table) is None


def test_the_year_of_parquet_is_a_number_or_a_text(tmp_path: Path) -> None:
    path = tmp_path / "nhsn_bloodstream_infection.parquet"
    columns = {"ccn": ["012501"], "quarter": [1], "months_reported": [3]}
    for year, is_good in (([2024], True), ([2024.0], True), (["24"], False), ([2023], False)):
        pq.write_table(pa.table({**columns, "performance_year": pa.array(year)}), path)
        fault = check(tmp_path, clinical.NHSN_BLOODSTREAM_INFECTION)
        assert (fault is None) is is_good, fault
        path.unlink()
