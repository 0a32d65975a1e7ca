"""Modality by claims: manual 3.1.1 step by step, Table 15, and 3.1.4. One facility, one patient."""

from collections.abc import Sequence
from datetime import timedelta

import pandas as pd
import pytest

from esrd_pipeline.parameters import load_parameters
from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

pytestmark = pytest.mark.manual("3.1.1")

HD, PD, OTHER_PD = "0821", "0851", "0831"
CENTER, HOME = "in-center hemodialysis", "home hemodialysis"
PERITONEAL, OTHER = "peritoneal dialysis", "other peritoneal dialysis"
UNKNOWN = "undetermined"


def lines(code: str, times: int, *, first: str = "2024-03-01") -> list[tuple[str, str]]:
    """A code once on each of so many days."""
    return [(code, str(day(first) + timedelta(days=place))) for place in range(times)]


def bill(
    *billed: Sequence[tuple[str, str | None]],
    conditions: Sequence[str | None] = (),
    ktv: float | None = None,
    ktv_day: str | None = None,
    start: str = "2024-03-01",
    end: str = "2024-03-31",
) -> dict[str, Sequence[Row]]:
    """The tables of claims of one month, the lines of each in turn; conditions likewise."""
    numbered = list(enumerate(billed, start=1))
    return {
        "linkage.beneficiary": [{"bene_id": 900, "patient_id": 1}],
        "linkage.provider_number": [
            {"program": program, "provider_number": "A", "ccn": "A"} for program in ("dfc", "qip")
        ],
        "raw.claim": [
            {
                "bene_id": 900,
                "clm_id": number,
                "clm_from_dt": day(start),
                "clm_thru_dt": day(end),
                "prvdr_num": "A",
                "clm_fac_type_cd": "7",
                "clm_srvc_clsfctn_type_cd": "2",
                "clm_pmt_amt": 2900.0,
            }
            for number, _ in numbered
        ],
        "raw.claim_revenue": [
            {
                "clm_id": number,
                "clm_line_num": place,
                "rev_cntr": code,
                "rev_cntr_dt": day(when) if when else None,
            }
            for number, claim in numbered
            for place, (code, when) in enumerate(claim, start=1)
        ],
        "raw.claim_condition": [
            {"clm_id": number, "rlt_cond_cd_seq": 1, "clm_rlt_cond_cd": code}
            for number, code in enumerate(conditions, start=1)
            if code
        ],
        "raw.claim_value": [
            {"clm_id": 1, "rlt_val_cd_seq": 1, "clm_val_cd": "D5", "clm_val_amt": ktv}
        ]
        if ktv
        else [],
        "raw.claim_occurrence": [
            {
                "clm_id": 1,
                "rlt_ocrnc_cd_seq": 1,
                "clm_rlt_ocrnc_cd": "51",
                "clm_rlt_ocrnc_dt": day(ktv_day),
            }
        ]
        if ktv_day
        else [],
    }


def month(tables: dict[str, Sequence[Row]]) -> Case:
    def read_rows(rows: pd.DataFrame) -> dict[str, object]:
        (row,) = rows[rows["program"] == "dfc"].to_dict("records")
        return row

    return case("history.dialysis_claim", "history.claims_modality", tables=tables).read(read_rows)


def modality(*billed: Sequence[tuple[str, str | None]], **other: Sequence[str | None]) -> Case:
    return month(bill(*billed, **other)).read(lambda rows: rows["modality"])


def claim(**terms: object) -> Case:
    billed = terms.pop("billed")
    return case("history.dialysis_claim", tables=bill(billed, **terms)).read(
        lambda rows: rows[rows["program"] == "dfc"].iloc[0]
    )


@pytest.mark.parametrize(
    ("code", "kind"),
    load_parameters("dialysis_revenue_center")[["rev_cntr", "modality"]].to_numpy().tolist(),
)
@worked
def test_every_code_of_table_15_alone_tells_its_modality(code: str, kind: str) -> Worked:
    found = {HOME: CENTER}.get(kind, kind)
    # Step 5 knows peritoneal dialysis alone; only the composite code tells the other kind.
    found = PERITONEAL if kind == OTHER and code != OTHER_PD else found
    rows = yield modality(lines(code, 12))
    assert rows == found


@worked
def test_1d_without_dialysis_codes_the_modality_is_undetermined() -> Worked:
    kind = yield modality([("0300", "2024-03-01")])
    assert kind == UNKNOWN


@worked
def test_1c_the_same_type_twice_on_a_day_is_one_session() -> Worked:
    row = yield month(bill([*lines("0821", 3), *lines("0881", 3)]))
    assert (row["modality"], row["sessions"]) == (CENTER, 3)


@worked
def test_1c_different_types_on_a_day_are_no_session_of_either() -> Worked:
    row, second = yield (
        month(bill([*lines(HD, 3), *lines(PD, 2)])),
        modality([*lines(HD, 3), *lines(PD, 3)]),
    )
    assert (row["modality"], row["sessions"]) == (CENTER, 1)
    assert second == UNKNOWN


@worked
def test_1c_composite_codes_go_before_the_others_of_the_day() -> Worked:
    row = yield month(bill([*lines(HD, 3), *lines("0844", 3)]))
    assert (row["modality"], row["sessions"]) == (CENTER, 3)


@worked
def test_3_where_there_are_composite_codes_the_others_are_ignored() -> Worked:
    row = yield month(bill([*lines(HD, 1), *lines("0844", 20, first="2024-03-05")]))
    assert (row["modality"], row["sessions"]) == (CENTER, 1)


@worked
def test_4_seven_days_of_peritoneal_dialysis_are_three_of_hemodialysis() -> Worked:
    first, second = yield (
        modality([*lines(HD, 4), *lines(PD, 7, first="2024-03-10")]),
        modality([*lines(HD, 2), *lines(PD, 7, first="2024-03-10")]),
    )
    assert first == CENTER
    assert second == PERITONEAL


@worked
def test_4c_a_tie_is_undetermined() -> Worked:
    kind = yield modality([*lines(HD, 3), *lines(PD, 7, first="2024-03-10")])
    assert kind == UNKNOWN


@worked
def test_4b_of_peritoneal_kinds_the_more_frequent_counts() -> Worked:
    first, second, third = yield (
        modality([*lines(OTHER_PD, 8), *lines(PD, 7, first="2024-03-10")]),
        modality([*lines(OTHER_PD, 6), *lines("0841", 7, first="2024-03-10")]),
        modality([*lines(OTHER_PD, 7), *lines(PD, 7, first="2024-03-10")]),
    )
    assert first == OTHER
    assert second == PERITONEAL
    assert third == UNKNOWN


@worked
def test_5_without_composite_codes_the_others_are_compared_in_the_same_way() -> Worked:
    first, second, third = yield (
        modality([*lines("0820", 4), *lines("0840", 7, first="2024-03-10")]),
        modality([*lines("0820", 2), *lines("0840", 7, first="2024-03-10")]),
        modality([*lines("0820", 3), *lines("0840", 7, first="2024-03-10")]),
    )
    assert first == CENTER
    assert second == PERITONEAL
    assert third == UNKNOWN


@worked
def test_5b_different_types_on_a_day_count_for_neither() -> Worked:
    kind = yield modality([*lines("0820", 5), *lines("0840", 4)])
    assert kind == CENTER


@pytest.mark.parametrize("code", ["74", "75"])
@worked
def test_6a_condition_74_or_75_makes_it_home_hemodialysis(code: str) -> Worked:
    first, second = yield (
        modality(lines(HD, 12), conditions=[code]),
        modality(lines(HD, 12), conditions=["71"]),
    )
    assert first == HOME
    assert second == CENTER


@worked
def test_6_home_conditions_do_not_touch_peritoneal_dialysis() -> Worked:
    kind = yield modality(lines(PD, 30), conditions=["74"])
    assert kind == PERITONEAL


@worked
def test_2_the_lines_of_several_claims_are_one_list() -> Worked:
    row, second = yield (
        month(bill(lines(HD, 2), lines(HD, 2), lines(HD, 3, first="2024-03-10"))),
        modality(lines(HD, 3), lines(PD, 7, first="2024-03-10")),
    )
    assert (row["claim_count"], row["sessions"]) == (3, 5)
    # Alone each claim tells its own modality; together they tie.
    assert second == UNKNOWN


@worked
def test_6b_the_claim_with_most_hemodialysis_codes_says_whether_at_home() -> Worked:
    few, many = lines(HD, 3), lines(HD, 9, first="2024-03-10")
    first, second = yield (
        modality(few, many, conditions=[None, "74"]),
        modality(few, many, conditions=["74", None]),
    )
    assert first == HOME
    assert second == CENTER


@worked
def test_6b_of_tied_claims_all_must_be_at_home() -> Worked:
    one, two = lines(HD, 5), lines(HD, 5, first="2024-03-10")
    first, second = yield (
        modality(one, two, conditions=["74", "75"]),
        modality(one, two, conditions=["74", None]),
    )
    assert first == HOME
    assert second == CENTER


@worked
def test_7_sessions_are_kept_of_hemodialysis_alone() -> Worked:
    first, second = yield month(bill(lines(HD, 13))), month(bill(lines(PD, 30)))
    assert first["sessions"] == 13
    assert pd.isna(second["sessions"])


@worked
def test_lines_without_a_day_share_no_day() -> Worked:
    row = yield month(bill([(HD, None), (HD, None), (PD, None)]))
    assert row["sessions"] == 2


@worked
def test_a_mix_of_modalities_is_flagged() -> Worked:
    first, second = yield (
        month(bill([*lines(HD, 9), *lines(PD, 2, first="2024-03-20")])),
        month(bill([*lines(HD, 9), *lines("0881", 2, first="2024-03-20")])),
    )
    assert first["is_mixed"]
    assert not second["is_mixed"]


@worked
def test_claims_that_medicare_denied_or_that_are_for_acute_injury_tell_nothing() -> Worked:
    denied = bill(lines(HD, 9))
    denied["raw.claim"] = [{**row, "clm_mdcr_non_pmt_rsn_cd": "B"} for row in denied["raw.claim"]]
    acute = bill(lines(HD, 9), conditions=["84"])
    requested = bill(lines(HD, 9))
    requested["raw.claim"] = [
        {**row, "clm_mdcr_non_pmt_rsn_cd": "P"} for row in requested["raw.claim"]
    ]
    of_denied, of_acute, of_requested = yield (
        case("history.dialysis_claim", tables=denied),
        case("history.dialysis_claim", tables=acute),
        case("history.dialysis_claim", tables=requested),
    )
    assert of_denied.empty
    assert of_acute.empty
    # Code P is "payment requested".
    assert set(of_requested["modality"]) == {"in-center hemodialysis"}


@pytest.mark.manual("3.1.4")
@pytest.mark.parametrize(
    ("codes", "end", "frequency"),
    [
        (13, "2024-03-31", "usual"),
        (16, "2024-03-28", "frequent"),  # 7 x 16 / 28 = 4
        (15, "2024-03-28", "usual"),
        (8, "2024-03-28", "infrequent"),  # 7 x 8 / 28 = 2
        (9, "2024-03-28", "usual"),
        (4, "2024-03-07", "frequent"),
        (3, "2024-03-07", "usual"),
        (1, "2024-03-07", "usual"),  # no rate of seven days or fewer
    ],
)
@worked
def test_sessions_a_week_by_a_claim(codes: int, end: str, frequency: str) -> Worked:
    row = yield claim(billed=lines(HD, codes), end=end)
    assert row["frequency"] == frequency


@pytest.mark.manual("2.3.14", "3.1.4")
@worked
def test_a_kt_v_of_8_88_is_frequent_dialysis() -> Worked:
    row = yield claim(billed=lines(HD, 12), ktv=8.88)
    assert row["frequency"] == "frequent"


@pytest.mark.manual("3.1.4")
@worked
def test_peritoneal_claims_have_no_frequency() -> Worked:
    row = yield claim(billed=lines(PD, 30))
    assert pd.isna(row["frequency"])


@worked
def test_kt_v_and_its_day_are_those_of_the_claim() -> Worked:
    row = yield claim(billed=lines(HD, 12), ktv=1.45, ktv_day="2024-03-20")
    assert (row["ktv_value"], row["ktv_date"].isoformat()[:10]) == (1.45, "2024-03-20")


@pytest.mark.manual("2.1.10", "2.3.12")
@pytest.mark.parametrize("payment", [{"clm_pmt_amt": 0.0}, {"clm_mco_pd_sw": "1"}])
@worked
def test_a_claim_paid_nothing_is_one_of_kt_v_and_not_of_modality(payment: Row) -> Worked:
    # "Medicare-paid dialysis claims" (2.1.10); 2.3.12 asks for no payment.
    unpaid = bill(lines(HD, 12), ktv=1.45)
    unpaid["raw.claim"] = [{**row, **payment} for row in unpaid["raw.claim"]]
    rows, months = yield (
        case("history.dialysis_claim", tables=unpaid),
        case("history.dialysis_claim", "history.claims_modality", tables=unpaid),
    )
    assert rows["ktv_value"].tolist() == [1.45, 1.45]
    assert not rows["is_paid"].any()
    assert rows["frequency"].tolist() == ["usual", "usual"]
    assert months.empty


@pytest.mark.parametrize("code", ["0822", "0823", "0882"])
@pytest.mark.manual("3.1.1")
@worked
def test_home_lines_are_at_home_by_the_condition_code_alone(code: str) -> Worked:
    # Step 5c sets in center, step 6 changes it: "condition codes used to identify home HD".
    without, with_code = yield (
        modality(lines(code, 12)),
        modality(lines(code, 12), conditions=["74"]),
    )
    assert without == CENTER
    assert with_code == HOME


@worked
def test_a_claim_that_came_late_has_its_modality_in_the_year_whose_files_hold_it() -> Worked:
    late = bill(lines(HD, 12, first="2023-11-01"), start="2023-11-01", end="2023-11-30")
    rows, months = yield (
        case("history.dialysis_claim", tables=late),
        case("history.dialysis_claim", "history.claims_modality", tables=late),
    )
    assert rows["modality"].tolist() == [CENTER, CENTER]
    assert months.empty
