"""The step that evaluates activities, on stored years."""

from pathlib import Path

import pandas as pd
import pytest

from esrd_pipeline.orchestration.activity_assets import warn_of_placebos
from esrd_pipeline.orchestration.context import StepContext, StepResult
from esrd_pipeline.orchestration.pictures import render
from esrd_pipeline.orchestration.table_asset import MADE_ASSETS
from esrd_pipeline.settings import load_settings
from esrd_pipeline.tables import activity, linkage, monitor, network_inputs
from esrd_pipeline.tables.model import Table
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline_tests.reports.test_activities import ENROLLED, EVENTS, plan

YEAR = 2025


def _store(warehouse: Warehouse, table: Table, year: int, rows: pd.DataFrame) -> None:
    whole = rows.reindex(columns=table.column_names)
    warehouse.publish(warehouse.stage(table, year, whole))


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> StepResult:
    warehouse = Warehouse(tmp_path_factory.mktemp("data") / "warehouse")
    of = EVENTS["month"].dt.year
    for year in sorted(of.unique()):
        rows = EVENTS[of == year].assign(
            performance_year=year,
            facility_patients=60.0,
            observed=lambda frame: frame["observed"].astype(int),
            facility_observed=0.0,
            facility_expected=0.0,
        )
        _store(warehouse, monitor.EVENT_MONTH, int(year), rows)
    ccns = EVENTS["ccn"].unique()
    numbers = pd.DataFrame(
        {
            "program": "dfc",
            "provider_number": [*ccns, "OLD001"],
            "performance_year": YEAR,
            "ccn": [*ccns, ENROLLED["ccn"].iloc[0]],
            "relation": "own",
            "rule": "a test",
        }
    )
    _store(warehouse, linkage.PROVIDER_NUMBER, YEAR, numbers)
    planned = plan(
        performance_year=YEAR,
        selection_rule="the worst",
        measurement_first=pd.Timestamp("2024-07-01"),
    )
    _store(warehouse, network_inputs.ACTIVITY, YEAR, planned)
    # One is enrolled by the number it had before.
    enrolled = ENROLLED.assign(
        ccn=["OLD001", *ENROLLED["ccn"].iloc[1:]],
        performance_year=YEAR,
        end_date=pd.NaT,
        graduated_on=pd.NaT,
    )
    _store(warehouse, network_inputs.ENROLMENT, YEAR, enrolled)
    step = StepContext(YEAR, warehouse, load_settings())
    return MADE_ASSETS[activity.EFFECT.name].compute(step)


def _read_effects(result: StepResult) -> pd.DataFrame:
    frame = result.frames[0]
    assert isinstance(frame, pd.DataFrame)
    return frame


def test_stored_years_are_evaluated_under_todays_numbers(result: StepResult) -> None:
    effects = _read_effects(result).set_index("estimator")
    assert effects.loc["staggered", "facility_count"] == 30
    assert effects.loc["staggered", "ratio"] == pytest.approx(0.8, abs=0.06)
    assert result.notes == {
        "years of events": "2022, 2023, 2024, 2025",
        "activities' measures with an effect": 1,
    }


def test_rows_are_of_the_tables_types(result: StepResult, tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "warehouse")
    for table, frame in zip(MADE_ASSETS[activity.EFFECT.name].tables, result.frames, strict=True):
        assert isinstance(frame, pd.DataFrame)
        staged = warehouse.stage(table, YEAR, frame)
        assert staged.row_count == len(frame) > 0


def test_the_picture_has_a_panel_for_the_activity(result: StepResult) -> None:
    assert result.picture is not None
    shown = [axes.get_title(loc="left") for axes in result.picture.axes]
    assert shown == ["N5-2024, SHR"]
    assert render(result.picture).startswith(b"\x89PNG")


def test_a_placebo_date_with_an_effect_is_warned_of(result: StepResult) -> None:
    effects = _read_effects(result)
    assert warn_of_placebos(effects) is None
    is_placebo = effects["estimator"] == "placebo"
    found = warn_of_placebos(effects.assign(p_value=effects["p_value"].mask(is_placebo, 0.001)))
    assert found is not None
    assert "N5-2024 (shr)" in found
