"""The days that SHR, STrR and SEDR share: every day of the year in exactly one segment."""

from collections.abc import Sequence

import pandas as pd
import pytest

from esrd_pipeline_tests.sql.recurrent_event_days import answers, follow, months, spans
from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked


def cut(*attributed: tuple[str | None, str, str], **more: Sequence[Row]) -> Case:
    """The segments of patient 1, whose first service date is 5 May 2010."""
    tables: dict[str, list[Row]] = {
        "history.attribution": [
            {
                "rule": "standard",
                "program": "dfc",
                "patient_id": 1,
                "ccn": ccn,
                "start_date": day(start),
                "end_date": day(end),
                "reason": None if ccn else "transplant",
            }
            for ccn, start, end in attributed
        ],
        "linkage.first_service": [
            {"program": "dfc", "patient_id": 1, "first_service_date": day("2010-05-05")}
        ],
    }
    for name, rows in more.items():
        tables[f"history.{name}"] = [{"patient_id": 1, **row} for row in rows]
    return case("cohort.days", tables=tables)


def starts(rows: pd.DataFrame) -> list[str]:
    return [str(value)[5:] for value in rows["start_date"]]


@worked
def test_smrs_and_smosrs_rules_of_attribution_are_not_theirs() -> Worked:
    other = {"rule": "smr", "program": "dfc", "patient_id": 1, "ccn": "A"}
    tables: dict[str, list[Row]] = {
        "history.attribution": [
            {**other, "start_date": day("2024-01-01"), "end_date": day("2024-12-31")}
        ],
        "linkage.first_service": [
            {"program": "dfc", "patient_id": 1, "first_service_date": day("2010-05-05")}
        ],
    }
    rows = yield case("cohort.days", tables=tables)
    assert rows.empty


@pytest.mark.manual("2.12.12", "2.13.10.1", "2.25.13")
@worked
def test_segments_tile_the_year_whoever_answers() -> Worked:
    rows = yield cut(
        ("A", "2024-01-01", "2024-06-15"),
        (None, "2024-06-16", "2024-07-09"),
        ("B", "2024-07-10", "2024-12-31"),
    )
    assert starts(rows) == [
        *("01-01", "02-01", "03-01", "04-01", "05-01", "06-01"),
        # Days of nobody are not cut.
        *("06-16", "07-10", "08-01", "09-01", "10-01", "11-01", "12-01"),
    ]
    ends = rows["end_date"].tolist()
    assert [str(end) for end in ends[-2:]] == ["2024-11-30", "2024-12-31"]
    gaps = pd.to_datetime(rows["start_date"]).to_numpy()[1:] - pd.to_datetime(ends).to_numpy()[:-1]
    assert {gap.astype("timedelta64[D]").astype(int) for gap in gaps} == {1}


@pytest.mark.manual("2.12.12", "2.13.10.1", "2.25.13")
@pytest.mark.parametrize(
    ("measure", "cuts"),
    [
        ("shr", ["02-10", "03-11"]),
        ("strr", ["05-21", "07-20", "08-08"]),
        ("sedr", []),
    ],
)
@worked
def test_a_measure_cuts_the_days_where_what_it_alone_looks_at_changes(
    measure: str, cuts: list[str]
) -> Worked:
    rows = yield follow(
        measure,
        answers("A", "2024-01-01", "2024-06-15"),
        answers(None, "2024-06-16", "2024-07-09", "transplant"),
        answers("B", "2024-07-10", "2024-12-31"),
        stages=[{"stage": 1, **spans(("2024-02-10", "2024-03-10"))[0]}],
        # Day 31 lies among the days of nobody.
        diagnosed="2024-05-20",
        excluded=spans(("2023-08-08", "2024-08-07")),
    )
    months = [f"{n:02d}-01" for n in range(1, 13) if n != 7]
    assert starts(rows) == sorted([*months, "06-16", "07-10", *cuts])
    ends = pd.to_datetime(rows["end_date"]).to_numpy()
    gaps = pd.to_datetime(rows["start_date"]).to_numpy()[1:] - ends[:-1]
    assert {gap.astype("timedelta64[D]").astype(int) for gap in gaps} == {1}
    assert rows["days"].sum() == 366


@worked
def test_changes_outside_the_year_cut_nothing() -> Worked:
    rows = yield follow(
        "strr",
        answers("A", "2023-02-01", "2024-12-31"),
        diagnosed="2023-10-10",
        excluded=spans(("2023-05-05", "2023-12-31"), ("2025-01-01", "2025-12-31")),
    )
    assert len(rows) == 12
    assert rows["covid_stage"].unique().tolist() == [3]
    assert rows["reason"].isna().all()


@pytest.mark.manual("2.12.9", "2.13.9", "2.25.9")
@pytest.mark.parametrize(
    ("born", "year", "first"),
    [
        ("2006-05-10", 2024, "2024-05-10"),
        ("2004-02-29", 2022, "2022-03-01"),
        ("2006-01-01", 2024, "2024-01-01"),
    ],
)
@worked
def test_majority_is_reached_on_the_18th_birthday_or_on_1_march(
    born: str, year: int, first: str
) -> Worked:
    rows = yield case(
        "cohort.days",
        performance_year=year,
        tables={
            "history.attribution": [
                {
                    "rule": "standard",
                    "program": "dfc",
                    "patient_id": 1,
                    "ccn": "A",
                    "start_date": day(f"{year}-01-01"),
                    "end_date": day(f"{year}-12-31"),
                }
            ],
            "linkage.first_service": [
                {"program": "dfc", "patient_id": 1, "first_service_date": day("2010-05-05")}
            ],
            "linkage.patient": [{"patient_id": 1, "date_of_birth": day(born)}],
        },
    )
    assert rows.loc[rows["is_adult"].astype(bool), "start_date"].min() == day(first)


@pytest.mark.manual("2.13.10.1")
@worked
def test_a_month_unknown_to_medicare_is_not_covered_and_not_observable() -> Worked:
    rows = yield cut(("A", "2024-01-01", "2024-12-31"), medicare_month=months(*range(1, 12)))
    assert rows["is_observable"].tolist() == [True] * 11 + [False]
    assert rows["is_covered"].tolist() == [True] * 11 + [False]
    assert not rows["is_ma"].any()
