"""Identifiers that are text, or numbers of 64 bits: the number that stands for each."""

import hashlib
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from esrd_pipeline.sources import identifiers
from esrd_pipeline.sources.errors import SourceError
from esrd_pipeline.tables import medicare, register
from esrd_pipeline_tests.sources.extracts import load, write

TEXT = "0002056B40CEE448"
CASED = ("ggggjBByyAjABBn", "ggggjBByyAjABBN")


def digest(identifier: str) -> int:
    """What data/README.md says: how an agency finds the number of one of its identifiers."""
    md5 = hashlib.md5(identifier.encode(), usedforsecurity=False).hexdigest()
    return -5_000_000_000_000_000_000 - int(md5[:16], 16) % 4_000_000_000_000_000_000


def stored(folder: Path, *texts: str) -> list[int]:
    """Store nursing home stays of these beneficiaries; return their numbers in the files' order."""
    days = [f"2024-01-{day:02d}" for day in range(1, len(texts) + 1)]
    lines = (f"{text}|{day}" for text, day in zip(texts, days, strict=True))
    write(folder, "mds_stay.txt", "BENE_ID|ENTRY_DATE", *lines)
    rows = load(folder, register.MDS_STAY)
    return [int(number) for number in rows.sort_values("entry_date")["bene_id"]]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("7", 7),
        ("+7", 7),
        ("007", 7),
        ("7.0", 7),
        ("-10000010254618", -10000010254618),
        ("000000123456789", 123456789),
        ("999999999999999999", 999999999999999999),
        ("-999999999999999999", -999999999999999999),
        ("999999999999999.0", 999999999999999),
        ("1000000000000000000", digest("1000000000000000000")),
        ("-1000000000000000000", digest("-1000000000000000000")),
        ("0018446744073709551615", digest("18446744073709551615")),
        (TEXT, digest(TEXT)),
        (f"{TEXT}  ", digest(TEXT)),
        (CASED[0], digest(CASED[0])),
        ("12345678E9012345", digest("12345678E9012345")),
    ],
)
def test_an_identifier_has_one_number(tmp_path: Path, text: str, number: int) -> None:
    assert stored(tmp_path, text) == [number]


def test_the_formula_is_fixed(tmp_path: Path) -> None:
    assert stored(tmp_path, TEXT) == [-5184215540723393811]


def test_a_number_does_not_depend_on_the_rows_around_it(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    first = stored(tmp_path / "one", TEXT, *CASED, "7")
    assert stored(tmp_path / "two", "7", *reversed(CASED), TEXT) == first[::-1]
    assert len(set(first)) == 4


@pytest.mark.parametrize(
    "text",
    [
        "1.6",
        "9.00001E+14",
        "9.0000123456E+14",
        "9E14",
        "1234567890123456.0",
        "SECRET9",
        "18446744073709551616",
        "-9223372036854775809",
        "0002056B40CE-448",
        "0002056B 0CEE448",
        "0002056B40CEE4480",
        "0002056B40CEE4é8",
        "2024-01-01 00:00",
    ],
)
def test_what_is_no_identifier_is_refused_without_its_text(tmp_path: Path, text: str) -> None:
    rule = r"^mds_stay.txt, row 3, column 'BENE_ID': is not a whole number of at most 64 bits"
    with pytest.raises(SourceError, match=rule) as caught:
        stored(tmp_path, "7", text)
    assert text not in str(caught.value)


@pytest.mark.parametrize(
    "column",
    [
        pa.array([7, 2**64 - 1, 10**18], pa.uint64()),
        pa.array(["7", str(2**64 - 1), str(10**18)]),
        pa.array([7, 2**64 - 1, 10**18], pa.decimal128(20)),
    ],
)
def test_numbers_and_texts_in_parquet_have_the_numbers_of_text(
    tmp_path: Path, column: pa.Array
) -> None:
    days = pa.array(["20240101", "20240102", "20240103"])
    pq.write_table(pa.table({"bene_id": column, "entry_date": days}), tmp_path / "mds_stay.parquet")
    rows = load(tmp_path, register.MDS_STAY).sort_values("entry_date")
    assert rows["bene_id"].tolist() == [7, digest(str(2**64 - 1)), digest(str(10**18))]


def test_a_float_in_parquet_is_an_identifier_while_it_is_exact(tmp_path: Path) -> None:
    def write_floats(*values: float) -> None:
        days = pa.array(["20240101"] * len(values))
        pq.write_table(
            pa.table({"bene_id": pa.array(values), "entry_date": days}),
            tmp_path / "mds_stay.parquet",
        )

    write_floats(7.0, 2.0**53 - 1)
    assert sorted(load(tmp_path, register.MDS_STAY)["bene_id"]) == [7, 2**53 - 1]
    for value in (2.0**53, 1.6, float("nan"), 1e18):
        write_floats(7.0, value)
        with pytest.raises(SourceError, match=r"row 3, column 'bene_id': .* below 2\^53"):
            load(tmp_path, register.MDS_STAY)


def test_claims_and_their_lines_have_the_same_numbers(tmp_path: Path) -> None:
    header = "BENE_ID|CLM_ID|NCH_CLM_TYPE_CD|CLM_FROM_DT|CLM_THRU_DT|CLM_LINE_NUM|REV_CNTR"
    lines = [f"{TEXT}|{CASED[0]}|40|20240101|20240131|{line}|0821" for line in (1, 2)]
    write(tmp_path, "outpatient.txt", header, *lines)
    (claim,) = load(tmp_path, medicare.CLAIM)[["bene_id", "clm_id"]].to_numpy().tolist()
    assert claim == [digest(TEXT), digest(CASED[0])]
    assert load(tmp_path, medicare.CLAIM_REVENUE)["clm_id"].tolist() == [digest(CASED[0])] * 2


def enrolled(folder: Path, *texts: str) -> pd.DataFrame:
    write(folder, "medicare_enrollment_1.txt", "BENE_ID|MBI_NUM", *(f"{t}|" for t in texts[:1]))
    write(folder, "medicare_enrollment_2.txt", "BENE_ID|MBI_NUM", *(f"{t}|" for t in texts[1:]))
    return load(folder, medicare.MEDICARE_ENROLLMENT)


def test_two_identifiers_of_one_number_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(enrolled(tmp_path, TEXT, *CASED, "7", "8")) == 5
    # Zeros at the front are dropped, so these two would be one person.
    with pytest.raises(SourceError) as caught:
        enrolled(tmp_path, TEXT, "123456789", "000000123456789")
    assert str(caught.value) == (
        "medicare_enrollment_2.txt, row 2, column 'BENE_ID': is an identifier of which another one"
        " has the same number"
    )
    monkeypatch.setattr(identifiers, "SPAN", 1)
    with pytest.raises(SourceError, match=r"^medicare_enrollment_1.txt, row 2, .* the same number"):
        enrolled(tmp_path, TEXT, "7", CASED[0])
