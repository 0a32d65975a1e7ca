"""A fit's files: what they hold, that nobody is in them, and that R refits their sample."""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from esrd_pipeline.cli_fit import FITTED, find_modelled
from esrd_pipeline.families.cohort import Cohort, read_cohort
from esrd_pipeline.families.family import find_family
from esrd_pipeline.families.fit_files import SAMPLE, SCRIPT, write_fit
from esrd_pipeline.families.fits import read_element, read_regression
from esrd_pipeline.measures.specification import Specification
from esrd_pipeline.parameters.register import find_measure
from esrd_pipeline.tables import measured
from esrd_pipeline_tests.families.access_nation import SFR, make_months
from esrd_pipeline_tests.families.discharges_nation import SRR, make_nation
from esrd_pipeline_tests.families.recurrent_events_nation import SHR, make_cohort
from esrd_pipeline_tests.families.survival_nation import SMR, SWR, make_records

YEAR = 2024
PPPW = replace(SFR, entry=find_measure("pppw", "dfc", YEAR))
RSCRIPT = shutil.which("Rscript")
has_r = pytest.mark.skipif(RSCRIPT is None, reason="R is not installed")


def read_about(folder: Path) -> dict[str, str]:
    return pd.read_csv(folder / "about.csv", dtype=str).set_index("name")["value"].to_dict()


def export(
    specification: Specification, table: pa.Table, folder: Path
) -> tuple[pd.DataFrame, Cohort]:
    cohort = read_cohort(specification, table)
    fit = find_family(specification).fit(specification, YEAR, cohort)
    exported = write_fit(specification, YEAR, fit, cohort, folder)
    assert exported.no_sample is None
    return fit, cohort


def test_the_files_hold_the_stored_fit_to_the_last_digit(tmp_path: Path) -> None:
    fit, cohort = export(SHR, make_cohort(facility_count=40)[0], tmp_path)
    stored = read_regression(fit, stage=1)
    for read in (
        lambda name: pd.read_csv(tmp_path / f"{name}.csv"),
        lambda name: pd.read_parquet(tmp_path / f"{name}.parquet"),
    ):
        coefficients = read("coefficients").set_index("term")
        assert coefficients["estimate"].tolist() == stored.coefficients.tolist()
        assert coefficients["standard_error"].tolist() == stored.standard_errors.tolist()
        width = coefficients["upper"] - coefficients["lower"]
        assert width.to_numpy() == pytest.approx(2 * 1.959964 * stored.standard_errors)
        for name, matrix in (
            ("model", stored.model_covariance),
            ("robust", stored.robust_covariance),
        ):
            found = read(f"{name}_covariance_of_stage_1").set_index("term")
            assert list(found.index) == list(found.columns) == list(stored.names)
            assert matrix is not None
            assert np.array_equal(found.to_numpy(), matrix)
        baseline = read_element(fit, "baseline", stage=2)["estimate"]
        assert read("baseline")["estimate"].tolist() == baseline.tolist()
        design = read("design")
        assert len(design) == cohort.facility.size
        assert design["event_count"].sum() == cohort.numbers("event_count").sum()


def test_nobody_can_be_found_in_the_files(tmp_path: Path) -> None:
    cohort, _ = make_cohort(facility_count=40)
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    _, read = export(SHR, cohort, tmp_path / "one")
    export(SHR, cohort, tmp_path / "two")
    for folder in (tmp_path / "one", tmp_path / "one" / SAMPLE):
        columns = pq.read_schema(folder / "design.parquet").names
        assert not {"ccn", "patient_id", "hospital_ccn", "stay"} & set(columns)
        text = (folder / "design.csv").read_text(encoding="utf-8")
        assert not any(str(ccn) in text for ccn in read.ccns)
    one, two = (pd.read_parquet(tmp_path / name / "design.parquet") for name in ("one", "two"))
    for name in ("facility", "patient"):
        people = cohort.column({"facility": "ccn", "patient": "patient_id"}[name]).unique()
        assert one[name].nunique() == two[name].nunique() == len(people)
        assert one[name].tolist() != two[name].tolist()
    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "one").glob("*.*")] == [
        0o600 for _ in (tmp_path / "one").glob("*.*")
    ]


def test_every_modelled_measure_is_offered() -> None:
    assert set(FITTED) == {*measured.MODELLED, "shr_submission"}
    for measure in FITTED:
        assert find_modelled(measure).tables.fit.name == f"fit.{measure}"


@pytest.mark.parametrize(("persistence", "held"), [(0.7, "no"), (1.0, "yes")])
def test_r_estimates_the_correlation_itself_unless_it_is_held(
    persistence: float, held: str, tmp_path: Path
) -> None:
    table, _ = make_months(
        facility_count=40, median_size=20, seed=3, persistence=persistence, level=-1.5
    )
    export(PPPW, table, tmp_path)
    about = read_about(tmp_path)
    assert about["is_held"] == held
    assert (float(about["correlation"]) == 0.95) == (held == "yes")
    sample = pd.read_parquet(tmp_path / SAMPLE / "design.parquet")
    share = sample.groupby("facility")["is_event"].transform("mean")
    assert (sample["facility_intercept"].notna() == ((share > 0) & (share < 1))).all()
    assert sample.groupby("facility")["facility_intercept"].nunique().max() == 1


@has_r
@pytest.mark.slow
@pytest.mark.parametrize(
    ("specification", "table", "compared"),
    [
        (SHR, lambda: make_cohort(facility_count=40)[0], 4),
        (SMR, lambda: make_records(facility_count=40)[0], 4),
        (SWR, lambda: make_records(facility_count=40)[0], 4),
        (SRR, lambda: make_nation(facility_count=40).cohort, 3),
        (SFR, lambda: make_months(facility_count=40, median_size=25)[0], 2),
        (
            PPPW,
            lambda: make_months(
                facility_count=40, median_size=20, seed=3, persistence=1.0, level=-1.5
            )[0],
            2,
        ),
    ],
    ids=["rates", "cox, two stages", "cox", "cells", "gee", "gee, correlation held"],
)
def test_r_refits_the_sample_and_finds_the_same(
    specification: Specification, table: Callable[[], pa.Table], compared: int, tmp_path: Path
) -> None:
    export(specification, table(), tmp_path)
    agreed = run_r(tmp_path)
    assert agreed.returncode == 0, agreed.stderr
    assert agreed.stdout.count("largest difference") == compared
    assert agreed.stdout.endswith("The fits agree.\n")
    path = tmp_path / SAMPLE / "coefficients.csv"
    moved = pd.read_csv(path)
    moved["estimate"] *= 1.01
    moved.to_csv(path, index=False)
    refused = run_r(tmp_path)
    assert refused.returncode != 0
    assert "the fits differ by" in refused.stderr


def run_r(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(RSCRIPT), SCRIPT], cwd=folder, capture_output=True, text=True, check=False
    )
