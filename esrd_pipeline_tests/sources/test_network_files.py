"""What a Network keeps itself: of a bad file the error names file, row, column and rule."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from esrd_pipeline.cli import main
from esrd_pipeline.sources.network_layout import DICTIONARY
from esrd_pipeline.tables.network_inputs import INPUTS
from esrd_pipeline_tests.network_files import GOOD, write, write_good


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["network", *map(str, arguments)])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ESRD_DATA_DIR", str(tmp_path / "data"))
    return write_good(tmp_path / "network")


def test_templates_are_empty_files_that_a_refresh_reads(tmp_path: Path) -> None:
    folder = tmp_path / "network"
    written = run("template", folder)
    assert written.exit_code == 0, written.output
    for table in INPUTS:
        (header,) = (folder / f"{table.path[1]}.csv").read_text().splitlines()
        assert header.count(",") == len(table.columns) - 2, header
    assert (
        "| `disasterNumber` | integer | yes | FEMA's number." in (folder / DICTIONARY).read_text()
    )
    read = run("check", folder)
    assert read.exit_code == 0, read.output
    assert "raw.facility_status: 0 rows" in read.output
    again = run("template", folder)
    assert again.exit_code == 1
    assert "network_activity.csv exists: nothing was written" in again.output


def test_good_files_are_read(folder: Path) -> None:
    read = run("check", folder)
    assert read.exit_code == 0, read.output
    assert "raw.network_enrolment: 2 rows" in read.output
    assert "raw.disaster_declaration: 1 rows" in read.output


ENROLMENT = GOOD["network_enrolment"]
BAD = [
    (
        "network_activity",
        ("fewer_stays,8,coordination,shr", "fewer_stays,19,coordination,shr"),
        "network_activity.csv, row 2, column 'NETWORK': is more than 18",
    ),
    (
        "network_activity",
        (",shr,", ",shrr,"),
        "network_activity.csv, row 2, column 'MEASURE': is none of the",
    ),
    (
        "network_activity",
        ("2023-12-31", "2022-12-31"),
        "row 2, column 'BASELINE_FIRST, BASELINE_LAST': breaks the rule: the baseline ends after",
    ),
    (
        "network_activity",
        (",ratio,", ",,"),
        "row 2, column 'GOAL, GOAL_UNIT, GOAL_DIRECTION': breaks the rule: a goal has a unit",
    ),
    (
        "network_enrolment",
        ("fewer_stays,012502", "more_stays,012502"),
        "network_enrolment.csv, row 3, column 'ACTIVITY': is no activity of raw.network_activity",
    ),
    (
        "network_enrolment",
        ("012502,2024-02-01", "01250,2024-02-31"),
        "network_enrolment.csv, row 3, column 'start_date': is not a date",
    ),
    (
        "network_enrolment",
        ("012502,2024-02-01,,", "012501,2024-06-30,,"),
        "row 3, column 'ACTIVITY, CCN, START_DATE': begins before an earlier row of the same has",
    ),
    (
        "network_enrolment",
        ("2024-06-30,2024-06-30", ",2024-06-30"),
        "row 2, column 'END_DATE, GRADUATED_ON': breaks the rule: a facility that graduated has",
    ),
    (
        "network_contact",
        (",call,", ",fax,"),
        "network_contact.csv, row 3, column 'KIND': is none of the 5 allowed texts",
    ),
    (
        "network_contact",
        ("fewer_stays,012502", "fewer_stays,012503"),
        "row 3, column 'ACTIVITY, CCN': is no activity and ccn of raw.network_enrolment",
    ),
    (
        "network_mentor_pair",
        ("012599", "012501"),
        "row 2, column 'MENTOR_CCN, MENTEE_CCN': breaks the rule: nobody mentors itself",
    ),
    (
        "network_change_idea",
        (",012599,", ",,"),
        "row 2, column 'SOURCE_CCN, REFERENCE': breaks the rule: an idea comes from",
    ),
    (
        "network_goal",
        ("2024-12-01", "2024-12-31"),
        "row 2, column 'FIRST_MONTH, LAST_MONTH': breaks the rule: months are first days",
    ),
    (
        "facility_status",
        ("closed,flood,2024-09-28T12:00Z", "shut,flood,2024-09-28T12:00Z"),
        "facility_status.csv, row 3, column 'STATUS': is none of the 4 allowed texts",
    ),
    (
        "facility_status",
        ("2024-09-28T12:00Z", "2024-09-28 12:00"),
        "facility_status.csv, row 3, column 'reported_at': is not a time in UTC, as 2024-09-26T",
    ),
    (
        "facility_status",
        ("2024-09-29T06:00Z", "2024-09-31T06:00Z"),
        "row 3, column 'TO_AT': breaks the rule: to_at is a time of the calendar",
    ),
    (
        "facility_status",
        ("2024-09-28T12:00Z", "2024-09-26T17:30Z"),
        "row 3, column 'CCN, FROM_AT, REPORTED_AT': repeats the key of an earlier row",
    ),
    (
        "disaster_declaration",
        ("FL,12,001", "FL,12,1001"),
        "row 2, column 'fipsCountyCode': is not a FIPS code of a county",
    ),
    (
        "disaster_declaration",
        ("2024-10-07T00", "2024-09-01T00"),
        "breaks the rule: an incident ends after it begins",
    ),
    (
        "facility_status",
        ("2024-09-28T12:00Z", "2204-09-28T12:00Z"),
        "row 3, column 'FROM_AT, REPORTED_AT': breaks the rule: a report is within a year of",
    ),
    (
        "facility_asset",
        ("012501,2024", "TOTALS,2024"),
        "facility_asset.csv, row 2, column 'ccn': is not a facility's CCN of six letters",
    ),
    (
        "network_activity",
        ("2024-12-31", "2204-12-31"),
        "column 'BASELINE_FIRST, MEASUREMENT_LAST': breaks the rule: baseline_first and meas",
    ),
    (
        "network_contact",
        ("2024-02-10", "0224-02-10"),
        "row 2, column 'CONTACT_DATE': breaks the rule: contact_date is a day of 2000 to 2099",
    ),
    (
        "network_goal",
        (",12.5,", ",-12.5,"),
        "network_goal.csv, row 2, column 'GOAL': is less than 0",
    ),
    (
        "disaster_declaration",
        ("FL,12,001", "FL,13,001"),
        "row 2, column 'FIPS_STATE_CODE, STATE': breaks the rule: a state has its own FIPS",
    ),
    (
        "facility_asset",
        (",20,3,", ",-20,3,"),
        "facility_asset.csv, row 2, column 'STATIONS': is less than 0",
    ),
    (
        "facility_asset",
        (",2024-12-31", ","),
        "row 2, column 'BACKUP_CCN, BACKUP_UNTIL': breaks the rule: an agreement has a facility",
    ),
]


@pytest.mark.parametrize(("name", "change", "message"), BAD)
def test_a_bad_file_is_named_by_file_row_column_and_rule(
    folder: Path, name: str, change: tuple[str, str], message: str
) -> None:
    text = "\n".join(GOOD[name])
    assert text.count(change[0]) == 1, "the case changes one place"
    write(folder, name, text.replace(*change))
    refused = run("check", folder)
    assert refused.exit_code == 1
    assert message in refused.output
    assert "Error: a refresh would stop:" in refused.output


def test_a_misspelled_column_is_refused_and_not_read_as_empty(folder: Path) -> None:
    header, *rows = ENROLMENT
    write(folder, "network_enrolment", header.replace("graduated_on", "graduated"), *rows)
    refused = run("check", folder)
    assert refused.exit_code == 1
    assert "network_enrolment.csv, column 'graduated_on': the column is missing" in refused.output
    write(folder, "network_enrolment", f"{header},remark", *(f"{row},x" for row in rows))
    refused = run("check", folder)
    assert refused.exit_code == 1
    assert "column 'remark': is no column of raw.network_enrolment" in refused.output


def test_a_file_of_no_table_is_refused(folder: Path) -> None:
    write(folder, "network_enrollment", *ENROLMENT)
    refused = run("check", folder)
    assert refused.exit_code == 1
    assert "network_enrollment.csv: no table takes a file of this name" in refused.output
