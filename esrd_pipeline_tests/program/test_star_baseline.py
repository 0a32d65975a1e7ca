"""Resets and rebaselines: shares, counts and the contents of the stored table."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esrd_pipeline.program.star_baseline import Operation, build_baseline, read_baseline
from esrd_pipeline.program.star_final import find_cutoffs, rate
from esrd_pipeline.tables.program import STAR_BASELINE
from esrd_pipeline_tests.program.contract_frames import (
    LEVELS,
    YEAR,
    contract_of,
    directory_of,
    draw_values,
    national_of,
)


def build(
    values: pd.DataFrame,
    *,
    operation: Operation = "reset",
    measure_set: str = "2023-10",
    rating_counts: dict[int, int] | None = None,
) -> pd.DataFrame:
    return build_baseline(
        performance_year=YEAR,
        operation=operation,
        measure_set=measure_set,
        facilities=contract_of(values),
        directory=directory_of(values),
        national=national_of(),
        rating_counts=rating_counts,
    )


def counts_of(baseline: pd.DataFrame) -> list[int]:
    return baseline.loc[baseline["element"] == "count", "value"].astype(int).tolist()


@pytest.mark.manual("5.8.1", "5.9.2")
@pytest.mark.parametrize(
    ("facility_count", "counts"),
    [(10, [1, 2, 4, 2, 1]), (1000, [100, 200, 400, 200, 100]), (997, [100, 199, 399, 199, 100])],
)
def test_a_reset_gives_the_shares(facility_count: int, counts: list[int]) -> None:
    """Cumulative shares are rounded halves up: of 997, 99.7, 299.1, 697.9 and 897.3."""
    assert counts_of(build(draw_values(facility_count=facility_count, seed=1))) == counts


@pytest.mark.manual("5.9.1")
def test_a_rebaseline_reproduces_the_counts_of_the_earlier_set() -> None:
    values = draw_values(facility_count=400, seed=2)
    earlier = {1: 37, 2: 101, 3: 140, 4: 90, 5: 32}
    table = build(values, operation="rebaseline", rating_counts=earlier)
    assert counts_of(table) == list(earlier.values())
    assert set(table["operation"]) == {"rebaseline"}


def test_a_rebaseline_of_other_facilities_reproduces_the_shares() -> None:
    values = draw_values(facility_count=200, seed=3)
    table = build(values, operation="rebaseline", rating_counts={1: 10, 2: 20, 3: 40, 4: 20, 5: 10})
    assert counts_of(table) == [20, 40, 80, 40, 20]


def test_a_rating_the_earlier_release_did_not_give_stays_empty() -> None:
    values = draw_values(facility_count=50, seed=4)
    table = build(values, operation="rebaseline", rating_counts={2: 10, 3: 30, 4: 10})
    assert counts_of(table) == [0, 10, 30, 10, 0]


@pytest.mark.manual("5.8.1")
def test_the_cut_off_is_midway_between_two_ratings() -> None:
    final = pd.Series([0.4, -1.0, 0.0, 0.1, 2.0])
    shares = (Fraction(1, 5),) * 5
    assert find_cutoffs(final=final, shares=shares) == pytest.approx([-0.5, 0.05, 0.25, 1.2])


def test_facilities_tied_at_a_cut_off_get_the_higher_rating() -> None:
    final = pd.Series([0.0, 1.0, 1.0, 1.0, 2.0])
    cutoffs = find_cutoffs(final=final, shares=(Fraction(2, 5), Fraction(3, 5)))
    assert rate(final, cutoffs).tolist() == [1, 2, 2, 2, 2]


@given(
    st.lists(st.floats(-3, 3), min_size=5, max_size=40, unique=True),
    st.lists(st.integers(0, 9), min_size=5, max_size=5).filter(any),
)
def test_cut_offs_give_the_counts_asked_for(final: list[float], counts: list[int]) -> None:
    scores = pd.Series(np.round(final, 6)).drop_duplicates()
    shares = [Fraction(count, sum(counts)) for count in counts]
    cutoffs = find_cutoffs(final=scores, shares=shares)
    below = [int((rate(scores, cutoffs) <= rating).sum()) for rating in range(1, 5)]
    asked = [int(sum(shares[:rating]) * len(scores) + Fraction(1, 2)) for rating in range(1, 5)]
    assert below == asked


def test_the_stored_table_reads_back() -> None:
    values = draw_values(facility_count=120, seed=5, missing_share=0.1)
    table = build(values)
    stored = read_baseline(table.sample(frac=1, random_state=0))
    assert stored.year == YEAR
    assert stored.national == {name: LEVELS[name] for name in stored.rules.ratios}
    assert stored.cutoffs.tolist() == sorted(stored.cutoffs)
    shr = values["shr"].dropna().to_numpy()
    assert stored.scales["shr"].place(shr).mean() == pytest.approx(0, abs=0.01)
    assert stored.scales["sfr"].place(values["sfr"].dropna().to_numpy()).std() == pytest.approx(1)


def test_the_stored_table_is_the_one_defined() -> None:
    table = build(draw_values(facility_count=60, seed=6))
    assert table.columns.tolist() == STAR_BASELINE.column_names
    assert not table.duplicated(list(STAR_BASELINE.key)).any()


def test_the_set_before_waitlisting_needs_no_waitlisting() -> None:
    values = draw_values(facility_count=60, seed=7).drop(columns=["swr", "pppw"])
    table = build(values, measure_set="2018-10")
    assert counts_of(table) == [6, 12, 24, 12, 6]
    assert "pppw" not in set(table["measure"])


def test_row_order_does_not_matter() -> None:
    values = draw_values(facility_count=80, seed=8, missing_share=0.2)
    contract, directory = contract_of(values), directory_of(values)
    tables = [
        build_baseline(
            performance_year=YEAR,
            operation="reset",
            measure_set="2023-10",
            facilities=contract.sample(frac=1, random_state=seed),
            directory=directory.sample(frac=1, random_state=seed),
            national=national_of(),
            rating_counts=None,
        )
        for seed in (1, 2)
    ]
    pd.testing.assert_frame_equal(*tables)


@pytest.mark.parametrize(
    ("operation", "rating_counts", "sentence"),
    [
        ("reset", {3: 5}, "a reset has fixed shares"),
        ("rebaseline", None, "needs the previous release's counts"),
        ("rebaseline", {3: 0}, "needs the previous release's counts"),
    ],
)
def test_counts_belong_to_a_rebaseline(
    operation: Operation, rating_counts: dict[int, int] | None, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        build(
            draw_values(facility_count=20, seed=9),
            operation=operation,
            rating_counts=rating_counts,
        )


def test_a_measure_nobody_has_is_named() -> None:
    values = draw_values(facility_count=20, seed=10).drop(columns="strr")
    with pytest.raises(ValueError, match="no facility has a value of strr"):
        build(values)


def test_nobody_to_rate_is_an_error() -> None:
    values = draw_values(facility_count=4, seed=11)
    values.loc[values.index[:2], ["pppw", "swr"]] = np.nan
    values.loc[values.index[2:], ["sfr", "ltc"]] = np.nan
    with pytest.raises(ValueError, match="no facility has a value in every star domain"):
        build(values)


def test_two_baselines_in_one_table_are_refused() -> None:
    values = draw_values(facility_count=20, seed=12)
    both = pd.concat([build(values), build(values, measure_set="2018-10")])
    with pytest.raises(ValueError, match="one year and measure set"):
        read_baseline(both)
