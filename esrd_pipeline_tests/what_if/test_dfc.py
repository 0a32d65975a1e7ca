"""Flags of other events: the measures' own tests, from a row's counts and its null."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm, poisson

from esrd_pipeline.parameters.register import find_measure
from esrd_pipeline.statistics.poisson_binomial import adjust_counts, compare_counts
from esrd_pipeline.what_if.dfc import retest

YEAR = 2025
SHR = find_measure("shr", "dfc", YEAR)
SRR = find_measure("srr", "dfc", YEAR)
SWR = find_measure("swr", "dfc", YEAR)


def row(observed: float, expected: float, **other: float) -> pd.Series:
    values = {
        "numerator": observed,
        "denominator": expected,
        "value": observed / expected,
        "standard_error": np.nan,
        "z_null_mean": np.nan,
        "z_null_sd": np.nan,
    }
    return pd.Series({**values, **other})


def counts(observed: float, expected: float) -> dict[str, float]:
    return {"numerator": observed, "denominator": expected}


@pytest.mark.manual("2.13.15")
def test_the_error_of_a_rate_falls_with_the_root_of_its_events() -> None:
    """25 events of 20 expected with an error of 0.2: at 100 events the error is 0.1."""
    stored = row(25, 20, standard_error=0.2, z_null_mean=0.5, z_null_sd=1.5)
    found = retest(SHR, stored, counts(100, 20), None)
    assert found["standard_error"] == pytest.approx(0.1)
    assert found["value"] == 5
    assert found["z"] == pytest.approx(np.log(5) / 0.1)
    adjusted = (np.log(5) / 0.1 - 0.5) / 1.5
    assert found["p_value"] == pytest.approx(2 * norm.sf(adjusted), rel=1e-9)
    centre = np.log(5) - 0.5 * 0.1
    reach = 1.96 * 1.5 * 0.1
    assert found["lower"] == pytest.approx(np.exp(centre - reach))
    assert found["upper"] == pytest.approx(np.exp(centre + reach))


@pytest.mark.manual("2.13.15")
def test_a_rate_without_events_is_tested_by_the_variance_of_its_expected_events() -> None:
    """An error of 0.4 at 25 events is a scale of 4."""
    stored = row(25, 20, standard_error=0.4, z_null_mean=0.1, z_null_sd=1.2)
    found = retest(SHR, stored, counts(0, 20), None)
    z = -np.sqrt(20 / 4)
    assert (found["lower"], found["z"]) == (0, pytest.approx(z))
    assert found["p_value"] == pytest.approx(2 * norm.cdf((z - 0.1) / 1.2))
    assert found["upper"] == pytest.approx(1.96 * 1.2 * np.sqrt(4 / 20))


@pytest.mark.manual("2.13.15")
def test_a_scenario_of_the_stored_events_is_what_is_stored_also_from_none() -> None:
    none = row(0, 20, standard_error=np.sqrt(4 / 0.5), z_null_mean=0.1, z_null_sd=1.2)
    assert retest(SHR, none, counts(25, 20), None)["standard_error"] == pytest.approx(0.4)


@pytest.mark.manual("2.15.15")
def test_waitings_are_tested_by_poisson() -> None:
    found = retest(SWR, row(2, 1.25), counts(5, 1.25), None)
    assert found["p_value"] == pytest.approx(2 * poisson.sf(4, 1.25))
    assert found["value"] == 4


@pytest.mark.manual("2.10.13")
def test_discharges_are_tested_by_their_own_probabilities() -> None:
    """Three of four discharges have the event: 0.0404, counted half; all four: 0.0024."""
    chances = np.array([0.1, 0.2, 0.3, 0.4])
    found = retest(SRR, row(1, 1, z_null_mean=0.1, z_null_sd=1.2), counts(3, 1), chances)
    assert found["z"] == pytest.approx(norm.isf(0.0404 / 2 + 0.0024))
    # The same test with the norm at another effect.
    offset, one = np.log(chances / (1 - chances)) + 1, np.zeros(4, dtype=np.int64)
    compared = compare_counts(effect=-1, offset=offset, facility=one, observed=np.array([3.0]))
    adjusted = adjust_counts(
        compared, offset=offset, facility=one, mean=np.array([0.1]), deviation=np.array([1.2])
    )
    assert found["p_value"] == pytest.approx(adjusted.p_value[0])
    assert found["upper"] == pytest.approx(adjusted.upper[0])


@pytest.mark.parametrize(
    ("stored", "observed", "chances", "sentence"),
    [
        (row(1, 1.0), 2.0, None, "needs the probabilities"),
        (row(1, 1.0), 5.0, np.full(4, 0.25), "at most its discharges"),
        (row(1, 2.0), 2.0, np.full(4, 0.25), "do not add up"),
        (row(1, 1.0, value=3.0), 2.0, np.full(4, 0.25), "not observed over expected"),
    ],
)
def test_a_flag_that_the_numbers_do_not_tell_is_not_told(
    stored: pd.Series, observed: float, chances: np.ndarray | None, sentence: str
) -> None:
    with pytest.raises(LookupError, match=sentence):
        retest(SRR, stored, counts(observed, float(stored["denominator"])), chances)
