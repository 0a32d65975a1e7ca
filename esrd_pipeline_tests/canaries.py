"""Canaries: what tells who a patient is, planted in a nation's files and looked for elsewhere.

`plant` makes a small nation's identifiers unmistakable, `planted` lists what is in its files in
every usual spelling, and `found` looks for that in a folder where none of it may be.

Looked for are

* numbers of EQRS patients, beneficiaries, claims and OPTN's people: `plant` brings them to 15
  digits, which no count, size, time or process number has, and which a float still holds exactly;
  as text, and as the bytes in which a pickled number or array holds them;
* MBI, HICN and SSN as they are in the files, with and without dashes;
* names, which `plant` replaces by words that no text has;
* birth dates and dates of death in the spellings of ISO, RIF, SAS, Python and the United States,
  without those that the project's own text has.

States, postal codes, sexes and other dates are not: many people share them.
"""

import csv
import functools
import gzip
import io
import re
import sqlite3
import struct
import traceback
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from esrd_pipeline.synthetic.nation.block import Span
from esrd_pipeline.synthetic.nation.run import Order, synthesize_nation

PATIENT_ROWS = ("warehouse", "explanations")
"""Where patients' rows belong: folders of these names are not searched."""
NUMBERS: Mapping[str, int] = {
    "PATIENT_ID": 731_100_000_000_000,
    "BENE_ID": 742_200_000_000_000,
    "CLM_ID": 753_300_000_000_000,
    "PERS_ID": 764_400_000_000_000,
}
"""Columns of numbers, and what is added to them."""
NAMES: Mapping[str, str] = {
    "FIRST_NAME": "Quokkaf",
    "LAST_NAME": "Quokkal",
    "CLINICIAN_NAME": "Quokkac",
}
"""Columns of names, and how the words begin that replace them."""
TEXTS = (
    *("MBI", "HICN", "SSN", "PERS_SSN"),
    *("MBI_NUM", "BENE_CRNT_HIC_NUM", "BENE_SSN_NUM"),
)
"""Columns of identifiers that are searched as they are."""
DATES = (
    *("DATE_OF_BIRTH", "BENE_BIRTH_DT", "PERS_BIRTH_DT"),
    *("DATE_OF_DEATH", "DEATH_DATE", "BENE_DEATH_DT", "PERS_SSA_DEATH_DATE"),
)
SPELLINGS = (
    *("%Y-%m-%d", "%Y%m%d", "%d-%b-%Y", "%d%b%Y", "%m/%d/%Y", "%d %b %Y", "%B %-d, %Y"),
    "%Y, %-m, %-d",
)
"""How a day is written; the last is Python's own `date(1950, 2, 3)`."""
SHORTEST = 8
"""What is shorter is no canary: it would be found by chance."""
UNMISTAKABLE = 12
"""Digits alone, if fewer, count only where they are a word of their own."""
_ENDS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ESCAPE = re.compile(rb"\\+[nrt]\Z")
_MIXED = np.uint64(0x9E3779B97F4A7C15)
_BITS = 22
_CHUNK = 1 << 23
_PROJECT = Path(__file__).parents[1] / "esrd_pipeline"


def write_planted(folder: Path, *, facilities: int, year: int) -> Path:
    """Write a nation of one year as RIF text below the folder, planted; return the year's."""
    span = Span(seed=11, first_year=year, last_year=year)
    synthesize_nation(Order(facilities, span, folder, kind="rif", workers=1))
    plant(folder / str(year))
    return folder / str(year)


def plant(folder: Path) -> None:
    """Make numbers and names of a year's RIF files unmistakable; who is who stays as it is."""
    for path in sorted(folder.glob("*.txt")):
        rows = read_cells(path)
        for column in rows.columns:
            filled = rows[column] != ""
            if column in NUMBERS:
                moved = rows.loc[filled, column].astype("int64") + NUMBERS[column]
                rows.loc[filled, column] = moved.astype(str)
            elif column in NAMES:
                words = {
                    name: NAMES[column] + _spell(place)
                    for place, name in enumerate(sorted(set(rows.loc[filled, column])))
                }
                rows.loc[filled, column] = rows.loc[filled, column].map(words)
        lines = ["|".join(cells) for cells in (tuple(rows.columns), *rows.to_numpy())]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def planted(folder: Path) -> set[bytes]:
    """Return the canaries of a year's RIF files."""
    numbers, texts, days = set[int](), set[str](), set[date]()
    for path in sorted(folder.glob("*.txt")):
        rows = read_cells(path, only={*NUMBERS, *DATES, *TEXTS, *NAMES})
        for column in rows.columns:
            values = set(rows[column]) - {""}
            if column in NUMBERS:
                numbers |= {int(value) for value in values}
            elif column in DATES:
                days |= {_read_day(value) for value in values}
            elif column in TEXTS or column in NAMES:
                texts |= values
    spelled = {str(number).encode() for number in numbers}
    for number in numbers:
        # An array's integer and float, and the bytes after the length in Python's own pickle.
        spelled |= {number.to_bytes(8, "little"), struct.pack("<d", number)}
        spelled |= {b"\x07" + number.to_bytes(7, "little")}
    for text in texts:
        spelled |= {form.encode() for form in (text, text.lower(), *_dash(text))}
    for day in days - _own_days():
        for spelling in SPELLINGS:
            written = day.strftime(spelling)
            spelled |= {written.encode(), written.upper().encode()}
    return {canary for canary in spelled if len(canary) >= SHORTEST and len(set(canary)) > 1}


def found(
    folder: Path, canaries: Collection[bytes], *, leave_out: Collection[str] = PATIENT_ROWS
) -> list[str]:
    """Return every canary in the files below a folder, with its place.

    Files are read as bytes, and also as what they are: SQLite row by row, Parquet column by column,
    compressed text and blobs as what they were.
    """
    places: list[str] = []
    canaries = frozenset(canaries)  # which knows its hash from the first search on
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and not set(name.parts[:-1]) & set(leave_out):
            for part, content in _read(path):
                places += [f"{name}{part}: {canary!r}" for canary in search(content, canaries)]
    return places


def search(content: bytes | str, canaries: Collection[bytes]) -> list[bytes]:
    """Return the canaries that stand in the content, in alphabetical order."""
    if isinstance(content, str):
        content = content.encode("utf-8", errors="surrogateescape")
    heads, is_head = _index(frozenset(canaries))
    seen = set[bytes]()
    for begin in range(0, len(content), _CHUNK):
        # The windows of a chunk reach into the next.
        chunk = np.frombuffer(content[begin : begin + _CHUNK + SHORTEST - 1], dtype=np.uint8)
        for place in np.flatnonzero(is_head[_hash_windows(chunk)]):
            at = begin + int(place)
            seen |= {
                canary
                for canary in heads.get(content[at : at + SHORTEST], ())
                if canary not in seen
                and content.startswith(canary, at)
                and _stands_alone(content, at, canary)
            }
    return sorted(seen)


def describe(error: BaseException) -> str:
    """Return all that is printed of an error, those it was raised from among it."""
    return "".join(traceback.format_exception(error))


def read_cells(path: Path, only: Collection[str] | None = None) -> pd.DataFrame:
    """Return a RIF file's cells as text, or those of some columns only."""
    return pd.read_csv(
        path,
        sep="|",
        dtype=str,
        keep_default_na=False,
        quoting=csv.QUOTE_NONE,
        usecols=None if only is None else lambda name: name in only,
    )


@functools.cache
def _index(canaries: frozenset[bytes]) -> tuple[dict[bytes, list[bytes]], np.ndarray]:
    """Return the canaries by their first bytes, and a table of the hashes of these."""
    heads: dict[bytes, list[bytes]] = {}
    for canary in canaries:
        if len(canary) < SHORTEST:
            raise ValueError(f"{canary!r} is too short: it would be found by chance")
        heads.setdefault(canary[:SHORTEST], []).append(canary)
    is_head = np.zeros(1 << _BITS, dtype=bool)
    if heads:
        is_head[_hash(np.frombuffer(b"".join(heads), dtype="<u8"))] = True
    return heads, is_head


def _hash_windows(content: np.ndarray) -> np.ndarray:
    count = content.size - SHORTEST + 1
    if count <= 0:
        return np.array([], dtype=np.int64)
    windows = np.zeros(count, dtype=np.uint64)
    for byte in range(SHORTEST):
        windows |= content[byte : byte + count].astype(np.uint64) << np.uint64(8 * byte)
    return _hash(windows)


def _hash(windows: np.ndarray) -> np.ndarray:
    return ((windows * _MIXED) >> np.uint64(64 - _BITS)).astype(np.int64)


def _stands_alone(content: bytes, at: int, canary: bytes) -> bool:
    """Return whether digits are a word of their own, and no part of a hash or of a fraction."""
    if not canary.isdigit() or len(canary) >= UNMISTAKABLE:
        return True
    before, end = content[max(0, at - 4) : at], at + len(canary)
    begins = not before or before[-1] not in _ENDS + b"." or bool(_ESCAPE.search(before))
    return begins and (end == len(content) or content[end] not in _ENDS)


def _read(path: Path) -> Iterator[tuple[str, bytes]]:
    content = path.read_bytes()
    yield "", content
    if content.startswith(b"SQLite format 3\0"):
        yield from _read_sqlite(path)
    elif content.startswith(b"PAR1"):
        table = pq.read_table(io.BytesIO(content)).to_pandas()
        for name, column in table.items():
            yield f", column {name}", "\n".join(str(value) for value in column).encode()
    elif content.startswith(b"\x1f\x8b"):
        yield ", uncompressed", gzip.decompress(content)


def _read_sqlite(path: Path) -> Iterator[tuple[str, bytes]]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        for (table,) in names.fetchall():
            rows = connection.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - a table's own name
            columns = [column[0] for column in rows.description]
            for column, cells in zip(columns, zip(*rows.fetchall(), strict=True), strict=False):
                yield f", {table}.{column}", b"\n".join(_unpack(cell) for cell in cells)


def _unpack(cell: object) -> bytes:
    if not isinstance(cell, bytes):
        return str(cell).encode()
    try:
        return cell + b"\n" + zlib.decompress(cell)
    except zlib.error:
        return cell


@functools.cache
def _own_days() -> frozenset[date]:
    """Return the days that the project's own text has, which it may say of its own accord."""
    written = re.compile(r"(\d{4})-(\d\d)-(\d\d)|\b(?:date|Timestamp)\((\d{4}), (\d+), (\d+)\)")
    days = set[date]()
    for path in _PROJECT.rglob("*.*"):
        if path.suffix in {".py", ".sql", ".csv"}:
            for match in written.finditer(path.read_text(encoding="utf-8")):
                try:
                    days.add(date(*(int(part) for part in match.groups() if part)))
                except ValueError:
                    continue
    return frozenset(days)


def _read_day(text: str) -> date:
    return datetime.strptime(text, "%d-%b-%Y").date()  # noqa: DTZ007 - a day has no time zone


def _dash(text: str) -> Iterator[str]:
    if re.fullmatch(r"\d{9}", text):
        yield f"{text[:3]}-{text[3:5]}-{text[5:]}"
    elif len(text) == 11 and text.isalnum():
        yield f"{text[:4]}-{text[4:7]}-{text[7:]}"


def _spell(number: int) -> str:
    letters = "bcdfghjklmnpqrst"
    return "".join(letters[number >> shift & 15] for shift in (12, 8, 4, 0))
