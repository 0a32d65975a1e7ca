"""Dates of death: the sources of each program in the order of manual 3.1.6."""

import pytest

from esrd_pipeline_tests.sql.people import (
    BENEFICIARY,
    BORN,
    EARLIER,
    KNOWN,
    PATIENT,
    SSN,
    admitted,
    linked,
    read,
)
from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

pytestmark = pytest.mark.manual("3.1.6")

ORDER = ("cms_2746", "enrollment", "eqrs_event", "eqrs", "claims", "ssa")
DATES = {source: f"2024-05-{place:02d}" for place, source in enumerate(ORDER, start=11)}
"""The highest source has the earliest day, 11 May; Social Security the latest, 16 May."""


def stay(end: str, status: str, kind: str = "60", **other: object) -> Row:
    """A claim of a stay, with its patient discharge status."""
    return {
        "bene_id": BENEFICIARY,
        "clm_id": 1,
        "nch_clm_type_cd": kind,
        "clm_from_dt": day(end).replace(day=1),
        "clm_thru_dt": day(end),
        "ptnt_dschrg_stus_cd": status,
        **other,
    }


def enrolled(died: str | None, year: int = 2024) -> Row:
    died_on = day(died) if died else None
    return {"bene_id": BENEFICIARY, "bene_death_dt": died_on, "performance_year": year}


def find_death(*sources: str, links: list[Row] | None = None, **tables: list[Row]) -> Case:
    """The death as the named sources date it, and as rows given by hand do."""
    found = {source: day(DATES[source]) for source in sources}
    shown: dict[str, list[Row]] = {
        "raw.eqrs_patient": [{**KNOWN, "date_of_death": found.get("eqrs")}],
        "linkage.beneficiary": links or linked(),
        "linkage.earlier_patient": [EARLIER],
        "raw.cms_2746": [
            {"patient_id": PATIENT, "death_date": found[name], "primary_cause": "23"}
            for name in found
            if name == "cms_2746"
        ],
        "raw.medicare_enrollment": [enrolled(DATES[s]) for s in sources if s == "enrollment"],
        "raw.eqrs_admission": [
            admitted("2020-01-01", DATES[s], "Death") for s in sources if s == "eqrs_event"
        ],
        "raw.claim": [stay(DATES[s], "20") for s in sources if s == "claims"],
        "raw.ssa_death": [
            {"ssn": SSN, "date_of_birth": BORN, "date_of_death": found[name]}
            for name in found
            if name == "ssa"
        ],
    }
    by_hand = {name.replace("__", "."): rows for name, rows in tables.items()}
    return case("linkage.death", tables={**shown, **by_hand})


@pytest.mark.parametrize("place", range(len(ORDER)))
@worked
def test_dialysis_facility_measures_take_the_highest_source_of_the_hierarchy(place: int) -> Worked:
    known = ORDER[place:]
    rows = yield find_death(*known)
    assert read(rows, "dfc", "source", "death_date", "source_count") == [
        [known[0], day(DATES[known[0]]), len(known)]
    ]


@worked
def test_the_qip_takes_the_patient_repository_of_eqrs() -> Worked:
    rows = yield find_death(*ORDER)
    assert read(rows, "qip", "source", "death_date", "source_count") == [
        ["eqrs", day(DATES["eqrs"]), 2]
    ]


@worked
def test_the_qip_takes_the_death_notification_where_the_repository_has_no_date() -> Worked:
    rows = yield find_death("cms_2746", "enrollment", "ssa")
    assert read(rows, "qip", "source", "death_date") == [["cms_2746", day(DATES["cms_2746"])]]


@pytest.mark.parametrize("source", ["enrollment", "eqrs_event", "claims", "ssa"])
@worked
def test_the_qip_dates_no_death_by_other_sources(source: str) -> Worked:
    rows = yield find_death(source)
    assert (len(read(rows, "dfc", "source")), read(rows, "qip", "source")) == (1, [])


@worked
def test_sources_with_different_days_are_marked_as_conflicting() -> Worked:
    rows = yield find_death("cms_2746", "enrollment")
    assert read(rows, "dfc", "is_conflicting") == [[True]]
    assert read(rows, "qip", "is_conflicting") == [[False]]


@worked
def test_sources_with_one_day_do_not_conflict() -> Worked:
    rows = yield find_death("enrollment", raw__claim=[stay(DATES["enrollment"], "20")])
    assert read(rows, "dfc", "source_count", "is_conflicting") == [[2, False]]


@worked
def test_two_days_in_one_source_conflict_and_the_earlier_counts() -> Worked:
    rows = yield find_death(
        raw__eqrs_admission=[
            admitted("2020-01-01", "2024-05-04", "Death"),
            admitted("2024-02-01", "2024-05-02", "Death", reason="Transfer In"),
        ]
    )
    assert read(rows, "dfc", "death_date", "source_count", "is_conflicting") == [
        [day("2024-05-02"), 1, True]
    ]


@worked
def test_the_cause_is_that_of_the_death_notification_whoever_dates_the_death() -> Worked:
    rows = yield find_death("cms_2746", "eqrs")
    assert read(rows, "qip", "source", "primary_cause") == [["eqrs", "23"]]


@pytest.mark.parametrize(
    ("kind", "status", "is_death"),
    [
        ("60", "20", True),
        ("20", "20", True),
        ("50", "40", True),
        ("50", "41", True),
        ("50", "42", True),
        ("60", "01", False),
        ("62", "20", True),
        # Outpatient and dialysis facilities, home health.
        ("40", "20", True),
        ("10", "20", True),
        # A code of hospices alone.
        ("60", "41", False),
        ("40", "41", False),
    ],
)
@worked
def test_a_claim_that_ended_in_death_tells_its_day(
    kind: str, status: str, *, is_death: bool
) -> Worked:
    rows = yield find_death(raw__claim=[stay("2024-06-09", status, kind)])
    assert read(rows, "dfc", "source", "death_date") == (
        [["claims", day("2024-06-09")]] if is_death else []
    )


@worked
def test_the_day_of_discharge_goes_before_the_claims_last_day() -> Worked:
    rows = yield find_death(
        raw__claim=[stay("2024-06-30", "20", nch_bene_dschrg_dt=day("2024-06-09"))]
    )
    assert read(rows, "dfc", "death_date") == [[day("2024-06-09")]]


@pytest.mark.parametrize("source", ["enrollment", "claims"])
@worked
def test_a_death_known_from_medicare_alone_is_remembered(source: str) -> Worked:
    known = {"patient_id": PATIENT, "death_date": day("2022-03-04"), "source": source}
    rows = yield find_death(
        "ssa", linkage__death=[{**known, "program": "dfc", "performance_year": 2023}]
    )
    assert read(rows, "dfc", "source", "death_date") == [[source, day("2022-03-04")]]
    assert read(rows, "qip", "source") == []


@worked
def test_an_enrollment_record_without_a_death_takes_back_what_the_year_before_said() -> Worked:
    known = {"patient_id": PATIENT, "death_date": day("2023-03-04"), "source": "enrollment"}
    rows = yield find_death(
        raw__medicare_enrollment=[enrolled("2023-03-04", 2023), enrolled(None)],
        linkage__death=[{**known, "program": "dfc", "performance_year": 2023}],
    )
    assert rows.empty


@worked
def test_a_remembered_death_follows_a_beneficiary_whom_eqrs_comes_to_know() -> Worked:
    known = {"patient_id": -BENEFICIARY, "death_date": day("2023-11-04"), "source": "claims"}
    rows = yield find_death(linkage__death=[{**known, "program": "dfc", "performance_year": 2023}])
    assert read(rows, "dfc", "patient_id") == [[PATIENT]]


@worked
def test_a_beneficiary_unknown_to_eqrs_dies_by_medicares_word() -> Worked:
    rows = yield find_death("enrollment", links=linked(-BENEFICIARY))
    assert read(rows, "dfc", "patient_id", "source") == [[-BENEFICIARY, "enrollment"]]


@worked
def test_social_security_needs_number_and_birth_date() -> Worked:
    other = {"ssn": SSN, "date_of_birth": day("1951-03-02"), "date_of_death": day("2024-05-01")}
    rows = yield find_death(raw__ssa_death=[other])
    assert rows.empty
