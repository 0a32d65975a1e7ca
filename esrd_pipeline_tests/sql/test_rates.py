"""Person-periods of SHR, STrR and SEDR: days, events, adjusters of the period's first day."""

import pytest

from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

PERIOD = {
    "program": "dfc",
    "patient_id": 1,
    "ccn": "A",
    "period": 1,
    "interval": 5,
    "covid_stage": 0,
    "is_ma": False,
    "events": 0,
    "uncounted_events": 0,
}


def segment(start: str, end: str, **other: object) -> Row:
    first, last = day(start), day(end)
    return {
        **PERIOD,
        "start_date": first,
        "end_date": last,
        "days": (last - first).days + 1,
        **other,
    }


def describe(
    *segments: Row,
    born: str = "1954-06-15",
    sex: str = "M",
    incident: Row | None = None,
    homes: tuple[tuple[str, str], ...] = (),
    covered: int = 12,
    managed: int = 0,
    measure: str = "shr",
) -> Case:
    """The periods of patient 1 in one measure."""
    return case(
        "cohort.rates",
        tables={
            f"cohort.{measure}_days": segments or [segment("2024-01-01", "2024-01-31")],
            "linkage.patient": [{"patient_id": 1, "date_of_birth": day(born), "sex": sex}],
            "history.patient_characteristics": [
                {"patient_id": 1, "has_form": True, "bmi_class": ">=30", **(incident or {})}
            ],
            "history.nursing_home": [
                {"patient_id": 1, "start_date": day(a), "end_date": day(b)} for a, b in homes
            ],
            "history.medicare_month": [
                {
                    "patient_id": 1,
                    "month": day(f"2023-{n:02d}-01"),
                    "is_covered": n <= covered,
                    "is_observable": n <= covered + managed,
                }
                for n in range(1, 13)
            ],
        },
    )


@worked
def test_days_and_events_of_a_period_are_added_up_where_at_risk() -> Worked:
    rows = yield describe(
        segment("2024-01-01", "2024-01-31", events=1),
        segment("2024-02-01", "2024-02-29", events=1, reason="month not observable"),
        segment("2024-03-01", "2024-03-31", events=2),
    )
    (row,) = rows.to_dict("records")
    assert (row["days_at_risk"], row["event_count"]) == (62, 3)


@worked
def test_the_adjusters_are_those_of_the_periods_first_day_even_if_not_at_risk() -> Worked:
    rows = yield describe(
        segment("2024-06-01", "2024-06-30", reason="month not observable"),
        segment("2024-07-01", "2024-07-31"),
        born="1954-06-15",
    )
    (row,) = rows.to_dict("records")
    assert row["start_date"] == day("2024-06-01")
    assert row["age_over_65"] == 69 - 65


@worked
def test_a_period_never_at_risk_is_no_row() -> Worked:
    rows = yield describe(segment("2024-06-01", "2024-06-30", reason="transplant"))
    assert rows.empty


@worked
def test_events_the_measure_does_not_count_are_left_out() -> Worked:
    month = segment("2024-01-01", "2024-01-31", events=2, uncounted_events=1)
    rows = yield describe(month)
    assert rows["event_count"].tolist() == [1]


@pytest.mark.parametrize(
    ("born", "start", "age"),
    [
        ("1959-01-01", "2024-01-01", 65),
        ("1959-01-02", "2024-01-01", 64),
        ("1960-02-29", "2023-02-28", 62),
        ("1960-02-29", "2023-03-01", 63),
    ],
)
@worked
def test_age_is_in_completed_years(born: str, start: str, age: int) -> Worked:
    rows = yield describe(segment(start, start), born=born)
    assert rows["age_over_65"].tolist() == [age - 65]
    assert rows["age_over_65_squared"].tolist() == [(age - 65) ** 2]


@pytest.mark.parametrize(
    ("homes", "short", "long"),
    [
        ((), 0, 0),
        ((("2023-12-31", "2023-12-31"),), 1, 0),
        ((("2022-06-01", "2023-01-01"),), 1, 0),
        ((("2022-06-01", "2022-12-31"),), 0, 0),
        ((("2023-10-04", "2023-12-31"),), 1, 0),
        ((("2023-10-03", "2023-12-31"),), 0, 1),
        ((("2023-02-01", "2023-03-02"), ("2023-06-01", "2023-07-30")), 0, 1),
        ((("2024-01-01", "2024-12-31"),), 0, 0),
    ],
)
@worked
def test_nursing_home_status_counts_the_365_days_before(
    homes: tuple[tuple[str, str], ...], short: int, long: int
) -> Worked:
    rows = yield describe(homes=homes)
    (row,) = rows.to_dict("records")
    assert (row["is_nursing_home_short"], row["is_nursing_home_long"]) == (short, long)


@worked
def test_medicare_advantage_is_the_share_of_the_days_at_risk() -> Worked:
    rows = yield describe(
        segment("2024-01-01", "2024-01-31"), segment("2024-02-01", "2024-02-29", is_ma=True)
    )
    assert rows["ma_share"].tolist() == [29 / 60]


@pytest.mark.parametrize(("covered", "missing"), [(6, 0), (5, 1), (0, 1)])
@worked
def test_conditions_are_missing_below_six_covered_months(covered: int, missing: int) -> Worked:
    rows = yield describe(covered=covered)
    assert rows["is_prevalent_missing"].tolist() == [missing]


@worked
def test_interactions_are_products() -> Worked:
    first, second = yield (
        describe(sex="F", born="1954-01-01", incident={"is_diabetes_cause": True}),
        describe(sex="M", born="1954-01-01"),
    )
    (row,) = first.to_dict("records")
    assert (row["age_x_diabetes"], row["age_x_female"], row["female_x_diabetes"]) == (5, 5, 1)
    (man,) = second.to_dict("records")
    assert (man["age_x_diabetes"], man["age_x_female"], man["female_x_diabetes"]) == (0, 0, 0)


@worked
def test_a_patient_without_a_form_says_so() -> Worked:
    rows = yield describe(incident={"has_form": False})
    (row,) = rows.to_dict("records")
    assert row["is_form_missing"] == 1


@pytest.mark.parametrize(
    ("bmi_class", "column"),
    [
        ("<18.5", "is_bmi_under_18"),
        ("18.5-25", "is_bmi_18_to_25"),
        ("25-30", "is_bmi_25_to_30"),
        (">=30", None),
    ],
)
@worked
def test_a_bmi_class_has_its_indicator_and_the_highest_is_the_reference(
    bmi_class: str, column: str | None
) -> Worked:
    rows = yield describe(incident={"bmi_class": bmi_class})
    (row,) = rows.to_dict("records")
    columns = ("is_bmi_under_18", "is_bmi_18_to_25", "is_bmi_25_to_30")
    assert [name for name in columns if row[name] == 1] == ([column] if column else [])


@worked
def test_each_measure_has_its_own_periods() -> Worked:
    month = segment("2024-01-01", "2024-01-31", events=1)
    rows = yield case(
        "cohort.rates",
        tables={
            "cohort.shr_days": [month],
            "cohort.strr_days": [{**month, "events": 2}],
            "cohort.sedr_days": [{**month, "reason": "hospice_in_month"}],
            "linkage.patient": [{"patient_id": 1, "date_of_birth": day("1954-06-15"), "sex": "M"}],
        },
    )
    assert rows[["measure", "event_count"]].to_numpy().tolist() == [["shr", 1], ["strr", 2]]


AGES = ("is_age_18_to_24", "is_age_25_to_44", "is_age_45_to_59", "is_age_75_or_more")


@pytest.mark.parametrize(
    ("born", "group"),
    [
        ("2006-01-01", "is_age_18_to_24"),
        ("1999-01-02", "is_age_18_to_24"),
        ("1999-01-01", "is_age_25_to_44"),
        ("1979-01-02", "is_age_25_to_44"),
        ("1979-01-01", "is_age_45_to_59"),
        ("1964-01-02", "is_age_45_to_59"),
        ("1964-01-01", None),
        ("1949-01-02", None),
        ("1949-01-01", "is_age_75_or_more"),
    ],
)
@worked
def test_an_age_group_has_its_indicator_and_60_to_74_is_the_reference(
    born: str, group: str | None
) -> Worked:
    rows = yield describe(born=born, measure="strr")
    (row,) = rows.to_dict("records")
    assert [name for name in AGES if row[name] == 1] == ([group] if group else [])


@worked
def test_diabetes_as_cause_goes_with_the_age_group_and_the_interval() -> Worked:
    month = segment("2024-01-01", "2024-01-31", interval=3)
    first, second = yield (
        describe(month, born="1990-01-01", incident={"is_diabetes_cause": True}, measure="strr"),
        describe(month, born="1990-01-01", measure="strr"),
    )
    (row,) = first.to_dict("records")
    products = [name for name in row if name.endswith("_x_diabetes") and row[name] == 1]
    assert products == ["age_25_to_44_x_diabetes", "interval_3_x_diabetes"]
    (other,) = second.to_dict("records")
    assert not any(other[name] for name in products)


@worked
def test_diabetes_in_the_first_interval_and_60_to_74_years_is_the_main_effect_alone() -> Worked:
    month = segment("2024-01-01", "2024-01-31", interval=0)
    rows = yield describe(
        month, born="1959-01-01", incident={"is_diabetes_cause": True}, measure="strr"
    )
    (row,) = rows.to_dict("records")
    assert row["is_diabetes_cause"] == 1
    assert [n for n in row if n.endswith("_x_diabetes") and row[n] == 1] == []


@pytest.mark.parametrize(("measure", "missing"), [("shr", 0), ("sedr", 1)])
@worked
def test_months_of_medicare_advantage_make_a_year_before_visible_to_shr_alone(
    measure: str, missing: int
) -> Worked:
    rows = yield describe(covered=5, managed=4, measure=measure)
    assert rows["is_prevalent_missing"].tolist() == [missing]


@pytest.mark.parametrize("stage", [0, 1, 2, 3])
@worked
def test_a_stage_of_covid_has_its_indicator(stage: int) -> Worked:
    month = segment("2024-01-01", "2024-01-31", covid_stage=stage)
    rows = yield describe(month, measure="strr")
    (row,) = rows.to_dict("records")
    columns = ("is_covid_1", "is_covid_2", "is_covid_3")
    assert [row[name] for name in columns] == [int(stage == n) for n in (1, 2, 3)]
