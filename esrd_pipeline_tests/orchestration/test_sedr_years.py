"""SEDR's model of several years, by which facilities are assessed for the last (Figure 27)."""

import datetime as dt

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from esrd_pipeline.orchestration import adjusters_assets
from esrd_pipeline.orchestration.modelled_measure import make_measure_assets
from esrd_pipeline.orchestration.recurrent_events_assets import MODELLED_MEASURES
from esrd_pipeline.orchestration.resources import make_storage
from esrd_pipeline.orchestration.table_asset import make_multi_asset
from esrd_pipeline.settings import Settings
from esrd_pipeline.tables import explain, measured
from esrd_pipeline.tables.catalog import TABLES_BY_NAME
from esrd_pipeline.warehouse import Warehouse

YEAR = 2024
CCNS = [f"{12501 + place:06d}" for place in range(30)]
PATIENTS = 900
NEW_NUMBER, OLD_NUMBER = 5, 100_005
NEW_CCN, OLD_CCN = CCNS[0], "019999"
DEFAULTS = {"boolean": False, "text": "", "integer": 0, "number": 0.0, "date": None}
TABLES = measured.MODELLED["sedr"]


def store(warehouse: Warehouse, name: str, year: int, rows: list[dict[str, object]]) -> None:
    """Store a year of a table; what rows leave out is false, 0, the first allowed, or null."""
    table = TABLES_BY_NAME[name]
    defaults = {
        column.name: (column.allowed or (DEFAULTS[column.type],))[0] if column.required else None
        for column in table.columns
    }
    whole = [{**defaults, "performance_year": year, **row} for row in rows]
    with warehouse.lock(table, year):
        frame = pd.DataFrame(whole, columns=table.column_names)
        warehouse.publish(warehouse.stage(table, year, frame))


def store_year(warehouse: Warehouse, year: int, events: float, days: int) -> int:
    """Store a year of everybody, with so many encounters expected of each; return their number."""
    generator = np.random.default_rng(year)
    counts = generator.poisson(events, PATIENTS)
    bmi = generator.choice(["<18.5", "18.5-25", "25-30", ">=30"], PATIENTS)
    periods: list[dict[str, object]] = []
    traits: list[dict[str, object]] = []
    for number in range(PATIENTS):
        is_then = year < YEAR
        patient = OLD_NUMBER if is_then and number == NEW_NUMBER else number
        ccn = CCNS[number % len(CCNS)]
        periods.append(
            {
                "program": "dfc",
                "patient_id": patient,
                "period": 1,
                "ccn": OLD_CCN if is_then and ccn == NEW_CCN else ccn,
                "start_date": dt.date(year, 1, 1),
                "interval": number % 6,
                "days_at_risk": days,
                "event_count": int(counts[number]),
                "age": int(generator.integers(20, 90)),
                "covered_months": 12,
            }
        )
        traits.append({"patient_id": patient, "bmi_class": bmi[number], "has_form": True})
        traits[-1] |= {"is_female": bool(generator.integers(0, 2))}
    store(warehouse, "cohort.sedr", year, periods)
    store(warehouse, "history.patient_characteristics", year, traits)
    had: list[dict[str, object]] = [
        {"specification": "sedr", "patient_id": number, "condition_group": "ccs_098"}
        for number in range(10, 300, 2)
        if year < YEAR
    ]
    store(warehouse, "history.prevalent_condition", year, had)
    return int(counts.sum())


@pytest.mark.manual("2.25.10", "2.25.14", "2.25.15", "2.25.19")
def test_the_model_is_of_all_stored_years_and_the_ratio_of_the_last(
    world: Settings, instance: dg.DagsterInstance
) -> None:
    warehouse = Warehouse(world.warehouse_dir)
    store_year(warehouse, YEAR - 4, events=9.0, days=200)
    before = store_year(warehouse, YEAR - 1, events=4.0, days=360)
    now = store_year(warehouse, YEAR, events=2.0, days=366)
    renamed: list[dict[str, object]] = [
        {"patient_id": NEW_NUMBER, "earlier_patient_id": OLD_NUMBER},
    ]
    store(warehouse, "linkage.earlier_patient", YEAR, renamed)
    numbers: list[dict[str, object]] = [
        {"program": "dfc", "provider_number": number, "ccn": NEW_CCN}
        for number in (OLD_CCN, NEW_CCN)
    ]
    store(warehouse, "linkage.provider_number", YEAR, numbers)
    listed: list[dict[str, object]] = [
        {"program": "dfc", "ccn": ccn, "is_eligible": True, "reason": None} for ccn in CCNS
    ]
    store(warehouse, "linkage.facility", YEAR, listed)
    (modelled,) = (one for one in MODELLED_MEASURES if one.name == "SEDR")
    made = dg.materialize(
        [make_multi_asset("sedr", make_measure_assets(modelled))],
        instance=instance,
        partition_key=str(YEAR),
        resources={"storage": make_storage()},
    )
    assert made.success
    fit = warehouse.read(TABLES.fit, YEAR)
    stage = fit[fit["stage"] == 1].set_index(["element", "term"])["estimate"]
    assert stage["summary", "event_count"] == before + now
    assert stage["summary", "row_count"] == 2 * PATIENTS
    # Four encounters in 360 days, not two in 366.
    assert stage["coefficient", "is_year_before_1"] == pytest.approx(np.log(2 * 366 / 360), abs=0.1)
    assert ("coefficient", "ccs_098") in stage.index

    facilities = warehouse.read(TABLES.facility, YEAR).set_index("ccn")
    assert sorted(facilities.index) == CCNS
    assert facilities["numerator"].sum() == now
    assert facilities["denominator"].sum() == pytest.approx(now, rel=0.02)
    of_one = PATIENTS / len(CCNS)
    assert set(facilities["patients"]) == {of_one}
    assert facilities["unit_count"].tolist() == pytest.approx([of_one * 366 / 365.25] * len(CCNS))
    national = now / (PATIENTS * 366) * 365.25 * 100
    ratio = facilities["value"].astype(float)
    assert (facilities["rate"] / ratio).tolist() == pytest.approx([national] * len(CCNS))
    assert TABLES.expected is not None
    expected = warehouse.read(TABLES.expected, YEAR)
    assert len(expected) == PATIENTS
    assert expected["expected"].sum() == pytest.approx(facilities["denominator"].sum())

    # One facility's adjusters are those of the same rows.
    config = {"ccn": NEW_CCN, "measure": "sedr"}
    assert dg.materialize(
        list(adjusters_assets.ASSETS),
        instance=instance,
        partition_key=str(YEAR),
        resources={"storage": make_storage()},
        run_config={"ops": {"explanation_of_adjusters": {"config": config}}},
    ).success
    adjusters = warehouse.read(explain.ADJUSTERS, YEAR)
    assert adjusters["patient_id"].nunique() == of_one
    assert not adjusters.duplicated(["patient_id", "term"]).any()
    assert not adjusters["term"].str.startswith("is_year").any()
