"""SMR's records: the clock of days at risk, and adjusters as of the record's first day."""

from collections.abc import Hashable
from math import log

import pandas as pd
import pytest

from esrd_pipeline.measures import smr
from esrd_pipeline.parameters.rows import load_rows
from esrd_pipeline_tests.sql.design_columns import add_columns
from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

pytestmark = pytest.mark.manual("2.14.12")


def segment(start: str, end: str, **other: object) -> Row:
    first, last = day(start), day(end)
    return {
        "program": "dfc",
        "patient_id": 1,
        "ccn": "A",
        "record": 1,
        "is_covid": False,
        "ma_days": 0,
        "start_date": first,
        "end_date": last,
        "days": (last - first).days + 1,
        **other,
    }


def describe(
    *segments: Row,
    patient: Row | None = None,
    homes: tuple[tuple[str, str], ...] = (),
    covered: int = 12,
    first_service: str = "2010-01-01",
    state: str | None = "CA",
) -> Case:
    """The records of patient 1, with the columns of the design."""
    known: Row = {
        "patient_id": 1,
        "date_of_birth": day("1954-06-15"),
        "race_class": "white",
        "has_form": True,
        "bmi_class": ">=30",
        **(patient or {}),
    }
    return case(
        "cohort.smr",
        tables={
            "cohort.smr_days": segments or [segment("2024-01-01", "2024-12-31")],
            "linkage.first_service": [
                {"program": "dfc", "patient_id": 1, "first_service_date": day(first_service)}
            ],
            "linkage.patient": [{"patient_id": 1, "date_of_birth": known["date_of_birth"]}],
            "history.patient_characteristics": [known],
            "history.nursing_home": [
                {"patient_id": 1, "start_date": day(a), "end_date": day(b)} for a, b in homes
            ],
            "history.medicare_month": [
                {"patient_id": 1, "month": day(f"2023-{n:02d}-01"), "is_observable": n <= covered}
                for n in range(1, 13)
            ],
            "linkage.facility": [{"program": "dfc", "ccn": "A", "state": state}],
        },
    ).read(lambda rows: add_columns(rows, smr.TERMS, patients=[known]))


def one(rows: pd.DataFrame) -> dict[Hashable, object]:
    """The only record."""
    (row,) = rows.to_dict("records")
    return row


def clock(rows: pd.DataFrame) -> list[tuple[int, int, int]]:
    return list(zip(rows["start_day"], rows["stop_day"], rows["is_event"], strict=True))


@pytest.mark.manual("2.14.10.4")
@worked
def test_the_clock_counts_days_at_risk_from_zero() -> Worked:
    rows = yield describe()
    assert clock(rows) == [(0, 366, 0)]


@pytest.mark.manual("2.14.10.4")
@worked
def test_months_that_do_not_count_do_not_move_the_clock() -> Worked:
    rows = yield describe(
        segment("2024-01-01", "2024-01-31"),
        segment("2024-02-01", "2024-02-29", reason="month_not_observable_in_claims"),
        segment("2024-03-01", "2024-03-31"),
    )
    assert clock(rows) == [(0, 31, 0), (31, 62, 0)]


@pytest.mark.manual("2.14.10.4")
@worked
def test_another_facility_starts_the_clock_anew() -> Worked:
    rows = yield describe(
        segment("2024-01-01", "2024-01-31"), segment("2024-02-01", "2024-02-29", ccn="A", record=2)
    )
    assert clock(rows) == [(0, 31, 0), (0, 29, 0)]


@pytest.mark.manual("2.14.6", "2.14.11")
@worked
def test_a_death_ends_the_record_on_its_day() -> Worked:
    rows = yield describe(segment("2024-01-01", "2024-01-10", death="counted cause"))
    assert clock(rows) == [(0, 10, 1)]


@pytest.mark.manual("2.14.11")
@worked
def test_a_death_of_an_excluded_cause_ends_the_record_without_an_event() -> Worked:
    rows = yield describe(segment("2024-01-01", "2024-01-10", death="excluded cause"))
    assert clock(rows) == [(0, 10, 0)]


@worked
def test_a_death_that_is_not_at_risk_is_no_event() -> Worked:
    rows = yield describe(
        segment("2024-01-01", "2024-01-31"),
        segment(
            "2024-02-01",
            "2024-02-10",
            reason="month_not_observable_in_claims",
            death="counted cause",
        ),
    )
    assert clock(rows) == [(0, 31, 0)]


@worked
def test_covid_days_are_a_part_of_their_record() -> Worked:
    rows = yield describe(
        segment("2024-01-01", "2024-01-31"), segment("2024-02-01", "2024-02-29", is_covid=True)
    )
    assert clock(rows) == [(0, 31, 0), (31, 60, 0)]
    assert rows["is_covid"].tolist() == [0, 1]


@worked
def test_medicare_advantage_is_the_share_of_the_records_days_at_risk() -> Worked:
    rows = yield describe(
        segment("2024-01-01", "2024-01-31", ma_days=31),
        segment("2024-02-01", "2024-02-29", is_covid=True),
    )
    assert rows["ma_share"].tolist() == pytest.approx([31 / 60, 31 / 60])


@pytest.mark.parametrize(
    ("born", "ages"),
    [
        ("2011-01-01", (13, 0, 0)),
        ("2010-01-01", (14, 0, 0)),
        ("2009-01-02", (14, 0, 0)),
        ("2009-01-01", (14, 1, 0)),
        ("1963-01-01", (14, 47, 0)),
        ("1962-01-01", (14, 47, 1)),
    ],
)
@worked
def test_the_slope_of_age_changes_at_14_and_61(born: str, ages: tuple[int, int, int]) -> Worked:
    rows = yield describe(patient={"date_of_birth": day(born)})
    row = one(rows)
    assert (row["age_to_14"], row["age_14_to_61"], row["age_over_61"]) == ages


@pytest.mark.parametrize(
    ("first_service", "classes"),
    [
        ("2023-01-02", (1, 0, 0)),
        ("2023-01-01", (0, 1, 0)),
        ("2022-01-02", (0, 1, 0)),
        ("2022-01-01", (0, 0, 1)),
        ("2021-01-02", (0, 0, 1)),
        ("2021-01-01", (0, 0, 0)),
    ],
)
@worked
def test_duration_of_esrd_is_that_of_the_records_first_day(
    first_service: str, classes: tuple[int, int, int]
) -> Worked:
    rows = yield describe(first_service=first_service)
    row = one(rows)
    assert (row["is_under_1_year"], row["is_1_to_2_years"], row["is_2_to_3_years"]) == classes


@pytest.mark.parametrize(
    ("race_class", "classes", "rate"),
    [
        ("white", (0, 0, 0), "white"),
        ("black", (1, 0, 0), "black"),
        ("asian or pacific islander", (0, 1, 0), "asian or pacific islander"),
        ("native american", (0, 0, 1), "native american"),
        ("other", (0, 0, 1), "all"),
    ],
)
@worked
def test_the_state_rate_is_that_of_the_patients_race(
    race_class: str, classes: tuple[int, int, int], rate: str
) -> Worked:
    (known,) = (
        float(row["deaths_per_100000"])
        for row in load_rows("state_death_rate")
        if (row["state"], row["race_class"]) == ("CA", rate)
    )
    rows = yield describe(patient={"race_class": race_class})
    row = one(rows)
    assert (row["is_black"], row["is_asian"], row["is_native_or_other"]) == classes
    assert row["log_state_death_rate"] == pytest.approx(log(known))


@worked
def test_a_facility_without_a_known_state_has_the_nations_rate() -> Worked:
    (known,) = (
        float(row["deaths_per_100000"])
        for row in load_rows("state_death_rate")
        if (row["state"], row["race_class"]) == ("US", "white")
    )
    rows = yield describe(state=None)
    assert one(rows)["log_state_death_rate"] == pytest.approx(log(known))


@pytest.mark.parametrize("known", [(1, 0), (0, 0), (0, 1)])
@worked
def test_ethnicity_is_hispanic_or_not_or_unknown(known: tuple[int, int]) -> Worked:
    rows = yield describe(
        patient={"is_hispanic": known[0] == 1, "is_ethnicity_unknown": known[1] == 1}
    )
    row = one(rows)
    assert (row["is_hispanic"], row["is_ethnicity_unknown"]) == known


@pytest.mark.parametrize(
    ("home", "classes"),
    [
        (("2022-01-01", "2022-12-31"), (0, 0)),
        (("2023-12-31", "2023-12-31"), (1, 0)),
        (("2023-10-04", "2023-12-31"), (1, 0)),
        (("2023-10-03", "2023-12-31"), (0, 1)),
        (("2024-01-01", "2024-12-31"), (0, 0)),
    ],
)
@worked
def test_nursing_homes_are_those_of_the_365_days_before(
    home: tuple[str, str], classes: tuple[int, int]
) -> Worked:
    rows = yield describe(homes=(home,))
    row = one(rows)
    assert (row["is_nursing_home_short"], row["is_nursing_home_long"]) == classes


@pytest.mark.parametrize(("covered", "is_missing"), [(5, 1), (6, 0)])
@worked
def test_conditions_could_be_seen_with_six_months_of_medicare(
    covered: int, is_missing: int
) -> Worked:
    rows = yield describe(covered=covered)
    assert one(rows)["is_prevalent_missing"] == is_missing


@worked
def test_interactions_are_products() -> Worked:
    rows = yield describe(
        patient={
            "race_class": "black",
            "is_female": True,
            "is_hispanic": True,
            "is_diabetes_cause": True,
        },
        first_service="2023-09-01",
    )
    row = one(rows)
    products = (
        "hispanic_x_nonwhite",
        "diabetes_x_black",
        "diabetes_x_under_1_year",
        "under_1_year_x_black",
        "female_x_black",
    )
    assert [row[name] for name in products] == [1] * 5
    assert (row["black_x_age_14_to_61"], row["black_x_age_over_61"]) == (47, 69 - 61)
    assert (row["diabetes_x_asian"], row["diabetes_x_1_to_2_years"]) == (0, 0)


@pytest.mark.parametrize(
    ("born", "race", "products"),
    [
        # Nine, fourteen and sixty-nine years old on the first day.
        ("2014-06-15", "black", (-5, 0, 0)),
        ("2009-06-15", "black", (0, 0, 0)),
        ("1954-06-15", "black", (0, 47, 8)),
        ("2014-06-15", "white", (0, 0, 0)),
    ],
)
@worked
def test_age_by_race_has_the_three_pieces_of_age(
    born: str, race: str, products: tuple[int, int, int]
) -> Worked:
    rows = yield describe(patient={"date_of_birth": day(born), "race_class": race})
    row = one(rows)
    names = ("to_14", "14_to_61", "over_61")
    assert tuple(row[f"black_x_age_{name}"] for name in names) == products


@worked
def test_what_is_missing_is_marked() -> Worked:
    rows = yield describe(
        patient={"has_form": False, "is_bmi_missing": True, "is_cause_missing": True}
    )
    row = one(rows)
    assert (row["is_form_missing"], row["is_bmi_missing"], row["is_cause_missing"]) == (1, 1, 1)
