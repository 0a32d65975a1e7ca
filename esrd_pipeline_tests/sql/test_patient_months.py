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
from esrd_pipeline_tests.sql.worked import Row, day

MARCH = "2024-03"
CHILD = know(born="2010-06-15")
CATHETER, FISTULA = "Catheter Only", "AV Fistula Only"


def ktv(
    value: float | None, measure: str = "ktv_adult_hd", *, modality: str = CENTER, **other: object
) -> object:
    """The verdict on March with one Kt/V in EQRS."""
    name = "pd_ktv" if modality == PERITONEAL else "hd_ktv"
    reported = clinic(MARCH, **{name: value}) if value is not None else []
    return last(judge(care(MARCH, modality=modality), reported, **other), measure)


@pytest.mark.parametrize(("value", "is_met"), [(1.2, True), (1.19, False), (5.0, True)])
def test_adult_hemodialysis_wants_a_kt_v_of_1_2(value: float, is_met: bool) -> None:  # noqa: FBT001
    assert ktv(value) is is_met


@pytest.mark.parametrize(("value", "is_met"), [(1.7, True), (1.69, False)])
def test_adult_peritoneal_dialysis_wants_1_7(value: float, is_met: bool) -> None:  # noqa: FBT001
    assert ktv(value, "ktv_adult_pd", modality=PERITONEAL) is is_met


@pytest.mark.parametrize(("value", "is_met"), [(1.2, True), (1.19, False)])
def test_children_on_hemodialysis_want_1_2(value: float, is_met: bool) -> None:  # noqa: FBT001
    assert ktv(value, "ktv_pediatric_hd", known=CHILD) is is_met


@pytest.mark.parametrize(("value", "is_met"), [(1.8, True), (1.79, False)])
def test_children_on_peritoneal_dialysis_want_1_8(value: float, is_met: bool) -> None:  # noqa: FBT001
    assert ktv(value, "ktv_pediatric_pd", modality=PERITONEAL, known=CHILD) is is_met


def test_without_a_kt_v_the_month_is_in_the_denominator_alone() -> None:
    assert ktv(None) is False


@pytest.mark.parametrize(
    "measure", ["ktv_adult_hd", "ltc", "hypercalcemia", "medication_reconciliation"]
)
def test_a_month_in_part_at_the_facility_is_left_out(measure: str) -> None:
    rows = judge(care(MARCH, is_whole=False, is_admitted=False), program="qip")
    assert last(rows, measure) == "not_at_facility_all_month"


@pytest.mark.parametrize(
    ("born", "verdict"), [("2006-03-01", False), ("2006-03-02", "under_18_years")]
)
def test_adults_are_18_on_the_month_s_first_day(born: str, verdict: object) -> None:
    known = know(born=born)
    assert ktv(None, known=known) == verdict
    assert last(judge(care(MARCH), known=known), "ltc") == verdict


def test_a_child_becomes_an_adult_on_the_birthday() -> None:
    assert ktv(None, "ktv_pediatric_hd", known=know(born="2006-03-01")) == "age_18_or_older"
    assert ktv(None, "ktv_pediatric_hd", known=know(born="2006-03-02")) is False


@pytest.mark.parametrize(
    ("since", "verdict"),
    [("2023-12-02", False), ("2023-12-03", "esrd_under_91_days")],
)
def test_kt_v_begins_on_day_91_of_esrd(since: str, verdict: object) -> None:
    # 2 December to 1 March is day 91.
    assert ktv(None, known=know(since=since)) == verdict


def test_adults_may_switch_between_center_and_home_within_the_month() -> None:
    assert ktv(1.4, modality=BOTH) is True
    told = ktv(1.4, "ktv_pediatric_hd", modality=BOTH, known=CHILD)
    assert told == "not_on_in_center_hemodialysis_all_month"


def test_children_at_home_are_not_in_the_pediatric_measure() -> None:
    told = ktv(1.4, "ktv_pediatric_hd", modality=HOME, known=CHILD)
    assert told == "not_on_in_center_hemodialysis_all_month"


def test_a_mix_of_modalities_is_neither_hemodialysis_nor_peritoneal() -> None:
    rows = judge(care(MARCH, modality="mixed"))
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
def test_hemodialysis_is_more_than_two_and_fewer_than_four_times_a_week(
    frequency: str | None, verdict: object
) -> None:
    assert last(judge(care(MARCH, frequency=frequency)), "ktv_adult_hd") == verdict


def test_8_88_in_eqrs_is_frequent_dialysis_whatever_was_prescribed() -> None:
    rows = judge(care(MARCH), clinic(MARCH, ccn="B", is_frequent=True))
    assert last(rows, "ktv_adult_hd") == "frequent_dialysis"


def test_eqrs_may_have_the_kt_v_from_another_facility_the_last_counts() -> None:
    reported = [
        *clinic(MARCH, hd_ktv=1.1),
        *clinic(MARCH, ccn="B", hd_ktv=1.5, hd_ktv_date=day("2024-03-20")),
    ]
    assert last(judge(care(MARCH), reported), "ktv_adult_hd") is True


def test_eqrs_goes_before_claims() -> None:
    claims = bill(MARCH, ktv_value=1.5, ktv_date=day("2024-03-20"))
    rows = judge(care(MARCH), clinic(MARCH, hd_ktv=1.1), claims)
    assert last(rows, "ktv_adult_hd") is False
    rows = judge(care(MARCH), (), claims)
    assert last(rows, "ktv_adult_hd") is True


def test_claims_of_other_facilities_count_in_dfc_alone() -> None:
    claims = bill(MARCH, ccn="B", ktv_value=1.5)
    assert last(judge(care(MARCH), (), claims), "ktv_adult_hd") is True
    assert last(judge(care(MARCH), (), claims, program="qip"), "ktv_adult_hd") is False


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
def test_a_kt_v_on_a_claim_is_in_range_and_not_expired(
    modality: str,
    value: float,
    dated: str,
    is_met: bool,  # noqa: FBT001
) -> None:
    claims = bill(MARCH, modality=modality, ktv_value=value, ktv_date=day(dated))
    measure = "ktv_adult_pd" if modality == PERITONEAL else "ktv_adult_hd"
    assert last(judge(care(MARCH, modality=modality), (), claims), measure) is is_met


def test_children_s_peritoneal_kt_v_lives_six_months_on_a_claim() -> None:
    for dated, is_met in (("2023-10-01", True), ("2023-09-29", False)):
        claims = bill(MARCH, modality=PERITONEAL, ktv_value=2.0, ktv_date=day(dated))
        rows = judge(care(MARCH, modality=PERITONEAL), (), claims, known=CHILD)
        assert last(rows, "ktv_pediatric_pd") is is_met


@pytest.mark.parametrize("frequency", ["frequent", "infrequent"])
def test_claims_of_other_frequencies_have_no_kt_v_to_give(frequency: str) -> None:
    claims = bill(MARCH, ktv_value=1.5, frequency=frequency)
    assert last(judge(care(MARCH), (), claims), "ktv_adult_hd") is False


def test_without_prescribed_sessions_the_claims_of_the_facility_tell() -> None:
    silent = care(MARCH, frequency=None, frequency_source=None)
    for frequency, verdict in (
        ("usual", False),
        ("frequent", "frequent_dialysis"),
        ("infrequent", "infrequent_dialysis"),
    ):
        rows = judge(silent, (), bill(MARCH, frequency=frequency))
        assert last(rows, "ktv_adult_hd") == verdict
    elsewhere = bill(MARCH, ccn="B")
    assert last(judge(silent, (), elsewhere), "ktv_adult_hd") == "weekly_sessions_unknown"
    frequent = bill(MARCH, ccn="B", ktv_value=8.88, frequency="frequent")
    assert last(judge(silent, (), frequent), "ktv_adult_hd") == "frequent_dialysis"


@pytest.mark.parametrize(
    ("born", "measure", "month", "is_met"),
    [
        ("1950-06-15", "ktv_adult_pd", "2023-12", True),
        ("1950-06-15", "ktv_adult_pd", "2023-11", False),
        ("2010-06-15", "ktv_pediatric_pd", "2023-10", True),
        ("2010-06-15", "ktv_pediatric_pd", "2023-09", False),
    ],
)
def test_a_peritoneal_kt_v_stands_for_three_or_five_later_months(
    born: str,
    measure: str,
    month: str,
    is_met: bool,  # noqa: FBT001
) -> None:
    rows = judge(care(MARCH, modality=PERITONEAL), clinic(month, pd_ktv=2.0), known=know(born=born))
    assert last(rows, measure) is is_met


def test_where_eqrs_is_silent_the_claims_tell_the_modality() -> None:
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
    assert last(judge(silent, (), claims, billed=billed), "ktv_adult_hd") is True
    told = last(judge(silent, (), claims, billed=billed, program="qip"), "ktv_adult_hd")
    assert told == "not_on_hemodialysis_all_month"
    assert last(judge(silent), "ktv_adult_hd") == "modality_unknown"


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


def test_three_months_with_a_catheter_are_long_term() -> None:
    rows = judge(stay(*QUARTER), access(*((month, CATHETER) for month in QUARTER)))
    assert rows["catheter_months"].tolist() == [1, 2, 3]
    assert rows["is_ltc"].tolist() == [False, False, True]


def test_the_two_months_before_may_lie_in_the_year_before() -> None:
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
    assert judge(*january)["is_ltc"].tolist() == [False]
    rows = judge(*january, known={"history.catheter_month": before})
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
def test_combined_port_unknown_and_missing_access_are_catheters(kind: str | None) -> None:
    rows = judge(stay(*QUARTER), access(*((month, kind) for month in QUARTER)))
    assert last(rows, "ltc") is True


@pytest.mark.parametrize("kind", [FISTULA, "AVFONLY", "AVFSINGLE", "AV Graft Only", "AVGONLY"])
def test_a_fistula_or_graft_alone_ends_the_run(kind: str) -> None:
    months = (*QUARTER, "2024-04")
    kinds = (CATHETER, kind, CATHETER, CATHETER)
    rows = judge(stay(*months), access(*zip(months, kinds, strict=True)))
    assert rows["catheter_months"].tolist() == [1, 0, 1, 2]


def test_without_an_access_of_its_own_the_other_facility_s_counts() -> None:
    elsewhere = access(*((month, FISTULA) for month in QUARTER), ccn="B")
    assert last(judge(stay(*QUARTER), elsewhere), "ltc") is False
    own = access(*((month, CATHETER) for month in QUARTER))
    assert last(judge(stay(*QUARTER), [*own, *elsewhere]), "ltc") is True


def test_a_new_facility_begins_to_count_anew() -> None:
    rows = judge([*stay("2024-01", "2024-02"), *stay(MARCH, "2024-04", ccn="B")])
    assert rows["catheter_months"].tolist() == [1, 2, 1, 2]


def test_a_month_missing_between_ends_the_run() -> None:
    rows = judge(stay("2024-01", "2024-02", "2024-04"))
    assert rows["catheter_months"].tolist() == [1, 2, 1]


def test_limited_life_excludes_months_with_a_catheter_alone() -> None:
    limited: list[Row] = [
        {"patient_id": 1, "month": day("2024-03-01"), "is_hospice": True},
    ]
    told = last(judge(stay(MARCH), limited=limited), "ltc")
    assert told == "catheter_with_limited_life_expectancy"
    rows = judge(stay(MARCH), access((MARCH, FISTULA)), limited=limited)
    assert last(rows, "ltc") is False


def test_an_exception_takes_its_months_out_of_the_qip_and_out_of_the_run() -> None:
    months = (*QUARTER, "2024-04", "2024-05")
    known = excepted("A", "2024-02")
    rows = judge(stay(*months), known=known, program="qip")
    assert rows["catheter_months"].tolist() == [1, 0, 1, 2, 3]
    assert rows["ltc_reason"].iloc[1] == "extraordinary_circumstances_exception"
    assert judge(stay(*months), known=known)["catheter_months"].tolist() == [1, 2, 3, 3, 3]


def test_a_month_under_two_exceptions_has_one_row() -> None:
    grants = [
        {"ccn": "A", "first_month": day("2024-01-01"), "last_month": day(f"2024-{last}-01")}
        for last in ("02", "03")
    ]
    rows = judge(stay(*QUARTER), known={"raw.ece_grant": grants}, program="qip")
    assert rows["is_exception"].tolist() == [True, True, True]


def test_values_reported_in_an_exception_are_not_used_by_the_qip() -> None:
    known, stays = excepted("A", "2024-02"), care(MARCH, modality=PERITONEAL)
    reported = clinic("2024-02", pd_ktv=2.0)
    assert last(judge(stays, reported, known=known), "ktv_adult_pd") is True
    assert last(judge(stays, reported, known=known, program="qip"), "ktv_adult_pd") is False


@pytest.mark.parametrize("measure", ["ltc", "ktv_adult_hd", "hypercalcemia"])
def test_a_new_facility_reports_from_its_reporting_date_on(measure: str) -> None:
    known = {
        "linkage.facility": [
            {"program": program, "ccn": "A", "reporting_date": day("2024-04-01")}
            for program in ("dfc", "qip")
        ]
    }
    rows = judge(stay(MARCH, "2024-04"), known=known, program="qip")
    assert rows[f"{measure}_reason"].iloc[0] == "new_facility"
    assert pd.isna(rows[f"{measure}_reason"].iloc[1])
    assert pd.isna(judge(stay(MARCH), known=known)[f"{measure}_reason"].iloc[0])


def calcium(*values: float | None, program: str = "dfc", **other: object) -> object:
    """The verdict on the last month of values month by month, ending in March."""
    months = QUARTER[-len(values) :]
    reported = [
        row
        for month, value in zip(months, values, strict=True)
        if value is not None
        for row in clinic(month, calcium=value)
    ]
    return last(judge(stay(*months), reported, program=program, **other), "hypercalcemia")


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
def test_the_mean_of_up_to_three_months_is_above_10_2_or_missing(
    values: tuple[float | None, ...],
    is_high: bool,  # noqa: FBT001
) -> None:
    assert calcium(*values) is is_high


def test_the_qip_wants_a_value_of_the_facility_itself_in_the_month() -> None:
    assert calcium(11.0, program="qip") is True
    assert calcium(9.0, None, program="qip") is False
    elsewhere = judge(stay(MARCH), clinic(MARCH, ccn="B", calcium=9.0), program="qip")
    assert last(elsewhere, "hypercalcemia") is False


@pytest.mark.parametrize(
    ("since", "verdict"), [("2023-12-03", True), ("2023-12-04", "esrd_under_90_days")]
)
def test_calcium_begins_on_day_90_of_esrd(since: str, verdict: object) -> None:
    assert calcium(11.0, known=know(since=since)) == verdict


@pytest.mark.parametrize(
    ("died", "verdict"),
    [("2024-03-31", True), ("2024-03-30", "died_before_month_end")],
)
def test_who_dies_before_the_last_day_is_left_out(died: str, verdict: object) -> None:
    assert calcium(11.0, known=know(died=died)) == verdict


def test_dfc_wants_adults_two_months_before_and_the_qip_on_the_first_day() -> None:
    known = know(born="2006-01-02")
    assert calcium(11.0, known=known) == "under_18_years_two_months_before"
    assert calcium(11.0, known=know(born="2006-01-01")) is True
    assert calcium(11.0, known=known, program="qip") is True
    assert calcium(11.0, known=know(born="2006-03-02"), program="qip") == "under_18_years"


def test_the_qip_counts_a_patient_at_every_facility_that_has_them_admitted() -> None:
    both = [*care(MARCH), *care(MARCH, "B", is_whole=False, days=0)]
    rows = judge(both, clinic(MARCH, calcium=9.0), program="qip")
    assert rows["is_hypercalcemia"].tolist() == [True, False]
    dfc = judge(both, clinic(MARCH, calcium=9.0))
    assert dfc["hypercalcemia_reason"].iloc[1] == "not_at_facility_all_month"


def test_other_modalities_are_out_of_the_qip_s_calcium() -> None:
    rows = judge(care(MARCH, modality="other"), program="qip")
    assert last(rows, "hypercalcemia") == "other_modality"
    assert last(judge(care(MARCH, modality="other")), "hypercalcemia") is True


def test_npcr_is_for_children_in_center_however_often_they_dialyse() -> None:
    reported = clinic(MARCH, has_npcr=True)
    frequent = care(MARCH, frequency="frequent")
    assert last(judge(frequent, reported, known=CHILD), "npcr") is True
    assert last(judge(frequent, known=CHILD), "npcr") is False
    assert last(judge(frequent, reported), "npcr") == "age_18_or_older"
    at_home = judge(care(MARCH, modality=HOME), reported, known=CHILD)
    assert last(at_home, "npcr") == "not_on_in_center_hemodialysis_all_month"
    young = know(born="2010-06-15", since="2024-02-20")
    assert last(judge(frequent, reported, known=young), "npcr") is True
    told = last(judge(frequent, reported, known=CHILD, program="qip"), "npcr")
    assert told == "not_a_measure_of_the_program"


def reconcile(sessions: int | None, modality: str = CENTER) -> object:
    reported = clinic(MARCH, has_reconciliation=True, sessions_delivered=sessions)
    rows = judge(care(MARCH, modality=modality), reported, program="qip")
    return last(rows, "medication_reconciliation")


def test_in_center_patients_with_fewer_than_seven_treatments_are_left_out() -> None:
    assert reconcile(7) is True
    assert reconcile(6) == "under_7_in_center_treatments"
    assert reconcile(6, HOME) is True
    assert reconcile(None) is True


def test_a_month_without_a_reconciliation_is_not_met() -> None:
    rows = judge(care(MARCH), clinic(MARCH), program="qip")
    assert last(rows, "medication_reconciliation") is False
    told = last(judge(care(MARCH)), "medication_reconciliation")
    assert told == "not_a_measure_of_the_program"


def test_adding_a_patient_who_is_left_out_changes_nothing() -> None:
    alone = judge(stay(*QUARTER))
    other = [{**row, "patient_id": 2, "is_whole": False} for row in stay(*QUARTER)]
    known = know()
    known["linkage.patient"] = [
        *known["linkage.patient"],
        {**known["linkage.patient"][0], "patient_id": 2},
    ]
    known["linkage.first_service"] = [
        *known["linkage.first_service"],
        *({**row, "patient_id": 2} for row in known["linkage.first_service"]),
    ]
    both = judge([*other, *stay(*QUARTER)], known=known)
    pd.testing.assert_frame_equal(
        both[both["patient_id"] == 1].astype(object), alone.astype(object), check_index_type=False
    )


def test_the_order_of_rows_changes_nothing() -> None:
    cared = [*stay(*QUARTER), *stay("2024-04", ccn="B")]
    reported = [*access(*((month, CATHETER) for month in QUARTER)), *clinic("2024-04", "B")]
    one, other = judge(cared, reported), judge(cared[::-1], reported[::-1])
    pd.testing.assert_frame_equal(one, other)
