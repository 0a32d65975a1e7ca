"""The Networks' indicators of choice and coordination, and how they are added up by level."""

import pandas as pd
import pytest

from esrd_pipeline.parameters import load_parameters
from esrd_pipeline_tests.sql.network import began, count, listed, medicare, present, treated
from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

# --- days ------------------------------------------------------------------------------------


@worked
def test_days_are_incident_for_ninety_days_and_prevalent_in_center_after_them() -> Worked:
    """First service on 1 February: the ninetieth day of ESRD is 30 April 2024."""
    rows = yield case(
        "network.patient_month",
        tables={
            "linkage.facility": [listed("A"), listed("B", is_eligible=False)],
            "linkage.first_service": [began(1, "2024-02-01"), began(2, "2024-02-01")],
            "history.treatment": [
                treated(1, "2024-02-01", "2024-05-10", "A"),
                treated(1, "2024-05-11", "2024-05-31", "A", "home"),
                treated(2, "2024-02-01", "2024-12-31", "B"),
            ],
            "history.medicare_month": [
                medicare(1, "2024-02-01"),
                medicare(1, "2024-03-01", is_ma=True),
                medicare(1, "2024-04-01", is_seen=False),
            ],
        },
    )
    assert [
        (
            row["month"].month,
            row["days"],
            row["incident_days"],
            row["prevalent_in_center_days"],
            row["observable_days"],
            row["emergency_days"],
        )
        for row in rows.to_dict("records")
    ] == [
        (2, 29, 29, 0, 29, 29),
        (3, 31, 31, 0, 31, 0),
        (4, 30, 30, 0, 0, 0),
        (5, 31, 0, 10, 0, 0),
    ]


# --- choice ----------------------------------------------------------------------------------


def choosing(treatment: list[Row], first: str = "2020-01-01", **other: list[Row]) -> Case:
    return count(
        "choice",
        {
            "linkage.facility": [listed("A"), listed("B")],
            "linkage.first_service": [began(1, first)],
            "history.treatment": treatment,
            **{name.replace("__", "."): rows for name, rows in other.items()},
        },
    )


@worked
def test_coming_home_is_credited_to_the_facility_of_the_day_before() -> Worked:
    counts = yield choosing(
        [
            treated(1, "2020-01-01", "2024-03-10", "A"),
            treated(1, "2024-03-11", "2024-12-31", "B", "home"),
        ]
    )
    assert counts["A", "home_start_prevalent", 3] == (1, 10)
    assert ("B", "home_start_prevalent", 3) not in counts


@worked
def test_the_ninetieth_day_is_incident_and_the_next_one_prevalent() -> Worked:
    """First service on 1 February 2024: its ninetieth day is 30 April."""

    def home_from(last: str, first: str) -> Case:
        return choosing(
            [
                treated(1, "2024-02-01", last, "A"),
                treated(1, first, "2024-12-31", "A", "home"),
            ],
            first="2024-02-01",
        )

    cases = {
        "ninetieth": home_from("2024-04-29", "2024-04-30"),
        "next": home_from("2024-04-30", "2024-05-01"),
    }
    counts = yield cases
    assert counts["ninetieth"]["A", "home_start_incident", 4] == (1, 30)
    assert counts["next"]["A", "home_start_incident", 4] == (0, 30)
    # There is nobody in center past 90 days, so the rate has no denominator.
    assert counts["next"]["A", "home_start_prevalent", 5] == (1, 0)


@worked
def test_who_begins_at_home_came_home_on_the_first_day() -> Worked:
    counts = yield choosing(
        [treated(1, "2024-06-15", "2024-12-31", "B", "home")], first="2024-06-15"
    )
    assert counts["B", "home_start_incident", 6] == (1, 16)


@worked
def test_coming_home_again_counts_after_thirty_days_in_center() -> Worked:
    def back(after: str) -> Case:
        last = str(day(after) - pd.Timedelta(days=1))[:10]
        return choosing(
            [
                treated(1, "2022-01-01", "2024-03-31", "A", "home"),
                treated(1, "2024-04-01", last, "A"),
                treated(1, after, "2024-12-31", "A", "home"),
            ]
        )

    counts = yield {"29 days": back("2024-04-30"), "30 days": back("2024-05-01")}
    assert counts["29 days"]["A", "home_start_prevalent", 4] == (0, 29)
    assert counts["30 days"]["A", "home_start_prevalent", 5] == (1, 0)


@pytest.mark.manual("2.16.6")
@worked
def test_a_listing_is_new_after_thirty_days_off_the_list() -> Worked:
    def wait(start: str, end: str | None = None) -> Row:
        return {
            "patient_id": 1,
            "start_date": day(start),
            "end_date": None if end is None else day(end),
        }

    everywhere = [treated(1, "2020-01-01", "2024-12-31", "A")]
    counts = yield {
        "first": choosing(everywhere, linkage__waitlist=[wait("2024-03-05")]),
        "earlier year": choosing(everywhere, linkage__waitlist=[wait("2023-03-05")]),
        "moved": choosing(
            everywhere, linkage__waitlist=[wait("2023-01-01", "2024-03-01"), wait("2024-03-31")]
        ),
        "again": choosing(
            everywhere, linkage__waitlist=[wait("2023-01-01", "2024-03-01"), wait("2024-04-01")]
        ),
    }
    assert counts["first"]["A", "waitlisting", 3] == (1, 31)
    assert all(numerator == 0 for numerator, _ in counts["earlier year"].values())
    assert counts["moved"]["A", "waitlisting", 3] == (0, 31)
    assert counts["again"]["A", "waitlisting", 4] == (1, 30)


@worked
def test_a_kidney_is_credited_to_the_facility_of_the_day_before() -> Worked:
    """On 1 May the facility treats nobody any more: the event has no patient-month beside it."""
    kidney = {"program": "dfc", "patient_id": 1, "transplant_date": day("2024-05-01")}
    counts = yield {
        "dialysed": choosing(
            [treated(1, "2020-01-01", "2024-04-30", "A")], linkage__transplant=[kidney]
        ),
        "before dialysis": choosing([], first="2024-05-01", linkage__transplant=[kidney]),
    }
    assert counts["dialysed"]["A", "transplant", 5] == (1, 0)
    assert counts["before dialysis"] == {}


# --- coordination ----------------------------------------------------------------------------


def stay(admit: str, discharge: str) -> Row:
    return {"patient_id": 1, "admit_date": day(admit), "discharge_date": day(discharge)}


def coordinating(months: list[Row], stays: list[Row], visits: tuple[str, ...] = ()) -> Case:
    return count(
        "coordination",
        {
            "linkage.facility": [listed("A")],
            "linkage.first_service": [began(1, "2020-01-01")],
            "history.treatment": [treated(1, "2020-01-01", "2024-12-31", "A")],
            "history.medicare_month": months,
            "history.hospital_stay": stays,
            "history.emergency_encounter": [
                {"patient_id": 1, "start_date": day(visit), "end_date": day(visit)}
                for visit in visits
            ],
        },
    )


@pytest.mark.manual("2.13.11")
@worked
def test_a_stay_within_thirty_days_of_a_discharge_is_a_readmission() -> Worked:
    """Discharged on 20 December 2023 and admitted on 19 January: the thirtieth day."""
    counts = yield coordinating(
        [medicare(1, "2024-01-01"), medicare(1, "2024-02-01"), medicare(1, "2024-03-01")],
        [
            stay("2023-12-10", "2023-12-20"),
            stay("2024-01-19", "2024-01-25"),
            stay("2024-02-25", "2024-02-28"),
            stay("2024-03-29", "2024-03-30"),
        ],
    )
    assert counts["A", "admission", 1] == (1, 31)
    assert counts["A", "readmission_30", 1] == (1, 31)
    assert counts["A", "readmission_30", 2] == (0, 29)
    assert counts["A", "readmission_30", 3] == (1, 31)
    assert ("A", "admission", 4) not in counts


@pytest.mark.manual("2.25.11", "2.13.10.1")
@worked
def test_hospital_use_counts_where_claims_can_show_it() -> Worked:
    counts = yield coordinating(
        [
            medicare(1, "2024-01-01"),
            medicare(1, "2024-02-01", is_ma=True, is_seen=False),
            medicare(1, "2024-03-01", is_seen=False),
        ],
        [stay("2024-02-10", "2024-02-12"), stay("2024-03-20", "2024-03-21")],
        visits=("2024-01-31", "2024-02-05"),
    )
    assert counts == {
        ("A", "admission", 1): (0, 31),
        ("A", "admission", 2): (1, 29),
        ("A", "readmission_30", 1): (0, 31),
        ("A", "readmission_30", 2): (0, 29),
        ("A", "ed_visit", 1): (1, 31),
    }


# --- levels ----------------------------------------------------------------------------------

FACTS: dict[str, dict[str, object]] = {
    "A": {"network": 6, "state": "GA", "dialysis_organization": "North"},
    "B": {"network": 6, "state": "NC", "dialysis_organization": "North"},
    "C": {"network": 9, "state": "IN", "dialysis_organization": None},
}


def counted(ccn: str, indicator: str, numerator: int, denominator: int) -> Row:
    return {
        "ccn": ccn,
        "month": day("2024-04-01"),
        "indicator": indicator,
        "numerator": numerator,
        "denominator": denominator,
    }


@worked
def test_counts_are_added_up_and_divided_once() -> Worked:
    """April has 30 days: 300 days are ten patient-months, and 2 events 20 per 100 of them."""
    rows = yield case(
        "network.indicator",
        tables={
            "linkage.facility": [listed(ccn, **facts) for ccn, facts in FACTS.items()],
            "network.coordination": [
                counted("A", "admission", 2, 300),
                counted("B", "admission", 1, 900),
                counted("C", "admission", 3, 0),
            ],
            "network.whole_health": [counted("A", "depression_screened", 6, 8)],
        },
        alone=True,
    )
    rates = {
        (row["level"], row["group_name"]): (
            row["facility_count"],
            row["numerator"],
            row["denominator"],
            row["value"],
        )
        for row in rows[rows["indicator"] == "admission"].to_dict("records")
    }
    assert rates["facility", "A"] == (1, 2, 10, 20)
    assert rates["state", "NC"] == (1, 1, 30, pytest.approx(100 / 30))
    assert rates["network", "6"] == (2, 3, 40, 7.5)
    assert rates["chain", "North"] == (2, 3, 40, 7.5)
    assert rates["nation", "nation"] == (3, 6, 40, 15)
    assert rates["facility", "C"][:3] == (1, 3, 0)
    assert pd.isna(rates["facility", "C"][3])
    assert set(rates) == {
        ("nation", "nation"),
        *(("network", number) for number in ("6", "9")),
        *(("state", state) for state in ("GA", "NC", "IN")),
        *(("chain", name) for name in ("North", "unknown")),
        *(("facility", ccn) for ccn in FACTS),
    }
    share = rows[(rows["indicator"] == "depression_screened") & (rows["level"] == "nation")]
    assert share[["value", "unit"]].to_numpy().tolist() == [[0.75, "share"]]


@worked
def test_every_indicator_that_is_counted_has_a_description() -> Worked:
    """An indicator that the parameter file does not have would vanish from every level."""
    names = [str(name) for name in load_parameters("network_indicator")["indicator"]]
    everywhere = {
        "linkage.facility": [listed("A")],
        "linkage.first_service": [began(1, "2020-01-01")],
        "history.treatment": [treated(1, "2020-01-01", "2024-12-31", "A")],
        "history.medicare_month": [medicare(1, "2024-01-01")],
        "history.care_month": [present(1, "2024-01-01")],
        "linkage.patient": [{"patient_id": 1, "date_of_birth": day("1960-01-01")}],
    }
    counts = yield {
        name: count(name, everywhere) for name in ("choice", "coordination", "interoperability")
    }
    found = {indicator for rows in counts.values() for _, indicator, _ in rows}
    assert found
    assert found <= set(names)


@worked
def test_months_of_a_measure_count_dfc_patients_in_the_denominator() -> Worked:
    """Two of three in January have the catheter; the QIP's row and a reason are left out."""

    def catheter(patient: int, month: str, *, is_ltc: bool | None, **other: object) -> Row:
        row = {"program": "dfc", "patient_id": patient, "month": day(month), "ccn": "A"}
        others = ("ktv_adult_hd", "ktv_adult_pd", "ktv_pediatric_hd", "ktv_pediatric_pd")
        for name in (*others, "hypercalcemia", "npcr", "medication_reconciliation"):
            row[f"{name}_reason"] = "date_of_birth_unknown"
        return {**row, "is_ltc": is_ltc, **other}

    rows = yield case(
        "network.measure_month",
        tables={
            "cohort.patient_months": [
                catheter(1, "2024-01-01", is_ltc=True),
                catheter(2, "2024-01-01", is_ltc=True),
                catheter(3, "2024-01-01", is_ltc=False),
                catheter(3, "2024-02-01", is_ltc=False),
                catheter(4, "2024-01-01", is_ltc=None, ltc_reason="under_18_years"),
                catheter(1, "2024-01-01", is_ltc=False, program="qip"),
            ]
        },
        alone=True,
    )
    found = {
        (row["ccn"], row["measure"], row["month"].month): (row["numerator"], row["denominator"])
        for row in rows.to_dict("records")
    }
    assert found == {("A", "ltc", 1): (2, 3), ("A", "ltc", 2): (0, 1)}
