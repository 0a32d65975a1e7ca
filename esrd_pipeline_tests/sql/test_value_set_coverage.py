"""Coverage of the codes on claims by the project's code lists."""

import pandas as pd
import pytest

from esrd_pipeline.parameters import load_parameters
from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked


def claims(count: int, **codes: str) -> list[Row]:
    return [
        {
            "bene_id": 900,
            "clm_id": number,
            "nch_clm_type_cd": "60",
            "clm_from_dt": day("2024-03-01"),
            "clm_thru_dt": day("2024-03-05"),
            **codes,
        }
        for number in range(count)
    ]


def cover_all(rows: list[Row]) -> Case:
    """Every list's row, by claims of nobody in particular; CCS is its chapters the tests name."""
    ccs = load_parameters("ccs_diagnosis")
    return case(
        "report.value_set_coverage",
        tables={"raw.claim": rows},
        value_sets={"ccs_diagnosis": ccs[ccs["code"].str[0].isin(["C", "D", "J", "N"])]},
        alone=True,
    )


def cover(rows: list[Row], value_set: str) -> Case:
    return cover_all(rows).read(
        lambda frame: frame[frame["value_set"] == value_set].set_index("code_group")
    )


def count_codes(frame: pd.DataFrame, group: str) -> list[int | None]:
    (row,) = frame[frame.index == group].to_dict("records")
    return [
        None if pd.isna(row[name]) else int(row[name]) for name in ("seen_count", "claim_count")
    ]


@worked
def test_codes_of_a_group_are_counted_and_the_claims_that_name_them() -> Worked:
    rows = claims(12, prncpal_dgns_cd="J449", icd_dgns_cd1="J449", icd_dgns_cd2="J439")
    frame = yield cover(rows, "sfr_condition")
    # Emphysema and obstructive disease, twelve times each; the principal one is not told twice.
    assert count_codes(frame, "chronic obstructive pulmonary disease") == [2, 24]
    # CCS 127 has 16 codes, and two came later.
    counts = frame["code_count"].to_dict()
    assert counts["chronic obstructive pulmonary disease"] == 18
    assert count_codes(frame, "anemia") == [0, 0]


@pytest.mark.parametrize(("count", "shown"), [(10, None), (11, 11)])
@worked
def test_fewer_than_eleven_claims_are_not_told(count: int, shown: int | None) -> Worked:
    frame = yield cover(claims(count, icd_dgns_cd25="J449"), "sfr_condition")
    assert count_codes(frame, "chronic obstructive pulmonary disease") == [1, shown]


@worked
def test_a_principal_diagnosis_that_is_not_repeated_counts() -> Worked:
    frame = yield cover(claims(11, prncpal_dgns_cd="J449", icd_dgns_cd1="N186"), "sfr_condition")
    assert count_codes(frame, "chronic obstructive pulmonary disease") == [1, 11]


@worked
def test_codes_that_no_group_knows_stand_in_a_row_of_their_own() -> Worked:
    # Kidney disease and tonsillitis are in no group of the fistula rate.
    rows = claims(20, icd_dgns_cd1="J0390", icd_dgns_cd2="N186", icd_dgns_cd3="J449")
    first, frame = yield (
        cover(rows, "sfr_condition"),
        cover(rows, "prevalent_condition_group, manual"),
    )
    assert count_codes(first, "no group") == [2, 40]
    assert count_codes(frame, "no group")[0] in (1, 2)


@worked
def test_codes_younger_than_the_map_are_told_apart_from_those_without_a_group() -> Worked:
    # J12.82 has the group of J12.8 beside it; COVID-19 and a code that no list knows have none.
    rows = claims(20, icd_dgns_cd1="J1282", icd_dgns_cd2="U071", icd_dgns_cd3="J0390")
    more = claims(20, icd_dgns_cd1="J45Z9")
    frame, fistula, liver = yield (
        cover([*rows, *more], "discharge_condition_group, srr_dfc"),
        cover(rows, "sfr_condition"),
        cover(rows, "limited_life_diagnosis"),
    )
    assert count_codes(frame, "younger than the map") == [3, 60]
    (pneumonia,) = [name for name in frame.index if name.startswith("ccs_122: ")]
    assert count_codes(frame, pneumonia) == [1, 20]
    assert count_codes(fistula, "younger than the map") == [2, 40]
    assert count_codes(fistula, "no group") == [1, 20]
    # A list of prefixes has no map that could be too old.
    assert count_codes(liver, "no group") == [3, 60]
    assert "younger than the map" not in liver.index


@worked
def test_what_a_list_leaves_out_is_in_no_group() -> Worked:
    frame = yield cover(claims(20, icd_dgns_cd1="D631", icd_dgns_cd2="D649"), "sfr_condition")
    assert count_codes(frame, "anemia") == [1, 20]
    assert count_codes(frame, "no group") == [1, 20]


@worked
def test_prefixes_reach_codes_that_ccs_does_not_know() -> Worked:
    frame = yield cover(
        claims(20, icd_dgns_cd1="C7951", icd_dgns_cd2="C79ZZ"), "limited_life_diagnosis"
    )
    assert count_codes(frame, "metastatic cancer") == [2, 40]


@worked
def test_procedures_have_lists_of_their_own() -> Worked:
    rows = claims(20, icd_dgns_cd1="N186", icd_prcdr_cd3="0TY00Z0", icd_prcdr_cd4="5A1D70Z")
    frame = yield cover(rows, "transplant_procedure")
    assert count_codes(frame, "kidney transplant") == [1, 20]
    assert count_codes(frame, "no group") == [1, 20]
    assert set(frame["kind"]) == {"procedure"}


@worked
def test_lists_of_other_measures_are_covered_too() -> Worked:
    rows = claims(20, icd_dgns_cd1="U071", icd_dgns_cd2="C61", icd_prcdr_cd1="30233N1")
    frame = yield cover_all(rows)
    seen = frame[(frame["seen_count"] > 0) & (frame["code_group"] != "no group")]
    pairs = zip(seen["value_set"], seen["code_group"], strict=True)
    assert {
        ("covid_diagnosis_code", "COVID-19"),
        ("transfusion_exclusion", "solid organ cancer"),
        ("transfusion_code", "transfusion"),
    } <= set(pairs)


@worked
def test_claims_of_other_years_are_not_asked() -> Worked:
    rows: list[Row] = [{**row, "performance_year": 2023} for row in claims(20, icd_dgns_cd1="J449")]
    found = yield cover(rows, "sfr_condition")
    assert found.empty
