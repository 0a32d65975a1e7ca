"""Medicare's records of patients: stays, months, nursing homes, conditions, COVID-19 stages."""

import pandas as pd
import pytest

from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

KNOWN = {"bene_id": 500, "patient_id": 1}
BOTH_YEARS = [{**KNOWN, "performance_year": year} for year in (2023, 2024)]


def inpatient(number: int, start: str, end: str, status: str = "01", **other: object) -> Row:
    return {
        "bene_id": 500,
        "clm_id": number,
        "nch_clm_type_cd": "60",
        "clm_from_dt": day(start),
        "clm_thru_dt": day(end),
        "clm_admsn_dt": day(start),
        "prvdr_num": f"01000{number}",
        "ptnt_dschrg_stus_cd": status,
        **other,
    }


def stay(*claims: Row) -> Case:
    return case(
        "history.covid_claim",
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


@pytest.mark.parametrize("status", ["02", "05", "30", "66"])
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


@worked
def test_a_stay_that_medicare_did_not_pay_counts() -> Worked:
    rows = yield stay(inpatient(1, "2024-02-01", "2024-02-05", clm_mdcr_non_pmt_rsn_cd="B"))
    assert len(rows) == 1


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


@worked
def test_the_first_stay_with_covid_is_the_index_and_later_ones_are_not() -> Worked:
    rows = yield stay(
        inpatient(1, "2024-02-01", "2024-02-05", icd_dgns_cd7="U071"),
        inpatient(2, "2024-05-01", "2024-05-05", prncpal_dgns_cd="U071"),
    )
    assert rows["is_covid"].tolist() == [True, True]
    assert rows["is_index_covid"].tolist() == [True, False]


@pytest.mark.parametrize("code", ["U071", "B9729", "J1282"])
@worked
def test_any_code_of_covid_makes_the_index_stay(code: str) -> Worked:
    rows = yield stay(
        inpatient(1, "2024-02-01", "2024-02-05", icd_dgns_cd25="J129"),
        inpatient(2, "2024-03-01", "2024-03-05", icd_dgns_cd25=code),
    )
    assert rows["is_index_covid"].tolist() == [False, True]


@worked
def test_the_stages_after_covid_are_days_1_to_30_31_to_60_and_61_to_180() -> Worked:
    rows = yield case(
        "history.covid_stage",
        tables={
            "history.hospital_stay": [
                {
                    "patient_id": 1,
                    "admit_date": day("2024-01-25"),
                    "discharge_date": day("2024-01-31"),
                    "is_index_covid": True,
                }
            ]
        },
    )
    assert rows["start_date"].tolist() == [
        day(d) for d in ("2024-02-01", "2024-03-02", "2024-04-01")
    ]
    assert rows["end_date"].tolist() == [day(d) for d in ("2024-03-01", "2024-03-31", "2024-07-29")]


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


def start(*forms: Row, cause: str | None = None, born: str = "1950-01-01") -> Case:
    person = {"patient_id": 1, "date_of_birth": day(born), "primary_cause": cause}
    numbered = [
        {"patient_id": 1, "form_number": n, **form} for n, form in enumerate(forms, start=1)
    ]
    one = case(
        "history.patient_characteristics",
        tables={"linkage.patient": [person], "raw.cms_2728": numbered},
    )
    # The imputed BMI is a mean of all patients, and so not this one's alone.
    return one.read(lambda rows: rows.drop(columns="imputed_bmi").to_dict("records")[0])


@pytest.mark.parametrize(
    ("weight", "bmi_class"),
    [(18.4, "<18.5"), (18.5, "18.5-25"), (25.0, "25-30"), (30.0, ">=30"), (71.0, ">=30")],
)
@worked
def test_bmi_classes_and_what_is_out_of_range(weight: float, bmi_class: str) -> Worked:
    row = yield start({"height_cm": 100.0, "dry_weight_kg": weight})
    assert row["bmi_class"] == bmi_class


@worked
def test_a_missing_bmi_goes_to_the_commonest_class() -> Worked:
    row = yield start({})
    assert row["bmi_class"] == ">=30"


@pytest.mark.parametrize(
    ("weight", "born", "is_missing"),
    [
        (9.9, "1950-01-01", True),
        (10.0, "1950-01-01", False),
        (70.0, "1950-01-01", False),
        (70.1, "1950-01-01", True),
        (5.0, "2002-01-02", False),
        (4.9, "2002-01-02", True),
        (5.0, "2002-01-01", True),
    ],
)
@worked
def test_a_bmi_out_of_range_is_missing_and_children_under_18_may_have_5(
    weight: float, born: str, *, is_missing: bool
) -> Worked:
    row = yield start(
        {"height_cm": 100.0, "dry_weight_kg": weight, "dialysis_began_date": day("2020-01-01")},
        born=born,
    )
    assert row["is_bmi_missing"] == is_missing


@pytest.mark.parametrize(
    ("form", "is_institutionalised"),
    [
        ({"has_institutionalised": True}, True),
        ({"setting": "SNF/Long Term Care Facility"}, True),
        ({"setting": "Home"}, False),
        ({}, False),
    ],
)
@worked
def test_the_form_or_the_place_of_dialysis_says_institutionalised(
    form: Row, *, is_institutionalised: bool
) -> Worked:
    row = yield start(form)
    assert row["is_institutionalised"] == is_institutionalised


@worked
def test_amputation_and_assistance_are_no_condition_of_shrs_list() -> Worked:
    row = yield start({"has_amputation": True, "has_needs_assistance": True})
    assert (row["has_amputation"], row["has_needs_assistance"]) == (True, True)
    assert not row["has_any_condition"]


@worked
def test_any_of_four_boxes_is_diabetes_and_diabetes_is_a_condition() -> Worked:
    row = yield start({"has_diabetic_retinopathy": True})
    assert (row["has_diabetes"], row["has_any_condition"]) == (True, True)


@worked
def test_the_first_form_counts() -> Worked:
    row = yield start(
        {"dialysis_began_date": day("2020-01-01"), "has_tobacco_use": True},
        {"dialysis_began_date": day("2023-01-01"), "has_drug_dependence": True},
    )
    assert (row["has_tobacco_use"], row["has_drug_dependence"]) == (True, False)


@worked
def test_diabetes_as_the_cause_is_read_off_the_code_and_a_missing_cause_is_marked() -> Worked:
    causes = ("E0822", "E0922", "E1022", "E1122", "E1322", "I120", "E14", None)
    rows = yield {cause: start({}, cause=cause) for cause in causes}
    assert [cause for cause, row in rows.items() if row["is_diabetes_cause"]] == [
        "E0822",
        "E0922",
        "E1022",
        "E1122",
        "E1322",
    ]
    assert rows[None]["is_cause_missing"]


def outpatient(number: int, on: str, code: str) -> Row:
    return {
        "bene_id": 500,
        "clm_id": number,
        "performance_year": 2023,
        "nch_clm_type_cd": "40",
        "clm_from_dt": day(on),
        "clm_thru_dt": day(on),
        "icd_dgns_cd2": code,
    }


def suffer(*claims: Row, carrier: tuple[Row, ...] = (), lines: tuple[Row, ...] = ()) -> Case:
    return case(
        "history.laboratory_claim",
        "history.prevalent_condition",
        tables={
            "linkage.beneficiary": [{**KNOWN, "performance_year": 2023}],
            "raw.claim": list(claims),
            "raw.carrier_claim": carrier,
            "raw.carrier_line": lines,
        },
    ).read(lambda rows: set(zip(rows["specification"], rows["condition_group"], strict=True)))


@worked
def test_one_inpatient_claim_is_enough_for_every_specification() -> Worked:
    claim = inpatient(1, "2023-05-01", "2023-05-04", prncpal_dgns_cd="I509", performance_year=2023)
    conditions = yield suffer(claim)
    assert conditions == {(name, "ccs_108") for name in ("manual", "submission", "smr")}


@worked
def test_two_days_of_other_claims_are_enough_for_the_submission_and_smr() -> Worked:
    one = outpatient(1, "2023-05-01", "I509")
    first, second, third = yield (
        suffer(one),
        suffer(one, outpatient(2, "2023-05-01", "I509")),
        suffer(one, outpatient(2, "2023-06-01", "I509")),
    )
    assert first == set()
    assert second == set()
    both = {("submission", "ccs_108"), ("smr", "ccs_108")}
    assert third == both


@worked
def test_claims_of_laboratories_say_nothing_to_smr() -> Worked:
    one, two = outpatient(1, "2023-05-01", "I509"), outpatient(2, "2023-06-01", "I509")
    bill = {"clm_fac_type_cd": "1", "clm_srvc_clsfctn_type_cd": "4"}
    physician = {name: value for name, value in two.items() if name != "nch_clm_type_cd"}
    tested = {"clm_id": 2, "line_num": 1, "prvdr_spclty": "69", "performance_year": 2023}
    seen = {**tested, "line_num": 2, "prvdr_spclty": "39"}
    first, second, third = yield (
        suffer(one, {**two, **bill}),
        suffer(one, carrier=(physician,), lines=(tested,)),
        suffer(one, carrier=(physician,), lines=(tested, seen)),
    )
    assert first == {("submission", "ccs_108")}
    assert second == {("submission", "ccs_108")}
    both = {("submission", "ccs_108"), ("smr", "ccs_108")}
    assert third == both


@worked
def test_claims_of_the_year_itself_do_not_count() -> Worked:
    claim = inpatient(1, "2024-05-01", "2024-05-04", prncpal_dgns_cd="I509")
    conditions = yield suffer(claim)
    assert conditions == set()
