"""Rows of the activities' effects, event studies and matches, from frames as they are stored."""

import numpy as np
import pandas as pd
import pytest

from esrd_pipeline.parameters.priorities import load_services
from esrd_pipeline.reports.activities import evaluate_activities
from esrd_pipeline.tables.activity import EFFECT, ESTIMATORS, EVENT_STUDY, MATCH
from esrd_pipeline_tests.statistics.activities import MONTHS, Simulated, simulate

FIRST = pd.Timestamp("2022-01-01")


def _list_months(nation: Simulated) -> pd.DataFrame:
    facility, month = np.nonzero(nation.expected > 0)
    days = pd.date_range(FIRST, periods=MONTHS, freq="MS")
    return pd.DataFrame(
        {
            "ccn": [f"{number:06d}" for number in facility],
            "measure": "shr",
            "month": days[month],
            "observed": nation.observed[facility, month],
            "expected": nation.expected[facility, month],
        }
    )


def _enrol(nation: Simulated, activity: str = "N5-2024") -> pd.DataFrame:
    rows = np.flatnonzero(nation.start < MONTHS)
    days = pd.date_range(FIRST, periods=MONTHS, freq="MS")
    return pd.DataFrame(
        {
            "activity": activity,
            "ccn": [f"{number:06d}" for number in rows],
            "start_date": days[nation.start[rows]],
        }
    )


def plan(**changed: object) -> pd.DataFrame:
    """Return an activity as its table has it."""
    # The months of selection are the simulation's: 18 to 29 from January 2022 on.
    planned = {
        "activity": "N5-2024",
        "network": 5,
        "priority": "coordination",
        "measure": "shr",
        "baseline_first": pd.Timestamp("2023-07-01"),
        "baseline_last": pd.Timestamp("2024-06-30"),
        "measurement_last": pd.Timestamp("2025-12-31"),
    }
    return pd.DataFrame([planned | changed])


NATION = simulate(6, ratio=0.8, chosen="worst")
EVENTS = _list_months(NATION)
ENROLLED = _enrol(NATION)


def _evaluate(**given: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    frames = {"activities": plan(), "enrolments": ENROLLED, "events": EVENTS} | given
    return evaluate_activities(performance_year=2025, services=load_services(), **frames)


def _reason(**given: pd.DataFrame) -> set[str]:
    effects, study, matches = _evaluate(**given)
    assert len(study) == len(matches) == 0
    assert effects["ratio"].isna().all()
    return set(effects["reason"])


def test_effects_are_those_of_the_estimators_whatever_the_order_of_rows() -> None:
    effects, study, matches = _evaluate()
    shuffled = _evaluate(
        events=EVENTS.sample(frac=1, random_state=1),
        enrolments=ENROLLED.sample(frac=1, random_state=2),
    )
    for frame, other in zip((effects, study, matches), shuffled, strict=True):
        pd.testing.assert_frame_equal(frame, other)
    assert list(effects["estimator"]) == sorted(ESTIMATORS)
    mine = effects.set_index("estimator").loc["staggered"]
    # The pool is everyone never enrolled, of this Network too.
    assert mine["ratio"] == pytest.approx(0.8, abs=0.06)
    assert mine["lower"] < mine["ratio"] < mine["upper"] < 0.9
    assert (mine["network"], mine["priority"], mine["facility_count"]) == (5, "coordination", 30)
    plain = effects.set_index("estimator").loc["before_after"]
    assert plain["ratio"] < 0.75
    assert plain["ratio"] / mine["ratio"] < 0.95
    assert effects.set_index("estimator").loc["placebo", "p_value"] > 0.05


def test_matches_stood_where_the_enrolled_did() -> None:
    matches = _evaluate()[2]
    assert len(matches) == 90
    assert not set(matches["match_ccn"]) & set(ENROLLED["ccn"])
    assert matches["match_level"].mean() == pytest.approx(matches["level"].mean(), rel=0.05)
    one = matches.iloc[0]
    rows = EVENTS[(EVENTS["ccn"] == one["ccn"]) & EVENTS["month"].between("2023-07", "2024-06")]
    assert one["level"] == pytest.approx(rows["observed"].sum() / rows["expected"].sum())


def test_a_month_of_enrolment_counts_neither_way() -> None:
    later = ENROLLED.assign(start_date=ENROLLED["start_date"] + pd.Timedelta(days=14))
    effects, study, _ = _evaluate(enrolments=later)
    whole = _evaluate()[0].set_index("estimator")
    assert (
        effects.set_index("estimator").loc["staggered", "observed"]
        < whole.loc["staggered", "observed"]
    )
    # The first whole month is the next one.
    assert study.loc[study["phase"] == "after", "relative_month"].max() == 15


def test_measurement_ends_with_its_period_and_leaving_changes_nothing() -> None:
    short = plan(measurement_last=pd.Timestamp("2025-06-30"))
    study = _evaluate(activities=short)[1]
    assert study.loc[study["phase"] == "after", "relative_month"].max() == 10
    left = ENROLLED.assign(end_date=pd.Timestamp("2024-12-31"))
    pd.testing.assert_frame_equal(_evaluate(enrolments=left)[0], _evaluate()[0])


def test_months_of_selection_after_a_start_are_not_told_as_selection() -> None:
    long = plan(baseline_last=pd.Timestamp("2024-09-30"))
    study = _evaluate(activities=long)[1]
    later = study[study["relative_month"] >= 0]
    assert set(later["phase"]) == {"after"}
    # Starts in August, November and February: two months of the first are selecting others.
    whole = _evaluate()[1].set_index(["phase", "relative_month"])["facility_count"]
    counted = later.set_index("relative_month")["facility_count"]
    assert counted[0] < whole["after", 0]
    assert counted[2] == whole["after", 2]


def test_an_activity_without_a_measure_is_judged_on_its_prioritys() -> None:
    both = pd.concat([EVENTS, EVENTS.assign(measure="srr"), EVENTS.assign(measure="smr")])
    effects = _evaluate(activities=plan(measure=None), events=both)[0]
    # Readmissions and admissions serve coordination; deaths whole health.
    assert set(effects["measure"]) == {"shr", "srr"}


def test_why_nothing_can_be_estimated_is_told() -> None:
    assert _reason(activities=plan(measure="pppw")) == {"activity_not_monthly"}
    assert _reason(enrolments=ENROLLED.head(4)) == {"activity_few_enrolled"}
    assert _reason(enrolments=ENROLLED.head(0)) == {"activity_few_enrolled"}
    everybody = pd.DataFrame(
        {"activity": "another", "ccn": EVENTS["ccn"].unique(), "start_date": FIRST}
    )
    assert _reason(enrolments=pd.concat([ENROLLED, everybody])) == {"activity_no_match"}
    late = ENROLLED.assign(start_date=pd.Timestamp("2026-02-01"))
    assert _reason(enrolments=late) == {"activity_no_months_after"}
    window = {"baseline_first": FIRST, "baseline_last": pd.Timestamp("2024-12-31")}
    first = ENROLLED.assign(start_date=pd.Timestamp("2025-01-01"))
    assert _reason(activities=plan(**window), enrolments=first) == {"activity_no_months_before"}
    unstored = {"baseline_first": pd.Timestamp("2020-01-01"), "baseline_last": FIRST}
    assert _reason(activities=plan(**unstored)) == {"activity_no_window"}


def test_no_activities_make_empty_tables() -> None:
    effects, study, matches = _evaluate(activities=plan().head(0))
    assert (len(effects), len(study), len(matches)) == (0, 0, 0)
    assert list(effects) == EFFECT.column_names
    assert list(study) == EVENT_STUDY.column_names
    assert list(matches) == MATCH.column_names
