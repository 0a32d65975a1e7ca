"""Preparation of SMR, SWR and SMoSR: years, conditions, and terms without an estimate."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from esrd_pipeline.families.survival import assess_facilities, fit_measure, score_rows
from esrd_pipeline.families.survival_cohort import (
    prepare_smosr,
    prepare_smr,
    prepare_swr,
)
from esrd_pipeline.measures import smosr, smr, swr
from esrd_pipeline.measures.specification import CoxSpecification
from esrd_pipeline.orchestration.modelled_measure import list_facts
from esrd_pipeline.tables import survival
from esrd_pipeline.tables.history import PATIENT_CHARACTERISTICS
from esrd_pipeline.tables.model import Table

SMR, SWR, SMOSR = smr.specify(2024), swr.specify(2024), smosr.specify(2024)
FACILITIES, PATIENTS = 60, 40
CONDITIONS = pa.table({"patient_id": range(40), "condition_group": ["ccs_002"] * 40})
NOT_ATTRIBUTED = CONDITIONS.slice(0, 0)


BMI = ("<18.5", "18.5-25", "25-30", ">=30")
RACES = ("white", "black", "asian or pacific islander", "native american", "other")


def make_cohort(table: Table, year: int, *, event_share: float = 0.3, days: int = 300) -> pa.Table:
    """Rows of a cohort with every column of its table; facts are drawn."""
    rng = np.random.default_rng(year)
    count = FACILITIES * PATIENTS
    columns: dict[str, object] = {}
    for column in table.columns:
        if column.type == "boolean":
            columns[column.name] = rng.integers(0, 2, count).astype(bool)
        elif column.type == "text":
            columns[column.name] = [None] * count
    stop = rng.integers(1, days, count)
    return pa.Table.from_pandas(
        pd.DataFrame(
            {
                **columns,
                "performance_year": year,
                "patient_id": np.arange(count),
                "ccn": [f"{100000 + place}" for place in np.arange(count) % FACILITIES],
                "start_day": 0,
                "stop_day": stop,
                "is_event": (rng.random(count) < event_share).astype(int),
                "log_state_death_rate": rng.normal(6.6, 0.2, count),
                "ma_share": rng.random(count),
                "age": rng.integers(0, 95, count),
                "esrd_days": rng.integers(91, 2000, count),
                "nursing_home_days": rng.choice([0, 30, 200], count),
            }
        ),
        preserve_index=False,
    )


def make_patients(specification: CoxSpecification, *years: int) -> dict[int, pa.Table]:
    """Characteristics of everyone, drawn, as of each year."""
    count = FACILITIES * PATIENTS
    patients: dict[int, pa.Table] = {}
    for year in years:
        rng = np.random.default_rng((year, 1))
        columns: dict[str, object] = {}
        for name in list_facts(specification, PATIENT_CHARACTERISTICS):
            if name.startswith(("is_", "has_")):
                columns[name] = rng.integers(0, 2, count).astype(bool)
            elif name in ("bmi_class", "race_class"):
                columns[name] = rng.choice(BMI if name == "bmi_class" else RACES, count)
        columns |= {"patient_id": np.arange(count), "performance_year": np.full(count, year)}
        patients[year] = pa.table(columns)
    return patients


def exclude(cohort: pa.Table, reason: str, rows: int) -> pa.Table:
    """Give the first rows a reason."""
    place = cohort.column_names.index("reason")
    reasons = [reason] * rows + [None] * (cohort.num_rows - rows)
    return cohort.set_column(place, "reason", pa.array(reasons, pa.string()))


@pytest.mark.manual("2.14.12")
def test_smr_takes_its_years_conditions_and_what_the_chapter_lists() -> None:
    cohorts = {year: make_cohort(survival.SMR, year) for year in (2021, 2022, 2023, 2024)}
    specification, cohort = prepare_smr(
        2024,
        cohorts,
        make_patients(SMR, *cohorts),
        {year: CONDITIONS if year == 2022 else NOT_ATTRIBUTED for year in cohorts},
    )
    assert cohort.table.num_rows == 4 * FACILITIES * PATIENTS
    years = ("is_year_before_1", "is_year_before_2", "is_year_before_3")
    assert specification.adjusters[-3:] == cohort.design.names[-3:] == years
    assert set(SMR.adjusters) <= set(cohort.design.names)
    frame = pd.DataFrame(cohort.design.matrix, columns=list(cohort.design.names))
    frame["performance_year"] = cohort.table.column("performance_year").to_numpy()
    assert set(frame.loc[frame["is_year_before_2"] == 1, "performance_year"]) == {2022}
    assert set(frame.loc[frame["ccs_002"] == 1, "performance_year"]) <= {2022}


def test_smr_takes_the_years_that_are_stored() -> None:
    specification, _ = prepare_smr(
        2024,
        {2024: make_cohort(survival.SMR, 2024)},
        make_patients(SMR, 2024),
        {2024: CONDITIONS},
    )
    assert not [name for name in specification.adjusters if name.startswith("is_year")]


def test_conditions_of_those_whose_year_was_not_seen_are_none() -> None:
    cohort = make_cohort(survival.SMR, 2024)
    everybody = pa.table(
        {
            "patient_id": np.arange(cohort.num_rows),
            "condition_group": ["ccs_002"] * cohort.num_rows,
        }
    )
    _, read = prepare_smr(2024, {2024: cohort}, make_patients(SMR, 2024), {2024: everybody})
    frame = pd.DataFrame(read.design.matrix, columns=list(read.design.names))
    assert set(frame.loc[frame["ccs_002"] == 1, "is_prevalent_missing"]) == {0}


def test_terms_without_an_event_and_at_their_largest_in_every_event_are_left_out() -> None:
    cohort = make_cohort(survival.SMR, 2024).to_pandas()
    patients = make_patients(SMR, 2024)[2024].to_pandas()
    died = cohort["is_event"] == 1
    patients.loc[died, "has_tobacco_use"] = False
    cohort.loc[died, "age"] = cohort.loc[died, "age"].clip(lower=14)
    _, read = prepare_smr(
        2024,
        {2024: pa.Table.from_pandas(cohort, preserve_index=False)},
        {2024: pa.Table.from_pandas(patients, preserve_index=False)},
        {2024: NOT_ATTRIBUTED},
    )
    assert set(SMR.adjusters) - set(read.design.names) == {
        "has_tobacco_use",
        "age_to_14",
        "black_x_age_to_14",
    }
    assert not [name for name in read.design.names if name.startswith("ccs_")]


@pytest.mark.parametrize("table", [survival.SWR, survival.SMOSR])
def test_who_is_not_counted_is_not_in_the_model(table: Table) -> None:
    cohort = exclude(make_cohort(table, 2024), "facility_unknown", 100)
    _, read = (
        prepare_swr(2024, {2024: cohort}, make_patients(SWR, 2024))
        if table is survival.SWR
        else prepare_smosr(2024, {2024: cohort}, make_patients(SMOSR, 2024))
    )
    assert read.table.num_rows == FACILITIES * PATIENTS - 100
    assert read.table.column("reason").null_count == read.table.num_rows


@pytest.mark.manual("2.15.12", "2.27.12")
def test_swr_has_no_years_and_smosr_has_years_of_incidence() -> None:
    years = (2022, 2023, 2024)
    began = {year: make_cohort(survival.SWR, year) for year in years}
    _, waitlisted = prepare_swr(2024, began, make_patients(SWR, *years))
    began = {year: make_cohort(survival.SMOSR, year) for year in years}
    _, switched = prepare_smosr(2024, began, make_patients(SMOSR, *years))
    assert waitlisted.design.names == SWR.adjusters
    assert switched.design.names == (*SMOSR.adjusters, "is_year_before_1", "is_year_before_2")


def test_every_fact_is_a_column_of_its_cohort_or_of_the_characteristics() -> None:
    for specification, table in ((SMR, survival.SMR), (SWR, survival.SWR), (SMOSR, survival.SMOSR)):
        own = set(list_facts(specification, PATIENT_CHARACTERISTICS))
        assert not own & set(table.column_names)
        assert set(specification.facts) - own <= set(table.column_names)


def test_a_patient_is_adjusted_for_what_they_are_in_each_year() -> None:
    years = (2023, 2024)
    cohorts = {year: make_cohort(survival.SWR, year) for year in years}
    patients = make_patients(SWR, *years)
    amputated = [patients[year].column("has_amputation").to_pylist() for year in years]
    assert amputated[0] != amputated[1]
    _, cohort = prepare_swr(2024, cohorts, patients)
    column = cohort.design.matrix[:, cohort.design.names.index("has_amputation")]
    assert column.tolist() == [float(has) for has in (*amputated[0], *amputated[1])]


def test_a_prepared_cohort_is_fitted_and_held_against_the_nation() -> None:
    specification, rows = prepare_smosr(
        2024,
        {year: make_cohort(survival.SMOSR, year) for year in (2023, 2024)},
        make_patients(SMOSR, 2023, 2024),
    )
    fit = fit_measure(specification, 2024, rows)
    events = rows.numbers("is_event").sum()
    assert score_rows(specification, fit, rows).sum() == pytest.approx(events, rel=1e-9)
    contract = assess_facilities(specification, 2024, fit, rows).contract
    assert len(contract) == FACILITIES


@pytest.mark.manual("2.15.7", "2.27.7")
@pytest.mark.parametrize("specification", [SWR, SMOSR])
def test_facilities_with_fewer_than_11_patients_or_two_expected_are_not_reported(
    specification: CoxSpecification,
) -> None:
    assert (specification.minimum_units, specification.entry.minimum_expected) == (11, 2)
