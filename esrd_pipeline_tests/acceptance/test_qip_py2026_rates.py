"""The rates of the published PY 2026 rows: which are adjusted for small facilities (manual 4.1.1).

CMS's standards of the year are not at hand. One pair of threshold and benchmark a measure, found by
trying, gives every printed score from the printed rates, of this year and of the year before.
"""

import numpy as np
import pandas as pd
import pytest

from esrd_pipeline.families.published import (
    build_directory,
    publish_contract,
    publish_improvement,
    publish_results,
)
from esrd_pipeline.program.qip_rules import load_rules
from esrd_pipeline.program.qip_scores import score_measures
from esrd_pipeline.sources.files import find_release
from esrd_pipeline.sources.table import read_table
from esrd_pipeline.tables.facility import NATIONAL
from esrd_pipeline_tests.program.qip_frames import Row, grants, standards
from esrd_pipeline_tests.shared_files import CMS_PUBLIC, needs_cms_public

pytestmark = [needs_cms_public, pytest.mark.manual("4.1.1")]

YEAR = 2024
STANDARDS: dict[str, tuple[float, float]] = {
    "ltc": (0.1824, 0.0512),
    "ktv_comprehensive": (0.9443, 0.9943),
    "nhsn_bsi": (0.706, 0.004),
    "srr": (34.2, 17.16),
    "strr": (49.72, 9.76),
    "shr": (169.66, 72.08),
    "clinical_depression": (0.8792, 0.9976),
    "pppw": (0.0606, 0.4452),
}
"""Achievement threshold and benchmark: any pair that fits."""
SMALL = {
    "srr": {"032302": 30, "032314": 29},
    "strr": {"032503": 16.1, "032509": 15.8, "032514": 15.7},
    "shr": {"032302": 8.4},
}
"""Facilities with few units: the expected events over the year's national rate, to one decimal.

The file prints no size of these measures. SRR: 8.18 / 0.2754; STrR: 5.12 / 0.3172.
"""
LARGEST = {"srr": 41, "strr": 21, "shr": 14}


@pytest.fixture(scope="module")
def qip() -> pd.DataFrame:
    return read_table(find_release(CMS_PUBLIC, "qip_complete"), "qip_complete", YEAR)


def rates(qip: pd.DataFrame) -> pd.DataFrame:
    frame = publish_contract(
        performance_year=YEAR,
        dfc=None,
        qip=qip,
        ich_cahps=None,
        national=pd.DataFrame(columns=NATIONAL.column_names),
    )
    return frame[frame["measure"].isin(STANDARDS)]


def with_sizes(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with the sizes of small facilities, which the file does not print."""
    sized = rows.copy()
    for measure, sizes in SMALL.items():
        for ccn, size in sizes.items():
            sized.loc[(sized["measure"] == measure) & (sized["ccn"] == ccn), "unit_count"] = size
    return sized


def compare(qip: pd.DataFrame, current: pd.DataFrame) -> pd.DataFrame:
    """Our scores of the rates beside the printed ones, where there is either."""
    results = publish_results(performance_year=YEAR, dfc=None, qip=qip, ich_cahps=None)
    marks: list[Row] = [
        {
            "measure": measure,
            "achievement_threshold": threshold,
            "benchmark": benchmark,
            "small_facility_benchmark": benchmark,
        }
        for measure, (threshold, benchmark) in STANDARDS.items()
    ]
    ours = score_measures(
        rules=load_rules(2026),
        performance_year=YEAR,
        current=current,
        improvement=publish_improvement(performance_year=YEAR, qip=qip),
        earlier=None,
        standards=standards(marks),
        directory=build_directory(performance_year=YEAR, dfc=None, qip=qip),
        ece_grants=grants([]),
        published_results=results,
    )
    both = ours.merge(results, on=["ccn", "measure"], suffixes=("", "_printed"))
    both = both[both["measure"].isin(STANDARDS)]
    return both[both["score"].notna() | both["score_printed"].notna()]


def differing(both: pd.DataFrame) -> set[tuple[str, str]]:
    same = both["score"].astype(float).eq(both["score_printed"])
    return set(zip(both.loc[~same, "measure"], both.loc[~same, "ccn"], strict=True))


def test_every_printed_score_follows_from_the_printed_rates(qip: pd.DataFrame) -> None:
    both = compare(qip, with_sizes(rates(qip)))
    assert both.groupby("measure").size().to_dict() == {
        **dict.fromkeys(["srr", "shr", "pppw", "clinical_depression"], 7),
        **dict.fromkeys(["ktv_comprehensive", "nhsn_bsi"], 7),
        "ltc": 6,
        "strr": 4,
    }
    assert differing(both) == set()
    applied = both["applied"].eq(both["score_applied"])
    assert applied.all()
    assert both["adjusted_rate"].isna().all()


def test_adjusted_once_more_the_scores_are_not_the_printed_ones(qip: pd.DataFrame) -> None:
    both = compare(qip, with_sizes(rates(qip)).assign(is_adjusted=False))
    assert differing(both) == {
        ("srr", "032302"),
        ("strr", "032509"),
        ("shr", "032302"),
    }


def test_raw_rates_do_not_order_facilities_as_the_printed_scores_do(qip: pd.DataFrame) -> None:
    """By hand, STrR: 32.93 / (25 / 24.08) x 6 / 5.01 = 37.99 of 032509, worse than 032315's 32.93.

    Yet it has the better score, 5 to 4, by achievement; its printed rate, 30.51, is better. So the
    printed rate is the one that is scored. SHR likewise: 155.31 of 032302 would be worse than
    150.85 of 032514, which scores 2, and has a 3; 140.68 is printed.
    """
    printed = rates(qip).set_index(["measure", "ccn"])
    ratio = printed["numerator"] / printed["denominator"]
    level = printed["value"] / ratio
    for measure, small, large, raw in (
        ("strr", "032509", "032315", 37.99),
        ("shr", "032302", "032514", 155.31),
    ):
        is_raw = level[measure, "032315"] * ratio[measure, small]
        assert is_raw == pytest.approx(raw, abs=0.01)
        assert printed["value"][measure, small] < printed["value"][measure, large] < is_raw


@pytest.mark.parametrize("measure", SMALL)
def test_raw_rates_are_one_national_rate_times_observed_over_expected(
    qip: pd.DataFrame, measure: str
) -> None:
    """Printed rates are rounded to two decimals, and so are expected events."""
    now, before = rates(qip), publish_improvement(performance_year=YEAR, qip=qip)
    small = now["ccn"].isin(SMALL[measure])
    low, high = national_rates(now[(now["measure"] == measure) & ~small])
    assert low <= high
    for _, row in now[(now["measure"] == measure) & small].iterrows():
        lowest, highest = national_rates(row.to_frame().T)
        assert highest < low or lowest > high
    low, high = national_rates(before[before["measure"] == measure])
    assert low <= high


def national_rates(rows: pd.DataFrame) -> tuple[float, float]:
    """The lowest and the highest national rate that all rows allow; low > high: there is none."""
    found = rows[rows["value"].notna()]
    value, observed, expected = (
        found[name].to_numpy(dtype=np.float64) for name in ("value", "numerator", "denominator")
    )
    low = (value - 0.005) * (expected - 0.005) / observed
    high = (value + 0.005) * (expected + 0.005) / observed
    return float(low.max()), float(high.min())
