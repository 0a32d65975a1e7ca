"""Laney's p' chart: closed forms, plain R, and how often a month is beyond a limit by chance."""

import json
from pathlib import Path

import numpy as np
import pytest

from esrd_pipeline.statistics.fit import FitError
from esrd_pipeline.statistics.p_chart import chart_proportions

BY_R = json.loads((Path(__file__).parent / "r" / "monitor.json").read_text(encoding="utf-8"))


def test_a_worked_chart() -> None:
    """Half of 100 each month, and once 60 and 40: z is 0, 2, -2, 0 with moving ranges 2, 4, 2."""
    found = chart_proportions(np.array([[50.0, 60.0, 40.0, 50.0]]), np.full((1, 4), 100.0))
    assert found.centre.tolist() == [0.5]
    sigma = 8 / 3 / 1.128
    np.testing.assert_allclose(found.sigma_z, [sigma])
    np.testing.assert_allclose(found.upper, np.full((1, 4), 0.5 + 3 * 0.05 * sigma))
    np.testing.assert_allclose(found.lower, np.full((1, 4), 0.5 - 3 * 0.05 * sigma))
    assert not found.signal.any()


def test_a_month_without_units_is_passed_over() -> None:
    events, units = np.array([[50.0, 0.0, 60.0, 40.0]]), np.array([[100.0, 0.0, 100.0, 100.0]])
    found = chart_proportions(events, units)
    # The range between the first and the third month counts: 2 and 4.
    np.testing.assert_allclose(found.sigma_z, [3 / 1.128])
    assert np.isnan(found.share[0, 1])
    assert np.isnan(found.upper[0, 1])
    assert found.signal.tolist() == [[False] * 4]


def test_where_all_have_the_event_nothing_is_beyond() -> None:
    found = chart_proportions(np.full((1, 3), 7.0), np.full((1, 3), 7.0))
    assert found.lower.tolist() == found.upper.tolist() == [[1.0] * 3]
    assert not found.signal.any()


def test_a_month_that_stands_out_is_a_signal() -> None:
    """30 of 100 for 35 months, half of them 31 and 29 in turn; then 60."""
    events = np.array([[30.0 + (-1) ** month for month in range(35)] + [60.0]])
    found = chart_proportions(events, np.full((1, 36), 100.0))
    assert np.flatnonzero(found.signal[0]).tolist() == [35]


def test_charts_are_those_of_plain_r() -> None:
    found = chart_proportions(np.array(BY_R["met"], float), np.array(BY_R["units"], float))
    np.testing.assert_allclose(found.centre, BY_R["centre"], rtol=1e-12)
    np.testing.assert_allclose(found.sigma_z, BY_R["sigma"], rtol=1e-12)
    assert (found.sigma_z > 1).any()
    np.testing.assert_allclose(found.lower, BY_R["lower"], rtol=1e-12)
    np.testing.assert_allclose(found.upper, BY_R["upper"], rtol=1e-12)


@pytest.mark.parametrize("concentration", [np.inf, 20.0])
def test_over_dispersion_does_not_signal(concentration: float) -> None:
    """Binomial months, and months whose share itself varies, which a plain p chart would signal."""
    generator = np.random.default_rng(6)
    shape, units = (1000, 36), 200.0
    chance = np.full(shape, 0.3)
    if np.isfinite(concentration):
        chance = generator.beta(0.3 * concentration, 0.7 * concentration, shape)
    events = generator.binomial(int(units), chance).astype(float)
    found = chart_proportions(events, np.full(shape, units))
    # Of a normal month 0.27% is beyond three deviations; the spread is an estimate from 35 ranges.
    assert 0.001 < found.signal.mean() < 0.008
    plain = np.abs(found.share - 0.3) > 3 * np.sqrt(0.3 * 0.7 / units)
    assert (plain.mean() > 0.2) == np.isfinite(concentration)


@pytest.mark.parametrize(
    ("events", "units", "sentence"),
    [
        (np.ones((1, 2)), np.ones((1, 3)), "differ in shape"),
        (np.full((1, 2), 2.0), np.ones((1, 2)), "events: 2 values are above their units"),
        (np.full((1, 2), -1.0), np.ones((1, 2)), "events: 2 values are negative"),
        (np.ones((1, 2)), np.full((1, 2), np.inf), "units: 2 values are not finite"),
    ],
)
def test_what_is_no_share_is_refused(events: np.ndarray, units: np.ndarray, sentence: str) -> None:
    with pytest.raises(FitError, match=sentence):
        chart_proportions(events, units)
