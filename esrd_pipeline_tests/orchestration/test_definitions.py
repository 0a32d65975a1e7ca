"""The definitions: light to load, and every asset complete."""

import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import dagster as dg
import pytest

import esrd_pipeline.definitions
from esrd_pipeline.definitions import defs
from esrd_pipeline.orchestration.partitions import performance_years
from esrd_pipeline.orchestration.shown import find_group, list_owners
from esrd_pipeline.tables import emergency, explain
from esrd_pipeline.tables.catalog import PATIENT_TABLES, TABLES, TABLES_BY_NAME

HEAVY = ("great_expectations", "statsmodels", "lifelines", "matplotlib")


def test_loading_imports_nothing_heavy() -> None:
    program = (
        "import sys, esrd_pipeline.definitions as d; d.defs.get_repository_def();"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert loaded.stdout.strip() == "[]"


def test_every_job_can_be_loaded_beside_every_step() -> None:
    # Dagster refuses a job that bears a step's name, but only when it loads them all.
    names = {job.name for job in defs.get_repository_def().get_all_jobs()}
    assert {
        "refresh",
        "refresh_published",
        "measure",
        "explain_recurrent_events",
        "export",
    } <= names


def test_definitions_are_at_most_forty_lines() -> None:
    source = Path(str(esrd_pipeline.definitions.__file__)).read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 40


def test_every_table_is_an_asset_and_every_asset_a_table() -> None:
    keys = {key.to_user_string() for key in defs.resolve_all_asset_keys()}
    assert keys == {name.replace(".", "/") for name in TABLES_BY_NAME}


def test_groups_of_assets_form_no_loop() -> None:
    graph = defs.resolve_asset_graph()
    follows: dict[str, set[str]] = {}
    for key in graph.get_all_asset_keys():
        group = graph.get(key).group_name
        before = {graph.get(parent).group_name for parent in graph.get(key).parent_keys}
        follows.setdefault(group, set()).update(before - {group})
    # Raises for a loop, naming it.
    order = list(TopologicalSorter(follows).static_order())
    assert order[0] == "raw"
    assert order.index("fit") < order.index("facility") < order.index("program")


def test_owners_are_people_by_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESRD_OWNERS", "ada@example.org, team:quality")
    assert list_owners() == ["ada@example.org", "team:quality"]
    monkeypatch.delenv("ESRD_OWNERS")
    assert list_owners() == ["team:esrd-measures"]


def test_every_asset_says_what_it_is_and_is_partitioned_by_year() -> None:
    graph = defs.resolve_asset_graph()
    for spec in defs.resolve_all_asset_specs():
        name = spec.key.to_user_string()
        assert spec.group_name == find_group(TABLES_BY_NAME[name.replace("/", ".")]), name
        assert spec.owners == ["team:esrd-measures"], name
        assert spec.code_version, name
        assert spec.key.path[0] in spec.kinds, name
        assert spec.description is not None, name
        assert "One row is" in spec.description, name
        assert "dagster/column_schema" in spec.metadata, name
        assert graph.get(spec.key).partitions_def == performance_years, name


def test_every_asset_has_both_checks_by_partition() -> None:
    graph = defs.resolve_asset_graph()
    for table in (*TABLES, *PATIENT_TABLES):
        key = dg.AssetKey(table.path)
        checks = {
            check.name: graph.get_check_spec(check)
            for check in graph.asset_check_keys
            if check.asset_key == key
        }
        assert set(checks) == {"expectations", "plausibility"}, table.name
        assert checks["expectations"].blocking, table.name
        assert not checks["plausibility"].blocking, table.name
        for spec in checks.values():
            assert spec.partitions_def == performance_years, table.name


def test_what_looks_back_says_so() -> None:
    graph = defs.resolve_asset_graph()

    def years_read(asset: tuple[str, str], dependencies: tuple[str, str], year: str) -> list[str]:
        mapping = graph.get_partition_mapping(dg.AssetKey(asset), dg.AssetKey(dependencies))
        subset = performance_years.subset_with_partition_keys([year])
        mapped = mapping.get_upstream_mapped_partitions_result_for_partitions(
            subset, performance_years, performance_years
        )
        return sorted(mapped.partitions_subset.get_partition_keys())

    published = ("facility", "contract")
    assert years_read(("program", "qip_standard"), published, "2025") == ["2023", "2024", "2025"]
    assert years_read(("program", "qip_measure_score"), published, "2025") == ["2024", "2025"]
    assert years_read(("program", "qip_standard"), published, "2015") == ["2015"]
    claims, stays = ("raw", "claim"), ("history", "hospital_stay")
    assert years_read(stays, claims, "2024") == ["2023", "2024"]
    first = ("history", "first_covid_admission")
    assert years_read(first, first, "2024") == ["2023"]
    assert years_read(("program", "stars"), ("program", "star_baseline"), "2024") == [
        *("2015", "2016", "2017", "2018", "2019", "2020", "2021"),
        "2022",
        "2023",
        "2024",
    ]


def test_a_refresh_never_makes_a_star_baseline() -> None:
    refreshed = defs.resolve_job_def("refresh").asset_layer.selected_asset_keys
    assert dg.AssetKey(["program", "star_baseline"]) not in refreshed
    assert not {key for key in refreshed if key.path[0] in {"explain", "emergency"}}
    assert dg.AssetKey(["report", "site"]) not in refreshed
    assert dg.AssetKey(["report", "release"]) not in refreshed
    asked_for = (
        *explain.TABLES,
        *emergency.PATIENT_TABLES,
        *emergency.TABLES,
        *emergency.AFTER_TABLES,
    )
    assert len(refreshed) == len(TABLES_BY_NAME) - 3 - len(asked_for)


def test_a_refresh_of_published_files_touches_no_patient() -> None:
    refreshed = defs.resolve_job_def("refresh_published").asset_layer.selected_asset_keys
    assert not refreshed & {dg.AssetKey(table.path) for table in PATIENT_TABLES}
    assert dg.AssetKey(["facility", "contract"]) in refreshed


def test_shr_runs_where_what_only_strr_and_sedr_read_is_broken() -> None:
    # A step fails as a whole: what it stores, and every step that reads one of its tables.
    steps = {
        key.path[-1] if key.path[0] == "raw" else key.to_user_string(): asset
        for asset in defs.assets or ()
        if isinstance(asset, dg.AssetsDefinition)
        for key in asset.keys
    }
    broken = {steps["history/emergency_encounter"].op.name, steps["history/transfusion"].op.name}
    broken |= {steps["history/transfusion_exclusion"].op.name}
    while True:
        reached = {
            asset.op.name
            for asset in steps.values()
            if any(
                steps[up.to_user_string()].op.name in broken
                for up in asset.dependency_keys
                if up.to_user_string() in steps
            )
        }
        if reached <= broken:
            break
        broken |= reached
    stopped = {name for name, asset in steps.items() if asset.op.name in broken}
    assert {"cohort/strr", "fit/strr", "facility/sedr", "facility/contract"} <= stopped
    assert not {"cohort/days", "cohort/shr", "fit/shr", "facility/shr", "facility/smr"} & stopped
