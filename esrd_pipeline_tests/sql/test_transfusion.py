"""Transfusion events: Figure 15 branch by branch, at most one per patient and day."""

import pytest

from esrd_pipeline.parameters import load_parameters
from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

pytestmark = pytest.mark.manual("2.12.11", "2.12.19")

INPATIENT, OUTPATIENT, SNF = "60", "40", "20"


def claim(number: int, start: str, end: str = "", kind: str = INPATIENT, **more: object) -> Row:
    return {
        "bene_id": 9,
        "clm_id": number,
        "nch_clm_type_cd": kind,
        "clm_from_dt": day(start),
        "clm_thru_dt": day(end or start),
        **more,
    }


def line(number: int, center: str, hcpcs: str | None = None, on: str | None = None) -> Row:
    return {
        "clm_id": number,
        "rev_cntr": center,
        "hcpcs_cd": hcpcs,
        "rev_cntr_dt": day(on) if on else None,
    }


def find(*claims: Row, lines: tuple[Row, ...] = (), values: tuple[Row, ...] = ()) -> Case:
    """The transfusion events of patient 1."""
    return case(
        "history.transfusion",
        tables={
            "linkage.beneficiary": [{"bene_id": 9, "patient_id": 1}],
            "raw.claim": claims,
            "raw.claim_revenue": lines,
            "raw.claim_value": values,
        },
    )


def blood(number: int, code: str = "37", pints: float | None = None) -> Row:
    return {"clm_id": number, "rlt_val_cd_seq": 1, "clm_val_cd": code, "clm_val_amt": pints}


def test_table_8_has_50_codes() -> None:
    kinds = load_parameters("transfusion_code")["kind"].value_counts().to_dict()
    assert kinds == {"procedure": 27, "hcpcs": 14, "revenue center": 8, "value code": 1}


@pytest.mark.parametrize(
    "made",
    [
        {"lines": (line(1, "0391"),)},
        {"values": (blood(1),)},
        {"lines": (line(1, "0389"), line(1, "0391")), "values": (blood(1),)},
    ],
)
@worked
def test_an_inpatient_claim_is_one_event_by_any_code_and_however_many(
    made: dict[str, tuple[Row, ...]],
) -> Worked:
    rows = yield find(claim(1, "2024-03-01", "2024-03-09"), **made)
    (row,) = rows.to_dict("records")
    assert row["transfusion_date"] == day("2024-03-01")
    assert (row["is_inpatient"], row["claim_count"]) == (True, 1)


@worked
def test_a_claim_that_begins_before_the_admission_is_an_event_on_the_day_of_admission() -> Worked:
    before = claim(1, "2024-02-28", "2024-03-09", clm_admsn_dt=day("2024-03-01"))
    rows = yield find(before, lines=(line(1, "0391"),))
    assert rows["transfusion_date"].tolist() == [day("2024-03-01")]


@worked
def test_each_bill_of_a_long_stay_is_an_event_on_its_own_first_day() -> Worked:
    # 2.12.11: one event per inpatient claim. All bills of a stay name its day of admission.
    admitted = {"clm_admsn_dt": day("2024-03-01")}
    rows = yield find(
        claim(1, "2024-03-01", "2024-03-31", ptnt_dschrg_stus_cd="30", **admitted),
        claim(2, "2024-04-01", "2024-04-30", ptnt_dschrg_stus_cd="30", **admitted),
        claim(3, "2024-05-01", "2024-05-09", **admitted),
        lines=(line(1, "0391"), line(3, "0391")),
    )
    assert rows["transfusion_date"].tolist() == [day("2024-03-01"), day("2024-05-01")]


@worked
def test_a_bill_that_begins_in_the_year_is_of_the_year_though_the_stay_is_older() -> Worked:
    rows = yield find(
        claim(1, "2024-01-01", "2024-01-20", clm_admsn_dt=day("2023-12-04")),
        lines=(line(1, "0391"),),
    )
    assert rows["transfusion_date"].tolist() == [day("2024-01-01")]


@pytest.mark.parametrize("kind", [INPATIENT, OUTPATIENT])
@pytest.mark.parametrize(("pints", "count"), [(3.0, 1), (1.0, 1), (None, 1), (0.0, 0)])
@worked
def test_a_value_code_of_no_pints_is_no_event(kind: str, pints: float | None, count: int) -> Worked:
    rows = yield find(claim(1, "2024-03-01", kind=kind), values=(blood(1, pints=pints),))
    assert len(rows) == count


@pytest.mark.parametrize("place", [1, 2, 25])
@worked
def test_a_procedure_anywhere_on_an_inpatient_claim_is_an_event(place: int) -> Worked:
    codes = {f"icd_prcdr_cd{place}": "30233N1"}
    rows = yield find(claim(1, "2024-03-01", **codes))
    assert len(rows) == 1


@worked
def test_an_inpatient_claim_without_codes_of_table_8_is_no_event() -> Worked:
    rows = yield find(
        claim(1, "2024-03-01", icd_prcdr_cd1="5A1D70Z"),
        lines=(line(1, "0120"), line(1, "0300", "36415")),
        values=(blood(1, "D5"),),
    )
    assert rows.empty


@worked
def test_hcpcs_alone_makes_an_event_of_no_claim() -> Worked:
    both = (claim(1, "2024-03-01"), claim(2, "2024-05-01", kind=OUTPATIENT))
    rows = yield find(*both, lines=(line(1, "0250", "P9016"), line(2, "0250", "P9016")))
    assert rows.empty


@worked
def test_an_outpatient_claim_needs_hcpcs_and_revenue_center_on_whatever_lines() -> Worked:
    visit = claim(1, "2024-03-01", kind=OUTPATIENT)
    first, second, third = yield (
        find(visit, lines=(line(1, "0390", "P9016"),)),
        find(visit, lines=(line(1, "0390"), line(1, "0250", "36430"))),
        find(visit, lines=(line(1, "0390"),)),
    )
    assert len(first) == 1
    assert len(second) == 1
    assert third.empty


@worked
def test_a_value_code_alone_makes_an_outpatient_claim_an_event() -> Worked:
    rows = yield find(claim(1, "2024-03-01", kind=OUTPATIENT), values=(blood(1),))
    assert len(rows) == 1


@worked
def test_a_procedure_does_not_make_an_outpatient_claim_an_event() -> Worked:
    rows = yield find(claim(1, "2024-03-01", kind=OUTPATIENT, icd_prcdr_cd1="30233N1"))
    assert rows.empty


@worked
def test_claims_of_other_kinds_have_no_events() -> Worked:
    rows = yield find(claim(1, "2024-03-01", kind=SNF), values=(blood(1),))
    assert rows.empty


@worked
def test_units_of_blood_on_one_claim_are_one_event() -> Worked:
    visit = claim(1, "2024-03-01", "2024-03-31", kind=OUTPATIENT)
    lines = tuple(line(1, "0390", "P9016", d) for d in ("2024-03-12", "2024-03-08", "2024-03-20"))
    rows = yield find(visit, lines=lines)
    assert rows["transfusion_date"].tolist() == [day("2024-03-08")]


@pytest.mark.parametrize("typed", ["2014-03-08", "2024-04-08", None])
@worked
def test_a_line_dated_outside_its_claim_is_of_the_claims_first_day(typed: str | None) -> Worked:
    visit = claim(1, "2024-03-01", "2024-03-31", kind=OUTPATIENT)
    rows = yield find(visit, lines=(line(1, "0390", "P9016", typed),))
    assert rows["transfusion_date"].tolist() == [day("2024-03-01")]


@worked
def test_a_line_outside_the_claim_does_not_hide_one_inside() -> Worked:
    visit = claim(1, "2024-03-01", "2024-03-31", kind=OUTPATIENT)
    lines = (line(1, "0390", "P9016", "2014-03-08"), line(1, "0390", "P9016", "2024-03-20"))
    rows = yield find(visit, lines=lines)
    assert rows["transfusion_date"].tolist() == [day("2024-03-20")]


@worked
def test_events_of_one_day_are_one_and_of_two_days_two() -> Worked:
    claims = (
        claim(1, "2024-03-01", kind=OUTPATIENT),
        claim(2, "2024-03-01"),
        claim(3, "2024-03-02"),
    )
    rows = yield find(*claims, values=(blood(1), blood(2), blood(3)))
    assert rows["transfusion_date"].tolist() == [day("2024-03-01"), day("2024-03-02")]
    assert rows["claim_count"].tolist() == [2, 1]


@worked
def test_a_claim_of_the_year_before_is_none_of_this_years_events() -> Worked:
    old = claim(1, "2023-12-30", performance_year=2023)
    rows = yield find(old, values=({**blood(1), "performance_year": 2023},))
    assert rows.empty
