"""Every event has one outcome, in its month: the account of events."""

from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked


def segment(start: str, end: str, **other: object) -> Row:
    return {
        "program": "dfc",
        "patient_id": 1,
        "start_date": day(start),
        "end_date": day(end),
        "events": 0,
        "uncounted_events": 0,
        **other,
    }


def admitted(patient: int, admit: str, *, is_index_covid: bool = False) -> Row:
    return {
        "patient_id": patient,
        "admit_date": day(admit),
        "discharge_date": day(admit),
        "is_index_covid": is_index_covid,
    }


def account(stays: list[Row], segments: list[Row], **other: list[Row]) -> Case:
    """Month, outcome, events, found, accounted of SHR's or SRR's DFC; alone, since all add up."""
    return case(
        "report.event_account",
        tables={
            "history.hospital_stay": stays,
            "cohort.shr_days": segments,
            **{name.replace("__", "."): rows for name, rows in other.items()},
        },
        alone=True,
    ).read(
        lambda rows: [
            (
                row["month"].month,
                row["outcome"],
                row["event_count"],
                row["found_count"],
                row["accounted_count"],
            )
            for row in rows[rows["program"] == "dfc"].to_dict("records")
        ]
    )


@worked
def test_an_admission_is_counted_left_out_or_of_nobody_in_the_cohort() -> Worked:
    rows = yield account(
        [admitted(1, "2024-03-02"), admitted(1, "2024-03-20"), admitted(2, "2024-03-05")],
        [
            segment("2024-03-01", "2024-03-10", events=1),
            segment("2024-03-11", "2024-03-31", events=1, reason="patient_dead"),
        ],
    )
    assert rows == [
        (3, "counted", 1, 3, 3),
        (3, "not_in_cohort", 1, 3, 3),
        (3, "patient_dead", 1, 3, 3),
    ]


@worked
def test_an_index_covid_stay_has_a_reason_of_its_own() -> Worked:
    rows = yield account(
        [admitted(1, "2024-03-02", is_index_covid=True)],
        [segment("2024-03-01", "2024-03-31", events=1, uncounted_events=1)],
    )
    assert rows == [(3, "index_covid_stay", 1, 1, 1)]


@worked
def test_an_event_that_a_cohort_loses_does_not_add_up() -> Worked:
    """Two stays are found and the cohort holds one: the table's rule refuses such rows."""
    rows = yield account(
        [admitted(1, "2024-03-02"), admitted(1, "2024-03-20")],
        [segment("2024-03-01", "2024-03-31", events=1)],
    )
    assert rows == [(3, "counted", 2, 2, 1)]


@worked
def test_a_discharge_that_waits_for_its_thirty_days_is_told() -> Worked:
    rows = yield account(
        [],
        [],
        history__inpatient_discharge=[
            {"patient_id": 1, "stay": 1, "discharge_date": day("2024-12-20")}
        ],
        cohort__srr=[
            {
                "program": "dfc",
                "patient_id": 1,
                "stay": 1,
                "discharge_date": day("2024-12-20"),
                "reason": "follow_up_incomplete",
            }
        ],
    )
    assert (12, "follow_up_incomplete", 1, 1, 1) in rows
