"""SMR's days of one patient: attributed facility, months that count, COVID-19, causes of death."""

from datetime import timedelta

import pandas as pd
import pytest

from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

pytestmark = pytest.mark.manual("2.14.10.4")

MONTHS = [f"2024-{number:02d}" for number in range(1, 13)]
WHOLE_YEAR = ("A", "2023-04-01", "2024-12-31", None)
Span = tuple[str | None, str, str, str | None]


def describe(
    *spans: Span,
    born: str | None = "1950-06-15",
    observable: list[str] | None = None,
    managed: tuple[str, ...] = (),
    covid: tuple[str, str] | None = None,
    death: tuple[str, str] | None = None,
) -> Case:
    """The runs of patient 1; a death is its day and its cause."""
    return case(
        "cohort.smr_days",
        tables={
            "history.attribution": [
                {
                    "rule": "smr",
                    "program": "dfc",
                    "patient_id": 1,
                    "ccn": ccn,
                    "start_date": day(start),
                    "end_date": day(end),
                    "reason": reason,
                }
                for ccn, start, end, reason in spans or (WHOLE_YEAR,)
            ],
            "linkage.patient": [{"patient_id": 1, "date_of_birth": day(born) if born else None}],
            "history.medicare_month": [
                {
                    "patient_id": 1,
                    "month": day(f"{month}-01"),
                    "is_observable": True,
                    "is_ma": month in managed,
                }
                for month in (MONTHS if observable is None else observable)
            ],
            "history.covid_period": [
                {"patient_id": 1, "start_date": day(covid[0]), "end_date": day(covid[1])}
            ]
            if covid
            else [],
            "linkage.death": [
                {
                    "program": "dfc",
                    "patient_id": 1,
                    "death_date": day(death[0]),
                    "primary_cause": death[1],
                }
            ]
            if death
            else [],
        },
    )


def read(rows: pd.DataFrame, *columns: str) -> list[tuple[object, ...]]:
    """First and last day of each run, then the columns."""
    return [
        (
            f"{row['start_date']:%m-%d}",
            f"{row['end_date']:%m-%d}",
            *(None if pd.isna(row[name]) else row[name] for name in columns),
        )
        for row in rows.to_dict("records")
    ]


@pytest.mark.manual("2.14.10.2")
@worked
def test_a_year_at_one_facility_is_one_run_from_1_january() -> Worked:
    rows = yield describe()
    assert read(rows, "ccn", "record", "days", "reason") == [("01-01", "12-31", "A", 1, 366, None)]


@pytest.mark.manual("2.14.9", "2.14.10.4")
@worked
def test_months_that_medicare_does_not_see_are_left_out_and_kept() -> Worked:
    rows = yield describe(
        observable=[month for month in MONTHS if month not in ("2024-03", "2024-04")]
    )
    assert read(rows, "record", "reason") == [
        ("01-01", "02-29", 1, None),
        ("03-01", "04-30", 1, "month_not_observable_in_claims"),
        ("05-01", "12-31", 1, None),
    ]


@pytest.mark.manual("2.14.10.1")
@worked
def test_every_facility_is_a_record_and_a_return_is_another() -> Worked:
    rows = yield describe(
        ("A", "2023-04-01", "2024-02-29", None),
        ("B", "2024-03-01", "2024-06-30", None),
        ("A", "2024-07-01", "2024-12-31", None),
    )
    assert read(rows, "ccn", "record") == [
        ("01-01", "02-29", "A", 1),
        ("03-01", "06-30", "B", 2),
        ("07-01", "12-31", "A", 3),
    ]


@worked
def test_days_nobody_answers_for_keep_their_reason() -> Worked:
    rows = yield describe(
        (None, "2024-01-01", "2024-03-30", "first_days_of_esrd"),
        ("A", "2024-03-31", "2024-12-31", None),
    )
    assert read(rows, "ccn", "reason") == [
        ("01-01", "03-30", None, "first_days_of_esrd"),
        ("03-31", "12-31", "A", None),
    ]


@worked
def test_a_covid_period_splits_a_record_and_leaves_it_one() -> Worked:
    rows = yield describe(covid=("2024-02-10", "2024-05-10"))
    assert read(rows, "record", "is_covid") == [
        ("01-01", "02-09", 1, False),
        ("02-10", "05-10", 1, True),
        ("05-11", "12-31", 1, False),
    ]


@worked
def test_a_covid_period_that_began_in_the_year_before_goes_on() -> Worked:
    rows = yield describe(covid=("2023-12-20", "2024-03-19"))
    assert read(rows, "is_covid") == [("01-01", "03-19", True), ("03-20", "12-31", False)]


@pytest.mark.manual("2.14.11")
@pytest.mark.parametrize(
    ("cause", "death"),
    [
        ("29", "counted cause"),
        (None, "counted cause"),
        ("91", "excluded cause"),
        ("93", "excluded cause"),
        ("90", "counted cause"),
        ("94", "counted cause"),
    ],
)
@worked
def test_street_drugs_and_accidents_apart_from_treatment_do_not_count(
    cause: str | None, death: str
) -> Worked:
    rows = yield describe(
        ("A", "2023-04-01", "2024-05-20", None), death=("2024-05-20", cause or "")
    )
    assert read(rows, "death") == [("01-01", "05-20", death)]


@worked
def test_a_death_in_a_month_that_does_not_count_stays_with_its_reason() -> Worked:
    rows = yield describe(
        ("A", "2023-04-01", "2024-05-20", None),
        observable=MONTHS[:4],
        death=("2024-05-20", "29"),
    )
    assert read(rows, "reason", "death") == [
        ("01-01", "04-30", None, None),
        ("05-01", "05-20", "month_not_observable_in_claims", "counted cause"),
    ]


@worked
def test_days_in_medicare_advantage_are_counted_beside() -> Worked:
    rows = yield describe(managed=("2024-01", "2024-02"))
    (row,) = rows.to_dict("records")
    assert row["ma_days"] == 31 + 29


@worked
def test_without_a_date_of_birth_nobody_answers() -> Worked:
    rows = yield describe(born=None)
    assert read(rows, "reason") == [("01-01", "12-31", "date_of_birth_unknown")]


@pytest.mark.manual("2.14.10.3")
@worked
def test_the_standard_rule_is_not_smrs() -> Worked:
    tables: dict[str, list[Row]] = {
        "history.attribution": [
            {
                "rule": "standard",
                "program": "dfc",
                "patient_id": 1,
                "ccn": "A",
                "start_date": day("2024-01-01"),
                "end_date": day("2024-12-31"),
            }
        ]
    }
    rows = yield case("cohort.smr_days", tables=tables)
    assert rows.empty


def claim(admitted: str, *codes: str, number: int = 1, kind: str = "60") -> Row:
    first = day(admitted)
    named = ("prncpal_dgns_cd", "icd_dgns_cd2", "icd_dgns_cd25")
    return {
        "bene_id": 900,
        "clm_id": number,
        "nch_clm_type_cd": kind,
        "clm_admsn_dt": first,
        "clm_from_dt": first,
        "clm_thru_dt": first + timedelta(days=3),
        "performance_year": first.year,
        **dict(zip(named, codes, strict=False)),
    }


def find_periods(*claims: Row, year: int = 2024) -> Case:
    return case(
        "history.covid_claim",
        "history.covid_period",
        performance_year=year,
        tables={
            "raw.claim": claims,
            "linkage.beneficiary": [
                {"bene_id": 900, "patient_id": 1, "performance_year": linked}
                for linked in (year - 1, year)
            ],
        },
    ).read(read)


@pytest.mark.manual("2.14.12")
@pytest.mark.parametrize(
    "codes", [("U071",), ("B9729",), ("J1282",), ("N186", "U071"), ("N186", "I10", "J1282")]
)
@worked
def test_any_of_three_codes_in_any_place_begins_90_days(codes: tuple[str, ...]) -> Worked:
    # 10 February and the 90 days after it: the last is 10 May.
    periods = yield find_periods(claim("2024-02-10", *codes))
    assert periods == [("02-10", "05-10")]


@worked
def test_other_diagnoses_and_other_claims_do_not() -> Worked:
    first, second = yield (
        find_periods(claim("2024-02-10", "N186")),
        find_periods(claim("2024-02-10", "U071", kind="40")),
    )
    assert first == []
    assert second == []


@worked
def test_a_second_stay_within_the_period_lengthens_it() -> Worked:
    stays = claim("2024-02-10", "U071"), claim("2024-03-01", "U071", number=2)
    periods = yield find_periods(*stays)
    assert periods == [("02-10", "05-30")]


@worked
def test_after_90_days_the_period_begins_anew() -> Worked:
    stays = claim("2024-02-10", "U071"), claim("2024-07-01", "U071", number=2)
    periods = yield find_periods(*stays)
    assert periods == [("02-10", "05-10"), ("07-01", "09-29")]


@worked
def test_the_first_bill_of_a_stay_that_names_covid_dates_it_by_its_own_first_day() -> Worked:
    # All bills of a stay name its day of admission; only the second one names COVID-19.
    later = {"clm_from_dt": day("2024-04-01"), "clm_thru_dt": day("2024-04-20")}
    first, second = claim("2024-01-10", "N186"), claim("2024-01-10", "N186", "U071", number=2)
    before = {"clm_from_dt": day("2024-02-08")}
    kept, both, window = yield (
        find_periods(first, {**second, **later}),
        find_periods(claim("2024-01-10", "U071"), {**second, **later}),
        find_periods({**claim("2024-02-10", "U071"), **before}),
    )
    assert kept == [("04-01", "06-30")]
    assert both == [("01-10", "04-09")]
    assert window == [("02-10", "05-10")]


@pytest.mark.parametrize(("admitted", "periods"), [("2020-02-19", 0), ("2020-02-20", 1)])
@worked
def test_covid_counts_from_20_february_2020(admitted: str, periods: int) -> Worked:
    rows = yield find_periods(claim(admitted, "B9729"), year=2020)
    assert len(rows) == periods
