"""Header names: the API's rule, and that API names stay unchanged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esrd_pipeline.sources.headers import api_name


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (
            "Number of hospitalizations included in hospital readmission summary",
            "number_of_hospitalizations_included_in_hospital_readmission_fc2b",
        ),
        (
            "Percentage of Prevalent Patients Waitlisted for Kidney Transplant",
            "percentage_of_prevalent_patients_waitlisted_for_kidney_tran_ecca",
        ),
        ("95% C.I. (upper limit) for FYSWR", "95_ci_upper_limit_for_fyswr"),
        ("# of Dialysis Stations", "of_dialysis_stations"),
        (
            "Percent of Adult HD patients with Kt/V >= 1.2",
            "percent_of_adult_hd_patients_with_ktv__12",
        ),
        (
            (
                "Emergency Department Encounter Ratio Occurring within 30 Days of Hospital"
                " Discharge data availability Code"
            ),
            "emergency_department_encounter_ratio_occurring_within_30_da_f8e3",
        ),
        ("_of_dialysis_stations", "of_dialysis_stations"),
        ("Star rating of the\nnephrologist ", "star_rating_of_the_nephrologist"),
    ],
)
def test_a_header_gets_the_name_the_api_gives_it(header: str, name: str) -> None:
    assert api_name(header) == name


@given(st.text())
def test_a_name_of_the_api_keeps_its_name(header: str) -> None:
    name = api_name(header)
    assert api_name(name) == name
    assert len(name) <= 64
