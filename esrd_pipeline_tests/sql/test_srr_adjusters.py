"""SRR's adjusters: splines of age, classes, quarters of the length of stay."""

import pytest

from esrd_pipeline.measures import srr
from esrd_pipeline_tests.sql.design_columns import add_columns
from esrd_pipeline_tests.sql.discharges import judge_srr, person, stay, table_of
from esrd_pipeline_tests.sql.worked import Row, Worked, case, worked

pytestmark = pytest.mark.manual("2.10.11", "2.11.13")

INDEX = ("2024-03-01", "2024-03-05")


@pytest.mark.parametrize(
    ("age", "splines"),
    [
        (5, (-9, -46, 0)),
        (13, (-1, -46, 0)),
        (14, (0, -46, 0)),
        (50, (0, -10, 0)),
        (60, (0, 0, 0)),
        (75, (0, 0, 15)),
    ],
)
@worked
def test_the_age_splines_add_up_to_the_age_less_60(
    age: int, splines: tuple[float, float, float]
) -> Worked:
    rows = yield judge_srr(stay(1, *INDEX), who={"age": age, "is_diabetes_cause": True})
    row = rows[1]
    found = tuple(row[name] for name in ("age_to_14", "age_14_to_60", "age_over_60"))
    assert found == splines
    assert sum(splines) == age - 60
    assert row["age_14_to_60_x_diabetes"] == splines[1]
    assert row["age_over_60_x_diabetes"] == splines[2]


@pytest.mark.parametrize(
    ("who", "ones"),
    [
        ({"bmi": 18.4}, {"is_bmi_under_18"}),
        ({"bmi": 18.5}, {"is_bmi_18_to_25"}),
        ({"bmi": 25.0}, {"is_bmi_25_to_30"}),
        ({"bmi": 30.0}, set()),
        ({"bmi": None}, set()),
        ({"home_days": 1}, {"is_nursing_home_short"}),
        ({"home_days": 89}, {"is_nursing_home_short"}),
        ({"home_days": 90}, {"is_nursing_home_long"}),
        ({"is_ma": True}, {"is_ma"}),
        ({"is_female": True}, {"is_female"}),
        ({"is_high_risk": True}, {"is_high_risk"}),
    ],
)
@worked
def test_indicators_of_the_patient(who: Row, ones: set[str]) -> Worked:
    rows = yield judge_srr(stay(1, *INDEX), who=who)
    row = rows[1]
    assert {name for name, value in row.items() if name.startswith("is_") and value} == ones


@worked
def test_the_qip_takes_the_imputed_bmi_and_years_since_the_first_service_date() -> Worked:
    who = {"bmi": None, "imputed_bmi": 27.5, "esrd_day": 366}
    rows = yield judge_srr(stay(1, *INDEX), program="qip", who=who)
    row = rows[1]
    assert row["bmi"] == 27.5
    assert row["years_of_esrd"] == pytest.approx(365 / 365.25)


@pytest.mark.manual("2.10.11", "2.11.13", "2.26.12")
@worked
def test_quarters_of_the_length_of_stay_are_those_of_the_index_discharges() -> Worked:
    lengths = (1, 2, 3, 4, 5, 6, 7, 20)
    stays = [
        stay(
            number,
            "2024-02-01",
            f"2024-02-{1 + length:02d}",
            patient_id=number,
            episode=1,
            order_in_year=1,
        )
        for number, length in enumerate(lengths, start=1)
    ]
    excluded = stay(9, "2024-01-01", "2024-02-20", patient_id=9, discharge_status="07")
    people = [{**person(row, "dfc"), "patient_id": row["patient_id"]} for row in (*stays, excluded)]
    found = yield case(
        "cohort.srr",
        tables={
            "history.inpatient_discharge": [*stays, excluded],
            "history.discharged_patient": people,
        },
        alone=True,
    )
    rows = table_of(add_columns(found, srr.TERMS["dfc"]))
    quarters = [rows[number]["length_quarter"] for number in range(1, 9)]
    assert quarters == [1, 1, 2, 2, 3, 3, 4, 4]
    assert rows[3]["is_length_second"] == rows[5]["is_length_third"] == 1
    assert rows[8]["is_length_fourth"] == 1


@worked
def test_covid_on_the_joined_stays_is_an_adjuster() -> Worked:
    rows = yield judge_srr(stay(1, *INDEX, is_covid=True))
    assert rows[1]["is_covid"] == 1
