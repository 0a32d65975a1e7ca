"""Risk-adjusted CUSUM: worked charts, exact run lengths by R, the stated rate of false alarms."""

import json
from pathlib import Path

import numpy as np
import pytest

from esrd_pipeline.statistics.cusum import chart, draw_events, find_dispersion, find_limits
from esrd_pipeline.statistics.fit import FitError

R = Path(__file__).parent / "r"
RUN_LENGTHS = json.loads((R / "cusum.json").read_text(encoding="utf-8"))
BY_R = json.loads((R / "monitor.json").read_text(encoding="utf-8"))
LOG_2 = np.log(2.0)


def test_a_worked_chart() -> None:
    """Each month adds events x ln 2 less the expected one: 0, then 2 ln 2 - 1, 5 ln 2 - 2 ..."""
    observed = np.array([[0.0, 2.0, 3.0, 0.0, 1.0]])
    found = chart(observed, np.ones((1, 5)), ratio=2.0, limit=np.array([1.4]))
    expected = [0.0, 2 * LOG_2 - 1, 5 * LOG_2 - 2, 0.0, 0.0]
    np.testing.assert_allclose(found.path, [expected], atol=1e-12)
    # 5 ln 2 - 2 = 1.466: the signal of March starts the chart again at zero.
    assert found.signal.tolist() == [[False, False, True, False, False]]
    # The sum rises from February on.
    assert found.began[0, 2] == 1


def test_a_ratio_below_one_finds_too_few_events() -> None:
    """Each month without any of 2 expected events adds (1 - 1/2) x 2; each event takes ln 2."""
    found = chart(
        np.array([[0.0, 1.0, 0.0]]), np.full((1, 3), 2.0), ratio=0.5, limit=np.array([2.0])
    )
    np.testing.assert_allclose(found.path, [[1.0, 2 - LOG_2, 3 - LOG_2]])
    assert found.signal.tolist() == [[False, False, True]]


@pytest.mark.parametrize("ratio", ["1.5", "0.5"])
def test_charts_are_those_of_plain_r(ratio: str) -> None:
    found = chart(
        np.array(BY_R["observed"], float),
        np.array(BY_R["expected"], float),
        ratio=float(ratio),
        limit=np.array(BY_R["limit"], float),
    )
    theirs = BY_R[ratio]
    np.testing.assert_allclose(found.path, theirs["path"], atol=1e-12)
    assert found.signal.sum() > 3
    np.testing.assert_array_equal(found.signal.astype(int), theirs["signal"])
    np.testing.assert_array_equal(np.where(found.path > 0, found.began, -1), theirs["began"])


@pytest.mark.parametrize("case", RUN_LENGTHS, ids=lambda case: f"k {case['k']}, h {case['h']}")
def test_run_lengths_are_those_of_r(case: dict[str, float]) -> None:
    """With restarts, months by signals are the run length; spc signals above h, not at it."""
    facilities, months = 1500, 3000
    expected = np.full((facilities, months), case["k"] * LOG_2)
    observed = np.random.default_rng(5).poisson(expected).astype(float)
    limit = np.full(facilities, case["h"] * LOG_2 + 1e-9)
    signals = int(chart(observed, expected, ratio=2.0, limit=limit).signal.sum())
    found = facilities * months / signals
    # The last, unfinished run of each facility counts its months and no signal.
    unfinished = case["run_length"] / months
    assert abs(found / case["run_length"] - 1) < unfinished + 4 / np.sqrt(signals)


@pytest.mark.parametrize("ratio", [2.0, 0.5])
@pytest.mark.parametrize("alarms", [0.02, 0.1])
def test_false_alarms_are_at_most_as_many_as_stated(ratio: float, alarms: float) -> None:
    """By another seed than the limits', over sizes from 1 to 500 events a year."""
    generator = np.random.default_rng(77)
    year = np.exp(generator.uniform(0, np.log(500), 4000))
    expected = np.repeat(year[:, np.newaxis] / 12, 36, axis=1)
    limits = find_limits(year, ratio=ratio, alarms=alarms, seed=1)
    observed = generator.poisson(expected).astype(float)
    signal = chart(observed, expected, ratio=ratio, limit=limits).signal
    rate = signal.sum() / (4000 * 3)
    spread = np.sqrt(alarms / (4000 * 3))
    assert 0.5 * alarms < rate < alarms + 4 * spread


def test_dispersion_is_pearson_within_facilities() -> None:
    """Events 1, 3 and 4, 4 of equal months: ((1 - 2)^2 + (3 - 2)^2) / 2 + 0 over 1 + 1.

    That is 0.5, below Poisson's. Of 0, 8 and 4, 4 it is ((0 - 4)^2 + (8 - 4)^2) / 4 = 8 over 2.
    """
    assert find_dispersion(np.array([[1.0, 3.0], [4.0, 4.0]]), np.ones((2, 2))) == 1.0
    assert find_dispersion(np.array([[0.0, 8.0], [4.0, 4.0]]), np.ones((2, 2))) == 4.0
    # A facility without events, and a month in which none is expected, tell nothing.
    observed = np.array([[0.0, 8.0, 5.0], [4.0, 4.0, 0.0], [0.0, 0.0, 0.0]])
    expected = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [1.0, 1.0, 1.0]])
    assert find_dispersion(observed, expected) == 4.0
    assert find_dispersion(np.zeros((1, 2)), np.zeros((1, 2))) == 1.0


@pytest.mark.parametrize("dispersion", [1.0, 2.5])
def test_the_dispersion_that_events_are_drawn_with_is_found(dispersion: float) -> None:
    generator = np.random.default_rng(11)
    expected = np.exp(generator.uniform(-1, 3, (3000, 1))) * np.ones((1, 36))
    quality = np.exp(generator.normal(0, 0.3, (3000, 1)))
    observed = draw_events(generator, quality * expected, dispersion)
    assert abs(find_dispersion(observed, expected) / dispersion - 1) < 0.02


@pytest.mark.parametrize("ratio", [1.5, 0.667])
def test_false_alarms_allow_for_over_dispersion(ratio: float) -> None:
    """With limits for Poisson's events, those of twice the variance give far more alarms."""
    generator = np.random.default_rng(78)
    year = np.exp(generator.uniform(np.log(5), np.log(300), 4000))
    expected = np.repeat(year[:, np.newaxis] / 12, 36, axis=1)
    observed = draw_events(generator, expected, 2.0)
    rates = {}
    for dispersion in (1.0, 2.0):
        limits = find_limits(year, ratio=ratio, alarms=0.05, seed=1, dispersion=dispersion)
        signal = chart(observed, expected, ratio=ratio, limit=limits).signal
        rates[dispersion] = signal.sum() / (4000 * 3)
    spread = np.sqrt(0.05 / (4000 * 3))
    assert 0.025 < rates[2.0] < 0.05 + 4 * spread
    assert rates[1.0] > 0.15


def test_twice_the_events_are_found_and_half_are_not_missed() -> None:
    generator = np.random.default_rng(3)
    expected = np.full((2000, 12), 60 / 12)
    for ratio in (2.0, 0.5):
        limits = find_limits(np.full(2000, 60.0), ratio=ratio, alarms=0.02, seed=1)
        observed = generator.poisson(ratio * expected).astype(float)
        found = chart(observed, expected, ratio=ratio, limit=limits).signal.any(axis=1)
        assert found.mean() > 0.9


def test_the_same_seed_gives_the_same_limits() -> None:
    year = np.array([0.01, 3.0, 40.0, 1e6])
    first, again = (find_limits(year, ratio=2.0, alarms=0.05, seed=4) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    # Whether other facilities are asked for too does not matter.
    np.testing.assert_array_equal(
        first[1:2], find_limits(year[1:2], ratio=2.0, alarms=0.05, seed=4)
    )


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"ratio": 1.0}, "ratio: 1.0 is not positive and other than 1"),
        ({"observed": np.ones((2, 2))}, "differ in shape"),
        ({"observed": np.full((1, 3), np.nan)}, "observed: 3 values are not finite"),
        ({"expected": np.full((1, 3), -1.0)}, "expected: 3 values are negative"),
        ({"limit": np.zeros(1)}, "limit: 1 values are not above zero"),
    ],
)
def test_what_is_no_chart_is_refused(changed: dict[str, object], sentence: str) -> None:
    given: dict[str, object] = {
        "observed": np.ones((1, 3)),
        "expected": np.ones((1, 3)),
        "ratio": 2.0,
        "limit": np.ones(1),
    }
    with pytest.raises(FitError, match=sentence):
        chart(**given | changed)


@pytest.mark.parametrize("alarms", [0.0, 1.0])
def test_no_rate_of_alarms_is_refused(alarms: float) -> None:
    with pytest.raises(FitError, match=r"dispersion: 0\.9 is below 1"):
        find_limits(np.ones(1), ratio=2.0, alarms=0.05, seed=1, dispersion=0.9)
    with pytest.raises(FitError, match=f"alarms: {alarms} a facility-year"):
        find_limits(np.ones(1), ratio=2.0, alarms=alarms, seed=1)
