"""The tables that readers return for valid files of all styles."""

import hashlib
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from esrd_pipeline.sources.dfc_facility import read_dfc_facility
from esrd_pipeline.sources.headers import api_name
from esrd_pipeline.sources.ich_cahps_facility import read_ich_cahps_facility
from esrd_pipeline.sources.layout import load_layout
from esrd_pipeline.sources.qip_complete import read_qip_complete
from esrd_pipeline.sources.qip_standard import read_qip_standard
from esrd_pipeline.sources.table import read_table
from esrd_pipeline.tables import raw
from esrd_pipeline_tests.sources.sample_files import YEAR, column_index, sample_rows, write_rows

SOURCES = [table.path[1] for table in raw.TABLES]
LTC_RATE = "Long-term Catheter Achievement Measure Rate"
YEARS = range(2021, 2027)


def read_rows(path: Path, source: str, rows: list[list[str]], year: int = YEAR) -> pd.DataFrame:
    return read_table(write_rows(path / "published.csv", rows), source, year)


@pytest.mark.parametrize("year", YEARS)
@pytest.mark.parametrize("source", SOURCES)
def test_a_frame_has_exactly_the_columns_of_its_table(
    tmp_path: Path, source: str, year: int
) -> None:
    row_count = 1 if source == "dfc_national" else 3
    rows = sample_rows(source, year=year, row_count=row_count)
    frame = read_rows(tmp_path, source, rows, year)
    assert frame.columns.tolist() == raw.raw_table(source).column_names
    assert len(frame) == row_count
    published = {column.name for column in load_layout(source, year)}
    absent = [
        name for name in frame.columns if name not in {*published, "performance_year", "missing"}
    ]
    assert frame[absent].isna().all(axis=None)


def md5_of(header: str) -> str:
    return hashlib.md5(header.encode(), usedforsecurity=False).hexdigest()


def trail_spaces(rows: list[list[str]]) -> list[list[str]]:
    return [[f"{header} " for header in rows[0]], *rows[1:]]


def name_like_the_api(rows: list[list[str]]) -> list[list[str]]:
    return [[api_name(header) for header in rows[0]], *rows[1:]]


def name_with_a_leading_underscore(rows: list[list[str]]) -> list[list[str]]:
    return [[f"_{api_name(header)}" for header in rows[0]], *rows[1:]]


def reverse_columns(rows: list[list[str]]) -> list[list[str]]:
    return [row[::-1] for row in rows]


def shuffle_columns(rows: list[list[str]]) -> list[list[str]]:
    order = sorted(range(len(rows[0])), key=lambda place: md5_of(rows[0][place]))
    return [[row[place] for place in order] for row in rows]


def reverse_rows(rows: list[list[str]]) -> list[list[str]]:
    return [rows[0], *rows[:0:-1]]


@pytest.mark.parametrize(
    "restyle",
    [
        trail_spaces,
        name_like_the_api,
        name_with_a_leading_underscore,
        reverse_columns,
        shuffle_columns,
        reverse_rows,
    ],
)
@pytest.mark.parametrize("source", ["dfc_facility", "qip_complete", "ich_cahps_facility"])
def test_style_and_order_do_not_matter(
    tmp_path: Path, source: str, restyle: Callable[[list[list[str]]], list[list[str]]]
) -> None:
    rows = sample_rows(source)
    plain = read_rows(tmp_path, source, rows)
    assert_frame_equal(read_rows(tmp_path, source, restyle(rows)), plain)


@pytest.mark.parametrize(
    "rewrite",
    [
        lambda content: b"\xef\xbb\xbf" + content,
        lambda content: content.replace(b"\n", b"\r\n"),
        lambda content: content.replace(b"\n", b"\n\n"),
    ],
    ids=["byte order mark", "carriage returns", "blank lines"],
)
def test_harmless_bytes_do_not_matter(tmp_path: Path, rewrite: Callable[[bytes], bytes]) -> None:
    path = write_rows(tmp_path / "published.csv", sample_rows("dfc_facility"))
    plain = read_dfc_facility(path, YEAR)
    path.write_bytes(rewrite(path.read_bytes()))
    assert_frame_equal(read_dfc_facility(path, YEAR), plain)


def test_every_alias_is_accepted(tmp_path: Path) -> None:
    for source in SOURCES:
        row_count = 1 if source == "dfc_national" else 3
        rows = sample_rows(source, row_count=row_count)
        plain = read_rows(tmp_path, source, rows)
        names = [sorted(column.api_names) for column in load_layout(source, YEAR)]
        for turn in range(max(map(len, names))):
            renamed = [[aliases[turn % len(aliases)] for aliases in names], *rows[1:]]
            assert_frame_equal(read_rows(tmp_path, source, renamed), plain)


def test_no_name_stands_for_two_columns() -> None:
    for source in SOURCES:
        for year in YEARS:
            names = [name for column in load_layout(source, year) for name in column.api_names]
            assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("percent", "fraction", "value"),
    [
        ("12.91%", "0.1291", 0.1291),
        ("29%", "0.29", 0.29),
        ("0.07%", "0.0007", 0.0007),
        ("100.00%", "1.0000", 1.0),
        ("57.00%", ".57", 0.57),
        ("0%", "0", 0.0),
    ],
)
def test_a_percent_is_the_fraction_it_means(
    tmp_path: Path, percent: str, fraction: str, value: float
) -> None:
    rows = sample_rows("qip_complete", row_count=2)
    place = column_index(rows, LTC_RATE)
    rows[1][place], rows[2][place] = percent, fraction
    rates = read_rows(tmp_path, "qip_complete", rows)["ltc_achievement_rate"]
    assert rates.tolist() == [value, value]


def test_a_payment_reduction_is_a_percent(tmp_path: Path) -> None:
    rows = sample_rows("qip_complete", row_count=2)
    place = column_index(rows, "PY2026 Payment Reduction Percentage")
    rows[1][place], rows[2][place] = "1.5%", "1.5"
    assert read_rows(tmp_path, "qip_complete", rows)["payment_reduction"].tolist() == [1.5, 1.5]


def test_dates_networks_and_ccns(tmp_path: Path) -> None:
    rows = sample_rows("dfc_facility", row_count=2)
    rows[1][:2] = [" 01A3B6 ", "15"]
    rows[2][:2] = ["012300", "Network 15"]
    place = column_index(rows, "Certification Date")
    rows[1][place], rows[2][place] = "2006-01-04", "1/4/2006"
    frame = read_rows(tmp_path, "dfc_facility", rows)
    assert frame["ccn"].tolist() == ["012300", "01A3B6"]
    assert frame["network"].tolist() == [15, 15]
    assert frame["certification_date"].tolist() == [date(2006, 1, 4)] * 2


def test_what_stands_for_no_value_is_kept_beside_the_null(tmp_path: Path) -> None:
    rows = sample_rows("qip_complete", row_count=3)
    for header, text in {
        LTC_RATE: "No Rate",
        "Long-term Catheter Measure Score": "No Score",
        "Long-term Catheter Achievement Period Numerator": "-",
        "Number of Patient-Years at Risk in STrR Achievement Period": "<10",
        "ICH CAHPS Achievement Period Count of Completed Surveys": "<30",
        "Long-term Catheter Reason for No Score (See Footnotes File)": "-",
        "SHR Achievement Measure Ratio": "",
    }.items():
        rows[2][column_index(rows, header)] = text
    frame = read_rows(tmp_path, "qip_complete", rows)
    missing = {
        "ltc_achievement_rate": "No Rate",
        "ltc_score": "No Score",
        "ltc_achievement_numerator": "-",
        "strr_achievement_patient_year_count": "<10",
        "ich_cahps_achievement_survey_count": "<30",
        "ltc_footnotes": "-",
    }
    assert frame["missing"].tolist() == [{}, missing, {}]
    assert frame.loc[1, [*missing, "shr_achievement_rate"]].isna().all()
    assert frame["ltc_footnotes"].tolist() == [["4", "7"], None, ["4", "7"]]


def test_an_availability_code_explains_an_empty_cell(tmp_path: Path) -> None:
    rows = sample_rows("dfc_facility", row_count=2)
    for header, text in {
        "SEDR category text": "Not Available",
        "Emergency Department Encounter data availability Code": "280",
        "Standardized ED visits ratio (Facility)": "",
        "SEDR: Upper Confidence Limit (97.5%)": "",
        "SEDR: Lower Confidence Limit (2.5%)": "",
        "SIR: Lower Confidence Limit (2.5%)": "",
    }.items():
        rows[1][column_index(rows, header)] = text
    frame = read_rows(tmp_path, "dfc_facility", rows)
    assert frame["missing"][0] == {
        "sedr_category": "Not Available",
        "sedr_ratio": "280",
        "sedr_upper": "280",
        "sedr_lower": "280",
    }
    assert frame.loc[0, "sedr_patient_count"] == 2
    assert pd.isna(frame.loc[0, "nhsn_bsi_lower"])


def test_the_surveys_code_1_is_001(tmp_path: Path) -> None:
    rows = sample_rows("ich_cahps_facility", row_count=1)
    rows[1][column_index(rows, "ICH-CAHPS data availability code")] = "1"
    path = write_rows(tmp_path / "published.csv", rows)
    assert read_ich_cahps_facility(path, YEAR)["ich_cahps_code"].tolist() == ["001"]


def test_the_layout_of_payment_year_2027_has_the_four_ktv_measures(tmp_path: Path) -> None:
    rows = sample_rows("qip_complete", year=2025)
    frame = read_qip_complete(write_rows(tmp_path / "published.csv", rows), 2025)
    for measure in ("ktv_adult_hd", "ktv_adult_pd", "ktv_pediatric_hd", "ktv_pediatric_pd"):
        assert frame[f"{measure}_achievement_rate"].tolist() == [0.1291] * 4
    assert frame["ktv_comprehensive_score"].isna().all()
    assert frame["nhsn_dialysis_event_achievement_numerator"].tolist() == [2] * 4


def test_supplied_standards_are_numbers_as_written(tmp_path: Path) -> None:
    rows = sample_rows("qip_standard", row_count=2)
    rows[1] = ["shr", "180.25", "150.1", "110", "made up, Table 9"]
    rows[2] = ["ltc", "0.1835", "0.1", ".0469", "made up, Table 9"]
    frame = read_qip_standard(write_rows(tmp_path / "published.csv", rows), YEAR)
    assert frame.drop(columns=["performance_year", "missing"]).to_numpy().tolist() == [
        ["ltc", 0.1835, 0.1, 0.0469, "made up, Table 9"],
        ["shr", 180.25, 150.1, 110.0, "made up, Table 9"],
    ]
