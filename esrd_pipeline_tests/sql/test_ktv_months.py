"""Kt/V of a patient's month, rule by rule: manual 2.3 to 2.6, 3.4."""

from dataclasses import replace
from datetime import timedelta

import pytest

from esrd_pipeline_tests.sql.months import (
    BOTH,
    CENTER,
    HOME,
    MARCH,
    PERITONEAL,
    PROGRAMS,
    bill,
    care,
    clinic,
    judge,
    know,
    last,
)
from esrd_pipeline_tests.sql.worked import Case, Row, Worked, day, worked

CHILD = know(born="2010-06-15")


def ktv(
    value: float | None, measure: str = "ktv_adult_hd", *, modality: str = CENTER, **other: object
) -> Case:
    """The verdict on March with one Kt/V in EQRS."""
    name = "pd_ktv" if modality == PERITONEAL else "hd_ktv"
    reported = clinic(MARCH, **{name: value}) if value is not None else []
    return judge(care(MARCH, modality=modality), reported, **other).read(
        lambda rows: last(rows, measure)
    )


@pytest.mark.manual("2.3.7", "2.3.13")
@pytest.mark.parametrize(("value", "is_met"), [(1.2, True), (1.19, False), (5.0, True)])
@worked
def test_adult_hemodialysis_wants_a_kt_v_of_1_2(value: float, is_met: bool) -> Worked:  # noqa: FBT001
    verdict = yield ktv(value)
    assert verdict is is_met


@pytest.mark.manual("2.4.7", "2.4.13")
@pytest.mark.parametrize(("value", "is_met"), [(1.7, True), (1.69, False)])
@worked
def test_adult_peritoneal_dialysis_wants_1_7(value: float, is_met: bool) -> Worked:  # noqa: FBT001
    verdict = yield ktv(value, "ktv_adult_pd", modality=PERITONEAL)
    assert verdict is is_met


@pytest.mark.manual("2.5.7", "2.5.13")
@pytest.mark.parametrize(("value", "is_met"), [(1.2, True), (1.19, False)])
@worked
def test_children_on_hemodialysis_want_1_2(value: float, is_met: bool) -> Worked:  # noqa: FBT001
    verdict = yield ktv(value, "ktv_pediatric_hd", known=CHILD)
    assert verdict is is_met


@pytest.mark.manual("2.6.7", "2.6.13")
@pytest.mark.parametrize(("value", "is_met"), [(1.8, True), (1.79, False)])
@worked
def test_children_on_peritoneal_dialysis_want_1_8(value: float, is_met: bool) -> Worked:  # noqa: FBT001
    verdict = yield ktv(value, "ktv_pediatric_pd", modality=PERITONEAL, known=CHILD)
    assert verdict is is_met


@pytest.mark.manual("2.3.13", "2.4.13", "2.5.13", "2.6.13")
@worked
def test_without_a_kt_v_the_month_is_in_the_denominator_alone() -> Worked:
    verdict = yield ktv(None)
    assert verdict is False


@pytest.mark.manual("2.3.10", "2.4.10", "2.5.10", "2.6.10")
@pytest.mark.parametrize(
    "measure", ["ktv_adult_hd", "ltc", "hypercalcemia", "medication_reconciliation"]
)
@worked
def test_a_month_in_part_at_the_facility_is_left_out(measure: str) -> Worked:
    rows = yield judge(care(MARCH, is_whole=False, is_admitted=False), program="qip")
    assert last(rows, measure) == "not_at_facility_all_month"


@pytest.mark.manual("2.3.9", "2.4.9", "2.5.9", "2.6.9", "3.1.3")
@pytest.mark.parametrize(
    ("born", "verdict"), [("2006-03-01", False), ("2006-03-02", "under_18_years")]
)
@worked
def test_adults_are_18_on_the_month_s_first_day(born: str, verdict: object) -> Worked:
    known = know(born=born)
    first, second = yield ktv(None, known=known), judge(care(MARCH), known=known)
    assert first == verdict
    assert last(second, "ltc") == verdict


@pytest.mark.manual("2.3.9", "2.5.9", "3.1.3")
@worked
def test_a_child_becomes_an_adult_on_the_birthday() -> Worked:
    first, second = yield (
        ktv(None, "ktv_pediatric_hd", known=know(born="2006-03-01")),
        ktv(None, "ktv_pediatric_hd", known=know(born="2006-03-02")),
    )
    assert first == "age_18_or_older"
    assert second is False


@pytest.mark.manual("2.3.10", "2.4.10", "2.5.10", "2.6.10")
@pytest.mark.parametrize(
    ("since", "verdict"),
    [("2023-12-02", False), ("2023-12-03", "esrd_under_91_days")],
)
@worked
def test_kt_v_begins_on_day_91_of_esrd(since: str, verdict: object) -> Worked:
    # 2 December to 1 March is day 91.
    rows = yield ktv(None, known=know(since=since))
    assert rows == verdict


@pytest.mark.manual("2.3.10")
@worked
def test_adults_may_switch_between_center_and_home_within_the_month() -> Worked:
    first, found = yield (
        ktv(1.4, modality=BOTH),
        ktv(1.4, "ktv_pediatric_hd", modality=BOTH, known=CHILD),
    )
    assert first is True
    assert found == "not_on_in_center_hemodialysis_all_month"


@pytest.mark.manual("2.5.10")
@worked
def test_children_at_home_are_not_in_the_pediatric_measure() -> Worked:
    found = yield ktv(1.4, "ktv_pediatric_hd", modality=HOME, known=CHILD)
    assert found == "not_on_in_center_hemodialysis_all_month"


@pytest.mark.manual("2.3.10", "2.4.10")
@worked
def test_a_mix_of_modalities_is_neither_hemodialysis_nor_peritoneal() -> Worked:
    rows = yield judge(care(MARCH, modality="mixed"))
    assert last(rows, "ktv_adult_hd") == "not_on_hemodialysis_all_month"
    assert last(rows, "ktv_adult_pd") == "not_on_peritoneal_dialysis_all_month"


@pytest.mark.manual("2.3.10", "2.5.10", "3.1.4")
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


@pytest.mark.manual("2.3.14", "3.1.4")
@worked
def test_8_88_in_eqrs_is_frequent_dialysis_whatever_was_prescribed() -> Worked:
    rows = yield judge(care(MARCH), clinic(MARCH, ccn="B", is_frequent=True))
    assert last(rows, "ktv_adult_hd") == "frequent_dialysis"


@pytest.mark.manual("2.3.12")
@worked
def test_eqrs_may_have_the_kt_v_from_another_facility_the_last_counts() -> Worked:
    reported = [
        *clinic(MARCH, hd_ktv=1.1),
        *clinic(MARCH, ccn="B", hd_ktv=1.5, hd_ktv_date=day("2024-03-20")),
    ]
    rows = yield judge(care(MARCH), reported)
    assert last(rows, "ktv_adult_hd") is True


@pytest.mark.manual("2.3.12", "2.4.12")
@worked
def test_eqrs_goes_before_claims() -> Worked:
    claims = bill(MARCH, ktv_value=1.5, ktv_date=day("2024-03-20"))
    first, second = yield (
        judge(care(MARCH), clinic(MARCH, hd_ktv=1.1), claims),
        judge(care(MARCH), (), claims),
    )
    assert last(first, "ktv_adult_hd") is False
    assert last(second, "ktv_adult_hd") is True


@pytest.mark.manual("2.3.12")
@worked
def test_claims_of_other_facilities_count_in_dfc_alone() -> Worked:
    claims = bill(MARCH, ccn="B", ktv_value=1.5)
    dfc, qip = yield (
        judge(care(MARCH), (), claims),
        judge(care(MARCH), (), claims, program="qip"),
    )
    assert last(dfc, "ktv_adult_hd") is True
    assert last(qip, "ktv_adult_hd") is False


@pytest.mark.manual("2.3.12", "2.4.12", "2.5.12", "2.6.12")
@pytest.mark.parametrize(
    "numbers",
    # Of Medicare's files, of 18 digits, and those that stand for texts.
    [(2, 1), (999_999_999_999_999_999, 1), (-(5 * 10**18), -(9 * 10**18))],
)
@worked
def test_of_several_claims_the_last_with_a_kt_v_counts_whatever_their_numbers(
    numbers: tuple[int, int],
) -> Worked:
    def of(first: float, second: float) -> Case:
        ends = ("2024-03-15", "2024-03-30")
        claims = [
            row
            for number, value, end in zip(numbers, (first, second), ends, strict=True)
            for row in bill(MARCH, clm_id=number, ktv_value=value, thru_date=day(end))
        ]
        # The renumbering of cases run together has no room for such numbers.
        return replace(judge(care(MARCH), (), [*claims, *bill(MARCH, clm_id=3)]), alone=True)

    met, unmet = yield of(1.1, 1.3), of(1.3, 1.1)
    assert last(met, "ktv_adult_hd") is True
    assert last(unmet, "ktv_adult_hd") is False


@pytest.mark.manual("2.3.12", "2.4.12")
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


@pytest.mark.manual("2.6.12")
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


@pytest.mark.manual("2.3.12", "2.5.12")
@pytest.mark.parametrize("frequency", ["frequent", "infrequent"])
@worked
def test_claims_of_other_frequencies_have_no_kt_v_to_give(frequency: str) -> Worked:
    claims = bill(MARCH, ktv_value=1.5, frequency=frequency)
    rows = yield judge(care(MARCH), (), claims)
    assert last(rows, "ktv_adult_hd") is False


@pytest.mark.manual("3.1.4")
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


@pytest.mark.manual("2.4.12", "2.6.12")
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


@pytest.mark.manual("2.4.7", "2.4.12", "2.6.7", "2.6.12")
@pytest.mark.parametrize(
    ("switched", "is_met"),
    [("2024-02-15", True), ("2024-02-16", False), ("2024-03-01", False)],
)
@worked
def test_a_kt_v_measured_on_hemodialysis_is_no_dose_of_peritoneal_dialysis(
    switched: str,
    is_met: bool,  # noqa: FBT001
) -> Worked:
    spells = [("hemodialysis", "2020-01-01", switched), ("peritoneal", switched, "2024-12-31")]
    history = [
        {
            "program": program,
            "patient_id": 1,
            "state": "dialysis",
            "ccn": "A",
            "modality": modality,
            "start_date": day(start),
            "end_date": day(end) if modality == "peritoneal" else day(end) - timedelta(1),
        }
        for program in PROGRAMS
        for modality, start, end in spells
    ]
    # Reported for February and dated on the 15th.
    stays, reported = care(MARCH, modality=PERITONEAL), clinic("2024-02", pd_ktv=2.0)
    dfc, qip = yield tuple(
        judge(stays, reported, known={**know(), "history.treatment": history}, program=program)
        for program in PROGRAMS
    )
    assert last(dfc, "ktv_adult_pd") is is_met
    assert last(qip, "ktv_adult_pd") is is_met


@pytest.mark.manual("3.1.1")
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
    found = last(second, "ktv_adult_hd")
    assert found == "not_on_hemodialysis_all_month"
    assert last(third, "ktv_adult_hd") == "modality_unknown"


def crossing(dated: str, modality: str = CENTER) -> Case:
    """A claim from 20 February to 20 March, of February, with a Kt/V of this day."""
    claims = bill(
        "2024-02",
        modality=modality,
        from_date=day("2024-02-20"),
        thru_date=day("2024-03-20"),
        ktv_value=2.0,
        ktv_date=day(dated),
    )
    measure = "ktv_adult_pd" if modality == PERITONEAL else "ktv_adult_hd"
    return judge(care("2024-02", modality=modality), (), claims).read(
        lambda rows: last(rows, measure)
    )


@pytest.mark.manual("2.3.12")
@worked
def test_a_claim_s_kt_v_in_center_was_measured_in_the_reporting_month() -> Worked:
    within, after = yield crossing("2024-02-29"), crossing("2024-03-10")
    assert within is True
    assert after is False


@pytest.mark.parametrize("modality", [HOME, PERITONEAL])
@pytest.mark.manual("2.3.12", "2.4.12")
@worked
def test_at_home_it_was_measured_within_four_months_before_the_claim_s_last_day(
    modality: str,
) -> Worked:
    # Figure 3: "does not have to be in the reporting month".
    within, after = yield crossing("2024-03-20", modality), crossing("2024-03-21", modality)
    assert within is True
    assert after is False


@pytest.mark.manual("2.4.12", "2.6.12")
@worked
def test_a_peritoneal_claim_of_the_month_goes_before_eqrs_of_earlier_months() -> Worked:
    # 2.4.12: "if an in-range value was not found in EQRS ... during the month".
    cared = care(MARCH, modality=PERITONEAL)
    claims = bill(MARCH, modality=PERITONEAL, ktv_value=1.5, ktv_date=day("2024-03-10"))
    before = clinic("2024-02", pd_ktv=2.0)
    carried = clinic(MARCH, pd_ktv=2.0, pd_ktv_date=day("2024-01-10"))
    first, second, third, fourth = yield (
        judge(cared, before, claims),
        judge(cared, before),
        judge(cared, clinic(MARCH, pd_ktv=2.0), claims),
        judge(cared, carried, claims),
    )
    assert last(first, "ktv_adult_pd") is False
    assert first["ktv_source"].iloc[-1] == "claims"
    assert last(second, "ktv_adult_pd") is True
    assert second["ktv_source"].iloc[-1] == "eqrs"
    assert last(third, "ktv_adult_pd") is True
    # Reported for March, whenever it was measured.
    assert last(fourth, "ktv_adult_pd") is True


@pytest.mark.parametrize(
    ("since", "dfc", "qip"),
    [
        ("2023-12-01", False, False),
        ("2023-12-02", False, "esrd_under_91_days"),
        ("2023-12-03", "esrd_under_91_days", "esrd_under_91_days"),
    ],
)
@pytest.mark.manual("3.1.2")
@worked
def test_time_on_esrd_in_the_qip_is_the_duration_between_two_dates(
    since: str, dfc: object, qip: object
) -> Worked:
    # 3.1.2: from 2 December to 1 March are 90 days; DFC counts the first as day 1.
    known = know(since=since)
    found = yield judge(care(MARCH), known=known), judge(care(MARCH), known=known, program="qip")
    assert [last(rows, "ktv_adult_hd") for rows in found] == [dfc, qip]


@pytest.mark.parametrize(
    ("since", "dfc", "qip"),
    [
        ("2023-12-02", True, False),
        ("2023-12-03", True, "esrd_under_90_days"),
        ("2023-12-04", "esrd_under_90_days", "esrd_under_90_days"),
    ],
)
@pytest.mark.manual("3.1.2", "2.8.10")
@worked
def test_so_it_is_for_the_90_days_of_calcium(since: str, dfc: object, qip: object) -> Worked:
    known = know(since=since)
    found = yield judge(care(MARCH), known=known), judge(care(MARCH), known=known, program="qip")
    assert [last(rows, "hypercalcemia") for rows in found] == [dfc, qip]


@worked
def test_a_claim_is_eligible_from_91_days_before_its_first_day() -> Worked:
    # A claim that begins on 2 March, of a patient whose ESRD began 91 days before.
    known = know(since="2023-12-02")
    silent = care(MARCH, frequency=None, frequency_source=None, modality=None)
    claims = bill(MARCH, from_date=day("2024-03-02"), ktv_value=1.5)
    billed: list[Row] = [
        {
            "program": program,
            "patient_id": 1,
            "month": day("2024-03-01"),
            "ccn": "A",
            "claim_count": 1,
            "modality": CENTER,
            "is_mixed": False,
        }
        for program in ("dfc", "qip")
    ]
    rows = yield judge(silent, (), claims, known=known, billed=billed, program="qip")
    assert last(rows, "ktv_adult_hd") is True


def told_by_form(
    came: str = "2024-01-20",
    month: str = MARCH,
    facility: int = 1,
    setting: str = "Dialysis Facility/Center",
    **other: object,
) -> Case:
    """A month of which EQRS has no treatment record, with a CMS-2728."""
    program = other.pop("program", "dfc")
    form: Row = {
        "patient_id": 1,
        "form_number": 1,
        "facilityid": facility,
        "facility_start_date": day(came),
        "treatment_type": "Hemodialysis",
        "setting": setting,
    }
    silent = care(month, modality=None, frequency="usual")
    known = {**know(), "raw.cms_2728": [form]}
    return judge(silent, known=known, program=str(program), **other)  # type: ignore[arg-type]


@pytest.mark.manual("2.1.10", "3.1.1")
@worked
def test_where_eqrs_and_claims_are_silent_dfc_has_the_modality_of_cms_2728() -> Worked:
    dfc, home, qip, elsewhere, old = yield (
        told_by_form(),
        told_by_form(setting="Home"),
        told_by_form(program="qip"),
        told_by_form(facility=2),
        told_by_form("2023-03-01"),
    )
    assert dfc["modality"].iloc[0] == CENTER
    assert last(dfc, "ltc") is False
    assert home["modality"].iloc[0] == HOME
    # 3.1.1: the QIP's are EQRS and, for Kt/V, claims.
    assert last(qip, "ktv_adult_hd") == last(qip, "ltc") == "modality_unknown"
    assert last(elsewhere, "ltc") == last(old, "ltc") == "modality_unknown"


@worked
def test_claims_tell_the_modality_before_cms_2728_and_after_eqrs() -> Worked:
    billed: list[Row] = [
        {
            "program": "dfc",
            "patient_id": 1,
            "month": day("2024-03-01"),
            "ccn": "A",
            "claim_count": 1,
            "modality": PERITONEAL,
            "is_mixed": False,
        }
    ]
    by_claims, by_eqrs = yield (
        told_by_form(billed=billed),
        judge(care(MARCH), billed=billed),
    )
    assert by_claims["modality"].iloc[0] == PERITONEAL
    assert by_eqrs["modality"].iloc[0] == CENTER


@pytest.mark.manual("2.3.12")
@worked
def test_a_claim_medicare_paid_nothing_for_has_a_kt_v_to_give() -> Worked:
    rows = yield judge(care(MARCH), (), bill(MARCH, ktv_value=1.5, is_paid=False))
    assert last(rows, "ktv_adult_hd") is True
