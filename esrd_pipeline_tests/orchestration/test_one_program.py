"""A year with the file of one program alone ends well, and says what it has nothing of."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from esrd_pipeline.orchestration.launch import LaunchError, run_job
from esrd_pipeline.orchestration.summary import summarise
from esrd_pipeline.settings import load_settings
from esrd_pipeline.tables import facility, program, report
from esrd_pipeline.tables.catalog import COMPUTED_TABLES, TABLES
from esrd_pipeline.tables.model import Table
from esrd_pipeline.tables.quarter_release import QUARTER_RELEASE
from esrd_pipeline.tables.site import SITE
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline_tests.orchestration.commands import run_here

YEAR = 2024
NO_QIP = "no facility is on the list of the QIP: the year has no Complete QIP file"
NO_DFC = (
    "no facility is on the list of the Dialysis Facility Measures: the year has no DFC facility"
    " file"
)


@dataclass(frozen=True)
class OneFile:
    """The file a year has, the option it is refreshed with, and what comes of it."""

    pattern: str
    option: tuple[str, ...]
    why: str
    empty: tuple[Table, ...]
    filled: tuple[Table, ...]


DFC_ALONE = OneFile(
    "DFC_FACILITY*",
    ("--star-baseline", "reset"),
    NO_QIP,
    empty=(program.QIP_TPS, program.QIP_MEASURE_SCORE, program.QIP_DOMAIN_SCORE),
    filled=(program.FLAGS, program.STARS, facility.PUBLISHED, report.PUBLISHED_AGREEMENT),
)
QIP_ALONE = OneFile(
    "*QIP_COMPLETE*",
    (),
    NO_DFC,
    empty=(program.FLAGS,),
    filled=(program.QIP_TPS, program.QIP_MEASURE_SCORE, facility.PUBLISHED),
)


@pytest.mark.slow
@pytest.mark.parametrize("case", [DFC_ALONE, QIP_ALONE], ids=["dfc", "qip"])
def test_a_year_with_one_file_ends_well(published: Path, tmp_path: Path, case: OneFile) -> None:
    (file,) = (published / str(YEAR)).glob(case.pattern)
    folder, data = tmp_path / "published", tmp_path / "data"
    (folder / str(YEAR)).mkdir(parents=True)
    shutil.copy(file, folder / str(YEAR))
    code, text = run_here(data, folder, "refresh", "--year", str(YEAR), *case.option)
    assert code == 0, text
    warehouse = Warehouse(data / "warehouse")
    for table in TABLES:
        if table not in (program.STAR_BASELINE, SITE, QUARTER_RELEASE, *COMPUTED_TABLES):
            assert warehouse.has(table, YEAR), table.name
    assert all(warehouse.read(table, YEAR).empty for table in case.empty)
    assert not any(warehouse.read(table, YEAR).empty for table in case.filled)
    # The terminal breaks the lines of its table: every word of the reason is there.
    assert set(case.why.split()) <= set(text.replace("│", " ").split())
    code, text = run_here(data, folder, "export", "--year", str(YEAR), "--name", "one")
    assert code == 0, text


def test_the_summary_of_empty_tables_says_why(tmp_path: Path) -> None:
    settings = load_settings(data_dir=str(tmp_path), published_dir=str(tmp_path / "none"))
    warehouse = Warehouse(settings.warehouse_dir)
    names = facility.DIRECTORY.column_names
    directory = pd.DataFrame({name: pd.Series([None], dtype=object) for name in names})
    directory["ccn"] = "012300"
    directory["performance_year"] = YEAR
    directory[["has_dfc_row", "has_qip_row"]] = False
    warehouse.publish(warehouse.stage(facility.DIRECTORY, YEAR, directory))
    for table in (program.QIP_TPS, program.STARS, program.FLAGS):
        none = pd.DataFrame(columns=table.column_names)
        warehouse.publish(warehouse.stage(table, YEAR, none))

    lines = {item: (count, text) for item, count, text in summarise(settings, YEAR)}
    assert lines["Total Performance Score"] == ("0", NO_QIP)
    assert lines["stars"] == ("0", NO_DFC)
    assert lines["flags"] == ("0", NO_DFC)


def test_a_year_before_the_first_is_refused_with_a_sentence() -> None:
    with pytest.raises(LaunchError) as caught:
        run_job(None, "refresh", 2014, tags={}, run_config={})  # type: ignore[arg-type]
    assert str(caught.value) == (
        "2014 is before 2015, the first performance year of a published file whose columns are"
        " known"
    )
