"""Every event has one outcome, in its month: the account of events."""

import pandas as pd
import pytest

from esrd_pipeline_tests.sql.worked import Case, Row, Tables, Worked, case, day, worked


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


@worked
def test_a_stay_that_no_cohort_holds_is_a_row_of_its_own() -> Worked:
    """A cohort holds a stay that no history has: a row of January breaks the table's rule."""
    rows = yield account([], [segment("2024-03-01", "2024-03-31", events=1)])
    assert rows == [(1, "counted", 0, 0, 1)]


def closing(kind: str, *, tables: Tables, program: str = "dfc", year: int = 2024) -> Case:
    """Month, outcome and events of one kind, and whether found and accounted agree."""
    return case(
        "cohort.followed_event",
        "cohort.return_event",
        "report.event_account",
        tables=tables,
        performance_year=year,
        alone=True,
    ).read(lambda rows: _tell(rows[(rows["kind"] == kind) & (rows["program"] == program)]))


def _tell(rows: pd.DataFrame) -> dict[str, object]:
    return {
        "rows": [
            (f"{row['month']:%Y-%m}", row["outcome"], row["event_count"])
            for row in rows.to_dict("records")
        ],
        "closes": bool((rows["found_count"] == rows["accounted_count"]).all()),
    }


def in_dfc(patient: int, **other: object) -> Row:
    return {"program": "dfc", "patient_id": patient, **other}


def began(patient: int, first: str) -> Row:
    return in_dfc(patient, first_service_date=day(first))


def died(patient: int, when: str) -> Row:
    return in_dfc(patient, death_date=day(when))


def span(patient: int, start: str, end: str, **other: object) -> Row:
    return in_dfc(patient, start_date=day(start), end_date=day(end), **other)


# --- deaths ----------------------------------------------------------------------------------


@pytest.mark.manual("2.14.11")
@worked
def test_a_death_counts_or_is_told_why_not() -> Worked:
    account = yield closing(
        "death",
        tables={
            "linkage.death": [died(n, "2024-03-10") for n in (1, 2, 3, 4, 5)]
            + [died(6, "2023-12-31"), died(7, "2025-01-01")],
            "linkage.first_service": [began(n, "2020-01-01") for n in (1, 2, 3)]
            + [began(5, "2024-03-11")],
            "cohort.smr_days": [
                span(1, "2024-01-01", "2024-03-10", death="counted cause"),
                span(2, "2024-01-01", "2024-03-10", death="excluded cause"),
                span(3, "2024-01-01", "2024-02-29", reason="transplant"),
                span(
                    3,
                    "2024-03-01",
                    "2024-03-10",
                    reason="month_not_observable_in_claims",
                    death="counted cause",
                ),
            ],
            "cohort.smr": [in_dfc(1, start_date=day("2024-01-01"), is_event=1)],
        },
    )
    assert account == {
        "rows": [
            ("2024-03", "counted", 1),
            ("2024-03", "excluded_cause_of_death", 1),
            ("2024-03", "month_not_observable_in_claims", 1),
            ("2024-03", "not_in_cohort", 2),
        ],
        "closes": True,
    }


@worked
def test_a_death_that_smr_loses_does_not_close() -> Worked:
    seen = {
        "linkage.death": [died(1, "2024-03-10")],
        "linkage.first_service": [began(1, "2020-01-01")],
    }
    days = span(1, "2024-01-01", "2024-03-10", death="counted cause")
    account = yield {
        "no row of SMR": closing("death", tables=seen | {"cohort.smr_days": [days]}),
        "no day": closing("death", tables=seen),
    }
    assert not account["no row of SMR"]["closes"]
    assert not account["no day"]["closes"]


# --- waitlistings ----------------------------------------------------------------------------


def listed(patient: int, start: str) -> Row:
    return {"patient_id": patient, "start_date": day(start), "end_date": None}


def grafted(patient: int, when: str, donor: str) -> Row:
    return in_dfc(patient, transplant_date=day(when), donor=donor)


@pytest.mark.manual("2.15.11", "2.15.9")
@worked
def test_a_waitlisting_counts_in_the_first_year_of_dialysis_once() -> Worked:
    """Dialysis began on 1 September 2023: the year to 30 August 2024 is 2024's to judge."""
    account = yield closing(
        "waitlisting",
        tables={
            "linkage.first_service": [began(n, "2023-09-01") for n in (1, 2, 3, 4)],
            "linkage.waitlist": [
                listed(1, "2023-12-05"),
                listed(1, "2024-05-05"),
                listed(1, "2024-11-05"),
                listed(2, "2024-08-30"),
                listed(3, "2024-08-31"),
            ],
            "linkage.transplant": [grafted(4, "2024-01-20", "living")],
            "cohort.swr": [
                span(1, "2023-09-01", "2023-12-05", is_event=1),
                span(2, "2023-09-01", "2024-08-30", is_event=1, reason="age_75_or_older"),
                span(3, "2023-09-01", "2024-08-30", is_event=0),
                span(4, "2023-09-01", "2024-01-20", is_event=1),
            ],
        },
    )
    assert account == {
        "rows": [
            ("2023-12", "counted", 1),
            ("2024-01", "counted", 1),
            ("2024-05", "after_first_event", 1),
            ("2024-08", "after_first_year", 1),
            ("2024-08", "age_75_or_older", 1),
            ("2024-11", "after_first_year", 1),
        ],
        "closes": True,
    }


@pytest.mark.manual("2.15.9")
@worked
def test_a_waitlisting_outside_the_first_year_is_told() -> Worked:
    account = yield closing(
        "waitlisting",
        tables={
            "linkage.first_service": [
                began(1, "2024-06-01"),
                began(2, "2024-06-01"),
                began(3, "2023-06-01"),
                began(5, "2023-06-01"),
            ],
            "linkage.waitlist": [
                listed(1, "2024-02-01"),
                listed(3, "2024-02-01"),
                listed(4, "2024-02-01"),
                listed(5, "2024-02-01"),
            ],
            "linkage.transplant": [
                # A kidney on the first day came before dialysis.
                grafted(2, "2024-06-01", "living"),
                grafted(3, "2023-12-01", "deceased"),
                grafted(4, "2024-06-01", "deceased"),
            ],
            "linkage.death": [died(5, "2024-01-20")],
            "cohort.swr": [span(3, "2023-06-01", "2023-12-01", is_event=0)],
        },
    )
    assert account == {
        "rows": [
            ("2024-02", "not_in_cohort", 2),
            ("2024-02", "transplant", 1),
            ("2024-02", "waitlisted_before_dialysis", 1),
            ("2024-06", "transplanted_before_dialysis", 1),
        ],
        "closes": True,
    }


@worked
def test_a_waitlisting_or_kidney_is_in_exactly_one_year() -> Worked:
    """The same registers, read in four years; SWR holds the counted one in its year."""

    def read(year: int) -> Case:
        return closing(
            "waitlisting",
            year=year,
            tables={
                "linkage.first_service": [began(1, "2022-03-01"), began(2, "2024-05-01")],
                "linkage.waitlist": [
                    listed(1, "2022-03-01"),
                    listed(1, "2022-10-01"),
                    listed(1, "2023-02-28"),
                    listed(1, "2023-03-01"),
                    listed(2, "2024-04-30"),
                    listed(2, "2024-06-01"),
                    listed(3, "2024-12-31"),
                ],
                "cohort.swr": {
                    2023: [span(1, "2022-03-01", "2022-03-01", is_event=1)],
                    2025: [span(2, "2024-05-01", "2024-06-01", is_event=1)],
                }.get(year, []),
            },
        )

    account = yield {year: read(year) for year in (2022, 2023, 2024, 2025)}
    assert all(one["closes"] for one in account.values())
    assert {year: one["rows"] for year, one in account.items()} == {
        2022: [],
        2023: [
            ("2022-03", "counted", 1),
            ("2022-10", "after_first_event", 1),
            ("2023-02", "after_first_event", 1),
            ("2023-03", "after_first_year", 1),
        ],
        2024: [("2024-04", "waitlisted_before_dialysis", 1), ("2024-12", "not_in_cohort", 1)],
        2025: [("2024-06", "counted", 1)],
    }


@worked
def test_a_waitlisting_that_swr_loses_does_not_close() -> Worked:
    account = yield closing(
        "waitlisting",
        tables={
            "linkage.first_service": [began(1, "2023-09-01")],
            "linkage.waitlist": [listed(1, "2023-12-05")],
            "cohort.swr": [span(1, "2023-09-01", "2024-08-30", is_event=0)],
        },
    )
    assert account == {"rows": [("2023-12", "counted", 1)], "closes": False}


# --- switches to home dialysis ---------------------------------------------------------------


def treated(
    patient: int, start: str, end: str, setting: str, modality: str = "hemodialysis"
) -> Row:
    return span(patient, start, end, state="dialysis", setting=setting, modality=modality)


@pytest.mark.manual("2.27.11", "2.27.9")
@worked
def test_a_switch_counts_if_it_is_the_first_that_lasts() -> Worked:
    account = yield closing(
        "switch",
        tables={
            "linkage.first_service": [began(n, "2023-07-01") for n in (1, 2, 3, 4)],
            "history.treatment": [
                # Ten days, then the switch; home again after the switch, and in the second year.
                treated(1, "2023-07-01", "2023-09-30", "in center"),
                treated(1, "2023-10-01", "2023-10-10", "home"),
                treated(1, "2023-10-11", "2023-11-30", "in center"),
                treated(1, "2023-12-01", "2024-02-29", "home", "peritoneal dialysis"),
                treated(1, "2024-03-01", "2024-03-31", "in center"),
                treated(1, "2024-04-01", "2024-08-31", "home"),
                treated(1, "2024-09-01", "2024-09-30", "in center"),
                treated(1, "2024-10-01", "2024-12-31", "home"),
                # Home from the first day: no switch.
                treated(2, "2023-07-01", "2024-12-31", "home"),
                # 30 days, in two modalities, of a patient whose days are not attributed.
                treated(3, "2023-07-01", "2024-01-31", "in center"),
                treated(3, "2024-02-01", "2024-02-10", "home"),
                treated(3, "2024-02-11", "2024-03-01", "home", "peritoneal dialysis"),
                treated(3, "2024-03-02", "2024-12-31", "in center"),
                # In a nursing home until 20 April, then at home.
                treated(4, "2023-07-01", "2024-03-31", "in center"),
                treated(4, "2024-04-01", "2024-12-31", "home"),
            ],
            "history.nursing_home": [
                {"patient_id": 4, "start_date": day("2024-03-01"), "end_date": day("2024-04-20")}
            ],
            "cohort.smosr": [
                span(1, "2023-07-31", "2023-12-01", is_event=1),
                span(3, "2023-07-01", "2024-02-01", is_event=1, reason="facility_unknown"),
                span(4, "2023-07-31", "2024-04-21", is_event=1),
            ],
        },
    )
    assert account == {
        "rows": [
            ("2023-10", "home_under_30_days", 1),
            ("2023-12", "counted", 1),
            ("2024-02", "facility_unknown", 1),
            ("2024-04", "after_first_event", 1),
            ("2024-04", "counted", 1),
            ("2024-04", "home_hemodialysis_in_nursing_home", 1),
            ("2024-10", "after_first_year", 1),
        ],
        "closes": True,
    }


@worked
def test_a_switch_whose_thirty_days_are_not_over_waits() -> Worked:
    account = yield closing(
        "switch",
        tables={
            "linkage.first_service": [began(1, "2023-12-31")],
            "history.treatment": [
                treated(1, "2023-12-31", "2024-12-04", "in center"),
                treated(1, "2024-12-05", "2024-12-31", "home"),
            ],
            "cohort.smosr": [span(1, "2024-01-30", "2024-12-29", is_event=0)],
        },
    )
    assert account == {"rows": [("2024-12", "follow_up_incomplete", 1)], "closes": True}


@worked
def test_a_switch_that_smosr_loses_does_not_close() -> Worked:
    account = yield closing(
        "switch",
        tables={
            "linkage.first_service": [began(1, "2023-07-01")],
            "history.treatment": [
                treated(1, "2023-07-01", "2023-11-30", "in center"),
                treated(1, "2023-12-01", "2024-12-31", "home"),
            ],
            "cohort.smosr": [span(1, "2023-07-31", "2024-06-29", is_event=0)],
        },
    )
    assert account == {"rows": [("2023-12", "counted", 1)], "closes": False}


# --- readmissions and emergency encounters after a discharge ----------------------------------


def stay(patient: int, number: int, admit: str, discharge: str, **other: object) -> Row:
    return {
        "patient_id": patient,
        "stay": number,
        "admit_date": day(admit),
        "discharge_date": day(discharge),
        "kind": "acute",
        "is_covered": True,
        "is_planned": False,
        "episode": number,
        "is_admission": True,
        "is_transferred": False,
        **other,
    }


def index(patient: int, number: int, discharge: str, program: str = "dfc", **other: object) -> Row:
    return {
        "program": program,
        "patient_id": patient,
        "stay": number,
        "discharge_date": day(discharge),
        "is_event": 0,
        **other,
    }


def returning(
    stays: list[Row], judged: list[Row], *, program: str = "dfc", death: str | None = None
) -> Case:
    """Readmissions of one program's SRR; it knows every discharge it is given."""
    died_on = {"death_date": day(death) if death else None}
    names = ("program", "patient_id", "stay", "discharge_date")
    known = [{name: row[name] for name in names} | died_on for row in judged]
    return closing(
        "readmission",
        program=program,
        tables={
            "history.inpatient_discharge": stays,
            "history.discharged_patient": known,
            "cohort.srr": judged,
        },
    )


@pytest.mark.manual("2.10.10")
@worked
def test_a_stay_on_days_4_to_30_after_an_index_discharge_is_a_readmission() -> Worked:
    first = stay(1, 1, "2024-03-01", "2024-03-10")

    def then(admit: str, day_after: int, *, event: int = 1, **other: object) -> Case:
        last = stay(1, 2, admit, "2024-05-01", **other)
        name = "unplanned readmission" if event else "planned readmission"
        return returning(
            [first, last],
            [
                index(
                    1, 1, "2024-03-10", is_event=event, first_event=name, first_event_day=day_after
                ),
                index(1, 2, "2024-05-01"),
            ],
        )

    account = yield {
        "day 4": then("2024-03-14", 4),
        "day 30, told in the discharge's month": then("2024-04-09", 30),
        "planned": then("2024-03-14", 4, event=0, is_planned=True),
        "another event first": then("2024-03-20", 5, event=0),
        "a kidney that day": returning(
            [first, stay(1, 2, "2024-03-20", "2024-05-01")],
            [
                index(1, 1, "2024-03-10", first_event="transplant", first_event_day=10),
                index(1, 2, "2024-05-01"),
            ],
        ),
        "rehabilitation": then("2024-03-20", 10, event=0, kind="rehabilitation", episode=None),
        "not covered": then("2024-03-20", 12, event=0, is_covered=False),
        "a transfer's second leg": then("2024-03-20", 12, event=0, is_admission=False),
        "no index discharge": returning(
            [first, stay(1, 2, "2024-03-20", "2024-05-01")],
            [
                index(1, 1, "2024-03-10", reason="left_against_medical_advice"),
                index(1, 2, "2024-05-01"),
            ],
        ),
        "nobody of SRR's": returning([first, stay(1, 2, "2024-03-20", "2024-05-01")], []),
        "day 3": then("2024-03-13", 3, event=0),
        "day 31": then("2024-04-10", 30, event=0),
        "lost by SRR": then("2024-03-20", 10, event=0),
        "seen by SRR alone": returning(
            [first],
            [
                index(
                    1,
                    1,
                    "2024-03-10",
                    is_event=1,
                    first_event="unplanned readmission",
                    first_event_day=4,
                )
            ],
        ),
    }
    found = {name: [row[:2] for row in one["rows"]] for name, one in account.items()}
    assert found == {
        "day 4": [("2024-03", "counted")],
        "day 30, told in the discharge's month": [("2024-03", "counted")],
        "planned": [("2024-03", "planned_readmission")],
        "another event first": [("2024-03", "after_first_event")],
        "a kidney that day": [("2024-03", "after_first_event")],
        "rehabilitation": [("2024-03", "not_acute_care_hospital")],
        "not covered": [("2024-03", "not_covered_by_medicare")],
        "a transfer's second leg": [],
        "no index discharge": [("2024-03", "left_against_medical_advice")],
        "nobody of SRR's": [("2024-03", "not_in_cohort")],
        "day 3": [],
        "day 31": [],
        "lost by SRR": [("2024-03", "counted")],
        "seen by SRR alone": [("2024-01", "counted")],
    }
    open_ones = {name for name, one in account.items() if not one["closes"]}
    assert open_ones == {"lost by SRR", "seen by SRR alone"}


@pytest.mark.manual("2.11.11")
@worked
def test_a_stay_that_ends_after_death_is_no_readmission_of_the_qip() -> Worked:
    account = yield returning(
        [stay(1, 1, "2024-03-01", "2024-03-10"), stay(1, 2, "2024-03-20", "2024-03-28")],
        [
            index(1, 1, "2024-03-10", "qip"),
            index(1, 2, "2024-03-28", "qip", reason="died_in_hospital"),
        ],
        program="qip",
        death="2024-03-27",
    )
    assert account["rows"] == [("2024-03", "died_in_hospital", 1)]


@worked
def test_a_stay_after_two_discharges_is_told_once_in_the_year_of_the_later() -> Worked:
    """The December discharge is of the year before, which tells of the January stay."""
    account = yield returning(
        [
            stay(1, 1, "2023-12-01", "2023-12-20"),
            stay(1, 2, "2024-01-05", "2024-01-08"),
            stay(1, 3, "2024-01-15", "2024-01-20"),
        ],
        [
            index(
                1,
                2,
                "2024-01-08",
                is_event=1,
                first_event="unplanned readmission",
                first_event_day=7,
            ),
            index(1, 3, "2024-01-20"),
        ],
    )
    assert account["rows"] == [("2024-01", "counted", 1)]


@pytest.mark.manual("2.26.10", "2.26.11")
@worked
def test_an_encounter_on_days_4_to_30_after_an_index_discharge_counts_once() -> Worked:
    account = yield closing(
        "emergency_after_discharge",
        tables={
            "history.inpatient_discharge": [
                stay(n, 1, "2024-12-01", "2024-12-10") for n in (1, 2, 3, 4)
            ],
            "history.emergency_encounter": [
                {"patient_id": patient, "start_date": day(when), "end_date": day(when)}
                for patient, when in (
                    (1, "2024-12-13"),
                    (1, "2024-12-14"),
                    (1, "2025-01-09"),
                    (1, "2025-01-10"),
                    (2, "2024-12-20"),
                    (3, "2024-12-20"),
                    (4, "2024-12-20"),
                )
            ],
            "linkage.claim": [
                {
                    "patient_id": 4,
                    "claim_type": "50",
                    "from_date": day("2024-12-28"),
                    "last_date": day("2025-01-02"),
                }
            ],
            "cohort.ed30": [
                index(1, 1, "2024-12-10", is_event=1, encounter_day=4),
                index(2, 1, "2024-12-10", encounter_day=10, stay_day=7),
                index(3, 1, "2024-12-10", reason="medicare_advantage", encounter_day=10),
                index(4, 1, "2024-12-10"),
            ],
            "cohort.srr": [],
        },
    )
    assert account["rows"] == [
        ("2024-12", "after_first_event", 2),
        ("2024-12", "counted", 1),
        ("2024-12", "hospice_in_month", 1),
        ("2024-12", "medicare_advantage", 1),
    ]


# --- the months ------------------------------------------------------------------------------


@worked
def test_the_usual_month_is_the_mean_by_days() -> Worked:
    """One admission a day: every month is as usual, February too."""
    days = [f"2024-{n:02}-{d:02}" for n in range(1, 13) for d in range(1, 29)]
    longer = [f"2024-{n:02}-29" for n in range(1, 13)] + [
        f"2024-{n:02}-{d}"
        for n in range(1, 13)
        if n != 2
        for d in (30, 31)
        if d == 30 or n in {1, 3, 5, 7, 8, 10, 12}
    ]
    rows = yield case(
        "report.event_account",
        tables={
            "history.hospital_stay": [admitted(1, when) for when in days + longer],
            "cohort.shr_days": [segment("2024-01-01", "2024-12-31", events=366)],
        },
        alone=True,
    ).read(
        lambda rows: [round(share, 9) for share in rows[rows["program"] == "dfc"]["share_of_usual"]]
    )
    assert rows == [1.0] * 12
