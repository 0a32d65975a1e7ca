"""What the Networks keep of their work, as files: activities, contacts, goals, emergencies.

The embedded default's activities have no effect: its numbers are those of a nation without them.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from esrd_pipeline.synthetic.draws import FOR_GOOD, stream
from esrd_pipeline.synthetic.nation.activities import Planted, enrol
from esrd_pipeline.synthetic.nation.block import Span
from esrd_pipeline.synthetic.nation.emergency_files import list_emergency_rows
from esrd_pipeline.synthetic.nation.facilities import draw_nation
from esrd_pipeline.synthetic.nation.figures import NEVER
from esrd_pipeline.synthetic.published import FACILITIES, FIRST_YEAR, SEED

NETWORK_FOLDER = "network"
LAST_YEAR = 2025
EMBEDDED = (
    Planted(6, "worst", 1.0, 2023),
    Planted(9, "random", 1.0, 2023),
    Planted(14, "worst", 1.0, 2024),
)
"""Activities of the embedded default, none of which has an effect."""
PRIORITY, MEASURE = "coordination", "shr"
_RULES = {
    "worst": "the third of the facilities with the most admissions per patient-day in the baseline"
    " window",
    "random": "a third of the facilities, drawn by lot",
}
_KINDS = ("visit", "call", "mail", "training", "plan")
_LONG_AGO = 60
"""Days after the start within which the first contact is."""
_GRADUATES = 3
"""One of so many graduates."""
_SOURCE = "ESRD KHARES & 18 ESRD Networks"
_IDEAS = (
    ("post_discharge_call", "coordination", "after discharge", "Call patients within 48 hours."),
    ("dry_weight_review", "coordination", "fluid", "Review the dry weight after each stay."),
    ("missed_treatment_huddle", "coordination", "missed treatments", "Rebook within two days."),
    ("home_tour", "choice", "home dialysis", "Show each new patient home dialysis."),
    ("mood_check", "whole_health", "mental health", "Screen in the first three months."),
    ("weekly_upload", "interoperability", "reporting", "Send monthly data every week."),
)


def list_rows(
    nation: pd.DataFrame, enrolled: pd.DataFrame, activities: Sequence[Planted], span: Span
) -> Mapping[str, pd.DataFrame]:
    """Return the rows of each file by its name.

    Args:
        nation: the facilities.
        enrolled: those enrolled (`activities.enrol`).
        activities: the activities.
        span: the seed and years; the last one ends every measurement period.
    """
    rng = stream(span.seed, FOR_GOOD, "network files")
    planned = pd.DataFrame([_plan(planted, span) for planted in activities])
    enrolment = enrolled[["activity", "ccn", "start_date"]].copy()
    graduates = rng.permutation(len(enrolment)) % _GRADUATES == 0
    end = pd.Timestamp(f"{span.last_year}-12-31")
    enrolment["end_date"] = pd.Series(end, index=enrolment.index).where(graduates)
    enrolment["graduated_on"] = enrolment["end_date"]
    return {
        "network_activity": planned,
        "network_enrolment": enrolment,
        "network_contact": _contact(enrolled, rng, end),
        "network_mentor_pair": _pair(nation, enrolled),
        "network_change_idea": _list_ideas(nation),
        "network_goal": _list_goals(activities, span),
    }


def write_rows(folder: Path, rows: Mapping[str, pd.DataFrame]) -> None:
    """Write a CSV file for each table."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in rows.items():
        frame.to_csv(folder / f"{name}.csv", index=False, date_format="%Y-%m-%d")


def write_embedded_network(folder: Path) -> None:
    """Write the embedded default's files of the Networks, each unless it is there."""
    span = Span(SEED, FIRST_YEAR, LAST_YEAR)
    nation = draw_nation(FACILITIES, SEED)
    rows = {
        **list_rows(nation, enrol(nation, span, EMBEDDED), EMBEDDED, span),
        **list_emergency_rows(nation, span),
    }
    missing = {name: frame for name, frame in rows.items() if not _path(folder, name).is_file()}
    write_rows(folder, missing)


def _path(folder: Path, name: str) -> Path:
    return folder / f"{name}.csv"


def _plan(planted: Planted, span: Span) -> dict[str, object]:
    baseline = planted.baseline_year or span.last_year - 1
    return {
        "activity": planted.name,
        "network": planted.network,
        "priority": PRIORITY,
        "measure": MEASURE,
        "selection_rule": _RULES[planted.rule],
        "baseline_first": pd.Timestamp(f"{baseline}-01-01"),
        "baseline_last": pd.Timestamp(f"{baseline}-12-31"),
        "measurement_first": pd.Timestamp(f"{baseline + 1}-01-01"),
        "measurement_last": pd.Timestamp(f"{span.last_year}-12-31"),
        "goal": 1.0,
        "goal_unit": "ratio",
        "goal_direction": "at_most",
    }


def _contact(enrolled: pd.DataFrame, rng: np.random.Generator, end: pd.Timestamp) -> pd.DataFrame:
    """Return contacts: a plan at the start, and others every one or two months, some escalated."""
    rows: list[dict[str, object]] = []
    for facility in enrolled.itertuples():
        day = pd.Timestamp(str(facility.start_date)) + pd.Timedelta(days=int(rng.integers(7)))
        kind, escalation = "plan", 0
        while day <= end:
            rows.append(
                {
                    "activity": facility.activity,
                    "ccn": facility.ccn,
                    "contact_date": day,
                    "kind": kind,
                    "escalation": escalation,
                    "note": None,
                }
            )
            day += pd.Timedelta(days=int(rng.integers(_LONG_AGO // 2, _LONG_AGO)))
            kind = _KINDS[int(rng.integers(len(_KINDS)))]
            escalation = min(escalation + int(rng.random() < 1 / 10), 4)
    columns = ["activity", "ccn", "contact_date", "kind", "escalation", "note"]
    return pd.DataFrame(rows, columns=columns)


def _pair(nation: pd.DataFrame, enrolled: pd.DataFrame) -> pd.DataFrame:
    """Return a mentor for each second enrolled facility: the best of its Network, in turn."""
    columns = ["activity", "mentor_ccn", "mentee_ccn", "start_date", "end_date"]
    parts: list[pd.DataFrame] = []
    for _, mine in enrolled.groupby("activity", sort=True):
        others = nation[
            (nation["closed"] == NEVER)
            & ~nation["is_renumbered"].astype(bool)
            & (nation["network"].astype(int) == int(mine["network"].iloc[0]))
            & ~nation["facilityid"].isin(mine["facilityid"])
        ].sort_values(["quality", "facilityid"], ascending=[False, True])
        mentees = mine.iloc[::2]
        mentors = np.resize(others["number"].to_numpy()[: len(mentees)], len(mentees))
        parts.append(
            pd.DataFrame(
                {
                    "activity": mentees["activity"].to_numpy(),
                    "mentor_ccn": mentors,
                    "mentee_ccn": mentees["ccn"].to_numpy(),
                    "start_date": mentees["start_date"].to_numpy(),
                    "end_date": None,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def _list_ideas(nation: pd.DataFrame) -> pd.DataFrame:
    """Return change ideas, every second one of a facility whose care is good."""
    is_lasting = (nation["closed"] == NEVER) & ~nation["is_renumbered"].astype(bool)
    best = nation[is_lasting].sort_values(["quality", "facilityid"], ascending=[False, True])[
        "number"
    ]
    rows = [
        {
            "idea": idea,
            "priority": priority,
            "driver": driver,
            "text": text,
            "source_ccn": best.iloc[place] if place % 2 == 0 else None,
            "reference": None if place % 2 == 0 else _SOURCE,
        }
        for place, (idea, priority, driver, text) in enumerate(_IDEAS)
    ]
    return pd.DataFrame(rows)


def _list_goals(activities: Sequence[Planted], span: Span) -> pd.DataFrame:
    """Return each Network's goal for admissions in the last year."""
    return pd.DataFrame(
        [
            {
                "network": planted.network,
                "priority": PRIORITY,
                "indicator": "admission",
                "first_month": pd.Timestamp(f"{span.last_year}-01-01"),
                "last_month": pd.Timestamp(f"{span.last_year}-12-01"),
                "goal": 12.0,
                "direction": "at_most",
            }
            for planted in activities
        ]
    )
