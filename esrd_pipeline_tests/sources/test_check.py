"""`esrd check`: what a refresh would say of a folder, all of it at once, and nothing is stored."""

from datetime import date
from pathlib import Path

import pandas as pd
import pyreadstat
import pytest
from click.testing import CliRunner, Result

from esrd_pipeline.cli import main
from esrd_pipeline_tests.sources.extracts import write

PATIENT = ("PATIENT_ID|DATE_OF_BIRTH", "1|03-FEB-1950")
STAY = ("BENE_ID|ENTRY_DATE", "7|01-JAN-2024", "8|02-JAN-2024")


def check(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["check", str(folder), *options])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A year with two good files; only a facility directory is missing for a refresh."""
    monkeypatch.setenv("ESRD_DATA_DIR", str(tmp_path / "data"))
    folder = tmp_path / "2024"
    folder.mkdir()
    write(folder, "eqrs_patient.txt", *PATIENT)
    write(folder, "eqrs_facility.txt", "FACILITYID|PROVNUM", "11|012501")
    write(folder, "mds_stay_1.txt", *STAY)
    write(folder, "mds_stay_2.txt", *STAY[:2])
    return folder


def test_a_good_folder_is_told_file_by_file_and_nothing_is_stored(
    folder: Path, tmp_path: Path
) -> None:
    result = check(folder)
    assert result.exit_code == 0, result.output
    assert "raw.eqrs_patient: 1 row in eqrs_patient.txt" in result.output
    assert "raw.mds_stay: 2 rows in mds_stay_1.txt, 1 row in mds_stay_2.txt" in result.output
    assert "raw.ssa_death: no file" in result.output
    assert not (tmp_path / "data" / "warehouse").exists()


def test_a_cut_off_lets_the_files_be_read_that_a_refresh_with_it_reads(folder: Path) -> None:
    (folder / "mds_stay_1.txt").unlink()
    (folder / "mds_stay_2.txt").unlink()
    write(folder, "mds_stay_2025-04-10.txt", *STAY[:2])
    write(folder, "mds_stay_2025-07-10.txt", STAY[0], "SECRET9|01-JAN-2024")
    before = check(folder, "--cutoff", "2025-04-15")
    assert before.exit_code == 0, before.output
    assert "raw.mds_stay: 1 row in mds_stay_2025-04-10.txt\n" in before.output
    for newest in ((), ("--cutoff", "2025-07-15")):
        refused = check(folder, *newest)
        assert refused.exit_code == 1
        assert "raw.mds_stay: mds_stay_2025-07-10.txt, row 2" in refused.output
    (folder / "eqrs_facility.txt").rename(folder / "eqrs_facility_2025-07-10.txt")
    none = check(folder, "--cutoff", "2025-04-15")
    assert none.exit_code == 1
    assert "has no file of raw.eqrs_facility (" in none.output
    assert ") released by 2025-04-15" in none.output


def test_codes_that_are_rewritten_are_told_by_count(folder: Path) -> None:
    write(folder, "eqrs_facility.txt", "FACILITYID|PROVNUM", "11|12501", "12|012502", "13|01-250f")
    output = check(folder).output
    assert "raw.eqrs_facility: 3 rows in eqrs_facility.txt" in output
    assert "  provnum: 2 values are brought into the form of their codes" in output


def test_every_fault_is_told_with_its_place_and_without_its_value(folder: Path) -> None:
    write(folder, "mds_stay_2.txt", STAY[0], "7|01-JAN-2024", "SECRET9|02-JAN-2024")
    write(folder, "ssa_death.txt", "SSN|DATE_OF_BIRTH|DATE_OF_DEATH", "900000001|03-FEB-1950|")
    write(folder, "notes.md", "")
    (folder / "eqrs_patient.txt").unlink()
    result = check(folder)
    assert result.exit_code == 1
    for text in (
        "has no file of raw.eqrs_patient (eqrs_patient.parquet, ",
        "raw.mds_stay: mds_stay_2.txt, row 3, column 'BENE_ID': is not a whole number",
        "raw.ssa_death: ssa_death.txt, column 'DATE_OF_DEATH': has rows without a value",
        "notes.md: no table takes a file of this name",
        "a refresh would stop: 4 faults",
    ):
        assert text in result.output, result.output
    assert "SECRET9" not in result.output


def test_all_faults_of_a_file_are_told_at_once(folder: Path) -> None:
    write(
        folder,
        "mds_stay_2.txt",
        "BENE_ID|ENTRY_DATE|DISCHARGE_DATE",
        "1|2024-01-01|SECRET9",
        "2|2024-01-01|",
        "3|SECRET9|SECRET9",
    )
    text = check(folder).output
    assert "mds_stay_2.txt: 2 faults: row 4, column 'ENTRY_DATE': is not a" in text, text
    assert "row 2, column 'DISCHARGE_DATE': is not a" in text
    assert "(2 rows: also 4)" in text
    assert "SECRET9" not in text


def test_a_folder_of_another_name_needs_the_year(folder: Path) -> None:
    other = folder.rename(folder.with_name("spring"))
    assert "give --year" in check(other).output
    assert check(other, "--year", "2024").exit_code == 0
    assert "is not a folder" in check(folder).output


def test_sas_files_are_read_and_nothing_of_them_is_left(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    (folder / "mds_stay_2.txt").unlink()
    stays = pd.DataFrame({"BENE_ID": ["0002056B40CEE448"], "ENTRY_DATE": [date(2024, 1, 1)]})
    for days, text in (("DATE9", "1 row in mds_stay_2.xpt"), ("BEST12", "without a date format")):
        path = str(folder / "mds_stay_2.xpt")
        pyreadstat.write_xport(
            stays.assign(ENTRY_DATE=23376.0) if days == "BEST12" else stays,
            path,
            variable_format={"ENTRY_DATE": days},
        )
        assert text in check(folder).output
    assert not list((tmp_path / "scratch").iterdir())
    assert not (tmp_path / "data" / "warehouse").exists()


CLAIMS = "CLM_ID|BENE_ID|NCH_CLM_TYPE_CD|CLM_FROM_DT|CLM_THRU_DT"


def write_claims(folder: Path, name: str, kind: str, days: list[str]) -> None:
    rows = [f"{n}|{n}|{kind}|{when}|{when}" for n, when in enumerate(days, start=1)]
    write(folder, name, CLAIMS, *rows)


def test_what_the_tables_say_together_is_told(folder: Path) -> None:
    write(folder, "medicare_enrollment.txt", "BENE_ID", *(str(n) for n in range(1, 200)))
    write_claims(folder, "inpatient_base.txt", "60", ["01-JUN-2024"] * 199 + ["31-DEC-2022"])
    write(folder, "eqrs_treatment.txt", "PATIENT_ID|FACILITYID|START_DATE|TREATMENT_TYPE|SETTING")
    lines = [f"{n}|1|0821" for n in range(150, 301)]
    write(folder, "inpatient_revenue.txt", "CLM_ID|CLM_LINE_NUM|REV_CNTR", *lines)
    result = check(folder)
    assert result.exit_code == 1
    for text in (
        "warns: raw.eqrs_treatment: the table has no rows: 1 of 1 (100.0%)",
        (
            "warns: raw.claim, setting inpatient, column clm_thru_dt: claims end more than 12"
            " months before the year, and are left out: 1 of 200 (0.5%), warn limit 0, fail limit"
            " 0.01"
        ),
        "fails: raw.claim, setting dialysis: claims, and none of this setting: 200 of 200 (100.0%)",
        (
            "passes: raw.claim, setting inpatient, column bene_id: rows are of nobody in"
            " raw.medicare_enrollment: 1 of 200 (0.5%), warn limit 0.01, fail limit 0.25"
        ),
        (
            "fails: raw.claim_revenue, column clm_id: rows are of no claim in the folder:"
            " 100 of 151 (66.2%), warn limit 0, fail limit 0.05"
        ),
        (
            "fails: raw.claim_revenue, setting inpatient, column clm_id: claims have no row here:"
            " 149 of 200 (74.5%)"
        ),
    ):
        assert text in result.output, result.output
    assert "rows_lost" not in result.output


def test_what_refers_to_a_faulty_table_is_not_asked(folder: Path) -> None:
    write(folder, "eqrs_patient.txt", "PATIENT_ID|DATE_OF_BIRTH", "1|sometime")
    write(
        folder, "eqrs_ccn_history.txt", "FACILITYID|EFFECTIVE_DATE|CHANGE", "12|01-JAN-2020|opened"
    )
    output = check(folder).output
    assert "is not a date" in output
    assert "raw.eqrs_ccn_history, column facilityid: rows are of no facility" in output
    assert "raw.eqrs_patient, column" not in output
