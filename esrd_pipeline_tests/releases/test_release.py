"""A release is made, approved, corrected and verified, and a changed one is found."""

import json
import shutil
import stat
import subprocess
from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from esrd_pipeline.export import export_year
from esrd_pipeline.releases.approval import APPROVAL, approve, list_releases, verify
from esrd_pipeline.releases.digests import DIGESTS, digest_file
from esrd_pipeline.releases.ledger import (
    CANDIDATES,
    CHANGES,
    LEDGER,
    LedgerError,
    find_candidate,
    read_ledger,
)
from esrd_pipeline.releases.people import ApprovalError, Person
from esrd_pipeline.reports.releases import ABOUT, find_newest_release
from esrd_pipeline.tables import linkage, report
from esrd_pipeline.tables.catalog import PATIENT_TABLES
from esrd_pipeline.tables.measured import CONTRACT
from esrd_pipeline.tables.quarter_release import QUARTER_RELEASE
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline_tests.releases.orders import (
    ADA,
    BEN,
    GOOD,
    NOW,
    QUARTER,
    YEAR,
    list_all,
    make,
    release,
    store,
)


def halve(rows: pd.DataFrame) -> pd.DataFrame:
    """Halve the catheter rates."""
    mine = (rows["measure"] == "ltc") & rows["reportable"].astype(bool)
    return rows.assign(value=rows["value"].mask(mine, rows["value"] / 2))


def faults(folder: Path) -> dict[str, tuple[str, ...]]:
    return {one.release.name: one.faults for one in verify(folder)[0] if one.faults}


def test_a_candidate_holds_the_year_and_what_it_was_made_of(
    stored_year: Warehouse, tmp_path: Path
) -> None:
    made = make(stored_year, tmp_path)
    assert made.entry.event == "candidate"
    candidate = find_candidate(tmp_path, made.entry)
    names = {path.name for path in candidate.iterdir()}
    assert {ABOUT, CHANGES, DIGESTS, "parameters.json", "inputs.json", "provenance.json"} <= names
    assert f"{CONTRACT.name}.csv" in names
    about = json.loads((candidate / ABOUT).read_text())
    assert about["made_by"]["name"] == "Ada Lovelace"
    assert about["data_cutoff"] == "2026-10-15"
    assert about["code"]["project"]
    assert len(about["code"]["sha256"]) == 64
    assert "duckdb" in about["code"]["libraries"]
    assert {answer["outcome"] for answer in about["gate"]} == {"passes"}
    parameters = json.loads((candidate / "parameters.json").read_text())
    assert len(parameters["release_limit.csv"]["sha256"]) == 64
    text = (candidate / CHANGES).read_text()
    assert "This is the first release" in text
    assert "**passes**" in text


def test_what_others_count_with_sha256sum_is_right(stored_year: Warehouse, tmp_path: Path) -> None:
    release(stored_year, tmp_path)
    done = subprocess.run(
        ["/usr/bin/sha256sum", "--strict", "-c", DIGESTS],
        cwd=tmp_path / QUARTER,
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"{APPROVAL}: OK" in done.stdout


def test_a_second_person_approves_and_nothing_can_be_written_then(
    stored_year: Warehouse, tmp_path: Path
) -> None:
    entry = release(stored_year, tmp_path)
    folder = tmp_path / QUARTER
    approval = json.loads((folder / APPROVAL).read_text())
    assert approval["approved_by"] == {"name": "Ben Okri", "account": "ben"}
    assert approval["approved_at"] == "2026-10-20T09:00:00+00:00"
    assert approval["people_told_apart_by"] == "accounts"
    assert digest_file(folder / DIGESTS) == entry.digest
    assert list((tmp_path / CANDIDATES).iterdir()) == []
    for path in (folder, *folder.rglob("*")):
        assert not path.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH), path
    assert verify(tmp_path)[1] == []
    assert faults(tmp_path) == {}
    (only,) = list_releases(tmp_path)
    assert (only.state, only.name) == ("released", QUARTER)


@pytest.mark.parametrize(
    "approver",
    [
        ADA,
        Person("Ada Lovelace", "ben"),
        Person(" ada  LOVELACE", "ben"),
        Person("Ben Okri", "ada"),
    ],
)
def test_who_made_it_may_not_approve_it(
    stored_year: Warehouse, tmp_path: Path, approver: Person
) -> None:
    make(stored_year, tmp_path)
    with pytest.raises(ApprovalError, match=r"made"):
        approve(folder=tmp_path, quarter=QUARTER, approver=approver, when=NOW, by_names=False)
    assert not (tmp_path / QUARTER).exists()


def test_whose_process_made_it_may_not_approve_it(stored_year: Warehouse, tmp_path: Path) -> None:
    # From the UI a name can be typed; the process has the daemon's account.
    make(stored_year, tmp_path, process="daemon")
    with pytest.raises(ApprovalError, match="under the account daemon"):
        approve(
            folder=tmp_path,
            quarter=QUARTER,
            approver=Person("Ben", "daemon"),
            when=NOW,
            by_names=False,
        )


def test_under_one_account_names_tell_people_apart_where_the_installation_says_so(
    stored_year: Warehouse, tmp_path: Path
) -> None:
    make(stored_year, tmp_path)
    ben = Person("Ben Okri", "ada")
    approve(folder=tmp_path, quarter=QUARTER, approver=ben, when=NOW, by_names=True)
    approval = json.loads((tmp_path / QUARTER / APPROVAL).read_text())
    assert approval["people_told_apart_by"] == "names"
    other = tmp_path / "other"
    make(stored_year, other)
    with pytest.raises(ApprovalError, match="Ada Lovelace"):
        approve(
            folder=other,
            quarter=QUARTER,
            approver=Person("Ada Lovelace", "x"),
            when=NOW,
            by_names=True,
        )


def test_without_a_candidate_there_is_nothing_to_approve(
    stored_year: Warehouse, tmp_path: Path
) -> None:
    with pytest.raises(ApprovalError, match="2026Q4 has no candidate: nothing was made of it"):
        approve(folder=tmp_path, quarter=QUARTER, approver=BEN, when=NOW, by_names=False)
    release(stored_year, tmp_path)
    with pytest.raises(ApprovalError, match="2026Q4 is released"):
        approve(folder=tmp_path, quarter=QUARTER, approver=BEN, when=NOW, by_names=False)


def test_a_changed_candidate_is_not_approved(stored_year: Warehouse, tmp_path: Path) -> None:
    made = make(stored_year, tmp_path)
    path = find_candidate(tmp_path, made.entry) / CHANGES
    path.chmod(0o644)
    path.write_text("All is well.\n")
    with pytest.raises(ApprovalError, match=r"not what the gate let pass \(CHANGES.md differs\)"):
        approve(folder=tmp_path, quarter=QUARTER, approver=BEN, when=NOW, by_names=False)


def test_every_file_that_differs_is_missing_or_was_added_is_named(
    stored_year: Warehouse, tmp_path: Path
) -> None:
    release(stored_year, tmp_path)
    folder = tmp_path / QUARTER
    folder.chmod(0o755)
    changed = folder / f"{CONTRACT.name}.csv"
    changed.chmod(0o644)
    changed.write_text(changed.read_text().replace("0", "1", 1))
    (folder / CHANGES).unlink()
    (folder / "notes.txt").write_text("")
    (folder / "link.csv").symlink_to(changed)
    assert faults(tmp_path) == {
        QUARTER: (
            "CHANGES.md is missing",
            "facility.contract.csv differs",
            "link.csv was added",
            "notes.txt was added",
        )
    }


def test_digests_written_anew_are_found_by_the_ledger(
    stored_year: Warehouse, tmp_path: Path
) -> None:
    release(stored_year, tmp_path)
    folder = tmp_path / QUARTER
    path = folder / f"{CONTRACT.name}.csv"
    before = digest_file(path)
    for changed in (path, folder / DIGESTS):
        changed.chmod(0o644)
    path.write_text(path.read_text() + "\n")
    listed = (folder / DIGESTS).read_text()
    (folder / DIGESTS).write_text(listed.replace(before, digest_file(path)))
    assert faults(tmp_path) == {QUARTER: ("SHA256SUMS differs",)}


def test_a_ledger_that_was_changed_is_told(stored_year: Warehouse, tmp_path: Path) -> None:
    release(stored_year, tmp_path)
    ledger = tmp_path / LEDGER
    lines = ledger.read_text().splitlines()
    ledger.write_text(lines[0].replace("Ada Lovelace", "Eve") + "\n" + lines[1] + "\n")
    with pytest.raises(LedgerError, match=r"line 2 of .* does not follow the line before it"):
        verify(tmp_path)
    ledger.write_text(lines[1] + "\n")
    with pytest.raises(LedgerError, match="line 1"):
        verify(tmp_path)


def test_a_missing_release_and_one_the_ledger_does_not_have_are_told(
    stored_year: Warehouse, tmp_path: Path
) -> None:
    release(stored_year, tmp_path)
    shutil.copytree(tmp_path / QUARTER, tmp_path / "2026Q3")
    shutil.move(tmp_path / QUARTER, tmp_path.parent / "gone")
    verified, strange = verify(tmp_path)
    assert verified[0].faults == ("its folder is missing",)
    assert strange == ["2026Q3: a release that the ledger does not have"]


def test_a_gate_that_fails_makes_nothing_and_says_what(
    stored_year: Warehouse, tmp_path: Path
) -> None:
    made = make(stored_year, tmp_path, replace(GOOD, cutoffs={"raw.extract": date(2026, 7, 15)}))
    assert made.entry.event == "refused"
    assert "raw.extract by 2026-07-15, and not 2026-10-15" in made.entry.why
    assert not list((tmp_path / CANDIDATES).glob("*"))
    (refused,) = list_releases(tmp_path)
    assert refused.state == "refused"
    # An earlier candidate is put aside by it.
    make(stored_year, tmp_path)
    made = make(stored_year, tmp_path, replace(GOOD, missing=("program.stars",)))
    assert "not stored: program.stars" in made.entry.why
    with pytest.raises(ApprovalError, match="2026Q4 is refused"):
        approve(folder=tmp_path, quarter=QUARTER, approver=BEN, when=NOW, by_names=False)


def test_a_correction_names_what_it_replaces_and_the_old_one_stays(
    stored_year: Warehouse, tmp_path: Path
) -> None:
    folder = tmp_path / "releases"
    release(stored_year, folder)
    before = {path: digest_file(path) for path in (folder / QUARTER).rglob("*.csv")}
    mended = store(stored_year, tmp_path / "warehouse", halve)
    with pytest.raises(ApprovalError, match="it is released; a correction names it"):
        make(mended, folder)
    with pytest.raises(ApprovalError, match="says why"):
        make(mended, folder, replaces=QUARTER)
    with pytest.raises(ApprovalError, match="2026Q1 is not the release that stands"):
        make(mended, folder, replaces="2026Q1", why="x")
    made = make(mended, folder, replaces=QUARTER, why="Catheter rates were doubled.")
    name = f"{QUARTER}-correction-1"
    assert made.entry.name == name
    text = (find_candidate(folder, made.entry) / CHANGES).read_text()
    assert f"It corrects release {QUARTER}: Catheter rates were doubled." in text
    assert "values of ltc" in text
    approve(folder=folder, quarter=QUARTER, approver=BEN, when=NOW, by_names=False)
    states = {one.name: (one.state, one.replaced_by) for one in list_releases(folder)}
    assert states == {QUARTER: ("replaced", name), name: ("released", "")}
    assert {path: digest_file(path) for path in (folder / QUARTER).rglob("*.csv")} == before
    assert json.loads((folder / name / ABOUT).read_text())["replaces"] == QUARTER
    assert faults(folder) == {}
    made = make(stored_year, folder, replaces=name, why="They were right.")
    assert made.entry.name == f"{QUARTER}-correction-2"


def test_a_quarter_is_compared_with_the_one_before(stored_year: Warehouse, tmp_path: Path) -> None:
    folder = tmp_path / "releases" / str(YEAR)
    release(stored_year, folder)
    january = {"quarter": "2027Q1", "cutoff": date(2027, 1, 15)}
    good = replace(GOOD, cutoffs={"raw.release": january["cutoff"]})
    made = make(stored_year, folder, good, **january)
    text = (find_candidate(folder, made.entry) / CHANGES).read_text()
    assert "No result is other than in release 2026Q4." in text
    asked = {answer.question for answer in made.answers}
    assert "flags are those of the release before" in asked

    def lose(rows: pd.DataFrame) -> pd.DataFrame:
        mine = (rows["measure"] == "ltc") & rows["reportable"].astype(bool)
        return rows.assign(
            reportable=rows["reportable"].mask(mine, other=False),
            value=rows["value"].mask(mine),
            reason=rows["reason"].mask(mine, "nothing_reported"),
        )

    lost = store(stored_year, tmp_path / "warehouse", lose)
    made = make(lost, folder, good, **january)
    assert made.entry.event == "refused"
    assert "no facility has lost its value: above 2%" in made.entry.why
    assert not list((folder / CANDIDATES).glob("*"))


def test_nothing_of_patients_and_nothing_for_the_operator_alone_is_in_it(
    stored_year: Warehouse, tmp_path: Path
) -> None:
    warehouse = Warehouse(tmp_path / "warehouse")
    shutil.copytree(stored_year.root, warehouse.root)
    kept = (linkage.DEATH, report.INTAKE, report.EVENT_ACCOUNT, QUARTER_RELEASE)
    for table in kept:
        empty = pd.DataFrame(columns=table.column_names)
        warehouse.publish(warehouse.stage(table, YEAR, empty))
    release(warehouse, tmp_path / "releases")
    names = {path.name for path in (tmp_path / "releases" / QUARTER).rglob("*")}
    assert f"{CONTRACT.name}.csv" in names
    assert not names & {f"{table.name}.csv" for table in (*kept, *PATIENT_TABLES)}
    rows = pd.read_csv(tmp_path / "releases" / QUARTER / f"{CONTRACT.name}.csv")
    few = rows["patients"].between(1, 10) | (
        (rows["unit"] == "patients") & rows["unit_count"].between(1, 10)
    )
    assert not few.any()
    assert rows["suppressed"].notna().any()


def test_a_quarter_made_again_is_compared_with_what_it_was_compared_with(
    stored_year: Warehouse, tmp_path: Path
) -> None:
    release(stored_year, tmp_path)
    export_year(
        warehouse=stored_year, performance_year=YEAR, folder=tmp_path / "later", origin="published"
    )
    assert find_newest_release(tmp_path) == tmp_path / "later"
    assert find_newest_release(tmp_path, before=date(2027, 1, 15)) == tmp_path / QUARTER
    assert find_newest_release(tmp_path, before=date(2026, 10, 15)) is None


def test_a_later_correction_of_an_earlier_quarter_changes_no_comparison(tmp_path: Path) -> None:
    made = [
        ("2026Q3", "2026-07-15", "2026-07-20T09:00:00+00:00"),
        ("2026Q4", "2026-10-15", "2026-10-20T09:00:00+00:00"),
        ("2026Q3-2", "2026-07-15", "2026-11-02T09:00:00+00:00"),
    ]
    for name, cutoff, when in made:
        (tmp_path / name).mkdir()
        (tmp_path / name / "README.txt").write_text("")
        about = {"data_cutoff": cutoff, "made_at": when}
        (tmp_path / name / ABOUT).write_text(json.dumps(about))
        found = find_newest_release(tmp_path, before=date(2026, 10, 15))
        # 2026Q4 was compared with 2026Q3 before it was made, and is so ever after.
        assert found == tmp_path / "2026Q3"
    assert find_newest_release(tmp_path, before=date(2027, 1, 15)) == tmp_path / "2026Q4"


def test_an_export_beside_is_no_release(stored_year: Warehouse, tmp_path: Path) -> None:
    release(stored_year, tmp_path)
    export_year(
        warehouse=stored_year,
        performance_year=YEAR,
        folder=tmp_path / "draft_for_review",
        origin="published",
    )
    assert verify(tmp_path)[1] == []
    assert len(list_releases(tmp_path)) == 1
    assert [entry.event for entry in read_ledger(tmp_path)] == ["candidate", "approved"]
    assert "draft_for_review/README.txt" in list_all(tmp_path)
