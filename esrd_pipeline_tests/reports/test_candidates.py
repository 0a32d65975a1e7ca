"""Candidates: each rule meets the facilities it is meant for, and no others."""

from collections.abc import Iterable
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from esrd_pipeline.parameters.priorities import Indicator, Service
from esrd_pipeline.reports.candidates import find_candidates, summarise_year
from esrd_pipeline.reports.suppression import suppress
from esrd_pipeline.tables.network import CANDIDATE

YEAR = 2025
SHR = Service("coordination", "measure", "dfc", "shr", "lower")
MEDREC = Service("coordination", "measure", "qip", "medication_reconciliation", "higher")
ADMISSION = Service("coordination", "indicator", "dfc", "admission", "lower")
FOUND = Service("whole_health", "indicator", "dfc", "social_need_found", None)
OF_A_MONTH: dict[str, Any] = {
    "unit": "share",
    "denominator_unit": "patients",
    "is_of_last_month": True,
    "least_units": 11,
    "description": "Screening",
}
INDICATORS = (
    Indicator(
        name="admission",
        unit="per 100 patient-months",
        denominator_unit="patient-months",
        is_of_last_month=False,
        least_units=132,
        description="Stays",
    ),
    Indicator(name="depression_screened", **OF_A_MONTH),
    Indicator(name="social_need_found", **OF_A_MONTH),
)
CONTRACT = ("ccn", "program", "measure", "unit_count", "unit", "patients", "value", "reportable")
FLAGS = ("ccn", "measure", "unit_count", "value", "reference", "unit", "category")


def flag(
    ccn: str, category: str | None, value: float = 1.5, measure: str = "shr"
) -> tuple[object, ...]:
    return ccn, measure, 40.0, value, 1.0, "patient_years", category


def rate(ccn: str, value: float, patients: float = 40, **other: Any) -> tuple[object, ...]:  # noqa: ANN401
    row = {
        "ccn": ccn,
        "program": "qip",
        "measure": "medication_reconciliation",
        "unit_count": patients,
        "unit": "patients",
        "patients": patients,
        "value": value,
        "reportable": True,
        **other,
    }
    return tuple(row[name] for name in CONTRACT)


def month(
    ccn: str, number: int, numerator: int, denominator: float, **other: object
) -> dict[str, Any]:
    return {
        "group_name": ccn,
        "month": date(YEAR, number, 1),
        "indicator": "admission",
        "numerator": numerator,
        "denominator": denominator,
        **other,
    }


def find(
    *services: Service,
    ccns: Iterable[str],
    contract: Iterable[tuple[object, ...]] = (),
    flags: dict[int, list[tuple[object, ...]]] | None = None,
    monthly: list[dict[str, Any]] | None = None,
) -> list[dict[str, Any]]:
    frame = find_candidates(
        performance_year=YEAR,
        services=services,
        indicators=INDICATORS,
        ccns=ccns,
        contract=pd.DataFrame(list(contract), columns=list(CONTRACT)),
        flags={
            year: pd.DataFrame(rows, columns=list(FLAGS)) for year, rows in (flags or {}).items()
        },
        monthly=None if monthly is None else pd.DataFrame(monthly),
    )
    assert list(frame.columns) == CANDIDATE.column_names
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def names(rows: list[dict[str, Any]], rule: str) -> list[str]:
    return [row["ccn"] for row in rows if row["rule"] == rule]


def test_a_flag_is_a_rule_with_value_and_reference() -> None:
    rows = find(
        SHR,
        ccns=["A", "B", "C", "D"],
        flags={
            YEAR: [flag("A", "worse"), flag("B", "better", 0.5), flag("C", "as"), flag("D", None)]
        },
    )
    assert [
        (row["ccn"], row["rule"], row["standing"], row["value"], row["cut_off"], row["size"])
        for row in rows
    ] == [("A", "flag_worse", "low", 1.5, 1.0, 40.0), ("B", "flag_better", "high", 0.5, 1.0, 40.0)]
    # D has no category and is not among those compared.
    assert {row["facility_count"] for row in rows} == {3}
    assert {row["size_unit"] for row in rows} == {"patient_years"}


def test_worse_in_two_of_the_last_three_stored_years_is_persistent() -> None:
    """2023 is not stored: the last three are 2025, 2024 and 2022, and 2021 is too old."""
    rows = find(
        SHR,
        ccns=["A", "B", "C", "D"],
        flags={
            2025: [flag("A", "as"), flag("B", "worse"), flag("C", "better"), flag("D", "worse")],
            2024: [flag("A", "worse"), flag("B", "as"), flag("C", "better")],
            2022: [flag("A", "worse"), flag("B", "as"), flag("C", "better")],
            2021: [flag("B", "worse")],
        },
    )
    assert names(rows, "flag_worse_two_of_three_years") == ["A"]
    assert names(rows, "flag_better_two_of_three_years") == ["C"]
    persistent = {row["ccn"]: row for row in rows if row["rule"].endswith("years")}
    assert (persistent["A"]["value"], persistent["A"]["cut_off"]) == (2, 2)
    assert persistent["C"]["value"] == 3
    # D has one year, which cannot be two.
    assert {row["facility_count"] for row in persistent.values()} == {3}


def test_one_stored_year_makes_nobody_persistent() -> None:
    rows = find(SHR, ccns=["A"], flags={YEAR: [flag("A", "worse")]})
    assert [row["rule"] for row in rows] == ["flag_worse"]


def test_a_tenth_of_twenty_facilities_are_the_two_lowest() -> None:
    ccns = [f"{number:02d}" for number in range(20)]
    rows = find(
        MEDREC, ccns=ccns, contract=[rate(ccn, number / 20) for number, ccn in enumerate(ccns)]
    )
    assert names(rows, "lowest_tenth") == ["00", "01"]
    assert names(rows, "highest_tenth") == ["18", "19"]
    assert {(row["rule"], row["cut_off"], row["facility_count"]) for row in rows} == {
        ("lowest_tenth", 0.05, 20),
        ("highest_tenth", 0.9, 20),
    }


def test_where_less_is_better_the_lowest_tenth_has_the_most() -> None:
    ccns = [f"{number:02d}" for number in range(10)]
    contract = [
        rate(ccn, float(number), program="dfc", measure="shr") for number, ccn in enumerate(ccns)
    ]
    rows = find(SHR, ccns=ccns, contract=contract)
    assert names(rows, "lowest_tenth") == ["09"]
    assert names(rows, "highest_tenth") == ["00"]
    assert [row["cut_off"] for row in rows] == [0, 9]


def test_equal_values_are_in_the_tenth_together_or_not_at_all() -> None:
    ccns = [f"{number:02d}" for number in range(20)]
    values = [0.2, 0.2, *[0.5] * 15, *[1.0] * 3]
    rows = find(
        MEDREC, ccns=ccns, contract=[rate(*pair) for pair in zip(ccns, values, strict=True)]
    )
    assert names(rows, "lowest_tenth") == ["00", "01"]
    # Three of twenty are as good as the best: more than a tenth.
    assert names(rows, "highest_tenth") == []


def test_facilities_of_ten_patients_and_those_not_listed_are_not_compared() -> None:
    ccns = [f"{number:02d}" for number in range(10)]
    contract = [rate(ccn, (number + 1) / 20) for number, ccn in enumerate(ccns)]
    extra = [
        rate("small", 0.0, patients=10),
        rate("silent", 0.0, reportable=False),
        rate("elsewhere", 0.0),
    ]
    rows = find(MEDREC, ccns=[*ccns, "small", "silent"], contract=[*contract, *extra])
    assert names(rows, "lowest_tenth") == ["00"]
    assert {row["facility_count"] for row in rows} == {10}


def test_where_a_published_file_tells_no_size_the_programs_minimum_counts() -> None:
    ccns = [f"{number:02d}" for number in range(10)]
    contract = [rate(ccn, number / 20, patients=np.nan) for number, ccn in enumerate(ccns)]
    rows = find(MEDREC, ccns=ccns, contract=contract)
    assert names(rows, "lowest_tenth") == ["00"]
    assert all(pd.isna(row["size_unit"]) and pd.isna(row["size"]) for row in rows)


def test_an_indicator_is_judged_by_its_year() -> None:
    """Facility 09 has 132 patient-months in two months; facility 10 has one too few."""
    monthly = [
        month(f"{number:02d}", half, number if half == 1 else 2 * number, 66)
        for number in range(10)
        for half in (1, 2)
    ]
    monthly += [month("10", 1, 100, 131)]
    rows = find(ADMISSION, ccns=[row["group_name"] for row in monthly], monthly=monthly)
    low = next(row for row in rows if row["rule"] == "lowest_tenth")
    assert (low["ccn"], low["kind"], low["name"]) == ("09", "indicator", "admission")
    assert low["value"] == pytest.approx(100 * 27 / 132)
    assert (low["size"], low["size_unit"], low["facility_count"]) == (132, "patient-months", 10)
    assert low["events"] == 27


def test_what_is_asked_of_the_year_so_far_is_the_last_months() -> None:
    monthly = pd.DataFrame(
        [
            month("A", number, numerator, 20, indicator="depression_screened")
            for number, numerator in ((2, 18), (1, 4))
        ]
    )
    (row,) = summarise_year(monthly, INDICATORS).to_dict("records")
    assert (row["value"], row["size"], row["size_unit"]) == (0.9, 20, "patients")


def test_others_are_not_shown_a_value_of_few_events() -> None:
    """Facility 00 has none, 09 has 27; 03 would have 9, but is in no tenth."""
    monthly = [month(f"{number:02d}", 1, 3 * number, 132) for number in range(10)]
    rows = find(ADMISSION, ccns=[row["group_name"] for row in monthly], monthly=monthly)
    few = [{**row, "events": 9} if row["ccn"] == "09" else row for row in rows]
    shown = suppress(CANDIDATE, pd.DataFrame(few)).set_index("ccn")
    assert shown.loc[["09"], ["value", "size", "events"]].isna().all(axis=None)
    assert shown.loc["09", "rule"] == "lowest_tenth"
    assert shown.loc["00", "value"] == 0


def test_nobody_is_judged_on_what_is_neither_good_nor_bad() -> None:
    monthly = [
        month(f"{number:02d}", 12, number, 20, indicator="social_need_found")
        for number in range(10)
    ]
    assert find(FOUND, ccns=[row["group_name"] for row in monthly], monthly=monthly) == []


def test_the_order_of_rows_makes_no_difference() -> None:
    generator = np.random.default_rng(20)
    ccns = [f"{number:03d}" for number in range(200)]
    contract = [rate(ccn, float(generator.integers(0, 30))) for ccn in ccns]
    flags = {
        year: [flag(ccn, str(generator.choice(["worse", "as", "better"]))) for ccn in ccns]
        for year in (2023, 2024, 2025)
    }
    monthly = [
        month(ccn, number, int(generator.integers(0, 9)), float(generator.integers(1, 300)) / 7)
        for ccn in ccns
        for number in range(1, 13)
    ]

    def shuffle(rows: list[Any]) -> list[Any]:
        return [rows[place] for place in generator.permutation(len(rows))]

    services = (SHR, MEDREC, ADMISSION)
    before = find(*services, ccns=ccns, contract=contract, flags=flags, monthly=monthly)
    after = find(
        *shuffle(list(services)),
        ccns=shuffle(ccns),
        contract=shuffle(contract),
        flags={year: shuffle(rows) for year, rows in reversed(flags.items())},
        monthly=shuffle(monthly),
    )
    assert len(before) > 100
    pd.testing.assert_frame_equal(pd.DataFrame(before), pd.DataFrame(after))


def test_without_anything_there_is_no_candidate() -> None:
    assert find(SHR, ccns=[]) == []
