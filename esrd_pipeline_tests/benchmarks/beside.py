"""Comparisons of model families with other programs: R, lifelines, statsmodels, plain NumPy.

Our seconds are the minimum of several calls after a first one that compiles; the other program
runs once, and only with `libraries`.
"""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from esrd_pipeline.statistics import cox, logistic, rates
from esrd_pipeline.statistics.crossed_effects import fit_crossed
from esrd_pipeline.statistics.design import Design
from esrd_pipeline.statistics.gee import fit_gee
from esrd_pipeline_tests.benchmarks.blockwise_newton import (
    Rows,
    add_plainly,
    add_tuned,
    fit_blockwise,
)
from esrd_pipeline_tests.benchmarks.rows import (
    make_discharges,
    make_months,
    make_outcomes,
    make_survival,
)
from esrd_pipeline_tests.benchmarks.timing import (
    Limit,
    Other,
    Timing,
    find_difference,
    make_design,
    run_r,
    take,
    take_least,
    watch_steps,
)

Arrays = dict[str, NDArray[np.generic]]


def time_lifelines_rates(*, libraries: bool) -> Timing:
    """Compare stage 1 of proportional rates with lifelines' Cox regression with delayed entry."""
    design, segments = make_segments(rows=30_000, terms=20, cells=200)

    def fit() -> rates.RatesFit:
        return rates.fit_rates(
            design=design,
            exposure=np.ones(design.row_count),
            patient=segments["row"],
            **{name: segments[name] for name in ("events", "facility", "interval")},
        )

    ours = fit().regression
    seconds = take_least(fit)
    others: tuple[Other, ...] = ()
    if libraries:
        frame = order_events(design, segments)
        others = (fit_lifelines(frame, ours.coefficients, seconds),)
    return Timing(
        size="30 k x 20, 200 cells",
        seconds=seconds,
        limit=Limit(times=(("lifelines", 100),)),
        others=others,
    )


def make_segments(*, rows: int, terms: int, cells: int) -> tuple[Design, Arrays]:
    """Make segments of equal length, with an event in about one in three."""
    generator = np.random.default_rng(11)
    design = make_design(generator, rows, terms)
    effects = np.linspace(0.05, 0.2, terms)
    return design, {
        "row": np.arange(rows),
        "events": generator.poisson(0.3 * np.exp(design.multiply(effects) - 0.3)),
        "facility": generator.integers(0, cells // 4, rows),
        "interval": generator.integers(0, 4, rows),
    }


def order_events(design: Design, segments: Arrays) -> pd.DataFrame:
    """Convert segments to intervals of a Cox model with the same likelihood, for equal exposures.

    The events of a cell get distinct times, and every segment of the cell is at risk at all of
    them, because a segment with events continues as a new interval after each. So each risk set is
    the whole cell and there are no ties. lifelines has no offset, which unequal exposures need.
    """
    counts = segments["events"].astype(int)
    cell = segments["facility"].astype(int) * 4 + segments["interval"].astype(int)
    owner = np.repeat(np.arange(counts.size), counts)
    place = pd.Series(owner).groupby(cell[owner]).cumcount().to_numpy() + 1
    time = place / (np.bincount(cell[owner], minlength=cell.max() + 1)[cell[owner]] + 1)
    spans = pd.DataFrame(
        {
            "row": np.append(owner, np.arange(counts.size)),
            "stop": np.append(time, np.ones(counts.size)),
            "event": np.repeat([1, 0], [owner.size, counts.size]),
        }
    ).sort_values(["row", "stop"], ignore_index=True)
    spans["start"] = spans.groupby("row")["stop"].shift(fill_value=0.0)
    row = spans.pop("row").to_numpy()
    covariates = pd.DataFrame(design.matrix[row].astype(float), columns=list(design.names))
    return pd.concat([covariates, spans.assign(stratum=cell[row])], axis=1)


def time_lifelines_cox(rows: int, terms: int, strata: int, *, libraries: bool) -> Timing:
    """Compare Cox regression with lifelines, without tied events.

    lifelines breaks ties by Efron's method, ours by Breslow's. Coefficients differ by lifelines'
    default precision. At 200,000 x 50 in 3,000 strata, as in the design, lifelines takes minutes
    and 19 GB, so rows and strata are a quarter of that.
    """
    design, spans = make_survival(rows, terms, strata)
    spread = np.random.default_rng(12).permutation(rows) / (2.0 * rows)
    spans["stop"] = spans["stop"] + spread

    def fit() -> cox.CoxFit:
        return cox.fit_cox(design=design, **spans)

    ours = fit().regression
    seconds = take_least(fit)
    others: tuple[Other, ...] = ()
    if libraries:
        frame = pd.DataFrame(design.matrix.astype(float), columns=list(design.names))
        others = (fit_lifelines(frame.assign(**spans), ours.coefficients, seconds),)
    return Timing(
        size=f"{rows // 1000} k x {terms}, {strata:,} strata, no ties",
        seconds=seconds,
        limit=Limit(times=(("lifelines", 100),)),
        others=others,
    )


def fit_lifelines(frame: pd.DataFrame, ours: NDArray[np.float64], seconds: float) -> Other:
    """Fit the intervals of `frame` with lifelines; all other columns are covariates."""
    from lifelines import CoxPHFitter

    model = CoxPHFitter()
    taken = take(
        lambda: model.fit(
            frame, duration_col="stop", event_col="event", entry_col="start", strata=["stratum"]
        )
    )
    return Other("lifelines", taken, seconds, find_difference(ours, model.params_.to_numpy()))


def time_r_cox(terms: int, strata: int, times: float, *, libraries: bool) -> Timing:
    """Compare Cox regression with R's, both without the robust covariance."""
    design, spans = make_survival(200_000, terms, strata)
    cox.fit_cox(design=design, **spans)
    seconds = take_least(lambda: cox.fit_cox(design=design, **spans))
    script = f"""library(survival); n <- {design.row_count}; p <- {terms}
        x <- matrix(readBin("x.bin", "double", n * p), n)
        s <- matrix(readBin("rows.bin", "double", n * 4), n)
        t <- system.time(coxph(Surv(s[, 1], s[, 2], s[, 3]) ~ x + strata(s[, 4]),
          ties = "breslow"))
        cat(t[["elapsed"]])"""
    others: tuple[Other, ...] = ()
    if libraries:
        others = fit_r("coxph", script, spans, seconds, matrix=design.matrix)
    return Timing(
        size=f"200 k x {terms}, {strata:,} strata",
        seconds=seconds,
        limit=Limit(times=(("coxph", times),)),
        others=others,
    )


def fit_r(
    program: str,
    script: str,
    rows: Arrays,
    seconds: float,
    *,
    matrix: NDArray[np.float32] | None = None,
) -> tuple[Other, ...]:
    """Run R on the rows, which are written by column; return nothing if R is not installed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.stack([rows[key].astype(float) for key in rows]).tofile(folder / "rows.bin")
        if matrix is not None:
            matrix.astype(np.float64).T.tofile(folder / "x.bin")
        taken = run_r(script, folder)
    return () if taken is None else (Other(program, taken, seconds),)


def time_newton(*, libraries: bool) -> Timing:
    """Compare a step of logistic regression in cells with a step in plain NumPy."""
    design, rows = make_outcomes()
    logistic.fit_logistic(design=design, **rows)
    steps = watch_steps(logistic)
    ours = logistic.fit_logistic(design=design, **rows).regression.coefficients
    seconds = take_least(lambda: logistic.fit_logistic(design=design, **rows))
    others: list[Other] = []
    if libraries:
        plain = Rows(matrix=design.matrix, outcome=rows["outcome"], cell=rows["cell"])
        for program, given, add in (
            ("plain NumPy", plain, add_plainly),
            ("tuned NumPy", plain.sort(), add_tuned),
        ):
            theirs, taken = fit_blockwise(given, add)
            others.append(Other(program, min(taken), min(steps), find_difference(ours, theirs)))
    return Timing(
        size="0.5 M x 75, 7,500 groups: a step",
        seconds=seconds,
        limit=Limit(times=(("plain NumPy", 4),)),
        others=tuple(others),
    )


def time_r_crossed(*, libraries: bool) -> Timing:
    """Compare crossed effects with lme4."""
    rows = make_discharges(50_000, 700, 400, 6)
    fit_crossed(**rows)
    seconds = take_least(lambda: fit_crossed(**rows))
    script = """suppressMessages(library(lme4)); n <- 50000
        d <- as.data.frame(matrix(readBin("rows.bin", "double", n * 4), n))
        t <- system.time(glmer(V2 ~ 1 + offset(V1) + (1 | V3) + (1 | V4), d, binomial))
        cat(t[["elapsed"]])"""
    return Timing(
        size="50 k, 700 x 400",
        seconds=seconds,
        limit=Limit(times=(("glmer", 10),)),
        others=fit_r("glmer", script, rows, seconds) if libraries else (),
    )


def time_statsmodels_gee(*, libraries: bool) -> Timing:
    """Compare the GEE with statsmodels, whose correlation subtracts degrees of freedom."""
    design, rows = make_months(100, 40, 10, 5)
    fit_gee(design=design, **rows)
    seconds = take_least(lambda: fit_gee(design=design, **rows))
    others: tuple[Other, ...] = ()
    if libraries:
        import statsmodels.api as sm

        dummies = (rows["facility"][:, None] == np.arange(100)).astype(float)
        model = sm.GEE(
            rows["outcome"],
            np.column_stack([design.matrix.astype(float), dummies]),
            groups=rows["patient"],
            family=sm.families.Binomial(),
            cov_struct=sm.cov_struct.Exchangeable(),
        )
        others = (Other("statsmodels", take(model.fit), seconds),)
    return Timing(
        size="100 x 40 x 10 months, 5 terms",
        seconds=seconds,
        limit=Limit(times=(("statsmodels", 50),)),
        others=others,
    )
