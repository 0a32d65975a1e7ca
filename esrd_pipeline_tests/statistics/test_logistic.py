"""Logistic regression within cells: formulas, finite differences, dummies, R, ground truth."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.typing import NDArray
from scipy.special import expit

from esrd_pipeline.statistics.design import Design, FloatArray, IntArray
from esrd_pipeline.statistics.fit import CollinearError, Dropped, FitError, SeparationError
from esrd_pipeline.statistics.logistic import LogisticFit, fit_logistic
from esrd_pipeline.statistics.logistic_cells import evaluate_cells, group_cells

STORED = Path(__file__).parent / "r"
TRUTH = np.array([0.3, -0.5, 0.2])


@dataclass(frozen=True)
class Discharges:
    """Rows of discharges."""

    matrix: NDArray[np.number]
    outcome: NDArray[np.number]
    cell: IntArray | None
    offset: FloatArray | None
    patient: IntArray | None

    @property
    def design(self) -> Design:
        """Terms are named a, b, c."""
        return Design(self.matrix, tuple("abcdefgh"[: self.matrix.shape[1]]))

    def take(self, rows: IntArray) -> "Discharges":
        """Return these rows, in this order."""
        parts = (self.cell, self.offset, self.patient)
        cell, offset, patient = (None if part is None else part[rows] for part in parts)
        return Discharges(self.matrix[rows], self.outcome[rows], cell, offset, patient)


def fit(discharges: Discharges, **options: int) -> LogisticFit:
    return fit_logistic(
        design=discharges.design,
        outcome=discharges.outcome,
        cell=discharges.cell,
        offset=discharges.offset,
        patient=discharges.patient,
        **options,
    )


def simulate(seed: int, *, rows: int = 900, cells: int = 15, frailty: float = 0.5) -> Discharges:
    """Three covariates; patients differ, and cells confound covariate a."""
    rng = np.random.default_rng(seed)
    patient = rng.integers(0, rows // 3, rows)
    cell = rng.integers(0, cells, rows)
    level = rng.normal(0, 0.6, cells)[cell]
    matrix = np.column_stack(
        [rng.normal(level, 1), rng.integers(0, 2, rows), rng.integers(0, 4, rows)]
    )
    matrix = np.round(matrix * 8) / 8
    offset = np.round(rng.normal(0, 0.3, rows) * 8) / 8
    odds = -1 + level + rng.normal(0, frailty, rows // 3)[patient] + offset + matrix @ TRUTH
    outcome = (rng.random(rows) < expit(odds)).astype(int)
    return Discharges(matrix, outcome, cell, offset, patient)


def assert_same(first: LogisticFit, second: LogisticFit) -> None:
    one, other = first.regression, second.regression
    for name in ("coefficients", "model_covariance", "robust_covariance", "log_likelihood"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(np.sort(first.effects), np.sort(second.effects), rtol=1e-9)
    np.testing.assert_allclose(
        np.sort(first.effect_errors), np.sort(second.effect_errors), rtol=1e-9
    )


def test_without_covariates_the_effect_is_the_log_of_the_odds() -> None:
    outcome = np.repeat([1, 0, 1, 0], [3, 9, 8, 4])
    cell = np.repeat([0, 1], [12, 12])
    fitted = fit(Discharges(np.empty((24, 0)), outcome, cell, None, None))
    np.testing.assert_allclose(fitted.effects, np.log([3 / 9, 8 / 4]))
    # The variance of a log odds is 1 / events + 1 / others.
    np.testing.assert_allclose(fitted.effect_errors**2, [1 / 3 + 1 / 9, 1 / 8 + 1 / 4])
    value = 3 * np.log(3 / 12) + 9 * np.log(9 / 12) + 8 * np.log(8 / 12) + 4 * np.log(4 / 12)
    assert fitted.regression.log_likelihood == pytest.approx(value)
    assert fitted.regression.names == ()


def test_one_binary_term_without_cells_is_the_log_of_the_odds_ratio() -> None:
    # 3 of 10 against 6 of 8, each patient twice in the table.
    outcome = np.repeat([1, 0, 1, 0], [3, 7, 6, 2])
    term = np.repeat([0, 1], [10, 8]).astype(np.uint8)[:, None]
    patient = np.array([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8])
    fitted = fit(Discharges(term, outcome, None, None, patient))
    regression = fitted.regression
    assert regression.coefficients[0] == pytest.approx(np.log((6 / 2) / (3 / 7)), rel=1e-9)
    assert regression.model_covariance[0, 0] == pytest.approx(1 / 3 + 1 / 7 + 1 / 6 + 1 / 2)
    assert fitted.effects == pytest.approx([np.log(3 / 7)])
    # Residuals by patient: 1.4, 0.4, -0.6 (three times) | 0.5 (three times), -1.5.
    robust = (1.4**2 + 0.4**2 + 3 * 0.6**2) / 2.1**2 + (3 * 0.5**2 + 1.5**2) / 1.5**2
    assert regression.robust_covariance is not None
    assert regression.robust_covariance[0, 0] == pytest.approx(robust, rel=1e-9)


def test_score_and_information_are_derivatives_of_the_profile_likelihood() -> None:
    discharges = simulate(1)
    assert discharges.cell is not None
    assert discharges.offset is not None
    cells, _ = group_cells(
        matrix=discharges.matrix,
        cell=discharges.cell,
        offset=discharges.offset,
        outcome=discharges.outcome.astype(float),
        minimum_rows=11,
    )

    def profile_at(point: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        found = evaluate_cells(cells, point, is_exact=True, block_rows=64)
        return found.log_likelihood, found.score, found.information

    point = np.array([0.2, -0.1, 0.3])
    _, score, information = profile_at(point)
    for term, step in enumerate(1e-5 * np.eye(3)):
        ahead, behind = profile_at(point + step), profile_at(point - step)
        assert (ahead[0] - behind[0]) / 2e-5 == pytest.approx(score[term], rel=1e-6)
        np.testing.assert_allclose((behind[1] - ahead[1]) / 2e-5, information[term], rtol=1e-6)
    narrow = evaluate_cells(cells, point, is_exact=False, block_rows=64)
    np.testing.assert_allclose(narrow.information, information, rtol=1e-4, atol=1e-3)
    np.testing.assert_array_equal(narrow.score, score)


def test_r_with_one_dummy_per_cell_agrees() -> None:
    columns = np.genfromtxt(STORED / "logistic.csv", delimiter=",", names=True)
    stored = json.loads((STORED / "logistic.json").read_text())
    fitted = fit_logistic(
        design=Design(
            np.column_stack([columns[name] for name in ("age", "diabetes", "stay")]),
            ("age", "diabetes", "stay"),
        ),
        outcome=columns["outcome"],
        cell=columns["cell"].astype(int),
        offset=columns["offset"],
        patient=columns["patient"].astype(int),
    )
    regression = fitted.regression
    for ours, theirs in (
        (regression.coefficients, stored["coefficients"]),
        (regression.model_covariance, stored["model_covariance"]),
        (regression.robust_covariance, stored["robust_covariance"]),
        (regression.log_likelihood, stored["log_likelihood"]),
        (fitted.effects, stored["effects"]),
        (fitted.effect_errors, stored["effect_errors"]),
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    assert fitted.cells.tolist() == stored["cells"]
    assert regression.row_count == stored["rows_used"]
    rules = ("cells of fewer than 11 rows", "cells without events", "cells without non-events")
    expected = [
        part
        for rule, key in zip(rules, ("small", "without_events", "without_non_events"), strict=True)
        for part in (Dropped(rule, stored[key][0]), Dropped(f"rows in {rule}", stored[key][1]))
    ]
    assert list(regression.dropped) == expected


def test_statsmodels_with_dummies_agrees() -> None:
    discharges = simulate(2, rows=600, cells=8)
    fitted = fit(discharges)
    dummies = (np.asarray(discharges.cell)[:, None] == np.arange(8)).astype(float)
    columns = np.hstack([discharges.matrix, dummies])
    model = sm.GLM(
        discharges.outcome, columns, family=sm.families.Binomial(), offset=discharges.offset
    )
    theirs = model.fit(tol=1e-12, maxiter=100)
    np.testing.assert_allclose(fitted.regression.coefficients, theirs.params[:3], rtol=1e-7)
    np.testing.assert_allclose(fitted.effects, theirs.params[3:], rtol=1e-7)
    np.testing.assert_allclose(
        fitted.regression.model_covariance, theirs.cov_params()[:3, :3], rtol=1e-7
    )
    np.testing.assert_allclose(fitted.effect_errors, theirs.bse[3:], rtol=1e-7)
    assert fitted.regression.log_likelihood == pytest.approx(theirs.llf, rel=1e-10)


def test_each_row_a_patient_is_the_plain_sandwich() -> None:
    discharges = simulate(3, rows=600, cells=8)
    alone = replace(discharges, patient=np.arange(600))
    dummies = (np.asarray(discharges.cell)[:, None] == np.arange(8)).astype(float)
    columns = np.hstack([discharges.matrix, dummies])
    model = sm.GLM(
        discharges.outcome, columns, family=sm.families.Binomial(), offset=discharges.offset
    )
    theirs = model.fit(tol=1e-12, maxiter=100, cov_type="HC0")
    robust = fit(alone).regression.robust_covariance
    np.testing.assert_allclose(robust, theirs.cov_params()[:3, :3], rtol=1e-7)


def test_without_patients_there_is_no_robust_covariance() -> None:
    regression = fit(replace(simulate(4), patient=None)).regression
    assert regression.robust_covariance is None
    np.testing.assert_array_equal(
        regression.standard_errors, np.sqrt(np.diag(regression.model_covariance))
    )


def test_cells_that_say_nothing_move_nothing_and_are_counted() -> None:
    discharges = simulate(5)
    plain = fit(discharges)
    extra = 33
    more = Discharges(
        np.vstack([discharges.matrix, np.full((extra, 3), 1.5)]),
        np.append(discharges.outcome, np.repeat([0, 1, 1, 0], [12, 11, 4, 6])),
        np.append(discharges.cell, np.repeat([70, 80, 90], [12, 11, 10])),
        np.append(discharges.offset, np.zeros(extra)),
        np.append(discharges.patient, np.zeros(extra, dtype=int)),
    )
    fitted = fit(more)
    assert_same(plain, fitted)
    assert fitted.cells.tolist() == list(range(15))
    assert fitted.regression.row_count == 900
    assert [(part.rule, part.count) for part in fitted.regression.dropped] == [
        ("cells of fewer than 11 rows", 1),
        ("rows in cells of fewer than 11 rows", 10),
        ("cells without events", 1),
        ("rows in cells without events", 12),
        ("cells without non-events", 1),
        ("rows in cells without non-events", 11),
    ]
    assert fit(more, minimum_rows=10).cells.tolist() == [*range(15), 90]


def test_no_cell_is_one_cell_however_few_its_rows() -> None:
    discharges = simulate(6, rows=60, cells=1)
    together = replace(discharges, cell=None)
    assert_same(fit(discharges), fit(together))
    outcome = np.array([0, 1, 1])
    fitted = fit(Discharges(np.empty((3, 0)), outcome, None, None, None))
    np.testing.assert_allclose(fitted.effects, [np.log(2)])


def test_order_labels_blocks_and_widths_do_not_matter() -> None:
    discharges = simulate(7)
    fitted = fit(discharges)
    rng = np.random.default_rng(8)
    assert_same(fitted, fit(discharges.take(rng.permutation(900))))
    cell, patient = 1000 * rng.permutation(50), rng.permutation(5000)
    labelled = replace(discharges, cell=cell[discharges.cell], patient=patient[discharges.patient])
    assert_same(fitted, fit(labelled))
    assert_same(fitted, fit(discharges, block_rows=7))
    assert_same(fitted, fit(replace(discharges, matrix=discharges.matrix.astype(np.float32))))


def test_non_events_for_events_turns_all_signs() -> None:
    discharges = simulate(9)
    turned = replace(
        discharges, outcome=1 - discharges.outcome, offset=-np.asarray(discharges.offset)
    )
    one, other = fit(discharges), fit(turned)
    np.testing.assert_allclose(one.regression.coefficients, -other.regression.coefficients)
    np.testing.assert_allclose(one.effects, -other.effects)
    np.testing.assert_allclose(one.regression.robust_covariance, other.regression.robust_covariance)


def test_a_shift_of_a_term_or_a_cell_moves_effects_alone() -> None:
    discharges = simulate(10)
    shifted = replace(
        discharges,
        matrix=discharges.matrix + np.array([100.0, 0, 0]),
        offset=discharges.offset + 2.0 * (discharges.cell == 3),
    )
    one, other = fit(discharges), fit(shifted)
    np.testing.assert_allclose(
        one.regression.coefficients, other.regression.coefficients, rtol=1e-9
    )
    moved = -100 * one.regression.coefficients[0] - 2.0 * (one.cells == 3)
    np.testing.assert_allclose(other.effects, one.effects + moved, rtol=1e-9)


def test_predictions_leave_out_cells_and_terms_set_aside() -> None:
    discharges = simulate(11)
    doubled = replace(
        discharges, matrix=np.column_stack([discharges.matrix, discharges.matrix[:, 0]])
    )
    fitted = fit(doubled, drop_aliased=True)
    np.testing.assert_allclose(
        fitted.predict(doubled.design), discharges.matrix @ fitted.regression.coefficients
    )
    with pytest.raises(FitError, match="columns are not the fit's: a, b, c, d"):
        fitted.predict(discharges.design)


def test_terms_that_repeat_cells_or_terms_are_named_or_left_out() -> None:
    discharges = simulate(12)
    own = discharges.matrix
    repeated = np.column_stack(
        [own[:, 0], np.asarray(discharges.cell), 2 * own[:, 0] + 1, np.ones(900), own[:, 1:]]
    )
    doubled = replace(discharges, matrix=repeated)
    with pytest.raises(CollinearError, match="earlier terms: b, c, d"):
        fit(doubled)
    fitted = fit(doubled, drop_aliased=True)
    assert fitted.regression.names == ("a", "e", "f")
    assert fitted.regression.dropped[-1].names == ("b", "c", "d")
    assert_same(fitted, fit(discharges))


def test_a_term_no_event_has_is_separated() -> None:
    discharges = simulate(13)
    rare = (discharges.outcome == 0) & (np.arange(900) % 3 == 0)
    columns = np.column_stack([discharges.matrix[:, 0], rare])
    with pytest.raises(SeparationError, match="for b"):
        fit(replace(discharges, matrix=columns))


@pytest.mark.parametrize("width", [np.uint8, np.float64])
def test_a_reference_class_without_events_is_separated(width: type) -> None:
    discharges = simulate(14)
    group = np.random.default_rng(15).integers(0, 4, 900)
    group = np.where((group == 0) & (discharges.outcome > 0), 1, group)
    classes = (group[:, None] == np.array([1, 2, 3])).astype(width)
    with pytest.raises(SeparationError, match="no finite estimate"):
        fit(replace(discharges, matrix=classes))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"outcome": np.full(900, 2)}, "outcome: 900 values are neither 0 nor 1"),
        ({"outcome": np.full(900, 0.5)}, "outcome: 900 values are not whole"),
        ({"outcome": np.full(900, np.nan)}, "outcome: 900 values are not finite"),
        ({"outcome": np.ones(899)}, r"outcome has shape \(899,\)"),
        ({"outcome": np.zeros(900)}, "no cell is informative: 15 cells without events, 900 rows"),
        ({"cell": np.arange(900)}, "no cell is informative: 900 cells of fewer than 11 rows"),
        ({"cell": np.full(900, -1)}, "cell: 900 codes are negative"),
        ({"cell": np.zeros(900)}, "cell: codes are integers"),
        ({"patient": np.zeros(3, dtype=int)}, r"patient has shape \(3,\)"),
        ({"offset": np.full(900, np.inf)}, "offset: 900 values are not finite"),
        ({"offset": np.zeros(3)}, r"offset has shape \(3,\)"),
        ({"matrix": np.full((900, 2), np.nan)}, "values are not finite in a, b"),
        ({"matrix": np.empty((0, 2))}, "there are no rows"),
    ],
)
def test_bad_rows_are_refused_by_name(change: dict[str, NDArray], message: str) -> None:
    with pytest.raises(FitError, match=message):
        fit(replace(simulate(16), **change))


def test_planted_coefficients_are_found_and_robust_intervals_cover_them() -> None:
    # Without differences between patients the model holds, and b is biased by its cells alone:
    # about b x cells / rows, under a tenth of a standard error here.
    runs = [fit(simulate(seed, rows=1500, frailty=0.0)).regression for seed in range(300)]
    errors = np.array([run.coefficients - TRUTH for run in runs])
    robust = np.array([run.standard_errors for run in runs])
    model = np.array([np.sqrt(np.diag(run.model_covariance)) for run in runs])
    assert np.abs(errors.mean(axis=0) / errors.std(axis=0)).max() < 0.2
    for spread in (robust, model):
        cover = np.mean(np.abs(errors) < 1.96 * spread, axis=0)
        assert np.all((cover > 0.91) & (cover < 0.98))
