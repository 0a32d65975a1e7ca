"""`esrd release` on years that the command refreshed: made, approved, corrected, verified."""

import json
import re
from pathlib import Path

import dagster as dg
import pytest

from esrd_pipeline.definitions import defs
from esrd_pipeline.orchestration.release_record import list_refreshed
from esrd_pipeline.releases import people
from esrd_pipeline.releases.digests import digest_file
from esrd_pipeline.tables.quarter_release import QUARTER_RELEASE
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline_tests.orchestration.commands import run_here
from esrd_pipeline_tests.orchestration.conftest import Refreshed

YEAR, QUARTER = "2025", "2026Q4"
ORDER = ("release", "--year", YEAR, "--quarter", QUARTER)


@pytest.mark.parametrize(("job", "has_patients"), [("refresh", True), ("refresh_published", False)])
def test_the_gate_asks_for_what_a_refresh_makes(job: str, *, has_patients: bool) -> None:
    selected = defs.resolve_job_def(job).asset_layer.selected_asset_keys
    listed = {dg.AssetKey(table.path) for table in list_refreshed(has_patients=has_patients)}
    assert listed == selected


def as_account(patch: pytest.MonkeyPatch, name: str) -> None:
    """Work under another account of the machine."""
    patch.setattr(people, "find_account", lambda: name)
    patch.setattr("esrd_pipeline.orchestration.release_assets.find_account", lambda: name)


def test_a_release_is_made_approved_corrected_and_verified(
    refreshed: Refreshed, published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = refreshed.copy_to(tmp_path / "data")
    releases = data / "releases" / YEAR

    def say(*arguments: str, fails: bool = False) -> str:
        code, text = run_here(data, published, *arguments)
        assert (code != 0) is fails, text
        return re.sub(r"\s+", " ", text)

    def read() -> list[tuple[str, str]]:
        rows = Warehouse(data / "warehouse").read(QUARTER_RELEASE, int(YEAR))
        return list(zip(rows["name"], rows["state"], strict=True))

    as_account(monkeypatch, "ada")
    # The backfill was run without a cut-off.
    text = say(*ORDER, "--by", "Ada Lovelace", fails=True)
    assert "raw.release by none, and not 2026-10-15" in text
    assert read() == [(QUARTER, "refused")]
    say("refresh", "--year", YEAR, "--cutoff", "2026-10-15")
    text = say(*ORDER, "--by", "Ada Lovelace")
    assert f"Candidate {QUARTER} of {YEAR}" in text
    assert read() == [(QUARTER, "candidate")]
    assert "under which it is to be approved" in say(*ORDER, "--approve", "--by", "Ben", fails=True)
    as_account(monkeypatch, "ben")
    text = say(*ORDER, "--approve", "--by", "Ben Okri")
    assert digest_file(releases / QUARTER / "SHA256SUMS") in text
    assert read() == [(QUARTER, "released")]
    assert "is what it was" in say("release", "--verify")
    assert (releases / QUARTER / "approval.json").is_file()
    about = json.loads((releases / QUARTER / "release.json").read_text())
    assert {answer["outcome"] for answer in about["gate"]} <= {"passes", "warns"}
    inputs = json.loads((releases / QUARTER / "inputs.json").read_text())
    assert {"2022", "2025"} <= inputs.keys()
    # Made again from the same files, the year's tables are the same to the byte.
    say("refresh", "--year", YEAR, "--cutoff", "2026-10-15")
    as_account(monkeypatch, "ada")
    correction = ("--replaces", QUARTER, "--because", "A month of claims was missing.")
    say(*ORDER, *correction, "--by", "Ada Lovelace")
    assert f"{QUARTER}-correction-1 (candidate) is what it was" in say("release", "--verify")
    # Two people who work under one account are told apart by name where that is set.
    assert "under which it is to be approved" in say(
        *ORDER, "--approve", "--by", "Ben Okri", fails=True
    )
    monkeypatch.setenv("ESRD_APPROVE_BY_NAME", "yes")
    say(*ORDER, "--approve", "--by", "Ben Okri")
    assert read() == [(QUARTER, "replaced"), (f"{QUARTER}-correction-1", "released")]
    for path in (releases / QUARTER).rglob("*.csv"):
        again = releases / f"{QUARTER}-correction-1" / path.relative_to(releases / QUARTER)
        assert again.read_bytes() == path.read_bytes(), path.name
    assert (releases / QUARTER / "provenance.json").read_bytes() == (
        releases / f"{QUARTER}-correction-1" / "provenance.json"
    ).read_bytes()
    listed = say("release", "--list")
    assert "2026Q4-correction-1" in listed
    # Two tables in a row were not made in the order of the data: the gate says which.
    contract = releases / QUARTER / "facility.contract.csv"
    contract.chmod(0o644)
    contract.write_text(contract.read_text() + "\n")
    text = say("release", "--verify", fails=True)
    assert f"{YEAR} {QUARTER} (replaced): facility.contract.csv differs" in text
    assert "1 fault " in text


def test_what_is_asked_wrongly_is_told_at_once(tmp_path: Path) -> None:
    data, published = tmp_path / "data", tmp_path / "none"
    code, text = run_here(data, published, "release", "--year", YEAR)
    assert code == 2
    assert "give --year and --quarter" in text
    code, text = run_here(data, published, "release", "--year", YEAR, "--quarter", "Q3")
    assert code == 2
    assert "write it as 2026Q3" in text
    assert "nothing to verify" in run_here(data, published, "release", "--verify")[1]
    assert "No release is under" in run_here(data, published, "release", "--list")[1]
    code, text = run_here(data, published, *ORDER, "--approve", "--by", "Ben")
    assert code == 1
    assert f"{QUARTER} has no candidate" in text
