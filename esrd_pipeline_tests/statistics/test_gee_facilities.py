"""Stage 2 of the GEE checked against formulas, single fits, geepack and unsolvable cases."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit, logit

from esrd_pipeline.statistics.design import Design, FloatArray, IntArray
from esrd_pipeline.statistics.fit import FitError
from esrd_pipeline.statistics.gee import fit_gee
from esrd_pipeline.statistics.gee_facilities import (
    FacilityIntercepts,
    InterceptStatus,
    WorkingCorrelation,
    fit_facilities,
)
from esrd_pipeline.statistics.gee_scoring import CORRELATION_LIMIT

STORED = Path(__file__).parent / "r"


@dataclass(frozen=True)
class Months:
    """Patient-months with their linear predictor."""

    predictor: FloatArray
    outcome: NDArray[np.integer]
    patient: IntArray
    facility: IntArray

    def take(self, rows: IntArray) -> "Months":
        """Return these rows, in this order."""
        return Months(
            self.predictor[rows], self.outcome[rows], self.patient[rows], self.facility[rows]
        )


def fit(months: Months) -> FacilityIntercepts:
    return fit_facilities(
        predictor=months.predictor,
        outcome=months.outcome,
        patient=months.patient,
        facility=months.facility,
    )


def build(outcomes: list[list[int]], predictor: FloatArray | None = None) -> Months:
    """One facility whose patients have these outcomes."""
    patient = np.repeat(np.arange(len(outcomes)), [len(each) for each in outcomes])
    outcome = np.concatenate(outcomes)
    zero = np.zeros(outcome.size)
    return Months(
        zero if predictor is None else predictor, outcome, patient, np.zeros(outcome.size, int)
    )


def simulate(seed: int, *, patients: int = 200, facilities: int = 6) -> Months:
    """A tenth of the months is spent at another facility."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(patients), rng.integers(1, 10, patients))
    rows = patient.size
    home = rng.integers(0, facilities, patients)[patient]
    facility = np.where(rng.random(rows) < 0.1, rng.integers(0, facilities, rows), home)
    predictor = rng.normal(0, 0.7, patients)[patient] + rng.normal(0, 0.1, rows)
    draw = np.where(rng.random(rows) < 0.5, rng.random(patients)[patient], rng.random(rows))
    return Months(predictor, (draw < expit(predictor - 0.2)).astype(int), patient, facility)


def test_each_facility_is_the_gee_with_a_constant_and_an_offset() -> None:
    months = simulate(1)
    found = fit(months)
    for code in range(6):
        own = months.take(np.flatnonzero(months.facility == code))
        single = fit_gee(
            design=Design(np.ones((own.outcome.size, 1)), ("constant",)),
            outcome=own.outcome,
            patient=own.patient,
            offset=own.predictor,
        )
        np.testing.assert_allclose(found.intercept[code], single.regression.coefficients[0])
        np.testing.assert_allclose(
            found.standard_error[code], single.regression.standard_errors[0], rtol=1e-8
        )
        np.testing.assert_allclose(found.correlation[code], single.correlation, atol=1e-9)
        assert found.rows[code] == own.outcome.size
        assert found.events[code] == own.outcome.sum()
        assert found.patients[code] == np.unique(own.patient).size
    assert np.all(found.status == InterceptStatus.FINITE)
    assert np.all(found.working == WorkingCorrelation.ESTIMATED)
    assert found.dropped == ()


def test_facilities_are_geepacks() -> None:
    table = np.genfromtxt(STORED / "gee.csv", delimiter=",", names=True)
    stored = json.loads((STORED / "gee.json").read_text())
    matrix = np.column_stack([table["age"], table["diabetes"], table["duration"]])
    found = fit_facilities(
        predictor=matrix @ np.array(stored["fixed"]["coefficients"]),
        outcome=table["outcome"].astype(int),
        patient=table["patient"].astype(int),
        facility=table["facility"].astype(int),
    )
    expected = {key: np.array(values) for key, values in stored["stage2"].items()}
    np.testing.assert_allclose(found.intercept[:12], expected["intercepts"], rtol=1e-7)
    np.testing.assert_allclose(found.standard_error[:12], expected["errors"], rtol=1e-9)
    np.testing.assert_allclose(found.correlation[:12], expected["correlations"], rtol=1e-7)
    assert found.intercept[12:].tolist() == [-np.inf, np.inf]
    assert [(each.rule, each.count) for each in found.dropped] == [
        ("facilities without events (stage 2)", 1),
        ("facilities with only events (stage 2)", 1),
    ]


def test_patients_with_one_month_have_the_binomial_error() -> None:
    found = fit(build([[1], [0], [0], [1], [0]]))
    np.testing.assert_allclose(found.intercept, [logit(0.4)])
    np.testing.assert_allclose(found.standard_error, [1 / np.sqrt(5 * 0.4 * 0.6)])
    assert found.correlation.tolist() == [0.0]


def test_a_facility_without_events_or_with_only_events_is_kept_and_marked() -> None:
    predictor = np.array([0.1, 0.4, -0.2, -0.3, 0.5])
    found = fit(build([[0, 0], [0, 0, 0]], predictor))
    assert found.intercept.tolist() == [-np.inf]
    assert found.status.tolist() == [InterceptStatus.NO_EVENTS]
    assert np.isnan(found.standard_error[0])
    assert found.rows.tolist() == [5]
    assert found.events.tolist() == [0.0]
    full = fit(build([[1, 1], [1, 1, 1]], predictor))
    assert full.intercept.tolist() == [np.inf]
    assert full.status.tolist() == [InterceptStatus.ALL_EVENTS]


def test_one_patient_gives_an_intercept_and_no_error() -> None:
    found = fit(build([[1, 0, 0, 1, 0]]))
    np.testing.assert_allclose(found.intercept, [logit(0.4)])
    assert np.isnan(found.standard_error[0])
    # Residuals that add up to nothing have a mean product of -1 / (n - 1).
    assert found.working.tolist() == [WorkingCorrelation.HELD]
    np.testing.assert_allclose(found.correlation, [-CORRELATION_LIMIT / 4])
    assert {each.rule for each in found.dropped} == {
        "facilities whose patients show no spread (stage 2)",
        "facilities whose correlation was held within its range (stage 2)",
    }


def test_patients_who_never_change_have_the_correlation_held_and_nearly_equal_weight() -> None:
    found = fit(build([[1] * 12, [0] * 12, [0] * 6, [0] * 12, [1] * 3]))
    assert found.working.tolist() == [WorkingCorrelation.HELD]
    assert found.correlation.tolist() == [CORRELATION_LIMIT]
    size = np.array([12, 12, 6, 12, 3])
    weight = size / (1 + (size - 1) * CORRELATION_LIMIT)
    np.testing.assert_allclose(found.intercept, [logit((weight[0] + weight[4]) / weight.sum())])


def test_an_equation_without_root_is_solved_with_independent_rows() -> None:
    rng = np.random.default_rng(3)
    months = build([[1] * 8, [0] * 8, [0] * 8, [0] * 8], rng.normal(0, 2, 32))
    found = fit(months)
    assert found.working.tolist() == [WorkingCorrelation.INDEPENDENT]
    assert found.correlation.tolist() == [0.0]
    mean = expit(found.intercept[0] + months.predictor)
    np.testing.assert_allclose(mean.sum(), 8, atol=1e-8)
    scores = np.add.reduceat(months.outcome - mean, np.arange(0, 32, 8))
    error = np.sqrt((scores**2).sum()) / (mean * (1 - mean)).sum()
    np.testing.assert_allclose(found.standard_error, [error], rtol=1e-8)
    assert found.dropped[0].rule == "facilities solved with independent rows (stage 2)"


def test_facilities_without_rows_are_missing() -> None:
    months = simulate(2)
    gap = replace(months, facility=np.where(months.facility == 5, 7, months.facility))
    found = fit_facilities(
        predictor=gap.predictor,
        outcome=gap.outcome,
        patient=gap.patient,
        facility=gap.facility,
        facility_count=9,
    )
    assert np.flatnonzero(np.isnan(found.intercept)).tolist() == [5, 6, 8]
    assert np.flatnonzero(found.status == InterceptStatus.NO_ROWS).tolist() == [5, 6, 8]
    np.testing.assert_allclose(found.intercept[7], fit(months).intercept[5], atol=1e-12)


def test_order_and_labels_of_rows_do_not_matter() -> None:
    months = simulate(3)
    rng = np.random.default_rng(1)
    other = months.take(rng.permutation(months.outcome.size))
    names = rng.permutation(6)
    other = replace(other, facility=names[other.facility], patient=999 - other.patient)
    first, second = fit(months), fit(other)
    np.testing.assert_allclose(first.intercept, second.intercept[names], atol=1e-9)
    np.testing.assert_allclose(first.standard_error, second.standard_error[names], atol=1e-9)


def test_intervals_of_intercepts_cover_their_truth() -> None:
    rng = np.random.default_rng(5)
    facilities, patients = 600, 40
    patient = np.repeat(np.arange(facilities * patients), 8)
    facility = patient // patients
    predictor = rng.normal(0, 0.8, facilities * patients)[patient]
    level = rng.normal(-0.5, 0.5, facilities)
    keeps = rng.random(patient.size) < 0.7
    draw = np.where(keeps, rng.random(facilities * patients)[patient], rng.random(patient.size))
    outcome = (draw < expit(level[facility] + predictor)).astype(int)
    found = fit(Months(predictor, outcome, patient, facility))
    covered = np.mean(np.abs(found.intercept - level) < 1.96 * found.standard_error)
    # The sandwich of 40 clusters is a little small: 93% is expected, 95% of large samples.
    assert 0.905 < covered < 0.965
    assert abs(np.mean(found.intercept - level)) < 0.03


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda m: replace(m, predictor=m.predictor / 0), "predictor: .* not finite"),
        (lambda m: replace(m, outcome=m.outcome[1:]), "outcome has shape"),
        (lambda m: replace(m, patient=m.patient - 1), "patient: .* negative"),
        (lambda m: m.take(np.arange(0)), "there are no rows"),
    ],
)
def test_bad_inputs_are_refused(spoil: Callable[[Months], Months], message: str) -> None:
    with np.errstate(all="ignore"), pytest.raises(FitError, match=message):
        fit(spoil(simulate(4)))


def test_codes_beyond_the_count_are_refused() -> None:
    months = simulate(4)
    with pytest.raises(FitError, match="facility: codes reach 5, but there are 3"):
        fit_facilities(
            predictor=months.predictor,
            outcome=months.outcome,
            patient=months.patient,
            facility=months.facility,
            facility_count=3,
        )
