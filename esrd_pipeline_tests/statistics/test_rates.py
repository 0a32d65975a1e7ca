"""Both stages of the rates: formulas, finite differences, dummies, R and ground truth."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.typing import NDArray

from esrd_pipeline.statistics.design import Design, FloatArray, IntArray
from esrd_pipeline.statistics.fit import CollinearError, FitError, SeparationError
from esrd_pipeline.statistics.rate_cells import evaluate_cells, group_cells
from esrd_pipeline.statistics.rates import RatesFit, expect, fit_rates

STORED = Path(__file__).parent / "r"
TRUTH = np.array([0.3, -0.4, 0.1])


@dataclass(frozen=True)
class Segments:
    """Person-period rows."""

    matrix: NDArray[np.number]
    exposure: FloatArray
    events: IntArray
    facility: IntArray
    interval: IntArray
    patient: IntArray

    @property
    def design(self) -> Design:
        """Terms are named a, b, c."""
        return Design(self.matrix, tuple("abcdefgh"[: self.matrix.shape[1]]))

    def take(self, rows: IntArray) -> "Segments":
        """Return these rows, in this order."""
        return Segments(
            self.matrix[rows],
            self.exposure[rows],
            self.events[rows],
            self.facility[rows],
            self.interval[rows],
            self.patient[rows],
        )


def fit(segments: Segments, **options: int) -> RatesFit:
    return fit_rates(
        design=segments.design,
        exposure=segments.exposure,
        events=segments.events,
        facility=segments.facility,
        interval=segments.interval,
        patient=segments.patient,
        **options,
    )


def expected(fitted: RatesFit, segments: Segments) -> FloatArray:
    return expect(
        fitted,
        design=segments.design,
        exposure=segments.exposure,
        interval=segments.interval,
    )


def simulate(seed: int, *, rows: int = 900, facilities: int = 12, frailty: float = 0.5) -> Segments:
    """Three covariates, three intervals; patients differ, facilities confound covariate a."""
    rng = np.random.default_rng(seed)
    patient = rng.integers(0, rows // 3, rows)
    facility = rng.integers(0, facilities, rows)
    interval = rng.integers(0, 3, rows)
    level = rng.normal(0, 0.4, facilities)[facility]
    matrix = np.column_stack(
        [rng.normal(level, 1), rng.integers(0, 2, rows), rng.integers(0, 4, rows)]
    )
    matrix = np.round(matrix * 8) / 8
    exposure = rng.integers(1, 366, rows).astype(float)
    risk = rng.gamma(1 / frailty, frailty, rows)[patient]
    means = exposure / 300 * risk * np.exp(level - 0.2 * interval + matrix @ TRUTH)
    return Segments(matrix, exposure, rng.poisson(means), facility, interval, patient)


def assert_same(first: RatesFit, second: RatesFit) -> None:
    for one, other in (
        (first.regression.coefficients, second.regression.coefficients),
        (first.regression.model_covariance, second.regression.model_covariance),
        (first.regression.robust_covariance, second.regression.robust_covariance),
        (first.baseline, second.baseline),
        (first.regression.log_likelihood, second.regression.log_likelihood),
    ):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


def test_without_covariates_the_baseline_is_events_over_exposure() -> None:
    segments = Segments(
        matrix=np.empty((4, 0)),
        exposure=np.array([10.0, 30.0, 20.0, 40.0]),
        events=np.array([1, 3, 0, 6]),
        facility=np.array([0, 1, 0, 1]),
        interval=np.array([0, 0, 1, 1]),
        patient=np.array([0, 1, 0, 1]),
    )
    fitted = fit(segments)
    np.testing.assert_allclose(fitted.baseline, [4 / 40, 6 / 60])
    np.testing.assert_allclose(fitted.interval_events, [4, 6])
    np.testing.assert_allclose(fitted.interval_exposure, [40, 60])
    assert fitted.national_rate == pytest.approx(10 / 100)
    np.testing.assert_allclose(expected(fitted, segments), [1, 3, 2, 4])


def test_one_binary_term_in_one_cell_is_the_log_of_the_rate_ratio() -> None:
    events = np.array([2, 0, 1, 5, 3, 4])
    exposure = np.array([10.0, 20.0, 30.0, 10.0, 15.0, 15.0])
    segments = Segments(
        matrix=np.array([[0], [0], [0], [1], [1], [1]], dtype=np.uint8),
        exposure=exposure,
        events=events,
        facility=np.zeros(6, dtype=int),
        interval=np.zeros(6, dtype=int),
        patient=np.array([0, 0, 1, 2, 3, 3]),
    )
    fitted = fit(segments)
    # 3 events in 60 days against 12 in 40: rates 0.05 and 0.30.
    assert fitted.regression.coefficients[0] == pytest.approx(np.log(6), rel=1e-9)
    assert fitted.regression.model_covariance[0, 0] == pytest.approx(1 / 3 + 1 / 12, rel=1e-9)
    # Residuals by patient: 2 - 1.5, 1 - 1.5 | 5 - 3, 7 - 9.
    robust = (0.5**2 + 0.5**2) / 3**2 + (2**2 + 2**2) / 12**2
    assert fitted.regression.robust_covariance is not None
    assert fitted.regression.robust_covariance[0, 0] == pytest.approx(robust, rel=1e-9)
    assert fitted.baseline[0] == pytest.approx(0.05, rel=1e-9)


def profile_of(segments: Segments, point: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    cells, _ = group_cells(
        cell=segments.facility * 3 + segments.interval,
        exposure=segments.exposure,
        events=segments.events.astype(float),
    )
    profile = evaluate_cells(segments.matrix, cells, point, is_exact=True, block_rows=64)
    return profile.log_likelihood, profile.score, profile.information


def differentiate(function: Callable[[FloatArray], FloatArray], point: FloatArray) -> FloatArray:
    step = 1e-5
    shifts = step * np.eye(point.size)
    return np.array([(function(point + d) - function(point - d)) / (2 * step) for d in shifts])


def test_score_and_information_are_the_derivatives_of_the_profile_likelihood() -> None:
    segments = simulate(3, rows=300)
    point = np.array([0.2, 0.1, -0.3])
    _, score, information = profile_of(segments, point)
    slope = differentiate(lambda at: np.array(profile_of(segments, at)[0]), point)
    bend = differentiate(lambda at: profile_of(segments, at)[1], point)
    np.testing.assert_allclose(slope, score, rtol=1e-6)
    np.testing.assert_allclose(-bend, information, rtol=1e-6)


def test_one_dummy_for_each_cell_gives_the_same_fit_in_statsmodels() -> None:
    segments = simulate(4, rows=400, facilities=5)
    fitted = fit(segments).regression
    cell = segments.facility * 3 + segments.interval
    dummies = cell[:, None] == np.unique(cell)[None, :]
    model = sm.GLM(
        segments.events,
        np.column_stack([segments.matrix, dummies]),
        family=sm.families.Poisson(),
        offset=np.log(segments.exposure),
    )
    plain = model.fit(tol=1e-14, maxiter=100)
    clusters = {"groups": segments.patient, "use_correction": False}
    robust = model.fit(tol=1e-14, maxiter=100, cov_type="cluster", cov_kwds=clusters)
    np.testing.assert_allclose(fitted.coefficients, plain.params[:3], rtol=1e-8)
    np.testing.assert_allclose(fitted.model_covariance, plain.cov_params()[:3, :3], rtol=1e-8)
    np.testing.assert_allclose(fitted.standard_errors, robust.bse[:3], rtol=1e-8)
    assert fitted.log_likelihood == pytest.approx(plain.llf, rel=1e-12)


def read_stored() -> Segments:
    table = np.genfromtxt(STORED / "rates.csv", delimiter=",", names=True)
    return Segments(
        matrix=np.column_stack([table["age"], table["diabetes"], table["heart"]]),
        exposure=table["exposure"],
        events=table["events"].astype(int),
        facility=table["facility"].astype(int),
        interval=table["interval"].astype(int),
        patient=table["patient"].astype(int),
    )


@pytest.mark.parametrize("width", [np.float32, np.float64])
def test_r_gives_the_same_rates(width: type) -> None:
    stored = json.loads((STORED / "rates.json").read_text())
    segments = read_stored()
    fitted = fit(replace(segments, matrix=segments.matrix.astype(width)))
    regression = fitted.regression
    for own, of_r in (
        (regression.coefficients, stored["coefficients"]),
        (regression.model_covariance, stored["model_covariance"]),
        (regression.robust_covariance, stored["robust_covariance"]),
        (fitted.baseline, stored["baseline"]),
        (regression.log_likelihood, stored["log_likelihood"]),
    ):
        np.testing.assert_allclose(own, of_r, rtol=1e-7)
    assert regression.row_count == stored["rows_used"]
    assert regression.event_count == segments.events.sum()
    assert [part.count for part in regression.dropped] == [
        stored["cells_without_events"],
        len(segments.events) - stored["rows_used"],
    ]
    by_facility = np.bincount(segments.facility, expected(fitted, segments))
    np.testing.assert_allclose(by_facility, stored["expected_by_facility"], rtol=1e-8)


def test_expected_events_add_up_to_the_observed_in_every_interval() -> None:
    segments = simulate(5)
    by_interval = np.bincount(segments.interval, expected(fit(segments), segments))
    observed = np.bincount(segments.interval, segments.events)
    np.testing.assert_allclose(by_interval, observed, rtol=1e-13)


def test_new_rows_are_scored_as_those_of_the_fit() -> None:
    segments = simulate(6)
    fitted = fit(segments)
    some = np.array([17, 3, 200])
    np.testing.assert_allclose(
        expected(fitted, segments.take(some)), expected(fitted, segments)[some], rtol=1e-13
    )
    rows = segments.take(some)
    turned = expect(
        fitted,
        design=Design(rows.matrix[:, ::-1], ("c", "b", "a")),
        exposure=2 * rows.exposure,
        interval=rows.interval,
    )
    np.testing.assert_allclose(turned, 2 * expected(fitted, rows), rtol=1e-12)


def test_order_labels_and_blocks_do_not_matter() -> None:
    segments = simulate(7)
    fitted = fit(segments)
    rng = np.random.default_rng(8)
    assert_same(fitted, fit(segments.take(rng.permutation(900))))
    facility, patient = rng.permutation(50), rng.permutation(5000)
    labelled = replace(
        segments, facility=facility[segments.facility], patient=patient[segments.patient]
    )
    assert_same(fitted, fit(labelled))
    assert_same(fitted, fit(segments, block_rows=7))
    assert_same(fitted, fit(replace(segments, matrix=segments.matrix.astype(np.float32))))


def test_a_facility_that_doubles_all_its_rates_does_not_move_the_coefficients() -> None:
    segments = simulate(9)
    slower = np.where(segments.facility == 2, 2.0, 1.0) * segments.exposure
    one, other = fit(segments).regression, fit(replace(segments, exposure=slower)).regression
    np.testing.assert_allclose(one.coefficients, other.coefficients, rtol=1e-9)


def test_terms_that_repeat_cells_or_terms_are_named_or_left_out() -> None:
    segments = simulate(10)
    own = segments.matrix
    repeated = np.column_stack(
        [own[:, 0], segments.facility, 2 * own[:, 0] + 1, np.ones(900), own[:, 1:]]
    )
    doubled = replace(segments, matrix=repeated)
    with pytest.raises(CollinearError, match="earlier terms: b, c, d"):
        fit(doubled)
    fitted = fit(doubled, drop_aliased=True)
    assert fitted.regression.names == ("a", "e", "f")
    assert fitted.regression.dropped[-1].names == ("b", "c", "d")
    plain = fit(segments)
    np.testing.assert_allclose(
        fitted.regression.coefficients, plain.regression.coefficients, rtol=1e-9
    )
    np.testing.assert_allclose(expected(fitted, doubled), expected(plain, segments), rtol=1e-9)


def test_a_term_no_event_has_is_separated() -> None:
    segments = simulate(11)
    rare = (segments.events == 0) & (np.arange(900) % 3 == 0)
    with pytest.raises(SeparationError, match="for b"):
        fit(replace(segments, matrix=np.column_stack([segments.matrix[:, 0], rare])))


def test_a_term_no_event_has_is_left_out_on_request_and_named() -> None:
    segments = simulate(11)
    rare = (segments.events == 0) & (np.arange(900) % 3 == 0)
    own = segments.matrix
    with_rare = replace(segments, matrix=np.column_stack([own[:, 0], rare, own[:, 1:]]))
    fitted, plain = fit(with_rare, drop_eventless=True), fit(segments)
    assert fitted.regression.names == ("a", *"cde"[: own.shape[1] - 1])
    (aside,) = [s for s in fitted.regression.dropped if "no row with an event" in s.rule]
    assert aside.names == ("b",)
    assert aside.count == 1
    np.testing.assert_allclose(
        fitted.regression.coefficients, plain.regression.coefficients, rtol=1e-9
    )
    np.testing.assert_allclose(expected(fitted, with_rare), expected(plain, segments), rtol=1e-9)


@pytest.mark.parametrize("width", [np.uint8, np.float64])
def test_a_reference_class_without_events_is_separated(width: type) -> None:
    segments = simulate(12)
    group = np.random.default_rng(13).integers(0, 4, 900)
    group = np.where((group == 0) & (segments.events > 0), 1, group)
    classes = (group[:, None] == np.array([1, 2, 3])).astype(width)
    with pytest.raises(SeparationError, match="no finite estimate"):
        fit(replace(segments, matrix=classes))


def test_an_interval_without_rows_has_no_rate_and_is_reported() -> None:
    segments = simulate(14)
    fitted = fit(segments, interval_count=5)
    assert np.isnan(fitted.baseline).tolist() == [False, False, False, True, True]
    assert fitted.regression.dropped[-1].count == 2
    with pytest.raises(FitError, match="no rate exists"):
        expected(fitted, replace(segments, interval=segments.interval + 2))
    with pytest.raises(FitError, match="codes reach 6, but the fit has 5"):
        expected(fitted, replace(segments, interval=segments.interval + 4))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"exposure": np.zeros(900)}, "exposure: 900 values are not above zero"),
        ({"exposure": np.full(900, np.nan)}, "exposure: 900 values are not finite"),
        ({"exposure": np.ones(899)}, r"exposure has shape \(899,\)"),
        ({"events": np.zeros(900)}, "events: there are none"),
        ({"events": np.full(900, 0.5)}, "events: 900 values are not whole"),
        ({"events": np.full(900, -1)}, "events: 900 values are negative"),
        ({"facility": np.full(900, -1)}, "facility: 900 codes are negative"),
        ({"patient": np.zeros(900)}, "patient: codes are integers"),
        ({"matrix": np.full((900, 2), np.nan)}, "values are not finite in a, b"),
        ({"matrix": np.empty((0, 2))}, "there are no rows"),
    ],
)
def test_bad_rows_are_refused_by_name(change: dict[str, NDArray], message: str) -> None:
    with pytest.raises(FitError, match=message):
        fit(replace(simulate(15), **change))


def test_a_design_with_other_columns_is_not_scored() -> None:
    segments = simulate(16)
    with pytest.raises(FitError, match="columns differ from the fit's: c"):
        expected(fit(segments), replace(segments, matrix=segments.matrix[:, :2]))
    with pytest.raises(FitError, match="interval: codes reach 2, but there are 2 intervals"):
        fit(segments, interval_count=2)


def test_a_risk_beyond_all_numbers_is_refused() -> None:
    segments = simulate(17)
    fitted = fit(segments)
    with pytest.raises(FitError, match="relative risk: 900 rows"):
        expected(fitted, replace(segments, matrix=np.full((900, 3), [1e6, 0, 0])))


def test_planted_coefficients_are_found_and_robust_intervals_cover_them() -> None:
    runs = [fit(simulate(seed, rows=1500, frailty=0.8)).regression for seed in range(300)]
    errors = np.array([run.coefficients - TRUTH for run in runs])
    robust = np.array([run.standard_errors for run in runs])
    model = np.array([np.sqrt(np.diag(run.model_covariance)) for run in runs])
    bias = errors.mean(axis=0) / (errors.std(axis=0) / np.sqrt(300))
    assert np.abs(bias).max() < 3
    cover = np.mean(np.abs(errors) < 1.96 * robust, axis=0)
    assert np.all((cover > 0.91) & (cover < 0.98))
    assert np.all(np.mean(np.abs(errors) < 1.96 * model, axis=0) < cover)
