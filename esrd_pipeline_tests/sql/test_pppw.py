"""PPPW month by month, rule by rule: manual 2.16.6 to 2.16.13, Figure 19."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import pytest

from esrd_pipeline_tests.sql.months import PROGRAMS, excepted
from esrd_pipeline_tests.sql.worked import Row, day, run

MARCH = "2024-03"


def spell(
    start: str, end: str, *, state: str = "dialysis", ccn: str | None = "A", **other: object
) -> list[Row]:
    """A spell of the treatment history, in both programs."""
    return [
        {
            "program": program,
            "patient_id": 1,
            "start_date": day(start),
            "end_date": day(end),
            "state": state,
            "ccn": ccn,
            "modality": "hemodialysis" if state == "dialysis" else None,
            "source": "eqrs",
            **other,
        }
        for program in PROGRAMS
    ]


YEAR_LONG = spell("2020-01-01", "2024-12-31")


def follow(
    *spells: Row,
    born: str | None = "1960-06-15",
    listed: tuple[str, str | None] | None = None,
    home: tuple[str, str] | None = None,
    hospice: str | None = None,
    form: Row | None = None,
    known: dict[str, Sequence[Row]] | None = None,
    program: str = "dfc",
) -> pd.DataFrame:
    """The patient's months in one program."""
    waits = [
        {"patient_id": 1, "start_date": day(start), "end_date": day(end) if end else None}
        for start, end in ([listed] if listed else [])
    ]
    homes = [
        {"patient_id": 1, "start_date": day(start), "end_date": day(end)}
        for start, end in ([home] if home else [])
    ]
    rows = run(
        "cohort.pppw",
        tables={
            "linkage.patient": [{"patient_id": 1, "date_of_birth": day(born) if born else None}],
            "history.treatment": spells or YEAR_LONG,
            "linkage.waitlist": waits,
            "history.nursing_home": homes,
            "history.limited_life": [
                {"patient_id": 1, "month": day(f"{hospice}-01"), "is_hospice": True}
            ]
            if hospice
            else [],
            "history.patient_characteristics": [{"patient_id": 1, **form}] if form else [],
            **(known or {}),
        },
    )
    rows = rows[rows["program"] == program]
    return rows.assign(month=[str(month)[:7] for month in rows["month"]]).set_index("month")


def of(rows: pd.DataFrame, month: str = MARCH) -> dict[str, Any]:
    (row,) = rows[rows.index == month].to_dict("records")
    return {str(name): value for name, value in row.items()}


def verdict(rows: pd.DataFrame, month: str = MARCH) -> object:
    row = of(rows, month)
    return int(row["is_event"]) if pd.isna(row["reason"]) else row["reason"]


def test_every_month_on_dialysis_counts_without_medicare_and_from_the_first_day() -> None:
    rows = follow(*spell("2024-02-29", "2024-12-31"))
    assert rows.index[0] == "2024-02"
    assert rows["is_event"].tolist() == [0] * 11
    assert set(rows["ccn"]) == {"A"}


@pytest.mark.parametrize(
    ("listed", "told"),
    [
        (("2024-03-31", None), 1),
        (("2024-04-01", None), 0),
        (("2023-01-01", "2024-03-31"), 1),
        (("2023-01-01", "2024-03-30"), 0),
        (("2024-03-02", "2024-03-20"), 0),
    ],
)
def test_who_is_listed_on_the_months_last_day_is_in_the_numerator(
    listed: tuple[str, str | None], told: int
) -> None:
    assert verdict(follow(listed=listed)) == told


def test_the_numerator_goes_month_by_month_in_both_programs() -> None:
    for program in PROGRAMS:
        rows = follow(listed=("2024-03-31", "2024-06-29"), program=program)
        assert rows["is_event"].tolist() == [0, 0, 1, 1, 1, *[0] * 7]


@pytest.mark.parametrize(
    ("born", "told"),
    [("1949-03-31", "age_75_or_older"), ("1949-04-01", 0), ("1949-03-01", "age_75_or_older")],
)
def test_patients_are_under_75_on_the_months_last_day(born: str, told: object) -> None:
    assert verdict(follow(born=born)) == told


def test_children_count() -> None:
    row = of(follow(born="2014-03-31"))
    assert row["is_event"] == 0
    assert row["age"] == pytest.approx(10, abs=0.01)


@pytest.mark.parametrize(
    ("born", "over"),
    [("2012-03-31", (0, 0, 0)), ("1974-03-31", (35, 0, 0)), ("1964-03-31", (45, 5, 0)),
     ("1952-03-31", (57, 17, 2))],
)  # fmt: skip
def test_age_has_knots_at_15_55_and_70(born: str, over: tuple[int, int, int]) -> None:
    row = of(follow(born=born))
    found = [row["age_over_15"], row["age_over_55"], row["age_over_70"]]
    assert found == pytest.approx(list(over), abs=0.01)


def test_age_goes_on_within_the_year() -> None:
    ages = follow(born="1960-06-15")["age"]
    assert ages.iloc[-1] - ages.iloc[0] == pytest.approx(335 / 365.25)


@pytest.mark.parametrize(
    ("home", "told"),
    [
        (("2024-03-31", "2024-05-01"), "nursing_home_in_month"),
        (("2024-01-01", "2024-03-01"), "nursing_home_in_month"),
        (("2024-03-10", "2024-03-12"), "nursing_home_in_month"),
        (("2024-01-01", "2024-02-29"), 0),
        (("2024-04-01", "2024-05-01"), 0),
    ],
)
def test_a_day_of_the_month_in_a_nursing_home_leaves_it_out(
    home: tuple[str, str], told: object
) -> None:
    assert verdict(follow(home=home)) == told


def test_hospice_leaves_its_month_out_and_no_other() -> None:
    rows = follow(hospice=MARCH)
    assert verdict(rows) == "hospice_in_month"
    assert verdict(rows, "2024-04") == 0


def test_a_diagnosis_that_limits_life_is_not_hospice() -> None:
    limited: Row = {
        "patient_id": 1,
        "month": day("2024-03-01"),
        "is_hospice": False,
        "has_metastatic_cancer": True,
    }
    assert verdict(follow(known={"history.limited_life": [limited]})) == 0


def test_a_nursing_home_at_incidence_leaves_every_month_out() -> None:
    rows = follow(form={"is_institutionalised": True})
    assert set(rows["reason"]) == {"nursing_home_at_incidence"}
    assert verdict(follow(form={"is_institutionalised": False})) == 0


@pytest.mark.parametrize(
    "form",
    [{"has_institutionalised": True}, {"setting": "SNF/Long Term Care Facility"}],
)
def test_the_first_form_tells_the_nursing_home_at_incidence(form: Row) -> None:
    later: Row = {"has_institutionalised": True}
    for first, second, expected in ((form, {}, True), ({}, later, False)):
        rows = run(
            "history.patient_characteristics",
            tables={
                "linkage.patient": [{"patient_id": 1}],
                "raw.cms_2728": [
                    {"patient_id": 1, "form_number": 1, **first},
                    {"patient_id": 1, "form_number": 2, **second},
                ],
            },
        )
        assert rows["is_institutionalised"].tolist() == [expected]


def test_the_facility_is_the_one_of_the_months_last_day() -> None:
    rows = follow(*spell("2020-01-01", "2024-03-30"), *spell("2024-03-31", "2024-12-31", ccn="B"))
    assert rows["ccn"].tolist() == ["A", "A", *["B"] * 10]
    rows = follow(*spell("2020-01-01", "2024-03-31"), *spell("2024-04-01", "2024-12-31", ccn="B"))
    assert rows["ccn"].tolist() == ["A", "A", "A", *["B"] * 9]


def test_peritoneal_dialysis_counts_too() -> None:
    assert verdict(follow(*spell("2020-01-01", "2024-12-31", modality="peritoneal"))) == 0


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("transplant", "transplant"),
        ("recovered", "not_on_dialysis"),
        ("withdrawn", "not_on_dialysis"),
        ("lost", "not_on_dialysis"),
        ("untreated", "not_on_dialysis"),
    ],
)
def test_who_is_not_on_dialysis_on_the_last_day_is_left_out(state: str, told: str) -> None:
    rows = follow(
        *spell("2020-01-01", "2024-03-30"),
        *spell("2024-03-31", "2024-12-31", state=state, ccn=None),
        listed=("2023-01-01", None),
    )
    assert (verdict(rows, "2024-02"), verdict(rows)) == (1, told)


def test_a_facility_that_is_not_known_answers_for_nobody() -> None:
    assert verdict(follow(*spell("2020-01-01", "2024-12-31", ccn=None))) == "facility_unknown"


def test_who_died_before_the_last_day_has_no_such_month() -> None:
    assert follow(*spell("2020-01-01", "2024-03-30")).index.tolist() == ["2024-01", "2024-02"]
    assert len(follow(*spell("2020-01-01", "2024-03-31"))) == 3


def test_without_a_date_of_birth_nothing_counts() -> None:
    assert verdict(follow(born=None)) == "date_of_birth_unknown"


def test_exceptions_are_the_qips_alone() -> None:
    known = excepted("A", MARCH)
    told = follow(known=known, program="qip")
    assert verdict(told) == "extraordinary_circumstances_exception"
    assert verdict(told, "2024-04") == 0
    assert verdict(follow(known=known)) == 0


def test_a_month_under_two_exceptions_has_one_row() -> None:
    grants = [
        {"ccn": "A", "first_month": day("2024-01-01"), "last_month": day(f"2024-{last}-01")}
        for last in ("03", "04")
    ]
    assert len(follow(known={"raw.ece_grant": grants}, program="qip")) == 12


def test_the_first_rule_that_applies_is_told() -> None:
    rows = follow(
        born="1940-01-01",
        home=("2024-01-01", "2024-12-31"),
        hospice=MARCH,
        form={"is_institutionalised": True},
    )
    assert set(rows["reason"]) == {"age_75_or_older"}
