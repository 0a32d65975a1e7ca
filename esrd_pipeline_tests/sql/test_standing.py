"""Where facilities stand in their Network's activities, and what a change package tells."""

from esrd_pipeline_tests.sql.worked import Row, Tables, Worked, case, day, worked


def activity(name: str, measure: str, **other: object) -> Row:
    return {
        "activity": name,
        "network": 8,
        "priority": "coordination",
        "measure": measure,
        "selection_rule": "worst tenth",
        "baseline_first": day("2023-01-01"),
        "baseline_last": day("2023-12-31"),
        "measurement_first": day("2024-02-01"),
        "measurement_last": day("2024-12-31"),
        "goal": 1.0,
        "goal_unit": "ratio",
        "goal_direction": "at_most",
        **other,
    }


def enrolled(ccn: str, start: str, end: str = "", graduated: str = "", **other: object) -> Row:
    return {
        "activity": "fewer_stays",
        "ccn": ccn,
        "start_date": day(start),
        "end_date": day(end) if end else None,
        "graduated_on": day(graduated) if graduated else None,
        **other,
    }


def contact(ccn: str, on: str, kind: str, escalation: int) -> Row:
    return {
        "activity": "fewer_stays",
        "ccn": ccn,
        "contact_date": day(on),
        "kind": kind,
        "escalation": escalation,
        "note": "never read",
    }


def contract(ccn: str, value: float, program: str = "dfc", *, reportable: bool = True) -> Row:
    return {
        "ccn": ccn,
        "program": program,
        "measure": "shr",
        "value": value,
        "reportable": reportable,
    }


TABLES: Tables = {
    "raw.network_activity": [
        activity("fewer_stays", "shr"),
        activity("ended", "shr", measurement_last=day("2023-12-31")),
    ],
    "raw.network_enrolment": [
        # A leaves and comes back; B graduates; C leaves; D left the year before; E starts after it.
        enrolled("A", "2023-05-01", "2024-01-31"),
        enrolled("A", "2024-06-01"),
        enrolled("B", "2024-02-01", "2024-09-30", "2024-09-30"),
        enrolled("C", "2024-02-01", "2024-03-31"),
        enrolled("D", "2023-02-01", "2023-12-31"),
        enrolled("E", "2025-01-01"),
        # What happens after the year is not known in it.
        enrolled("F", "2024-02-01", "2025-02-28", "2025-02-28"),
    ],
    "raw.network_contact": [
        contact("A", "2024-01-15", "call", 4),
        contact("A", "2024-07-01", "call", 3),
        contact("A", "2024-08-01", "call", 1),
        contact("A", "2024-08-01", "visit", 2),
        contact("A", "2025-01-05", "call", 0),
        contact("B", "2024-02-10", "visit", 0),
    ],
    "raw.network_mentor_pair": [
        {
            "activity": "fewer_stays",
            "mentor_ccn": mentor,
            "mentee_ccn": "B",
            "start_date": day(start),
            "end_date": None,
        }
        for mentor, start in (("M", "2024-03-01"), ("N", "2024-05-01"), ("O", "2024-12-01"))
    ],
    "facility.contract": [
        contract("A", 1.2),
        contract("A", 0.7, "qip"),
        contract("B", 1.0),
        contract("C", 0.4, reportable=False),
        contract("F", 0.9, "qip"),
    ],
}


@worked
def test_where_each_facility_stands_at_the_end_of_the_year() -> Worked:
    """DFC's value goes before the QIP's; the last contact of its own time says the level."""
    rows = yield case("network.enrolment_standing", tables=TABLES, alone=True)
    found = [
        (
            row["ccn"],
            row["start_date"].isoformat(),
            row["place"],
            row["contact_count"],
            row["escalation"],
            row["mentor_count"],
        )
        for row in rows.to_dict("records")
    ]
    assert found == [
        ("A", "2023-05-01", "left", 1, 4, 0),
        ("A", "2024-06-01", "in", 3, 2, 0),
        ("B", "2024-02-01", "graduated", 1, 0, 2),
        ("C", "2024-02-01", "left", 0, 0, 0),
        ("F", "2024-02-01", "in", 0, 0, 0),
    ]
    values = rows.set_index("ccn")[["value", "program"]].drop_duplicates()
    assert values["value"].dropna().to_dict() == {"A": 1.2, "B": 1.0, "F": 0.9}
    assert values["program"].dropna().to_dict() == {"A": "dfc", "B": "dfc", "F": "qip"}
    reached = dict(zip(rows["ccn"], rows["reaches_goal"], strict=True))
    assert (bool(reached["A"]), bool(reached["B"]), bool(reached["F"])) == (False, True, True)
    assert rows["reaches_goal"].isna().tolist() == [False, False, False, True, False]


@worked
def test_an_activity_counts_each_facility_once() -> Worked:
    """A is in it again; the activity that ended the year before has nobody and is not told of."""
    rows = yield case(
        "network.enrolment_standing", "network.activity_standing", tables=TABLES, alone=True
    )
    (row,) = rows.to_dict("records")
    counts = {name: value for name, value in row.items() if name.endswith("_count")}
    assert counts == {
        "enrolled_count": 4,
        "in_count": 2,
        "graduated_count": 1,
        "left_count": 1,
        "measured_count": 3,
        "at_goal_count": 2,
        "escalated_count": 1,
        "mentored_count": 1,
    }


@worked
def test_an_indicator_is_counted_over_the_months_of_measurement() -> Worked:
    """Admissions of February and March over 100 + 50 patient-months: 100 x 18 / 150 = 12."""
    months = [
        {
            "level": "facility",
            "group_name": ccn,
            "month": day(f"2024-0{month}-01"),
            "indicator": "admission",
            "numerator": numerator,
            "denominator": denominator,
            "unit": "per 100 patient-months",
            "counted": "patients",
        }
        # B has 131 patient-months of the 132 that a rate needs.
        for ccn, month, numerator, denominator in (
            ("A", 1, 90, 100.0),
            ("A", 2, 12, 100.0),
            ("A", 3, 6, 50.0),
            ("B", 2, 12, 131.0),
        )
    ]
    rows = yield case(
        "network.enrolment_standing",
        alone=True,
        tables={
            "raw.network_activity": [activity("fewer_stays", "admission", goal=12.0)],
            "raw.network_enrolment": [enrolled("A", "2024-01-01"), enrolled("B", "2024-01-01")],
            "network.indicator": months,
        },
    )
    a, b = rows.to_dict("records")
    assert (a["value"], a["size"], a["events"], bool(a["reaches_goal"])) == (12.0, 150.0, 18, True)
    assert (b["size"], b["events"]) == (131.0, 12)
    assert rows["value"].isna().tolist() == [False, True]


@worked
def test_a_change_package_says_which_source_is_a_high_performer() -> Worked:
    shared = {"priority": "coordination", "driver": "follow-up", "text": "Call after a stay."}
    high = {"ccn": "A", "program": "dfc", "name": "shr", "kind": "measure", "standing": "high"}
    rows = yield case(
        "network.change_package",
        alone=True,
        tables={
            "raw.network_change_idea": [
                {"idea": "a", "source_ccn": "A", **shared},
                {"idea": "b", "source_ccn": "B", **shared},
                {"idea": "c", "reference": "A paper", **shared},
                {"idea": "d", "source_ccn": "A", **shared, "priority": "choice"},
            ],
            "network.candidate": [
                {**high, "priority": "coordination", "rule": "flag_better"},
                {**high, "priority": "coordination", "rule": "highest_tenth"},
                {**high, "ccn": "B", "priority": "coordination", "rule": "flag_worse"}
                | {"standing": "low"},
            ],
        },
    )
    counts = rows["high_rule_count"].astype("float").fillna(-1).tolist()
    assert list(zip(rows["idea"], counts, strict=True)) == [
        ("a", 2),
        ("b", 0),
        ("c", -1),
        ("d", 0),
    ]


def goal(indicator: str, first: str, last: str, **other: object) -> Row:
    return {
        "network": 8,
        "priority": "coordination",
        "indicator": indicator,
        "first_month": day(first),
        "last_month": day(last),
        "goal": 9.0,
        "direction": "at_most",
        **other,
    }


def indicated(
    indicator: str, month: str, numerator: int, denominator: float, group: str = "8"
) -> Row:
    return {
        "level": "network",
        "group_name": group,
        "indicator": indicator,
        "month": day(month),
        "numerator": numerator,
        "denominator": denominator,
        "counted": "patients",
    }


@worked
def test_a_goal_is_judged_by_the_networks_months_in_the_year() -> Worked:
    """Admissions: 54 of 600 patient-months, 9.0; a share of the year so far: its last month."""
    rows = yield case(
        "network.goal_standing",
        tables={
            "raw.network_goal": [
                goal("admission", "2023-12-01", "2024-02-01"),
                goal(
                    "depression_screened",
                    "2024-01-01",
                    "2025-06-01",
                    goal=0.9,
                    direction="at_least",
                ),
                goal("transplant", "2024-01-01", "2024-12-01"),
                goal("ed_visit", "2024-01-01", "2024-12-01"),
                goal("admission", "2023-01-01", "2023-12-01"),
            ],
            "network.indicator": [
                indicated("admission", "2024-01-01", 30, 300.0),
                indicated("admission", "2024-02-01", 24, 300.0),
                indicated("admission", "2024-03-01", 90, 300.0),
                indicated("admission", "2024-01-01", 99, 300.0, "9"),
                indicated("depression_screened", "2024-11-01", 80, 100.0),
                indicated("depression_screened", "2024-12-01", 89, 100.0),
                indicated("transplant", "2024-01-01", 1, 131.0),
            ],
        },
        alone=True,
    )
    found = {
        row["indicator"]: (row["month_count"], row["size"], row["value"], row["reaches_goal"])
        for row in rows.astype(object).where(rows.notna(), None).to_dict("records")
    }
    assert found == {
        "admission": (2, 600.0, 9.0, True),
        "depression_screened": (1, 100.0, 0.89, False),
        # Below 132 patient-months there is no value, nor without a month.
        "transplant": (1, 131.0, None, None),
        "ed_visit": (0, 0.0, None, None),
    }
    assert rows.set_index("indicator")["events"].fillna(-1).to_dict() == {
        "admission": 54,
        "depression_screened": 89,
        "transplant": 1,
        "ed_visit": -1,
    }
