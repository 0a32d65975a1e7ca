"""Conditions in the year up to an index discharge, by the three specifications."""

import pandas as pd
import pytest

from esrd_pipeline.parameters.rows import load_rows
from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

DISCHARGED = "2024-03-05"
FAILURE, HEPATITIS_C, HIP, QUADRIPLEGIA = "I5022", "B182", "S72001A", "G8250"


def claimed(code: str, on: str = "2024-02-01", *, kind: str = "60", place: str = "") -> Row:
    """A claim with one diagnosis; without a place, the principal one."""
    column = f"icd_dgns_cd{place}" if place else "prncpal_dgns_cd"
    return {
        "bene_id": 900,
        "clm_id": 1,
        "nch_clm_type_cd": kind,
        "clm_from_dt": day(on),
        "clm_thru_dt": day(on),
        "performance_year": int(on[:4]),
        column: code,
    }


def find_conditions(*claims: Row, reason: str | None = None) -> Case:
    """The groups of each specification for a discharge of 5 March 2024."""
    discharge = {
        "patient_id": 1,
        "stay": 1,
        "discharge_date": day(DISCHARGED),
        "reason": reason,
    }

    def read_rows(rows: pd.DataFrame) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {name: set() for name in ("srr_dfc", "srr_qip", "ed30")}
        for row in rows.to_dict("records"):
            found[row["specification"]].add(row["condition_group"])
        return found

    return case(
        "cohort.discharge_condition",
        tables={
            "cohort.srr": [{**discharge, "program": name} for name in ("dfc", "qip")],
            "cohort.ed30": [{**discharge, "program": "dfc"}],
            "linkage.beneficiary": [
                {"bene_id": 900, "patient_id": 1, "performance_year": year}
                for year in (2022, 2023, 2024)
            ],
            "raw.claim": [{**row, "clm_id": number} for number, row in enumerate(claims)],
        },
    ).read(read_rows)


@pytest.mark.manual("2.10.11", "2.11.13", "2.26.12")
@pytest.mark.parametrize(
    ("on", "is_seen"),
    [
        ("2023-03-06", False),
        ("2023-03-07", True),
        ("2024-03-05", True),
        ("2024-03-06", False),
    ],
)
@worked
def test_claims_of_the_365_days_up_to_the_discharge_count(on: str, *, is_seen: bool) -> Worked:
    conditions = yield find_conditions(claimed(FAILURE, on))
    assert conditions["srr_dfc"] == ({"ccs_108"} if is_seen else set())


@pytest.mark.manual("2.10.11", "2.11.13", "2.26.12")
@pytest.mark.parametrize("kind", ["10", "20", "30", "40", "50"])
@worked
def test_other_claims_than_inpatient_ones_count_for_the_qip_and_ed30_alone(kind: str) -> Worked:
    conditions = yield find_conditions(claimed("J449", kind=kind))
    assert conditions == {"srr_dfc": set(), "srr_qip": {"cc_copd"}, "ed30": {"ccs_127"}}


@pytest.mark.manual("2.10.11", "2.11.13", "2.26.12")
@worked
def test_an_inpatient_claim_counts_for_all_three() -> Worked:
    conditions = yield find_conditions(claimed("J449", place="25"))
    assert conditions == {"srr_dfc": {"ccs_127"}, "srr_qip": {"cc_copd"}, "ed30": {"ccs_127"}}


@pytest.mark.manual("2.26.16")
@worked
def test_durable_equipment_and_other_types_do_not_count() -> Worked:
    conditions = yield find_conditions(claimed("J449", kind="82"))
    assert conditions == {
        "srr_dfc": set(),
        "srr_qip": set(),
        "ed30": set(),
    }


@worked
def test_a_discharge_that_does_not_count_has_no_conditions() -> Worked:
    conditions = yield find_conditions(claimed(FAILURE), reason="left_against_medical_advice")
    assert conditions == {"srr_dfc": set(), "srr_qip": set(), "ed30": set()}


@pytest.mark.manual("2.11.15")
@pytest.mark.parametrize(
    ("code", "group"),
    [
        ("B20", "cc_severe_infection"),
        ("A809", "cc_severe_infection"),
        ("A150", "cc_severe_infection"),
        ("A4101", "cc_septicemia"),
        ("A044", "cc_other_infection"),
        ("J13", "cc_other_infection"),
        ("J189", "cc_other_infection"),
        ("C7800", "cc_metastatic_cancer"),
        ("C3490", "cc_severe_cancer"),
        ("C50911", "cc_other_cancer"),
        ("D126", "cc_other_cancer"),
        ("K7290", "cc_end_stage_liver"),
        ("F1020", "cc_drug_alcohol"),
        ("F200", "cc_psychiatric"),
        ("F329", "cc_psychiatric"),
        (QUADRIPLEGIA, "cc_paralysis"),
        ("G8191", "cc_paralysis"),
        ("Z89511", "cc_amputation"),
        ("Z89201", "cc_amputation"),
        ("G40909", "cc_seizure"),
        ("J8410", "cc_lung_fibrosis"),
        ("L89154", "cc_ulcer"),
        ("J9601", "cc_respiratory_failure"),
        ("M069", "cc_rheumatoid_arthritis"),
        ("Z9911", "cc_respirator"),
        ("Z941", "cc_organ_transplant"),
        ("D65", "cc_coagulation"),
        (HIP, "cc_hip_fracture"),
        # A later encounter of the fracture is none.
        ("S72001D", None),
        ("I10", None),
        ("E1122", None),
    ],
)
@worked
def test_condition_categories_of_table_6(code: str, group: str | None) -> Worked:
    conditions = yield find_conditions(claimed(code))
    assert conditions["srr_qip"] == ({group} if group else set())


@pytest.mark.parametrize(
    ("code", "ccs", "category"),
    [
        ("I4820", "ccs_106", None),
        ("I4720", "ccs_106", None),
        ("D5742", None, "cc_other_hematological"),
        ("K7682", "ccs_151", "cc_end_stage_liver"),
        ("L98A111", "ccs_199", "cc_ulcer"),
    ],
)
@worked
def test_a_code_younger_than_the_maps_is_in_its_ancestors_groups(
    code: str, ccs: str | None, category: str | None
) -> Worked:
    conditions = yield find_conditions(claimed(code))
    assert conditions["srr_dfc"] == ({ccs} if ccs else set())
    assert conditions["srr_qip"] == ({category} if category else set())


@pytest.mark.manual("2.10.15", "2.11.15", "Table 13")
def test_the_groups_are_as_many_as_the_tables_print() -> None:
    rows = load_rows("discharge_condition_group")
    count = {
        name: len({row["condition_group"] for row in rows if row["specification"] == name})
        for name in ("srr_dfc", "srr_qip", "ed30")
    }
    # 2.26.12 speaks of 66 groups; Table 13 prints 92.
    assert count == {"srr_dfc": 53, "srr_qip": 23, "ed30": 92}


@pytest.mark.manual("2.11.15")
def test_every_condition_category_of_table_6_has_codes() -> None:
    mapped = {row["category"] for row in load_rows("condition_category")}
    named = {
        row["category"] for row in load_rows("discharge_condition_group") if row["system"] == "cc"
    }
    assert len(named) == 44
    assert named <= mapped
