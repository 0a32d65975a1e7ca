"""The nation's level of every measure, and the directory of a year without published files."""

import numpy as np
import pandas as pd
import pytest

from esrd_pipeline.families.levels import combine_levels
from esrd_pipeline.families.published import build_directory
from esrd_pipeline.tables.facility import LEVEL, NATIONAL, REGISTERED
from esrd_pipeline.tables.measured import CONTRACT

YEAR = 2024


def contract(*rows: dict[str, object]) -> pd.DataFrame:
    frame = pd.DataFrame(rows).reindex(columns=CONTRACT.column_names)
    return frame.assign(origin="computed", reportable=True)


def facility(measure: str, program: str = "dfc", **values: object) -> dict[str, object]:
    return {"ccn": "012501", "program": program, "measure": measure, **values}


def levels(*rows: dict[str, object], **percentages: float) -> pd.DataFrame:
    published = pd.DataFrame(
        {
            "program": ["dfc", "dfc"],
            "measure": ["shr", "swr"],
            "national": [99.0, 1.5],
            "source": "published",
        }
    ).reindex(columns=NATIONAL.column_names)
    table = combine_levels(
        performance_year=YEAR,
        contract=contract(*rows),
        published=published,
        percentages={("dfc", name): value for name, value in percentages.items()},
    )
    assert table.columns.tolist() == LEVEL.column_names
    return table.set_index(["program", "measure"])


def test_a_measure_printed_as_a_rate_has_the_rate_of_a_ratio_of_one() -> None:
    table = levels(facility("shr", value=0.5, rate=74.0), facility("shr", value=2.0, rate=296.0))
    assert table.loc[("dfc", "shr"), "national"] == 148.0
    assert table.loc[("dfc", "shr"), "source"] == "computed"


@pytest.mark.manual("2.11.12", "2.12.15", "2.13.12")
def test_a_measure_scored_as_a_rate_has_the_national_rate() -> None:
    """SRR is fitted at the median facility: observed and expected need not add up to the same.

    The mean of the rates, weighted by what is expected, would be 27 x 33 / 30 = 29.7.
    """
    rows = (
        facility("srr", "qip", value=54.0, rate=54.0, numerator=20, denominator=10.0),
        facility("srr", "qip", value=17.55, rate=17.55, numerator=13, denominator=20.0),
        facility("srr", "qip", value=0.0, rate=0.0, numerator=0, denominator=0.0),
    )
    assert levels(*rows).loc[("qip", "srr"), "national"] == pytest.approx(27.0)


def test_a_proportion_is_weighted_by_its_denominators() -> None:
    rows = (
        facility("ltc", value=10.0, numerator=1, denominator=10),
        facility("ltc", value=20.0, numerator=18, denominator=90),
    )
    assert levels(*rows).loc[("dfc", "ltc"), "national"] == pytest.approx(19.0)


def test_a_standardised_percentage_is_what_its_fit_says() -> None:
    rows = (facility("pppw", value=30.0, numerator=3, denominator=10),)
    assert levels(*rows, pppw=16.5).loc[("dfc", "pppw"), "national"] == 16.5


def test_a_measure_that_is_not_computed_has_the_published_level() -> None:
    table = levels(facility("ltc", value=10.0, numerator=1, denominator=10))
    assert table.loc[("dfc", "swr"), ["national", "source"]].tolist() == [1.5, "published"]
    assert table.loc[("dfc", "shr"), "national"] == 99.0


def test_categories_are_counted() -> None:
    table = levels(
        facility("smr", category="worse"), facility("smr", category="as"), facility("smr")
    )
    counts = ["facility_count", "better_count", "as_count", "worse_count"]
    assert table.loc[("dfc", "smr"), counts].tolist() == [3, 0, 1, 1]
    assert np.isnan(float(table.loc[("dfc", "smr"), "national"]))


REGISTERED_TWO = pd.DataFrame(
    {
        "ccn": ["012501", "012502"],
        "city": ["CLEARWATER", "FAIRVIEW"],
        "has_in_center_hemodialysis": [True, False],
        "is_dfc": [True, True],
        "is_qip": [True, False],
    }
).reindex(columns=REGISTERED.column_names)


def test_without_published_files_the_directory_is_the_programs_own_lists() -> None:
    table = build_directory(performance_year=YEAR, dfc=None, qip=None, registered=REGISTERED_TWO)
    assert table["city"].tolist() == ["CLEARWATER", "FAIRVIEW"]
    assert table["has_dfc_row"].tolist() == [True, True]
    assert table["has_qip_row"].tolist() == [True, False]
    assert table["has_in_center_hemodialysis"].tolist() == [True, False]


def test_the_directory_has_every_facility_of_the_lists_that_no_file_prints() -> None:
    dfc = pd.DataFrame({"ccn": ["012502"], "city": ["NEWTOWN"]})
    qip = pd.DataFrame({"ccn": ["012503"], "facility_name": ["NORTH"]})
    table = build_directory(performance_year=YEAR, dfc=dfc, qip=qip, registered=REGISTERED_TWO)
    assert table["ccn"].tolist() == ["012501", "012502", "012503"]
    assert table["city"].fillna("").tolist() == ["CLEARWATER", "NEWTOWN", ""]
    assert table["has_dfc_row"].tolist() == [False, True, False]
    assert table["has_qip_row"].tolist() == [False, False, True]


def test_a_published_file_says_who_is_listed_and_eqrs_fills_its_gaps() -> None:
    dfc = pd.DataFrame({"ccn": ["012502"], "city": ["NEWTOWN"]})
    table = build_directory(performance_year=YEAR, dfc=dfc, qip=None, registered=REGISTERED_TWO)
    assert table["ccn"].tolist() == ["012501", "012502"]
    assert table["city"].tolist() == ["CLEARWATER", "NEWTOWN"]
    assert table["has_dfc_row"].tolist() == [False, True]
    assert table["has_qip_row"].tolist() == [True, False]
    assert table["has_in_center_hemodialysis"].tolist() == [True, False]
