"""SMoSR's patients: those at risk of a switch, the switch that counts, and its facility."""

from datetime import timedelta

import pandas as pd
import pytest

from esrd_pipeline.measures import smosr
from esrd_pipeline_tests.sql.design_columns import add_columns
from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

pytestmark = pytest.mark.manual("2.27.8", "2.27.10")

BEGAN = "2023-03-01"
CENTER, HOME = "in center", "home"
Spell = tuple[str, str, str, str]
TO_HOME: tuple[Spell, ...] = (
    ("A", CENTER, BEGAN, "2023-06-08"),
    ("A", HOME, "2023-06-09", "2024-12-31"),
)
"""On dialysis in center for 100 days, then at home."""


def describe(
    *spells: Spell,
    began: str = BEGAN,
    born: str | None = "1970-06-15",
    modality: str = "peritoneal",
    hospice: str | None = None,
    home: tuple[str, str] | None = None,
    incident: Row | None = None,
) -> Case:
    """The runs of patient 1, who has the modality wherever at home."""
    whose = {"program": "dfc", "patient_id": 1}
    return case(
        "history.attribution",
        "cohort.smosr",
        tables={
            "linkage.first_service": [{**whose, "first_service_date": day(began)}],
            "linkage.patient": [{"patient_id": 1, "date_of_birth": day(born) if born else None}],
            "linkage.beneficiary": [
                {"bene_id": 900, "patient_id": 1, "performance_year": year} for year in (2023, 2024)
            ],
            "raw.claim": [
                {
                    "bene_id": 900,
                    "clm_id": 1,
                    "nch_clm_type_cd": "50",
                    "clm_from_dt": day(hospice),
                    "clm_thru_dt": day(hospice),
                    "performance_year": day(hospice).year,
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
                {"patient_id": 1, "has_form": True, "bmi_class": ">=30", **(incident or {})}
            ],
            "history.treatment": [
                {
                    **whose,
                    "state": "dialysis",
                    "ccn": ccn,
                    "setting": setting,
                    "modality": modality if setting == HOME else "hemodialysis",
                    "start_date": day(start),
                    "end_date": day(end),
                }
                for ccn, setting, start, end in spells or (("A", CENTER, began, "2024-12-31"),)
            ],
        },
    )


def read(rows: pd.DataFrame) -> list[tuple[object, ...]]:
    """Facility, last day, days before and with the run, event, reason."""
    return [
        (
            None if pd.isna(row["ccn"]) else row["ccn"],
            f"{row['end_date']:%Y-%m-%d}",
            row["start_day"],
            row["stop_day"],
            row["is_event"],
            None if pd.isna(row["reason"]) else row["reason"],
        )
        for row in rows.to_dict("records")
    ]


FEW = "too_few_days_at_one_facility"


@worked
def test_at_risk_from_day_31_of_esrd_to_day_365() -> Worked:
    # 31 March is day 31; 28 February 2024 is day 365.
    rows = yield describe()
    assert read(rows) == [
        (None, "2023-03-30", 0, 0, 0, FEW),
        ("A", "2024-02-28", 0, 335, 0, None),
    ]


@pytest.mark.parametrize(
    ("began", "counted"), [("2022-12-31", False), ("2023-01-01", True), ("2024-01-01", False)]
)
@worked
def test_a_partition_holds_whose_esrd_began_in_the_year_before(
    began: str, *, counted: bool
) -> Worked:
    rows = yield describe(began=began)
    assert rows.empty != counted


@pytest.mark.manual("2.27.6", "2.27.11")
@pytest.mark.parametrize("modality", ["peritoneal", "hemodialysis"])
@worked
def test_a_switch_to_either_home_modality_is_an_event_on_its_day(modality: str) -> Worked:
    rows = yield describe(*TO_HOME, modality=modality)
    assert read(rows)[1:] == [("A", "2023-06-09", 0, 71, 1, None)]


@pytest.mark.manual("2.27.11", "2.27.17")
@pytest.mark.parametrize(("last", "is_durable"), [("2023-07-08", 1), ("2023-07-07", 0)])
@worked
def test_a_switch_lasts_30_days_or_is_none(last: str, is_durable: int) -> Worked:
    # 9 June to 8 July are 30 days.
    rows = yield describe(
        ("A", CENTER, BEGAN, "2023-06-08"),
        ("A", HOME, "2023-06-09", last),
        ("A", CENTER, "2023-07-09" if is_durable else "2023-07-08", "2024-12-31"),
    )
    assert rows["is_event"].sum() == is_durable
    assert rows["stop_day"].max() == (71 if is_durable else 335)


@worked
def test_the_first_durable_switch_counts_after_one_that_was_none() -> Worked:
    rows = yield describe(
        ("A", CENTER, BEGAN, "2023-06-08"),
        ("A", HOME, "2023-06-09", "2023-06-20"),
        ("A", CENTER, "2023-06-21", "2023-08-31"),
        ("A", HOME, "2023-09-01", "2024-12-31"),
    )
    assert read(rows)[1:] == [("A", "2023-09-01", 0, 155, 1, None)]


@pytest.mark.manual("2.27.11")
@worked
def test_only_the_first_durable_switch_counts() -> Worked:
    rows = yield describe(
        *TO_HOME[:1],
        ("A", HOME, "2023-06-09", "2023-08-31"),
        ("A", CENTER, "2023-09-01", "2023-10-31"),
        ("A", HOME, "2023-11-01", "2024-12-31"),
    )
    assert read(rows)[-1] == ("A", "2023-06-09", 0, 71, 1, None)


@worked
def test_a_stay_at_home_goes_on_under_another_home_modality_and_facility() -> Worked:
    rows = yield describe(
        *TO_HOME[:1],
        ("A", HOME, "2023-06-09", "2023-06-28"),
        ("B", HOME, "2023-06-29", "2023-07-10"),
        ("B", CENTER, "2023-07-11", "2024-12-31"),
    )
    assert read(rows)[-1] == ("A", "2023-06-09", 0, 71, 1, None)


@pytest.mark.parametrize(("switch", "is_event"), [("2024-02-28", 1), ("2024-02-29", 0)])
@worked
def test_the_switch_comes_within_365_days_of_onset(switch: str, is_event: int) -> Worked:
    before = (pd.Timestamp(switch) - pd.Timedelta(days=1)).date().isoformat()
    rows = yield describe(("A", CENTER, BEGAN, before), ("A", HOME, switch, "2024-12-31"))
    assert read(rows)[-1] == ("A", "2024-02-28", 0, 335, is_event, None)


@worked
def test_within_30_days_of_a_transfer_the_first_facility_gets_the_switch() -> Worked:
    # 2.27.10's example: in center from A to B, and home within 30 days of arriving at B.
    rows = yield describe(
        ("A", CENTER, BEGAN, "2023-06-08"),
        ("B", CENTER, "2023-06-09", "2023-07-07"),
        ("B", HOME, "2023-07-08", "2024-12-31"),
    )
    assert read(rows)[-1] == ("A", "2023-07-08", 0, 100, 1, None)


@worked
def test_after_30_days_the_receiving_facility_gets_it() -> Worked:
    rows = yield describe(
        ("A", CENTER, BEGAN, "2023-06-08"),
        ("B", CENTER, "2023-06-09", "2023-07-08"),
        ("B", HOME, "2023-07-09", "2024-12-31"),
    )
    assert read(rows)[1:] == [
        ("A", "2023-07-08", 0, 100, 0, None),
        ("B", "2023-07-09", 0, 1, 1, None),
    ]


@worked
def test_a_switch_in_the_first_30_days_of_dialysis_is_nobodys() -> Worked:
    rows = yield describe(
        ("A", CENTER, BEGAN, "2023-03-20"), ("A", HOME, "2023-03-21", "2024-12-31")
    )
    assert read(rows) == [(None, "2023-03-21", 0, 0, 1, FEW)]


@worked
def test_a_start_at_home_is_left_out_up_to_the_first_day_in_center() -> Worked:
    rows = yield describe(
        ("A", HOME, BEGAN, "2023-05-31"), ("A", CENTER, "2023-06-01", "2024-12-31")
    )
    assert read(rows)[1:] == [
        ("A", "2023-05-31", 0, 0, 0, "before_first_in_center_day"),
        ("A", "2024-02-28", 0, 273, 0, None),
    ]


@pytest.mark.manual("2.27.17")
@worked
def test_who_never_was_in_center_is_never_at_risk() -> Worked:
    rows = yield describe(("A", HOME, BEGAN, "2024-12-31"))
    assert set(rows["reason"]) == {"before_first_in_center_day"}
    assert rows["is_event"].sum() == 0


@pytest.mark.manual("2.27.9", "2.27.16")
@worked
def test_hospice_censors_from_the_first_claim() -> Worked:
    rows = yield describe(*TO_HOME, hospice="2023-05-01")
    assert read(rows)[1:] == [
        ("A", "2023-04-30", 0, 31, 0, None),
        ("A", "2023-06-09", 31, 31, 1, "after_first_hospice_claim"),
    ]


@pytest.mark.manual("2.27.9")
@worked
def test_home_hemodialysis_in_a_nursing_home_is_not_at_risk() -> Worked:
    rows = yield describe(
        *TO_HOME[:1],
        ("A", HOME, "2023-06-09", "2023-06-20"),
        ("A", CENTER, "2023-06-21", "2024-12-31"),
        modality="hemodialysis",
        home=("2023-06-01", "2023-06-30"),
    )
    assert read(rows)[1:] == [
        ("A", "2023-06-08", 0, 70, 0, None),
        ("A", "2023-06-20", 70, 70, 0, "home_hemodialysis_in_nursing_home"),
        ("A", "2024-02-28", 70, 323, 0, None),
    ]


@pytest.mark.manual("2.27.9")
@worked
def test_time_in_a_nursing_home_does_not_end_the_follow_up() -> Worked:
    # 61 days of home hemodialysis there, back in center, and then a switch that lasts.
    rows = yield describe(
        *TO_HOME[:1],
        ("A", HOME, "2023-06-09", "2023-08-08"),
        ("A", CENTER, "2023-08-09", "2023-10-31"),
        ("A", HOME, "2023-11-01", "2024-12-31"),
        modality="hemodialysis",
        home=("2023-06-09", "2023-08-08"),
    )
    assert read(rows)[1:] == [
        ("A", "2023-06-08", 0, 70, 0, None),
        ("A", "2023-08-08", 70, 70, 0, "home_hemodialysis_in_nursing_home"),
        ("A", "2023-11-01", 70, 155, 1, None),
    ]


@pytest.mark.parametrize(
    ("home", "last", "event_day"),
    [
        # From the nursing home to the patient's own home: a switch on the first day there.
        (("2023-06-09", "2023-08-08"), "2023-12-31", "2023-08-09"),
        # Fewer than 30 days there.
        (("2023-06-09", "2023-08-08"), "2023-09-06", None),
        # Home first, a nursing home from the eleventh day on: home dialysis goes on for 30 days.
        (("2023-06-19", "2023-08-08"), "2023-09-06", "2023-06-09"),
    ],
)
@worked
def test_a_switch_is_the_first_day_at_home_outside_a_nursing_home(
    home: tuple[str, str], last: str, event_day: str | None
) -> Worked:
    rows = yield describe(
        *TO_HOME[:1],
        ("A", HOME, "2023-06-09", last),
        ("A", CENTER, f"{day(last) + timedelta(days=1)}", "2024-12-31"),
        modality="hemodialysis",
        home=home,
    )
    events = rows[(rows["is_event"] == 1) & rows["reason"].isna()]
    assert [f"{date:%Y-%m-%d}" for date in events["end_date"]] == ([event_day] if event_day else [])


@worked
def test_peritoneal_dialysis_in_a_nursing_home_stays_at_risk() -> Worked:
    rows = yield describe(*TO_HOME, home=("2023-06-01", "2023-12-31"))
    assert read(rows)[1:] == [("A", "2023-06-09", 0, 71, 1, None)]


@pytest.mark.manual("2.27.9")
@pytest.mark.parametrize(
    ("born", "reason"), [("2005-03-01", None), ("2005-03-02", "under_18_years")]
)
@worked
def test_patients_are_18_on_the_first_day_of_esrd(born: str, reason: str | None) -> Worked:
    rows = yield describe(born=born)
    assert read(rows)[-1][-1] == reason


@pytest.mark.manual("2.27.9")
@worked
def test_without_a_medical_evidence_form_nobody_is_counted() -> Worked:
    rows = yield describe(incident={"has_form": False})
    assert set(rows["reason"]) == {"no_cms_2728"}


@worked
def test_without_a_date_of_birth_nobody_is_counted() -> Worked:
    rows = yield describe(born=None)
    assert set(rows["reason"]) == {"date_of_birth_unknown"}


@worked
def test_a_switch_of_which_30_days_are_not_seen_is_not_yet_durable() -> Worked:
    rows = yield describe(
        ("A", CENTER, "2023-12-20", "2024-12-05"),
        ("A", HOME, "2024-12-06", "2024-12-31"),
        began="2023-12-20",
    )
    assert rows["is_event"].sum() == 0


@pytest.mark.manual("2.27.12")
@pytest.mark.parametrize(
    ("born", "ages"),
    [
        ("1997-03-01", (8, 0, 0)),
        ("1996-03-01", (8, 1, 0)),
        ("1937-03-01", (8, 10, 0)),
        ("1936-03-01", (8, 10, 1)),
    ],
)
@worked
def test_age_has_a_slope_in_each_of_eight_classes(born: str, ages: tuple[int, int, int]) -> Worked:
    rows = yield describe(born=born)
    known: Row = {"patient_id": 1, "bmi_class": ">=30"}
    row = add_columns(rows, smosr.TERMS, patients=[known]).to_dict("records")[-1]
    assert (row["age_18_to_26"], row["age_26_to_36"], row["age_over_86"]) == ages
