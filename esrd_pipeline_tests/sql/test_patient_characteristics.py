"""Unchanging characteristics of a patient: sex, race and ethnicity from EQRS or Medicare."""

import pytest

from esrd_pipeline_tests.sql.worked import Worked, case, day, worked

pytestmark = pytest.mark.manual("2.13.13", "2.14.12")


@pytest.mark.parametrize(
    ("race", "is_hispanic", "race_class", "hispanic", "unknown"),
    [
        ("White", True, "white", True, False),
        ("Black or African American", False, "black", False, False),
        (
            "Native Hawaiian or Other Pacific Islander",
            None,
            "asian or pacific islander",
            False,
            True,
        ),
        # Of Medicare: race 5 is Hispanic.
        ("5", True, "other", True, False),
        ("6", None, "native american", False, True),
        (None, False, "other", False, False),
    ],
)
@worked
def test_race_and_ethnicity(
    *,
    race: str | None,
    is_hispanic: bool | None,
    race_class: str,
    hispanic: bool,
    unknown: bool,
) -> Worked:
    rows = yield case(
        "history.patient_characteristics",
        tables={
            "linkage.patient": [
                {"patient_id": 1, "race": race, "is_hispanic": is_hispanic, "sex": "F"}
            ],
        },
    )
    (row,) = rows.to_dict("records")
    known = (row["race_class"], row["is_hispanic"], row["is_ethnicity_unknown"])
    assert known == (race_class, hispanic, unknown)
    assert row["is_female"]


@worked
def test_who_has_no_form_has_the_reference_of_everything() -> Worked:
    rows = yield case(
        "history.patient_characteristics",
        tables={"linkage.patient": [{"patient_id": 1, "date_of_birth": day("1950-01-01")}]},
    )
    (row,) = rows.to_dict("records")
    assert (row["is_female"], row["has_form"], row["bmi_class"]) == (False, False, ">=30")
    assert row["is_bmi_missing"]
    assert row["is_cause_missing"]
    assert not row["has_any_condition"]
