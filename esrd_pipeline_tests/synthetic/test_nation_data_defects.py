"""Data defects for the modelled measures: the files contain exactly the labelled defects."""

import numpy as np
import pandas as pd

from esrd_pipeline.synthetic.nation.hospitals import CANCER_HOSPITALS
from esrd_pipeline_tests.synthetic.nation_files import LAST, Nation

BLOOD_CENTERS = ("0381", "0390", "0391")
EMERGENCY_CENTERS = ("0450", "0451", "0981")


def short_stay(numbers: pd.Series) -> pd.Series:
    return numbers.str[2].eq("0") & ~numbers.isin(set(CANCER_HOSPITALS.values()))


def of_year(nation: Nation, kind: str, claims: pd.DataFrame) -> pd.DataFrame:
    labels = nation.defects(kind)
    return labels[labels["clm_id"].isin(claims["clm_id"])]


def own_stays(nation: Nation) -> pd.DataFrame:
    """The year's inpatient claims without those that come twice."""
    claims = nation.read("inpatient_base")
    return claims[~claims["clm_id"].isin(nation.defects("duplicate claim")["clm_id"])]


def visits(nation: Nation) -> pd.DataFrame:
    claims = nation.read("outpatient_base")
    return claims[claims["clm_fac_type_cd"] != "7"]


def test_a_stay_outside_short_stay_hospitals_has_the_number_of_its_kind(nation: Nation) -> None:
    claims = own_stays(nation)
    labels = of_year(nation, "stay outside short stay hospitals", claims)
    assert set(labels["clm_id"]) == set(claims.loc[~short_stay(claims["prvdr_num"]), "clm_id"])
    kinds = labels.merge(claims, on="clm_id").groupby("detail")["prvdr_num"]
    middle = {kind: set(numbers.str[2:4]) for kind, numbers in kinds}
    assert middle["psychiatric hospital"] == {"40"}
    assert middle["rehabilitation hospital"] == {"30"}
    assert middle["long-term hospital"] == {"20"}
    assert middle["critical access hospital"] == {"13"}
    assert {number[0] for number in middle["psychiatric unit"]} == {"S"}
    assert {number[0] for number in middle["rehabilitation unit"]} == {"T"}


def test_who_left_against_advice_has_status_07(nation: Nation) -> None:
    claims = own_stays(nation)
    labels = of_year(nation, "left against medical advice", claims)
    left = claims.loc[claims["ptnt_dschrg_stus_cd"] == "07", "clm_id"]
    assert set(labels["clm_id"]) == set(left)
    assert 0 < len(left) < 0.03 * len(claims)


def test_interim_bills_are_of_one_admission_and_follow_one_another(nation: Nation) -> None:
    claims = own_stays(nation)
    labels = of_year(nation, "interim bill", claims)
    bills = claims[claims["clm_id"].isin(labels["clm_id"])].sort_values(
        ["bene_id", "clm_admsn_dt", "clm_from_dt"]
    )
    first, last = bills[::2].reset_index(drop=True), bills[1::2].reset_index(drop=True)
    assert len(first) == len(last) > 0
    for name in ("bene_id", "clm_admsn_dt", "prvdr_num"):
        assert (first[name] == last[name]).all()
    assert (last["clm_from_dt"] - first["clm_thru_dt"] == pd.Timedelta(days=1)).all()
    assert (first["clm_freq_cd"] == "2").all()
    assert (first["ptnt_dschrg_stus_cd"] == "30").all()
    assert first["nch_bene_dschrg_dt"].isna().all()
    assert (last["clm_freq_cd"] == "4").all()


def test_rehabilitation_has_its_revenue_centers(nation: Nation) -> None:
    claims, lines = own_stays(nation), nation.read("inpatient_revenue")
    board = set(lines.loc[lines["rev_cntr"] == "0118", "clm_id"])
    wards = of_year(nation, "stay outside short stay hospitals", claims)
    wards = wards[wards["detail"].str.startswith("rehabilitation")]
    therapy = of_year(nation, "rehabilitation in a short stay hospital", claims)
    assert set(therapy["clm_id"]) | set(wards["clm_id"]) == board
    assert set(lines.loc[lines["rev_cntr"] == "0024", "clm_id"]) == set(wards["clm_id"])


def test_a_visit_in_two_claims_is_on_consecutive_days(nation: Nation) -> None:
    claims = visits(nation)
    labels = of_year(nation, "emergency visit in two claims", claims)
    assert len(labels) > 0
    second = claims[claims["clm_id"].isin(labels["clm_id"])]
    before = claims.assign(next_day=claims["clm_thru_dt"] + pd.Timedelta(days=1))
    both = second.merge(
        before, left_on=["bene_id", "clm_from_dt"], right_on=["bene_id", "next_day"]
    )
    assert set(both["clm_id_x"]) == set(second["clm_id"])


def test_visits_that_touch_a_stay_share_a_day_with_it(nation: Nation) -> None:
    claims = visits(nation)
    lines = nation.read("outpatient_revenue")
    emergency = lines.loc[lines["rev_cntr"].isin(EMERGENCY_CENTERS), "clm_id"]
    claims = claims[claims["clm_id"].isin(emergency)]
    people = nation.truth("patient")[["patient_id", "bene_id"]].dropna()
    stays = nation.truth("stay").merge(people, on="patient_id")
    both = claims.merge(stays, on="bene_id")
    touches = (both["clm_from_dt"] <= both["discharge_date"]) & (
        both["clm_thru_dt"] >= both["admit_date"]
    )
    labels = of_year(nation, "emergency visit touching a stay", claims)
    found = set(both.loc[touches, "clm_id"])
    # Stays that end after the year are not yet reported; transplant stays are not labelled.
    assert len(found - set(labels["clm_id"])) <= 0.02 * len(found)
    assert len(set(labels["clm_id"]) - found) <= 0.05 * len(labels)


def test_transfusions_outside_stays_are_coded_as_labelled(nation: Nation) -> None:
    claims, lines = visits(nation), nation.read("outpatient_revenue")
    values = nation.read("outpatient_value")
    labels = of_year(nation, "outpatient transfusion coded in part", claims)
    is_blood = lines["hcpcs_cd"].isin(["36430", "P9016"])
    is_counted = is_blood & lines["rev_cntr"].isin(BLOOD_CENTERS)
    coded, counted = (set(lines.loc[which, "clm_id"]) for which in (is_blood, is_counted))
    pints = set(values.loc[values["clm_val_cd"] == "37", "clm_id"])
    without_line = labels["detail"] == "procedure without a line"
    assert coded - counted == set(labels.loc[without_line, "clm_id"])
    assert pints == set(labels.loc[~without_line, "clm_id"])
    assert pints.isdisjoint(coded)


def test_two_transfusion_claims_of_a_day_are_one_patient_s(nation: Nation) -> None:
    claims = visits(nation)
    second = of_year(nation, "transfusion billed twice on a day", claims)
    marked = claims[claims["clm_id"].isin(second["clm_id"])]
    both = marked.merge(claims, on=["bene_id", "clm_from_dt", "clm_thru_dt"])
    assert set(both.loc[both["clm_id_x"] != both["clm_id_y"], "clm_id_x"]) == set(marked["clm_id"])


def test_two_registrations_end_on_one_day(nation: Nation) -> None:
    waitlist = nation.read("optn_waitlist")
    twice = waitlist[waitlist["pers_id"].duplicated(keep=False)]
    labelled = nation.defects("two registrations on the waitlist")["patient_id"] * 2 + 5
    assert set(twice["pers_id"]) == set(labelled)
    assert twice.groupby("pers_id").size().eq(2).all()
    ordered = twice.sort_values(["pers_id", "can_listing_dt"])
    first, second = ordered[::2].reset_index(drop=True), ordered[1::2].reset_index(drop=True)
    same = first["can_rem_dt"] == second["can_rem_dt"]
    assert (same | (first["can_rem_dt"].isna() & second["can_rem_dt"].isna())).all()


def test_some_are_listed_before_dialysis_and_some_receive_living_donors_kidneys(
    nation: Nation,
) -> None:
    waitlist, people = nation.read("optn_waitlist"), nation.truth("patient")
    both = waitlist.merge(people.assign(pers_id=people["patient_id"] * 2 + 5), on="pers_id")
    early = both["can_listing_dt"] < both["first_service_date"]
    assert 0.02 < early.mean() < 0.3
    grafts = nation.read("optn_transplant")
    assert 0.1 < (grafts["don_ty"] == "L").mean() < 0.45
    deceased = grafts[(grafts["don_ty"] == "C")]
    listed = deceased["pers_id"].isin(waitlist["pers_id"])
    assert listed.mean() > 0.85


def test_home_dialysis_given_up_lasts_less_than_30_days(nation: Nation) -> None:
    labels = nation.defects("home dialysis given up within a month")
    spells = nation.truth("spell")
    both = labels.merge(
        spells, left_on=["patient_id", "day"], right_on=["patient_id", "start_date"]
    )
    assert len(both) == len(labels) > 0
    assert (both["modality"] != "in center").all()
    assert ((both["end_date"] - both["start_date"]).dt.days < 29).all()


def test_deaths_not_counted_have_their_codes_on_the_form(nation: Nation) -> None:
    labels = nation.defects("death that SMR does not count")
    forms = nation.read("cms_2746").set_index("patient_id")["primary_cause"]
    found = labels[labels["patient_id"].isin(forms.index)]
    assert set(found["detail"]) <= {"91", "93"}
    assert (forms.loc[found["patient_id"]].to_numpy() == found["detail"].to_numpy()).all()
    assert 0 < len(found) < 0.05 * len(forms)
    assert set(forms.index[forms.isin(["91", "93"])]) == set(found["patient_id"])


def test_hemodialysis_at_home_in_a_nursing_home_has_its_setting(nation: Nation) -> None:
    treatments = nation.read("eqrs_treatment")
    inside = treatments[treatments["setting"] == "SNF/Long Term Care Facility"]
    assert len(inside) > 0
    assert (inside["treatment_type"] == "Hemodialysis").all()


def test_covid_19_stands_on_physicians_claims_too(nation: Nation) -> None:
    codes = nation.read("carrier_claim", LAST - 1).filter(like="dgns").to_numpy().ravel()
    assert np.isin(codes.astype(str), ["U071"]).any()


def test_conditions_that_exclude_from_strr_stand_on_monthly_claims(nation: Nation) -> None:
    claims = nation.read("outpatient_base")
    dialysis = claims[claims["clm_fac_type_cd"] == "7"].filter(like="dgns")
    found = set(dialysis.to_numpy().ravel().astype(str))
    assert {"D689", "D571", "C7951", "D469", "C8590"} & found
