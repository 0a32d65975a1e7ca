"""For any change of a file, a reader returns a valid frame or raises SourceError."""

import csv
import io
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from esrd_pipeline.sources.errors import SourceError
from esrd_pipeline.sources.headers import api_name
from esrd_pipeline.sources.layout import SourceColumn, load_layout
from esrd_pipeline.sources.table import read_table
from esrd_pipeline.tables import raw
from esrd_pipeline_tests.sources.sample_files import YEAR, sample_rows

SOURCE = st.sampled_from(
    ["dfc_facility", "qip_complete", "ich_cahps_facility", "ece_grant", "qip_standard"]
)
PLACE = st.integers(0, 10_000)
MANGLED = settings(max_examples=60)


def to_bytes(rows: list[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def read_bytes(content: bytes, source: str) -> pd.DataFrame | SourceError:
    """Read the content as a file; every exception but SourceError passes through."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "published.csv"
        path.write_bytes(content)
        try:
            frame = read_table(path, source, YEAR, may_be_empty=True)
        except SourceError as error:
            return error
    assert frame.columns.tolist() == raw.raw_table(source).column_names
    assert not frame.duplicated(list(raw.raw_table(source).key)).any()
    return frame


@cache
def plain_frame(source: str) -> pd.DataFrame:
    outcome = read_bytes(to_bytes(sample_rows(source)), source)
    assert isinstance(outcome, pd.DataFrame)
    return outcome


def assert_error(content: bytes, source: str) -> None:
    outcome = read_bytes(content, source)
    assert isinstance(outcome, SourceError)
    assert outcome.file == "published.csv"
    assert outcome.rule
    lines = content.count(b"\n") + content.count(b"\r") + 1
    assert outcome.row is None or 1 <= outcome.row <= lines + 1


def assert_equal(content: bytes, source: str) -> None:
    outcome = read_bytes(content, source)
    assert isinstance(outcome, pd.DataFrame)
    assert_frame_equal(outcome, plain_frame(source))


def assert_lacks(outcome: pd.DataFrame, source: str, column: SourceColumn) -> None:
    """The table lacks one column that nothing needs, and is the same in all others."""
    assert not column.is_needed
    assert outcome[column.name].isna().all()
    others = [name for name in outcome.columns if name != column.name]
    assert_frame_equal(outcome[others], plain_frame(source)[others])


@MANGLED
@given(SOURCE, PLACE)
def test_a_dropped_column(source: str, place: int) -> None:
    rows = sample_rows(source)
    dropped = place % len(rows[0])
    column = load_layout(source, YEAR)[dropped]
    content = to_bytes([row[:dropped] + row[dropped + 1 :] for row in rows])
    if column.is_needed:
        assert_error(content, source)
    else:
        outcome = read_bytes(content, source)
        assert isinstance(outcome, pd.DataFrame)
        assert_lacks(outcome, source, column)


@MANGLED
@given(SOURCE, PLACE, PLACE)
def test_a_repeated_column(source: str, place: int, target: int) -> None:
    rows = sample_rows(source)
    repeated, target = place % len(rows[0]), target % len(rows[0])
    assert_error(to_bytes([[*row[:target], row[repeated], *row[target:]] for row in rows]), source)


@MANGLED
@given(SOURCE, PLACE, st.text())
def test_a_renamed_column(source: str, place: int, name: str) -> None:
    rows = sample_rows(source)
    column = load_layout(source, YEAR)[place % len(rows[0])]
    rows[0][place % len(rows[0])] = name
    outcome = read_bytes(to_bytes(rows), source)
    if isinstance(outcome, SourceError):
        return
    if api_name(name) in column.api_names:
        assert_frame_equal(outcome, plain_frame(source))
    else:
        assert_lacks(outcome, source, column)


@MANGLED
@given(SOURCE, PLACE, PLACE)
def test_two_columns_change_places(source: str, first: int, second: int) -> None:
    rows = sample_rows(source)
    one, other = first % len(rows[0]), second % len(rows[0])
    for row in rows:
        row[one], row[other] = row[other], row[one]
    assert_equal(to_bytes(rows), source)


@MANGLED
@given(SOURCE, PLACE, PLACE, PLACE)
def test_two_cells_change_places(source: str, row: int, first: int, second: int) -> None:
    rows = sample_rows(source)
    cells = rows[row % len(rows)]
    one, other = first % len(cells), second % len(cells)
    cells[one], cells[other] = cells[other], cells[one]
    read_bytes(to_bytes(rows), source)


@MANGLED
@given(SOURCE, PLACE, PLACE, st.text())
def test_any_text_in_any_cell(source: str, row: int, place: int, text: str) -> None:
    rows = sample_rows(source)
    rows[row % len(rows)][place % len(rows[0])] = text
    read_bytes(to_bytes(rows), source)


@MANGLED
@given(SOURCE, PLACE)
def test_a_file_cut_off_inside_a_row(source: str, place: int) -> None:
    content = to_bytes(sample_rows(source))
    cut = place % len(content)
    if content[:cut].endswith(b"\n"):
        assert isinstance(read_bytes(content[:cut], source), pd.DataFrame)
    else:
        assert_error(content[:cut], source)


@MANGLED
@given(SOURCE, PLACE, st.sampled_from(["utf-16", "utf-16-le", "utf-32", "cp037"]))
def test_another_encoding(source: str, place: int, encoding: str) -> None:
    rows = sample_rows(source)
    rows[1 + place % (len(rows) - 1)][place % len(rows[0])] += "é"
    assert_error(to_bytes(rows).decode().encode(encoding), source)


@MANGLED
@given(SOURCE, PLACE, st.binary(min_size=1, max_size=8))
def test_bytes_put_anywhere(source: str, place: int, extra: bytes) -> None:
    content = to_bytes(sample_rows(source))
    target = place % len(content)
    read_bytes(content[:target] + extra + content[target:], source)


@MANGLED
@given(SOURCE, st.lists(st.integers(0, 5), max_size=4))
def test_blank_lines(source: str, places: list[int]) -> None:
    lines = to_bytes(sample_rows(source)).split(b"\n")
    for place in places:
        lines.insert(place, b"")
    assert_equal(b"\n".join(lines), source)


@MANGLED
@given(st.binary(max_size=200))
@example(b"\x0b\x0b\x00")
@example(b"\r\r\x00")
def test_any_bytes_at_all(content: bytes) -> None:
    assert_error(content, "dfc_facility")
