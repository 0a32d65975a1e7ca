"""The real CMS files load without loss, in both header styles.

Every published cell must be in the frame: as the same number, date, text or choice, or in `missing`
where it has no value. An empty cell must be null.
"""

import csv
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from esrd_pipeline.families.published import (
    build_national,
    publish_contract,
    publish_results,
)
from esrd_pipeline.sources.dfc_facility import read_dfc_facility
from esrd_pipeline.sources.files import QIP_BY_MEASURE, find_release
from esrd_pipeline.sources.headers import api_name
from esrd_pipeline.sources.layout import SourceColumn, load_layout
from esrd_pipeline.sources.table import read_table
from esrd_pipeline.tables.raw import BY_MEASURE
from esrd_pipeline_tests.shared_files import CMS_PUBLIC, needs_cms_public

pytestmark = needs_cms_public

PY2024 = CMS_PUBLIC / "py2024_qip"
FILES = [
    (CMS_PUBLIC, "dfc_facility", 2024, 7557, 142),
    (CMS_PUBLIC, "dfc_national", 2024, 1, 59),
    (CMS_PUBLIC, "qip_complete", 2024, 8, 140),
    (CMS_PUBLIC, "ich_cahps_facility", 2020, 7830, 47),
    (PY2024, "dfc_national", 2022, 1, 55),
    (PY2024, "ich_cahps_facility", 2022, 7577, 47),
]
BY_MEASURE_ROWS = 7715


def is_same_number(printed: str, value: object) -> bool:
    return Decimal(printed) == Decimal(str(value))


def is_same_percent(printed: str, value: object) -> bool:
    return is_same_number(printed.removesuffix("%"), value)


def is_same_date(printed: str, value: object) -> bool:
    assert isinstance(value, date)
    return printed in {f"{value:%Y-%m-%d}", f"{value:%m/%d/%Y}"}


SAME: Mapping[str, Callable[[str, object], bool]] = {
    "text": lambda printed, value: printed == value,
    "ccn": lambda printed, value: printed == value,
    "network": lambda printed, value: printed.removeprefix("Network ") == str(value),
    "integer": is_same_number,
    "number": is_same_number,
    "percent": is_same_percent,
    "fraction": is_same_number,
    "date": is_same_date,
    "code": lambda printed, value: printed.zfill(3) == value,
    "codes": lambda printed, value: printed.split(",") == value,
}


def is_kept(column: SourceColumn, printed: str, value: object, label: str | None) -> bool:
    """Whether a cell can be rebuilt from the value, or from the label in its place."""
    is_null = value is None or (not isinstance(value, list) and bool(pd.isna(value)))
    if is_null:
        return label == printed if printed else label is None or column.explained_by is not None
    if column.type == "yes_no":
        return (column.choices[printed] == "true") is bool(value)
    if column.type == "choice":
        return column.choices[printed] == value
    return SAME[column.type](printed, value) and label is None


@pytest.fixture(scope="module")
def dfc() -> pd.DataFrame:
    """The real DFC facility file; nobody changes it."""
    return read_dfc_facility(find_release(CMS_PUBLIC, "dfc_facility"), 2024)


@pytest.mark.parametrize(("folder", "source", "year", "row_count", "column_count"), FILES)
def test_every_printed_cell_is_kept(
    folder: Path, source: str, year: int, row_count: int, column_count: int
) -> None:
    path = find_release(folder, source)
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert (len(rows), len(header)) == (row_count, column_count)
    frame = read_table(path, source, year)
    assert len(frame) == row_count
    check_kept(frame, header, rows, load_layout(source, year))


def check_kept(
    frame: pd.DataFrame, header: list[str], rows: list[list[str]], known: Sequence[SourceColumn]
) -> None:
    """Every printed cell of the columns is in the frame."""
    layout = {name: column for column in known for name in column.api_names}
    columns = [layout[api_name(text)] for text in header]
    assert len({column.name for column in columns}) == len(header)
    key = next((place for place, column in enumerate(columns) if column.type == "ccn"), 0)
    rows.sort(key=lambda cells: cells[key])
    labels = frame["missing"].tolist()
    for place, column in enumerate(columns):
        values = frame[column.name].astype(object).tolist()
        lost = [
            (cells[key], cells[place], value)
            for cells, value, label in zip(rows, values, labels, strict=True)
            if not is_kept(column, cells[place].strip(), value, label.get(column.name))
        ]
        assert not lost, f"{column.header}: {len(lost)} cells, first {lost[0]}"


@pytest.mark.parametrize("source", QIP_BY_MEASURE)
def test_every_printed_cell_of_the_files_by_measure_is_kept(
    source: str, by_measure: pd.DataFrame
) -> None:
    with find_release(PY2024, source).open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert len(rows) == BY_MEASURE_ROWS
    known = (*load_layout(BY_MEASURE, 2022), *load_layout(source, 2022))
    named = {name for column in known for name in column.api_names}
    read = [place for place, text in enumerate(header) if api_name(text) in named]
    unread = [header[place] for place in range(len(header)) if place not in read]
    # What has the same text in every row of a file or a state.
    assert all(text == "Measure Name" or " Average " in text for text in unread), unread
    kept = [[cells[place] for place in read] for cells in rows]
    check_kept(by_measure, [header[place] for place in read], kept, known)


def test_the_payment_year_by_measure_has_its_published_results(by_measure: pd.DataFrame) -> None:
    results = publish_results(performance_year=2022, dfc=None, qip=by_measure, ich_cahps=None)
    scored = results[results["score"].notna()].groupby("measure").size()
    assert scored["tps"] == 7561
    assert scored["payment_reduction"] == BY_MEASURE_ROWS
    assert scored["srr"] == 7265
    unscored = results[(results["measure"] == "srr") & results["score"].isna()]
    assert (unscored["reason"].str.startswith("footnote_")).all()


def test_the_api_header_style_gives_the_same_frame(dfc: pd.DataFrame, tmp_path: Path) -> None:
    path = find_release(CMS_PUBLIC, "dfc_facility")
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    renamed = tmp_path / path.name
    with renamed.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([[api_name(text) for text in header], *rows])
    assert_frame_equal(read_dfc_facility(renamed, 2024), dfc)


def test_what_code_280_blanks_is_null_and_explained(dfc: pd.DataFrame) -> None:
    """2,786 facilities have no Kt/V, calcium, phosphorus or nPCR for reasons beyond them."""
    for measure in ("ktv_adult_hd", "hypercalcemia", "phosphorus", "npcr"):
        blanked = dfc[dfc[f"{measure}_code"] == "280"]
        assert len(blanked) == 2786
        rate = f"{measure}_below_3_5_rate" if measure == "phosphorus" else f"{measure}_rate"
        assert blanked[rate].isna().all()
        assert {labels[rate] for labels in blanked["missing"]} == {"280"}


def test_the_contract_of_the_real_files(dfc: pd.DataFrame) -> None:
    """Every printed value becomes a reportable row; every other row says why it is not."""
    qip = read_table(find_release(CMS_PUBLIC, "qip_complete"), "qip_complete", 2024)
    nation = read_table(find_release(CMS_PUBLIC, "dfc_national"), "dfc_national", 2024)
    national = build_national(performance_year=2024, dfc=dfc, dfc_national=nation, qip=qip)
    contract = publish_contract(
        performance_year=2024, dfc=dfc, qip=qip, ich_cahps=None, national=national
    )
    assert len(contract) == 26 * 7557 + 18 * 8
    assert not contract.duplicated(["ccn", "program", "measure"]).any()
    assert (contract["reportable"] == contract["reason"].isna()).all()
    assert contract.loc[contract["program"] == "dfc", "reportable"].equals(
        contract.loc[contract["program"] == "dfc", "value"].notna()
    )
    assert not (contract["lower"] > contract["upper"]).any()
    reportable = contract[contract["reportable"]].groupby(["program", "measure"]).size()
    assert reportable["dfc", "shr"] == dfc["shr_rate"].notna().sum() == 7307
    assert reportable["dfc", "nhsn_bsi"] == dfc["nhsn_bsi_ratio"].notna().sum() == 6479
    assert reportable["qip", "strr"] == 4
    shr = contract[(contract["program"] == "dfc") & (contract["measure"] == "shr")]
    printed = dfc.set_index("ccn")["shr_lower"]
    at_national = printed[printed == 148.0].index
    assert set(shr.loc[shr["lower"] == 1.0, "ccn"]) == set(at_national)
    assert len(at_national) == 1
