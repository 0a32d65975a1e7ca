"""A good nation passes the intake; one that lacks hospital stays, lines or claims does not."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from esrd_pipeline.sources.intake.folder import count_folder
from esrd_pipeline.sources.intake.judging import FAILS, WARNS, judge
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline_tests.synthetic.nation_files import FIRST, LAST, Nation


def count(folder: Path, year: int) -> pd.DataFrame:
    with Warehouse(folder).connect() as query:
        return count_folder(folder, performance_year=year, query=query)


@pytest.fixture(scope="module")
def before(nation: Nation) -> pd.DataFrame:
    """The intake of the first year."""
    return judge(count(nation.folder / str(FIRST), FIRST), None, FIRST)


def find(judged: pd.DataFrame, outcome: str) -> set[tuple[str, ...]]:
    rows = judged[judged["outcome"] == outcome]
    names = ["table_name", "kind", "setting"]
    return {tuple(row) for row in rows[names].itertuples(index=False)}


def test_a_good_nations_years_fail_in_nothing(nation: Nation, before: pd.DataFrame) -> None:
    judged = judge(count(nation.folder / str(LAST), LAST), before, LAST)
    for year in (before, judged):
        assert not find(year, FAILS)
    assert not find(before, WARNS)


def keep_none(folder: Path) -> None:
    for file in folder.glob("inpatient_*"):
        file.unlink()


def rewrite(name: str, change: Callable[[pa.Table], pa.Table]) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        path = folder / f"{name}.parquet"
        pq.write_table(change(pq.read_table(path)), path)

    return write


def without_column(name: str) -> Callable[[pa.Table], pa.Table]:
    return lambda rows: rows.drop_columns([name])


def two_years_earlier(rows: pa.Table) -> pa.Table:
    place = rows.column_names.index("CLM_THRU_DT")
    days = [day.replace(year=day.year - 2, day=min(day.day, 28)) for day in rows[place].to_pylist()]
    return rows.set_column(place, rows.field(place), pa.array(days, rows.field(place).type))


@pytest.mark.parametrize(
    ("damage", "failing"),
    [
        (
            keep_none,
            {
                ("raw.claim", "setting_absent", "inpatient"),
                ("raw.claim", "rows_lost", "inpatient"),
                ("raw.claim_revenue", "rows_lost", "inpatient"),
            },
        ),
        (
            rewrite("outpatient_revenue", lambda rows: rows.slice(0, rows.num_rows // 3)),
            {
                ("raw.claim_revenue", "claim_without_line", "dialysis"),
                ("raw.claim_revenue", "rows_lost", "dialysis"),
            },
        ),
        (
            rewrite("outpatient_base", lambda rows: rows.slice(0, rows.num_rows // 2)),
            {
                ("raw.claim_revenue", "line_without_claim", ""),
                ("raw.claim_value", "line_without_claim", ""),
                ("raw.claim_condition", "line_without_claim", ""),
                ("raw.claim_occurrence", "line_without_claim", ""),
            },
        ),
        (
            rewrite("inpatient_base", two_years_earlier),
            {
                ("raw.claim", "last_day_far_before", "inpatient"),
                ("raw.claim", "first_day_after_last", "inpatient"),
            },
        ),
        (
            rewrite("outpatient_base", without_column("CLM_FAC_TYPE_CD")),
            {("raw.claim", "setting_absent", "dialysis"), ("raw.claim", "rows_lost", "dialysis")},
        ),
        (
            rewrite("eqrs_patient", lambda rows: rows.slice(0, rows.num_rows // 2)),
            {
                ("raw.eqrs_admission", "patient_unknown", ""),
                ("raw.eqrs_clinical_month", "patient_unknown", ""),
            },
        ),
        (
            rewrite("cms_2728", without_column("HAS_DIABETES_ON_INSULIN")),
            {("raw.cms_2728", "has_value", "")},
        ),
    ],
)
def test_a_damaged_year_fails_where_it_is_damaged(
    nation: Nation,
    before: pd.DataFrame,
    tmp_path: Path,
    damage: Callable[[Path], None],
    failing: set[tuple[str, ...]],
) -> None:
    folder = tmp_path / str(LAST)
    shutil.copytree(nation.folder / str(LAST), folder)
    damage(folder)
    judged = judge(count(folder, LAST), before, LAST)
    assert failing <= find(judged, FAILS)


def test_one_claim_of_2022_warns(nation: Nation, tmp_path: Path) -> None:
    folder = tmp_path / str(LAST)
    shutil.copytree(nation.folder / str(LAST), folder)

    def add(rows: pa.Table) -> pa.Table:
        oldest = rows.slice(0, 1)
        for name, year in (("CLM_FROM_DT", 2022), ("CLM_THRU_DT", 2022)):
            place = oldest.column_names.index(name)
            field = oldest.field(place)
            day = oldest[place][0].as_py().replace(year=year, day=1)
            oldest = oldest.set_column(place, field, pa.array([day], field.type))
        number = oldest.column_names.index("CLM_ID")
        spare = max(rows["CLM_ID"].to_pylist()) + 1
        oldest = oldest.set_column(number, oldest.field(number), pa.array([spare]))
        return pa.concat_tables([rows, oldest])

    rewrite("inpatient_base", add)(folder)
    judged = judge(count(folder, LAST), None, LAST)
    assert ("raw.claim", "last_day_far_before", "inpatient") in find(judged, WARNS)
    assert not find(judged, FAILS)
