"""ED30's index discharges of two years: every exclusion, every branch of Figure 28."""

from collections.abc import Sequence

import pytest

from esrd_pipeline.measures import ed30
from esrd_pipeline_tests.sql.design_columns import add_columns
from esrd_pipeline_tests.sql.discharges import elsewhere, own, person, stay
from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

pytestmark = pytest.mark.manual("2.26.11")

INDEX = ("2024-03-01", "2024-03-05")


def judge(
    *stays: Row,
    encounters: Sequence[str] = (),
    who: Row | None = None,
    hospice: Sequence[tuple[str, str]] = (),
) -> Case:
    """The discharges of patient 1, by the number of the stay."""
    return case(
        "cohort.ed30",
        tables={
            "history.inpatient_discharge": stays,
            "history.discharged_patient": [
                *(person(row, "dfc", **(who or {})) for row in stays),
                *(person(row, "qip") for row in stays),
            ],
            "history.emergency_encounter": [
                {"patient_id": 1, "start_date": day(start), "end_date": day(start)}
                for start in encounters
            ],
            "linkage.beneficiary": [
                {"bene_id": 900, "patient_id": 1, "performance_year": year} for year in (2023, 2024)
            ],
            "raw.claim": [
                {
                    "bene_id": 900,
                    "clm_id": number,
                    "nch_clm_type_cd": "50",
                    "clm_from_dt": day(start),
                    "clm_thru_dt": day(end),
                    "performance_year": int(end[:4]),
                }
                for number, (start, end) in enumerate(hospice)
            ],
        },
    ).read(lambda rows: own(add_columns(rows, ed30.TERMS)))


def outcome(*later: Row, **other: object) -> Case:
    """Reason and event of an index discharge of 5 March, with what came later."""
    return judge(stay(1, *INDEX), *later, **other).read(
        lambda rows: (rows[1]["reason"], rows[1]["is_event"])
    )


@pytest.mark.manual("2.26.6", "2.26.10", "2.26.17")
@pytest.mark.parametrize(
    ("encounters", "event"),
    [
        ([], 0),
        (["2024-03-08"], 0),
        (["2024-03-09"], 1),
        (["2024-04-04"], 1),
        (["2024-04-05"], 0),
        (["2024-03-07", "2024-03-20"], 1),
        (["2024-03-20", "2024-03-25"], 1),
    ],
)
@worked
def test_an_encounter_counts_from_day_4_to_day_30(encounters: list[str], event: int) -> Worked:
    result = yield outcome(encounters=encounters)
    assert result == (None, event)


@pytest.mark.manual("2.26.10", "2.26.17")
@pytest.mark.parametrize("kind", ["acute", "psychiatric", "rehabilitation", "other"])
@worked
def test_an_encounter_after_another_inpatient_stay_does_not_follow(kind: str) -> Worked:
    there = elsewhere(2, "2024-03-12", "2024-03-14", kind)
    first, second = yield (
        outcome(there, encounters=["2024-03-20"]),
        outcome(there, encounters=["2024-03-11", "2024-03-20"]),
    )
    assert first == (None, 0)
    assert second == (None, 1)


@worked
def test_the_stay_between_may_become_an_index_discharge_of_its_own() -> Worked:
    rows = yield judge(
        stay(1, *INDEX), stay(2, "2024-03-12", "2024-03-14"), encounters=["2024-03-20"]
    )
    assert [rows[number]["is_event"] for number in (1, 2)] == [0, 1]


@pytest.mark.manual("2.26.17")
@pytest.mark.parametrize(
    ("admitted", "reason"),
    [
        ("2024-03-06", "hospitalized_within_4_days"),
        ("2024-03-09", "hospitalized_within_4_days"),
        ("2024-03-10", None),
    ],
)
@worked
def test_a_hospitalisation_on_days_1_to_4_leaves_the_discharge_out(
    admitted: str, reason: str | None
) -> Worked:
    result = yield outcome(stay(2, admitted, "2024-03-20"))
    assert result[0] == reason


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"kind": "long-term", "episode": None}, "not_acute_care_hospital"),
        ({"kind": "critical access"}, None),
        ({"is_covered": False}, "not_covered_by_medicare"),
        ({"is_transferred": True}, "transferred_to_acute_care_hospital"),
        ({"discharge_status": "20"}, "died_in_hospital"),
        ({"discharge_status": "30"}, "still_in_hospital"),
        # SRR's clinical exclusions and its cancer hospitals are not ED30's.
        ({"is_cancer_hospital": True}, None),
        ({"discharge_status": "07"}, None),
        ({"principal_category": 19}, None),
        ({"is_rehabilitation": True}, None),
        ({"order_in_year": 13}, None),
    ],
)
@worked
def test_what_makes_a_discharge(changed: dict[str, object], reason: str | None) -> Worked:
    rows = yield judge(stay(1, *INDEX, **changed))
    assert rows[1]["reason"] == reason


@pytest.mark.parametrize(
    ("who", "reason"),
    [
        ({"state": "untreated", "ccn": None}, "not_on_dialysis_at_discharge"),
        ({"state": "transplant", "ccn": None}, "not_on_dialysis_at_discharge"),
        ({"ccn": None}, "facility_unknown"),
        ({"is_ma": True}, "medicare_advantage"),
        ({"esrd_day": 90}, "first_days_of_esrd"),
        ({"esrd_day": 91}, None),
        ({"age": 17}, "under_18_years"),
        ({"age": 18}, None),
        ({"age": None}, "date_of_birth_unknown"),
        ({"death_date": day("2024-03-05")}, "died_in_hospital"),
        ({"death_date": day("2024-03-10")}, None),
    ],
)
@worked
def test_exclusions_of_the_patient(who: Row, reason: str | None) -> Worked:
    rows = yield judge(stay(1, *INDEX), who=who)
    assert rows[1]["reason"] == reason


@pytest.mark.manual("2.26.11")
@pytest.mark.parametrize(
    ("hospice", "reason"),
    [
        ([("2024-03-28", "2024-03-31")], "hospice_in_month"),
        ([("2024-02-20", "2024-03-01")], "hospice_in_month"),
        ([("2024-02-20", "2024-02-29")], None),
        ([("2024-04-01", "2024-04-10")], None),
    ],
)
@worked
def test_hospice_at_any_time_of_the_month_of_discharge_excludes(
    hospice: list[tuple[str, str]], reason: str | None
) -> Worked:
    result = yield outcome(hospice=hospice)
    assert result == (reason, 0)


@pytest.mark.manual("2.26.10")
@worked
def test_an_encounter_in_a_month_of_hospice_is_not_there() -> Worked:
    april = [("2024-04-10", "2024-04-20")]
    first, second = yield (
        outcome(encounters=["2024-04-02"], hospice=april),
        outcome(encounters=["2024-03-31"], hospice=april),
    )
    assert first == (None, 0)
    assert second == (None, 1)


@pytest.mark.manual("2.26.8", "2.26.10")
@worked
def test_the_year_before_counts_too_and_goes_on_into_this_one() -> Worked:
    rows, second = yield (
        judge(stay(1, "2023-12-10", "2023-12-20"), encounters=["2024-01-19"]),
        judge(stay(1, "2022-12-10", "2022-12-31")),
    )
    assert (rows[1]["reason"], rows[1]["is_event"]) == (None, 1)
    assert second == {}


@worked
def test_thirty_days_must_be_over_when_the_years_claims_end() -> Worked:
    first, second = yield (
        judge(stay(1, "2024-11-25", "2024-12-01")),
        judge(stay(1, "2024-11-25", "2024-12-02")),
    )
    assert first[1]["reason"] is None
    late = second[1]
    assert late["reason"] == "follow_up_incomplete"


@pytest.mark.manual("2.26.10")
@worked
def test_the_thirty_days_may_lie_in_the_next_year() -> Worked:
    """Manual 2.26.10: the files reach to the end of January, and so does the encounter."""
    late = Case(
        ("cohort.ed30",),
        {
            "history.claim_run_out": [{"last_date": day("2025-01-31")}],
            "history.inpatient_discharge": [stay(1, "2024-12-10", "2024-12-20")],
            "history.discharged_patient": [person(stay(1, "2024-12-10", "2024-12-20"), "dfc")],
            "history.emergency_encounter": [
                {"patient_id": 1, "start_date": day("2025-01-05"), "end_date": day("2025-01-05")}
            ],
        },
        alone=True,
    ).read(lambda rows: rows["is_event"][rows["reason"].isna()].tolist())
    found = yield late
    assert found == [1]


@pytest.mark.manual("2.26.12")
@pytest.mark.parametrize(
    ("age", "group"),
    [
        (18, "is_age_18_to_24"),
        (24, "is_age_18_to_24"),
        (25, "is_age_25_to_44"),
        (44, "is_age_25_to_44"),
        (45, "is_age_45_to_59"),
        (59, "is_age_45_to_59"),
        (60, None),
        (74, None),
        (75, "is_age_75_or_over"),
    ],
)
@worked
def test_age_groups(age: int, group: str | None) -> Worked:
    rows = yield judge(stay(1, *INDEX), who={"age": age})
    row = rows[1]
    ones = {name for name, value in row.items() if name.startswith("is_age") and value}
    assert ones == ({group} if group else set())


@worked
def test_only_dialysis_facility_measures_have_it() -> Worked:
    rows = yield judge(stay(1, *INDEX))
    assert {row["program"] for row in rows.values()} == {"dfc"}
