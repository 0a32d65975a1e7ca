"""A code version changes with the code its asset reaches, and with no other code."""

import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import pytest

from esrd_pipeline.definitions import defs
from esrd_pipeline.measures import pppw, shr, smr, srr
from esrd_pipeline.orchestration import (
    access_assets,
    discharges_assets,
    recurrent_events_assets,
    survival_assets,
)
from esrd_pipeline.orchestration.code_version import CodeVersions, Reader, read_package
from esrd_pipeline.orchestration.modelled_measure import make_measure_assets
from esrd_pipeline.orchestration.select_asset import make_select_asset
from esrd_pipeline.orchestration.table_asset import MADE_ASSETS
from esrd_pipeline.parameters import FOLDER_VARIABLE
from esrd_pipeline.sql import list_selects, load_select

MODELLED_MEASURES = (
    *recurrent_events_assets.MODELLED_MEASURES,
    *discharges_assets.MODELLED_MEASURES,
    *survival_assets.MODELLED_MEASURES,
    *access_assets.MODELLED_MEASURES,
)
ASSETS = {
    asset.tables[0].name: asset
    for asset in (
        *(make_select_asset(name, description="") for name in list_selects()),
        recurrent_events_assets.SHR_DAYS,
        *(asset for modelled in MODELLED_MEASURES for asset in make_measure_assets(modelled)),
    )
}


def compute_versions(read: Reader = read_package) -> dict[str, str]:
    versions = CodeVersions(read)
    return {name: versions.compute(asset.compute, asset.tables) for name, asset in ASSETS.items()}


@cache
def get_versions() -> dict[str, str]:
    return compute_versions()


def edit(path: str, old: str, new: str) -> Reader:
    """Read the package as if one file had been edited."""

    def read(wanted: str) -> bytes | None:
        content = read_package(wanted)
        if wanted != path:
            return content
        assert content is not None
        assert old.encode() in content, f"{path} has no {old!r}"
        return content.replace(old.encode(), new.encode())

    return read


def find_changed(read: Reader) -> set[str]:
    """Return the tables whose version is another with an edited file."""
    return {
        name for name, version in compute_versions(read).items() if version != get_versions()[name]
    }


TRANSPLANT_READERS = {"linkage.transplant", "history.source_event", "report.value_set_coverage"}


def test_newtons_step_is_in_every_fit_that_takes_it() -> None:
    changed = find_changed(edit("statistics/newton.py", "share /= 2", "share /= 3"))
    assert {"fit.srr", "fit.shr", "fit.smr", "facility.srr", "facility.shr"} <= changed
    assert not {name for name in changed if name.startswith(("linkage.", "history.", "cohort."))}


def test_a_measures_own_module_is_in_its_own_versions() -> None:
    changed = find_changed(edit("measures/srr.py", "is_female", "is_male"))
    assert {"fit.srr", "fit.srr_cross_check", "facility.srr"} <= changed
    assert not {"fit.shr", "fit.strr", "fit.sedr", "fit.smr", "fit.swr", "fit.smosr"} & changed


def test_a_family_is_in_the_versions_of_its_measures() -> None:
    changed = find_changed(edit("families/survival.py", "365.25", "365"))
    fits = {f"fit.{modelled.name.lower()}" for modelled in MODELLED_MEASURES}
    assert fits & changed == {"fit.smr", "fit.swr", "fit.smosr"}


def test_code_that_nothing_calls_changes_no_version() -> None:
    def read(path: str) -> bytes | None:
        content = read_package(path)
        unused = b"\n\ndef multiply(number: float) -> float:\n    return 2 * number\n"
        return content + unused if path.endswith("newton.py") and content else content

    assert find_changed(read) == set()


def test_a_parameter_file_is_in_the_versions_of_those_who_read_it() -> None:
    changed = find_changed(edit("parameters/transplant_procedure.csv", "citation", "source"))
    assert changed == TRANSPLANT_READERS
    changed = find_changed(edit("parameters/discharge_condition_group.csv", "citation", "source"))
    assert changed == {
        "cohort.discharge_condition",
        *(f"fit.{name}" for name in ("srr", "srr_cross_check", "ed30", "ed30_cross_check")),
        "facility.srr",
        "facility.ed30",
        "report.value_set_coverage",
    }


SHR_ROW = (
    "\nshr,dfc,2021,,recurrent_events,patient_years,lower,5,",
    "\nshr,dfc,2021,,recurrent_events,patient_years,lower,6,",
)


@cache
def compute_all_versions(read: Reader = read_package) -> dict[str, str]:
    versions = CodeVersions(read)
    return {
        name: versions.compute(asset.compute, asset.tables) for name, asset in MADE_ASSETS.items()
    }


def find_all_changed(read: Reader) -> tuple[set[str], set[str]]:
    """Return every table whose own version changes, and those that are made from these."""
    before, after = compute_all_versions(), compute_all_versions(read)
    own = {name for name, version in after.items() if version != before[name]}
    affected, count = set(own), 0
    while len(affected) > count:
        count = len(affected)
        affected |= {
            table.name
            for asset in MADE_ASSETS.values()
            if any(up.table.name in affected for up in asset.dependencies)
            for table in asset.tables
        }
    return own, affected - own


def test_a_row_of_the_register_is_in_the_versions_of_its_own_measure() -> None:
    own, downstream = find_all_changed(edit("parameters/register.csv", *SHR_ROW))
    measures = {"srr", "ed30", "sfr", "pppw", "strr", "sedr", "smr", "swr", "smosr"}
    others = {f"{layer}.{name}" for layer in ("fit", "facility") for name in measures}
    others |= {"facility.monthly", "facility.reporting"}
    assert {"fit.shr", "facility.shr", "fit.shr_cross_check", "fit.shr_submission"} <= own
    # What reads all measures: flags, scores, published files, trend, stars.
    assert {"program.flags", "program.qip_measure_score", "report.trend"} <= own
    assert "program.qip_tps" in own | downstream
    assert "report.shr_validity" in downstream
    assert not others & (own | downstream)
    assert not {"cohort.days", "cohort.shr_days", "cohort.shr"} & (own | downstream)


def test_a_row_of_a_family_is_in_the_version_of_the_step_that_computes_the_family() -> None:
    row = "\nltc,dfc,2021,,patient_months,patients,lower,"
    own, _ = find_all_changed(edit("parameters/register.csv", f"{row}11", f"{row}12"))
    assert "facility.monthly" in own
    assert not {"facility.reporting", "facility.shr", "fit.shr"} & own


def list_register_parts(source: str) -> set[str]:
    """Return the parts of the register that `specify` reaches if SHR's module were `source`."""

    def read(path: str) -> bytes | None:
        imported = "from esrd_pipeline.parameters.register import find_measure\n"
        return (imported + source).encode() if path == "measures/shr.py" else read_package(path)

    parts = CodeVersions(read).list_parts(shr.specify)
    return {part for part in parts if part.startswith("parameters/register")}


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ('def specify(p, y):\n    return find_measure("shr", p, y)\n', {"measure shr"}),
        (
            (
                "def find(measure, p):\n    return find_measure(measure, p, 2025)\n\n\n"
                "def specify(p, y):\n    return find('shr', p), find('srr', p)\n"
            ),
            {"measure shr", "measure srr"},
        ),
        # A value that is not a text of the code may be any.
        ("def specify(p, y):\n    return find_measure(p.measure, p, y)\n", {""}),
        ("def specify(p, y):\n    return [find_measure(m, p, y) for m in y]\n", {""}),
        ("def specify(p, y):\n    p = y\n    return find_measure(p, p, y)\n", {""}),
        ("def specify(p, y):\n    return find_measure(measure='shr')\n", {""}),
        ("def specify(p, y):\n    return map(find_measure, p)\n", {""}),
        # Nothing says what a computation's own function is called with.
        ("def specify(p, y):\n    return find_measure(p, p, y)\n", {""}),
    ],
)
def test_only_rows_of_a_measure_that_the_code_names_are_told_apart(
    source: str, parts: set[str]
) -> None:
    register = "parameters/register.csv"
    named = {f"{register}: {part}" if part else register for part in parts}
    assert list_register_parts(source) == named


def test_an_official_file_counts_in_place_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = read_package("parameters/transplant_procedure.csv")
    assert ours is not None
    (tmp_path / "transplant_procedure.csv").write_bytes(ours + b"\n")
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    assert find_changed(read_package) == TRANSPLANT_READERS


def test_a_select_is_in_the_version_of_its_own_table() -> None:
    text = load_select("cohort.srr").text.encode()
    for name, asset in ASSETS.items():
        parts = CodeVersions().list_parts(asset.compute) if name.startswith("cohort.s") else {}
        files = {part: content for part, content in parts.items() if part.endswith(".sql")}
        assert ("sql/cohort/srr.sql" in files) == (name == "cohort.srr")
        assert name != "cohort.srr" or files == {"sql/cohort/srr.sql": text}


def test_what_a_closure_holds_is_in_the_version() -> None:
    def multiply(factor: int) -> Callable[[], int]:
        return lambda: factor

    versions = CodeVersions()
    assert versions.compute(multiply(2), ()) == versions.compute(multiply(2), ())
    assert versions.compute(multiply(2), ()) != versions.compute(multiply(3), ())


def test_the_register_and_the_code_name_the_same_family() -> None:
    modules = {
        specification.family.rpartition(".")[2]: specification.entry.family
        for specification in (
            shr.specify("dfc", 2025),
            smr.specify(2025),
            srr.specify("dfc", 2025),
            pppw.specify("dfc", 2025),
        )
    }
    assert list(modules) == list(modules.values())


def test_a_value_without_code_is_refused() -> None:
    with pytest.raises(TypeError, match=r"computation\.args\.0: a bytearray has no code version"):
        CodeVersions().compute(partial(find_changed, bytearray()), ())


def test_versions_do_not_depend_on_the_order_of_sets() -> None:
    program = (
        "from esrd_pipeline.definitions import defs;"
        "print(sorted((s.key.to_user_string(), s.code_version)"
        " for s in defs.resolve_all_asset_specs()))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "2728"}
    command = [sys.executable, "-c", program]
    shown = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    here = sorted((s.key.to_user_string(), s.code_version) for s in defs.resolve_all_asset_specs())
    assert shown.stdout.strip() == str(here)
