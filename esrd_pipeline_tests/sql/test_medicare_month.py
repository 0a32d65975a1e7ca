"""Months that Medicare covers or observes, and nursing homes: reading 23, manual 2.13.9."""

from dataclasses import replace

import pandas as pd
import pytest

from esrd_pipeline_tests.sql.inpatient_claims import BOTH_YEARS, KNOWN, inpatient
from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

pytestmark = pytest.mark.manual("2.12.12", "2.13.10.1", "2.14.10.4", "2.25.13")


def dialysis(number: int, month: str, paid: float) -> Row:
    return {
        "bene_id": 500,
        "clm_id": number,
        "nch_clm_type_cd": "40",
        "clm_fac_type_cd": "7",
        "clm_srvc_clsfctn_type_cd": "2",
        "clm_from_dt": day(f"{month}-01"),
        "clm_thru_dt": day(f"{month}-28"),
        "clm_pmt_amt": paid,
    }


def see(*claims: Row, ma: tuple[int, ...] = ()) -> Case:
    """The months of 2024 in which Medicare could see the patient."""
    enrolled = {
        "bene_id": 500,
        **{f"hmo_ind_{n:02d}": "1" if n in ma else "0" for n in range(1, 13)},
    }

    def read_rows(rows: pd.DataFrame) -> set[str]:
        seen = rows[rows["is_observable"] & (rows["month"] >= day("2024-01-01"))]
        return {month.isoformat()[:7] for month in seen["month"]}

    return case(
        "history.medicare_month",
        tables={
            "linkage.beneficiary": BOTH_YEARS,
            "raw.claim": list(claims),
            "raw.medicare_enrollment": [enrolled],
        },
    ).read(read_rows)


@worked
def test_a_month_of_1200_dollars_covers_itself_and_the_two_after_it() -> Worked:
    seen = yield see(dialysis(1, "2024-03", 1200))
    assert seen == {"2024-03", "2024-04", "2024-05"}


@worked
def test_a_cent_less_covers_nothing() -> Worked:
    seen = yield see(dialysis(1, "2024-03", 1199.99))
    assert seen == set()


@worked
def test_several_claims_of_a_month_are_added_up() -> Worked:
    seen = yield see(dialysis(1, "2024-03", 700), dialysis(2, "2024-03", 500))
    assert "2024-03" in seen


@worked
def test_an_inpatient_claim_covers_as_well() -> Worked:
    seen = yield see(inpatient(1, "2024-11-03", "2024-11-09"))
    assert seen == {"2024-11", "2024-12"}


@pytest.mark.parametrize(
    ("bill", "is_paid"),
    [
        ({"clm_pmt_amt": 9000.0}, True),
        # Payment requested.
        ({"clm_pmt_amt": 9000.0, "clm_mdcr_non_pmt_rsn_cd": "P"}, True),
        ({"clm_pmt_amt": 0.0, "clm_mdcr_non_pmt_rsn_cd": "N"}, False),
        ({"clm_pmt_amt": 0.0, "clm_mdcr_non_pmt_rsn_cd": "B"}, False),
        # Another insurer pays first.
        ({"clm_pmt_amt": 0.0, "clm_mdcr_non_pmt_rsn_cd": "12"}, False),
        ({"clm_pmt_amt": 0.0}, False),
        ({"clm_pmt_amt": 9000.0, "clm_mco_pd_sw": "1"}, False),
    ],
)
@worked
def test_an_inpatient_claim_that_medicare_did_not_pay_opens_no_month(
    bill: Row, *, is_paid: bool
) -> Worked:
    seen = yield see(inpatient(1, "2024-06-01", "2024-06-05", **bill))
    assert seen == ({"2024-06", "2024-07", "2024-08"} if is_paid else set())


@pytest.mark.parametrize(
    ("bill", "is_paid"),
    [
        ({}, True),
        ({"clm_mdcr_non_pmt_rsn_cd": "P"}, True),
        ({"clm_mdcr_non_pmt_rsn_cd": "N"}, False),
        ({"clm_mco_pd_sw": "0"}, True),
        ({"clm_mco_pd_sw": "1"}, False),
    ],
)
@worked
def test_dialysis_that_medicare_did_not_pay_adds_nothing(bill: Row, *, is_paid: bool) -> Worked:
    seen = yield see({**dialysis(1, "2024-06", 1300), **bill})
    assert seen == ({"2024-06", "2024-07", "2024-08"} if is_paid else set())


@worked
def test_a_long_stay_is_a_claim_during_every_month_of_its_days() -> Worked:
    first, second, last = yield (
        see(inpatient(1, "2024-01-20", "2024-03-05")),
        # December is of the year before.
        see({**inpatient(1, "2023-11-20", "2023-12-31"), "performance_year": 2023}),
        # Of the run-out of the year: it ends in January of the next.
        see(inpatient(1, "2024-11-20", "2025-01-05")),
    )
    assert first == {f"2024-{month:02d}" for month in range(1, 6)}
    assert second == {"2024-01", "2024-02"}
    assert last == {"2024-11", "2024-12"}


@worked
def test_dialysis_for_acute_kidney_injury_is_not_paid_for_esrd() -> Worked:
    one = see(dialysis(1, "2024-03", 3000))
    injured = replace(
        one,
        tables={
            **one.tables,
            "raw.claim_condition": [{"clm_id": 1, "rlt_cond_cd_seq": 1, "clm_rlt_cond_cd": "84"}],
        },
    )
    first, second = yield one, injured
    assert first == {"2024-03", "2024-04", "2024-05"}
    assert second == set()


@pytest.mark.parametrize("kind", ["20", "30", "60"])
@worked
def test_a_claim_of_a_hospital_or_nursing_facility_covers_three_months(kind: str) -> Worked:
    seen = yield see(inpatient(1, "2024-06-01", "2024-06-05", nch_clm_type_cd=kind))
    assert seen == {
        "2024-06",
        "2024-07",
        "2024-08",
    }


@worked
def test_an_outpatient_claim_that_is_no_dialysis_claim_covers_nothing() -> Worked:
    seen = yield see({**dialysis(1, "2024-03", 5000), "clm_srvc_clsfctn_type_cd": "1"})
    assert seen == set()


@worked
def test_a_month_of_the_year_before_covers_january_and_february() -> Worked:
    seen = yield see({**dialysis(1, "2023-12", 1500), "performance_year": 2023})
    assert seen == {"2024-01", "2024-02"}


@worked
def test_small_months_are_not_added_up_over_months() -> Worked:
    seen = yield see(dialysis(1, "2024-03", 700), dialysis(2, "2024-04", 700))
    assert seen == set()


@worked
def test_a_claim_belongs_to_the_month_of_its_last_day() -> Worked:
    rows = {
        **dialysis(1, "2024-03", 1200),
        "clm_from_dt": day("2024-03-20"),
        "clm_thru_dt": day("2024-04-02"),
    }
    seen = yield see(rows)
    assert seen == {"2024-04", "2024-05", "2024-06"}


@worked
def test_coverage_and_medicare_advantage_add_to_each_other() -> Worked:
    seen = yield see(dialysis(1, "2024-03", 1200), ma=(1, 5))
    assert seen == {
        "2024-01",
        "2024-03",
        "2024-04",
        "2024-05",
    }


@worked
def test_medicare_advantage_is_observable_in_its_own_months() -> Worked:
    seen = yield see(ma=(6, 7))
    assert seen == {"2024-06", "2024-07"}


@pytest.mark.manual("2.13.13")
@worked
def test_nursing_home_stays_that_touch_are_one_and_an_open_one_lasts_to_the_years_end() -> Worked:
    rows = yield case(
        "history.nursing_home",
        tables={
            "linkage.beneficiary": [KNOWN],
            "raw.mds_stay": [
                {
                    "bene_id": 500,
                    "entry_date": day("2024-01-05"),
                    "discharge_date": day("2024-01-20"),
                },
                {
                    "bene_id": 500,
                    "entry_date": day("2024-01-21"),
                    "discharge_date": day("2024-02-01"),
                },
                {"bene_id": 500, "entry_date": day("2024-10-01"), "discharge_date": None},
            ],
        },
    )
    assert rows[["start_date", "end_date"]].to_numpy().tolist() == [
        [day("2024-01-05"), day("2024-02-01")],
        [day("2024-10-01"), day("2024-12-31")],
    ]
