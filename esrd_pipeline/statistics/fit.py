"""The results that every fit reports, and the errors that a fit raises."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


class FitError(ValueError):
    """A model cannot be fitted to these inputs; the message names the column, stratum or rule."""


class NotConvergedError(FitError):
    """The iteration limit was reached before the gradient was small enough."""


class SeparationError(FitError):
    """A covariate predicts the outcome perfectly, so its coefficient has no finite estimate.

    `terms` lists the terms that could be dropped; it is empty if no term is the cause.
    """

    def __init__(self, message: str, terms: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.terms = terms


class CollinearError(FitError):
    """Columns are linearly dependent; the message lists those that could be dropped."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """Items that a fit did not use: the rule, their number and, where they exist, their names."""

    rule: str
    count: int
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Regression:
    """Coefficients of a fit with their covariance and the convergence report.

    Attributes:
        names: the p terms estimated.
        coefficients: shape (p,).
        model_covariance: inverse information, shape (p, p).
        robust_covariance: sandwich clustered by patient, shape (p, p); None if not requested.
        iterations: Newton steps taken.
        gradient_norm: largest score component over the root of its information, at the end.
        decrement: score' information^-1 score at the end.
        log_likelihood: at the end; the estimator documents if it is a partial, profile or
            quasi-likelihood.
        row_count: rows used.
        event_count: events in these rows.
        dropped: terms, rows or strata not used, with the rule.
    """

    names: tuple[str, ...]
    coefficients: FloatArray
    model_covariance: FloatArray
    robust_covariance: FloatArray | None
    iterations: int
    gradient_norm: float
    decrement: float
    log_likelihood: float
    row_count: int
    event_count: float
    dropped: tuple[Dropped, ...] = ()

    @property
    def standard_errors(self) -> FloatArray:
        """Robust standard errors if available, else model-based: shape (p,)."""
        robust = self.robust_covariance
        return np.sqrt(np.diag(self.model_covariance if robust is None else robust))

    def find_coefficients(self, names: tuple[str, ...]) -> FloatArray:
        """Return the coefficient of each of these terms, 0 for terms that were not estimated."""
        known = dict(zip(self.names, self.coefficients, strict=True))
        return np.array([known.get(name, 0.0) for name in names])
