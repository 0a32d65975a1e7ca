"""Facility and month effects beside pyfixest's, and by hand."""

import numpy as np
import pyfixest as pf
import pytest

from esrd_pipeline.statistics.activity_effect import estimate_matched
from esrd_pipeline.statistics.fit import FitError
from esrd_pipeline.statistics.two_way import fit_two_way
from esrd_pipeline_tests.statistics.activities import match, simulate, to_frame


def test_two_facilities_and_months_are_fitted_by_hand() -> None:
    observed = np.array([[10.0, 20.0], [30.0, 7.0]])
    used = np.array([[True, True], [True, False]])
    fit = fit_two_way(observed, np.ones((2, 2)), is_used=used, weight=np.ones(2))
    # The second month has twice the first's events at the facility seen in both.
    assert fit.mean == pytest.approx(np.array([[10.0, 20.0], [30.0, 60.0]]))
    assert fit.scores == pytest.approx(np.zeros((2, 2)), abs=1e-9)


def test_a_month_without_an_event_has_no_mean() -> None:
    observed = np.array([[10.0, 0.0, 5.0], [4.0, 0.0, 2.0]])
    fit = fit_two_way(observed, np.ones((2, 3)), is_used=observed >= 0, weight=np.ones(2))
    assert np.isnan(fit.mean[:, 1]).all()
    assert fit.mean[:, [0, 2]] == pytest.approx(observed[:, [0, 2]])


@pytest.mark.parametrize("chosen", ["random", "worst"])
def test_matched_effect_and_limits_are_those_of_pyfixest(chosen: str) -> None:
    months = match(simulate(3, ratio=0.8, chosen="worst" if chosen == "worst" else "random"))
    rows = to_frame(months)
    fit = pf.fepois(
        "y ~ active | facility + month",
        rows,
        vcov={"CRV1": "facility"},
        offset="offset",
        weights="weight",
        ssc=pf.ssc(k_adj=False, G_adj=True),
        iwls_tol=1e-12,
    )
    mine = estimate_matched(months)
    assert np.log(mine.ratio) == pytest.approx(float(fit.coef()["active"]), abs=1e-6)
    error = (np.log(mine.upper) - np.log(mine.ratio)) / 2.045230  # t of 29 degrees, 0.975
    assert error == pytest.approx(float(fit.se()["active"]), rel=1e-4)


@pytest.mark.parametrize(
    ("observed", "expected", "weight", "message"),
    [
        (np.zeros((2, 2)), np.ones((2, 2)), np.ones(2), "no event in the cells"),
        (np.ones((2, 2)), np.zeros((2, 2)), np.ones(2), "not above 0"),
        (np.ones((2, 2)), np.ones((2, 3)), np.ones(2), "shape"),
        (-np.ones((2, 2)), np.ones((2, 2)), np.ones(2), "negative"),
        (np.ones((2, 2)), np.ones((2, 2)), np.zeros(2), "weight"),
    ],
)
def test_what_cannot_be_fitted_is_refused(
    observed: np.ndarray, expected: np.ndarray, weight: np.ndarray, message: str
) -> None:
    with pytest.raises(FitError, match=message):
        fit_two_way(observed, expected, is_used=np.ones(observed.shape, dtype=bool), weight=weight)
