"""Facility effects checked against closed forms, a general optimiser, lme4 and ground truth."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit, logit

from esrd_pipeline.statistics.design import FloatArray, IntArray
from esrd_pipeline.statistics.facility_effects import (
    EFFECT_BOUND,
    NO_HOSPITAL,
    FacilityEffects,
    fit_facility_effects,
    score,
)
from esrd_pipeline.statistics.fit import FitError
from esrd_pipeline_tests.statistics.discharges import Discharges

STORED = Path(__file__).parent / "r"
SIGMA = 0.4


def fit(rows: Discharges, *, sigma: float = SIGMA, **counts: int) -> FacilityEffects:
    return fit_facility_effects(
        offset=rows.offset,
        outcome=rows.outcome,
        facility=rows.facility,
        hospital=rows.hospital,
        sigma_hospital=sigma,
        **counts,
    )


def simulate(
    seed: int, *, rows: int = 1500, facilities: int = 31, hospitals: int = 14
) -> Discharges:
    """Every facility has both outcomes."""
    rng = np.random.default_rng(seed)
    facility, hospital = rng.integers(0, facilities, rows), rng.integers(0, hospitals, rows)
    offset = np.round(rng.normal(0, 0.7, rows) * 64) / 64
    effects = rng.normal(-0.5, 0.5, facilities)[facility]
    effects += rng.normal(0, SIGMA, hospitals)[hospital]
    outcome = (rng.random(rows) < expit(offset + effects)).astype(np.intp)
    first, last = (np.unique(where, return_index=True)[1] for where in (facility, facility[::-1]))
    outcome[first], outcome[rows - 1 - last] = 0, 1
    return Discharges(offset, outcome, facility, hospital)


def plant_extremes(rows: Discharges) -> Discharges:
    """Facility 3 has no events, facility 4 only events."""
    outcome = np.where(rows.facility == 3, 0, rows.outcome)
    return replace(rows, outcome=np.where(rows.facility == 4, 1, outcome))


def penalise(rows: Discharges, effects: FloatArray, facilities: int) -> tuple[float, FloatArray]:
    """Minus the penalised log-likelihood and its gradient in (g, v)."""
    g, v = effects[:facilities], effects[facilities:]
    predictor = g[rows.facility] + v[rows.hospital] + rows.offset
    residual = rows.outcome - expit(predictor)
    value = np.sum(rows.outcome * predictor - np.logaddexp(0, predictor))
    slope = np.concatenate(
        [
            np.bincount(rows.facility, residual, facilities),
            np.bincount(rows.hospital, residual, v.size) - v / SIGMA**2,
        ]
    )
    return -float(value - v @ v / (2 * SIGMA**2)), -slope


def test_without_hospital_differences_effects_are_log_odds() -> None:
    facility = np.repeat([0, 1, 2], [10, 20, 40])
    outcome = np.concatenate([np.arange(10) < 4, np.arange(20) < 5, np.arange(40) < 30]).astype(int)
    hospital = np.arange(70) % 3
    fitted = fit(Discharges(np.zeros(70), outcome, facility, hospital), sigma=0)
    np.testing.assert_allclose(fitted.facility_effects, logit([0.4, 0.25, 0.75]), rtol=1e-9)
    np.testing.assert_array_equal(fitted.hospital_effects, 0)
    assert fitted.median_effect == pytest.approx(logit(0.4), rel=1e-9)
    np.testing.assert_allclose(fitted.observed, [4, 5, 30])
    np.testing.assert_allclose(fitted.expected, [4, 8, 16])
    np.testing.assert_allclose(fitted.ratio, [1, 5 / 8, 30 / 16])
    assert fitted.log_likelihood == pytest.approx(
        4 * np.log(0.4) + 6 * np.log(0.6) + 15 * np.log(0.25) + 45 * np.log(0.75)
    )


def test_a_facility_with_a_hospital_of_its_own_leaves_that_hospital_at_zero() -> None:
    rows = simulate(1)
    outcome = np.concatenate([rows.outcome, np.arange(30) < 6]).astype(np.intp)
    facility = np.concatenate([rows.facility, np.full(30, 31)])
    hospital = np.concatenate([rows.hospital, np.full(30, 14)])
    fitted = fit(Discharges(np.append(rows.offset, np.zeros(30)), outcome, facility, hospital))
    assert fitted.hospital_effects[14] == pytest.approx(0, abs=1e-9)
    assert fitted.facility_effects[31] == pytest.approx(logit(0.2), rel=1e-8)
    np.testing.assert_allclose(
        fitted.hospital_effects[:14], fit(rows).hospital_effects, rtol=0, atol=1e-9
    )


@pytest.mark.parametrize("hospitals", [14, 60])
def test_a_general_optimiser_finds_the_same(hospitals: int) -> None:
    rows = simulate(2, hospitals=hospitals)
    fitted = fit(rows)
    found = minimize(
        lambda effects: penalise(rows, effects, 31),
        np.zeros(31 + hospitals),
        jac=True,
        method="L-BFGS-B",
        options={"ftol": 0, "gtol": 1e-9, "maxiter": 2000, "maxfun": 5000},
    )
    np.testing.assert_allclose(fitted.facility_effects, found.x[:31], rtol=0, atol=1e-6)
    np.testing.assert_allclose(fitted.hospital_effects, found.x[31:], rtol=0, atol=1e-6)
    assert fitted.log_likelihood == pytest.approx(-found.fun, rel=1e-12)
    assert fitted.dropped == ()


def test_what_is_maximised_is_flat_by_differences_and_every_facility_is_met() -> None:
    rows = simulate(3)
    fitted = fit(rows)
    effects = np.concatenate([fitted.facility_effects, fitted.hospital_effects])
    for place in range(effects.size):
        shift = np.zeros(effects.size)
        shift[place] = 1e-4
        rise = penalise(rows, effects + shift, 31)[0] - penalise(rows, effects - shift, 31)[0]
        assert abs(rise / 2e-4) < 1e-6
    means = expit(fitted.facility_effects[rows.facility] + fitted.row_offsets)
    np.testing.assert_allclose(np.bincount(rows.facility, means), fitted.observed, rtol=1e-8)


def test_lme4_finds_the_same() -> None:
    stored = json.loads((STORED / "crossed.json").read_text())
    table = np.loadtxt(STORED / "crossed.csv", delimiter=",", skiprows=1)
    facility, hospital = table[:, 0].astype(np.intp), table[:, 1].astype(np.intp)
    rows = Discharges(table[:, 2], table[:, 3].astype(np.intp), facility, hospital)
    fitted = fit(rows, sigma=stored["sigma_hospital"])
    finite = ~fitted.is_bounded
    effects = np.array(stored["facility_effects"], dtype=object)
    np.testing.assert_array_equal(np.flatnonzero(~finite), [12, 40])
    np.testing.assert_allclose(
        fitted.facility_effects[finite], effects[finite].astype(float), rtol=0, atol=1e-8
    )
    np.testing.assert_allclose(
        fitted.hospital_effects, stored["hospital_effects"], rtol=0, atol=1e-8
    )
    assert fitted.median_effect == pytest.approx(stored["median_effect"], rel=1e-8)
    np.testing.assert_array_equal(fitted.observed, stored["observed"])
    np.testing.assert_allclose(fitted.expected, stored["expected"], rtol=1e-8)


def test_facilities_with_one_outcome_only_stay_bounded_marked_and_counted() -> None:
    rows = plant_extremes(simulate(4))
    fitted = fit(rows)
    np.testing.assert_array_equal(np.flatnonzero(fitted.is_bounded), [3, 4])
    assert fitted.facility_effects[3] == fitted.median_effect - EFFECT_BOUND
    assert fitted.facility_effects[4] == fitted.median_effect + EFFECT_BOUND
    assert fitted.median_effect == np.median(fitted.facility_effects)
    assert fitted.observed[3] == 0
    assert fitted.observed[4] == fitted.counts[4]
    own = expit(fitted.facility_effects[rows.facility] + fitted.row_offsets)
    gap = np.bincount(rows.facility, own) - fitted.observed
    assert 0 < gap[3] < 0.5
    assert 0 < -gap[4] < 0.5
    assert fitted.ratio[3] == 0
    assert fitted.ratio[4] > 1
    assert [(item.rule, item.count) for item in fitted.dropped] == [
        ("facilities without events: effect at the lower bound", 1),
        ("facilities with only events: effect at the upper bound", 1),
    ]


def test_facilities_with_one_outcome_only_say_nothing_about_hospitals() -> None:
    rows = plant_extremes(simulate(5))
    whole = fit(rows)
    rest = fit(rows.take(np.flatnonzero((rows.facility != 3) & (rows.facility != 4))))
    np.testing.assert_allclose(whole.hospital_effects, rest.hospital_effects, rtol=0, atol=1e-10)
    assert whole.median_effect == pytest.approx(rest.median_effect, rel=1e-10)
    assert whole.log_likelihood == pytest.approx(rest.log_likelihood, rel=1e-12)
    kept = ~whole.is_bounded
    np.testing.assert_allclose(whole.expected[kept], rest.expected[rest.counts > 0], rtol=1e-10)


def test_a_facility_with_one_patient_is_compared_like_any_other() -> None:
    rows = simulate(6)
    one = Discharges(
        np.append(rows.offset, 0.25),
        np.append(rows.outcome, 1),
        np.append(rows.facility, 31),
        np.append(rows.hospital, 5),
    )
    fitted = fit(one)
    assert fitted.is_bounded[31]
    expected = expit(fitted.median_effect + fitted.hospital_effects[5] + 0.25)
    assert fitted.expected[31] == pytest.approx(expected)
    assert fitted.ratio[31] == pytest.approx(1 / expected)


def test_levels_without_rows_have_no_effect_and_no_say() -> None:
    rows = simulate(7)
    usual, more = fit(rows), fit(rows, facility_count=40, hospital_count=50)
    assert more.median_effect == pytest.approx(usual.median_effect, rel=1e-10)
    assert np.isnan(more.facility_effects[31:]).all()
    assert np.isnan(more.ratio[31:]).all()
    np.testing.assert_array_equal(more.expected[31:], 0)
    np.testing.assert_array_equal(more.hospital_effects[14:], 0)
    np.testing.assert_allclose(more.hospital_effects[:14], usual.hospital_effects, atol=1e-10)
    assert more.dropped[0].rule == "facilities without rows: no effect"
    assert more.dropped[0].count == 9


def test_a_median_that_no_facility_supports_is_refused() -> None:
    rows = simulate(8)
    outcome = np.where(rows.facility < 16, 0, rows.outcome)
    with pytest.raises(FitError, match="half of the facilities or more"):
        fit(replace(rows, outcome=outcome))
    with pytest.raises(FitError, match="no facility has both outcomes"):
        fit(replace(rows, outcome=np.zeros_like(outcome)))


def test_scores_of_the_rows_of_the_fit_add_up_to_its_expected() -> None:
    rows = plant_extremes(simulate(9))
    fitted = fit(rows)
    scores = score(fitted, offset=rows.offset, hospital=rows.hospital)
    np.testing.assert_array_equal(scores.row_offsets, fitted.row_offsets)
    np.testing.assert_allclose(np.bincount(rows.facility, scores.expected), fitted.expected)


def test_new_rows_take_the_effect_of_their_hospital_or_zero() -> None:
    fitted = fit(simulate(10))
    scores = score(fitted, offset=np.array([0.5, 0.5]), hospital=np.array([2, NO_HOSPITAL]))
    np.testing.assert_allclose(scores.row_offsets, [0.5 + fitted.hospital_effects[2], 0.5])
    np.testing.assert_allclose(scores.expected, expit(fitted.median_effect + scores.row_offsets))


@pytest.mark.parametrize(
    ("offset", "hospital", "message"),
    [
        (np.zeros(2), np.array([0, 14]), "1 codes are not among the fit's 14"),
        (np.zeros(2), np.array([0, -2]), "1 codes are not among the fit's 14"),
        (np.zeros(2), np.zeros(2), "codes are integers"),
        (np.zeros(3), np.array([0, 1]), "offset has shape"),
        (np.array([0, np.inf]), np.array([0, 1]), "offset: 1 values are not finite"),
    ],
)
def test_rows_that_cannot_be_scored_are_refused(
    offset: FloatArray, hospital: IntArray, message: str
) -> None:
    fitted = fit(simulate(11))
    with pytest.raises(FitError, match=message):
        score(fitted, offset=offset, hospital=hospital)


def test_row_order_and_labels_do_not_matter() -> None:
    rows = plant_extremes(simulate(12))
    rng = np.random.default_rng(0)
    order = rng.permutation(rows.offset.size)
    facility, hospital = rng.permutation(31), rng.permutation(14)
    mixed = rows.take(order)
    usual = fit(rows)
    other = fit(
        replace(mixed, facility=facility[mixed.facility], hospital=hospital[mixed.hospital])
    )
    for one, two in (
        (usual.facility_effects, other.facility_effects[facility]),
        (usual.hospital_effects, other.hospital_effects[hospital]),
        (usual.expected, other.expected[facility]),
        (usual.row_offsets[order], other.row_offsets),
    ):
        np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(usual.is_bounded, other.is_bounded[facility])


def test_planted_effects_are_recovered_and_ratios_centre_on_one() -> None:
    rng = np.random.default_rng(13)
    facilities, hospitals, rows = 100, 40, 60_000
    facility = rng.integers(0, facilities, rows)
    hospital = (facility + rng.integers(0, 9, rows) ** 2) % hospitals
    truth = rng.normal(-0.9, 0.3, facilities)
    levels = rng.normal(0, SIGMA, hospitals)
    offset = rng.normal(0, 0.6, rows)
    chance = expit(truth[facility] + levels[hospital] + offset)
    outcome = (rng.random(rows) < chance).astype(np.intp)
    fitted = fit(Discharges(offset, outcome, facility, hospital))
    error = fitted.facility_effects - truth
    error -= error.mean()
    assert np.sqrt(np.mean(error**2)) == pytest.approx(1 / np.sqrt(600 * 0.19), rel=0.25)
    assert np.corrcoef(fitted.hospital_effects, levels)[0, 1] > 0.97
    assert fitted.median_effect == pytest.approx(np.median(truth) + levels.mean(), abs=0.06)
    assert np.median(fitted.ratio) == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("sigma", [-0.1, np.nan, np.inf])
def test_a_sigma_that_is_no_standard_deviation_is_refused(sigma: float) -> None:
    with pytest.raises(FitError, match="sigma_hospital"):
        fit(simulate(14), sigma=sigma)
