"""Each kind of invalid file gives one error message with file, row, column and rule."""

from collections.abc import Callable
from pathlib import Path

import pytest

from esrd_pipeline.sources.dfc_facility import read_dfc_facility
from esrd_pipeline.sources.ece_grant import read_ece_grant
from esrd_pipeline.sources.errors import SourceError
from esrd_pipeline.sources.ich_cahps_facility import read_ich_cahps_facility
from esrd_pipeline.sources.qip_complete import read_qip_complete
from esrd_pipeline.sources.qip_standard import read_qip_standard
from esrd_pipeline_tests.sources.sample_files import YEAR, column_index, sample_rows, write_rows

READERS = {
    "dfc_facility": read_dfc_facility,
    "qip_complete": read_qip_complete,
    "ich_cahps_facility": read_ich_cahps_facility,
    "ece_grant": read_ece_grant,
    "qip_standard": read_qip_standard,
}
CCN = "CMS Certification Number (CCN)"
LTC_PERCENT = "Percentage of Adult patients with long term catheter in use"
LTC_FRACTION = "Long-term Catheter Achievement Measure Rate"
LTC_COUNT = "Number of Patients Included in Long-term Catheter Measure Score Achievement Period"
LTC_FOOTNOTES = "Long-term Catheter Reason for No Score (See Footnotes File)"
LTC_SCORE = "Long-term Catheter Measure Score"


def caught_error(path: Path, source: str) -> SourceError:
    with pytest.raises(SourceError) as caught:
        READERS[source](path, YEAR)
    assert caught.value.file == "published.csv"
    assert str(path.parent) not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("source", "header", "text", "rule"),
    [
        ("dfc_facility", LTC_PERCENT, "140", "'140' is above the maximum 100"),
        ("dfc_facility", LTC_PERCENT, "140%", "'140%' is above the maximum 100"),
        ("dfc_facility", LTC_PERCENT, "-1", "'-1' is below the minimum 0"),
        ("dfc_facility", LTC_PERCENT, "No Rate", "'No Rate' is not a number"),
        ("dfc_facility", LTC_PERCENT, "nan", "'nan' is not a number"),
        ("dfc_facility", LTC_PERCENT, "1e1", "'1e1' is not a number"),
        ("dfc_facility", LTC_PERCENT, "\u0661", "'\u0661' is not a number"),
        ("dfc_facility", "Five Star", "6", "'6' is above the maximum 5"),
        ("dfc_facility", "Five Star", "2.5", "'2.5' is not a whole number"),
        ("dfc_facility", "Five Star", "0", "'0' is below the minimum 1"),
        ("dfc_facility", CCN, "12306", "'12306' is not a CCN of six digits or capital letters"),
        ("dfc_facility", CCN, "01230a", "'01230a' is not a CCN of six digits or capital letters"),
        ("dfc_facility", CCN, "", "the cell is empty and must not be"),
        ("dfc_facility", CCN, "012300", "'012300' is already in row 2"),
        ("dfc_facility", "Network", "19", "'19' is above the maximum 18"),
        ("dfc_facility", "Network", "West", "'West' is not an ESRD Network"),
        (
            "dfc_facility",
            "Certification Date",
            "2006/01/04",
            "'2006/01/04' is not a date (YYYY-MM-DD, MM/DD/YYYY or DDMonYYYY)",
        ),
        (
            "dfc_facility",
            "Certification Date",
            "2006-02-30",
            "'2006-02-30' is not a day of the calendar",
        ),
        ("dfc_facility", "Certification Date", "0206-01-04", "'0206-01-04' is before 1900"),
        (
            "dfc_facility",
            "Long term catheter Data Availability Code",
            "300",
            "'300' is not a known availability code",
        ),
        (
            "dfc_facility",
            "Long term catheter Data Availability Code",
            "",
            "the cell is empty and must not be",
        ),
        (
            "dfc_facility",
            "Fistula Category Text",
            "Better",
            "'Better' is none of Better than Expected, As Expected, Worse than Expected",
        ),
        (
            "dfc_facility",
            "Offers in-center hemodialysis",
            "Y",
            "'Y' is none of Yes, No, 1, 0, true, false",
        ),
        (
            "dfc_facility",
            "Facility Name",
            "A\x00B",
            r"the text contains the damaged character '\x00'",
        ),
        (
            "dfc_facility",
            CCN,
            "0123\ufffd6",
            r"'0123\ufffd6' has a damaged letter, and the column names the row",
        ),
        (
            "qip_standard",
            "Measure",
            "lt\ufffd",
            r"'lt\ufffd' has a damaged letter, and the column names the row",
        ),
        (
            "dfc_facility",
            LTC_PERCENT,
            "9" * 20,
            f"'{'9' * 20}' has more than 15 digits",
        ),
        ("qip_complete", LTC_FRACTION, "1.2", "'1.2' is above the maximum 1"),
        ("qip_complete", LTC_FRACTION, "140%", "'140%' is above the maximum 1"),
        ("qip_complete", LTC_FRACTION, "No Score", "'No Score' is not a number"),
        ("qip_complete", LTC_FRACTION, "x%", "'x%' is not a number"),
        ("qip_complete", LTC_SCORE, "11", "'11' is above the maximum 10"),
        ("qip_complete", LTC_COUNT, "<7", "'<7' is not a number"),
        ("qip_complete", LTC_FOOTNOTES, "4,99", "'99' in '4,99' is not a known footnote"),
        ("qip_complete", LTC_FOOTNOTES, "4;7", "'4;7' in '4;7' is not a known footnote"),
        (
            "qip_complete",
            "PY2026 Payment Reduction Percentage",
            "2.5%",
            "'2.5%' is above the maximum 2",
        ),
        (
            "ich_cahps_facility",
            "Top box percent of patients-rating of the dialysis facility",
            "101",
            "'101' is above the maximum 100",
        ),
        ("ece_grant", "First Month", "March 2024", "'March 2024' is not a month (YYYY-MM)"),
        ("ece_grant", "First Month", "2024-13", "'2024-13' is not a day of the calendar"),
        ("qip_standard", "Benchmark", "98.2%", "'98.2%' is not a number"),
        ("qip_standard", "Benchmark", "-0.1", "'-0.1' is below the minimum 0"),
        ("qip_standard", "Achievement Threshold", "", "the cell is empty and must not be"),
        ("qip_standard", "Citation", "", "the cell is empty and must not be"),
        ("qip_standard", "Measure", "measure 0", "'measure 0' is already in row 2"),
    ],
)
def test_a_bad_cell(tmp_path: Path, source: str, header: str, text: str, rule: str) -> None:
    rows = sample_rows(source)
    rows[3][column_index(rows, header)] = text
    error = caught_error(write_rows(tmp_path / "published.csv", rows), source)
    assert (error.row, error.column, error.rule) == (4, header, rule)
    assert str(error) == f"published.csv, row 4, column '{header}': {rule}"


def test_the_first_bad_row_of_a_column_is_named(tmp_path: Path) -> None:
    rows = sample_rows("dfc_facility")
    place = column_index(rows, LTC_PERCENT)
    rows[2][place], rows[4][place] = "900", "140"
    error = caught_error(write_rows(tmp_path / "published.csv", rows), "dfc_facility")
    assert (error.row, error.rule) == (3, "'900' is above the maximum 100")


def test_a_line_break_in_a_cell_is_named_by_the_line_its_row_starts_on(tmp_path: Path) -> None:
    rows = sample_rows("dfc_facility")
    rows[1][column_index(rows, "Facility Name")] = "North\nClinic"
    error = caught_error(write_rows(tmp_path / "published.csv", rows), "dfc_facility")
    assert (error.row, error.column) == (2, "Facility Name")


def test_a_blank_line_is_counted(tmp_path: Path) -> None:
    rows = sample_rows("dfc_facility")
    rows[3][column_index(rows, LTC_PERCENT)] = "140"
    broken = write_rows(tmp_path / "published.csv", rows).read_text().split("\n")
    broken.insert(2, "")
    (tmp_path / "published.csv").write_text("\n".join(broken))
    assert caught_error(tmp_path / "published.csv", "dfc_facility").row == 5


def drop(rows: list[list[str]], header: str) -> None:
    place = column_index(rows, header)
    for row in rows:
        del row[place]


def rename(rows: list[list[str]], header: str, name: str) -> None:
    rows[0][column_index(rows, header)] = name


def repeat(rows: list[list[str]], header: str) -> None:
    place = column_index(rows, header)
    for row in rows:
        row.append(row[place])


def add(rows: list[list[str]], header: str) -> None:
    rows[0].append(header)
    for row in rows[1:]:
        row.append("1")


@pytest.mark.parametrize(
    ("mangle", "column", "rule"),
    [
        (lambda rows: drop(rows, "Five Star"), "Five Star", "the column is missing"),
        (
            lambda rows: rename(rows, "Five Star", "Stars"),
            "Five Star",
            "the column is missing; unknown in the file: 'Stars'",
        ),
        (lambda rows: repeat(rows, "Five Star"), "Five Star", "the column appears twice"),
        (lambda rows: add(rows, "five_star"), "five_star", "the column appears twice"),
    ],
)
def test_a_bad_header(
    tmp_path: Path, mangle: Callable[[list[list[str]]], None], column: str, rule: str
) -> None:
    rows = sample_rows("dfc_facility")
    mangle(rows)
    error = caught_error(write_rows(tmp_path / "published.csv", rows), "dfc_facility")
    assert (error.row, error.column, error.rule) == (1, column, rule)


def test_a_file_of_another_year_lacks_this_years_columns(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "published.csv", sample_rows("qip_complete", year=2025))
    assert caught_error(path, "qip_complete").column == "Kt/V Comprehensive Measure Score"


def sample_bytes(path: Path) -> bytes:
    return write_rows(path, sample_rows("dfc_facility")).read_bytes()


@pytest.mark.parametrize(
    ("mangle", "row", "rule"),
    [
        (lambda _: b"", None, "the file is empty"),
        (lambda _: b"\xef\xbb\xbf\n\n", None, "the file is empty"),
        (lambda content: content[: content.index(b"\n") + 1], None, "no row under the header"),
        (lambda content: content[:-30], 5, "the last line does not end: the file was cut off"),
        (
            lambda content: content[:-6] + b"\n",
            5,
            "141 cells where the header has 142",
        ),
        (
            lambda content: content.replace(b"facility_name 1", b"a,b"),
            3,
            "143 cells where the header has 142",
        ),
        (
            lambda content: content.replace(b"facility_name 1", b'"facility'),
            3,
            "the record that starts here is not closed: unexpected end of data",
        ),
        (
            lambda content: content.replace(b"facility_name 1", "Peña".encode("latin-1")),
            3,
            "byte {} of the file is not UTF-8: it may be Windows-1252; save it as UTF-8",
        ),
        (
            lambda content: content.decode().encode("utf-16"),
            None,
            "the file is encoded in UTF-16: save it as UTF-8",
        ),
        (
            lambda content: content.decode().encode("utf-16-le"),
            None,
            "the file is encoded in UTF-16: save it as UTF-8",
        ),
        (
            lambda content: content.replace(b",", b"\t"),
            1,
            "the cells are delimited by tabs: save the file with commas",
        ),
        (
            lambda content: content.replace(b",", b"|"),
            1,
            "the cells are delimited by vertical bars: save the file with commas",
        ),
    ],
)
def test_a_bad_structure(
    tmp_path: Path, mangle: Callable[[bytes], bytes], row: int | None, rule: str
) -> None:
    path = tmp_path / "published.csv"
    content = mangle(sample_bytes(path))
    path.write_bytes(content)
    error = caught_error(path, "dfc_facility")
    assert (error.row, error.column) == (row, None)
    assert error.rule == rule.format(content.find("ñ".encode("latin-1")) + 1)


def test_an_ece_grant_that_ends_before_it_begins(tmp_path: Path) -> None:
    rows = sample_rows("ece_grant", row_count=1)
    rows[1][column_index(rows, "Last Month")] = "2024-02"
    error = caught_error(write_rows(tmp_path / "published.csv", rows), "ece_grant")
    assert str(error) == (
        "published.csv, column 'Last Month': the grant to 012300 from 2024-03 ends before it begins"
    )


def test_no_ece_grants_is_no_error(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "published.csv", sample_rows("ece_grant", row_count=0))
    assert read_ece_grant(path, YEAR).empty


def test_a_standard_in_percent_where_the_rate_is_a_fraction(tmp_path: Path) -> None:
    rows = sample_rows("qip_standard", row_count=2)
    rows[1][:4] = ["shr", "180.2", "150.1", "110"]
    rows[2][:4] = ["ltc", "0.2", "18.35", "0.1"]
    error = caught_error(write_rows(tmp_path / "published.csv", rows), "qip_standard")
    assert str(error) == (
        "published.csv, column 'Performance Standard': 18.35 for ltc is above 1,"
        " the highest rate the Complete QIP file may print"
    )


def test_a_file_of_standards_without_a_row(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "published.csv", sample_rows("qip_standard", row_count=0))
    assert caught_error(path, "qip_standard").rule == "no row under the header"


def test_a_file_in_another_years_folder_is_refused(tmp_path: Path) -> None:
    rows = sample_rows("dfc_facility", year=YEAR, row_count=2)
    at = column_index(rows, "SHR Date")
    for row in rows[1:]:
        row[at] = f"01Jan{YEAR - 1}-31Dec{YEAR - 1}"
    error = caught_error(write_rows(tmp_path / "published.csv", rows), "dfc_facility")
    assert error.column == "SHR Date"
    assert error.rule == (
        f"2 rows report 01Jan{YEAR - 1}-31Dec{YEAR - 1}, which is not calendar year {YEAR}:"
        " put the file into the folder of its own year"
    )


@pytest.mark.parametrize(
    ("period", "is_own"),
    [
        (f"01JAN{YEAR}-31DEC{YEAR}", True),
        # Autumn of the year and spring of the next, as in CMS's files; and the other way round.
        (f"16OCT{YEAR}-09JUL{YEAR + 1}", True),
        (f"16OCT{YEAR - 1}-09JUL{YEAR}", True),
        ("two surveys", True),
        (f"16OCT{YEAR - 2}-09JUL{YEAR - 1}", False),
        (f"16OCT{YEAR + 1}-09JUL{YEAR + 2}", False),
    ],
)
def test_a_survey_of_another_year_is_refused(tmp_path: Path, period: str, *, is_own: bool) -> None:
    rows = sample_rows("ich_cahps_facility", row_count=2)
    at = column_index(rows, "ICH-CAHPS date")
    for row in rows[1:]:
        row[at] = period
    path = write_rows(tmp_path / "published.csv", rows)
    if is_own:
        assert set(read_ich_cahps_facility(path, YEAR)["ich_cahps_period"]) == {period}
        return
    error = caught_error(path, "ich_cahps_facility")
    assert error.column == "ICH-CAHPS date"
    assert error.rule == (
        f"2 rows report {period}, which has no day of calendar year {YEAR}: put the file into the"
        " folder of its own year"
    )
