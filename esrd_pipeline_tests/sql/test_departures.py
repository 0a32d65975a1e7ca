"""Who departs within a month, to the last day of it: manual 2.1.10, 2.3.11, 2.8.10, 2.8.11, 2.19.7.

Reading 81.
"""

import pandas as pd
import pytest

from esrd_pipeline_tests.sql.histories import prescribed, spell
from esrd_pipeline_tests.sql.months import MARCH, PERITONEAL, A, B, care, clinic, judge, know, last
from esrd_pipeline_tests.sql.test_care_month import months, sessions, treated
from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

pytestmark = pytest.mark.manual("2.1.10", "2.3.11", "2.8.10", "2.8.11", "2.19.7")

YEAR_AT_A = treated("A", "2024-01-01", "2024-12-31")
END = "2024-03-31"


def with_unit(ccn: str) -> list[Row]:
    """The facilities' numbers, and a third unit, EQRS 3, under one of them."""
    known = list(know()["linkage.facility_ccn"])
    return [
        *known,
        *({**row, "facilityid": 3, "ccn": ccn} for row in known if row["ccn"] == "A"),
    ]


def departure(*stays: Row, died: str | None = None) -> Case:
    """Why the patient's time at A ended in March, who was treated there all month."""
    return months(YEAR_AT_A, admissions=stays, died=died).read(
        lambda rows: (
            rows.loc[
                (rows["month"] == day("2024-03-01")) & (rows["ccn"] == "A"),
                ["is_whole", "departure"],
            ]
            .iloc[0]
            .tolist()
        )
    )


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("Discontinue", "withdrawal"),
        ("Recover Function", "recovery"),
        ("Transfer Out", "discharge"),
        ("Lost to Follow Up", "discharge"),
        ("Involuntary", "discharge"),
    ],
)
@worked
def test_a_discharge_on_the_last_day_is_a_departure_in_the_month(
    reason: str, expected: str
) -> Worked:
    on, after = yield (
        departure(spell(A, "2024-01-01", END, reason)),
        departure(spell(A, "2024-01-01", "2024-04-01", reason)),
    )
    assert on == [True, expected]
    assert after[0]
    assert pd.isna(after[1])


@worked
def test_death_on_any_day_of_the_month_is_one() -> Worked:
    on, after = yield departure(died=END), departure(died="2024-04-01")
    assert on == [True, "death"]
    assert pd.isna(after[1])


@worked
def test_who_is_back_at_the_facility_the_next_day_did_not_leave_it() -> Worked:
    back, withdrew = yield (
        departure(spell(A, "2024-01-01", END, "Transfer Out"), spell(A, "2024-04-01")),
        departure(spell(A, "2024-01-01", "2024-03-14", "Discontinue"), spell(A, "2024-03-15")),
    )
    assert pd.isna(back[1])
    # "Discontinues dialysis ... anytime during the month" (2.3.11).
    assert withdrew == [True, "withdrawal"]


@pytest.mark.manual("3.3.8")
@pytest.mark.parametrize(
    ("admitted", "number", "expected"),
    [("2024-03-31", "A", None), ("2024-04-01", "A", None), ("2024-04-01", "C", "discharge")],
)
@worked
def test_who_goes_to_another_unit_under_the_number_did_not_leave_it(
    admitted: str, number: str, expected: str | None
) -> Worked:
    """The patient goes on to the peritoneal unit, EQRS 3, at the month's end."""
    rows = yield case(
        "history.dialysis_evidence",
        "history.admitted",
        "history.care_month",
        tables={
            **know(),
            "linkage.facility_ccn": with_unit(number),
            "history.treatment": [YEAR_AT_A],
            "raw.eqrs_admission": [
                spell(A, "2024-01-01", END, "Transfer Out"),
                spell(3, admitted),
            ],
        },
    )
    march = rows[(rows["month"] == day("2024-03-01")) & (rows["program"] == "dfc")]
    found = march.set_index("ccn").loc["A", "departure"]
    assert (None if pd.isna(found) else found) == expected


@pytest.mark.manual("3.3.7")
@worked
def test_who_is_back_in_the_unit_under_its_new_number_did_not_leave_it() -> Worked:
    """EQRS 1 is A until March, and C from April on."""
    numbers = list(know()["linkage.facility_ccn"])
    renamed = [
        {**row, "ccn": "C", "start_date": day("2024-04-01")} for row in numbers if row["ccn"] == "A"
    ]
    rows = yield case(
        "history.dialysis_evidence",
        "history.admitted",
        "history.care_month",
        tables={
            **know(),
            "linkage.facility_ccn": [*numbers, *renamed],
            "history.treatment": [
                treated("A", "2024-01-01", END),
                treated("C", "2024-04-01", "2024-12-31"),
            ],
            "raw.eqrs_admission": [
                spell(A, "2024-01-01", END, "Transfer Out"),
                spell(A, "2024-04-01"),
            ],
        },
    )
    march = rows[(rows["month"] == day("2024-03-01")) & (rows["program"] == "dfc")]
    assert pd.isna(march.set_index("ccn").loc["A", "departure"])


@worked
def test_a_guest_s_discharge_elsewhere_is_none() -> Worked:
    stays = [
        spell(A, "2024-01-01"),
        spell(B, "2024-03-10", END, "Transfer Out", admitted="Transient"),
    ]
    found = yield departure(*stays)
    assert pd.isna(found[1])


@worked
def test_coming_on_the_first_day_makes_a_whole_month() -> Worked:
    rows = yield months(
        treated("B", "2024-01-01", "2024-02-29"),
        treated("A", "2024-03-01", "2024-12-31"),
        admissions=[spell(B, "2024-01-01", "2024-02-29", "Transfer Out"), spell(A, "2024-03-01")],
    )
    found = [(str(row.month)[:7], row.ccn, row.departure) for row in rows.itertuples()]
    assert ("2024-02", "B", "discharge") in found
    march = rows[(rows["month"] == day("2024-03-01")) & (rows["ccn"] == "A")].iloc[0]
    assert march["is_whole"]
    assert pd.isna(march["departure"])


LEFT = "left_facility_in_month"


@pytest.mark.parametrize(
    ("why", "catheter"),
    [("death", False), ("recovery", False), ("withdrawal", False), ("discharge", LEFT)],
)
@worked
def test_each_chapter_says_whose_month_it_leaves_out(why: str, catheter: object) -> Worked:
    reported = clinic(MARCH, hd_ktv=1.4, calcium=9.0, has_reconciliation=True)
    dfc, qip, pd_, child = yield (
        judge(care(MARCH, departure=why), reported),
        judge(care(MARCH, departure=why), reported, program="qip"),
        judge(care(MARCH, modality=PERITONEAL, departure=why)),
        judge(care(MARCH, departure=why), known=know(born="2010-06-15")),
    )
    # 2.3.11, which 2.4.11, 2.5.11, 2.6.11 and 2.7.11 refer to.
    assert last(dfc, "ktv_adult_hd") == last(qip, "ktv_adult_hd") == LEFT
    assert last(pd_, "ktv_adult_pd") == LEFT
    assert last(child, "ktv_pediatric_hd") == last(child, "npcr") == LEFT
    # 2.8.11: DFC by the same sentence; the QIP by admission and discharge.
    assert last(dfc, "hypercalcemia") == LEFT
    assert last(qip, "hypercalcemia") is True
    # 2.1.10: "in the month a patient ... transfers".
    assert last(dfc, "ltc") == last(qip, "ltc") == catheter
    # 2.19.7: assigned to the facility for the entire month.
    assert last(qip, "medication_reconciliation") is True


@worked
def test_death_before_the_last_day_is_left_out_by_the_qip_s_calcium_too() -> Worked:
    before, on = yield (
        judge(care(MARCH), known=know(died="2024-03-30"), program="qip"),
        judge(care(MARCH), known=know(died=END), program="qip"),
    )
    assert last(before, "hypercalcemia") == "died_before_month_end"
    assert last(on, "hypercalcemia") is False


@pytest.mark.manual("3.1.4", "3.3.8")
@worked
def test_of_two_units_under_a_number_the_one_with_the_patient_tells_the_sessions() -> Worked:
    """Four sessions a week at EQRS 1 until February, three at EQRS 3 from March on."""
    rows = yield case(
        "history.dialysis_evidence",
        "history.admitted",
        "history.care_month",
        tables={
            **know(),
            "linkage.facility_ccn": with_unit("A"),
            "history.treatment": [YEAR_AT_A],
            "raw.eqrs_admission": [
                spell(A, "2024-01-01", "2024-02-29", "Transfer Out"),
                spell(3, "2024-03-01"),
            ],
            "raw.eqrs_treatment": [
                sessions(4, "2024-01-01"),
                sessions(3, "2024-03-01", facility=3),
            ],
        },
    )
    year = rows[rows["program"] == "dfc"].sort_values("month")
    assert year["frequency"].tolist() == ["frequent"] * 2 + ["usual"] * 10


@pytest.mark.manual("3.1.4", "3.3.8")
@pytest.mark.parametrize(
    ("stays", "expected"),
    [
        # EQRS 1 without a record has the patient: that of EQRS 3 says nothing.
        ([spell(3, "2024-01-01", "2024-02-29", "Transfer Out"), spell(A, "2024-03-01")], None),
        ([spell(A, "2024-01-01", "2024-04-30", "Transfer Out"), spell(3, "2024-05-01")], None),
        # Nobody has the patient admitted: what EQRS knows of the number counts.
        ([], "frequent"),
    ],
)
@worked
def test_a_unit_without_the_patient_does_not_tell_the_sessions_of_one_that_has_them(
    stays: list[Row], expected: str | None
) -> Worked:
    rows = yield case(
        "history.dialysis_evidence",
        "history.admitted",
        "history.care_month",
        tables={
            **know(),
            "linkage.facility_ccn": with_unit("A"),
            "history.treatment": [YEAR_AT_A],
            "raw.eqrs_admission": stays,
            "raw.eqrs_treatment": [sessions(4, "2024-01-01", facility=3)],
        },
    )
    march = rows[(rows["program"] == "dfc") & (rows["month"] == day("2024-03-01"))].iloc[0]
    assert (None if pd.isna(march["frequency"]) else march["frequency"]) == expected


@pytest.mark.manual("2.8.10", "2.8.11")
@pytest.mark.parametrize(
    ("records", "reason"),
    [
        ([prescribed(B, "2024-02-28", "Other")], "other_modality"),
        ([prescribed(B, "2024-02-28", "CCPD")], None),
        # The host's own record goes before the other's, which counts where the host has none.
        ([prescribed(B, "2024-02-28", "CCPD"), prescribed(A, "2024-01-01", "Other")], None),
        ([prescribed(A, "2024-01-01", "Other")], "other_modality"),
    ],
)
@worked
def test_a_guest_s_other_modality_is_out_of_the_host_s_calcium(
    records: list[Row], reason: str | None
) -> Worked:
    """All March a guest at EQRS 2, facility B, whose own facility is A."""
    rows = yield case(
        "history.admitted",
        "history.care_month",
        "cohort.patient_months",
        tables={
            **know(),
            "history.treatment": [{**YEAR_AT_A, "program": "qip"}],
            "raw.eqrs_admission": [
                spell(A, "2024-01-01"),
                spell(B, "2024-02-28", "2024-04-05", "Transfer Out", admitted="Transient"),
            ],
            "raw.eqrs_treatment": records,
        },
    )
    host = rows[(rows["program"] == "qip") & (rows["ccn"] == "B")].iloc[0]
    found = host["hypercalcemia_reason"]
    assert (None if pd.isna(found) else found) == reason
