"""Patient-level extracts: Parquet and text in, typed partitions out, errors of invalid files."""

import gzip
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from esrd_pipeline.sources.errors import SourceError
from esrd_pipeline.sources.extract_files import find_extracts
from esrd_pipeline.tables import eqrs, medicare, register
from esrd_pipeline_tests.shared_files import SHARED
from esrd_pipeline_tests.sources.extracts import YEAR, load, write

SAMPLES = SHARED / "layouts" / "rif_samples"
ADMISSION = "PATIENT_ID|FACILITYID|ADMIT_DATE|ADMIT_REASON|DISCHARGE_DATE|DISCHARGE_REASON"
GOOD = "7|11|05-JAN-2024|New ESRD Patient|17-Mar-2024|Transfer Out"


def test_pipe_delimited_text_is_typed_and_blanks_are_nulls(tmp_path: Path) -> None:
    write(tmp_path, "eqrs_admission.txt", ADMISSION, GOOD, "8|12|20240201|Transfer In| |")
    rows = load(tmp_path, eqrs.EQRS_ADMISSION)
    assert rows["patient_id"].tolist() == [7, 8]
    assert rows["admit_date"].tolist() == [date(2024, 1, 5), date(2024, 2, 1)]
    assert rows["discharge_date"].tolist() == [date(2024, 3, 17), None]
    assert rows["discharge_reason"].isna().tolist() == [False, True]
    assert rows["performance_year"].tolist() == [YEAR, YEAR]


def test_comma_separated_text_keeps_quoted_commas_and_leading_zeros(tmp_path: Path) -> None:
    header = "facilityid,provnum,facility_name,is_profit,zip_code"
    write(tmp_path, "EQRS_FACILITY.csv", header, '1,012345,"Kidney Care, North",Y,01234')
    (row,) = load(tmp_path, eqrs.EQRS_FACILITY).to_dict("records")
    assert (row["provnum"], row["zip_code"]) == ("012345", "01234")
    assert row["facility_name"] == "Kidney Care, North"
    assert row["is_profit"] is True


def test_parquet_of_other_types_gives_the_same_rows_as_text(tmp_path: Path) -> None:
    text, parquet = tmp_path / "text", tmp_path / "parquet"
    text.mkdir()
    parquet.mkdir()
    write(text, "ssa_death.txt", "SSN|DATE_OF_BIRTH|DATE_OF_DEATH", "012345678|1950-02-03|20240930")
    table = pa.table(
        {
            "SSN": pa.array(["012345678"]),
            "DATE_OF_BIRTH": pa.array([date(1950, 2, 3)]),
            "DATE_OF_DEATH": pa.array([pd.Timestamp(2024, 9, 30)], pa.timestamp("us")),
        }
    )
    pq.write_table(table, parquet / "ssa_death.parquet")
    assert load(text, register.SSA_DEATH).equals(load(parquet, register.SSA_DEATH))


def test_the_settings_of_institutional_claims_are_one_table(tmp_path: Path) -> None:
    header = "BENE_ID|CLM_ID|NCH_CLM_TYPE_CD|CLM_FROM_DT|CLM_THRU_DT"
    write(tmp_path, "inpatient_base.txt", header, "1|10|60|01-JAN-2024|05-JAN-2024")
    write(tmp_path, "outpatient_base.txt", header, "1|20|40|07-JAN-2024|07-JAN-2024")
    assert load(tmp_path, medicare.CLAIM)["nch_clm_type_cd"].tolist() == ["60", "40"]


def test_a_table_without_a_file_has_no_rows(tmp_path: Path) -> None:
    assert load(tmp_path, register.MDS_STAY).empty


@pytest.mark.parametrize("folder", ["a[1]?*'b", "a**b", "ssn=1"])
def test_files_are_read_from_their_folder_whatever_its_name(tmp_path: Path, folder: str) -> None:
    header = "SSN|DATE_OF_BIRTH|DATE_OF_DEATH"
    dates = {"DATE_OF_BIRTH": [date(1950, 2, 3)], "DATE_OF_DEATH": [date(2024, 9, 30)]}
    for place, ssn in ((folder, "012345678"), ("a1xyz'b", "987654321"), ("a1b", "987654321")):
        for kind in ("text", "parquet"):
            (tmp_path / place / kind).mkdir(parents=True)
        write(tmp_path / place / "text", "ssa_death.txt", header, f"{ssn}|1950-02-03|20240930")
        table = pa.table({"SSN": [ssn], **dates})
        pq.write_table(table, tmp_path / place / "parquet" / "ssa_death.parquet")
    for kind in ("text", "parquet"):
        rows = load(tmp_path / folder / kind, register.SSA_DEATH)
        assert rows["ssn"].tolist() == ["012345678"], kind


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            (ADMISSION, GOOD, GOOD.replace("05-JAN-2024", "31-FEB-2024")),
            "eqrs_admission.txt, row 3, column 'ADMIT_DATE': is not a date",
        ),
        (
            (ADMISSION, GOOD.replace("7|11", "seven|11")),
            "eqrs_admission.txt, row 2, column 'PATIENT_ID': is not a whole number",
        ),
        (
            ("PATIENT_ID|FACILITYID|ADMIT_DATE", "7|11|05-JAN-2024"),
            "eqrs_admission.txt, column 'ADMIT_REASON': the column is missing",
        ),
        (
            (ADMISSION, GOOD, GOOD + "|left over"),
            "eqrs_admission.txt, row 3: is not delimited text with as many cells as the header",
        ),
        ((f"{ADMISSION}|patient_id", f"{GOOD}|7"), "row 1: a column's name appears twice"),
        (("",), "eqrs_admission.txt: has no header"),
    ],
)
def test_a_bad_file_is_told_by_file_row_column_and_rule(
    tmp_path: Path, lines: tuple[str, ...], message: str
) -> None:
    write(tmp_path, "eqrs_admission.txt", *lines)
    with pytest.raises(SourceError) as caught:
        load(tmp_path, eqrs.EQRS_ADMISSION)
    assert message in str(caught.value)
    for value in ("31-FEB-2024", "seven", "left over"):
        assert value not in str(caught.value)


def test_two_files_of_one_extract_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "eqrs_admission.txt", ADMISSION, GOOD)
    write(tmp_path, "eqrs_admission.csv", ADMISSION, GOOD)
    with pytest.raises(SourceError, match="several files of one extract"):
        find_extracts(tmp_path, eqrs.EQRS_ADMISSION)


def test_a_file_that_is_not_parquet_is_named(tmp_path: Path) -> None:
    write(tmp_path, "mds_stay.parquet", "no Parquet")
    with pytest.raises(SourceError, match=r"mds_stay.parquet: is not a Parquet file"):
        find_extracts(tmp_path, register.MDS_STAY)


def place_samples(folder: Path, kind: str) -> None:
    """Lay CMS's own RIF samples into a folder under the names an operator would give them."""
    if not SAMPLES.is_dir():
        pytest.skip("the shared folder with CMS's RIF samples is not beside the repository")
    names = {
        "bcarrier": "carrier",
        "beneficiaries": "medicare_enrollment",
        "beneficiary_2020": "medicare_enrollment",
    }
    for path in SAMPLES.glob(f"{kind}-*"):
        stem = path.stem.removeprefix(f"{kind}-")
        (folder / f"{names.get(stem, stem)}{path.suffix}").write_bytes(path.read_bytes())


@pytest.mark.parametrize(
    ("kind", "claims", "lines", "carrier_lines"),
    [("samhsa", 3249, 3249, 606), ("sample-a", 5, 5, 1), ("synthea", 51, 125, 0)],
)
def test_real_rif_samples_load(
    tmp_path: Path, kind: str, claims: int, lines: int, carrier_lines: int
) -> None:
    place_samples(tmp_path, kind)
    base = load(tmp_path, medicare.CLAIM)
    assert len(base) == claims
    assert base["clm_id"].is_unique
    assert set(base["nch_clm_type_cd"]) == {"10", "20", "40", "50", "60"}
    assert base["clm_thru_dt"].notna().all()
    revenue = load(tmp_path, medicare.CLAIM_REVENUE)
    assert len(revenue) == lines
    assert set(revenue["clm_id"]) <= set(base["clm_id"])
    assert len(load(tmp_path, medicare.CARRIER_LINE)) == carrier_lines


def test_a_real_beneficiary_file_maps_to_the_names_of_the_codebook(tmp_path: Path) -> None:
    place_samples(tmp_path, "sample-a")
    (row,) = load(tmp_path, medicare.MEDICARE_ENROLLMENT).to_dict("records")
    assert (row["bene_id"], row["mbi_num"]) == (567834, "3456789")
    assert row["bene_crnt_hic_num"] == "543217066U"
    assert row["bene_birth_dt"] == date(1981, 3, 17)
    assert row["sex_ident_cd"] == "1"
    assert row["hmo_ind_01"] is not None


def test_a_file_that_ends_within_its_last_value_may_be_cut_off(tmp_path: Path) -> None:
    cut = f"{ADMISSION}\n{GOOD}\n8|12|20240201|Transfer In|20240301|Transfer O"
    (tmp_path / "eqrs_admission.txt").write_text(cut, encoding="utf-8")
    with pytest.raises(SourceError, match="ends within a line, as a file that is cut off does"):
        load(tmp_path, eqrs.EQRS_ADMISSION)


def test_an_end_within_a_column_that_nothing_needs_is_read(tmp_path: Path) -> None:
    whole = f"{ADMISSION}|REMARK\n{GOOD}|none"
    (tmp_path / "eqrs_admission.txt").write_text(whole, encoding="utf-8")
    assert len(load(tmp_path, eqrs.EQRS_ADMISSION)) == 1


@pytest.mark.parametrize("lost", [1, 40])
def test_a_compressed_file_that_is_cut_off_is_refused(tmp_path: Path, lost: int) -> None:
    packed = gzip.compress(f"{ADMISSION}\n{GOOD}\n".encode())
    (tmp_path / "eqrs_admission.txt.gz").write_bytes(packed[:-lost])
    with pytest.raises(SourceError, match="gzip"):
        load(tmp_path, eqrs.EQRS_ADMISSION)
