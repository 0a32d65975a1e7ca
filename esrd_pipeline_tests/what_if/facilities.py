"""One facility whose scores a reader can work out, to be asked what if."""

from dataclasses import replace

import pandas as pd

from esrd_pipeline.program.qip_rules import load_rules
from esrd_pipeline.scoring_frames import ScoringFrames
from esrd_pipeline.tables.facility import PUBLISHED_RESULT
from esrd_pipeline.what_if.ladders import Nation
from esrd_pipeline.what_if.overlay import find_scales
from esrd_pipeline_tests.program import qip_frames

CCN = "010001"
RULES = load_rules(2027)
YEAR = RULES.performance_year
RATE = 150.0
"""Hospitalizations per 100 patient-years of the nation: SHR's scale."""

SHR: qip_frames.Row = {
    "measure": "shr",
    "unit_count": 60,
    "numerator": 90.0,
    "denominator": 80.0,
    "value": 90 / 80 * RATE,
}
LTC: qip_frames.Row = {
    "measure": "ltc",
    "unit_count": 80,
    "numerator": 150.0,
    "denominator": 1000.0,
    "value": 0.15,
}
SCREENING: qip_frames.Row = {
    "measure": "sdoh_screening",
    "unit_count": 100,
    "numerator": 40.0,
    "denominator": 100.0,
    "value": 0.4,
}
STANDARDS: list[qip_frames.Row] = [
    {
        "measure": "shr",
        "achievement_threshold": 180.0,
        "benchmark": 90.0,
        "small_facility_benchmark": 90.0,
    },
    {
        "measure": "ltc",
        "achievement_threshold": 0.2,
        "benchmark": 0.1,
        "small_facility_benchmark": 0.1,
    },
]


def make_frames(*rows: qip_frames.Row) -> ScoringFrames:
    """Return the frames of one facility; by default with SHR, LTC and social needs screening."""
    current = qip_frames.contract(YEAR, list(rows or (SHR, LTC, SCREENING)))
    return ScoringFrames(
        current=current.assign(is_adjusted=False),
        improvement=qip_frames.contract(YEAR - 1, []).assign(is_adjusted=False),
        earlier=None,
        standards=qip_frames.standards(STANDARDS),
        directory=qip_frames.directory([{}]),
        ece_grants=qip_frames.grants([]),
        published_results=pd.DataFrame(columns=PUBLISHED_RESULT.column_names),
        computed=frozenset(current["measure"]),
    )


def make_nation(*rows: qip_frames.Row, **rules: int) -> Nation:
    """Return the facility as a nation; `rules` replace those of payment year 2027."""
    frames = make_frames(*rows)
    return Nation(YEAR, replace(RULES, **rules), frames, find_scales(frames.current))


def numerator_of(nation: Nation, measure: str) -> float:
    return float(nation.rows(measure).numerator[0])
