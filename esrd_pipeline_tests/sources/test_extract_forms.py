"""What a file wrote and what is stored of it: normal forms, types, and what is refused."""

import gzip
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from esrd_pipeline.sources.errors import SourceError
from esrd_pipeline.tables import clinical, eqrs, medicare, register
from esrd_pipeline_tests.sources.extracts import load, write

CLAIM = (
    "BENE_ID|CLM_ID|NCH_CLM_TYPE_CD|CLM_FROM_DT|CLM_THRU_DT|PRVDR_NUM|PTNT_DSCHRG_STUS_CD"
    "|CLM_FAC_TYPE_CD|PRNCPAL_DGNS_CD|CLM_PMT_AMT"
)
GOOD = ("7", "10", "60", "01-JAN-2024", "05-JAN-2024", "012501", "02", "1", "I4820", "1200.50")
NAMES = CLAIM.split("|")


def claims(folder: Path, *, name: str = "inpatient_base.txt", **changed: str) -> pd.DataFrame:
    """Store one claim, written with some cells changed."""
    cells = [changed.get(column, cell) for column, cell in zip(NAMES, GOOD, strict=True)]
    write(folder, name, CLAIM, "|".join(cells))
    return load(folder, medicare.CLAIM)


@pytest.mark.parametrize(
    "changed",
    [
        {"PTNT_DSCHRG_STUS_CD": "2"},
        {"PTNT_DSCHRG_STUS_CD": "2.0"},
        {"PRVDR_NUM": "12501"},
        {"PRVDR_NUM": "12501.0"},
        {"PRVDR_NUM": "01-2501"},
        {"PRNCPAL_DGNS_CD": "I48.20"},
        {"PRNCPAL_DGNS_CD": " i4820 "},
        {"BENE_ID": "7.0"},
        {"CLM_PMT_AMT": "1200.5"},
        {"CLM_PMT_AMT": "1.2005E3"},
        {"CLM_FROM_DT": "01JAN2024"},
        {"CLM_FROM_DT": "20240101"},
        {"CLM_FROM_DT": "2024-01-01"},
        {"CLM_FROM_DT": "1-Jan-2024"},
    ],
)
def test_one_value_in_many_forms_is_stored_as_one(tmp_path: Path, changed: dict[str, str]) -> None:
    (tmp_path / "good").mkdir()
    (tmp_path / "other").mkdir()
    good = claims(tmp_path / "good")
    assert good["ptnt_dschrg_stus_cd"].tolist() == ["02"]
    assert claims(tmp_path / "other", **changed).equals(good)


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("CLM_FROM_DT", "01-JAN-24", "is not a date"),
        ("CLM_FROM_DT", "2024115", "is not a date"),
        ("CLM_FROM_DT", "20240101.0", "is not a date"),
        ("CLM_FROM_DT", "45292", "is not a date"),
        ("CLM_FROM_DT", "infinity", "is not a date"),
        ("CLM_FROM_DT", "epoch", "is not a date"),
        ("CLM_FROM_DT", "31-APR-2024", "is not a date"),
        ("BENE_ID", "1.6", "is not a whole number"),
        ("BENE_ID", "9.00001E+14", "is not a whole number"),
        ("BENE_ID", "99999999999999999999", "is not a whole number"),
        ("CLM_PMT_AMT", "inf", "is not a number"),
        ("CLM_PMT_AMT", "nan", "is not a number"),
        ("CLM_PMT_AMT", "1,200.50", "is not a number"),
        ("PRVDR_NUM", "1250", "is not a CCN"),
        ("PRVDR_NUM", "1.25E+04", "is not a CCN"),
        ("PTNT_DSCHRG_STUS_CD", "002", "is not two letters or digits"),
        ("CLM_FAC_TYPE_CD", "13", "is not one letter or digit"),
        ("PRNCPAL_DGNS_CD", "I4", "is not a diagnosis code"),
        ("PRNCPAL_DGNS_CD", "5E100", "is not a diagnosis code"),
        ("PRNCPAL_DGNS_CD", "48,2", "is not a diagnosis code"),
    ],
)
def test_a_value_that_would_have_to_be_guessed_is_refused(
    tmp_path: Path, column: str, value: str, rule: str
) -> None:
    with pytest.raises(SourceError) as caught:
        claims(tmp_path, **{column: value})
    assert str(caught.value).startswith(f"inpatient_base.txt, row 2, column '{column}': {rule}")
    assert value not in caught.value.rule


def test_quotes_around_the_cells_of_a_pipe_file_are_not_stored(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "quoted").mkdir()
    plain = claims(tmp_path / "plain")
    quoted = claims(tmp_path / "quoted", **{n: f'"{c}"' for n, c in zip(NAMES, GOOD, strict=True)})
    assert quoted.equals(plain)


def test_quotes_that_begin_far_down_are_told(tmp_path: Path) -> None:
    rows = ["|".join((GOOD[0], str(number), *GOOD[2:])) for number in range(1, 6001)]
    quoted = "|".join((GOOD[0], "6001", '"60"', *GOOD[3:]))
    write(tmp_path, "inpatient_base.txt", CLAIM, *rows, quoted)
    with pytest.raises(SourceError, match=r"row 6002, column 'NCH_CLM_TYPE_CD': is "):
        load(tmp_path, medicare.CLAIM)


def test_the_columns_of_months_come_in_twelve(tmp_path: Path) -> None:
    months = [f"HMO_IND_{month:02d}" for month in range(1, 13) if month != 5]
    header = "|".join(["BENE_ID", *months])
    write(tmp_path, "medicare_enrollment.txt", header, "|".join(["7", *("0" for _ in months)]))
    text = "column 'HMO_IND_05': the column is missing, and other months' are there"
    with pytest.raises(SourceError, match=text):
        load(tmp_path, medicare.MEDICARE_ENROLLMENT)


def test_a_control_character_in_a_text_is_refused(tmp_path: Path) -> None:
    header, good = "FACILITYID|SERVICE", "7|In-Center Hemodialysis"
    write(tmp_path, "eqrs_facility_service.txt", header, good, "8|In-Center Hemo\0dialysis")
    with pytest.raises(SourceError, match="row 3, column 'SERVICE': has a control character"):
        load(tmp_path, eqrs.EQRS_FACILITY_SERVICE)


def test_parquet_is_brought_into_the_same_form(tmp_path: Path) -> None:
    (tmp_path / "text").mkdir()
    good = claims(tmp_path / "text")
    table = pa.table(
        {
            "BENE_ID": pa.array([7.0]),
            "CLM_ID": pa.array([10]),
            "NCH_CLM_TYPE_CD": pa.array([60]),
            "CLM_FROM_DT": pa.array([date(2024, 1, 1)]),
            "CLM_THRU_DT": pa.array(["20240105"]),
            "PRVDR_NUM": pa.array([12501]),
            "PTNT_DSCHRG_STUS_CD": pa.array([2.0]),
            "CLM_FAC_TYPE_CD": pa.array(["1"]),
            "PRNCPAL_DGNS_CD": pa.array(["i48.20"]),
            "CLM_PMT_AMT": pa.array([1200.5]),
        }
    )
    pq.write_table(table, tmp_path / "inpatient_base.parquet")
    assert load(tmp_path, medicare.CLAIM).equals(good)


def test_blanks_around_a_text_do_not_count_in_any_file(tmp_path: Path) -> None:
    texts = ["In-Center Hemodialysis  ", "\tHome\u00a0Training\u200b", "\ufeffPeritoneal\t "]
    rows = [f"{place}|{text}" for place, text in enumerate(texts, start=1)]
    for kind in ("text", "parquet"):
        (tmp_path / kind).mkdir()
    write(tmp_path / "text", "eqrs_facility_service.txt", "FACILITYID|SERVICE", *rows)
    table = pa.table({"FACILITYID": [1, 2, 3], "SERVICE": texts})
    pq.write_table(table, tmp_path / "parquet" / "eqrs_facility_service.parquet")
    for kind in ("text", "parquet"):
        found = load(tmp_path / kind, eqrs.EQRS_FACILITY_SERVICE).sort_values("facilityid")
        assert found["service"].tolist() == [
            "In-Center Hemodialysis",
            "Home\u00a0Training",
            "Peritoneal",
        ]


def test_an_empty_text_in_parquet_is_none(tmp_path: Path) -> None:
    table = pa.table({"FACILITYID": [1], "STATE": ["  "]})
    pq.write_table(table, tmp_path / "eqrs_facility.parquet")
    assert load(tmp_path, eqrs.EQRS_FACILITY)["state"].isna().all()


def test_floats_of_32_bits_are_the_decimals_they_were_made_from(tmp_path: Path) -> None:
    written = [8.88, 1.2, 10.2, 1e-05]
    count = len(written)
    table = pa.table(
        {
            "PATIENT_ID": pa.array(range(1, count + 1), pa.float32()),
            "FACILITYID": pa.array([1] * count),
            "MONTH": pa.array([date(2024, 3, 1)] * count),
            "RECORD_NUMBER": pa.array([1] * count),
            "KTV_VALUE": pa.array(written, pa.float32()),
        }
    )
    pq.write_table(table, tmp_path / "eqrs_clinical_month.parquet")
    rows = load(tmp_path, clinical.EQRS_CLINICAL_MONTH)
    assert rows["ktv_value"].tolist() == written


def test_an_identifier_of_32_bits_that_may_be_its_neighbour_s_is_refused(tmp_path: Path) -> None:
    numbers = pa.array([16777215.0, 16777217.0], pa.float32())
    lines = {"BENE_ID": numbers, "ENTRY_DATE": pa.array([date(2024, 1, 1)] * 2)}
    pq.write_table(pa.table(lines), tmp_path / "mds_stay.parquet")
    with pytest.raises(SourceError, match=r"row 3, column 'BENE_ID': .*2\^24 of 32 bits"):
        load(tmp_path, register.MDS_STAY)


def test_an_amount_that_is_no_finite_number_is_refused_in_parquet_too(tmp_path: Path) -> None:
    lines = {"CLM_ID": [10, 11], "CLM_LINE_NUM": [1, 1], "REV_CNTR": ["0821", "0821"]}
    amounts = pa.array([3.0, float("inf")])
    pq.write_table(
        pa.table({**lines, "REV_CNTR_UNIT_CNT": amounts}), tmp_path / "outpatient_revenue.parquet"
    )
    with pytest.raises(SourceError, match="row 3, column 'REV_CNTR_UNIT_CNT': is not a finite"):
        load(tmp_path, medicare.CLAIM_REVENUE)


def test_numbers_of_people_lose_their_dashes_and_get_their_zeros_back(tmp_path: Path) -> None:
    write(
        tmp_path,
        "eqrs_patient.csv",
        "patient_id,mbi,ssn,date_of_birth",
        "1,1eg4-te5-mk73,012-34-5678,1950-02-03",
        "2,1EG4TE5MK74,12345678,1950-02-03",
    )
    rows = load(tmp_path, eqrs.EQRS_PATIENT)
    assert rows["mbi"].tolist() == ["1EG4TE5MK73", "1EG4TE5MK74"]
    assert rows["ssn"].tolist() == ["012345678", "012345678"]


def test_a_zip_code_of_nine_digits_gets_the_zeros_back_that_it_lost(tmp_path: Path) -> None:
    written = {"02101-1234": "02101-1234", "21011234": "021011234", "5010001.0": "005010001"}
    written |= {"021011234": "021011234", "2101": "02101", "501.0": "00501", "H3Z 2Y7": "H3Z 2Y7"}
    rows = [f"{number},1950-02-03,{code}" for number, code in enumerate(written, start=1)]
    write(tmp_path, "eqrs_patient.csv", "patient_id,date_of_birth,zip_code", *rows)
    assert load(tmp_path, eqrs.EQRS_PATIENT)["zip_code"].tolist() == [*written.values()]


STAY_DAYS = ("31-Dec-9999", "31DEC9999", "99991231", "9999-12-31", "01-Jan-1000", "00010101")


def test_a_day_by_which_databases_write_that_there_is_none_is_none(tmp_path: Path) -> None:
    rows = [f"{number}|01-Feb-2024|{day}" for number, day in enumerate(STAY_DAYS, start=1)]
    rows.append("99|01-Feb-2024|03-Mar-2024")
    write(tmp_path, "mds_stay.txt", "BENE_ID|ENTRY_DATE|DISCHARGE_DATE", *rows)
    found = load(tmp_path, register.MDS_STAY)["discharge_date"]
    assert found.notna().sum() == 1
    assert found.dropna().tolist() == [date(2024, 3, 3)]


def test_so_it_is_in_parquet(tmp_path: Path) -> None:
    table = {
        "BENE_ID": pa.array([1, 2]),
        "ENTRY_DATE": pa.array([date(2024, 2, 1)] * 2),
        "DISCHARGE_DATE": pa.array([date(9999, 12, 31), date(2024, 3, 3)]),
    }
    pq.write_table(pa.table(table), tmp_path / "mds_stay.parquet")
    found = load(tmp_path, register.MDS_STAY)["discharge_date"]
    assert found.tolist()[1] == date(2024, 3, 3)
    assert pd.isna(found.tolist()[0])


def test_a_delimiter_at_the_end_of_every_line_is_no_column(tmp_path: Path) -> None:
    write(tmp_path, "mds_stay.txt", "BENE_ID|ENTRY_DATE|", "7|01-JAN-2024|")
    assert load(tmp_path, register.MDS_STAY)["bene_id"].tolist() == [7]


@pytest.mark.parametrize("sign", ["|", ",", "\t"])
def test_a_delimiter_at_the_end_of_the_header_alone_is_no_column(tmp_path: Path, sign: str) -> None:
    good = ["FACILITYID|SERVICE", *(f"{n}|In-Center Hemodialysis" for n in range(1, 12_000))]
    for folder, header in (("plain", good[0]), ("longer", f"{good[0]}|")):
        (tmp_path / folder).mkdir()
        lines = [line.replace("|", sign) for line in (header, *good[1:])]
        write(tmp_path / folder, "eqrs_facility_service.csv", *lines)
    plain = load(tmp_path / "plain", eqrs.EQRS_FACILITY_SERVICE)
    assert len(plain) == 11_999
    assert load(tmp_path / "longer", eqrs.EQRS_FACILITY_SERVICE).equals(plain)


def test_a_bad_row_below_a_longer_header_is_told_by_its_row(tmp_path: Path) -> None:
    write(tmp_path, "eqrs_facility_service.txt", "FACILITYID|SERVICE|", "7|CAPD", "x|CAPD")
    with pytest.raises(SourceError, match="row 3, column 'FACILITYID': is not a whole number"):
        load(tmp_path, eqrs.EQRS_FACILITY_SERVICE)


def test_compressed_and_tab_delimited_text_is_read(tmp_path: Path) -> None:
    text = "BENE_ID\tENTRY_DATE\n7\t01-JAN-2024\n8\t02-JAN-2024\n"
    (tmp_path / "mds_stay.tsv.gz").write_bytes(gzip.compress(text.encode()))
    assert load(tmp_path, register.MDS_STAY)["bene_id"].tolist() == [7, 8]


def test_lines_that_end_in_two_ways_are_told(tmp_path: Path) -> None:
    (tmp_path / "mds_stay.txt").write_bytes(b"BENE_ID|ENTRY_DATE\r\n7|01-JAN-2024\n8|02-JAN-2024\n")
    with pytest.raises(SourceError, match="some lines with CRLF and others with LF"):
        load(tmp_path, register.MDS_STAY)


def test_utf_16_is_named(tmp_path: Path) -> None:
    text = "BENE_ID|ENTRY_DATE\n7|01-JAN-2024\n"
    (tmp_path / "mds_stay.txt").write_bytes(text.encode("utf-16"))
    with pytest.raises(SourceError, match=r"mds_stay\.txt: is UTF-16"):
        load(tmp_path, register.MDS_STAY)
