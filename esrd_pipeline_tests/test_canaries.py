"""What a search for canaries finds, and what it does not take for one."""

import gzip
import pickle
import re
import sqlite3
import zlib
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from esrd_pipeline.synthetic.nation.files import list_files
from esrd_pipeline_tests.canaries import DATES, NAMES, NUMBERS, TEXTS, found, plant, planted, search

FILE = """\
PATIENT_ID|MBI|SSN|FIRST_NAME|DATE_OF_BIRTH|SEX|STATE
100009|1S00H88JM67|927534967|Robert|26-Nov-1935|M|AZ
"""
NUMBER = 731_100_000_100_009


@pytest.fixture
def canaries(tmp_path: Path) -> set[bytes]:
    """The canaries of a file of one person."""
    (tmp_path / "eqrs_patient.txt").write_text(FILE)
    plant(tmp_path)
    listed = planted(tmp_path)
    assert f"{NUMBER}|1S00H88JM67|927534967|Quokkafbbbb|26-Nov-1935|M|AZ" in (
        tmp_path / "eqrs_patient.txt"
    ).read_text(encoding="utf-8")
    (tmp_path / "eqrs_patient.txt").unlink()
    return listed


@pytest.mark.parametrize(
    "message",
    [
        f"patient {NUMBER} has two",
        f"x{NUMBER}.0",
        "MBI 1s00h88jm67",
        "1S00-H88-JM67",
        "(927534967)",
        "927-53-4967",
        r'{"message": "row\n927534967"}',
        "Mr Quokkafbbbb",
        *("1935-11-26T00:00:00", "26NOV1935", "26-Nov-1935", "11/26/1935", "19351126"),
        "datetime.date(1935, 11, 26)",
        pickle.dumps(NUMBER),
        pickle.dumps(np.array([1, NUMBER])),
        pickle.dumps(pd.DataFrame({"patient_id": [NUMBER, None], "mbi": ["", None]})),
    ],
)
def test_a_person_is_found_in_text_and_in_pickles(
    message: str | bytes, canaries: set[bytes]
) -> None:
    assert search(message, canaries)


@pytest.mark.parametrize(
    "message",
    [
        "Robert, M, of AZ has number 100009",
        "0.1927534967 and 0.927534967",
        "sha256 ab927534967ef",
        "12026-01-11 and 1935-11-27",
        f"{NUMBER + 1}",
    ],
)
def test_what_others_share_is_not_taken_for_a_person(message: str, canaries: set[bytes]) -> None:
    assert search(message, canaries) == []


def test_a_canary_is_found_where_two_blocks_of_a_file_meet(canaries: set[bytes]) -> None:
    content = b" " * ((1 << 23) - 5) + str(NUMBER).encode()
    assert search(content, canaries) == [str(NUMBER).encode()]


def test_files_are_opened_whatever_they_are(tmp_path: Path, canaries: set[bytes]) -> None:
    with closing(sqlite3.connect(tmp_path / "runs.db")) as database:
        database.execute("CREATE TABLE event (id INTEGER, body BLOB)")
        body = zlib.compress(b'{"name": "Quokkafbbbb"}')
        database.execute("INSERT INTO event VALUES (?, ?)", (NUMBER, body))
        database.commit()
    (tmp_path / "log.gz").write_bytes(gzip.compress(b"SSN 927534967"))
    pd.DataFrame({"birth": [pd.Timestamp(1935, 11, 26)]}).to_parquet(tmp_path / "x.parquet")
    (tmp_path / "warehouse").mkdir()
    (tmp_path / "warehouse" / "data.txt").write_text(str(NUMBER))
    assert found(tmp_path, canaries) == [
        "log.gz, uncompressed: b'927534967'",
        f"runs.db, event.id: b'{NUMBER}'",
        "runs.db, event.body: b'Quokkafbbbb'",
        "x.parquet, column birth: b'1935-11-26'",
    ]
    assert len(found(tmp_path, canaries, leave_out=())) == 5


def test_every_column_of_a_raw_file_that_tells_who_it_is_about_is_searched() -> None:
    telling = re.compile(
        r"SSN|MBI|HIC|_NAME$|BIRTH|DEATH|DIED|^(PATIENT|BENE|CLM|PERS|PERSON)_ID$|PHONE|EMAIL"
    )
    about_others = {"FACILITY_NAME", "FAC_NAME", "CITY_NAME", "VALID_DEATH_DT_SW"}
    columns = {name.upper() for table in list_files().values() for name in table.column_names}
    named = {name for name in columns if telling.search(name)} - about_others
    assert named <= {*NUMBERS, *NAMES, *TEXTS, *DATES}
