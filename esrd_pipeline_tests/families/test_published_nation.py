"""The directory and the national levels from published files."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from esrd_pipeline.families.published import build_directory, build_national
from esrd_pipeline.tables.facility import DIRECTORY, NATIONAL
from esrd_pipeline_tests.families.published_frames import raw_frame
from esrd_pipeline_tests.sources.sample_files import YEAR


def test_the_directory_prefers_the_dfc_file(tmp_path: Path) -> None:
    dfc = raw_frame(
        tmp_path,
        "dfc_facility",
        {
            "ccn": ["01230A", "012300"],
            "facility_name": ["North", "South"],
            "certification_date": ["", "2006-01-04"],
            "profit_status": ["Non-profit", "Profit"],
        },
    )
    qip = raw_frame(
        tmp_path,
        "qip_complete",
        {
            "ccn": ["01230A", "999999"],
            "facility_name": ["NORTH", "EAST"],
            "certification_date": ["09/01/2024", "10/01/2023"],
            "ownership": ["DaVita", "Independent"],
        },
    )
    frame = build_directory(performance_year=YEAR, dfc=dfc, qip=qip)
    assert frame.columns.tolist() == DIRECTORY.column_names
    assert frame["ccn"].tolist() == ["012300", "01230A", "999999"]
    assert frame["facility_name"].tolist() == ["South", "North", "EAST"]
    assert frame["certification_date"].tolist() == [
        date(2006, 1, 4),
        date(2024, 9, 1),
        date(2023, 10, 1),
    ]
    assert frame["is_profit"].fillna(value=False).tolist() == [True, False, False]
    assert frame["chain_organization"].tolist()[2] == "Independent"
    assert frame["has_dfc_row"].tolist() == [True, True, False]
    assert frame["has_qip_row"].tolist() == [False, True, True]


def test_the_nation_is_the_published_value_where_there_is_one(tmp_path: Path) -> None:
    dfc = raw_frame(
        tmp_path,
        "dfc_facility",
        {"shr_rate": ["100", "200"], "shr_patient_count": ["1", "3"]},
    )
    national = raw_frame(
        tmp_path, "dfc_national", {"shr_rate": ["148.0"], "shr_better_count": ["61"]}
    )
    frame = build_national(performance_year=YEAR, dfc=dfc, dfc_national=national, qip=None)
    assert frame.columns.tolist() == NATIONAL.column_names
    row = frame[frame["measure"] == "shr"].iloc[0]
    assert (row["national"], row["source"]) == (148.0, "published")
    assert (row["better_count"], row["facility_count"]) == (61, 2)


def test_the_nation_is_else_the_mean_weighted_by_units(tmp_path: Path) -> None:
    dfc = raw_frame(
        tmp_path,
        "dfc_facility",
        {
            "shr_rate": ["100", "200"],
            "shr_patient_count": ["1", "3"],
            "nhsn_bsi_ratio": ["0.5", "1.0"],
            "pppw_rate": ["10", "20"],
            "pppw_patient_count": ["1", "3"],
            "sfr_rate": ["50", "60"],
            "sfr_patient_count": ["1", "3"],
            "shr_category": ["Worse than Expected", "Not Available"],
            "ltc_rate": ["10", ""],
            "ltc_patient_count": ["2", "90"],
        },
    )
    frame = build_national(performance_year=YEAR, dfc=dfc, dfc_national=None, qip=None)
    levels = frame.set_index("measure")["national"]
    assert levels["shr"] == 175.0
    assert levels["nhsn_bsi"] == 0.75
    assert levels["ltc"] == 10.0
    assert levels[["pppw", "sfr"]].tolist() == [15.0, 55.0]
    sources = frame.set_index("measure")["source"]
    alike = ["covid_vaccination", "nhsn_bsi", "pppw", "sfr"]
    assert sources[alike].eq("mean of facilities").all()
    assert sources.drop(alike).eq("weighted mean of facilities").all()
    shr = frame[frame["measure"] == "shr"].iloc[0]
    assert (shr["better_count"], shr["as_count"], shr["worse_count"]) == (0, 0, 1)
    ltc = frame[frame["measure"] == "ltc"].iloc[0]
    assert ltc["facility_count"] == 1
    assert pd.isna(ltc["better_count"])


@pytest.mark.parametrize(("better", "level"), [("1", 16.0), ("390", 15.0)])
def test_a_national_file_of_another_release_leaves_the_mean_of_the_facilities(
    tmp_path: Path, better: str, level: float
) -> None:
    """Told by its counts of categories; only where the level is the mean of the facilities."""
    dfc = raw_frame(
        tmp_path,
        "dfc_facility",
        {
            "pppw_rate": ["10", "20"],
            "pppw_category": ["Better than Expected", "Not Available"],
            "shr_rate": ["100", "200"],
        },
    )
    printed = {"pppw_rate": ["16.0"], "shr_rate": ["148.0"], "shr_better_count": ["61"]}
    printed |= {"pppw_better_count": [better], "pppw_as_count": ["0"], "pppw_worse_count": ["0"]}
    national = raw_frame(tmp_path, "dfc_national", printed)
    frame = build_national(performance_year=YEAR, dfc=dfc, dfc_national=national, qip=None)
    rows = frame.set_index("measure")
    assert rows.loc["pppw", "national"] == level
    assert rows.loc["pppw", "better_count"] == 1
    assert rows.loc["shr", "national"] == 148.0


def test_hidden_unit_counts_leave_an_unweighted_mean(tmp_path: Path) -> None:
    qip = raw_frame(
        tmp_path,
        "qip_complete",
        {"shr_achievement_rate": ["100", "200"], "shr_achievement_patient_year_count": ["-", "-"]},
    )
    frame = build_national(performance_year=YEAR, dfc=None, dfc_national=None, qip=qip)
    shr = frame.set_index("measure").loc["shr"]
    assert (shr["national"], shr["source"]) == (150.0, "mean of facilities")
