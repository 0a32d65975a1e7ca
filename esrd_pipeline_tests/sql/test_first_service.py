"""The start of ESRD: sources, their order, evidence in claims, and the rules that move the date."""

import pandas as pd
import pytest

from esrd_pipeline_tests.sql.people import (
    BENEFICIARY,
    EARLIER,
    KNOWN,
    PATIENT,
    admitted,
    days,
    dialysed,
    form,
    linked,
    read,
)
from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

pytestmark = pytest.mark.manual("3.1.2")

PROGRAMS = ("dfc", "qip")
ALONE = "form and EQRS agree long after the claim"
NEW = "new patient in EQRS long after the form"


def begin(
    *claims: tuple[Row, list[Row]],
    forms: tuple[Row, ...] = (),
    admissions: tuple[Row, ...] = (),
    transplants: tuple[str, ...] = (),
    treatments: tuple[str, ...] = (),
    facilities: dict[int, str] | None = None,
    acute_claims: tuple[int, ...] = (),
    patients: tuple[int, ...] = (PATIENT,),
    links: list[Row] | None = None,
    before: tuple[Row, ...] = (),
) -> Case:
    grafts = [(program, date) for program in PROGRAMS for date in transplants]
    prescribed = [
        {"patient_id": PATIENT, "facilityid": 9, "start_date": day(t)} for t in treatments
    ]
    return case(
        "linkage.first_service",
        tables={
            "raw.eqrs_patient": [KNOWN],
            "raw.cms_2728": forms,
            "raw.eqrs_admission": admissions,
            "raw.eqrs_treatment": prescribed,
            "raw.eqrs_facility": [
                {"facilityid": number, "factype": kind}
                for number, kind in (facilities or {}).items()
            ],
            "raw.claim": [claim for claim, _ in claims],
            "raw.claim_revenue": [line for _, lines in claims for line in lines],
            "raw.claim_condition": [
                {"clm_id": number, "rlt_cond_cd_seq": 1, "clm_rlt_cond_cd": "84"}
                for number in acute_claims
            ],
            "linkage.patient": [{"patient_id": number} for number in patients],
            "linkage.beneficiary": linked() if links is None else links,
            "linkage.earlier_patient": [EARLIER],
            "linkage.transplant": [
                {"program": program, "patient_id": PATIENT, "transplant_date": day(date)}
                for program, date in grafts
            ],
            "linkage.first_service": [{"performance_year": 2023, **row} for row in before],
        },
    )


def starts(rows: pd.DataFrame, program: str) -> list[list[object]]:
    return read(rows, program, "first_service_date", "source")


REGULAR = dialysed("2024-03-01", times=13, every=3)
"""Thirteen treatments in 60 days: 0.217 a day."""


@pytest.mark.parametrize(
    ("form_day", "eqrs_day", "claim_day", "transplant_day", "source"),
    [
        ("2024-03-01", "2024-03-02", "2024-03-02", "2024-03-02", "medical evidence"),
        ("2024-03-02", "2024-03-01", "2024-03-02", "2024-03-02", "eqrs"),
        ("2024-03-02", "2024-03-02", "2024-03-01", "2024-03-02", "claims"),
        ("2024-03-02", "2024-03-02", "2024-03-02", "2024-03-01", "transplant"),
        # On one date: medical evidence, EQRS, claims, transplant.
        ("2024-03-01", "2024-03-01", "2024-03-01", "2024-03-01", "medical evidence"),
        ("2024-03-02", "2024-03-01", "2024-03-01", "2024-03-01", "eqrs"),
        ("2024-03-02", "2024-03-02", "2024-03-01", "2024-03-01", "claims"),
    ],
)
@worked
def test_the_earliest_source_counts_and_on_one_date_the_order_of_sources(
    form_day: str, eqrs_day: str, claim_day: str, transplant_day: str, source: str
) -> Worked:
    rows = yield begin(
        dialysed(claim_day, times=13),
        forms=(form(dialysis_began=form_day),),
        admissions=(admitted(eqrs_day),),
        transplants=(transplant_day,),
    )
    for program in PROGRAMS:
        assert starts(rows, program) == [[day("2024-03-01"), source]]
        dates = ("medical_evidence_date", "eqrs_date", "claims_date", "transplant_date", "moved_by")
        assert read(rows, program, *dates) == [
            [*days([form_day, eqrs_day, claim_day, transplant_day]), None]
        ]


@worked
def test_an_admission_as_a_transient_patient_is_an_eqrs_event() -> Worked:
    rows = yield begin(
        forms=(form(dialysis_began="2024-04-01"),),
        admissions=(
            admitted("2024-03-01", "2024-03-15", "Transfer Out", reason="Transient"),
            admitted("2024-04-01"),
        ),
    )
    for program in PROGRAMS:
        assert starts(rows, program) == [[day("2024-03-01"), "eqrs"]]


# The form.


@worked
def test_the_qip_takes_the_earliest_completed_form_and_dfc_the_earliest_date_of_any() -> Worked:
    rows = yield begin(
        forms=(
            form(1, signature="2024-04-01", dialysis_began="2024-03-10"),
            form(2, signature="2024-05-01", dialysis_began="2024-03-05"),
        )
    )
    assert starts(rows, "qip") == [[day("2024-03-10"), "medical evidence"]]
    assert starts(rows, "dfc") == [[day("2024-03-05"), "medical evidence"]]


@pytest.mark.parametrize(
    "earliest", ["signature", "dialysis_returned", "training_began", "transplant"]
)
@worked
def test_the_earliest_of_four_other_dates_stands_for_a_missing_one_in_the_qip(
    earliest: str,
) -> Worked:
    others = dict.fromkeys(
        ("signature", "dialysis_returned", "training_began", "transplant"), "2024-03-20"
    )
    rows = yield begin(forms=(form(**{**others, earliest: "2024-03-10"}),))
    assert read(rows, "qip", "medical_evidence_date") == [[day("2024-03-10")]]


@worked
def test_the_date_dialysis_began_goes_before_earlier_other_dates() -> Worked:
    rows = yield begin(forms=(form(dialysis_began="2024-03-20", training_began="2024-03-10"),))
    for program in PROGRAMS:
        assert starts(rows, program) == [[day("2024-03-20"), "medical evidence"]]


@worked
def test_dfc_takes_the_signature_alone_for_a_missing_date() -> Worked:
    rows = yield begin(forms=(form(signature="2024-03-20", training_began="2024-03-10"),))
    assert starts(rows, "dfc") == [[day("2024-03-20"), "medical evidence"]]


@worked
def test_a_form_without_any_date_is_dated_by_eqrs_in_the_qip() -> Worked:
    rows = yield begin(forms=(form(),), treatments=("2024-03-12", "2024-03-09"))
    assert starts(rows, "qip") == [[day("2024-03-09"), "medical evidence"]]
    assert starts(rows, "dfc") == []


@worked
def test_treatment_records_date_nobody_who_has_no_form() -> Worked:
    rows = yield begin(treatments=("2024-03-09",))
    assert rows.empty


# EQRS.


@worked
def test_an_admission_discharged_as_acute_is_no_start_of_esrd() -> Worked:
    rows = yield begin(
        admissions=(
            admitted("2024-01-10", "2024-02-01", "Acute", reason="Acute"),
            admitted("2024-04-01"),
        )
    )
    for program in PROGRAMS:
        assert starts(rows, program) == [[day("2024-04-01"), "eqrs"]]


@worked
def test_the_qip_counts_admissions_to_dialysis_facilities() -> Worked:
    rows = yield begin(
        admissions=(
            admitted("2024-01-10", facility=8, reason="Transfer In"),
            admitted("2024-04-01", facility=9),
        ),
        facilities={8: "Transplant", 9: "Dialysis"},
    )
    assert starts(rows, "dfc") == [[day("2024-01-10"), "eqrs"]]
    assert starts(rows, "qip") == [[day("2024-04-01"), "eqrs"]]


# Claims.


@pytest.mark.parametrize(("times", "found"), [(13, True), (12, False)])
@worked
def test_more_than_a_fifth_of_a_dialysis_code_a_day_is_chronic_dialysis(
    times: int, *, found: bool
) -> Worked:
    rows = yield begin(dialysed("2024-03-01", times=times, every=3))
    for program in PROGRAMS:
        assert starts(rows, program) == ([[day("2024-03-01"), "claims"]] if found else [])


@pytest.mark.parametrize(("last", "found"), [("2024-04-29", True), ("2024-04-30", False)])
@worked
def test_codes_count_until_the_sixtieth_day(last: str, *, found: bool) -> Worked:
    # The claim's first day is 1 March, its sixtieth 29 April.
    rows = yield begin(
        dialysed("2024-03-01", times=12),
        dialysed(last, times=1, kind="60", bill="11", center="0801", number=2),
    )
    assert bool(starts(rows, "dfc")) == found


@worked
def test_codes_of_all_claims_count_together() -> Worked:
    rows = yield begin(
        dialysed("2024-03-01", times=7), dialysed("2024-04-01", times=6, number=2, center="0851")
    )
    assert starts(rows, "dfc") == [[day("2024-03-01"), "claims"]]


@worked
def test_a_claim_with_too_few_codes_after_it_is_passed_over_for_a_later_one() -> Worked:
    rows = yield begin(
        dialysed("2023-06-01", times=3), dialysed("2024-03-01", times=13, every=3, number=2)
    )
    assert starts(rows, "qip") == [[day("2024-03-01"), "claims"]]


@pytest.mark.parametrize(
    ("kind", "bill", "center", "found"),
    [
        ("60", "11", "0821", True),  # inpatient, with a composite code
        ("40", "13", "0841", True),  # outpatient hospital, with a composite code
        ("40", "72", "0801", True),  # a dialysis facility's, without
        ("60", "11", "0801", False),  # inpatient, without
        ("20", "21", "0821", False),  # neither inpatient nor outpatient
        ("40", "72", "0636", False),  # no revenue center of dialysis
    ],
)
@worked
def test_a_claim_dates_esrd_by_composite_code_or_dialysis_facility(
    kind: str, bill: str, center: str, *, found: bool
) -> Worked:
    rows = yield begin(dialysed("2024-03-01", times=20, kind=kind, bill=bill, center=center))
    assert bool(starts(rows, "dfc")) == found


@pytest.mark.parametrize("discharged", [None, "Recover Function", "Transfer Out"])
@worked
def test_an_admission_for_acute_kidney_injury_is_no_start_however_it_ends(
    discharged: str | None,
) -> Worked:
    end = "2024-06-10" if discharged else None
    injured = admitted("2024-03-01", end, discharged, reason="Acute")
    alone, formed, followed = yield (
        begin(dialysed("2024-03-01", times=30), admissions=(injured,), acute_claims=(1,)),
        begin(admissions=(injured,), forms=(form(dialysis_began="2024-05-20"),)),
        begin(admissions=(injured, admitted("2024-06-10", reason="Transfer In"))),
    )
    assert alone.empty
    for program in PROGRAMS:
        assert starts(formed, program) == [[day("2024-05-20"), "medical evidence"]]
        assert starts(followed, program) == [[day("2024-06-10"), "eqrs"]]


@worked
def test_dialysis_for_acute_kidney_injury_is_not_chronic() -> Worked:
    rows = yield begin(REGULAR, acute_claims=(1,))
    assert rows.empty


@worked
def test_a_line_without_a_day_is_of_the_claims_first_day() -> Worked:
    claim, lines = REGULAR
    rows = yield begin((claim, [{**line, "rev_cntr_dt": None} for line in lines]))
    assert starts(rows, "dfc") == [[day("2024-03-01"), "claims"]]


@worked
def test_claims_of_the_year_before_count() -> Worked:
    rows = yield begin(dialysed("2023-11-20", times=30, every=2))
    assert starts(rows, "dfc") == [[day("2023-11-20"), "claims"]]


@pytest.mark.parametrize("known_as", [PATIENT, -BENEFICIARY])
@worked
def test_evidence_in_claims_no_longer_at_hand_is_remembered(known_as: int) -> Worked:
    past = {"patient_id": known_as, "claims_date": day("2021-07-01")}
    rows = yield begin(
        dialysed("2024-01-01", times=30),
        before=tuple({**past, "program": program} for program in PROGRAMS),
    )
    for program in PROGRAMS:
        assert read(rows, program, "patient_id", "first_service_date", "claims_date") == [
            [PATIENT, day("2021-07-01"), day("2021-07-01")]
        ]


@worked
def test_no_claim_is_looked_for_where_other_dates_lie_before_the_claims_at_hand() -> Worked:
    rows = yield begin(REGULAR, admissions=(admitted("2019-05-01"),))
    assert read(rows, "dfc", "first_service_date", "claims_date") == [[day("2019-05-01"), None]]


@worked
def test_a_beneficiary_unknown_to_eqrs_starts_by_claims() -> Worked:
    rows = yield begin(REGULAR, links=linked(-BENEFICIARY), patients=(-BENEFICIARY,))
    assert read(rows, "qip", "patient_id", "first_service_date", "source") == [
        [-BENEFICIARY, day("2024-03-01"), "claims"]
    ]


@worked
def test_a_beneficiary_who_is_no_patient_of_the_year_has_no_date() -> Worked:
    rows = yield begin(REGULAR, links=linked(-BENEFICIARY), patients=())
    assert rows.empty


@worked
def test_a_patient_without_any_date_has_no_row() -> Worked:
    rows = yield begin()
    assert rows.empty


@worked
def test_a_transplant_known_to_one_program_starts_esrd_in_that_program_alone() -> Worked:
    graft = {"program": "dfc", "patient_id": PATIENT, "transplant_date": day("2010-02-01")}
    claim, lines = REGULAR
    billed = {
        "raw.claim": [claim],
        "raw.claim_revenue": lines,
        "linkage.beneficiary": linked(),
    }
    first, second = yield (
        case("linkage.first_service", tables={"linkage.transplant": [graft]}),
        case("linkage.first_service", tables={"linkage.transplant": [graft], **billed}),
    )
    assert starts(first, "dfc") == [[day("2010-02-01"), "transplant"]]
    assert starts(first, "qip") == []
    assert starts(second, "dfc") == [[day("2010-02-01"), "transplant"]]
    assert starts(second, "qip") == [[day("2024-03-01"), "claims"]]


# Rules that move the date.


@pytest.mark.parametrize(
    ("form_day", "eqrs_day", "transplant_day", "start", "source", "moved"),
    [
        # The claim is of 1 January 2024; day 90 after it is 31 March.
        ("2024-04-01", "2024-05-01", None, "2024-04-01", "medical evidence", ALONE),
        ("2024-05-01", "2024-04-01", None, "2024-04-01", "eqrs", ALONE),
        ("2024-04-10", "2024-04-10", None, "2024-04-10", "medical evidence", ALONE),
        ("2024-04-01", "2024-05-02", None, "2024-01-01", "claims", None),  # 31 days apart
        ("2024-03-31", "2024-04-05", None, "2024-01-01", "claims", None),  # 90 days after
        ("2024-04-05", "2024-03-31", None, "2024-01-01", "claims", None),
        ("2024-04-01", None, None, "2024-01-01", "claims", None),
        (None, "2024-04-01", None, "2024-01-01", "claims", None),
        ("2024-04-01", "2024-04-01", "2024-02-01", "2024-01-01", "claims", None),
        ("2024-04-01", "2024-04-01", "2024-06-01", "2024-04-01", "medical evidence", ALONE),
    ],
)
@worked
def test_a_claim_long_before_form_and_eqrs_that_agree_is_no_start(
    *,
    form_day: str | None,
    eqrs_day: str | None,
    transplant_day: str | None,
    start: str,
    source: str,
    moved: str | None,
) -> Worked:
    rows = yield begin(
        dialysed("2024-01-01", times=13),
        forms=(form(dialysis_began=form_day),) if form_day else (),
        admissions=(admitted(eqrs_day),) if eqrs_day else (),
        transplants=(transplant_day,) if transplant_day else (),
    )
    for program in PROGRAMS:
        assert read(rows, program, "first_service_date", "source", "moved_by") == [
            [day(start), source, moved]
        ]


@pytest.mark.parametrize(
    ("form_day", "moves"),
    # A year before 1 March 2024 is 2 March 2023: 365 days, a 29 February among them.
    [("2023-03-02", False), ("2023-03-01", True)],
)
@worked
def test_a_new_patient_more_than_a_year_after_the_form_starts_then(
    form_day: str, *, moves: bool
) -> Worked:
    rows = yield begin(forms=(form(dialysis_began=form_day),), admissions=(admitted("2024-03-01"),))
    expected = (
        [day("2024-03-01"), "eqrs", NEW] if moves else [day(form_day), "medical evidence", None]
    )
    for program in PROGRAMS:
        assert read(rows, program, "first_service_date", "source", "moved_by") == [expected]


@worked
def test_what_lies_before_the_new_patient_event_keeps_the_forms_date() -> Worked:
    forms = (form(dialysis_began="2022-06-01"),)
    new = admitted("2024-03-01")
    before = "2023-10-01"
    kept = yield (
        begin(forms=forms, admissions=(admitted(before, reason="Transfer In", facility=8), new)),
        begin(forms=forms, admissions=(new,), transplants=(before,)),
        begin(dialysed(before, times=13), forms=forms, admissions=(new,)),
    )
    for rows in kept:
        for program in PROGRAMS:
            assert starts(rows, program) == [[day("2022-06-01"), "medical evidence"]]


@worked
def test_a_claim_and_another_event_of_the_same_day_do_not_hold_the_new_patient_back() -> Worked:
    rows = yield begin(
        REGULAR,
        forms=(form(dialysis_began="2022-06-01"),),
        admissions=(
            admitted("2024-03-01"),
            admitted("2024-03-01", reason="Transfer In", facility=8),
        ),
    )
    for program in PROGRAMS:
        assert read(rows, program, "first_service_date", "moved_by") == [[day("2024-03-01"), NEW]]


@worked
def test_an_acute_admission_before_does_not_hold_the_new_patient_back() -> Worked:
    rows = yield begin(
        forms=(form(dialysis_began="2022-06-01"),),
        admissions=(
            admitted("2023-10-01", "2023-10-20", "Acute", reason="Acute"),
            admitted("2024-03-01"),
        ),
    )
    assert read(rows, "qip", "moved_by") == [[NEW]]


@worked
def test_an_event_that_is_not_new_patient_does_not_move_the_forms_date() -> Worked:
    rows = yield begin(
        forms=(form(dialysis_began="2022-06-01"),),
        admissions=(admitted("2024-03-01", reason="Transfer In"),),
    )
    assert read(rows, "dfc", "first_service_date", "moved_by") == [[day("2022-06-01"), None]]
