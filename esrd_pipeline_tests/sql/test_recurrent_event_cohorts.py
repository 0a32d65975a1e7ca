"""Person-periods of SHR, STrR and SEDR: days, events, facts as of the period's first day."""

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
MEASURES = ("shr", "shr_submission", "strr", "sedr")


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
    measure: str = "shr",
    born: str = "1954-06-15",
    homes: tuple[tuple[str, str], ...] = (),
    covered: int = 12,
    managed: int = 0,
) -> Case:
    """The periods of patient 1 in one measure."""
    return case(
        f"cohort.{measure}",
        tables={
            f"cohort.{measure}_days": segments or [segment("2024-01-01", "2024-01-31")],
            "linkage.patient": [{"patient_id": 1, "date_of_birth": day(born)}],
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


@pytest.mark.manual("2.12.12", "2.13.10.1", "2.25.13")
@pytest.mark.parametrize("measure", MEASURES)
@worked
def test_days_and_events_of_a_period_are_added_up_where_at_risk(measure: str) -> Worked:
    rows = yield describe(
        segment("2024-01-01", "2024-01-31", events=1),
        segment("2024-02-01", "2024-02-29", events=1, reason="month_not_observable_in_claims"),
        segment("2024-03-01", "2024-03-31", events=2),
        measure=measure,
    )
    assert rows[["days_at_risk", "event_count"]].to_numpy().tolist() == [[62, 3]]


@pytest.mark.parametrize("measure", MEASURES)
@worked
def test_the_facts_are_those_of_the_periods_first_day_even_if_not_at_risk(measure: str) -> Worked:
    rows = yield describe(
        segment("2024-06-01", "2024-06-30", reason="month_not_observable_in_claims"),
        segment("2024-07-01", "2024-07-31"),
        born="1954-06-15",
        measure=measure,
    )
    assert rows[["start_date", "age"]].to_numpy().tolist() == [[day("2024-06-01"), 69]]


@pytest.mark.parametrize("measure", MEASURES)
@worked
def test_a_period_never_at_risk_is_no_row(measure: str) -> Worked:
    rows = yield describe(segment("2024-06-01", "2024-06-30", reason="transplant"), measure=measure)
    assert rows.empty


@worked
def test_events_the_measure_does_not_count_are_left_out() -> Worked:
    rows = yield describe(segment("2024-01-01", "2024-01-31", events=2, uncounted_events=1))
    assert rows["event_count"].tolist() == [1]


@pytest.mark.manual("2.12.13", "2.13.13", "2.25.14")
@pytest.mark.parametrize("measure", MEASURES)
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
def test_age_is_in_completed_years(measure: str, born: str, start: str, age: int) -> Worked:
    rows = yield describe(segment(start, start), born=born, measure=measure)
    assert rows["age"].tolist() == [age]


@pytest.mark.manual("2.12.13", "2.13.13", "2.25.14")
@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize(
    ("homes", "days"),
    [
        ((), 0),
        ((("2023-12-31", "2023-12-31"),), 1),
        ((("2022-06-01", "2023-01-01"),), 1),
        ((("2022-06-01", "2022-12-31"),), 0),
        ((("2023-10-04", "2023-12-31"),), 89),
        ((("2023-10-03", "2023-12-31"),), 90),
        ((("2023-02-01", "2023-03-02"), ("2023-06-01", "2023-07-30")), 30 + 60),
        ((("2024-01-01", "2024-12-31"),), 0),
    ],
)
@worked
def test_days_in_nursing_homes_are_those_of_the_365_before(
    measure: str, homes: tuple[tuple[str, str], ...], days: int
) -> Worked:
    rows = yield describe(homes=homes, measure=measure)
    assert rows["nursing_home_days"].tolist() == [days]


@pytest.mark.manual("2.13.13")
@worked
def test_medicare_advantage_is_the_share_of_the_days_at_risk() -> Worked:
    rows = yield describe(
        segment("2024-01-01", "2024-01-31"), segment("2024-02-01", "2024-02-29", is_ma=True)
    )
    assert rows["ma_share"].tolist() == [29 / 60]


@pytest.mark.manual("2.13.13")
@pytest.mark.parametrize(
    ("measure", "covered", "managed", "months"),
    [
        ("shr", 6, 0, 6),
        ("shr", 5, 4, 9),
        ("sedr", 6, 0, 6),
        # Months of Medicare Advantage make the year before visible to SHR alone.
        ("sedr", 5, 4, 5),
        ("shr", 0, 0, 0),
    ],
)
@worked
def test_months_of_the_year_before_are_those_medicare_could_see(
    measure: str, covered: int, managed: int, months: int
) -> Worked:
    rows = yield describe(covered=covered, managed=managed, measure=measure)
    assert rows["covered_months"].tolist() == [months]


@pytest.mark.manual("2.12.13", "2.13.13")
@pytest.mark.parametrize("measure", ["shr", "strr"])
@worked
def test_the_stage_of_covid_is_the_periods(measure: str) -> Worked:
    rows = yield describe(
        segment("2024-01-01", "2024-01-31"),
        segment("2024-02-01", "2024-02-29", period=2, covid_stage=1),
        measure=measure,
    )
    assert rows[["period", "covid_stage"]].to_numpy().tolist() == [[1, 0], [2, 1]]
