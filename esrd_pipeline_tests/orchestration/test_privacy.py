"""A nation's patients are in the warehouse and in explanations, and nowhere else.

Raw files, linkage, measures of patients and of a model, the Networks' months, an export, the site
and an explanation are made on a real Dagster instance; so are runs of damaged files, and what the
sensor says of them. Then everything that is not the warehouse or an explanation is searched for the
canaries of the nation.
"""

import stat
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest
from click.testing import CliRunner
from matplotlib.figure import Figure
from matplotlib.text import Text

from esrd_pipeline.cli import main
from esrd_pipeline.definitions import defs
from esrd_pipeline.orchestration import pictures
from esrd_pipeline.orchestration.instance import prepare_dagster_home
from esrd_pipeline.orchestration.launch import LAYERS
from esrd_pipeline.orchestration.sensors import report_failure
from esrd_pipeline.settings import Settings, load_settings
from esrd_pipeline.synthetic.nation.files import list_files
from esrd_pipeline.tables import facility, measured, network, source_agreement, trend
from esrd_pipeline.tables.catalog import TABLES_BY_NAME
from esrd_pipeline.tables.model import Table
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline_tests.canaries import (
    describe,
    found,
    planted,
    read_cells,
    search,
    write_planted,
)
from esrd_pipeline_tests.damages import DAMAGES

pytestmark = pytest.mark.slow

YEAR = 2024
FACILITIES = 4
MADE = (
    facility.DIRECTORY,
    measured.REPORTING,
    measured.MODELLED["swr"].facility,
    network.INDICATORS,
    source_agreement.SOURCE_AGREEMENT,
    trend.COHORT,
)
"""Made of the nation, with all that they are made from."""
DAMAGED = (
    ("eqrs_patient", "a person in a date"),
    ("eqrs_patient", "every row twice"),
    ("eqrs_patient", "a byte that is no UTF-8"),
    ("inpatient_base", "an id as a float"),
    ("inpatient_base", "a row is long"),
    ("cms_2746", "a needed id is empty"),
    ("medicare_enrollment", "a person in a code"),
    ("ssa_death", "Parquet of other types"),
)
MEASURE = "clinical_depression"


@dataclass(frozen=True)
class Searched:
    """What was made, what was said while it was made, and what may be nowhere in it."""

    settings: Settings
    canaries: set[bytes]
    output: str
    failed: int


def list_needed(*tables: Table) -> list[dg.AssetKey]:
    """Return the assets of raw files and linkage, and those that the tables are made from."""
    graph = defs.resolve_asset_graph()
    needed = {key for key in graph.get_all_asset_keys() if key.path[0] in LAYERS[:2]}
    waiting = [dg.AssetKey(table.path) for table in tables]
    while waiting:
        key = waiting.pop()
        if key not in needed:
            needed.add(key)
            waiting += graph.get(key).parent_keys
    in_job = defs.resolve_job_def("refresh").asset_layer.selected_asset_keys
    return sorted(needed & in_job)


def run(instance: dg.DagsterInstance, keys: list[dg.AssetKey]) -> dg.ExecuteInProcessResult:
    return defs.resolve_job_def("refresh").execute_in_process(
        partition_key=str(YEAR), asset_selection=keys, instance=instance, raise_on_error=False
    )


def report(instance: dg.DagsterInstance, result: dg.ExecuteInProcessResult) -> None:
    """Let the sensor report a failed run."""
    event = next(e for e in result.all_events if e.event_type_value == "PIPELINE_FAILURE")
    context = dg.build_run_status_sensor_context(
        sensor_name="report_failure",
        dagster_event=event,
        dagster_instance=instance,
        dagster_run=result.dagster_run,
    )
    report_failure(context.for_run_failure())


def call(*arguments: str) -> str:
    """Return all that a command says, in this process."""
    result = CliRunner().invoke(main, list(arguments))
    raised = "" if result.exception is None else describe(result.exception)
    return f"{result.output}\n{raised}"


def damage(nation: Path, folder: Path, name: str, kind: str) -> Path:
    """Write one file of the nation, damaged, into a year's folder of its own."""
    suffix, spoil = DAMAGES[kind]
    rows = read_cells(nation / f"{name}.txt")
    content = spoil([list(rows.columns), *rows.to_numpy().tolist()], list_files()[name])
    assert content is not None
    year = folder / str(YEAR)
    year.mkdir(parents=True)
    (year / f"{name}{suffix}").write_bytes(content)
    return year


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Searched:
    folder = tmp_path_factory.mktemp("privacy")
    nation = write_planted(folder / "nation", facilities=FACILITIES, year=YEAR)
    message: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ESRD_DATA_DIR", str(folder / "data"))
        patch.setenv("DAGSTER_HOME", str(folder / "data" / "dagster_home"))
        patch.setenv("DAGSTER_DISABLE_TELEMETRY", "1")
        patch.setenv("ESRD_PUBLISHED_DIR", str(folder / "nation"))
        patch.setenv("ESRD_PATIENT_DIR", str(folder / "nation"))
        settings = load_settings()
        prepare_dagster_home(settings.dagster_home)
        draw = pictures.render

        def overhear(figure: Figure, title: str) -> bytes:
            drawn = draw(figure, title)
            message.extend(str(text.get_text()) for text in figure.findobj(Text))
            return drawn

        patch.setattr(pictures, "render", overhear)
        with dg.DagsterInstance.from_config(str(settings.dagster_home)) as instance:
            made = run(instance, list_needed(*MADE))
            assert made.success
            listed = Warehouse(settings.warehouse_dir).read(facility.DIRECTORY, YEAR)["ccn"]
            message += [
                call("explain", "--measure", MEASURE, "--ccn", listed[0], "--year", str(YEAR)),
                call("export", "--year", str(YEAR), "--name", "first"),
                call("check", str(nation)),
                call("site", "--year", str(YEAR)),
            ]
            failed = 0
            for place, (name, kind) in enumerate(DAMAGED):
                year = damage(nation, folder / f"damaged_{place}", name, kind)
                patch.setenv("ESRD_PATIENT_DIR", str(year.parent))
                table = list_files()[name]
                result = run(instance, [dg.AssetKey(p) for p in (["raw", "extract"], table.path)])
                if not result.success:
                    failed += 1
                    report(instance, result)
                message.append(call("check", str(year)))
            message.append(call("explain", "--measure", MEASURE, "--ccn", "X", "--year", str(YEAR)))
            # As an operator runs it: the message of the failed run is printed. The release exists.
            message.append(call("export", "--year", str(YEAR), "--name", "first"))
    # The first day of a month is the name of the month in tables that count by months.
    months = {f"{YEAR}-{month:02d}-01".encode() for month in range(1, 13)}
    return Searched(settings, planted(nation) - months, "\n".join(message), failed)


def test_no_patient_is_anywhere_but_in_the_warehouse_and_in_explanations(
    searched: Searched, capfd: pytest.CaptureFixture[str]
) -> None:
    data = searched.settings.data_dir
    for name in ("history/runs.db", "history/runs/index.db"):
        assert (searched.settings.dagster_home / name).is_file()
    release = searched.settings.releases_dir / str(YEAR) / "first"
    assert (release / "facility.reporting.csv").is_file()
    site = searched.settings.site_dir / str(YEAR)
    assert "Month by month" in (site / "index.html").read_text(encoding="utf-8")
    assert searched.failed == len(DAMAGED)
    # Those of the damaged files, and of the command whose release exists.
    assert len(searched.settings.failure_log.read_text().splitlines()) == len(DAMAGED) + 1
    assert found(data, searched.canaries) == []
    assert not search("".join(capfd.readouterr()), searched.canaries)


def test_no_patient_is_in_what_was_printed_and_drawn(searched: Searched) -> None:
    for words in (
        "Written to",
        "raw.eqrs_patient: ",
        "a refresh would stop",
        "failed.",
        "per patient-year",
    ):
        assert words in searched.output, words
    assert search(searched.output, searched.canaries) == []


def test_the_patients_are_where_they_belong(searched: Searched) -> None:
    places = found(searched.settings.data_dir / "explanations", searched.canaries)
    assert places
    warehouse = Warehouse(searched.settings.warehouse_dir)
    rows = warehouse.read(TABLES_BY_NAME["linkage.beneficiary"], YEAR)
    assert search("\n".join(rows["bene_id"].astype(str)), searched.canaries)
    assert rows["is_matched"].mean() > 0.8


def test_the_explanation_is_for_its_owner_alone(searched: Searched) -> None:
    folder = searched.settings.explanations_dir
    below = list(folder.rglob("*"))
    assert {"lines.csv", "explanation.html"} <= {path.name for path in below}
    for path in (folder, *below):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path.name
