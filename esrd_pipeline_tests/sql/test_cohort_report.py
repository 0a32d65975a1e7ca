"""The year's patients by topic: manual 2.13.10 (treatment history), 3.1.2 and 3.1.6."""

import pandas as pd
import pytest

from esrd_pipeline.reports.sums_check import find_open_groups
from esrd_pipeline.reports.suppression import suppress
from esrd_pipeline.tables.trend import COHORT
from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

pytestmark = pytest.mark.manual("2.13.10")

FACILITIES = (
    {"program": "dfc", "ccn": "A", "network": 8, "state": "AL"},
    {"program": "dfc", "ccn": "B", "network": 8, "state": "MS"},
    {"program": "dfc", "ccn": "C", "network": 17, "state": "CA"},
)


def spell(
    patient: int,
    start: str,
    end: str = "2024-12-31",
    *,
    ccn: str | None = "A",
    state: str = "dialysis",
    modality: str | None = "hemodialysis",
    setting: str | None = "in center",
) -> Row:
    """A spell of treatment history."""
    row = {"program": "dfc", "patient_id": patient, "start_date": day(start), "end_date": day(end)}
    return row | {"state": state, "ccn": ccn, "modality": modality, "setting": setting}


def graft(patient: int, start: str, end: str = "2024-12-31") -> Row:
    return spell(patient, start, end, ccn=None, state="transplant", modality=None, setting=None)


def died(patient: int, on: str) -> Row:
    return {"program": "dfc", "patient_id": patient, "death_date": day(on)}


def count(*spells: Row, **tables: list[Row]) -> Case:
    """Patients by level, group, topic and category."""
    first: dict[object, Row] = {}
    for one in sorted(spells, key=lambda row: str(row["start_date"])):
        begun = {"program": "dfc", "patient_id": one["patient_id"]}
        first.setdefault(one["patient_id"], {**begun, "first_service_date": one["start_date"]})

    def read(rows: pd.DataFrame) -> pd.DataFrame:
        return rows.set_index(["level", "group_name", "topic", "category"])

    return case(
        "report.cohort",
        tables={
            "history.treatment": spells,
            "linkage.first_service": list(first.values()),
            "linkage.facility": FACILITIES,
            **{f"linkage.{name}": rows for name, rows in tables.items()},
        },
        # Every row counts all patients.
        alone=True,
    ).read(read)


def nation(rows: pd.DataFrame) -> dict[tuple[str, str], tuple[int, int]]:
    """The nation's patients and their base, by topic and category."""
    mine = rows.reset_index()
    mine = mine[mine["level"] == "nation"]
    assert find_open_groups(rows.reset_index()) is None
    names = ("topic", "category", "patients", "base_patients")
    listed = zip(*(mine[name] for name in names), strict=True)
    return {(str(topic), str(one)): (int(n), int(base)) for topic, one, n, base in listed}


@worked
def test_a_patient_of_last_year_is_prevalent_and_not_incident() -> Worked:
    rows = yield count(spell(1, "2023-03-01"))
    assert nation(rows) == {
        ("prevalent", "all"): (1, 1),
        ("modality", "in-center hemodialysis"): (1, 1),
        ("years of ESRD", "1 year"): (1, 1),
    }


@worked
def test_a_patient_of_this_year_is_incident() -> Worked:
    made = yield {
        # The 90th day after the first service date is the year's last.
        "before": count(spell(1, "2024-10-02")),
        "after": count(spell(1, "2024-10-03", modality="peritoneal", setting="home")),
    }
    assert nation(made["before"]) == {
        ("incident", "all"): (1, 1),
        ("prevalent", "all"): (1, 1),
        ("modality", "in-center hemodialysis"): (1, 1),
        ("years of ESRD", "90 days to 1 year"): (1, 1),
    }
    found = nation(made["after"])
    assert found["years of ESRD", "under 90 days"] == (1, 1)
    assert found["at home under 90 days", "all"] == (1, 1)
    assert found["modality", "peritoneal dialysis"] == (1, 1)


@worked
def test_the_share_at_home_is_of_patients_on_dialysis_as_long() -> Worked:
    rows = yield count(
        spell(1, "2020-01-01"),
        spell(2, "2020-01-01", setting="home"),
        spell(3, "2024-12-01", setting="home"),
        graft(4, "2020-01-01"),
    )
    found = nation(rows)
    assert found["at home from 90 days", "all"] == (1, 2)
    assert found["at home under 90 days", "all"] == (1, 1)
    assert found["modality", "home hemodialysis"] == (2, 4)
    assert found["modality", "transplant"] == (1, 4)


@worked
def test_who_dies_has_died_and_is_not_prevalent() -> Worked:
    rows = yield count(
        spell(1, "2020-01-01", "2024-06-30"),
        # Dead on the year's last day: not there after it.
        spell(2, "2020-01-01", "2024-12-31"),
        spell(3, "2020-01-01"),
        # Died before the year: not a patient of it.
        spell(4, "2020-01-01", "2023-06-30"),
        death=[died(1, "2024-06-30"), died(2, "2024-12-31"), died(4, "2023-06-30")],
    )
    found = nation(rows)
    assert found["died", "dialysis"] == (2, 3)
    assert found["prevalent", "all"] == (1, 3)


@worked
def test_a_transplant_of_the_year_by_donor() -> Worked:
    given = {"program": "dfc", "patient_id": 1}
    rows = yield count(
        spell(1, "2022-01-01", "2024-02-29"),
        graft(1, "2024-03-01"),
        spell(2, "2022-01-01"),
        transplant=[
            {**given, "transplant_date": day("2024-03-01"), "donor": "living"},
            {**given, "transplant_date": day("2024-09-01"), "donor": "deceased"},
        ],
    )
    found = nation(rows)
    # Once, by the first of the year.
    assert found["transplanted", "living"] == (1, 2)
    assert ("transplanted", "deceased") not in found
    # Of the facility that treated before.
    assert rows.loc[("state", "AL", "modality", "transplant"), "patients"] == 1


@worked
def test_waitlisted_on_the_last_day() -> Worked:
    rows = yield count(
        spell(1, "2022-01-01"),
        spell(2, "2022-01-01"),
        spell(3, "2022-01-01"),
        waitlist=[
            {"patient_id": 1, "start_date": day("2023-01-01")},
            {"patient_id": 2, "start_date": day("2023-01-01"), "end_date": day("2024-12-30")},
            {"patient_id": 3, "start_date": day("2025-01-01")},
        ],
    )
    assert nation(rows)["waitlisted", "all"] == (1, 3)


@worked
def test_a_patient_belongs_to_the_last_facility() -> Worked:
    rows = yield count(
        spell(1, "2022-01-01", "2024-05-31", ccn="A"),
        spell(1, "2024-06-01", ccn="C"),
        spell(2, "2022-01-01", ccn="B"),
        graft(3, "2024-01-01"),
    )
    prevalent = rows.xs(("prevalent", "all"), level=("topic", "category"))["patients"]
    assert prevalent.to_dict() == {
        ("nation", "nation"): 3,
        ("network", "17"): 1,
        ("network", "8"): 1,
        ("network", "unknown"): 1,
        ("state", "CA"): 1,
        ("state", "MS"): 1,
        ("state", "unknown"): 1,
    }
    # A class that the nation has and the group has not is nobody.
    modality = rows.xs("modality", level="topic")["patients"]
    assert modality["network", "17", "transplant"] == 0


@worked
def test_groups_and_classes_that_do_not_add_up_are_told() -> Worked:
    made = yield count(spell(1, "2022-01-01", ccn="A"), spell(2, "2022-01-01", ccn="C"))
    rows = made.reset_index()
    assert find_open_groups(rows) is None
    assert find_open_groups(rows.iloc[:0]) is None
    is_one = (rows["level"] == "network") & (rows["topic"] == "modality")
    wrong = rows.assign(patients=rows["patients"] + is_one.astype(int))
    assert find_open_groups(wrong) == (
        "groups of level network do not add up to the nation; classes of modality do not add up"
    )


@worked
def test_few_patients_of_a_state_are_not_shown_and_cannot_be_computed() -> Worked:
    made = yield count(
        *(spell(n, "2022-01-01", ccn="A") for n in range(1, 31)),
        *(spell(n, "2022-01-01", ccn="B") for n in range(31, 61)),
        *(spell(n, "2022-01-01", ccn="C") for n in range(61, 66)),
    )
    shown = suppress(COHORT, made.reset_index())
    states = shown[(shown["level"] == "state") & (shown["topic"] == "prevalent")]
    hidden = states.set_index("group_name")["patients"].isna()
    # Five of California; the next smallest state is hidden with it.
    assert hidden.sum() == 2
    assert hidden["CA"]


@worked
def test_who_is_lost_is_of_the_year_and_not_at_its_end() -> Worked:
    rows = yield count(
        spell(1, "2020-01-01"),
        spell(2, "2020-01-01", "2022-12-31"),
        spell(2, "2023-01-01", ccn=None, state="lost", modality=None, setting=None),
    )
    assert nation(rows)["prevalent", "all"] == (1, 2)
