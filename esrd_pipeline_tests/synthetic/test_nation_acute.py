"""Acute kidney injury in the synthetic nation: in EQRS and billed before any ESRD (section 4)."""

import pandas as pd
import pytest

from esrd_pipeline.synthetic.nation.acute import ENDINGS
from esrd_pipeline.synthetic.nation.figures import load_figures
from esrd_pipeline_tests.synthetic.nation_files import FIRST, LAST, Nation

KEY = ["patient_id", "facilityid"]


def acute_admissions(nation: Nation, year: int = LAST) -> pd.DataFrame:
    admissions = nation.read("eqrs_admission", year)
    return admissions[admissions["admit_reason"] == "Acute"]


def without_esrd(nation: Nation, year: int) -> set[int]:
    """Return the patients whose only admission is for acute kidney injury."""
    admissions = nation.read("eqrs_admission", year)
    chronic = admissions.loc[admissions["admit_reason"] != "Acute", "patient_id"]
    grafted = nation.truth("spell").query("state == 'transplant'")
    others = set(chronic) | set(grafted.loc[grafted["start_date"].dt.year <= year, "patient_id"])
    return set(acute_admissions(nation, year)["patient_id"]) - others


def beneficiaries(nation: Nation) -> pd.DataFrame:
    return nation.truth("patient")[["patient_id", "bene_id", "first_service_date"]]


def dialysis_claims(nation: Nation, year: int, *, with_run_out: bool = False) -> pd.DataFrame:
    claims = nation.read("outpatient_base", year, with_run_out=with_run_out)
    conditions = nation.read("outpatient_condition", year, with_run_out=with_run_out)
    acute = conditions.loc[conditions["clm_rlt_cond_cd"] == "84", "clm_id"]
    claims = claims[claims["clm_fac_type_cd"] == "7"]
    claims = claims.merge(beneficiaries(nation), on="bene_id")
    return claims.assign(is_acute=claims["clm_id"].isin(acute))


@pytest.mark.parametrize("year", [FIRST, LAST])
def test_eqrs_knows_people_with_acute_injury_alone_and_nothing_of_esrd(
    nation: Nation, year: int
) -> None:
    people = without_esrd(nation, year)
    assert len(people) > 0
    patients = nation.read("eqrs_patient", year).set_index("patient_id")
    assert people <= set(patients.index)
    assert patients.loc[list(people), "primary_cause"].isna().all()
    assert people <= set(nation.read("eqrs_identifier", year)["patient_id"])
    for name in ("cms_2728", "cms_2746"):
        assert people.isdisjoint(nation.read(name, year)["patient_id"])
    for name in ("optn_waitlist", "optn_transplant"):
        assert people.isdisjoint((nation.read(name, year)["pers_id"] - 5) // 2)
    treatments = nation.read("eqrs_treatment", year)
    theirs = treatments[treatments["patient_id"].isin(people)]
    assert theirs["patient_id"].nunique() == len(theirs) == len(people)
    assert (theirs["treatment_type"] == "Hemodialysis").all()
    assert (theirs["setting"] == "Dialysis Facility/Center").all()


@pytest.mark.parametrize("year", [FIRST, LAST])
def test_people_with_acute_injury_alone_have_dialysis_claims_of_condition_84_alone(
    nation: Nation, year: int
) -> None:
    claims = dialysis_claims(nation, year)
    theirs = claims[claims["patient_id"].isin(without_esrd(nation, year))]
    assert len(theirs) > 0
    assert theirs["is_acute"].all()


def test_no_patient_of_the_last_year_without_first_service_has_esrd(nation: Nation) -> None:
    people = nation.truth("patient")
    unstarted = set(people.loc[people["first_service_date"].isna(), "patient_id"])
    assert unstarted == without_esrd(nation, LAST)
    assert unstarted.isdisjoint(nation.truth("spell")["patient_id"])
    assert unstarted.isdisjoint(nation.truth("month")["patient_id"])
    assert unstarted.isdisjoint(nation.truth("stay")["patient_id"])


def test_claims_of_acute_injury_are_one_a_month_paid_and_within_the_admission(
    nation: Nation,
) -> None:
    claims = pd.concat([dialysis_claims(nation, year) for year in (FIRST, LAST)])
    acute = claims[claims["is_acute"]]
    assert len(acute) > 0
    month = acute["clm_from_dt"].dt.to_period("M")
    assert (month == acute["clm_thru_dt"].dt.to_period("M")).all()
    assert not pd.DataFrame({"who": acute["bene_id"], "month": month}).duplicated().any()
    assert (acute["clm_pmt_amt"] > 0).all()
    assert (acute["prncpal_dgns_cd"] == "N179").all()
    started = acute["first_service_date"]
    assert (started.isna() | (acute["clm_thru_dt"] < started)).all()
    both = acute.merge(acute_admissions(nation), on="patient_id", validate="many_to_one")
    assert len(both) == len(acute)
    assert (both["clm_from_dt"] >= both["admit_date"]).all()
    assert (both["discharge_date"].isna() | (both["clm_thru_dt"] <= both["discharge_date"])).all()


def test_a_claim_of_acute_injury_is_paid_by_its_sessions(nation: Nation) -> None:
    claims, lines = dialysis_claims(nation, LAST), nation.read("outpatient_revenue")
    acute = claims[claims["is_acute"]].set_index("clm_id")
    lines = lines[lines["clm_id"].isin(acute.index)]
    paid = lines.groupby("clm_id")["rev_cntr_pmt_amt_amt"].sum()
    assert (lines["rev_cntr"] == "0821").all()
    assert (lines["hcpcs_1st_mdfr_cd"] == "V5").all()
    difference = acute["clm_pmt_amt"] - paid.reindex(acute.index)
    assert (difference.abs() < 0.01).all()


def test_the_share_with_acute_injury_is_that_of_the_figures(nation: Nation) -> None:
    people, labels = nation.truth("patient"), nation.defects("acute admission")
    assert labels["patient_id"].is_unique
    # Facilities that had not opened, or have no in-center hemodialysis, treat none of them.
    share = len(labels) / len(people)
    assert 0.7 < share / load_figures()["acute_before"] < 1.15


def test_an_admission_for_acute_injury_ends_as_it_is_labelled(nation: Nation) -> None:
    labels = nation.defects("acute admission").rename(columns={"day": "admit_date"})
    admissions = acute_admissions(nation)
    both = labels.merge(admissions, on=[*KEY, "admit_date"], validate="one_to_one")
    assert len(both) == len(labels) == len(admissions)
    assert set(ENDINGS) <= set(both["detail"]) <= {*ENDINGS, "not ended"}
    reasons = {"ESRD": "Acute", **{word: word for word in ENDINGS if word != "ESRD"}}
    ended = both[both["detail"] != "not ended"]
    assert (ended["discharge_reason"] == ended["detail"].map(reasons)).all()
    assert (ended["discharge_date"] > ended["admit_date"]).all()
    assert both.loc[both["detail"] == "not ended", "discharge_date"].isna().all()
    followed = both[both["detail"] == "ESRD"].merge(
        nation.read("eqrs_admission"), on=KEY, suffixes=("", "_next")
    )
    followed = followed[followed["admit_reason_next"] == "New ESRD Patient"]
    assert len(followed) == (both["detail"] == "ESRD").sum()
    assert (followed["admit_date_next"] - followed["discharge_date"] == pd.Timedelta(days=1)).all()


def test_a_month_of_acute_injury_is_reported_with_a_catheter(nation: Nation) -> None:
    admissions = acute_admissions(nation)
    people = admissions[admissions["patient_id"].isin(without_esrd(nation, LAST))]
    people = people[people["discharge_date"].isna() | (people["discharge_date"].dt.year == LAST)]
    assert len(people) > 0
    accesses = nation.read("eqrs_vascular_access").merge(people, on=KEY)
    assert set(accesses["patient_id"]) == set(people["patient_id"])
    assert (accesses["access_type"] == "Catheter Only").all()
    measured = nation.read("eqrs_clinical_month").merge(people, on=KEY)
    assert len(measured) == len(accesses)
    assert measured["calcium_value"].between(8, 10).all()
    assert measured["ktv_value"].isna().all()


def test_enrollment_tells_age_or_disability_before_esrd(nation: Nation) -> None:
    people = beneficiaries(nation).dropna(subset="bene_id")
    enrolled = nation.read("medicare_enrollment").merge(people, on="bene_id")
    unstarted = enrolled[enrolled["patient_id"].isin(without_esrd(nation, LAST))]
    assert len(unstarted) > 0
    assert (unstarted["esrd_ind"] == "0").all()
    assert unstarted["mdcr_status_code_12"].isin(["10", "20"]).all()
    others = enrolled[~enrolled["patient_id"].isin(without_esrd(nation, LAST))]
    assert (others["esrd_ind"] == "Y").all()
