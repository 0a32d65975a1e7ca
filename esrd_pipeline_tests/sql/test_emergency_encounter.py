"""Emergency department encounters: claims joined, those that overlap a hospital stay excluded."""

import pandas as pd
import pytest

from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

pytestmark = pytest.mark.manual("2.25.10", "2.25.19")


def claim(number: int, start: str, end: str = "", kind: str = "40", **more: object) -> Row:
    last = day(end or start)
    return {
        "bene_id": 9,
        "clm_id": number,
        "performance_year": last.year,
        "nch_clm_type_cd": kind,
        "clm_from_dt": day(start),
        "clm_thru_dt": last,
        **more,
    }


def find(*claims: Row, centers: tuple[str, ...] = ("0450",)) -> Case:
    """The encounters of patient 1, every outpatient claim with lines of some revenue centers."""
    return case(
        "history.emergency_encounter",
        tables={
            "linkage.beneficiary": [
                {"bene_id": 9, "patient_id": 1, "performance_year": y} for y in (2023, 2024)
            ],
            "raw.claim": claims,
            "raw.claim_revenue": [
                {
                    "clm_id": row["clm_id"],
                    "clm_line_num": number,
                    "performance_year": row["performance_year"],
                    "rev_cntr": center,
                }
                for row in claims
                for number, center in enumerate(centers, 1)
            ],
        },
    )


def spans(rows: pd.DataFrame) -> list[tuple[str, str]]:
    return [(str(a), str(b)) for a, b in zip(rows["start_date"], rows["end_date"], strict=True)]


@pytest.mark.parametrize(
    ("center", "rows"),
    [
        *((f"045{digit}", 1) for digit in range(10)),
        ("0981", 1),
        ("0449", 0),
        ("0460", 0),
        ("0980", 0),
        ("0982", 0),
        ("0762", 0),
    ],
)
@worked
def test_eleven_revenue_centers_make_an_outpatient_claim_an_encounter(
    center: str, rows: int
) -> Worked:
    found = yield find(claim(1, "2024-03-01"), centers=("0300", center))
    assert len(found) == rows


@worked
def test_observation_does_not_unmake_an_encounter() -> Worked:
    rows = yield find(claim(1, "2024-03-01", "2024-03-03"), centers=("0450", "0762"))
    assert spans(rows) == [("2024-03-01", "2024-03-03")]


@worked
def test_several_emergency_lines_of_a_claim_are_one_encounter() -> Worked:
    rows = yield find(claim(1, "2024-03-01"), centers=("0450", "0450", "0981"))
    assert len(rows) == 1


@pytest.mark.parametrize(
    ("second", "encounters"), [("2024-03-02", 1), ("2024-03-03", 1), ("2024-03-04", 2)]
)
@worked
def test_claims_that_overlap_or_follow_the_next_day_are_one_encounter(
    second: str, encounters: int
) -> Worked:
    rows = yield find(claim(1, "2024-03-01", "2024-03-02"), claim(2, second))
    assert len(rows) == encounters


@worked
def test_a_chain_of_days_is_one_encounter_from_its_first_to_its_last() -> Worked:
    rows = yield find(*(claim(n, f"2024-03-0{n}") for n in (1, 2, 3, 4)))
    assert spans(rows) == [("2024-03-01", "2024-03-04")]


@pytest.mark.parametrize(
    ("start", "end", "encounters"),
    [
        ("2024-03-06", "2024-03-09", 1),
        ("2024-03-05", "2024-03-09", 0),
        ("2024-03-02", "2024-03-04", 0),
        ("2024-02-20", "2024-03-03", 0),
        ("2024-02-20", "2024-03-02", 1),
    ],
)
@worked
def test_an_encounter_that_shares_a_day_with_an_inpatient_claim_is_none(
    start: str, end: str, encounters: int
) -> Worked:
    visit = claim(1, "2024-03-03", "2024-03-05")
    stay = claim(2, start, end, kind="60", clm_admsn_dt=day(start))
    rows = yield find(visit, stay)
    assert len(rows) == encounters


@worked
def test_claims_are_joined_before_they_are_held_against_stays() -> Worked:
    rows = yield find(
        claim(1, "2024-03-03"),
        claim(2, "2024-03-04"),
        claim(3, "2024-03-04", "2024-03-08", kind="60"),
    )
    assert rows.empty


@worked
def test_the_payment_window_before_an_admission_is_part_of_the_inpatient_claim() -> Worked:
    stay = claim(2, "2024-03-03", "2024-03-09", kind="60", clm_admsn_dt=day("2024-03-05"))
    rows = yield find(claim(1, "2024-03-03"), stay)
    assert rows.empty


@worked
def test_an_interim_bill_has_the_days_since_its_admission() -> Worked:
    stay = claim(2, "2024-03-20", "2024-03-25", kind="60", clm_admsn_dt=day("2024-03-01"))
    rows = yield find(claim(1, "2024-03-10"), stay)
    assert rows.empty


@pytest.mark.parametrize("kind", ["10", "20", "50", "60"])
@worked
def test_claims_of_other_kinds_are_no_encounters(kind: str) -> Worked:
    rows = yield find(claim(1, "2024-03-01", kind=kind))
    assert rows.empty


@worked
def test_a_skilled_nursing_claim_takes_no_encounter_away() -> Worked:
    rows = yield find(claim(1, "2024-03-03"), claim(2, "2024-03-01", "2024-03-31", kind="20"))
    assert len(rows) == 1


@pytest.mark.manual("2.26.10")
@worked
def test_encounters_of_the_year_before_are_there_and_join_over_the_years_end() -> Worked:
    rows = yield find(
        claim(1, "2023-07-01"),
        claim(2, "2023-12-31"),
        claim(3, "2024-01-01"),
        claim(4, "2024-02-01"),
    )
    assert spans(rows) == [
        ("2023-07-01", "2023-07-01"),
        ("2023-12-31", "2024-01-01"),
        ("2024-02-01", "2024-02-01"),
    ]
