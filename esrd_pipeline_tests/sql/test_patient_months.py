"""Exceptions, new facilities, calcium, nPCR, reconciliation: manual 2.7, 2.8, 2.19, 3.4, 3.5."""

import pandas as pd
import pytest

from esrd_pipeline_tests.sql.months import (
    CATHETER,
    CENTER,
    HOME,
    MARCH,
    PERITONEAL,
    QUARTER,
    access,
    care,
    clinic,
    excepted,
    judge,
    know,
    last,
    stay,
)
from esrd_pipeline_tests.sql.worked import Case, Worked, day, worked

CHILD = know(born="2010-06-15")


@pytest.mark.manual("3.4")
@worked
def test_values_reported_in_an_exception_are_not_used_by_the_qip() -> Worked:
    known, stays = excepted("A", "2024-02"), care(MARCH, modality=PERITONEAL)
    reported = clinic("2024-02", pd_ktv=2.0)
    dfc, qip = yield (
        judge(stays, reported, known=known),
        judge(stays, reported, known=known, program="qip"),
    )
    assert last(dfc, "ktv_adult_pd") is True
    assert last(qip, "ktv_adult_pd") is False


@pytest.mark.manual("3.5")
@pytest.mark.parametrize("measure", ["ltc", "ktv_adult_hd", "hypercalcemia"])
@worked
def test_a_new_facility_reports_from_its_reporting_date_on(measure: str) -> Worked:
    known = {
        "linkage.facility": [
            {"program": program, "ccn": "A", "reporting_date": day("2024-04-01")}
            for program in ("dfc", "qip")
        ]
    }
    qip, dfc = yield (
        judge(stay(MARCH, "2024-04"), known=known, program="qip"),
        judge(stay(MARCH), known=known),
    )
    assert qip[f"{measure}_reason"].iloc[0] == "new_facility"
    assert pd.isna(qip[f"{measure}_reason"].iloc[1])
    assert pd.isna(dfc[f"{measure}_reason"].iloc[0])


def calcium(*values: float | None, program: str = "dfc", **other: object) -> Case:
    """The verdict on the last month of values month by month, ending in March."""
    months = QUARTER[-len(values) :]
    reported = [
        row
        for month, value in zip(months, values, strict=True)
        if value is not None
        for row in clinic(month, calcium=value)
    ]
    return judge(stay(*months), reported, program=program, **other).read(
        lambda rows: last(rows, "hypercalcemia")
    )


@pytest.mark.manual("2.8.7", "2.8.12", "2.8.16")
@pytest.mark.parametrize(
    ("values", "is_high"),
    [
        ((10.2, 10.2, 10.2), False),
        ((10.2, 10.2, 10.3), True),
        # 2.55 mmol/L is 10.2204 mg/dL: decimals beyond the third count, too.
        ((10.2004, 10.2, 10.2), True),
        ((10.1998, 10.2002, 10.2), False),
        ((None, 10.1, 10.3), False),
        ((None, 10.1, 10.4), True),
        ((None, None, 10.3), True),
        ((10.3, None, None), True),
        ((None, None, None), True),
    ],
)
@worked
def test_the_mean_of_up_to_three_months_is_above_10_2_or_missing(
    values: tuple[float | None, ...],
    is_high: bool,  # noqa: FBT001
) -> Worked:
    verdict = yield calcium(*values)
    assert verdict is is_high


@pytest.mark.manual("2.8.7", "2.8.12", "2.8.15")
@worked
def test_the_qip_wants_a_value_of_the_facility_itself_in_the_month() -> Worked:
    first, second, elsewhere = yield (
        calcium(11.0, program="qip"),
        calcium(9.0, None, program="qip"),
        judge(stay(MARCH), clinic(MARCH, ccn="B", calcium=9.0), program="qip"),
    )
    assert first is True
    assert second is False
    assert last(elsewhere, "hypercalcemia") is False


@pytest.mark.manual("2.8.10")
@pytest.mark.parametrize(
    ("since", "verdict"), [("2023-12-03", True), ("2023-12-04", "esrd_under_90_days")]
)
@worked
def test_calcium_begins_on_day_90_of_esrd(since: str, verdict: object) -> Worked:
    rows = yield calcium(11.0, known=know(since=since))
    assert rows == verdict


@pytest.mark.manual("2.8.10")
@pytest.mark.parametrize(
    ("died", "verdict"),
    [("2024-03-31", True), ("2024-03-30", "died_before_month_end")],
)
@worked
def test_who_dies_before_the_last_day_is_left_out(died: str, verdict: object) -> Worked:
    rows = yield calcium(11.0, known=know(died=died))
    assert rows == verdict


@pytest.mark.manual("2.8.9", "2.8.10", "3.1.3")
@worked
def test_dfc_wants_adults_two_months_before_and_the_qip_on_the_first_day() -> Worked:
    known = know(born="2006-01-02")
    first, second, third, fourth = yield (
        calcium(11.0, known=known),
        calcium(11.0, known=know(born="2006-01-01")),
        calcium(11.0, known=known, program="qip"),
        calcium(11.0, known=know(born="2006-03-02"), program="qip"),
    )
    assert first == "under_18_years_two_months_before"
    assert second is True
    assert third is True
    assert fourth == "under_18_years"


@pytest.mark.manual("2.8.11")
@worked
def test_the_qip_counts_a_patient_at_every_facility_that_has_them_admitted() -> Worked:
    both = [*care(MARCH), *care(MARCH, "B", is_whole=False, days=0)]
    qip, dfc = yield (
        judge(both, clinic(MARCH, calcium=9.0), program="qip"),
        judge(both, clinic(MARCH, calcium=9.0)),
    )
    assert qip["is_hypercalcemia"].tolist() == [True, False]
    assert dfc["hypercalcemia_reason"].iloc[1] == "not_at_facility_all_month"


@pytest.mark.manual("2.8.10")
@worked
def test_other_modalities_are_out_of_the_qip_s_calcium() -> Worked:
    qip, dfc = yield (
        judge(care(MARCH, modality="other"), program="qip"),
        judge(care(MARCH, modality="other")),
    )
    assert last(qip, "hypercalcemia") == "other_modality"
    assert last(dfc, "hypercalcemia") is True


@pytest.mark.manual("2.7.7", "2.7.9", "2.7.10")
@worked
def test_npcr_is_for_children_in_center_however_often_they_dialyse() -> Worked:
    reported = clinic(MARCH, has_npcr=True)
    frequent = care(MARCH, frequency="frequent")
    young = know(born="2010-06-15", since="2024-02-20")
    first, second, third, at_home, fifth, sixth = yield (
        judge(frequent, reported, known=CHILD),
        judge(frequent, known=CHILD),
        judge(frequent, reported),
        judge(care(MARCH, modality=HOME), reported, known=CHILD),
        judge(frequent, reported, known=young),
        judge(frequent, reported, known=CHILD, program="qip"),
    )
    assert last(first, "npcr") is True
    assert last(second, "npcr") is False
    assert last(third, "npcr") == "age_18_or_older"
    assert last(at_home, "npcr") == "not_on_in_center_hemodialysis_all_month"
    assert last(fifth, "npcr") is True
    found = last(sixth, "npcr")
    assert found == "not_a_measure_of_the_program"


def reconcile(sessions: int | None, modality: str = CENTER) -> Case:
    reported = clinic(MARCH, has_reconciliation=True, sessions_delivered=sessions)
    return judge(care(MARCH, modality=modality), reported, program="qip").read(
        lambda rows: last(rows, "medication_reconciliation")
    )


@pytest.mark.manual("2.19.6", "2.19.7")
@worked
def test_in_center_patients_with_fewer_than_seven_treatments_are_left_out() -> Worked:
    first, second, third, fourth = yield (
        reconcile(7),
        reconcile(6),
        reconcile(6, HOME),
        reconcile(None),
    )
    assert first is True
    assert second == "under_7_in_center_treatments"
    assert third is True
    assert fourth is True


@pytest.mark.manual("2.19.5")
@worked
def test_a_month_without_a_reconciliation_is_not_met() -> Worked:
    qip, dfc = yield judge(care(MARCH), clinic(MARCH), program="qip"), judge(care(MARCH))
    assert last(qip, "medication_reconciliation") is False
    found = last(dfc, "medication_reconciliation")
    assert found == "not_a_measure_of_the_program"


@worked
def test_adding_a_patient_who_is_left_out_changes_nothing() -> Worked:
    other = [{**row, "patient_id": 2, "is_whole": False} for row in stay(*QUARTER)]
    known = know()
    alone, both = yield judge(stay(*QUARTER)), judge([*other, *stay(*QUARTER)], known=known)
    known["linkage.patient"] = [
        *known["linkage.patient"],
        {**known["linkage.patient"][0], "patient_id": 2},
    ]
    known["linkage.first_service"] = [
        *known["linkage.first_service"],
        *({**row, "patient_id": 2} for row in known["linkage.first_service"]),
    ]
    pd.testing.assert_frame_equal(
        both[both["patient_id"] == 1].astype(object), alone.astype(object), check_index_type=False
    )


@worked
def test_the_order_of_rows_changes_nothing() -> Worked:
    cared = [*stay(*QUARTER), *stay("2024-04", ccn="B")]
    reported = [*access(*((month, CATHETER) for month in QUARTER)), *clinic("2024-04", "B")]
    one, other = yield judge(cared, reported), judge(cared[::-1], reported[::-1])
    pd.testing.assert_frame_equal(one, other)
