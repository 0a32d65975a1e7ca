"""A measure's fit as files for statisticians: Parquet and CSV, and an R script that refits it.

The design's rows are those of patients, without any identifier: facilities, patients and
hospitals have numbers drawn anew for every export, and the rows stand in random order. The R script
refits the first stage to a sample of facilities with another library and compares it with our fit
of the same sample.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from esrd_pipeline.families import access, discharges, recurrent_events, survival
from esrd_pipeline.families.cohort import Cohort
from esrd_pipeline.families.cross_check import draw_sample, narrow_design, pair_codes
from esrd_pipeline.families.family import find_family
from esrd_pipeline.families.fits import (
    assemble_fit,
    list_regression,
    read_element,
    read_regression,
)
from esrd_pipeline.measures.specification import (
    CoxSpecification,
    GeeSpecification,
    Specification,
    ThreeStageSpecification,
)
from esrd_pipeline.private import FILE_MODE
from esrd_pipeline.statistics.design import FloatArray, IntArray
from esrd_pipeline.statistics.fit import FitError, Regression
from esrd_pipeline.statistics.gee import GeeFit
from esrd_pipeline.statistics.logistic import MINIMUM_ROWS
from esrd_pipeline.statistics.rows import sum_by

NORMAL_95 = 1.959963984540054
SCRIPT = "refit.R"
SAMPLE = "sample"
SAMPLE_SEED = 2728
SAMPLE_FACILITIES = 25
_MATRICES = {"model_covariance": "model", "robust_covariance": "robust"}
_OWN_FILES = ("coefficient", "baseline", *_MATRICES)


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: the files, and why there is no sample for R, if there is none."""

    files: tuple[Path, ...]
    no_sample: str | None


def write_fit(
    specification: Specification,
    performance_year: int,
    fit: pd.DataFrame,
    cohort: Cohort,
    folder: Path,
) -> Exported:
    """Write a stored fit, its design and its sample for R into a folder that is there.

    Files: coefficients with 95% limits, covariances as matrices, baseline, every other element of
    the fit, and the design; `sample` has the same of the sample. All are private to their owner.
    """
    kind = _find_kind(specification)
    _write_elements(fit, folder)
    _write_design(specification, kind, cohort, folder)
    about = {
        "measure": specification.measure,
        "program": specification.program,
        "performance_year": str(performance_year),
        "kind": kind.name,
        "minimum_rows": str(MINIMUM_ROWS),
        "second_stage": getattr(specification, "second_stage", None) or "",
        "correlation": "",
        "is_held": "",
    }
    no_sample = None
    try:
        sample = kind.refit(specification, performance_year, _draw(kind, cohort))
    except FitError as refused:
        # The nation has a fit, but these few facilities have none to compare.
        no_sample = str(refused)
    else:
        below = folder / SAMPLE
        below.mkdir(exist_ok=True, mode=0o700)
        _write_elements(sample.fit, below)
        _write_design(specification, kind, sample.cohort, below, sample.gee)
        if sample.gee is not None:
            about["correlation"] = repr(sample.gee.correlation)
            about["is_held"] = "yes" if sample.gee.is_held else "no"
    _write_csv(pd.DataFrame({"name": list(about), "value": list(about.values())}), folder / "about")
    script = resources.files("esrd_pipeline.families").joinpath(SCRIPT).read_text(encoding="utf-8")
    (folder / SCRIPT).write_text(script, encoding="utf-8")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in files:
        path.chmod(FILE_MODE)
    return Exported(tuple(files), no_sample)


@dataclass(frozen=True, slots=True)
class _Refit:
    """A sample's cohort and fit; of a GEE also its correlation and intercepts."""

    cohort: Cohort
    fit: pd.DataFrame
    gee: GeeFit | None = None


@dataclass(frozen=True, slots=True)
class _Kind:
    """What differs between kinds of models.

    Attributes:
        name: name of the kind, by which the R script chooses its library.
        columns: columns of the cohort beside facility, patient and adjusters.
        codes: those of them that are labels, and get numbers of their own.
        event: column of a row's events.
        used: the rows of a sample that say something about the adjusters; None for all.
        refit: fits a sample.
    """

    name: str
    columns: tuple[str, ...]
    event: str
    refit: Callable[[Specification, int, Cohort], _Refit]
    used: Callable[[Cohort], "np.ndarray | None"] = lambda _: None
    codes: tuple[str, ...] = ()


def _fit_all(specification: Specification, performance_year: int, cohort: Cohort) -> _Refit:
    return _Refit(cohort, find_family(specification).fit(specification, performance_year, cohort))


def _fit_first(specification: Specification, performance_year: int, cohort: Cohort) -> _Refit:
    """Fit the first stage alone: the others take more facilities than a sample has."""
    fit = discharges.fit_adjusters(cohort)
    return _Refit(cohort, _list_fit(specification, performance_year, fit))


def _fit_gee(specification: Specification, performance_year: int, cohort: Cohort) -> _Refit:
    fit = access.fit_adjusters(cohort)
    return _Refit(cohort, _list_fit(specification, performance_year, fit.regression), fit)


def _list_fit(specification: Specification, performance_year: int, fit: Regression) -> pd.DataFrame:
    return assemble_fit(specification, performance_year, [*list_regression(fit, stage=1)])


def _find_mixed_pairs(sample: Cohort) -> np.ndarray:
    pair = pair_codes(sample.facility, sample.labels(discharges.HOSPITAL)[1])
    outcome = sample.numbers(discharges.EVENT)
    rows, events = sum_by(pair, np.ones(pair.size)), sum_by(pair, outcome)
    return ((rows >= MINIMUM_ROWS) & (events > 0) & (events < rows))[pair]


_RATES = _Kind(
    "rates",
    (recurrent_events.INTERVAL, recurrent_events.DAYS, recurrent_events.EVENTS),
    recurrent_events.EVENTS,
    _fit_all,
)
_COX = _Kind("cox", (survival.START, survival.STOP, survival.EVENT), survival.EVENT, _fit_all)
_CELLS = _Kind(
    "cells",
    (discharges.HOSPITAL, discharges.EVENT),
    discharges.EVENT,
    _fit_first,
    used=_find_mixed_pairs,
    codes=(discharges.HOSPITAL,),
)
_GEE = _Kind("gee", (access.EVENT,), access.EVENT, _fit_gee)


def _find_kind(specification: Specification) -> _Kind:
    match specification:
        case CoxSpecification():
            return _COX
        case ThreeStageSpecification():
            return _CELLS
        case GeeSpecification():
            return _GEE
        case _:
            return _RATES


def _draw(kind: _Kind, cohort: Cohort) -> Cohort:
    """Return a sample of facilities with the adjusters that it can estimate."""
    sample = draw_sample(cohort, count=SAMPLE_FACILITIES, seed=SAMPLE_SEED)
    return narrow_design(sample, sample.numbers(kind.event), among=kind.used(sample))


def _write_elements(fit: pd.DataFrame, folder: Path) -> None:
    """Write what a stored fit has: a file a kind of element."""
    stages = sorted({int(stage) for stage in fit.loc[fit["element"] == "coefficient", "stage"]})
    regressions = {stage: read_regression(fit, stage=stage) for stage in stages}
    _write_both(
        pd.concat([_list_coefficients(stage, one) for stage, one in regressions.items()]),
        folder / "coefficients",
    )
    for stage, one in regressions.items():
        matrices = {"model": one.model_covariance, "robust": one.robust_covariance}
        for name, matrix in matrices.items():
            if matrix is not None:
                frame = pd.DataFrame(matrix, columns=list(one.names))
                frame.insert(0, "term", list(one.names))
                _write_both(frame, folder / f"{name}_covariance_of_stage_{stage}")
    baseline = fit[fit["element"] == "baseline"]
    if not baseline.empty:
        stage = int(baseline["stage"].iloc[0])
        rows = read_element(fit, "baseline", stage=stage)
        _write_both(rows[["stage", "term", "at", "estimate"]], folder / "baseline")
    others = fit[~fit["element"].isin(_OWN_FILES)]
    names = ["stage", "element", "position", "term", "at", "estimate", "standard_error", "note"]
    _write_both(others[names], folder / "other_elements")


def _list_coefficients(stage: int, fit: Regression) -> pd.DataFrame:
    errors = fit.standard_errors
    return pd.DataFrame(
        {
            "stage": stage,
            "term": list(fit.names),
            "estimate": fit.coefficients,
            "standard_error": errors,
            "lower": fit.coefficients - NORMAL_95 * errors,
            "upper": fit.coefficients + NORMAL_95 * errors,
            "model_standard_error": np.sqrt(np.diag(fit.model_covariance)),
        }
    )


def _write_design(
    specification: Specification,
    kind: _Kind,
    cohort: Cohort,
    folder: Path,
    gee: GeeFit | None = None,
) -> None:
    """Write the rows of a model, without identifiers and in random order.

    Of a GEE also each facility's intercept at its root, empty where it has none.
    """
    # Not by a seed that somebody could draw again: the order would lead back to the numbers.
    draws = np.random.default_rng(secrets.randbits(128))
    order = draws.permutation(cohort.facility.size)
    columns: dict[str, np.ndarray] = {
        "facility": _renumber(cohort.facility, draws),
        "patient": _renumber(cohort.patient, draws),
    }
    for name in kind.columns:
        if name in kind.codes:
            columns[name.removesuffix("_ccn")] = _renumber(cohort.labels(name)[1], draws)
        elif name == recurrent_events.INTERVAL:
            columns[name] = cohort.codes(name)
        else:
            columns[name] = _shorten(cohort.numbers(name))
    if gee is not None:
        intercepts = np.full(len(cohort.ccns), np.nan)
        intercepts[gee.facility] = gee.intercepts
        columns["facility_intercept"] = intercepts[cohort.facility]
    second = getattr(specification, "second_stage", None)
    if second is not None:
        columns[second] = cohort.numbers(second)
    columns |= {
        name: _shorten(cohort.design.matrix[:, term])
        for term, name in enumerate(cohort.design.names)
    }
    table = pa.table({name: pa.array(values[order]) for name, values in columns.items()})
    pq.write_table(table, folder / "design.parquet", compression="zstd")
    pyarrow.csv.write_csv(table, folder / "design.csv")


def _renumber(codes: IntArray, draws: np.random.Generator) -> IntArray:
    """Return the codes with new numbers from 1, drawn at random."""
    return draws.permutation(int(codes.max()) + 1)[codes] + 1


def _shorten(values: "FloatArray | np.ndarray") -> np.ndarray:
    """Return whole numbers as such: a file of indicators is a tenth as large."""
    whole = values.astype(np.int32)
    return whole if np.array_equal(whole, values) else np.asarray(values, dtype=np.float64)


def _write_both(frame: pd.DataFrame, path: Path) -> None:
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata()
    pq.write_table(table, path.with_suffix(".parquet"), compression="zstd")
    _write_csv(frame, path)


def _write_csv(frame: pd.DataFrame, path: Path) -> None:
    frame.to_csv(path.with_suffix(".csv"), index=False, lineterminator="\n")
