"""A rule set beside the payment year's own: chosen for a run, recorded with all it makes."""

from collections.abc import Mapping
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest
from click.testing import CliRunner

from esrd_pipeline import cli
from esrd_pipeline.cli import main
from esrd_pipeline.definitions import defs
from esrd_pipeline.export import export_year
from esrd_pipeline.orchestration.failures import format_failure
from esrd_pipeline.orchestration.launch import run_job
from esrd_pipeline.orchestration.resources import make_storage
from esrd_pipeline.orchestration.rule_set import configure
from esrd_pipeline.orchestration.summary import summarise
from esrd_pipeline.settings import Settings
from esrd_pipeline.tables import program
from esrd_pipeline.warehouse import Warehouse

YEAR = 2025
DROPPED = {"health_equity", "sdoh_screening", "sdoh_positive"}
MADE = (
    program.QIP_STANDARD,
    program.QIP_MEASURE_SCORE,
    program.QIP_DOMAIN_SCORE,
    program.QIP_TPS,
)


def score(
    instance: dg.DagsterInstance, config: Mapping[str, object] | None = None
) -> dg.ExecuteInProcessResult:
    """Make the standards and what is scored by them."""
    steps = [defs.get_assets_def(dg.AssetKey(table.path)) for table in (MADE[0], MADE[-1])]
    return dg.materialize(
        steps,
        instance=instance,
        partition_key=str(YEAR),
        resources={"storage": make_storage()},
        run_config=dict(config or {}),
        raise_on_error=False,
    )


def read_reporting(warehouse: Warehouse) -> pd.DataFrame:
    """The scores of the reporting domain: one line a facility, one column a measure."""
    scores = warehouse.read(program.QIP_MEASURE_SCORE, YEAR)
    scores = scores[scores["domain"] == "reporting"]
    return scores.pivot_table(index="ccn", columns="measure", values="score", dropna=False)


def find_rule_sets(warehouse: Warehouse) -> set[str]:
    made = (warehouse.read(table, YEAR)["rule_set"] for table in MADE)
    return set(pd.concat(made).unique())


def read_line(settings: Settings) -> str:
    """The summary's line on rules; what a whole refresh stores beside it is made to be empty."""
    warehouse = Warehouse(settings.warehouse_dir)
    for table in (program.STARS, program.FLAGS):
        none = pd.DataFrame(columns=table.column_names)
        warehouse.publish(warehouse.stage(table, YEAR, none))
    (text,) = [text for item, _, text in summarise(settings, YEAR) if item == "QIP rules"]
    return text


@pytest.fixture
def facilities(published_world: Settings, instance: dg.DagsterInstance) -> Settings:
    """The year's facility tables, from published files."""
    assert instance.get_runs_count() == 0
    run_job(defs, "refresh_published", YEAR, tags={}, run_config={}, layers=("raw", "facility"))
    return published_world


def test_a_run_scores_by_the_set_it_names_and_the_next_one_by_the_default(
    facilities: Settings, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    warehouse = Warehouse(facilities.warehouse_dir)
    assert score(instance).success
    assert find_rule_sets(warehouse) == {"default"}
    assert read_line(facilities) == "payment year 2027, rule set default"
    manual = warehouse.read(program.QIP_TPS, YEAR).set_index("ccn")
    assert set(read_reporting(warehouse).columns) > DROPPED

    assert score(instance, configure("amended")).success
    assert find_rule_sets(warehouse) == {"amended"}
    text = read_line(facilities)
    assert text.startswith("payment year 2027, rule set amended: as amended by the final rule for")
    assert "The rule's own text was not at hand" in text
    kept = read_reporting(warehouse)
    assert len(kept.columns) == 3
    assert not set(kept.columns) & DROPPED
    amended = warehouse.read(program.QIP_TPS, YEAR).set_index("ccn")
    assert (manual["tps"] != amended["tps"]).any()
    domains = warehouse.read(program.QIP_DOMAIN_SCORE, YEAR).set_index(["domain", "ccn"])
    whole = kept.dropna()
    assert len(whole) > 10
    by_hand = whole.sum(axis=1) / 3 * 10
    stored = domains["score"]["reporting"].reindex(by_hand.index)
    assert (stored - by_hand).abs().max() < 0.02

    export_year(
        warehouse=warehouse, performance_year=YEAR, folder=tmp_path / "one", origin="published"
    )
    assert f"TPS and scores: {text}\n" in (tmp_path / "one" / "README.txt").read_text()

    failed = score(instance, configure("amendet"))
    (failure,) = [event for event in failed.all_events if event.is_step_failure]
    assert format_failure(failure) == (
        "program.qip_standard: LookupError: payment year 2027 has no rule set amendet; it has:"
        " default, amended"
    )
    assert find_rule_sets(warehouse) == {"amended"}

    # Never silently: what a run does not name is not used, whatever was stored before.
    assert score(instance).success
    assert find_rule_sets(warehouse) == {"default"}
    assert warehouse.read(program.QIP_TPS, YEAR).set_index("ccn").equals(manual)


def test_a_year_without_the_set_is_refused_before_anything_runs(world: Settings) -> None:
    text = CliRunner().invoke(main, ["refresh", "--year", "2024", "--rule-set", "amended"])
    assert text.exit_code == 1
    assert text.output == ("Error: payment year 2026 has no rule set amended; it has: default\n")
    assert not world.warehouse_dir.exists()


def test_a_backfill_scores_by_the_set_the_years_that_have_it(
    world: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not world.warehouse_dir.exists()
    launched = []
    monkeypatch.setattr(
        cli, "_launch", lambda job, year, **options: launched.append((job, year, options))
    )
    monkeypatch.setattr(cli, "_show_results", lambda *_: None)
    years = ["backfill", "--from", "2024", "--to", "2025"]
    text = CliRunner().invoke(main, [*years, "--rule-set", "amended"], catch_exceptions=False)
    assert text.output.splitlines()[:2] == [
        "2024 is scored by rule set default of payment year 2026",
        "2025 is scored by rule set amended of payment year 2027",
    ]
    configured = [(year, options["run_config"]) for _, year, options in launched]
    assert configured == [(2024, {}), (2025, configure("amended"))]

    launched.clear()
    text = CliRunner().invoke(main, years, catch_exceptions=False)
    assert text.output.startswith("Stored under ")
    assert [options["run_config"] for *_, options in launched] == [{}, {}]


def test_a_backfill_by_a_set_that_no_year_has_is_refused(world: Settings) -> None:
    years = ["backfill", "--from", "2022", "--to", "2024", "--rule-set", "amended"]
    text = CliRunner().invoke(main, years)
    assert text.exit_code == 1
    assert text.output == "Error: no year from 2022 to 2024 has a rule set amended\n"
    assert not world.warehouse_dir.exists()


def test_both_refreshes_take_the_choice() -> None:
    assert configure("default") == {}
    for name in ("refresh", "refresh_published"):
        dg.validate_run_config(defs.resolve_job_def(name), configure("amended"))
