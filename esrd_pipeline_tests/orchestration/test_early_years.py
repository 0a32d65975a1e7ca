"""Years before 2021, from published files in the layouts of their time."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from esrd_pipeline.cli import main
from esrd_pipeline.definitions import defs
from esrd_pipeline.orchestration.launch import LaunchError, run_job
from esrd_pipeline.settings import Settings
from esrd_pipeline.tables import program, report
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline_tests.old_listings import write_listing_of_2017, write_listing_of_2020
from esrd_pipeline_tests.orchestration.commands import run_here

FACILITIES = 60


def test_a_listing_of_2018_gives_flags_and_stars_and_says_why_there_is_no_tps(
    tmp_path: Path,
) -> None:
    data, folder = tmp_path / "data", tmp_path / "published"
    write_listing_of_2020(folder, 2018, facility_count=FACILITIES)
    code, text = run_here(data, folder, "refresh", "--year", "2018", "--star-baseline", "reset")
    assert code == 0, text
    warehouse = Warehouse(data / "warehouse")

    flags = warehouse.read(program.FLAGS, 2018)
    flagged = flags[flags["category"].notna()]
    assert set(flagged["measure"]) == {
        *("smr", "shr", "srr", "strr", "nhsn_bsi", "sfr", "swr", "pppw"),
    }
    assert set(flagged["method"]) == {"interval"}
    # Sizes are those of the file's availability codes, never a later manual's.
    assert not flags["reason"].isin(["below_minimum_units", "below_minimum_expected"]).any()

    baseline = warehouse.read(program.STAR_BASELINE, 2018)
    assert set(baseline["measure_set"].dropna()) == {"2018-10"}
    stars = warehouse.read(program.STARS, 2018)["rating"].dropna()
    assert stars.astype(int).value_counts().sort_index().tolist() == [5, 10, 21, 10, 5]

    tps = warehouse.read(program.QIP_TPS, 2018)
    assert len(tps) == len(flags["ccn"].unique())
    assert set(tps["reason"]) == {"no_rule_set"}
    assert set(tps["payment_year"]) == {2020}
    assert tps["tps"].isna().all()
    assert warehouse.read(program.QIP_STANDARD, 2018).empty

    counts = warehouse.read(report.PUBLISHED_AGREEMENT, 2018).set_index(["measure", "kind"])
    assert set(counts["file_name"]) == {"DFC_FACILITY_2019-10.csv"}
    assert counts.loc[("shr", "flag"), "equal_count"] > FACILITIES / 2
    code, text = run_here(data, folder, "export", "--year", "2018", "--name", "one")
    assert code == 0, text


@pytest.mark.slow
def test_the_listing_of_january_2017_gives_flags_and_says_why_there_are_no_stars(
    tmp_path: Path,
) -> None:
    data, folder = tmp_path / "data", tmp_path / "published"
    write_listing_of_2017(folder, facility_count=FACILITIES)
    code, text = run_here(data, folder, "refresh", "--year", "2015")
    assert code == 0, text
    warehouse = Warehouse(data / "warehouse")
    flags = warehouse.read(program.FLAGS, 2015)
    assert set(flags["measure"]) == {"smr", "shr", "srr", "strr", "nhsn_bsi"}
    stars = warehouse.read(program.STARS, 2015)
    assert set(stars["reason"]) == {"no_star_measure_set"}
    code, text = run_here(data, folder, "refresh", "--year", "2015", "--star-baseline", "reset")
    assert code == 1
    assert "no set of star measures of 2015 is known: star_measure_set.csv begins with 2017" in text


TOO_EARLY = (
    "2018 is before 2021, the first performance year whose measures are computed from patient-level"
    " files: no rule of an earlier year is known. Its published files alone can be scored"
)


@pytest.mark.parametrize("job", ["refresh", "measure"])
def test_patient_level_files_of_an_early_year_are_refused_before_anything_runs(
    world: Settings, job: str
) -> None:
    with pytest.raises(LaunchError) as caught:
        run_job(defs, job, 2018, tags={}, run_config={})
    assert str(caught.value) == TOO_EARLY
    assert not world.warehouse_dir.exists()


def test_a_folder_of_patient_level_files_of_an_early_year_is_refused(
    world: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "2018"
    folder.mkdir()
    text = CliRunner().invoke(main, ["check", str(folder)])
    assert text.output == f"Error: {TOO_EARLY}\n"
    assert not world.warehouse_dir.exists()


def test_the_embedded_default_has_no_early_year(world: Settings) -> None:
    with pytest.raises(LaunchError) as caught:
        run_job(defs, "refresh_published", 2018, tags={}, run_config={}, layers=("raw",))
    assert "the synthetic nation begins with 2021" in str(caught.value)
    assert not (world.warehouse_dir / "facility").exists()
