"""SHR by its 2025 submission: chosen by the year's row or the run, stored beside the manual's."""

import datetime as dt
from collections.abc import Mapping

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from esrd_pipeline.definitions import defs
from esrd_pipeline.orchestration.context import StepContext
from esrd_pipeline.orchestration.recurrent_events_assets import (
    SUBMISSION,
    SubmissionConfig,
    choose_submission,
)
from esrd_pipeline.orchestration.resources import make_storage
from esrd_pipeline.settings import Settings
from esrd_pipeline.tables import measured, recurrent_events
from esrd_pipeline.tables.catalog import TABLES_BY_NAME
from esrd_pipeline.tables.model import Table
from esrd_pipeline.warehouse import Warehouse

YEAR = 2024
CCNS = [f"{12501 + place:06d}" for place in range(44)]
SIZES = {ccn: 16 + place for place, ccn in enumerate(CCNS)}
"""Patients of each facility; its first is a child."""
FLAGS = [
    column.name
    for column in TABLES_BY_NAME["history.patient_characteristics"].columns
    if column.type == "boolean"
]
DEFAULTS = {"boolean": False, "text": "", "integer": 0, "number": 0.0, "date": None}


@pytest.mark.parametrize(
    ("year", "chosen", "computed"),
    [
        (2024, None, False),
        (2025, None, True),
        (2031, None, True),
        (2024, True, True),
        (2025, False, False),
    ],
)
def test_the_runs_choice_goes_before_the_years_row(
    world: Settings, *, year: int, chosen: bool | None, computed: bool
) -> None:
    step = StepContext(
        performance_year=year,
        warehouse=Warehouse(world.warehouse_dir),
        settings=world,
        config=SubmissionConfig(compute=chosen),
    )
    assert choose_submission(step) == {"is_chosen": computed}


def test_a_refresh_takes_the_choice() -> None:
    job = defs.resolve_job_def("refresh")
    dg.validate_run_config(job, {"ops": {"shr_submission": {"config": {"compute": True}}}})
    with pytest.raises(dg.DagsterInvalidConfigError):
        dg.validate_run_config(job, {"ops": {"shr_submission": {"config": {"compute": "maybe"}}}})


def test_no_contract_score_or_published_file_has_the_submission() -> None:
    assert "shr_submission" not in measured.MODELLED
    assert measured.SHR_SUBMISSION.facility not in measured.COMPUTED


def fill(table: Table, rows: list[dict[str, object]]) -> pd.DataFrame:
    """Rows of a table; what they leave out is false, 0 or the first value allowed, or null."""
    defaults = {
        column.name: (column.allowed or (DEFAULTS[column.type],))[0] if column.required else None
        for column in table.columns
    }
    whole = [{**defaults, "performance_year": YEAR, **row} for row in rows]
    return pd.DataFrame(whole, columns=table.column_names)


def store(warehouse: Warehouse, rows: Mapping[str, list[dict[str, object]]]) -> None:
    for name, of in rows.items():
        table = TABLES_BY_NAME[name]
        with warehouse.lock(table, YEAR):
            warehouse.publish(warehouse.stage(table, YEAR, fill(table, of)))


@pytest.fixture
def stored(world: Settings) -> Warehouse:
    """A small nation: a year of days, and stays, of the patients of some facilities."""
    warehouse, generator = Warehouse(world.warehouse_dir), np.random.default_rng(1463)
    places = [(ccn, number == 0) for ccn in CCNS for number in range(SIZES[ccn])]
    people = [
        {"patient_id": number, "ccn": ccn, "child": is_child}
        for number, (ccn, is_child) in enumerate(places, start=1)
    ]
    days, stays, patients, traits = [], [], [], []
    for person in people:
        whose = {"patient_id": person["patient_id"]}
        first = dt.date(YEAR, 1, 1)
        born = dt.date(2010 if person["child"] else int(generator.integers(1935, 1995)), 5, 5)
        days += [
            {
                **whose,
                "program": program,
                "start_date": first,
                "end_date": dt.date(YEAR, 12, 31),
                "attribution_start": first,
                "ccn": person["ccn"],
                "interval": int(person["patient_id"]) % 6,
                "is_adult": not person["child"],
                "is_ma": bool(person["patient_id"] % 2),
                "is_observable": True,
                "reason": None,
            }
            for program in ("dfc", "qip")
        ]
        admitted = generator.choice(366, generator.poisson(1.5), replace=False)
        stays += [
            {
                **whose,
                "admit_date": first + dt.timedelta(days=int(day)),
                "discharge_date": first + dt.timedelta(days=int(day)),
                "is_index_covid": place == 0,
                "covid_discharge_date": first + dt.timedelta(days=int(day)),
            }
            for place, day in enumerate(sorted(admitted))
        ]
        patients.append({**whose, "date_of_birth": born})
        flags = [c.name for c in TABLES_BY_NAME["history.patient_characteristics"].columns]
        drawn = {
            name: bool(generator.integers(0, 2))
            for name in flags
            if name.startswith(("is_", "has_"))
        }
        bmi = str(generator.choice(["<18.5", "18.5-25", "25-30", ">=30"]))
        traits.append({**whose, "date_of_birth": born, **drawn, "bmi_class": bmi})
    listed = [
        {"program": program, "ccn": ccn, "is_eligible": True, "reason": None}
        for program in ("dfc", "qip")
        for ccn in CCNS
    ]
    store(
        warehouse,
        {
            "cohort.days": days,
            "history.hospital_stay": stays,
            "linkage.patient": patients,
            "history.nursing_home": [],
            "history.medicare_month": [],
            "history.patient_characteristics": traits,
            "history.prevalent_condition": [],
            "linkage.facility": listed,
        },
    )
    return warehouse


def run(instance: dg.DagsterInstance, config: Mapping[str, object]) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        [SUBMISSION],
        instance=instance,
        partition_key=str(YEAR),
        resources={"storage": make_storage()},
        run_config={"ops": {"shr_submission": {"config": dict(config)}}},
    )


def test_a_year_that_is_not_listed_is_empty_until_a_run_chooses_it(
    stored: Warehouse, instance: dg.DagsterInstance
) -> None:
    tables = (
        recurrent_events.SHR_SUBMISSION_DAYS,
        recurrent_events.SHR_SUBMISSION,
        *measured.SHR_SUBMISSION.tables,
        measured.SHR_SUBMISSION_RELIABILITY,
    )
    assert run(instance, {}).success
    assert [stored.count_rows(table, YEAR) for table in tables] == [0] * len(tables)
    assert run(instance, {"compute": True}).success
    assert min(stored.count_rows(table, YEAR) for table in tables) > 0
    facilities = stored.read(measured.SHR_SUBMISSION.facility, YEAR)
    assert set(facilities["measure"]) == {"shr_submission"}
    dfc = facilities[facilities["program"] == "dfc"].set_index("ccn")
    stays = stored.read(TABLES_BY_NAME["history.hospital_stay"], YEAR)
    patients = stored.read(TABLES_BY_NAME["linkage.patient"], YEAR)
    children = patients.loc[patients["date_of_birth"] == dt.date(2010, 5, 5), "patient_id"]
    adults = stays[~stays["patient_id"].isin(children)]
    assert len(children) == len(CCNS)
    # Every stay of an adult counts, the first with COVID-19 too; none of a child.
    assert dfc["numerator"].sum() == len(adults)
    years = {ccn: (size - 1) * 366 / 365.25 for ccn, size in SIZES.items()}
    assert dfc["unit_count"].to_dict() == pytest.approx(years)
    assert dfc["denominator"].sum() == pytest.approx(len(adults), rel=1e-6)
    assert not stored.has(measured.MODELLED["shr"].facility, YEAR)
