"""SHR from its cohort to the facility contract of one program, with its reliability.

The model is the rates family's; what is SHR's own stands here: its conditions, its programs'
differences, its facility lists. Manual 2.13; 2025 submission of CBE 1463.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa

from esrd_pipeline.families.cohort import PATIENT, read_cohort
from esrd_pipeline.families.conditions import GROUP, add_conditions
from esrd_pipeline.families.listed import list_facilities
from esrd_pipeline.families.rates import DAYS, DAYS_PER_YEAR, EVENTS, AssessedRates, expect_events
from esrd_pipeline.measures import shr
from esrd_pipeline.measures.specification import Program, Specification
from esrd_pipeline.parameters.rows import load_rows
from esrd_pipeline.statistics.concordance import compare_observed_rates
from esrd_pipeline.statistics.reliability import estimate_iur
from esrd_pipeline.statistics.rows import sum_by
from esrd_pipeline.tables.measured import SHR_RELIABILITY

RESAMPLING_SEED = 1463
_INFERENCE = (
    "lower",
    "upper",
    "p_value",
    "z",
    "z_null_mean",
    "z_null_sd",
    "category",
    "standard_error",
)
"""What the manual computes for Dialysis Facility Measures only (2.13.15, 2.13.16)."""


def choose_specification(performance_year: int) -> str:
    """Return which of SHR's specifications a year follows (reading 22).

    Raises:
        LookupError: none is laid down for the year.
    """
    for row in load_rows("measure_specification"):
        first, last = int(row["first_year"]), int(row["last_year"])
        if row["measure"] == "shr" and first <= performance_year <= last:
            return row["specification"]
    raise LookupError(f"measure_specification.csv lays down no SHR for {performance_year}")


def list_conditions(specification: str) -> list[str]:
    """Return the groups of prevalent conditions that adjust SHR, in the order of their file."""
    return [
        row["condition_group"]
        for row in load_rows("prevalent_condition_group")
        if row["specification"] == specification
    ]


def prepare(
    program: Program, performance_year: int, cohort: pa.Table, conditions: pa.Table
) -> tuple[Specification, pa.Table]:
    """Return one program's specification and cohort, conditions among the adjusters of both.

    A group that fewer than two patients have is left out of both: it has no estimate.
    """
    chosen = choose_specification(performance_year)
    counts = conditions.column(GROUP).value_counts().to_pylist()
    common = {count["values"] for count in counts if count["counts"] > 1}
    groups = [group for group in list_conditions(chosen) if group in common]
    specification = shr.specify(program, chosen)
    return (
        replace(specification, adjusters=(*specification.adjusters, *groups)),
        add_conditions(cohort, conditions, groups),
    )


def finish(
    program: Program, performance_year: int, assessed: AssessedRates, facilities: pd.DataFrame
) -> pd.DataFrame:
    """Return the program's rows of the contract: every facility of its list and of the cohort.

    A facility that the program's list leaves out, or that has no one at risk, says so. The QIP's
    value is the rate (reading 10); it has no test, limits or category.
    """
    rows = assessed.contract
    if program == "qip":
        rows = rows.assign(**dict.fromkeys(_INFERENCE), value=rows["rate"])
    return list_facilities(
        shr.specify(program, choose_specification(performance_year)),
        performance_year,
        rows,
        facilities,
        nothing="no patient at risk",
    )


def estimate_reliability(
    specification: Specification, performance_year: int, fit: pd.DataFrame, cohort: pa.Table
) -> pd.DataFrame:
    """Return the inter-unit reliability and the C-statistic of one program.

    IUR takes the facilities that are reported, as the submission does; the C-statistic compares
    patients' predicted with their observed rates.
    """
    rows = read_cohort(specification.measure, cohort, ())
    expected = expect_events(specification, fit, cohort)
    observed, days = rows.numbers(EVENTS), rows.numbers(DAYS)
    years = sum_by(rows.facility, days, count=len(rows.ccns)) / DAYS_PER_YEAR
    iur = estimate_iur(
        facility=rows.facility,
        patient=rows.patient,
        numerator=observed,
        denominator=expected,
        facility_count=len(rows.ccns),
        is_reported=years >= (specification.minimum_units or 0),
        seed=RESAMPLING_SEED,
    )
    exposure = sum_by(rows.patient, days)
    concordance = compare_observed_rates(
        predicted=sum_by(rows.patient, expected) / exposure,
        events=sum_by(rows.patient, observed),
        exposure=exposure,
    )
    frame = pd.DataFrame(
        [
            ("iur", iur.iur, iur.facilities, iur.patients, "bootstrap of patients, B = 100"),
            ("between_variance", iur.between_variance, iur.facilities, iur.patients, "of ratios"),
            ("within_variance", iur.within_variance, iur.facilities, iur.patients, "of ratios"),
            (
                "c_statistic",
                concordance.index,
                None,
                concordance.patients,
                "pairs of patients: predicted against observed rates",
            ),
        ],
        columns=["statistic", "value", "facilities", "patients", "definition"],
    ).assign(
        performance_year=performance_year,
        program=specification.program,
        measure=specification.measure,
    )
    return frame[SHR_RELIABILITY.column_names]


def group_by_risk(
    specification: Specification, fit: pd.DataFrame, cohort: pa.Table, *, groups: int = 10
) -> pd.DataFrame:
    """Return observed and expected events per patient-year by group of predicted rate."""
    expected = expect_events(specification, fit, cohort)
    days = cohort.column(DAYS).to_numpy().astype(np.float64)
    observed = cohort.column(EVENTS).to_numpy().astype(np.float64)
    patient = cohort.column(PATIENT).to_numpy()
    order = np.lexsort((patient, expected / days))
    group = np.empty(order.size, dtype=np.intp)
    group[order] = np.arange(order.size) * groups // order.size
    years = sum_by(group, days) / DAYS_PER_YEAR
    return pd.DataFrame(
        {
            "group": np.arange(1, years.size + 1),
            "patient_years": years,
            "observed": sum_by(group, observed) / years,
            "expected": sum_by(group, expected) / years,
        }
    )
