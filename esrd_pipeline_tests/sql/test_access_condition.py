"""Conditions on claims of the twelve months before each month: manual 2.2.14."""

import pytest

from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

pytestmark = pytest.mark.manual("2.2.14")


def claim(thru: str, *codes: str, kind: str = "40", number: int = 1) -> Row:
    return {
        "bene_id": 900,
        "clm_id": number,
        "nch_clm_type_cd": kind,
        "clm_from_dt": day(thru),
        "clm_thru_dt": day(thru),
        "performance_year": int(thru[:4]),
        **{f"icd_dgns_cd{place}": code for place, code in enumerate(codes, start=1)},
    }


def find(*claims: Row, carrier: tuple[Row, ...] = (), specialty: str = "11") -> Case:
    """The months in which each condition is seen."""
    return case(
        "history.laboratory_claim",
        "history.access_condition",
        tables={
            "linkage.beneficiary": [{"bene_id": 900, "patient_id": 1}],
            "linkage.patient": [{"patient_id": 1}],
            "raw.claim": claims,
            "raw.carrier_claim": [
                {name: value for name, value in row.items() if name != "nch_clm_type_cd"}
                for row in carrier
            ],
            "raw.carrier_line": [
                {
                    "clm_id": row["clm_id"],
                    "line_num": 1,
                    "prvdr_spclty": specialty,
                    "performance_year": row["performance_year"],
                }
                for row in carrier
            ],
        },
    ).read(
        lambda rows: {
            name.removeprefix("has_"): [str(month)[:7] for month in rows.loc[rows[name], "month"]]
            for name in rows.columns
            if name.startswith("has_") and rows[name].any()
        }
    )


@pytest.mark.parametrize(
    ("code", "condition"),
    [("I4820", "other_heart_disease"), ("J1282", "infection"), ("D5742", "anemia")],
)
@worked
def test_codes_younger_than_ccs_count_as_their_ancestors(code: str, condition: str) -> Worked:
    rows = yield find(claim("2023-12-31", code))
    assert {name: len(months) for name, months in rows.items()} == {condition: 12}


@pytest.mark.parametrize(
    ("thru", "first", "count"),
    [
        ("2023-01-01", "2024-01", 1),
        ("2023-12-31", "2024-01", 12),
        ("2024-01-01", "2024-02", 11),
        ("2024-11-30", "2024-12", 1),
    ],
)
@worked
def test_a_claim_counts_in_the_twelve_months_after_its_own(
    thru: str, first: str, count: int
) -> Worked:
    rows = yield find(claim(thru, "I509"))
    (months,) = rows.values()
    assert (months[0], len(months)) == (first, count)


@worked
def test_a_claim_of_december_is_too_late() -> Worked:
    rows = yield find(claim("2024-12-01", "I509"))
    assert rows == {}


@worked
def test_two_claims_leave_no_gap_and_do_not_add_up() -> Worked:
    rows = yield find(claim("2023-02-10", "I509"), claim("2024-05-10", "I509", number=2))
    assert rows["heart_failure"] == [
        "2024-01", "2024-02", "2024-06", "2024-07", "2024-08", "2024-09", "2024-10", "2024-11",
        "2024-12",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "condition"),
    [
        ("E1122", "diabetes"),
        ("E119", "diabetes"),
        ("I5022", "heart_failure"),
        ("I132", "heart_failure"),
        ("I2510", "other_heart_disease"),
        ("I214", "other_heart_disease"),
        ("I4891", "other_heart_disease"),
        ("I739", "peripheral_vascular_disease"),
        ("I639", "cerebrovascular_disease"),
        ("J449", "chronic_obstructive_pulmonary_disease"),
        ("D649", "anemia"),
        ("D62", "anemia"),
        ("J189", "infection"),
        ("B182", "infection"),
        ("B20", "infection"),
        ("A150", "infection"),
        ("F1120", "drug_dependence"),
        ("F1421", "drug_dependence"),
    ],
)
@worked
def test_a_code_tells_its_condition_and_no_other(code: str, condition: str) -> Worked:
    rows = yield find(claim("2023-12-31", "N186", code))
    assert list(rows) == [condition]


@pytest.mark.parametrize("code", ["D631", "F17210", "F1110", "T827XXA", "A419", "I120", "N186"])
@worked
def test_what_the_manual_does_not_mean_tells_nothing(code: str) -> Worked:
    rows = yield find(claim("2023-12-31", code))
    assert rows == {}


@pytest.mark.parametrize("kind", ["10", "20", "30", "40", "50", "60"])
@worked
def test_one_claim_of_any_type_is_enough(kind: str) -> Worked:
    rows = yield find(claim("2023-12-31", "J449", kind=kind))
    assert list(rows) == ["chronic_obstructive_pulmonary_disease"]


@pytest.mark.manual("2.2.15")
@worked
def test_physicians_count_and_laboratories_do_not() -> Worked:
    found = (claim("2024-10-05", "J449"),)
    bill = {"clm_fac_type_cd": "1", "clm_srvc_clsfctn_type_cd": "4"}
    first, second, third = yield (
        find(carrier=found),
        find(carrier=found, specialty="69"),
        find({**found[0], **bill}),
    )
    assert first["chronic_obstructive_pulmonary_disease"] == ["2024-11", "2024-12"]
    assert second == {}
    assert third == {}


@worked
def test_conditions_of_one_month_stand_in_one_row() -> Worked:
    rows = yield find(claim("2024-11-05", "J449", "I509", "E119"))
    assert set(rows) == {"chronic_obstructive_pulmonary_disease", "heart_failure", "diabetes"}
    assert all(months == ["2024-12"] for months in rows.values())
