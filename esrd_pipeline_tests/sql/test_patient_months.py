"""Measures of patient-months, rule by rule: manual 2.1, 2.3 to 2.8, 2.19, 3.4, 3.5."""

import pandas as pd
import pytest

from esrd_pipeline_tests.sql.months import (
    BOTH,
    CENTER,
    HOME,
    PERITONEAL,
    bill,
    care,
    clinic,
    excepted,
    judge,
    know,
    last,
)
from esrd_pipeline_tests.sql.worked import Case, Row, Worked, day, worked

MARCH = "2024-03"
CHILD = know(born="2010-06-15")
CATHETER, FISTULA = "Catheter Only", "AV Fistula Only"


def ktv(
    value: float | None, measure: str = "ktv_adult_hd", *, modality: str = CENTER, **other: object
) -> Case:
    """The verdict on March with one Kt/V in EQRS."""
    name = "pd_ktv" if modality == PERITONEAL else "hd_ktv"
    reported = clinic(MARCH, **{name: value}) if value is not None else []
    return judge(care(MARCH, modality=modality), reported, **other).read(
        lambda rows: last(rows, measure)
    )


@pytest.mark.parametrize(("value", "is_met"), [(1.2, True), (1.19, False), (5.0, True)])
@worked
def test_adult_hemodialysis_wants_a_kt_v_of_1_2(value: float, is_met: bool) -> Worked:  # noqa: FBT001
    verdict = yield ktv(value)
    assert verdict is is_met


@pytest.mark.parametrize(("value", "is_met"), [(1.7, True), (1.69, False)])
@worked
def test_adult_peritoneal_dialysis_wants_1_7(value: float, is_met: bool) -> Worked:  # noqa: FBT001
    verdict = yield ktv(value, "ktv_adult_pd", modality=PERITONEAL)
    assert verdict is is_met


@pytest.mark.parametrize(("value", "is_met"), [(1.2, True), (1.19, False)])
@worked
def test_children_on_hemodialysis_want_1_2(value: float, is_met: bool) -> Worked:  # noqa: FBT001
    verdict = yield ktv(value, "ktv_pediatric_hd", known=CHILD)
    assert verdict is is_met


@pytest.mark.parametrize(("value", "is_met"), [(1.8, True), (1.79, False)])
@worked
def test_children_on_peritoneal_dialysis_want_1_8(value: float, is_met: bool) -> Worked:  # noqa: FBT001
    verdict = yield ktv(value, "ktv_pediatric_pd", modality=PERITONEAL, known=CHILD)
    assert verdict is is_met


@worked
def test_without_a_kt_v_the_month_is_in_the_denominator_alone() -> Worked:
    verdict = yield ktv(None)
    assert verdict is False


@pytest.mark.parametrize(
    "measure", ["ktv_adult_hd", "ltc", "hypercalcemia", "medication_reconciliation"]
)
@worked
def test_a_month_in_part_at_the_facility_is_left_out(measure: str) -> Worked:
    rows = yield judge(care(MARCH, is_whole=False, is_admitted=False), program="qip")
    assert last(rows, measure) == "not_at_facility_all_month"


@pytest.mark.parametrize(
    ("born", "verdict"), [("2006-03-01", False), ("2006-03-02", "under_18_years")]
)
@worked
def test_adults_are_18_on_the_month_s_first_day(born: str, verdict: object) -> Worked:
    known = know(born=born)
    first, second = yield ktv(None, known=known), judge(care(MARCH), known=known)
    assert first == verdict
    assert last(second, "ltc") == verdict


@worked
def test_a_child_becomes_an_adult_on_the_birthday() -> Worked:
    first, second = yield (
        ktv(None, "ktv_pediatric_hd", known=know(born="2006-03-01")),
        ktv(None, "ktv_pediatric_hd", known=know(born="2006-03-02")),
    )
    assert first == "age_18_or_older"
    assert second is False


@pytest.mark.parametrize(
    ("since", "verdict"),
    [("2023-12-02", False), ("2023-12-03", "esrd_under_91_days")],
)
@worked
def test_kt_v_begins_on_day_91_of_esrd(since: str, verdict: object) -> Worked:
    # 2 December to 1 March is day 91.
    rows = yield ktv(None, known=know(since=since))
    assert rows == verdict


@worked
def test_adults_may_switch_between_center_and_home_within_the_month() -> Worked:
    first, told = yield (
        ktv(1.4, modality=BOTH),
        ktv(1.4, "ktv_pediatric_hd", modality=BOTH, known=CHILD),
    )
    assert first is True
    assert told == "not_on_in_center_hemodialysis_all_month"


@worked
def test_children_at_home_are_not_in_the_pediatric_measure() -> Worked:
    told = yield ktv(1.4, "ktv_pediatric_hd", modality=HOME, known=CHILD)
    assert told == "not_on_in_center_hemodialysis_all_month"


@worked
def test_a_mix_of_modalities_is_neither_hemodialysis_nor_peritoneal() -> Worked:
    rows = yield judge(care(MARCH, modality="mixed"))
    assert last(rows, "ktv_adult_hd") == "not_on_hemodialysis_all_month"
    assert last(rows, "ktv_adult_pd") == "not_on_peritoneal_dialysis_all_month"


@pytest.mark.parametrize(
    ("frequency", "verdict"),
    [
        ("usual", False),
        ("frequent", "frequent_dialysis"),
        ("infrequent", "infrequent_dialysis"),
        (None, "weekly_sessions_unknown"),
    ],
)
@worked
def test_hemodialysis_is_more_than_two_and_fewer_than_four_times_a_week(
    frequency: str | None, verdict: object
) -> Worked:
    rows = yield judge(care(MARCH, frequency=frequency))
    assert last(rows, "ktv_adult_hd") == verdict


@worked
def test_8_88_in_eqrs_is_frequent_dialysis_whatever_was_prescribed() -> Worked:
    rows = yield judge(care(MARCH), clinic(MARCH, ccn="B", is_frequent=True))
    assert last(rows, "ktv_adult_hd") == "frequent_dialysis"


@worked
def test_eqrs_may_have_the_kt_v_from_another_facility_the_last_counts() -> Worked:
    reported = [
        *clinic(MARCH, hd_ktv=1.1),
        *clinic(MARCH, ccn="B", hd_ktv=1.5, hd_ktv_date=day("2024-03-20")),
    ]
    rows = yield judge(care(MARCH), reported)
    assert last(rows, "ktv_adult_hd") is True


@worked
def test_eqrs_goes_before_claims() -> Worked:
    claims = bill(MARCH, ktv_value=1.5, ktv_date=day("2024-03-20"))
    first, second = yield (
        judge(care(MARCH), clinic(MARCH, hd_ktv=1.1), claims),
        judge(care(MARCH), (), claims),
    )
    assert last(first, "ktv_adult_hd") is False
    assert last(second, "ktv_adult_hd") is True


@worked
def test_claims_of_other_facilities_count_in_dfc_alone() -> Worked:
    claims = bill(MARCH, ccn="B", ktv_value=1.5)
    dfc, qip = yield (
        judge(care(MARCH), (), claims),
        judge(care(MARCH), (), claims, program="qip"),
    )
    assert last(dfc, "ktv_adult_hd") is True
    assert last(qip, "ktv_adult_hd") is False


@pytest.mark.parametrize(
    ("modality", "value", "dated", "is_met"),
    [
        (CENTER, 1.5, "2024-03-01", True),
        (CENTER, 1.5, "2024-02-29", False),
        (HOME, 1.5, "2023-12-01", True),
        (HOME, 1.5, "2023-11-29", False),
        (CENTER, 5.01, "2024-03-10", False),
        (CENTER, 9.99, "2024-03-10", False),
        (PERITONEAL, 2.0, "2023-12-01", True),
        (PERITONEAL, 2.0, "2023-11-29", False),
        (PERITONEAL, 8.51, "2024-03-10", False),
    ],
)
@worked
def test_a_kt_v_on_a_claim_is_in_range_and_not_expired(
    modality: str,
    value: float,
    dated: str,
    is_met: bool,  # noqa: FBT001
) -> Worked:
    claims = bill(MARCH, modality=modality, ktv_value=value, ktv_date=day(dated))
    measure = "ktv_adult_pd" if modality == PERITONEAL else "ktv_adult_hd"
    rows = yield judge(care(MARCH, modality=modality), (), claims)
    assert last(rows, measure) is is_met


@worked
def test_children_s_peritoneal_kt_v_lives_six_months_on_a_claim() -> Worked:
    within, before = yield [
        judge(
            care(MARCH, modality=PERITONEAL),
            (),
            bill(MARCH, modality=PERITONEAL, ktv_value=2.0, ktv_date=day(dated)),
            known=CHILD,
        )
        for dated in ("2023-10-01", "2023-09-29")
    ]
    assert last(within, "ktv_pediatric_pd") is True
    assert last(before, "ktv_pediatric_pd") is False


@pytest.mark.parametrize("frequency", ["frequent", "infrequent"])
@worked
def test_claims_of_other_frequencies_have_no_kt_v_to_give(frequency: str) -> Worked:
    claims = bill(MARCH, ktv_value=1.5, frequency=frequency)
    rows = yield judge(care(MARCH), (), claims)
    assert last(rows, "ktv_adult_hd") is False


@worked
def test_without_prescribed_sessions_the_claims_of_the_facility_tell() -> Worked:
    silent = care(MARCH, frequency=None, frequency_source=None)
    usual, frequent, infrequent, elsewhere, frequent_elsewhere = yield (
        judge(silent, (), bill(MARCH, frequency="usual")),
        judge(silent, (), bill(MARCH, frequency="frequent")),
        judge(silent, (), bill(MARCH, frequency="infrequent")),
        judge(silent, (), bill(MARCH, ccn="B")),
        judge(silent, (), bill(MARCH, ccn="B", ktv_value=8.88, frequency="frequent")),
    )
    assert last(usual, "ktv_adult_hd") is False
    assert last(frequent, "ktv_adult_hd") == "frequent_dialysis"
    assert last(infrequent, "ktv_adult_hd") == "infrequent_dialysis"
    assert last(elsewhere, "ktv_adult_hd") == "weekly_sessions_unknown"
    assert last(frequent_elsewhere, "ktv_adult_hd") == "frequent_dialysis"


@pytest.mark.parametrize(
    ("born", "measure", "month", "is_met"),
    [
        ("1950-06-15", "ktv_adult_pd", "2023-12", True),
        ("1950-06-15", "ktv_adult_pd", "2023-11", False),
        ("2010-06-15", "ktv_pediatric_pd", "2023-10", True),
        ("2010-06-15", "ktv_pediatric_pd", "2023-09", False),
    ],
)
@worked
def test_a_peritoneal_kt_v_stands_for_three_or_five_later_months(
    born: str,
    measure: str,
    month: str,
    is_met: bool,  # noqa: FBT001
) -> Worked:
    rows = yield judge(
        care(MARCH, modality=PERITONEAL), clinic(month, pd_ktv=2.0), known=know(born=born)
    )
    assert last(rows, measure) is is_met


@worked
def test_where_eqrs_is_silent_the_claims_tell_the_modality() -> Worked:
    silent = care(MARCH, modality=None, frequency="usual")
    claims = bill(MARCH, ktv_value=1.5)
    billed: list[Row] = [
        {
            "program": program,
            "patient_id": 1,
            "month": day("2024-03-01"),
            "ccn": "A",
            "claim_count": 1,
            "modality": CENTER,
            "is_mixed": True,
        }
        for program in ("dfc", "qip")
    ]
    first, second, third = yield (
        judge(silent, (), claims, billed=billed),
        judge(silent, (), claims, billed=billed, program="qip"),
        judge(silent),
    )
    assert last(first, "ktv_adult_hd") is True
    told = last(second, "ktv_adult_hd")
    assert told == "not_on_hemodialysis_all_month"
    assert last(third, "ktv_adult_hd") == "modality_unknown"


def access(*months: tuple[str, str | None], **other: object) -> list[Row]:
    """A facility's access in each month."""
    return [
        row
        for month, kind in months
        for row in clinic(month, **({"access_type": kind} if kind else {}), **other)
    ]


def stay(*months: str, ccn: str = "A") -> list[Row]:
    return [row for month in months for row in care(month, ccn)]


QUARTER = ("2024-01", "2024-02", MARCH)


@worked
def test_three_months_with_a_catheter_are_long_term() -> Worked:
    rows = yield judge(stay(*QUARTER), access(*((month, CATHETER) for month in QUARTER)))
    assert rows["catheter_months"].tolist() == [1, 2, 3]
    assert rows["is_ltc"].tolist() == [False, False, True]


@worked
def test_the_two_months_before_may_lie_in_the_year_before() -> Worked:
    before = [
        {
            "program": "dfc",
            "patient_id": 1,
            "month": day(f"2023-{month}-01"),
            "ccn": "A",
            "months": number,
            "performance_year": 2023,
        }
        for month, number in (("11", 1), ("12", 2))
    ]
    january = (stay("2024-01"), access(("2024-01", "CATHETERONLY")))
    first, rows = yield judge(*january), judge(*january, known={"history.catheter_month": before})
    assert first["is_ltc"].tolist() == [False]
    assert rows["is_ltc"].tolist() == [True]


@pytest.mark.parametrize(
    "kind",
    [
        "AV Fistula Combined with a Catheter",
        "AVGWCATHETER",
        "Port Access Only",
        "Other/Unknown",
        None,
    ],
)
@worked
def test_combined_port_unknown_and_missing_access_are_catheters(kind: str | None) -> Worked:
    rows = yield judge(stay(*QUARTER), access(*((month, kind) for month in QUARTER)))
    assert last(rows, "ltc") is True


@pytest.mark.parametrize("kind", [FISTULA, "AVFONLY", "AVFSINGLE", "AV Graft Only", "AVGONLY"])
@worked
def test_a_fistula_or_graft_alone_ends_the_run(kind: str) -> Worked:
    months = (*QUARTER, "2024-04")
    kinds = (CATHETER, kind, CATHETER, CATHETER)
    rows = yield judge(stay(*months), access(*zip(months, kinds, strict=True)))
    assert rows["catheter_months"].tolist() == [1, 0, 1, 2]


@worked
def test_without_an_access_of_its_own_the_other_facility_s_counts() -> Worked:
    elsewhere = access(*((month, FISTULA) for month in QUARTER), ccn="B")
    own = access(*((month, CATHETER) for month in QUARTER))
    first, second = yield (
        judge(stay(*QUARTER), elsewhere),
        judge(stay(*QUARTER), [*own, *elsewhere]),
    )
    assert last(first, "ltc") is False
    assert last(second, "ltc") is True


@worked
def test_a_new_facility_begins_to_count_anew() -> Worked:
    rows = yield judge([*stay("2024-01", "2024-02"), *stay(MARCH, "2024-04", ccn="B")])
    assert rows["catheter_months"].tolist() == [1, 2, 1, 2]


@worked
def test_a_month_missing_between_ends_the_run() -> Worked:
    rows = yield judge(stay("2024-01", "2024-02", "2024-04"))
    assert rows["catheter_months"].tolist() == [1, 2, 1]


@worked
def test_limited_life_excludes_months_with_a_catheter_alone() -> Worked:
    limited: list[Row] = [
        {"patient_id": 1, "month": day("2024-03-01"), "is_hospice": True},
    ]
    first, rows = yield (
        judge(stay(MARCH), limited=limited),
        judge(stay(MARCH), access((MARCH, FISTULA)), limited=limited),
    )
    told = last(first, "ltc")
    assert told == "catheter_with_limited_life_expectancy"
    assert last(rows, "ltc") is False


@worked
def test_an_exception_takes_its_months_out_of_the_qip_and_out_of_the_run() -> Worked:
    months = (*QUARTER, "2024-04", "2024-05")
    known = excepted("A", "2024-02")
    qip, dfc = yield (
        judge(stay(*months), known=known, program="qip"),
        judge(stay(*months), known=known),
    )
    assert qip["catheter_months"].tolist() == [1, 0, 1, 2, 3]
    assert qip["ltc_reason"].iloc[1] == "extraordinary_circumstances_exception"
    assert dfc["catheter_months"].tolist() == [1, 2, 3, 3, 3]


@worked
def test_a_month_under_two_exceptions_has_one_row() -> Worked:
    grants = [
        {"ccn": "A", "first_month": day("2024-01-01"), "last_month": day(f"2024-{last}-01")}
        for last in ("02", "03")
    ]
    rows = yield judge(stay(*QUARTER), known={"raw.ece_grant": grants}, program="qip")
    assert rows["is_exception"].tolist() == [True, True, True]


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


@pytest.mark.parametrize(
    ("values", "is_high"),
    [
        ((10.2, 10.2, 10.2), False),
        ((10.2, 10.2, 10.3), True),
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


@pytest.mark.parametrize(
    ("since", "verdict"), [("2023-12-03", True), ("2023-12-04", "esrd_under_90_days")]
)
@worked
def test_calcium_begins_on_day_90_of_esrd(since: str, verdict: object) -> Worked:
    rows = yield calcium(11.0, known=know(since=since))
    assert rows == verdict


@pytest.mark.parametrize(
    ("died", "verdict"),
    [("2024-03-31", True), ("2024-03-30", "died_before_month_end")],
)
@worked
def test_who_dies_before_the_last_day_is_left_out(died: str, verdict: object) -> Worked:
    rows = yield calcium(11.0, known=know(died=died))
    assert rows == verdict


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


@worked
def test_the_qip_counts_a_patient_at_every_facility_that_has_them_admitted() -> Worked:
    both = [*care(MARCH), *care(MARCH, "B", is_whole=False, days=0)]
    qip, dfc = yield (
        judge(both, clinic(MARCH, calcium=9.0), program="qip"),
        judge(both, clinic(MARCH, calcium=9.0)),
    )
    assert qip["is_hypercalcemia"].tolist() == [True, False]
    assert dfc["hypercalcemia_reason"].iloc[1] == "not_at_facility_all_month"


@worked
def test_other_modalities_are_out_of_the_qip_s_calcium() -> Worked:
    qip, dfc = yield (
        judge(care(MARCH, modality="other"), program="qip"),
        judge(care(MARCH, modality="other")),
    )
    assert last(qip, "hypercalcemia") == "other_modality"
    assert last(dfc, "hypercalcemia") is True


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
    told = last(sixth, "npcr")
    assert told == "not_a_measure_of_the_program"


def reconcile(sessions: int | None, modality: str = CENTER) -> Case:
    reported = clinic(MARCH, has_reconciliation=True, sessions_delivered=sessions)
    return judge(care(MARCH, modality=modality), reported, program="qip").read(
        lambda rows: last(rows, "medication_reconciliation")
    )


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


@worked
def test_a_month_without_a_reconciliation_is_not_met() -> Worked:
    qip, dfc = yield judge(care(MARCH), clinic(MARCH), program="qip"), judge(care(MARCH))
    assert last(qip, "medication_reconciliation") is False
    told = last(dfc, "medication_reconciliation")
    assert told == "not_a_measure_of_the_program"


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
