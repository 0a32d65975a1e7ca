"""Impossible combinations never occur in the synthetic nation's histories and claims."""

import numpy as np
import pandas as pd

from esrd_pipeline_tests.synthetic.nation_files import FIRST, LAST, Nation

YEAR_ENDS = pd.Timestamp(f"{LAST}-12-31")


def with_patients(nation: Nation, claims: pd.DataFrame) -> pd.DataFrame:
    people = nation.truth("patient")[["patient_id", "bene_id", "date_of_death"]].dropna(
        subset="bene_id"
    )
    return claims.merge(people, on="bene_id", validate="many_to_one")


def dialysis_claims(nation: Nation, year: int = LAST) -> pd.DataFrame:
    claims = nation.read("outpatient_base", year)
    return claims[claims["clm_fac_type_cd"] == "7"]


def test_spells_do_not_overlap_and_none_outlives_the_patient(nation: Nation) -> None:
    spells = nation.truth("spell").sort_values(["patient_id", "start_date"])
    spells["last"] = spells["end_date"].fillna(YEAR_ENDS)
    assert (spells["start_date"] <= spells["last"]).all()
    following = spells.groupby("patient_id")["start_date"].shift(-1)
    assert (following.isna() | (following > spells["last"])).all()
    death = spells.merge(nation.truth("patient"), on="patient_id")["date_of_death"]
    last = spells["end_date"].reset_index(drop=True)
    assert (death.isna() | last.isna() | (last <= death)).all()


def test_patients_are_treated_only_where_a_facility_is_open(nation: Nation) -> None:
    spells = nation.truth("spell").dropna(subset="facilityid")
    units = nation.read("eqrs_facility")[["facilityid", "certdate", "dateclosed"]]
    both = spells.merge(units, on="facilityid", how="left")
    assert (both["start_date"] >= both["certdate"]).all()
    last = both["end_date"].fillna(YEAR_ENDS)
    assert (both["dateclosed"].isna() | (last <= both["dateclosed"])).all()


def test_hospital_stays_do_not_overlap_and_end_with_life(nation: Nation) -> None:
    stays = nation.truth("stay").sort_values(["patient_id", "admit_date"])
    usual = stays[stays["kind"] != "transplant"]
    following = usual.groupby("patient_id")["admit_date"].shift(-1)
    assert (following.isna() | (following > usual["discharge_date"])).all()
    both = stays.merge(nation.truth("patient"), on="patient_id")
    assert (both["date_of_death"].isna() | (both["discharge_date"] <= both["date_of_death"])).all()


def test_claims_lie_in_their_year_and_no_one_is_billed_after_death(nation: Nation) -> None:
    for name in ("inpatient_base", "outpatient_base", "snf_base", "hha_base", "hospice_base"):
        for year in (FIRST, LAST):
            claims = with_patients(nation, nation.read(name, year))
            assert (claims["clm_thru_dt"].dt.year == year).all()
            assert (claims["clm_from_dt"] <= claims["clm_thru_dt"]).all()
            death = claims["date_of_death"]
            assert (death.isna() | (claims["clm_thru_dt"] <= death)).all(), name


def test_a_year_s_files_also_hold_the_claims_of_the_two_months_after_it(nation: Nation) -> None:
    for name in ("inpatient_base", "outpatient_revenue", "hospice_base", "carrier_line"):
        own, held = nation.read(name, FIRST), nation.read(name, FIRST, with_run_out=True)
        base = "carrier_claim" if name == "carrier_line" else f"{name.split('_')[0]}_base"
        following = nation.read(base)
        following = following[
            (following["clm_thru_dt"] < pd.Timestamp(LAST, 3, 1))
            & following["bene_id"].isin(nation.read("medicare_enrollment", FIRST)["bene_id"])
        ]
        lines = nation.read(name)
        expected = lines[lines["clm_id"].isin(following["clm_id"])]
        added = held[~held["clm_id"].isin(own["clm_id"])]
        assert len(added) > 0
        key = ["clm_id", *(c for c in ("clm_line_num", "line_num") if c in lines)]
        pd.testing.assert_frame_equal(
            added.sort_values(key, ignore_index=True), expected.sort_values(key, ignore_index=True)
        )
    last = nation.read("inpatient_base", LAST, with_run_out=True)["clm_thru_dt"]
    assert last.max().strftime("%Y-%m") == "2025-02"


def test_claim_numbers_are_one_person_s_in_all_files_and_years(nation: Nation) -> None:
    names = ("inpatient_base", "outpatient_base", "snf_base", "hha_base", "hospice_base")
    numbers = pd.concat([nation.read(n, y)["clm_id"] for n in names for y in (FIRST, LAST)])
    assert numbers.is_unique


def test_every_line_belongs_to_a_claim_and_to_its_days(nation: Nation) -> None:
    claims = nation.read("outpatient_base").set_index("clm_id")
    lines = nation.read("outpatient_revenue")
    of_lines = claims.reindex(lines["clm_id"])
    assert of_lines["bene_id"].notna().all()
    day = lines["rev_cntr_dt"].to_numpy()
    assert (day >= of_lines["clm_from_dt"].to_numpy()).all()
    assert (day <= of_lines["clm_thru_dt"].to_numpy()).all()
    order = lines.groupby("clm_id").cumcount() + 1
    assert (lines["clm_line_num"] == order).all()


def test_nobody_in_managed_care_has_a_paid_claim(nation: Nation) -> None:
    enrolled = nation.read("medicare_enrollment").set_index("bene_id")
    claims = dialysis_claims(nation)
    month = claims["clm_thru_dt"].dt.month
    for number in range(1, 13):
        mine = claims.loc[month == number, "bene_id"]
        assert (enrolled.loc[mine, f"hmo_ind_{number:02d}"] == "0").all()
        assert (enrolled.loc[mine, f"mdcr_entlmt_buyin_ind_{number:02d}"] == "3").all()
    stays = nation.read("inpatient_base")
    managed = stays["clm_mco_pd_sw"] == "1"
    assert 0.3 < managed.mean() < 0.7
    assert (stays.loc[managed, "clm_pmt_amt"] == 0).all()


def test_a_month_of_dialysis_costs_medicare_about_three_thousand_dollars(nation: Nation) -> None:
    claims = dialysis_claims(nation)
    first = claims[claims["nch_prmry_pyr_cd"].isna()]
    days = (first["clm_thru_dt"] - first["clm_from_dt"]).dt.days + 1
    whole = first[days >= 28]
    assert 2700 < whole["clm_pmt_amt"].mean() < 3200
    second = claims[claims["nch_prmry_pyr_cd"] == "B"]
    assert len(second) > 0
    assert (second["clm_pmt_amt"] < 1200).all()


def test_a_session_is_billed_for_three_days_a_week_outside_hospital(nation: Nation) -> None:
    lines = nation.read("outpatient_revenue")
    sessions = lines[(lines["rev_cntr"] == "0821") & (lines["hcpcs_cd"] == "90999")]
    per_claim = sessions.groupby("clm_id").size()
    assert 10 < per_claim.median() < 15
    claims = with_patients(nation, dialysis_claims(nation))
    days = sessions.merge(claims[["clm_id", "patient_id"]], on="clm_id")
    stays = nation.truth("stay").merge(days, on="patient_id")
    inside = (stays["rev_cntr_dt"] > stays["admit_date"]) & (
        stays["rev_cntr_dt"] < stays["discharge_date"]
    )
    assert not inside.any()


def test_registers_only_grow_from_year_to_year(nation: Nation) -> None:
    for name, key in (
        ("eqrs_patient", ["patient_id"]),
        ("eqrs_admission", ["patient_id", "admit_date", "facilityid"]),
        ("cms_2728", ["patient_id", "form_number"]),
        ("optn_transplant", ["pers_id", "rec_tx_dt"]),
        ("mds_stay", ["bene_id", "entry_date"]),
    ):
        earlier, later = nation.read(name, FIRST), nation.read(name, LAST)
        assert len(earlier) < len(later)
        assert len(earlier.merge(later[key], on=key)) == len(earlier), name


def test_no_register_knows_what_happens_after_its_year(nation: Nation) -> None:
    for year in (FIRST, LAST):
        for name in ("eqrs_patient", "eqrs_admission", "cms_2728", "cms_2746", "mds_stay"):
            rows = nation.read(name, year)
            for column in rows.select_dtypes("datetime"):
                assert not (rows[column] > pd.Timestamp(f"{year}-12-31")).any(), (name, column)


def test_the_share_in_managed_care_grows(nation: Nation) -> None:
    shares = []
    for year in (FIRST, LAST):
        enrolled = nation.read("medicare_enrollment", year)
        is_in = enrolled["mdcr_entlmt_buyin_ind_12"] == "3"
        shares.append((enrolled.loc[is_in, "hmo_ind_12"] == "C").mean())
    assert 0.3 < shares[0] < shares[1] < 0.65


def test_the_waitlist_ends_with_a_transplant_or_with_life(nation: Nation) -> None:
    waitlist = nation.read("optn_waitlist")
    grafts = nation.read("optn_transplant")[["pers_id", "rec_tx_dt"]]
    received = waitlist[waitlist["can_rem_cd"] == "4"]
    both = received.merge(grafts, left_on=["pers_id", "can_rem_dt"], right_on=list(grafts))
    assert len(both) == len(received)
    assert np.array_equal(waitlist["can_rem_dt"].isna(), waitlist["can_rem_cd"].isna())


def test_a_transfusion_in_hospital_has_a_line_a_procedure_pints_or_all_of_them(
    nation: Nation,
) -> None:
    lines, values = nation.read("inpatient_revenue"), nation.read("inpatient_value")
    stays = nation.read("inpatient_base")
    stays = stays[~stays["clm_id"].isin(nation.defects("duplicate claim")["clm_id"])]
    coded = {
        "line": set(lines.loc[lines["rev_cntr"].isin(["0390", "0391", "0381"]), "clm_id"]),
        "procedure": set(stays.loc[_has_blood(stays), "clm_id"]),
        "value": set(values.loc[values["clm_val_cd"] == "37", "clm_id"]),
    }
    labels = nation.defects("transfusion coded in part")
    labels = labels[labels["clm_id"].isin(stays["clm_id"])]
    for way, claims in coded.items():
        alone = set(labels.loc[labels["detail"] == way, "clm_id"])
        others = set().union(*(coded[other] for other in coded if other != way))
        assert alone
        assert alone <= claims - others
    whole = set.intersection(*coded.values())
    assert set.union(*coded.values()) == whole | set(labels["clm_id"])


def _has_blood(stays: pd.DataFrame) -> pd.Series:
    places = stays[["icd_prcdr_cd1", "icd_prcdr_cd2"]]
    return places.apply(lambda place: place.str.startswith("302", na=False)).any(axis="columns")
