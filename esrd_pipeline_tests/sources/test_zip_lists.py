"""Lists of ZIP codes: USDA's commuting codes and CDC's vulnerability, as they are published."""

from pathlib import Path

import pytest

from esrd_pipeline.sources.check import check_tables
from esrd_pipeline.sources.errors import SourceError
from esrd_pipeline.sources.extract_files import find_extracts, list_unread
from esrd_pipeline.sources.first_row import find_first_rows
from esrd_pipeline.sources.intake.judging import find_limit
from esrd_pipeline.tables.model import Table
from esrd_pipeline.tables.register import RUCA_ZIP, SVI_ZCTA, TABLES
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline_tests.sources.extracts import YEAR, load, write

OF_2010 = "''ZIP_CODE'',STATE,ZIP_TYPE,RUCA1,RUCA2"
OF_2020 = "ZIPCode,State,ZIPCodeType,POName,PrimaryRUCA,SecondaryRUCA"
PLAIN = "ZIP_CODE,STATE,ZIP_TYPE,RUCA1,RUCA2"
OF_CDC = "FIPS,LOCATION,AREA_SQMI,E_TOTPOP,RPL_THEME1,RPL_THEMES"


def find(folder: Path, table: Table) -> str | None:
    query = Warehouse(folder / "warehouse").query
    return find_first_rows(table, find_extracts(folder, table), query, performance_year=YEAR)


def test_usda_s_file_of_2010_is_read_with_the_quotes_around_its_zip_codes(tmp_path: Path) -> None:
    write(
        tmp_path,
        "ruca_zip.csv",
        OF_2010,
        "''00501'',NY,Post Office or large volume customer,1,1",
        "''00602'',PR,Zip Code Area,4,4.1",
        "''83466'',ID,Zip Code Area,99,99",
    )
    rows = load(tmp_path, RUCA_ZIP)
    assert rows["zip_code"].tolist() == ["00501", "00602", "83466"]
    assert rows["ruca1"].tolist() == [1, 4, 99]
    assert rows["ruca2"].tolist() == [1.0, 4.1, 99.0]
    assert rows["zip_type"].iloc[0] == "Post Office or large volume customer"


def test_usda_s_file_of_2020_is_read_by_its_own_names(tmp_path: Path) -> None:
    write(
        tmp_path,
        "ruca_zip.csv",
        OF_2020,
        "00501,NY,PO Box,Holtsville,1,1",
        "83466,ID,ZIP Code area,North Fork,10,10.0",
    )
    rows = load(tmp_path, RUCA_ZIP)
    assert rows[["zip_code", "state", "ruca1"]].to_numpy().tolist() == [
        ["00501", "NY", 1],
        ["83466", "ID", 10],
    ]
    assert rows["zip_type"].tolist() == ["PO Box", "ZIP Code area"]


def test_zeros_that_a_spreadsheet_took_come_back(tmp_path: Path) -> None:
    write(tmp_path, "ruca_zip.csv", PLAIN, "501,NY,,1,1", "2138.0,MA,,1,1")
    assert load(tmp_path, RUCA_ZIP)["zip_code"].tolist() == ["00501", "02138"]


def test_cdc_s_file_is_read_and_its_areas_without_rank_are_kept(tmp_path: Path) -> None:
    write(
        tmp_path,
        "svi_zcta.csv",
        OF_CDC,
        '35004,"ZCTA5 35004",18.6,12,0.2,0.3141',
        '601,"ZCTA5 00601",64.4,17,0.9,0.9917',
        "89010,ZCTA5 89010,1.5,0,-999,-999",
    )
    rows = load(tmp_path, SVI_ZCTA)
    assert rows["fips"].tolist() == ["00601", "35004", "89010"]
    assert rows["rpl_themes"].tolist() == [0.9917, 0.3141, -999.0]


def test_the_area_may_be_named_zcta(tmp_path: Path) -> None:
    write(tmp_path, "svi_zcta.csv", "ZCTA,RPL_THEMES", "35004,0.5")
    assert load(tmp_path, SVI_ZCTA)["fips"].tolist() == ["35004"]


@pytest.mark.parametrize(
    ("table", "lines", "message"),
    [
        (
            RUCA_ZIP,
            (PLAIN, "00501,NY,,1,1", "ABCDE,NY,,1,1"),
            "ruca_zip.csv, row 3, column 'ZIP_CODE': is not a ZIP code of five digits",
        ),
        (
            RUCA_ZIP,
            (PLAIN, "00501,NY,,4.1,4.1"),
            "ruca_zip.csv, row 2, column 'RUCA1': is not a whole number",
        ),
        (
            RUCA_ZIP,
            ("ZIP_CODE,STATE,ZIP_TYPE,RUCA2", "00501,NY,,1"),
            "ruca_zip.csv, column 'RUCA1': the column is missing",
        ),
        (
            SVI_ZCTA,
            ("FIPS,RPL_THEMES", "01001,0.5", "010010201001,0.5"),
            "svi_zcta.csv, row 3, column 'FIPS': is not a ZIP code of five digits",
        ),
        (
            SVI_ZCTA,
            ("FIPS,RPL_THEMES", "35004,high"),
            "svi_zcta.csv, row 2, column 'RPL_THEMES': is not a number",
        ),
        (
            SVI_ZCTA,
            ("FIPS,RPL_THEME1", "35004,0.5"),
            "svi_zcta.csv, column 'RPL_THEMES': the column is missing",
        ),
    ],
)
def test_a_bad_list_is_told_by_file_row_column_and_rule(
    tmp_path: Path, table: Table, lines: tuple[str, ...], message: str
) -> None:
    write(tmp_path, f"{table.path[1]}.csv", *lines)
    with pytest.raises(SourceError) as caught:
        load(tmp_path, table)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("table", "lines", "message"),
    [
        (
            RUCA_ZIP,
            (PLAIN, "00501,NY,,10,10", "00502,NY,,11,11", "00503,NY,,99,99"),
            "ruca_zip.csv, row 3, column 'RUCA1': breaks the rule: ruca1 is 1 to 10, or 99",
        ),
        (
            RUCA_ZIP,
            (PLAIN, "00501,NY,,1,1", "00502,NY,,,1"),
            "ruca_zip.csv, row 3, column 'RUCA1': has no value, and needs one",
        ),
        (
            RUCA_ZIP,
            (PLAIN, "00501,NY,,1,1", "501,NY,,2,2"),
            "ruca_zip.csv, row 3, column 'ZIP_CODE': repeats the key of an earlier row",
        ),
        (
            SVI_ZCTA,
            ("FIPS,RPL_THEMES", "35004,-999", "35005,0", "35006,1", "35007,73.1"),
            f"svi_zcta.csv, row 5, column 'RPL_THEMES': breaks the rule: {SVI_ZCTA.rules[0].name}",
        ),
        (SVI_ZCTA, ("FIPS,RPL_THEMES", "35004,-999", "35005,0", "35006,1"), None),
    ],
)
def test_a_value_outside_its_range_is_placed(
    tmp_path: Path, table: Table, lines: tuple[str, ...], message: str | None
) -> None:
    write(tmp_path, f"{table.path[1]}.csv", *lines)
    assert find(tmp_path, table) == message


def test_an_index_by_county_is_refused_by_name(tmp_path: Path) -> None:
    write(tmp_path, "svi_county.csv", "ST_ABBR,STCNTY,COUNTY,RPL_THEMES", "AL,01001,Autauga,0.5")
    assert list_unread(tmp_path, TABLES) == ["svi_county.csv"]


def test_a_year_may_lack_the_lists_also_after_a_year_that_had_them(tmp_path: Path) -> None:
    query = Warehouse(tmp_path / "warehouse").query
    lists = (RUCA_ZIP, SVI_ZCTA)
    for checked in check_tables(tmp_path, lists, performance_year=YEAR, query=query):
        assert (checked.fault, checked.rows) == (None, {})
    for table in lists:
        limit = find_limit("rows_lost", table.name, "")
        assert limit is not None
        assert limit.fails is None
