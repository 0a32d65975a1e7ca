"""Write fits as rows of a stored table and read them back, without pickling and without loss."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from esrd_pipeline.measures.specification import Specification
from esrd_pipeline.statistics.design import FloatArray
from esrd_pipeline.statistics.empirical_null import EmpiricalNull
from esrd_pipeline.statistics.fit import Dropped, Regression
from esrd_pipeline.statistics.gee import GeeFit
from esrd_pipeline.statistics.standardisation import PredictorDistribution
from esrd_pipeline.tables.fit import FIT_COLUMNS, FIT_KEY

Row = dict[str, object]
_SUMMARY = (
    "iterations",
    "gradient_norm",
    "decrement",
    "log_likelihood",
    "row_count",
    "event_count",
)


def list_regression(regression: Regression, *, stage: int) -> Iterator[Row]:
    """Yield the rows of a regression: coefficients, covariances, convergence, dropped terms."""
    errors = regression.standard_errors
    for position, (name, estimate) in enumerate(
        zip(regression.names, regression.coefficients, strict=True)
    ):
        yield _row(stage, "coefficient", position, name, estimate, error=errors[position])
    yield from _list_covariance("model_covariance", regression.model_covariance, regression, stage)
    if regression.robust_covariance is not None:
        yield from _list_covariance(
            "robust_covariance", regression.robust_covariance, regression, stage
        )
    for position, name in enumerate(_SUMMARY):
        yield _row(stage, "summary", position, name, float(getattr(regression, name)))
    yield from list_dropped(regression.dropped, stage=stage)


def list_dropped(dropped: Iterable[Dropped], *, stage: int) -> Iterator[Row]:
    """Yield what a stage did not use, one row per rule."""
    for position, aside in enumerate(dropped):
        yield _row(stage, "dropped", position, aside.rule, aside.count, note=", ".join(aside.names))


def list_values(
    element: str,
    names: Iterable[str],
    values: FloatArray,
    *,
    stage: int,
    notes: Sequence[str | None] | NDArray[np.object_] | None = None,
) -> Iterator[Row]:
    """Yield one row for each named value, with its note if there are notes."""
    texts = [None] * len(values) if notes is None else notes
    for position, (name, value, note) in enumerate(zip(names, values, texts, strict=True)):
        yield _row(stage, element, position, name, value, note=note)


def list_hazard(times: FloatArray, cumulative: FloatArray, *, stage: int) -> Iterator[Row]:
    """Yield a cumulative hazard, one row per step."""
    for position, (time, hazard) in enumerate(zip(times, cumulative, strict=True)):
        yield _row(stage, "baseline", position, "cumulative hazard", hazard, at=time)


def list_groups(fits: Iterable[GeeFit], *, stage: int) -> Iterator[Row]:
    """Yield each random group's coefficients, working correlation and dispersion."""
    position = 0
    for number, fit in enumerate(fits, start=1):
        mine = fit.regression
        for name, estimate, error in (
            *zip(mine.names, mine.coefficients, mine.standard_errors, strict=True),
            ("working correlation", fit.correlation, np.nan),
            ("dispersion", fit.dispersion, np.nan),
        ):
            yield _row(stage, "group", position, name, estimate, error=error, at=number)
            position += 1


def list_distribution(distribution: PredictorDistribution, *, stage: int) -> Iterator[Row]:
    """Yield a compressed distribution of x'b: share, second and third moment of each bin."""
    for place, centre in enumerate(distribution.centres):
        for offset, (name, values) in enumerate(
            (
                ("share", distribution.shares),
                ("second moment", distribution.second),
                ("third moment", distribution.third),
            )
        ):
            yield _row(stage, "distribution", 3 * place + offset, name, values[place], at=centre)
    bound = distribution.error_bound
    yield _row(stage, "distribution", 3 * distribution.centres.size, "error bound", bound)


def read_distribution(fit: pd.DataFrame, *, stage: int) -> PredictorDistribution:
    """Return the distribution that `list_distribution` wrote, to the last bit."""
    stored = read_element(fit, "distribution", stage=stage)
    moments = stored["estimate"].to_numpy(dtype=np.float64)
    return PredictorDistribution(
        centres=stored["at"].to_numpy(dtype=np.float64)[:-1:3],
        shares=moments[:-1:3],
        second=moments[1:-1:3],
        third=moments[2:-1:3],
        error_bound=float(moments[-1]),
    )


def list_null(null: EmpiricalNull, *, stage: int) -> Iterator[Row]:
    """Yield an empirical null: mean and standard deviation of each stratum of size."""
    edges = [*null.size_edges, np.nan]
    for position, (part, edge) in enumerate(zip(null.strata, edges, strict=True)):
        for offset, term, value in (
            (0, "mean", part.mean),
            (1, "standard deviation", part.deviation),
        ):
            place = 2 * position + offset
            yield _row(stage, "null", place, term, value, at=edge, note=null.rule)


def assemble_fit(
    specification: Specification, performance_year: int, rows: Iterable[Row]
) -> pd.DataFrame:
    """Return the rows as the table of a fit, in the order of its key."""
    frame = pd.DataFrame.from_records(list(rows)).assign(
        performance_year=performance_year,
        program=specification.program,
        measure=specification.measure,
    )
    frame = frame[[column.name for column in FIT_COLUMNS]]
    return frame.sort_values(list(FIT_KEY), ignore_index=True)


def read_regression(fit: pd.DataFrame, *, stage: int) -> Regression:
    """Return the regression that `list_regression` wrote, to the last bit."""
    coefficients = read_element(fit, "coefficient", stage=stage)
    summary = read_element(fit, "summary", stage=stage)
    stored = dict(zip(summary["term"], summary["estimate"], strict=True))
    aside = read_element(fit, "dropped", stage=stage)
    count = len(coefficients)
    model = _read_covariance(fit, "model_covariance", stage, count)
    if model is None:
        raise LookupError(f"stage {stage} of the fit has no covariance")
    return Regression(
        names=tuple(coefficients["term"]),
        coefficients=coefficients["estimate"].to_numpy(dtype=np.float64),
        model_covariance=model,
        robust_covariance=_read_covariance(fit, "robust_covariance", stage, count),
        iterations=int(stored["iterations"]),
        gradient_norm=stored["gradient_norm"],
        decrement=stored["decrement"],
        log_likelihood=stored["log_likelihood"],
        row_count=int(stored["row_count"]),
        event_count=stored["event_count"],
        dropped=tuple(
            Dropped(str(rule), int(number), tuple(filter(None, str(names).split(", "))))
            for rule, number, names in zip(
                aside["term"], aside["estimate"], aside["note"], strict=True
            )
        ),
    )


def read_element(fit: pd.DataFrame, element: str, *, stage: int) -> pd.DataFrame:
    """Return one element's rows in their order."""
    chosen = fit[(fit["element"] == element) & (fit["stage"] == stage)]
    return chosen.sort_values("position", ignore_index=True)


def _list_covariance(
    element: str, covariance: FloatArray, regression: Regression, stage: int
) -> Iterator[Row]:
    rows, columns = np.tril_indices(len(regression.names))
    names = regression.names
    pairs = (f"{names[i]} x {names[j]}" for i, j in zip(rows, columns, strict=True))
    yield from list_values(element, pairs, covariance[rows, columns], stage=stage)


def _read_covariance(fit: pd.DataFrame, element: str, stage: int, count: int) -> FloatArray | None:
    stored = read_element(fit, element, stage=stage)["estimate"].to_numpy(dtype=np.float64)
    if count and not stored.size:
        return None
    covariance = np.zeros((count, count))
    rows, columns = np.tril_indices(count)
    covariance[rows, columns] = stored
    covariance[columns, rows] = stored
    return covariance


def _row(
    stage: int,
    element: str,
    position: int,
    term: str,
    estimate: float,
    *,
    error: float = np.nan,
    at: float = np.nan,
    note: str | None = None,
) -> Row:
    return {
        "stage": stage,
        "element": element,
        "position": position,
        "term": term,
        "at": float(at),
        "estimate": float(estimate),
        "standard_error": float(error),
        "note": note,
    }
