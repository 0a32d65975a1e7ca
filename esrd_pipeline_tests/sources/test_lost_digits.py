"""Numbers and days that a file's type does not keep, and types that hold no such value."""

from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from esrd_pipeline.sources.errors import SourceError
from esrd_pipeline.sources.extract_files import find_extracts
from esrd_pipeline.sources.first_row import find_first_rows
from esrd_pipeline.tables import clinical, eqrs, register
from esrd_pipeline.tables.model import Table
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline_tests.sources.extracts import YEAR, load, write
from esrd_pipeline_tests.sources.test_sas import change, write_sas

MONTH = {
    "PATIENT_ID": pa.array([1, 2]),
    "FACILITYID": pa.array([1, 1]),
    "MONTH": pa.array([date(2024, 3, 1)] * 2),
    "RECORD_NUMBER": pa.array([1, 2]),
}
DEATH = {
    "SSN": pa.array(["900000001", "900000002"]),
    "DATE_OF_BIRTH": pa.array([date(1950, 2, 3)] * 2),
    "DATE_OF_DEATH": pa.array([date(2024, 2, 3)] * 2),
}


def refuse(folder: Path, table: Table, columns: dict[str, pa.Array], rule: str) -> None:
    pq.write_table(pa.table(columns), folder / f"{table.path[1]}.parquet")
    with pytest.raises(SourceError, match=rf"^{table.path[1]}.parquet, {rule}"):
        load(folder, table)


@pytest.mark.parametrize("column", ["PATIENT_ID", "FACILITYID", "RECORD_NUMBER"])
@pytest.mark.parametrize(("kind", "first"), [(pa.float32(), 2**24), (pa.float64(), 2**53)])
def test_whole_numbers_that_floats_do_not_keep_are_refused(
    tmp_path: Path, column: str, kind: pa.DataType, first: int
) -> None:
    table = clinical.EQRS_CLINICAL_MONTH
    kept = {**MONTH, column: pa.array([1.0, float(first - 1)], kind)}
    pq.write_table(pa.table(kept), tmp_path / "eqrs_clinical_month.parquet")
    assert sorted(load(tmp_path, table)[column.lower()]) == [1, first - 1]
    lost = {**MONTH, column: pa.array([1.0, float(first)], kind)}
    refuse(tmp_path, table, lost, rf"row 3, column '{column}': is not a whole number below 2\^53")


def test_codes_and_days_that_floats_do_not_keep_are_refused(tmp_path: Path) -> None:
    rule = r"row 3, column 'SSN': is not a whole number below 2\^53 \(2\^24 of 32 bits\)"
    for lost in (900000002.0, float("inf")):
        numbers = pa.array([1234567.0, lost], pa.float32())
        refuse(tmp_path, register.SSA_DEATH, {**DEATH, "SSN": numbers}, rule)
    days = pa.array([19500203.0, 19500204.0])
    rows = {**DEATH, "SSN": pa.array([1234567.0, 900000002.0]), "DATE_OF_BIRTH": days}
    pq.write_table(pa.table(rows), tmp_path / "ssa_death.parquet")
    found = load(tmp_path, register.SSA_DEATH).sort_values("ssn")
    assert found["ssn"].tolist() == ["001234567", "900000002"]
    assert found["date_of_birth"].tolist() == [date(1950, 2, 3), date(1950, 2, 4)]
    rows["DATE_OF_BIRTH"] = days.cast(pa.float32())
    refuse(tmp_path, register.SSA_DEATH, rows, "row 2, column 'DATE_OF_BIRTH': is not a date")


def test_a_measured_number_of_32_bits_may_be_large(tmp_path: Path) -> None:
    values = pa.array([1.2, 2.0**24], pa.float32())
    pq.write_table(
        pa.table({**MONTH, "CALCIUM_VALUE": values}), tmp_path / "eqrs_clinical_month.parquet"
    )
    rows = load(tmp_path, clinical.EQRS_CLINICAL_MONTH)
    assert rows["calcium_value"].tolist() == [1.2, 2.0**24]


@pytest.mark.parametrize(("width", "first"), [(3, 2**13), (4, 2**21), (7, 2**45)])
def test_whole_numbers_that_a_length_of_sas_does_not_keep_are_refused(
    tmp_path: Path, width: int, first: int
) -> None:
    def write_patients(number: int) -> None:
        # The last column of the only row, so that nothing but its width changes in the file.
        columns: dict[str, list[object]] = {
            "DATE_OF_BIRTH": [date(1950, 2, 3)],
            "PATIENT_ID": [float(number)],
        }
        path = write_sas(tmp_path, "eqrs_patient.xpt", columns, {"DATE_OF_BIRTH": "DATE9"})
        length = bytes([width])
        change(
            path, old=b"\0\1\0\0\0\x08\0\2PATIENT_", new=b"\0\1\0\0\0" + length + b"\0\2PATIENT_"
        )
        content = path.read_bytes().rstrip(b" ")
        content += b" " * (-len(content) % 8)
        path.write_bytes(content[: width - 8].ljust(-(-len(content) // 80) * 80))

    write_patients(first - 1)
    assert load(tmp_path, eqrs.EQRS_PATIENT)["patient_id"].tolist() == [first - 1]
    write_patients(first)
    rule = f"row 2, column 'PATIENT_ID': is not below {first:,}, beyond which a LENGTH of {width}"
    with pytest.raises(SourceError, match=rule):
        load(tmp_path, eqrs.EQRS_PATIENT)


def test_days_that_a_length_of_sas_does_not_keep_are_refused(tmp_path: Path) -> None:
    # In three bytes 1 January 2024, day 23376, may have been any of four days.
    columns: dict[str, list[object]] = {"BENE_ID": [7.0], "ENTRY_DATE": [date(2024, 1, 1)]}
    path = write_sas(tmp_path, "mds_stay.xpt", columns, {"ENTRY_DATE": "DATE9"})
    change(path, old=b"\0\1\0\0\0\x08\0\2ENTRY_DA", new=b"\0\1\0\0\0\3\0\2ENTRY_DA")
    content = path.read_bytes().rstrip(b" ")
    content += b" " * (-len(content) % 8)
    path.write_bytes(content[:-5].ljust(-(-len(content) // 80) * 80))
    with pytest.raises(SourceError, match="row 2, column 'ENTRY_DATE': is not below 8,192"):
        load(tmp_path, register.MDS_STAY)


def test_lists_and_moments_of_all_zones_are_no_values_of_a_column(tmp_path: Path) -> None:
    lists = pa.array([["900000001"], ["900000002"]])
    rule = "column 'SSN': holds lists or records"
    refuse(tmp_path, register.SSA_DEATH, {**DEATH, "SSN": lists}, rule)
    moments = pa.array([datetime(2024, 2, 3, tzinfo=UTC)] * 2, pa.timestamp("us", "UTC"))
    rule = "row 2, column 'DATE_OF_DEATH': is a moment with a time zone"
    refuse(tmp_path, register.SSA_DEATH, {**DEATH, "DATE_OF_DEATH": moments}, rule)


def test_two_columns_of_one_name_are_refused_in_parquet_and_sas(tmp_path: Path) -> None:
    twice = {**DEATH, "ssn": pa.array(["900000003", "900000004"])}
    pq.write_table(pa.table(twice), tmp_path / "ssa_death.parquet")
    with pytest.raises(SourceError, match=r"^ssa_death.parquet: a column's name appears twice"):
        load(tmp_path, register.SSA_DEATH)


def test_a_ccn_that_lost_its_zero_gets_it_back_in_reports_of_facilities(tmp_path: Path) -> None:
    header = "CCN|QUARTER|MONTHS_REPORTED|INFECTIONS|PREDICTED_INFECTIONS"
    write(tmp_path, "nhsn_bloodstream_infection.txt", header, "12501|1|3|0|1", "01250f|1|3|0|1")
    rows = load(tmp_path, clinical.NHSN_BLOODSTREAM_INFECTION)
    assert sorted(rows["ccn"]) == ["012501", "01250F"]
    write(tmp_path, "nhsn_bloodstream_infection.txt", header, "1|1|3|0|1")
    with pytest.raises(SourceError, match="row 2, column 'CCN': is not a CCN of six"):
        load(tmp_path, clinical.NHSN_BLOODSTREAM_INFECTION)


@pytest.mark.parametrize(
    "table",
    [
        clinical.EQRS_CLINICAL_MONTH,
        clinical.EQRS_VASCULAR_ACCESS,
        clinical.EQRS_MEDICATION_RECONCILIATION,
    ],
    ids=lambda table: table.path[1],
)
def test_a_month_given_by_its_last_day_is_refused(tmp_path: Path, table: Table) -> None:
    header = "PATIENT_ID|FACILITYID|MONTH|RECORD_NUMBER"
    write(tmp_path, f"{table.path[1]}.txt", header, "1|1|01-Mar-2024|1", "1|1|31-Mar-2024|2")
    assert find(tmp_path, table) == (
        f"{table.path[1]}.txt, row 3, column 'MONTH':"
        " breaks the rule: month is the first day of a month"
    )


def test_a_needed_day_that_is_none_is_told_as_such(tmp_path: Path) -> None:
    header = "SSN|DATE_OF_BIRTH|DATE_OF_DEATH"
    write(tmp_path, "ssa_death.txt", header, "900000001|03-FEB-1950|9999-12-31")
    assert find(tmp_path, register.SSA_DEATH) == (
        "ssa_death.txt, row 2, column 'DATE_OF_DEATH': has no value, and needs one"
        " (0001-01-01, 1000-01-01, 9999-12-31 are none)"
    )


def find(folder: Path, table: Table) -> str | None:
    query = Warehouse(folder / "warehouse").query
    return find_first_rows(table, find_extracts(folder, table), query, performance_year=YEAR)


def test_a_number_beyond_all_floats_is_no_number(tmp_path: Path) -> None:
    header = "PATIENT_ID|FACILITYID|MONTH|RECORD_NUMBER|CALCIUM_VALUE"
    write(tmp_path, "eqrs_clinical_month.txt", header, "1|1|01-Mar-2024|1|1e400")
    with pytest.raises(SourceError, match="row 2, column 'CALCIUM_VALUE': is not a number"):
        load(tmp_path, clinical.EQRS_CLINICAL_MONTH)
