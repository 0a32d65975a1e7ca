"""Hospital stays from claims, and COVID-19 among them: manual 2.13.11, 2.13.13."""

import pytest

from esrd_pipeline_tests.sql.inpatient_claims import BOTH_YEARS, inpatient
from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

pytestmark = pytest.mark.manual("2.13.11")


def stay(*claims: Row) -> Case:
    return case(
        "history.covid_claim",
        "history.first_covid_admission",
        "history.hospital_stay",
        tables={"linkage.beneficiary": BOTH_YEARS, "raw.claim": list(claims)},
    )


@worked
def test_a_claim_is_a_stay() -> Worked:
    rows = yield stay(inpatient(1, "2024-02-01", "2024-02-05"))
    (row,) = rows.to_dict("records")
    assert (row["admit_date"], row["discharge_date"]) == (day("2024-02-01"), day("2024-02-05"))


@worked
def test_a_claim_sent_twice_is_one_stay() -> Worked:
    rows = yield stay(
        inpatient(1, "2024-02-01", "2024-02-05"), inpatient(2, "2024-02-01", "2024-02-05")
    )
    assert rows["claim_count"].tolist() == [2]


@worked
def test_a_transfer_the_next_day_goes_on_with_the_stay() -> Worked:
    rows = yield stay(
        inpatient(1, "2024-02-01", "2024-02-05", status="02"),
        inpatient(2, "2024-02-06", "2024-02-09"),
    )
    assert rows["discharge_date"].tolist() == [day("2024-02-09")]
    assert rows["hospital"].tolist() == ["010001"]


@worked
def test_an_admission_the_day_after_going_home_is_another_stay() -> Worked:
    rows = yield stay(
        inpatient(1, "2024-02-01", "2024-02-05"), inpatient(2, "2024-02-06", "2024-02-09")
    )
    assert len(rows) == 2


@pytest.mark.manual("2.13.11")
@pytest.mark.parametrize("status", ["02", "05", "30", "43", "66", "82", "85", "88", "94"])
@worked
def test_a_transfer_or_interim_bill_joins_what_begins_the_next_day(status: str) -> Worked:
    rows = yield stay(
        inpatient(1, "2024-02-01", "2024-02-05", status=status),
        inpatient(2, "2024-02-06", "2024-02-09"),
    )
    assert len(rows) == 1


@worked
def test_a_transfer_two_days_before_is_another_stay() -> Worked:
    rows = yield stay(
        inpatient(1, "2024-02-01", "2024-02-05", status="02"),
        inpatient(2, "2024-02-07", "2024-02-09"),
    )
    assert len(rows) == 2


@worked
def test_claims_that_overlap_are_one_stay_from_the_first_day_to_the_last() -> Worked:
    rows = yield stay(
        inpatient(1, "2024-02-01", "2024-02-10"), inpatient(2, "2024-02-04", "2024-02-06")
    )
    (row,) = rows.to_dict("records")
    assert (row["admit_date"], row["discharge_date"]) == (day("2024-02-01"), day("2024-02-10"))


@worked
def test_a_claim_within_a_longer_one_does_not_end_it() -> Worked:
    rows = yield stay(
        inpatient(1, "2024-02-01", "2024-02-20"),
        inpatient(2, "2024-02-04", "2024-02-06"),
        inpatient(3, "2024-02-15", "2024-02-25"),
    )
    assert rows["discharge_date"].tolist() == [day("2024-02-25")]


@worked
def test_an_admission_on_the_day_of_discharge_goes_on_with_the_stay() -> Worked:
    rows = yield stay(
        inpatient(1, "2024-02-01", "2024-02-05"), inpatient(2, "2024-02-05", "2024-02-08")
    )
    assert rows["discharge_date"].tolist() == [day("2024-02-08")]


@worked
def test_a_stay_keeps_the_hospital_and_diagnosis_it_began_with_and_the_status_it_ended_with() -> (
    Worked
):
    rows = yield stay(
        inpatient(1, "2024-02-01", "2024-02-05", status="02", prncpal_dgns_cd="N186"),
        inpatient(2, "2024-02-06", "2024-02-09", status="20", prncpal_dgns_cd="I509"),
    )
    (row,) = rows.to_dict("records")
    assert (row["hospital"], row["principal_diagnosis"]) == ("010001", "N186")
    assert row["discharge_status"] == "20"


@worked
def test_the_admission_date_counts_and_without_one_the_first_day_billed() -> Worked:
    rows = yield stay(
        inpatient(1, "2024-02-03", "2024-02-05", clm_admsn_dt=day("2024-02-01")),
        inpatient(2, "2024-04-03", "2024-04-05", clm_admsn_dt=None),
    )
    assert rows["admit_date"].tolist() == [day("2024-02-01"), day("2024-04-03")]


@pytest.mark.manual("2.13.11")
@worked
def test_a_stay_that_medicare_did_not_pay_counts() -> Worked:
    rows = yield stay(inpatient(1, "2024-02-01", "2024-02-05", clm_mdcr_non_pmt_rsn_cd="B"))
    assert len(rows) == 1


@pytest.mark.manual("2.13.17")
@worked
def test_outpatient_and_nursing_home_claims_are_no_hospital_stay() -> Worked:
    rows = yield stay(
        inpatient(1, "2024-02-01", "2024-02-05", nch_clm_type_cd="40"),
        inpatient(2, "2024-03-01", "2024-03-05", nch_clm_type_cd="20"),
    )
    assert rows.empty


@worked
def test_a_stay_over_new_year_is_joined_from_both_years_claims() -> Worked:
    rows = yield stay(
        inpatient(1, "2023-12-20", "2023-12-31", status="30", performance_year=2023),
        inpatient(2, "2024-01-01", "2024-01-09"),
    )
    assert rows["admit_date"].tolist() == [day("2023-12-20")]
    assert rows["discharge_date"].tolist() == [day("2024-01-09")]


@worked
def test_two_patients_on_the_same_days_have_a_stay_each() -> Worked:
    rows = yield case(
        "history.covid_claim",
        "history.first_covid_admission",
        "history.hospital_stay",
        tables={
            "linkage.beneficiary": [
                *BOTH_YEARS,
                {"bene_id": 501, "patient_id": 2, "performance_year": 2024},
            ],
            "raw.claim": [
                inpatient(1, "2024-02-01", "2024-02-05"),
                inpatient(2, "2024-02-03", "2024-02-08", bene_id=501),
            ],
        },
    )
    assert rows["patient_id"].tolist() == [1, 2]


@pytest.mark.manual("2.13.13")
@worked
def test_the_first_stay_with_covid_is_the_index_and_later_ones_are_not() -> Worked:
    rows = yield stay(
        inpatient(1, "2024-02-01", "2024-02-05", icd_dgns_cd7="U071"),
        inpatient(2, "2024-05-01", "2024-05-05", prncpal_dgns_cd="U071"),
    )
    assert rows["is_covid"].tolist() == [True, True]
    assert rows["is_index_covid"].tolist() == [True, False]


@pytest.mark.manual("2.13.13")
@pytest.mark.parametrize("code", ["U071", "B9729", "J1282"])
@worked
def test_any_code_of_covid_makes_the_index_stay(code: str) -> Worked:
    rows = yield stay(
        inpatient(1, "2024-02-01", "2024-02-05", icd_dgns_cd25="J129"),
        inpatient(2, "2024-03-01", "2024-03-05", icd_dgns_cd25=code),
    )
    assert rows["is_index_covid"].tolist() == [False, True]


@pytest.mark.manual("2.13.13")
@worked
def test_a_first_stay_of_years_ago_is_not_forgotten() -> Worked:
    rows = yield case(
        "history.covid_claim",
        "history.first_covid_admission",
        tables={
            "linkage.beneficiary": BOTH_YEARS,
            "raw.claim": [inpatient(1, "2024-05-01", "2024-05-05", prncpal_dgns_cd="U071")],
            "history.first_covid_admission": [
                {"patient_id": 1, "admit_date": day("2021-05-03"), "performance_year": 2023}
            ],
        },
    )
    assert rows["admit_date"].tolist() == [day("2021-05-03")]


@pytest.mark.manual("2.13.13")
@worked
def test_a_stay_after_a_first_one_of_years_ago_is_not_the_index() -> Worked:
    rows = yield case(
        "history.covid_claim",
        "history.first_covid_admission",
        "history.hospital_stay",
        tables={
            "linkage.beneficiary": BOTH_YEARS,
            "raw.claim": [inpatient(1, "2024-05-01", "2024-05-05", prncpal_dgns_cd="U071")],
            "history.first_covid_admission": [
                {"patient_id": 1, "admit_date": day("2021-05-03"), "performance_year": 2023}
            ],
        },
    )
    assert rows["is_index_covid"].tolist() == [False]


@worked
def test_the_claim_before_is_the_one_that_ended_last() -> Worked:
    rows = yield stay(
        inpatient(1, "2024-02-01", "2024-02-10", status="02"),
        inpatient(2, "2024-02-03", "2024-02-05", status="01"),
        inpatient(3, "2024-02-11", "2024-02-14"),
    )
    assert rows["discharge_date"].tolist() == [day("2024-02-14")]


@pytest.mark.manual("2.13.13")
@worked
def test_the_stages_after_covid_are_days_1_to_30_31_to_60_and_61_to_180() -> Worked:
    rows = yield case(
        "history.covid_stage",
        tables={
            "history.hospital_stay": [
                {
                    "patient_id": 1,
                    "admit_date": day("2024-01-25"),
                    "discharge_date": day("2024-02-10"),
                    "covid_discharge_date": day("2024-01-31"),
                    "is_index_covid": True,
                }
            ]
        },
    )
    assert rows["start_date"].tolist() == [
        day(d) for d in ("2024-02-01", "2024-03-02", "2024-04-01")
    ]
    assert rows["end_date"].tolist() == [day(d) for d in ("2024-03-01", "2024-03-31", "2024-07-29")]


@pytest.mark.manual("2.13.13")
@pytest.mark.parametrize(
    ("claims", "clock"),
    [
        # Care in another hospital goes on with the stay, not with the claim.
        (
            [
                inpatient(1, "2024-03-01", "2024-03-05", status="02", icd_dgns_cd2="U071"),
                inpatient(2, "2024-03-06", "2024-03-20"),
            ],
            "2024-03-05",
        ),
        # Nor does COVID-19 on the second claim, too: the clock is not reset.
        (
            [
                inpatient(1, "2024-03-01", "2024-03-05", status="02", icd_dgns_cd2="U071"),
                inpatient(2, "2024-03-06", "2024-03-20", icd_dgns_cd2="U071"),
            ],
            "2024-03-05",
        ),
        # Care before: the first claim with COVID-19 is the second.
        (
            [
                inpatient(1, "2024-03-01", "2024-03-05", status="02"),
                inpatient(2, "2024-03-06", "2024-03-20", icd_dgns_cd2="U071"),
            ],
            "2024-03-20",
        ),
        # An interim bill is no discharge: its hospital's next bill that ends is.
        (
            [
                inpatient(1, "2024-03-01", "2024-03-10", status="30", icd_dgns_cd2="U071"),
                inpatient(2, "2024-03-11", "2024-03-15", status="30", prvdr_num="010001"),
                inpatient(3, "2024-03-16", "2024-03-18", status="02", prvdr_num="010001"),
                inpatient(4, "2024-03-19", "2024-03-25"),
            ],
            "2024-03-18",
        ),
        # The patient is there still, as far as bills tell.
        (
            [inpatient(1, "2024-03-01", "2024-03-10", status="30", icd_dgns_cd2="U071")],
            "2024-03-10",
        ),
    ],
)
@worked
def test_covids_clock_starts_when_the_first_claim_with_it_is_discharged(
    claims: list[Row], clock: str
) -> Worked:
    rows, stages = yield (
        stay(*claims),
        case(
            "history.covid_claim",
            "history.first_covid_admission",
            "history.hospital_stay",
            "history.covid_stage",
            tables={"linkage.beneficiary": BOTH_YEARS, "raw.claim": claims},
        ),
    )
    assert len(rows) == 1
    assert rows["is_index_covid"].tolist() == [True]
    assert rows["covid_discharge_date"].tolist() == [day(clock)]
    assert (stages["start_date"].min() - day(clock)).days == 1
    assert (stages["end_date"].max() - day(clock)).days == 180
