"""What every fit reports of itself, and the errors that end one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


class FitError(ValueError):
    """A model cannot be fitted to these inputs; the message names the column, stratum or rule."""


class NotConvergedError(FitError):
    """The iterations ended before the gradient did."""


class SeparationError(FitError):
    """A covariate predicts the outcome without exception, so its coefficient has no estimate.

    `terms` are those that could be left out; none where it is not a term's doing.
    """

    def __init__(self, message: str, terms: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.terms = terms


class CollinearError(FitError):
    """Columns repeat one another; the message names those that could be left out."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """What a fit did not use, and under which rule: how many, and by name where names exist."""

    rule: str
    count: int
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Regression:
    """Coefficients of a fit with their precision and how it went.

    Attributes:
        names: the p terms estimated.
        coefficients: shape (p,).
        model_covariance: inverse information, shape (p, p).
        robust_covariance: sandwich clustered by patient, shape (p, p); None where not asked for.
        iterations: Newton steps taken.
        gradient_norm: largest score component over the root of its information, at the end.
        decrement: score' information^-1 score at the end.
        log_likelihood: at the end (the partial, profile or quasi-likelihood the estimator says).
        row_count: rows used.
        event_count: events in them.
        dropped: what was not used, and why.
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
        """Robust where there are such, else the model's: shape (p,)."""
        robust = self.robust_covariance
        return np.sqrt(np.diag(self.model_covariance if robust is None else robust))

    def find_coefficients(self, names: tuple[str, ...]) -> FloatArray:
        """Return the coefficient of each of these terms, 0 where there is none."""
        known = dict(zip(self.names, self.coefficients, strict=True))
        return np.array([known.get(name, 0.0) for name in names])
