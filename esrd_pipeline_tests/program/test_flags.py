"""Flags: the rule of each chapter on rows made for it."""

import pandas as pd
import pytest

from esrd_pipeline.program.flags import flag_facilities, list_flagged
from esrd_pipeline.tables.program import FLAGS
from esrd_pipeline_tests.program.contract_frames import (
    YEAR,
    make_contract,
    national_of,
    results_of,
)
from esrd_pipeline_tests.reason_texts import text_of


def flag(*records: dict[str, object]) -> pd.DataFrame:
    return flag_facilities(
        performance_year=YEAR,
        facilities=make_contract([{"ccn": "012500", **record} for record in records]),
        national=national_of({"pppw": 16.0, "sfr": 57.0}),
        published_results=results_of(),
    )


def flag_one(**record: object) -> dict[str, object]:
    return flag(record).iloc[0].to_dict()


@pytest.mark.manual(
    "2.10.14", "2.13.16", "2.14.15", "2.15.15", "2.16.15", "2.25.17", "2.26.15", "2.27.15"
)
@pytest.mark.parametrize(
    ("measure", "lower", "upper", "category"),
    [
        ("shr", 1.01, 1.9, "worse"),
        ("shr", 0.4, 0.99, "better"),
        ("shr", 0.8, 1.2, "as"),
        ("shr", 1.0, 1.9, "as"),
        ("shr", 0.4, 1.0, "as"),
        ("smr", 1.01, 1.9, "worse"),
        ("srr", 0.4, 0.99, "better"),
        ("ed30", 1.01, 1.9, "worse"),
        ("swr", 1.01, 1.9, "better"),
        ("swr", 0.4, 0.99, "worse"),
        ("smosr", 1.2, 3.0, "better"),
        ("sfr", 57.1, 80.0, "better"),
        ("sfr", 30.0, 56.9, "worse"),
        ("sfr", 30.0, 57.0, "as"),
        ("pppw", 3.0, 15.9, "worse"),
        ("nhsn_bsi", None, 0.9, "better"),
        ("nhsn_bsi", None, 1.1, "as"),
        ("sedr", 1.1, None, "worse"),
        ("sedr", 0.9, None, "as"),
    ],
)
def test_the_interval_decides(
    measure: str, lower: float | None, upper: float | None, category: str
) -> None:
    row = flag_one(measure=measure, value=1.0, lower=lower, upper=upper)
    assert (row["category"], row["method"]) == (category, "interval")


@pytest.mark.manual("2.15.15", "2.27.15")
@pytest.mark.parametrize(
    ("value", "p_value", "category"),
    [(1.4, 0.049, "better"), (0.6, 0.049, "worse"), (1.4, 0.05, "as"), (0.6, 0.3, "as")],
)
def test_the_p_value_goes_before_the_interval(value: float, p_value: float, category: str) -> None:
    row = flag_one(measure="swr", value=value, p_value=p_value, lower=0.5, upper=2.0)
    assert (row["category"], row["method"]) == (category, "p_value")


@pytest.mark.parametrize(
    ("value", "z", "category"),
    [(25.0, 1.961, "better"), (9.0, -1.961, "worse"), (25.0, 1.959, "as"), (9.0, -1.959, "as")],
)
def test_the_wald_z_goes_before_the_interval(value: float, z: float, category: str) -> None:
    row = flag_one(measure="pppw", value=value, z=z, lower=1.0, upper=99.0)
    assert (row["category"], row["method"]) == (category, "wald_z")


def test_a_z_score_does_not_decide_where_the_chapter_names_the_interval() -> None:
    row = flag_one(measure="shr", value=1.4, z=9.0, p_value=0.001, lower=0.9, upper=2.0)
    assert (row["category"], row["method"]) == ("as", "interval")


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"measure": "srr", "unit_count": 10, "unit": "discharges"}, "fewer than 11 discharges"),
        (
            {"measure": "shr", "unit_count": 4.99, "unit": "patient_years"},
            "fewer than 5 patient-years",
        ),
        ({"measure": "smr", "denominator": 2.9}, "fewer than 3 expected events"),
        ({"measure": "swr", "unit_count": 10, "unit": "patients"}, "fewer than 11 patients"),
        ({"measure": "swr", "denominator": 1.9}, "fewer than 2 expected events"),
        ({"measure": "shr", "reason": "no_patient_at_risk"}, "no patient at risk"),
        ({"measure": "shr", "lower": None, "upper": None}, "neither limits nor a test"),
        ({"measure": "shr", "value": None}, "no value"),
    ],
)
def test_a_facility_without_a_category_says_why(record: dict[str, object], reason: str) -> None:
    row = flag_one(**{"value": 2.0, "lower": 1.5, "upper": 3.0} | record)
    assert text_of(row) == reason
    assert pd.isna(row["category"])


@pytest.mark.parametrize(
    "record",
    [
        {"measure": "srr", "unit_count": 11, "unit": "discharges"},
        {"measure": "shr", "unit_count": 4, "unit": "patients"},
        {"measure": "shr", "unit_count": 5, "unit": "patient_years"},
        {"measure": "smr", "denominator": 3.0},
    ],
)
def test_the_size_rule_binds_below_its_own_unit_only(record: dict[str, object]) -> None:
    row = flag_one(**{"value": 2.0, "lower": 1.5, "upper": 3.0} | record)
    assert row["category"] == "worse"
    assert pd.isna(row["reason"])


def test_only_dfc_rows_of_flagged_measures_are_flagged() -> None:
    table = flag(
        {"measure": "shr", "value": 1.0, "lower": 0.9, "upper": 1.1},
        {"measure": "shr", "value": 140.0, "program": "qip"},
        {"measure": "ltc", "value": 12.0},
    )
    assert table["measure"].tolist() == ["shr"]
    assert table.columns.tolist() == FLAGS.column_names


def test_the_printed_category_stands_beside_ours() -> None:
    table = flag_facilities(
        performance_year=YEAR,
        facilities=make_contract(
            [{"ccn": "012500", "measure": "shr", "value": 1.4, "lower": 1.1, "upper": 1.8}]
        ),
        national=national_of({}),
        published_results=results_of(
            [
                {"ccn": "012500", "measure": "shr", "category": "as"},
                {"ccn": "012500", "measure": "star_rating", "score": 3.0},
                {"ccn": "012500", "measure": "shr", "program": "qip", "score": 7.0},
            ]
        ),
    )
    assert table[["category", "published_category"]].to_numpy().tolist() == [["worse", "as"]]


def test_row_order_does_not_matter() -> None:
    records = [
        {"ccn": f"{number:06d}", "measure": measure, "value": 1.2, "lower": 1.1, "upper": 2.0}
        for number in range(20)
        for measure in ("shr", "srr", "swr")
    ]
    frame = make_contract(records)
    tables = [
        flag_facilities(
            performance_year=YEAR,
            facilities=rows,
            national=national_of({}),
            published_results=results_of(),
        )
        for rows in (frame, frame.sample(frac=1, random_state=7))
    ]
    pd.testing.assert_frame_equal(*tables)


def test_a_missing_national_level_is_named() -> None:
    with pytest.raises(ValueError, match="0 levels of sfr"):
        flag_facilities(
            performance_year=YEAR,
            facilities=make_contract([{"ccn": "012500", "measure": "sfr", "value": 50.0}]),
            national=national_of({}),
            published_results=results_of(),
        )


def test_no_level_is_needed_where_nobody_has_a_value() -> None:
    table = flag_facilities(
        performance_year=YEAR,
        facilities=make_contract([{"ccn": "012500", "measure": "sfr", "reason": "no_value"}]),
        national=national_of({}),
        published_results=results_of(),
    )
    assert table["reason"].tolist() == ["no_value"]


def test_every_flagged_measure_has_one_rule() -> None:
    measures = [entry.measure for entry in list_flagged(YEAR)]
    assert measures == sorted(set(measures))
    assert len(measures) == 11
