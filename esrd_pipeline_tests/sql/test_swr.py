"""SWR's patients: those counted by Figure 18, the end of their first year, their facility."""

import pandas as pd
import pytest

from esrd_pipeline.measures import swr
from esrd_pipeline_tests.sql.design_columns import add_columns
from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

pytestmark = pytest.mark.manual("2.15.10", "2.15.17")

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
) -> Case:
    """The records of patient 1; a spell without a facility is in `state`."""
    whose = {"program": "dfc", "patient_id": 1}
    known: Row = {"patient_id": 1, "has_form": True, **(incident or {})}
    return case(
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
            "history.patient_characteristics": [known],
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
    ).read(lambda rows: with_columns(rows, known))


def with_columns(rows: pd.DataFrame, known: Row) -> pd.DataFrame:
    """The rows with the columns of the design, for those who have an age."""
    if rows["age"].isna().any():
        return rows
    return add_columns(rows, swr.TERMS, patients=[known])


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


@pytest.mark.manual("2.15.8")
@worked
def test_the_first_year_is_days_1_to_365() -> Worked:
    rows = yield describe()
    assert read(rows) == [("A", 0, 365, 0, None)]
    # 1 March 2023 is day 1; 29 February 2024 would be day 366.
    assert rows["end_date"].tolist() == [day("2024-02-28")]


@pytest.mark.parametrize(
    ("began", "counted"),
    [("2022-12-31", 0), ("2023-01-01", 1), ("2023-12-31", 1), ("2024-01-01", 0)],
)
@worked
def test_a_partition_holds_who_began_dialysis_in_the_year_before(
    began: str, counted: int
) -> Worked:
    rows = yield describe(began=began)
    assert len(rows) == counted


@pytest.mark.manual("2.15.6", "2.15.11")
@worked
def test_a_listing_is_an_event_on_its_day() -> Worked:
    rows = yield describe(listed=(("2023-06-08", None),))
    assert read(rows) == [("A", 0, 100, 1, None)]


@pytest.mark.manual("2.15.6", "2.15.11")
@worked
def test_a_living_donors_kidney_is_an_event_too() -> Worked:
    rows = yield describe(transplants={"2023-06-08": "living"})
    assert read(rows) == [("A", 0, 100, 1, None)]


@worked
def test_the_day_of_the_transplant_is_the_facilitys_that_treated_the_patient_before() -> Worked:
    rows = yield describe(
        ("A", BEGAN, "2023-06-07"),
        (None, "2023-06-08", "2024-12-31"),
        transplants={"2023-06-08": "living"},
        state="transplant",
    )
    assert read(rows) == [("A", 0, 100, 1, None)]


@worked
def test_a_transplant_while_nobody_treats_is_nobodys_event() -> Worked:
    rows = yield describe(
        ("A", BEGAN, "2023-06-07"),
        (None, "2023-06-08", "2023-06-30"),
        ("A", "2023-07-01", "2024-12-31"),
        transplants={"2023-07-01": "living"},
        state="recovered",
    )
    assert read(rows)[-1] == (None, 99, 123, 1, "after_withdrawal_or_recovery")


@pytest.mark.manual("2.15.11")
@pytest.mark.parametrize("donor", ["deceased", None])
@worked
def test_any_other_kidney_ends_the_follow_up_without_an_event(donor: str | None) -> Worked:
    rows = yield describe(transplants={"2023-06-08": donor})
    assert read(rows) == [("A", 0, 100, 0, None)]


@worked
def test_whoever_was_listed_before_the_kidney_came_has_had_the_event() -> Worked:
    rows = yield describe(listed=(("2023-05-01", None),), transplants={"2023-06-08": "deceased"})
    assert read(rows) == [("A", 0, 62, 1, None)]


@pytest.mark.parametrize(("listed", "is_event"), [("2024-02-28", 1), ("2024-02-29", 0)])
@worked
def test_the_last_day_of_the_first_year_is_still_in_it(listed: str, is_event: int) -> Worked:
    rows = yield describe(listed=((listed, None),))
    assert read(rows) == [("A", 0, 365, is_event, None)]


@worked
def test_death_ends_the_follow_up() -> Worked:
    rows = yield describe(
        ("A", BEGAN, "2023-03-10"), death="2023-03-10", listed=(("2023-05-01", None),)
    )
    assert read(rows) == [("A", 0, 10, 0, None)]


@worked
def test_a_facility_has_the_days_it_treats_and_the_next_one_enters_late() -> Worked:
    rows = yield describe(
        ("A", BEGAN, "2023-06-08"),
        ("B", "2023-06-09", "2024-12-31"),
        listed=(("2023-07-01", None),),
    )
    assert read(rows) == [("A", 0, 100, 0, None), ("B", 100, 123, 1, None)]


@worked
def test_a_change_of_modality_does_not_end_a_record() -> Worked:
    rows = yield describe(("A", BEGAN, "2023-06-08"), ("A", "2023-06-09", "2024-12-31"))
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
@worked
def test_days_that_are_no_facilitys_say_why_and_keep_the_event(state: str, reason: str) -> Worked:
    rows = yield describe(
        ("A", BEGAN, "2023-06-08"),
        (None, "2023-06-09", "2024-12-31"),
        listed=(("2023-07-01", None),),
        state=state,
    )
    assert read(rows) == [("A", 0, 100, 0, None), (None, 100, 123, 1, reason)]


@pytest.mark.manual("2.15.9")
@pytest.mark.parametrize(
    ("born", "reason"), [("1948-03-02", None), ("1948-03-01", "age_75_or_older")]
)
@worked
def test_patients_of_75_are_not_counted(born: str, reason: str | None) -> Worked:
    rows = yield describe(born=born)
    assert reason_of(rows) == reason


@pytest.mark.manual("2.15.9")
@pytest.mark.parametrize(
    ("listed", "reason"),
    [
        (("2023-02-28", None), "waitlisted_before_dialysis"),
        (("2020-01-01", "2021-01-01"), "waitlisted_before_dialysis"),
        ((BEGAN, None), None),
    ],
)
@worked
def test_who_was_listed_before_dialysis_is_preemptive(
    listed: tuple[str, str | None], reason: str | None
) -> Worked:
    rows = yield describe(listed=(listed,))
    assert reason_of(rows) == reason


@worked
def test_a_listing_on_the_first_day_is_an_event_of_that_day() -> Worked:
    rows = yield describe(listed=((BEGAN, None),))
    assert read(rows) == [("A", 0, 1, 1, None)]


@pytest.mark.parametrize("donor", ["living", "deceased", None])
@worked
def test_a_transplant_up_to_the_first_day_is_preemptive(donor: str | None) -> Worked:
    rows = yield describe(transplants={BEGAN: donor})
    assert reason_of(rows) == "transplanted_before_dialysis"


@pytest.mark.manual("2.15.9")
@pytest.mark.parametrize(
    ("hospice", "reason"),
    [
        (("2023-02-01", "2023-03-01"), "in_hospice_at_first_dialysis"),
        (("2023-03-01", "2023-03-31"), "in_hospice_at_first_dialysis"),
        (("2023-02-01", "2023-02-28"), None),
        (("2023-03-02", "2023-03-31"), None),
    ],
)
@worked
def test_hospice_at_the_first_day_of_dialysis(
    hospice: tuple[str, str], reason: str | None
) -> Worked:
    rows = yield describe(hospice=hospice)
    assert reason_of(rows) == reason


@pytest.mark.manual("2.15.9")
@pytest.mark.parametrize(
    ("home", "reason"),
    [
        (("2023-02-01", "2023-03-01"), "in_nursing_home_at_first_dialysis"),
        (("2023-02-28", "2023-12-31"), "in_nursing_home_at_first_dialysis"),
        (("2023-02-01", "2023-02-28"), None),
        (("2023-03-01", "2023-12-31"), None),
    ],
)
@worked
def test_a_nursing_home_stay_from_before_that_had_not_ended(
    home: tuple[str, str], reason: str | None
) -> Worked:
    rows = yield describe(home=home)
    assert reason_of(rows) == reason


@pytest.mark.manual("2.15.9", "2.15.16")
@worked
def test_the_form_says_institutionalised_too() -> Worked:
    rows = yield describe(incident={"is_institutionalised": True})
    assert reason_of(rows) == "in_nursing_home_at_first_dialysis"


@worked
def test_without_a_date_of_birth_nobody_is_counted() -> Worked:
    rows = yield describe(born=None)
    assert reason_of(rows) == "date_of_birth_unknown"


@worked
def test_the_first_reason_that_applies_is_kept() -> Worked:
    rows = yield describe(
        born="1940-01-01", listed=(("2022-01-01", None),), home=("2023-01-01", BEGAN)
    )
    assert reason_of(rows) == "age_75_or_older"


@pytest.mark.manual("2.15.12")
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
@worked
def test_the_slope_of_age_changes_at_12_18_and_64(
    born: str, ages: tuple[int, int, int, int]
) -> Worked:
    rows = yield describe(born=born)
    (row,) = rows.to_dict("records")
    names = ("age_to_12", "age_12_to_18", "age_18_to_64", "age_over_64")
    assert tuple(row[name] for name in names) == ages


@pytest.mark.manual("2.15.16")
@pytest.mark.parametrize(
    "condition",
    [
        "has_congestive_heart_failure",
        "has_atherosclerotic_heart_disease",
        "has_other_cardiac_disease",
    ],
)
@worked
def test_heart_disease_is_any_of_the_forms_three(condition: str) -> Worked:
    rows = yield describe(incident={condition: True})
    (row,) = rows.to_dict("records")
    assert (row["has_heart_disease"], row["has_amputation"]) == (1, 0)


@worked
def test_a_patient_without_a_form_is_counted_without_conditions() -> Worked:
    rows = yield describe(incident={"has_form": False})
    (row,) = rows.to_dict("records")
    assert (row["ccn"], row["has_heart_disease"]) == ("A", 0)
    assert pd.isna(row["reason"])
