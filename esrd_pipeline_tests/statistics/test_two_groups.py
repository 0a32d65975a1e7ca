"""Ratios of two groups: by hand, beside another library, and how often limits hold the truth."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from esrd_pipeline.statistics.fit import FitError
from esrd_pipeline.statistics.two_groups import Group, Ratio, compare_odds, compare_rates


def group(events: list[float], amount: list[float]) -> Group:
    return Group(np.array(events, dtype=float), np.array(amount, dtype=float))


def test_rates_by_hand() -> None:
    # Rates 30 of 200 and 20 of 400: a ratio of 3. Facilities are 5 above and below their group's
    # rate: (5 / 30)^2 * 2 * 2 = 1/9; and 2 above and below: (2 / 20)^2 * 2 * 2 = 0.04.
    found = compare_rates(group([20, 10], [100, 100]), group([12, 8], [200, 200]))
    reach = np.exp(stats.t.ppf(0.975, 1) * np.sqrt(1 / 9 + 0.04))
    assert (found.ratio, found.lower, found.upper) == pytest.approx((3, 3 / reach, 3 * reach))


def test_odds_by_hand() -> None:
    # 15 of 20 and 10 of 20: odds of 3 and 1. Residuals of 0.5 over 15 * 0.25, of 1 over 10 * 0.5.
    found = compare_odds(group([8, 7], [10, 10]), group([6, 4], [10, 10]))
    error = np.sqrt(2 * 2 * (0.5 / 3.75) ** 2 + 2 * 2 * (1 / 5) ** 2)
    reach = np.exp(stats.t.ppf(0.975, 1) * error)
    assert (found.ratio, found.lower, found.upper) == pytest.approx((3, 3 / reach, 3 * reach))


@pytest.mark.parametrize("is_odds", [False, True])
def test_errors_are_those_of_a_clustered_regression(*, is_odds: bool) -> None:
    rng = np.random.default_rng(5)
    amount = rng.integers(20, 80, 24).astype(float)
    events = rng.binomial(amount.astype(int), rng.uniform(0.1, 0.4, 24)).astype(float)
    is_first = np.arange(24) < 12
    parts = (Group(events[is_first], amount[is_first]), Group(events[~is_first], amount[~is_first]))
    found = (compare_odds if is_odds else compare_rates)(*parts)
    design = sm.add_constant(is_first.astype(float))
    if is_odds:
        model = sm.GLM(np.column_stack([events, amount - events]), design, sm.families.Binomial())
    else:
        model = sm.GLM(events, design, sm.families.Poisson(), exposure=amount)
    fit = model.fit(cov_type="cluster", cov_kwds={"groups": np.arange(24), "use_correction": False})
    error = fit.bse[1] * np.sqrt(12 / 11)
    assert np.log(found.ratio) == pytest.approx(fit.params[1], abs=1e-7)
    reach = stats.t.ppf(0.975, 11) * error
    assert np.log(found.upper / found.ratio) == pytest.approx(reach, rel=1e-5)
    assert np.log(found.ratio / found.lower) == pytest.approx(reach, rel=1e-5)


def test_without_events_or_facilities_there_is_nothing() -> None:
    some = group([3, 4], [10, 10])
    for found in (
        compare_rates(group([0, 0], [10, 10]), some),
        compare_rates(some, group([], [])),
        compare_odds(group([10, 10], [10, 10]), some),
    ):
        assert np.isnan([found.ratio, found.lower, found.upper]).all()
    single = compare_rates(group([7], [20]), some)
    assert single.ratio == 1
    assert np.isnan([single.lower, single.upper]).all()
    with pytest.raises(FitError, match="amount"):
        compare_rates(group([1, 2], [10]), some)


def test_limits_hold_the_truth_nineteen_times_in_twenty_though_facilities_differ() -> None:
    rng, runs, truth = np.random.default_rng(11), 1000, 1.5

    def draw(facilities: int, rate: float) -> Group:
        amount = rng.uniform(500, 2000, facilities)
        own = rng.gamma(20, 1 / 20, facilities)
        return Group(rng.poisson(rate * own * amount).astype(float), amount)

    def holds(found: Ratio) -> bool:
        return found.lower < truth < found.upper

    held = sum(holds(compare_rates(draw(25, truth * 0.01), draw(200, 0.01))) for _ in range(runs))
    # 950 of 1,000, with a standard error of 7.
    assert 929 <= held <= 971
