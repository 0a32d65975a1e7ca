"""SMR, SWR and SMoSR between cohort and model: years, conditions, and terms without an estimate."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from esrd_pipeline.families.survival import assess_facilities, fit_measure, score_rows
from esrd_pipeline.families.survival_cohort import prepare_smosr, prepare_smr, prepare_swr
from esrd_pipeline.measures import smosr, smr, swr
from esrd_pipeline.measures.specification import CoxSpecification
from esrd_pipeline.tables import survival
from esrd_pipeline.tables.model import Table

SMR, SWR, SMOSR = smr.specify(2024), swr.specify(2024), smosr.specify(2024)
FACILITIES, PATIENTS = 60, 40
CONDITIONS = pa.table({"patient_id": [3, 5, 7], "condition_group": ["ccs_002"] * 3})
NOT_ATTRIBUTED = CONDITIONS.slice(0, 0)


def make_cohort(table: Table, year: int, *, event_share: float = 0.3, days: int = 300) -> pa.Table:
    """Rows of a cohort with every column of its table; adjusters are drawn."""
    rng = np.random.default_rng(year)
    count = FACILITIES * PATIENTS
    columns: dict[str, object] = {}
    for column in table.columns:
        if column.name.startswith(("is_", "has_")) or "_x_" in column.name:
            columns[column.name] = rng.integers(0, 2, count)
        elif column.name.startswith("age_"):
            columns[column.name] = rng.integers(0, 10, count).astype(float)
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
            }
        ),
        preserve_index=False,
    )


def exclude(cohort: pa.Table, reason: str, rows: int) -> pa.Table:
    """Give the first rows a reason."""
    place = cohort.column_names.index("reason")
    reasons = [reason] * rows + [None] * (cohort.num_rows - rows)
    return cohort.set_column(place, "reason", pa.array(reasons, pa.string()))


def test_smr_takes_its_years_conditions_and_what_the_chapter_lists() -> None:
    cohorts = {year: make_cohort(survival.SMR, year) for year in (2021, 2022, 2023, 2024)}
    with_condition = CONDITIONS.slice(0, 2)
    specification, cohort = prepare_smr(
        2024,
        cohorts,
        {year: with_condition if year == 2022 else NOT_ATTRIBUTED for year in cohorts},
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
        2024, {2024: make_cohort(survival.SMR, 2024)}, {2024: CONDITIONS}
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
    _, read = prepare_smr(2024, {2024: cohort}, {2024: everybody})
    frame = pd.DataFrame(read.design.matrix, columns=list(read.design.names))
    assert set(frame.loc[frame["ccs_002"] == 1, "is_prevalent_missing"]) == {0}


def test_terms_without_an_event_and_at_their_largest_in_every_event_are_left_out() -> None:
    cohort = make_cohort(survival.SMR, 2024).to_pandas()
    died = cohort["is_event"] == 1
    cohort.loc[died, "has_tobacco_use"] = 0
    cohort.loc[died, "age_to_14"] = 14.0
    _, read = prepare_smr(
        2024, {2024: pa.Table.from_pandas(cohort, preserve_index=False)}, {2024: NOT_ATTRIBUTED}
    )
    assert set(SMR.adjusters) - set(read.design.names) == {"has_tobacco_use", "age_to_14"}
    assert not [name for name in read.design.names if name.startswith("ccs_")]


@pytest.mark.parametrize("table", [survival.SWR, survival.SMOSR])
def test_who_is_not_counted_is_not_in_the_model(table: Table) -> None:
    cohort = exclude(make_cohort(table, 2024), "facility_unknown", 100)
    _, read = (
        prepare_swr(2024, {2024: cohort})
        if table is survival.SWR
        else prepare_smosr(2024, {2024: cohort})
    )
    assert read.table.num_rows == FACILITIES * PATIENTS - 100
    assert read.table.column("reason").null_count == read.table.num_rows


def test_swr_has_no_years_and_smosr_has_years_of_incidence() -> None:
    years = (2022, 2023, 2024)
    _, waitlisted = prepare_swr(2024, {year: make_cohort(survival.SWR, year) for year in years})
    _, switched = prepare_smosr(2024, {year: make_cohort(survival.SMOSR, year) for year in years})
    assert waitlisted.design.names == SWR.adjusters
    assert switched.design.names == (*SMOSR.adjusters, "is_year_before_1", "is_year_before_2")


def test_every_adjuster_is_a_column_of_its_cohort() -> None:
    for specification, table in ((SMR, survival.SMR), (SWR, survival.SWR), (SMOSR, survival.SMOSR)):
        assert set(specification.facts) <= set(table.column_names)


def test_a_prepared_cohort_is_fitted_and_held_against_the_nation() -> None:
    specification, rows = prepare_smosr(
        2024, {year: make_cohort(survival.SMOSR, year) for year in (2023, 2024)}
    )
    fit = fit_measure(specification, 2024, rows)
    events = rows.numbers("is_event").sum()
    assert score_rows(specification, fit, rows).sum() == pytest.approx(events, rel=1e-9)
    contract = assess_facilities(specification, 2024, fit, rows).contract
    assert len(contract) == FACILITIES


@pytest.mark.parametrize("specification", [SWR, SMOSR])
def test_facilities_with_fewer_than_11_patients_or_two_expected_are_not_reported(
    specification: CoxSpecification,
) -> None:
    assert (specification.minimum_units, specification.entry.minimum_expected) == (11, 2)
