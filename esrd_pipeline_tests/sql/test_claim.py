"""Every claim counts once, as its newest files have it, for the patient now known: manual 3.2.1."""

import pytest

from esrd_pipeline_tests.sql.inpatient_claims import BOTH_YEARS, inpatient
from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

CARE = {"clm_fac_type_cd": "7", "clm_srvc_clsfctn_type_cd": "2", "nch_clm_type_cd": "40"}


def find(*claims: Row, people: list[dict[str, int]] | None = None, **other: list[Row]) -> Case:
    """The claims that count, by number."""
    return case(
        "linkage.claim",
        tables={
            "linkage.beneficiary": people or BOTH_YEARS,
            "raw.claim": list(claims),
            **{name.replace("__", "."): rows for name, rows in other.items()},
        },
    ).read(lambda rows: rows.set_index("clm_id").to_dict("index"))


def find_dropped(*claims: Row) -> Case:
    """The reasons of claims that do not count, by year of the files and number."""
    return case("linkage.dropped_claim", tables={"raw.claim": list(claims)}).read(
        lambda rows: {
            (row["claim_year"], row["clm_id"]): row["reason"] for row in rows.to_dict("records")
        }
    )


@worked
def test_a_claim_that_two_years_files_hold_is_the_later_files() -> Worked:
    copy = inpatient(1, "2023-12-28", "2024-01-05")
    kept, dropped = yield (
        find({**copy, "performance_year": 2023}, {**copy, "performance_year": 2024}),
        find_dropped({**copy, "performance_year": 2023}, {**copy, "performance_year": 2024}),
    )
    assert kept[1]["claim_year"] == 2024
    assert dropped == {(2023, 1): "claim_in_later_files"}


@worked
def test_a_claim_belongs_to_the_patient_whom_this_years_linkage_names() -> Worked:
    kept = yield find(
        inpatient(1, "2023-02-01", "2023-02-05", performance_year=2023),
        people=[
            {"bene_id": 500, "patient_id": -500, "performance_year": 2023},
            {"bene_id": 500, "patient_id": 1, "performance_year": 2024},
        ],
    )
    assert kept[1]["patient_id"] == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"dml_ind": "DELETE"}, "claim_deleted"),
        ({"final_action": "N"}, "claim_not_final"),
        ({"clm_freq_cd": "8"}, "claim_cancels_another"),
        ({"nch_clm_type_cd": "99"}, "claim_type_unknown"),
        ({"dml_ind": "INSERT", "final_action": "F", "clm_freq_cd": "1"}, None),
    ],
)
@worked
def test_deleted_superseded_and_unknown_claims_do_not_count(
    change: Row, reason: str | None
) -> Worked:
    dropped = yield find_dropped(inpatient(1, "2024-02-01", "2024-02-05", **change))
    assert dropped.get((2024, 1)) == reason


@pytest.mark.parametrize(
    ("last", "reason"),
    [
        ("2022-12-31", "claim_before_folder"),
        ("2023-01-01", None),
        ("2025-12-31", None),
        ("2026-01-01", "claim_after_folder"),
    ],
)
@worked
def test_claims_that_belong_into_no_folder_of_the_year_do_not_count(
    last: str, reason: str | None
) -> Worked:
    physician = {"bene_id": 500, "clm_id": 2, "clm_from_dt": day(last), "clm_thru_dt": day(last)}
    dropped = yield case(
        "linkage.dropped_claim",
        tables={"raw.claim": [inpatient(1, last, last)], "raw.carrier_claim": [physician]},
    ).read(lambda rows: set(rows["reason"]))
    assert dropped == ({reason} if reason else set())


@worked
def test_a_claim_counts_from_the_folder_it_belongs_into() -> Worked:
    """It is late in the folder of 2023, and belongs into none of 2024."""
    late = inpatient(1, "2022-06-01", "2022-06-05")
    held = [{**late, "performance_year": year} for year in (2023, 2024)]
    kept, dropped = yield find(*held), find_dropped(*held)
    assert kept[1]["claim_year"] == 2023
    assert dropped == {(2024, 1): "claim_before_folder"}


@worked
def test_a_replacement_stands_in_place_of_the_claim_that_began_the_same_day() -> Worked:
    first = inpatient(1, "2024-01-01", "2024-01-20", prvdr_num="010001", clm_freq_cd="1")
    second = inpatient(2, "2024-01-01", "2024-01-05", prvdr_num="010001", clm_freq_cd="7")
    other = inpatient(3, "2024-03-01", "2024-03-05", prvdr_num="010001", clm_freq_cd="1")
    kept, dropped = yield find(first, second, other), find_dropped(first, second, other)
    assert sorted(kept) == [2, 3]
    assert dropped == {(2024, 1): "claim_replaced"}


@pytest.mark.parametrize("frequency", ["7", "8"])
@worked
def test_a_correction_leaves_the_hospitals_other_kinds_of_bills_of_the_day(
    frequency: str,
) -> Worked:
    """A corrected laboratory bill (14x) is no emergency visit (13x) and no dialysis (72x)."""

    def bill(number: int, kind: str, how: str = "1") -> Row:
        return inpatient(
            number,
            "2024-03-01",
            "2024-03-01",
            prvdr_num="330001",
            nch_clm_type_cd="40",
            clm_fac_type_cd=kind[0],
            clm_srvc_clsfctn_type_cd=kind[1],
            clm_freq_cd=how,
        )

    bills = [bill(1, "13"), bill(2, "72"), bill(3, "14"), bill(4, "14", frequency)]
    dropped = yield find_dropped(*bills)
    assert {clm_id for _, clm_id in dropped} == ({3} if frequency == "7" else {3, 4})


@worked
def test_a_cancellation_takes_the_claim_and_itself_away() -> Worked:
    first = inpatient(1, "2024-01-01", "2024-01-20", prvdr_num="010001", clm_freq_cd="1")
    second = inpatient(2, "2024-01-01", "2024-01-20", prvdr_num="010001", clm_freq_cd="8")
    dropped = yield find_dropped(first, second)
    assert dropped == {(2024, 1): "claim_cancelled", (2024, 2): "claim_cancels_another"}


@pytest.mark.parametrize(
    ("frequencies", "counted"),
    [
        ("18", []),
        ("181", [3]),
        ("1817", [4]),
        ("1817718", []),
        ("178", []),
        ("1781", [4]),
        ("177", [3]),
        ("71", [1]),
        # A cancellation whose number is below all: numbers have no order.
        ("81", []),
    ],
)
@worked
def test_what_is_billed_anew_after_a_cancellation_counts(
    frequencies: str, counted: list[int]
) -> Worked:
    kept = yield find(
        *(
            inpatient(place, "2024-01-01", "2024-01-20", prvdr_num="010001", clm_freq_cd=how)
            for place, how in enumerate(frequencies, start=1)
        )
    )
    assert sorted(kept) == counted


@worked
def test_numbers_below_zero_do_not_tell_what_was_billed_after_a_cancellation() -> Worked:
    kept = yield find(
        *(
            inpatient(number, "2024-01-01", "2024-01-20", prvdr_num="010001", clm_freq_cd=how)
            for number, how in ((-9, "8"), (-8, "1"), (-10, "1"))
        )
    )
    assert sorted(kept) == []


@pytest.mark.parametrize("kind", ["61", "62", "63", "64"])
@worked
def test_a_claim_of_managed_care_is_an_inpatient_claim(kind: str) -> Worked:
    kept = yield find(inpatient(1, "2024-02-01", "2024-02-05", nch_clm_type_cd=kind))
    assert (kept[1]["claim_type"], kept[1]["is_managed_care"]) == ("60", True)


@worked
def test_a_physicians_claim_counts_once_too() -> Worked:
    row: Row = {
        "bene_id": 500,
        "clm_id": 7,
        "clm_from_dt": day("2023-12-30"),
        "clm_thru_dt": day("2024-01-02"),
    }
    kept = yield find(
        raw__carrier_claim=[{**row, "performance_year": 2023}, {**row, "performance_year": 2024}]
    )
    assert {number: found["claim_year"] for number, found in kept.items()} == {7: 2024}


def reach(*claims: Row) -> Case:
    """How far the files of 2024 reach; one case alone, because all patients decide together."""
    return case(
        "history.claim_run_out",
        tables={"linkage.beneficiary": BOTH_YEARS, "raw.claim": list(claims)},
        alone=True,
    ).read(lambda rows: rows["last_date"].tolist())


def fill_year(count: int) -> list[Row]:
    """So many short stays in each month of 2024."""
    return [
        inpatient(100 * month + number, f"2024-{month:02d}-05", f"2024-{month:02d}-07")
        for month in range(1, 13)
        for number in range(count)
    ]


@worked
def test_files_cut_at_the_years_end_reach_its_last_day() -> Worked:
    reached = yield reach(*fill_year(4))
    assert reached == [day("2024-12-31")]


@worked
def test_one_claim_with_a_wrong_date_is_no_month_of_run_out() -> Worked:
    reached = yield reach(*fill_year(4), inpatient(1, "2025-01-05", "2025-01-07"))
    assert reached == [day("2024-12-31")]


@worked
def test_run_out_reaches_to_the_end_of_the_last_month_that_is_half_full() -> Worked:
    reached = yield reach(
        *fill_year(4),
        *(inpatient(number, "2025-01-05", "2025-01-07") for number in (1, 2, 3)),
        *(inpatient(number, "2025-02-05", "2025-02-07") for number in (4, 5)),
        inpatient(6, "2025-03-05", "2025-03-07"),
        *(inpatient(number, "2025-04-05", "2025-04-07") for number in (7, 8, 9)),
    )
    assert reached == [day("2025-02-28")]


def admit(*claims: Row, year: int) -> Case:
    return case(
        "history.covid_claim",
        "history.hospital_stay",
        tables={
            "linkage.beneficiary": [{**row, "performance_year": year} for row in BOTH_YEARS[:1]],
            "raw.claim": list(claims),
        },
        performance_year=year,
    ).read(lambda rows: rows["admit_date"].tolist())


@pytest.mark.parametrize("holders", [(2023,), (2024,), (2023, 2024)])
@worked
def test_a_stay_across_the_new_year_is_one_stay_of_the_year_it_began_in(
    holders: tuple[int, ...],
) -> Worked:
    claims = [inpatient(1, "2023-12-28", "2024-01-05", performance_year=year) for year in holders]
    later = yield admit(*claims, year=2024)
    assert later == [day("2023-12-28")]


@worked
def test_the_year_a_stay_began_in_sees_it_through_the_run_out() -> Worked:
    seen = yield admit(
        inpatient(1, "2023-12-28", "2024-01-05", performance_year=2023),
        inpatient(2, "2024-01-20", "2024-01-25", performance_year=2023),
        year=2023,
    )
    assert seen == [day("2023-12-28")]


@worked
def test_money_paid_once_covers_once() -> Worked:
    bill: Row = {
        "bene_id": 500,
        "clm_id": 1,
        "clm_from_dt": day("2024-01-01"),
        "clm_thru_dt": day("2024-01-31"),
        "clm_pmt_amt": 700.0,
        **CARE,
    }
    months = yield case(
        "history.medicare_month",
        tables={
            "linkage.beneficiary": BOTH_YEARS,
            "raw.claim": [{**bill, "performance_year": 2023}, {**bill, "performance_year": 2024}],
        },
    ).read(lambda rows: rows[["dialysis_paid", "is_covered"]].values.tolist())
    assert months == [[700.0, False]]


@worked
def test_november_and_december_cover_january_and_february_of_the_year_before() -> Worked:
    def bill(number: int, month: str) -> Row:
        return {
            "bene_id": 500,
            "clm_id": number,
            "clm_from_dt": day(f"{month}-01"),
            "clm_thru_dt": day(f"{month}-28"),
            "clm_pmt_amt": 1300.0,
            "performance_year": int(month[:4]),
            **CARE,
        }

    covered = yield case(
        "history.medicare_month",
        tables={
            "linkage.beneficiary": BOTH_YEARS,
            "raw.claim": [bill(1, "2023-04"), bill(2, "2023-12")],
            "history.medicare_month": [
                {
                    "patient_id": 1,
                    "month": day("2022-12-01"),
                    "dialysis_paid": 1300.0,
                    "has_inpatient": False,
                    "performance_year": 2023,
                }
            ],
        },
    ).read(lambda rows: [d.isoformat()[:7] for d in rows["month"][rows["is_covered"]]])
    assert [month for month in covered if month < "2024"] == [
        "2023-01",
        "2023-02",
        "2023-04",
        "2023-05",
        "2023-06",
        "2023-12",
    ]
