"""PPPW month by month, rule by rule: manual 2.16.6 to 2.16.13, Figure 19."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import pytest

from esrd_pipeline.measures import pppw
from esrd_pipeline_tests.sql.design_columns import add_columns
from esrd_pipeline_tests.sql.months import PROGRAMS, excepted
from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

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
) -> Case:
    """The patient's months in one program."""
    waits = [
        {"patient_id": 1, "start_date": day(start), "end_date": day(end) if end else None}
        for start, end in ([listed] if listed else [])
    ]
    homes = [
        {"patient_id": 1, "start_date": day(start), "end_date": day(end)}
        for start, end in ([home] if home else [])
    ]

    def read_rows(rows: pd.DataFrame) -> pd.DataFrame:
        rows = rows[rows["program"] == program]
        return rows.assign(month=[str(month)[:7] for month in rows["month"]]).set_index("month")

    return case(
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
    ).read(read_rows)


def of(rows: pd.DataFrame, month: str = MARCH) -> dict[str, Any]:
    (row,) = rows[rows.index == month].to_dict("records")
    return {str(name): value for name, value in row.items()}


def verdict(rows: pd.DataFrame, month: str = MARCH) -> object:
    row = of(rows, month)
    return int(row["is_event"]) if pd.isna(row["reason"]) else row["reason"]


@pytest.mark.manual("2.16.8")
@worked
def test_every_month_on_dialysis_counts_without_medicare_and_from_the_first_day() -> Worked:
    rows = yield follow(*spell("2024-02-29", "2024-12-31"))
    assert rows.index[0] == "2024-02"
    assert rows["is_event"].tolist() == [0] * 11
    assert set(rows["ccn"]) == {"A"}


@pytest.mark.manual("2.16.6", "2.16.11")
@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        (("2024-03-31", None), 1),
        (("2024-04-01", None), 0),
        (("2023-01-01", "2024-03-31"), 1),
        (("2023-01-01", "2024-03-30"), 0),
        (("2024-03-02", "2024-03-20"), 0),
    ],
)
@worked
def test_who_is_listed_on_the_months_last_day_is_in_the_numerator(
    listed: tuple[str, str | None], expected: int
) -> Worked:
    rows = yield follow(listed=listed)
    assert verdict(rows) == expected


@pytest.mark.manual("2.16.11")
@worked
def test_the_numerator_goes_month_by_month_in_both_programs() -> Worked:
    listed = ("2024-03-31", "2024-06-29")
    for rows in (yield [follow(listed=listed, program=program) for program in PROGRAMS]):
        assert rows["is_event"].tolist() == [0, 0, 1, 1, 1, *[0] * 7]


@pytest.mark.manual("2.16.9", "3.1.3")
@pytest.mark.parametrize(
    ("born", "expected"),
    [("1949-03-31", "age_75_or_older"), ("1949-04-01", 0), ("1949-03-01", "age_75_or_older")],
)
@worked
def test_patients_are_under_75_on_the_months_last_day(born: str, expected: object) -> Worked:
    rows = yield follow(born=born)
    assert verdict(rows) == expected


@pytest.mark.manual("2.16.8")
@worked
def test_children_count() -> Worked:
    rows = yield follow(born="2014-03-31")
    row = of(rows)
    assert row["is_event"] == 0
    assert row["age"] == pytest.approx(10, abs=0.01)


@pytest.mark.manual("2.16.12")
@pytest.mark.parametrize(
    ("born", "over"),
    [("2012-03-31", (-3, 0, 0, 0)), ("1974-03-31", (0, 35, 0, 0)), ("1964-03-31", (0, 40, 5, 0)),
     ("1952-03-31", (0, 40, 15, 2))],
)  # fmt: skip
@worked
def test_age_has_knots_at_15_55_and_70(born: str, over: tuple[int, ...]) -> Worked:
    rows = yield follow(born=born)
    row = of(add_columns(rows, pppw.TERMS))
    found = [row[f"age_{piece}"] for piece in ("to_15", "15_to_55", "55_to_70", "over_70")]
    assert found == pytest.approx(list(over), abs=0.01)


@worked
def test_age_goes_on_within_the_year() -> Worked:
    rows = yield follow(born="1960-06-15")
    ages = rows["age"]
    assert ages.iloc[-1] - ages.iloc[0] == pytest.approx(335 / 365.25)


@pytest.mark.manual("2.16.9")
@pytest.mark.parametrize(
    ("home", "expected"),
    [
        (("2024-03-31", "2024-05-01"), "nursing_home_in_month"),
        (("2024-01-01", "2024-03-01"), "nursing_home_in_month"),
        (("2024-03-10", "2024-03-12"), "nursing_home_in_month"),
        (("2024-01-01", "2024-02-29"), 0),
        (("2024-04-01", "2024-05-01"), 0),
    ],
)
@worked
def test_a_day_of_the_month_in_a_nursing_home_leaves_it_out(
    home: tuple[str, str], expected: object
) -> Worked:
    rows = yield follow(home=home)
    assert verdict(rows) == expected


@pytest.mark.manual("2.16.9")
@worked
def test_hospice_leaves_its_month_out_and_no_other() -> Worked:
    rows = yield follow(hospice=MARCH)
    assert verdict(rows) == "hospice_in_month"
    assert verdict(rows, "2024-04") == 0


@pytest.mark.manual("2.16.16")
@worked
def test_a_diagnosis_that_limits_life_is_not_hospice() -> Worked:
    limited: Row = {
        "patient_id": 1,
        "month": day("2024-03-01"),
        "is_hospice": False,
        "has_metastatic_cancer": True,
    }
    rows = yield follow(known={"history.limited_life": [limited]})
    assert verdict(rows) == 0


@pytest.mark.manual("2.16.9")
@worked
def test_a_nursing_home_at_incidence_leaves_every_month_out() -> Worked:
    rows, second = yield (
        follow(form={"is_institutionalised": True}),
        follow(form={"is_institutionalised": False}),
    )
    assert set(rows["reason"]) == {"nursing_home_at_incidence"}
    assert verdict(second) == 0


@pytest.mark.manual("2.16.16")
@pytest.mark.parametrize(
    "form",
    [{"has_institutionalised": True}, {"setting": "SNF/Long Term Care Facility"}],
)
@worked
def test_the_first_form_tells_the_nursing_home_at_incidence(form: Row) -> Worked:
    later: Row = {"has_institutionalised": True}
    by_first, by_second = yield [
        case(
            "history.patient_characteristics",
            tables={
                "linkage.patient": [{"patient_id": 1}],
                "raw.cms_2728": [
                    {"patient_id": 1, "form_number": 1, **first},
                    {"patient_id": 1, "form_number": 2, **second},
                ],
            },
        )
        for first, second in ((form, {}), ({}, later))
    ]
    assert by_first["is_institutionalised"].tolist() == [True]
    assert by_second["is_institutionalised"].tolist() == [False]


@pytest.mark.manual("2.16.10")
@worked
def test_the_facility_is_the_one_of_the_months_last_day() -> Worked:
    first, second = yield (
        follow(*spell("2020-01-01", "2024-03-30"), *spell("2024-03-31", "2024-12-31", ccn="B")),
        follow(*spell("2020-01-01", "2024-03-31"), *spell("2024-04-01", "2024-12-31", ccn="B")),
    )
    assert first["ccn"].tolist() == ["A", "A", *["B"] * 10]
    assert second["ccn"].tolist() == ["A", "A", "A", *["B"] * 9]


@worked
def test_peritoneal_dialysis_counts_too() -> Worked:
    rows = yield follow(*spell("2020-01-01", "2024-12-31", modality="peritoneal"))
    assert verdict(rows) == 0


@pytest.mark.manual("2.16.10")
@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("transplant", "transplant"),
        ("recovered", "not_on_dialysis"),
        ("withdrawn", "not_on_dialysis"),
        ("lost", "not_on_dialysis"),
        ("untreated", "not_on_dialysis"),
    ],
)
@worked
def test_who_is_not_on_dialysis_on_the_last_day_is_left_out(state: str, expected: str) -> Worked:
    rows = yield follow(
        *spell("2020-01-01", "2024-03-30"),
        *spell("2024-03-31", "2024-12-31", state=state, ccn=None),
        listed=("2023-01-01", None),
    )
    assert (verdict(rows, "2024-02"), verdict(rows)) == (1, expected)


@worked
def test_a_facility_that_is_not_known_answers_for_nobody() -> Worked:
    rows = yield follow(*spell("2020-01-01", "2024-12-31", ccn=None))
    assert verdict(rows) == "facility_unknown"


@worked
def test_who_died_before_the_last_day_has_no_such_month() -> Worked:
    first, second = yield (
        follow(*spell("2020-01-01", "2024-03-30")),
        follow(*spell("2020-01-01", "2024-03-31")),
    )
    assert first.index.tolist() == ["2024-01", "2024-02"]
    assert len(second) == 3


@worked
def test_without_a_date_of_birth_nothing_counts() -> Worked:
    rows = yield follow(born=None)
    assert verdict(rows) == "date_of_birth_unknown"


@pytest.mark.manual("2.16.7", "3.4")
@worked
def test_exceptions_are_the_qips_alone() -> Worked:
    known = excepted("A", MARCH)
    found, dfc = yield follow(known=known, program="qip"), follow(known=known)
    assert verdict(found) == "extraordinary_circumstances_exception"
    assert verdict(found, "2024-04") == 0
    assert verdict(dfc) == 0


@worked
def test_a_month_under_two_exceptions_has_one_row() -> Worked:
    grants = [
        {"ccn": "A", "first_month": day("2024-01-01"), "last_month": day(f"2024-{last}-01")}
        for last in ("03", "04")
    ]
    rows = yield follow(known={"raw.ece_grant": grants}, program="qip")
    assert len(rows) == 12


@pytest.mark.manual("2.16.17")
@worked
def test_the_first_rule_that_applies_is_told() -> Worked:
    rows = yield follow(
        born="1940-01-01",
        home=("2024-01-01", "2024-12-31"),
        hospice=MARCH,
        form={"is_institutionalised": True},
    )
    assert set(rows["reason"]) == {"age_75_or_older"}
