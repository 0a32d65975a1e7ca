"""SWR's patients: who is counted by Figure 18, what ends their first year, whose days they are."""

import pandas as pd
import pytest

from esrd_pipeline_tests.sql.worked import Row, day, run

BEGAN = "2023-03-01"
WHOLE = ("A", "2023-03-01", "2024-12-31")


def describe(
    *spells: tuple[str | None, str, str],
    began: str = BEGAN,
    born: str | None = "1970-06-15",
    listed: tuple[tuple[str, str | None], ...] = (),
    transplants: dict[str, str | None] | None = None,
    death: str | None = None,
    hospice: tuple[str, str] | None = None,
    home: tuple[str, str] | None = None,
    incident: Row | None = None,
    state: str = "dialysis",
) -> pd.DataFrame:
    """The records of patient 1; a spell without a facility is in `state`."""
    whose = {"program": "dfc", "patient_id": 1}
    return run(
        "cohort.swr",
        tables={
            "linkage.first_service": [{**whose, "first_service_date": day(began)}],
            "linkage.patient": [{"patient_id": 1, "date_of_birth": day(born) if born else None}],
            "linkage.waitlist": [
                {"patient_id": 1, "start_date": day(a), "end_date": day(b) if b else None}
                for a, b in listed
            ],
            "linkage.transplant": [
                {**whose, "transplant_date": day(on), "donor": donor}
                for on, donor in (transplants or {}).items()
            ],
            "linkage.death": [{**whose, "death_date": day(death)}] if death else [],
            "linkage.beneficiary": [
                {"bene_id": 900, "patient_id": 1, "performance_year": year} for year in (2023, 2024)
            ],
            "raw.claim": [
                {
                    "bene_id": 900,
                    "clm_id": 1,
                    "nch_clm_type_cd": "50",
                    "clm_from_dt": day(hospice[0]),
                    "clm_thru_dt": day(hospice[1]),
                    "performance_year": 2023,
                }
            ]
            if hospice
            else [],
            "history.nursing_home": [
                {"patient_id": 1, "start_date": day(home[0]), "end_date": day(home[1])}
            ]
            if home
            else [],
            "history.patient_characteristics": [
                {"patient_id": 1, "has_form": True, **(incident or {})}
            ],
            "history.treatment": [
                {
                    **whose,
                    "state": "dialysis" if ccn else state,
                    "ccn": ccn,
                    "start_date": day(start),
                    "end_date": day(end),
                }
                for ccn, start, end in spells or (("A", began, "2024-12-31"),)
            ],
        },
    )


def read(rows: pd.DataFrame) -> list[tuple[object, ...]]:
    """Facility, days before and with the run, event, reason."""
    return [
        tuple(
            None if pd.isna(row[name]) else row[name]
            for name in ("ccn", "start_day", "stop_day", "is_event", "reason")
        )
        for row in rows.to_dict("records")
    ]


def reason_of(rows: pd.DataFrame) -> str | None:
    (reason,) = set(rows["reason"])
    return None if pd.isna(reason) else str(reason)


def test_the_first_year_is_days_1_to_365() -> None:
    rows = describe()
    assert read(rows) == [("A", 0, 365, 0, None)]
    # 1 March 2023 is day 1; 29 February 2024 would be day 366.
    assert rows["end_date"].tolist() == [day("2024-02-28")]


@pytest.mark.parametrize(
    ("began", "counted"),
    [("2022-12-31", 0), ("2023-01-01", 1), ("2023-12-31", 1), ("2024-01-01", 0)],
)
def test_a_partition_holds_who_began_dialysis_in_the_year_before(began: str, counted: int) -> None:
    assert len(describe(began=began)) == counted


def test_a_listing_is_an_event_on_its_day() -> None:
    assert read(describe(listed=(("2023-06-08", None),))) == [("A", 0, 100, 1, None)]


def test_a_living_donors_kidney_is_an_event_too() -> None:
    assert read(describe(transplants={"2023-06-08": "living"})) == [("A", 0, 100, 1, None)]


def test_the_day_of_the_transplant_is_the_facilitys_that_treated_the_patient_before() -> None:
    rows = describe(
        ("A", BEGAN, "2023-06-07"),
        (None, "2023-06-08", "2024-12-31"),
        transplants={"2023-06-08": "living"},
        state="transplant",
    )
    assert read(rows) == [("A", 0, 100, 1, None)]


def test_a_transplant_while_nobody_treats_is_nobodys_event() -> None:
    rows = describe(
        ("A", BEGAN, "2023-06-07"),
        (None, "2023-06-08", "2023-06-30"),
        ("A", "2023-07-01", "2024-12-31"),
        transplants={"2023-07-01": "living"},
        state="recovered",
    )
    assert read(rows)[-1] == (None, 99, 123, 1, "after_withdrawal_or_recovery")


@pytest.mark.parametrize("donor", ["deceased", None])
def test_any_other_kidney_ends_the_follow_up_without_an_event(donor: str | None) -> None:
    assert read(describe(transplants={"2023-06-08": donor})) == [("A", 0, 100, 0, None)]


def test_whoever_was_listed_before_the_kidney_came_has_had_the_event() -> None:
    rows = describe(listed=(("2023-05-01", None),), transplants={"2023-06-08": "deceased"})
    assert read(rows) == [("A", 0, 62, 1, None)]


@pytest.mark.parametrize(("listed", "is_event"), [("2024-02-28", 1), ("2024-02-29", 0)])
def test_the_last_day_of_the_first_year_is_still_in_it(listed: str, is_event: int) -> None:
    assert read(describe(listed=((listed, None),))) == [("A", 0, 365, is_event, None)]


def test_death_ends_the_follow_up() -> None:
    rows = describe(("A", BEGAN, "2023-03-10"), death="2023-03-10", listed=(("2023-05-01", None),))
    assert read(rows) == [("A", 0, 10, 0, None)]


def test_a_facility_has_the_days_it_treats_and_the_next_one_enters_late() -> None:
    rows = describe(
        ("A", BEGAN, "2023-06-08"),
        ("B", "2023-06-09", "2024-12-31"),
        listed=(("2023-07-01", None),),
    )
    assert read(rows) == [("A", 0, 100, 0, None), ("B", 100, 123, 1, None)]


def test_a_change_of_modality_does_not_end_a_record() -> None:
    rows = describe(("A", BEGAN, "2023-06-08"), ("A", "2023-06-09", "2024-12-31"))
    assert read(rows) == [("A", 0, 365, 0, None)]


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("untreated", "not_treated_by_any_facility"),
        ("recovered", "after_withdrawal_or_recovery"),
        ("withdrawn", "after_withdrawal_or_recovery"),
        ("lost", "lost_to_follow_up"),
        ("transplant", "transplant"),
        ("dialysis", "facility_unknown"),
    ],
)
def test_days_that_are_no_facilitys_say_why_and_keep_the_event(state: str, reason: str) -> None:
    rows = describe(
        ("A", BEGAN, "2023-06-08"),
        (None, "2023-06-09", "2024-12-31"),
        listed=(("2023-07-01", None),),
        state=state,
    )
    assert read(rows) == [("A", 0, 100, 0, None), (None, 100, 123, 1, reason)]


@pytest.mark.parametrize(
    ("born", "reason"), [("1948-03-02", None), ("1948-03-01", "age_75_or_older")]
)
def test_patients_of_75_are_not_counted(born: str, reason: str | None) -> None:
    assert reason_of(describe(born=born)) == reason


@pytest.mark.parametrize(
    ("listed", "reason"),
    [
        (("2023-02-28", None), "waitlisted_before_dialysis"),
        (("2020-01-01", "2021-01-01"), "waitlisted_before_dialysis"),
        ((BEGAN, None), None),
    ],
)
def test_who_was_listed_before_dialysis_is_preemptive(
    listed: tuple[str, str | None], reason: str | None
) -> None:
    assert reason_of(describe(listed=(listed,))) == reason


def test_a_listing_on_the_first_day_is_an_event_of_that_day() -> None:
    assert read(describe(listed=((BEGAN, None),))) == [("A", 0, 1, 1, None)]


@pytest.mark.parametrize("donor", ["living", "deceased", None])
def test_a_transplant_up_to_the_first_day_is_preemptive(donor: str | None) -> None:
    assert reason_of(describe(transplants={BEGAN: donor})) == "transplanted_before_dialysis"


@pytest.mark.parametrize(
    ("hospice", "reason"),
    [
        (("2023-02-01", "2023-03-01"), "in_hospice_at_first_dialysis"),
        (("2023-03-01", "2023-03-31"), "in_hospice_at_first_dialysis"),
        (("2023-02-01", "2023-02-28"), None),
        (("2023-03-02", "2023-03-31"), None),
    ],
)
def test_hospice_at_the_first_day_of_dialysis(hospice: tuple[str, str], reason: str | None) -> None:
    assert reason_of(describe(hospice=hospice)) == reason


@pytest.mark.parametrize(
    ("home", "reason"),
    [
        (("2023-02-01", "2023-03-01"), "in_nursing_home_at_first_dialysis"),
        (("2023-02-28", "2023-12-31"), "in_nursing_home_at_first_dialysis"),
        (("2023-02-01", "2023-02-28"), None),
        (("2023-03-01", "2023-12-31"), None),
    ],
)
def test_a_nursing_home_stay_from_before_that_had_not_ended(
    home: tuple[str, str], reason: str | None
) -> None:
    assert reason_of(describe(home=home)) == reason


def test_the_form_says_institutionalised_too() -> None:
    rows = describe(incident={"is_institutionalised": True})
    assert reason_of(rows) == "in_nursing_home_at_first_dialysis"


def test_without_a_date_of_birth_nobody_is_counted() -> None:
    assert reason_of(describe(born=None)) == "date_of_birth_unknown"


def test_the_first_reason_that_applies_is_kept() -> None:
    rows = describe(born="1940-01-01", listed=(("2022-01-01", None),), home=("2023-01-01", BEGAN))
    assert reason_of(rows) == "age_75_or_older"


@pytest.mark.parametrize(
    ("born", "ages"),
    [
        ("2011-03-01", (12, 0, 0, 0)),
        ("2010-03-01", (12, 1, 0, 0)),
        ("2005-03-01", (12, 6, 0, 0)),
        ("2004-03-01", (12, 6, 1, 0)),
        ("1959-03-01", (12, 6, 46, 0)),
        ("1958-03-01", (12, 6, 46, 1)),
    ],
)
def test_the_slope_of_age_changes_at_12_18_and_64(
    born: str, ages: tuple[int, int, int, int]
) -> None:
    (row,) = describe(born=born).to_dict("records")
    names = ("age_to_12", "age_12_to_18", "age_18_to_64", "age_over_64")
    assert tuple(row[name] for name in names) == ages


@pytest.mark.parametrize(
    "condition",
    [
        "has_congestive_heart_failure",
        "has_atherosclerotic_heart_disease",
        "has_other_cardiac_disease",
    ],
)
def test_heart_disease_is_any_of_the_forms_three(condition: str) -> None:
    (row,) = describe(incident={condition: True}).to_dict("records")
    assert (row["has_heart_disease"], row["has_amputation"]) == (1, 0)


def test_a_patient_without_a_form_is_counted_without_conditions() -> None:
    (row,) = describe(incident={"has_form": False}).to_dict("records")
    assert (row["ccn"], row["has_heart_disease"]) == ("A", 0)
    assert pd.isna(row["reason"])
