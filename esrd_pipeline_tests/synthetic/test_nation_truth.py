"""The synthetic nation's ground truth: labels, their records in the files, and outcomes."""

import numpy as np
import pandas as pd
import pytest

from esrd_pipeline.synthetic.nation.block import Span
from esrd_pipeline.synthetic.nation.calibration import calibrate, count_nation, read_calibration
from esrd_pipeline.synthetic.nation.figures import OUTCOMES
from esrd_pipeline_tests.synthetic.nation_files import FACILITIES, Nation

CALIBRATED = Span(seed=3, first_year=2024, last_year=2024)
KINDS = (
    "mistyped identifier",
    "replaced identifier",
    "missing cms_2728",
    "conflicting death",
    "acute admission",
    "travel",
    "late discharge",
    "lost to follow-up",
    "failed transplant",
    "transfer within 60 days",
    "duplicate claim",
    "hospital's number on a dialysis claim",
    "change of ownership",
    "hospital-based numbers",
    "no clinical record of a month",
    "record sent twice",
    "Kt/V out of range",
    "Kt/V of another month",
    "Kt/V by another method",
    "calcium out of range",
    "no access type",
    "no kind of clinician",
    "a month in two claims",
    "codes that are not composite",
    "codes of two modalities",
    "two modalities on a day",
    "Kt/V not reported on a claim",
    "expired Kt/V on a claim",
    "screening reported twice",
    "stay outside short stay hospitals",
    "left against medical advice",
    "interim bill",
    "rehabilitation in a short stay hospital",
    "transfusion coded in part",
    "emergency visit in two claims",
    "emergency visit touching a stay",
    "transfusion billed twice on a day",
    "outpatient transfusion coded in part",
    "two registrations on the waitlist",
    "home dialysis given up within a month",
    "death that SMR does not count",
)


@pytest.mark.slow
def test_a_nation_of_400_facilities_holds_every_published_figure_within_ten_percent() -> None:
    table = calibrate(count_nation(400, CALIBRATED), 400)
    assert len(table) == 14
    wrong = table[~table["ratio"].between(0.9, 1.1)]
    assert wrong.empty, wrong.to_string()


def test_the_calibration_is_read_from_the_truth(nation: Nation) -> None:
    table = read_calibration(nation.folder, FACILITIES).set_index("outcome")
    years = nation.truth("tally").groupby("quantity", observed=True)["value"].sum()
    assert table.loc["mortality", "nation"] == pytest.approx(
        100 * years["deaths"] / years["years_at_risk"]
    )


def test_every_kind_of_trouble_is_planted_and_labelled(nation: Nation) -> None:
    counts = nation.truth("data_defects")["kind"].value_counts()
    assert set(counts.index) <= set(KINDS)
    assert set(KINDS) - set(counts.index) <= {"change of ownership"}


def test_a_mistyped_identifier_differs_from_medicare_s(nation: Nation) -> None:
    people, enrolled = nation.read("eqrs_patient"), nation.read("medicare_enrollment")
    keys = nation.truth("patient")[["patient_id", "bene_id"]].dropna()
    both = people.merge(keys, on="patient_id").merge(enrolled, on="bene_id")
    differs = pd.DataFrame(
        {
            "patient_id": both["patient_id"],
            "ssn": both["ssn"] != both["bene_ssn_num"],
            "date_of_birth": both["date_of_birth"] != both["bene_birth_dt"],
        }
    )
    labels = nation.defects("mistyped identifier")
    for name in ("ssn", "date_of_birth"):
        labelled = set(labels.loc[labels["detail"] == name, "patient_id"])
        found = set(differs.loc[differs[name], "patient_id"])
        assert found == labelled & set(both["patient_id"])
    assert 0.002 < len(labels) / len(people) < 0.009


def test_a_replaced_identifier_is_found_in_the_history_only(nation: Nation) -> None:
    replaced = nation.defects("replaced identifier")["patient_id"]
    keys = nation.truth("patient")[["patient_id", "bene_id"]].dropna()
    keys = keys[keys["patient_id"].isin(replaced)]
    enrolled = nation.read("medicare_enrollment").merge(keys, on="bene_id")
    finder = nation.read("eqrs_patient").set_index("patient_id")["mbi"]
    assert (finder.loc[enrolled["patient_id"]].to_numpy() != enrolled["mbi_num"]).all()
    history = nation.read("eqrs_identifier")
    old = nation.truth("patient").set_index("patient_id")["first_service_date"]
    early = enrolled[(old.loc[enrolled["patient_id"]] < "2021-06-15").to_numpy()]
    assert set(early["mbi_num"]) <= set(history["mbi"].dropna())


def test_a_duplicate_claim_says_what_its_original_says(nation: Nation) -> None:
    claims = pd.concat([nation.read("inpatient_base", year) for year in (2023, 2024)])
    claims = claims.set_index("clm_id")
    labels = nation.defects("duplicate claim")
    again = claims.loc[labels["clm_id"]].reset_index(drop=True)
    first = claims.loc[labels["detail"].astype("int64")].reset_index(drop=True)
    pd.testing.assert_frame_equal(again, first)


def test_patients_labelled_as_without_a_form_have_none(nation: Nation) -> None:
    labelled = set(nation.defects("missing cms_2728")["patient_id"])
    assert labelled.isdisjoint(nation.read("cms_2728")["patient_id"])


def test_a_hospital_s_number_stands_on_the_labelled_dialysis_claims(nation: Nation) -> None:
    claims = nation.read("outpatient_base")
    labels = nation.defects("hospital's number on a dialysis claim")
    dialysis = claims[claims["clm_fac_type_cd"] == "7"]
    hospital = dialysis["prvdr_num"].str[2:4].isin([f"{n:02d}" for n in range(9)])
    assert set(dialysis.loc[hospital, "clm_id"]) == set(labels["clm_id"]) & set(dialysis["clm_id"])


def test_conflicting_deaths_have_two_dates(nation: Nation) -> None:
    labels = nation.defects("conflicting death")
    forms = nation.read("cms_2746").set_index("patient_id")["death_date"]
    people = nation.read("eqrs_patient").set_index("patient_id")["date_of_death"]
    wrong = labels[labels["detail"].isin(["eqrs", "cms_2746"])]["patient_id"]
    known = [number for number in wrong if number in forms.index]
    both = pd.DataFrame({"form": forms.loc[known], "eqrs": people.loc[known]}).dropna()
    assert len(both) > 0
    assert (both["form"] != both["eqrs"]).all()


def test_effects_are_told_for_every_facility_and_outcome(nation: Nation) -> None:
    effects = nation.truth("facility_effect")
    assert len(effects) == FACILITIES * len(OUTCOMES)
    assert set(effects["outcome"]) == set(OUTCOMES)
    assert not effects.groupby("facilityid")["is_outlier"].sum().gt(1).any()


def test_a_facility_s_planted_effect_is_felt_in_its_admissions(nation: Nation) -> None:
    stays, spells = nation.truth("stay"), nation.truth("spell")
    first = pd.Timestamp("2023-01-01")
    treated = spells.dropna(subset="facilityid")
    begin = treated["start_date"].clip(lower=first)
    end = treated["end_date"].fillna(pd.Timestamp("2024-12-31"))
    years = (end - begin).dt.days.clip(lower=0) / 365.25
    exposure = years.groupby(treated["facilityid"]).sum()
    recent = stays[stays["admit_date"] >= first]
    counts = recent.groupby("facilityid").size().reindex(exposure.index, fill_value=0)
    effects = nation.truth("facility_effect")
    planted = effects[effects["outcome"] == "hospitalisation"].set_index("facilityid")["effect"]
    large = exposure.index[exposure > 60]
    observed = np.log(counts.loc[large] / exposure.loc[large]).astype(float)
    # Some forty facilities: a slope of 1 is measured with a standard error of 0.1.
    assert np.corrcoef(observed, planted.loc[large])[0, 1] > 0.6
    slope = np.polyfit(planted.loc[large], observed, 1)[0]
    assert 0.65 < slope < 1.35
