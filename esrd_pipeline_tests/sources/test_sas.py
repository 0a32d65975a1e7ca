"""SAS files: the same rows as text, by the same rules, or one sentence that says why not."""

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path

import pandas as pd
import pyreadstat
import pytest

from esrd_pipeline.sources import sas
from esrd_pipeline.sources.errors import SourceError
from esrd_pipeline.tables import clinical, eqrs, medicare, register
from esrd_pipeline_tests.sources.extracts import YEAR, load, write

FORMATS = {"ENTRY_DATE": "DATE9"}
STAYS = {
    "BENE_ID": [7.0, 8.0, 9007199254740991.0],
    "ENTRY_DATE": [date(2024, 1, 1), date(1959, 12, 31), date(9999, 12, 30)],
    "DISCHARGE_DATE": [None, date(2024, 2, 3), None],
}


def write_sas(
    folder: Path,
    name: str,
    columns: Mapping[str, list[object]],
    formats: Mapping[str, str] | None = None,
    version: int = 8,
) -> Path:
    frame = pd.DataFrame({column: pd.Series(v, dtype=object) for column, v in columns.items()})
    for column in frame:
        kinds = {type(value) for value in frame[column] if value is not None}
        if kinds == {float}:
            frame[column] = frame[column].astype(float)
    path = folder / name
    pyreadstat.write_xport(
        frame, str(path), file_format_version=version, variable_format=dict(formats or {})
    )
    return path


def load_stays(folder: Path) -> pd.DataFrame:
    return load(folder, register.MDS_STAY)


def test_a_sas_file_gives_the_rows_of_text(tmp_path: Path) -> None:
    for kind in ("sas", "text"):
        (tmp_path / kind).mkdir()
    header, rows = (
        "PATIENT_ID|SSN|MBI|DATE_OF_BIRTH|SEX",
        ("1|012345678|1EG4|1950-02-03|1", "2||||2"),
    )
    write(tmp_path / "text", "eqrs_patient.txt", header, *rows)
    columns = {
        "patient_id": [1.0, 2.0],
        "Ssn": ["12345678   ", ""],
        "MBI": ["1eg4", None],
        "DATE_OF_BIRTH": [date(1950, 2, 3), None],
        "SEX": ["1", "2"],
        "NOT_A_COLUMN_OF_THE_TABLE": [1.5, None],
    }
    write_sas(tmp_path / "sas", f"eqrs_patient_{YEAR}.XPT", columns, {"DATE_OF_BIRTH": "YYMMDD10"})
    pd.testing.assert_frame_equal(
        load(tmp_path / "sas", eqrs.EQRS_PATIENT), load(tmp_path / "text", eqrs.EQRS_PATIENT)
    )


def test_numbers_and_days_of_sas_are_identifiers_and_dates(tmp_path: Path) -> None:
    write_sas(tmp_path, "mds_stay.xpt", STAYS, FORMATS)
    rows = load_stays(tmp_path).sort_values("bene_id")
    assert rows["bene_id"].tolist() == [7, 8, 9007199254740991]
    assert rows["entry_date"].tolist() == STAYS["ENTRY_DATE"]


def test_many_rows_are_read_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sas, "_CELLS_AT_ONCE", 8)
    for count in (0, 1, 2, 3, 8, 9):
        columns = {
            "BENE_ID": [float(row) for row in range(count)],
            "ENTRY_DATE": [date(2024, 1, 1)] * count,
        }
        frame = {name: values or pd.Series([], dtype=float) for name, values in columns.items()}
        pyreadstat.write_xport(
            pd.DataFrame(frame), str(tmp_path / "mds_stay.xpt"), variable_format=FORMATS
        )
        assert sorted(load_stays(tmp_path)["bene_id"]) == list(range(count))


@pytest.mark.parametrize(
    ("variable_format", "value"),
    [
        ("DATE9", 23376.0),
        ("MMDDYY10", 23376.0),
        ("YYMMDDN8", 23376.0),
        ("E8601DA10", 23376.0),
        ("JULIAN7", 23376.0),
        ("DATETIME20", 23376 * 86400.0),
        ("DTDATE9", 23376 * 86400.0),
        ("E8601DT19", 23376 * 86400.0),
    ],
)
def test_the_format_says_days_or_seconds(
    tmp_path: Path, variable_format: str, value: float
) -> None:
    columns = {"BENE_ID": [7.0], "ENTRY_DATE": [value]}
    write_sas(tmp_path, "mds_stay.xpt", columns, {"ENTRY_DATE": variable_format})
    assert load_stays(tmp_path)["entry_date"].tolist() == [date(2024, 1, 1)]


@pytest.mark.parametrize(
    ("variable_format", "value", "rule"),
    [
        (None, 23376.0, "is a number without a date format, perhaps of days or of seconds"),
        (None, 20240101.0, "is a number without a date format"),
        ("BEST12", 23376.0, "is a number without a date format"),
        ("TIME8", 3600.0, "is a number without a date format"),
        ("YEAR4", 23376.0, "is a number without a date format"),
        ("DATE9", 23376.5, "is not a date"),
        ("DATE9", 1e15, "is not a date"),
        ("DATE9", -1e15, "is not a date"),
        ("DATETIME20", 23376 * 86400.0 + 60, "is not a date"),
    ],
)
def test_a_number_that_is_no_day_is_refused(
    tmp_path: Path, variable_format: str | None, value: float, rule: str
) -> None:
    formats = {"ENTRY_DATE": variable_format} if variable_format else {}
    columns = {"BENE_ID": [7.0, 8.0], "ENTRY_DATE": [None, value]}
    write_sas(tmp_path, "mds_stay.xpt", columns, formats)
    with pytest.raises(SourceError) as caught:
        load_stays(tmp_path)
    assert str(caught.value).startswith(f"mds_stay.xpt, row 3, column 'ENTRY_DATE': {rule}")


@pytest.mark.parametrize("value", [1.6, 9007199254740992.0, 1e18])
def test_a_float_that_is_no_identifier_is_refused(tmp_path: Path, value: float) -> None:
    columns = {"BENE_ID": [7.0, value], "ENTRY_DATE": [date(2024, 1, 1)] * 2}
    write_sas(tmp_path, "mds_stay.xpt", columns, FORMATS)
    with pytest.raises(SourceError, match=r"row 3, column 'BENE_ID': .* below 2\^53"):
        load_stays(tmp_path)


def test_codes_that_sas_holds_as_numbers_are_codes(tmp_path: Path) -> None:
    columns = {
        "BENE_ID": ["0002056B40CEE448"],
        "CLM_ID": [10.0],
        "NCH_CLM_TYPE_CD": [60.0],
        "CLM_FROM_DT": ["01JAN2024"],
        "CLM_THRU_DT": [datetime(2024, 1, 5)],  # noqa: DTZ001
        "PRVDR_NUM": [12501.0],
        "PTNT_DSCHRG_STUS_CD": [2.0],
        "CLM_PMT_AMT": [1200.5],
    }
    write_sas(tmp_path, "inpatient_base.xpt", columns)
    (row,) = load(tmp_path, medicare.CLAIM).to_dict("records")
    assert row["bene_id"] < -5 * 10**18
    assert (row["nch_clm_type_cd"], row["prvdr_num"]) == ("60", "012501")
    assert (row["ptnt_dschrg_stus_cd"], row["clm_pmt_amt"]) == ("02", 1200.5)
    assert (row["clm_from_dt"], row["clm_thru_dt"]) == (date(2024, 1, 1), date(2024, 1, 5))


def test_names_longer_than_those_of_sas_are_known_by_their_beginning(tmp_path: Path) -> None:
    name = "has_chronic_obstructive_pulmonary_disease"
    columns = {
        "patient_id": [1.0],
        "form_number": [1.0],
        "form_date": [date(2024, 1, 1)],
        name[:32]: ["Y"],
    }
    write_sas(tmp_path, "cms_2728.xpt", columns, {"form_date": "DATE9"})
    assert load(tmp_path, eqrs.CMS_2728)[name].tolist() == [True]


@pytest.mark.parametrize("letter", [b".", b"A", b"Z", b"_"])
def test_missing_values_of_sas_are_nulls(tmp_path: Path, letter: bytes) -> None:
    path = write_sas(
        tmp_path,
        "mds_stay.xpt",
        {**STAYS, "DISCHARGE_DATE": [12345.0] * 3},
        {**FORMATS, "DISCHARGE_DATE": "DATE9"},
    )
    number = bytes.fromhex("4430390000000000")  # 12345, as IBM's machines wrote floats
    content = path.read_bytes()
    assert content.count(number) == 3
    path.write_bytes(content.replace(number, letter + bytes(7)))
    assert load_stays(tmp_path)["discharge_date"].isna().all()


@pytest.mark.parametrize(
    ("value", "width"),
    [
        *((value, 4) for value in (1.2, 1.7, 8.88, 10.2, 0.65, 1234.5, -0.1, 33.333, 3.0)),
        (2_097_151.0, 4),
        # Of three bytes two are the fraction: 72.49 may have been 72.4922 and no more.
        *((value, 3) for value in (72.49, 45.67, 12.5, 1.2, 255.0)),
    ],
)
def test_a_number_that_sas_cut_off_is_the_decimal_it_was(
    tmp_path: Path, value: float, width: int
) -> None:
    columns = {
        "patient_id": [1.0],
        "facilityid": [1.0],
        "month": [date(2024, 3, 1)],
        "record_number": [1.0],
        "calcium_value": [value],
    }
    path = write_sas(tmp_path, "eqrs_clinical_month.xpt", columns, {"month": "DATE9"})
    # As with LENGTH calcium_value 4: of its eight bytes, the last of the only row, four are left.
    length = bytes([width])
    change(path, old=b"\0\1\0\0\0\x08\0\5calcium_", new=b"\0\1\0\0\0" + length + b"\0\5calcium_")
    content = path.read_bytes().rstrip(b" ")
    content += b" " * (-len(content) % 8)
    cut = 8 - width
    path.write_bytes((content[:-cut] + b" " * cut).ljust(-(-len(content) // 80) * 80))
    rows = load(tmp_path, clinical.EQRS_CLINICAL_MONTH)
    assert rows["calcium_value"].tolist() == [value]


def change(path: Path, *, old: bytes = b"", new: bytes = b"", cut: int = 0) -> None:
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new)[: len(content) - cut])


def test_a_file_that_would_lose_rows_or_names_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mds_stay.xpt"

    def refused(rule: str) -> None:
        with pytest.raises(SourceError, match=rf"^mds_stay.xpt: .*{rule}"):
            load_stays(tmp_path)

    write_sas(tmp_path, path.name, {"BENE_ID": [7.0], "ENTRY_DT": [1.0]}, version=5)
    refused("version 5, whose names have 8 characters at most")
    path.write_bytes(b"**COMPRESSED** **COMPRESSED** **COMPRESSED** ".ljust(160))
    refused("not a SAS transport file of version 8")
    path.write_bytes(b"")
    refused("not a SAS transport file of version 8")
    write_sas(tmp_path, path.name, STAYS, FORMATS)
    change(path, cut=40)
    refused("cut off")
    write_sas(tmp_path, path.name, STAYS, FORMATS)
    whole = path.read_bytes()
    path.write_bytes(whole + whole[240:])
    refused("several data sets")
    path.write_bytes(whole)
    change(path, cut=80)
    refused("says it holds 3 rows, and holds 0")
    count = b"HEADER RECORD*******OBSV8   HEADER RECORD!!!!!!!"
    path.write_bytes(whole.replace(count + b"%15d" % 3, count + b"0" * 15))
    assert len(load_stays(tmp_path)) == 3
    columns = {"BENE_ID": ["0002056B40CEE448"], "ENTRY_DATE": [date(2024, 1, 1)]}
    write_sas(tmp_path, path.name, columns, FORMATS)
    change(path, old=b"CEE448", new=b"\xff\xfe\xff448")
    refused("cannot be read as a SAS file")
    path.rename(tmp_path / "mds_stay.sas7bdat")
    with pytest.raises(SourceError, match=r"^mds_stay.sas7bdat: cannot be read as a SAS file"):
        load_stays(tmp_path)
    assert capfd.readouterr() == ("", "")


def test_a_missing_column_and_a_second_file_are_told(tmp_path: Path) -> None:
    write_sas(tmp_path, "mds_stay.xpt", {"BENE_ID": [7.0]})
    with pytest.raises(SourceError, match=r"column 'ENTRY_DATE': the column is missing"):
        load_stays(tmp_path)
    write(tmp_path, "mds_stay.txt", "BENE_ID|ENTRY_DATE")
    with pytest.raises(SourceError, match=r"several files of one extract"):
        load_stays(tmp_path)


def test_nothing_unpacked_is_left(tmp_path: Path) -> None:
    write_sas(tmp_path, "mds_stay.xpt", STAYS, FORMATS)
    load_stays(tmp_path)
    assert not (tmp_path / sas.SCRATCH).exists()
