"""Time the model families at national size, each in a fresh process.

U is the time of one float32 X'X of the same matrix with the same BLAS, a step one evaluation of
Newton's method. Both are minima within the same process; U is measured before and after the fit.
Each row states the design's limit and whether it is met. `--libraries` adds R, lifelines,
statsmodels and a plain NumPy fit at sizes that they can handle (`beside.py`).
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.special import expit

from esrd_pipeline.statistics import cox, logistic, rates
from esrd_pipeline.statistics.activity_effect import Months, estimate_staggered
from esrd_pipeline.statistics.activity_matching import describe_baseline, match_nearest, weigh
from esrd_pipeline.statistics.cox_baseline import compute_expected_events, fit_baseline
from esrd_pipeline.statistics.crossed_effects import fit_crossed
from esrd_pipeline.statistics.cusum import chart, draw_events, find_dispersion, find_limits
from esrd_pipeline.statistics.empirical_null import fit_empirical_null
from esrd_pipeline.statistics.event_study import study_events
from esrd_pipeline.statistics.facility_effects import fit_facility_effects
from esrd_pipeline.statistics.gee import fit_by_groups
from esrd_pipeline.statistics.gee_facilities import fit_facilities
from esrd_pipeline.statistics.poisson_binomial import adjust_counts, compare_counts
from esrd_pipeline.statistics.standardisation import compress_predictors, standardise
from esrd_pipeline_tests.benchmarks.beside import (
    time_lifelines_cox,
    time_lifelines_rates,
    time_newton,
    time_r_cox,
    time_r_crossed,
    time_statsmodels_gee,
)
from esrd_pipeline_tests.benchmarks.rows import (
    FACILITIES,
    make_discharges,
    make_months,
    make_outcomes,
    make_survival,
)
from esrd_pipeline_tests.benchmarks.timing import (
    HEADER,
    Limit,
    Timing,
    make_design,
    measure_unit,
    print_timing,
    take,
    watch_steps,
)

__all__ = ["HEADER", "MODELS", "print_timing"]


def time_rates(*, libraries: bool) -> Timing:
    """Both stages of proportional rates: 1.5 M segments, 6 intervals."""
    del libraries
    generator = np.random.default_rng(1)
    design = make_design(generator, 1_500_000, 150)
    effects = generator.normal(0, 0.1, design.term_count)
    days = generator.integers(10, 184, design.row_count).astype(float)
    mean = days * 0.004 * np.exp(np.clip(design.multiply(effects), -3, 3))
    segments = {
        "exposure": days,
        "events": generator.poisson(mean),
        "facility": generator.integers(0, FACILITIES, design.row_count),
        "interval": generator.integers(0, 6, design.row_count),
        "patient": generator.integers(0, 570_000, design.row_count),
    }
    unit, steps = measure_unit(design), watch_steps(rates)

    def fit() -> None:
        fitted = rates.fit_rates(design=design, **segments)
        rates.expect(fitted, design=design, exposure=days, interval=segments["interval"])

    return Timing(
        size="1.5 M x 150, 45,000 cells",
        seconds=take(fit),
        limit=Limit(units=3, gigabytes=4),
        step=min(steps),
        unit=min(unit, measure_unit(design)),
    )


def time_cox(*, libraries: bool) -> Timing:
    """Both stages of SMR: 2.2 M records, a stratum a facility, then the nation as one."""
    del libraries
    design, spans = make_survival(2_200_000, 147, FACILITIES)
    patient = np.random.default_rng(3).integers(0, 900_000, design.row_count)
    unit, steps = measure_unit(design), watch_steps(cox)

    def fit() -> None:
        first = cox.fit_cox(design=design, **spans, patient=patient).regression
        risk = np.exp(design.predict(first))
        start, stop = spans["start"], spans["stop"]
        baseline = fit_baseline(start=start, stop=stop, event=spans["event"], risk=risk)
        compute_expected_events(baseline, start=start, stop=stop, risk=risk)

    return Timing(
        size="2.2 M x 147, 7,500 strata",
        seconds=take(fit),
        limit=Limit(units=6, gigabytes=6),
        step=min(steps),
        unit=min(unit, measure_unit(design)),
    )


def time_logistic(*, libraries: bool) -> Timing:
    """Stage 1 of SRR."""
    del libraries
    design, rows = make_outcomes()
    unit, steps = measure_unit(design), watch_steps(logistic)
    return Timing(
        size="0.5 M x 75, 7,500 groups",
        seconds=take(lambda: logistic.fit_logistic(design=design, **rows)),
        limit=Limit(units=6),
        step=min(steps),
        unit=min(unit, measure_unit(design)),
    )


def time_crossed(*, libraries: bool) -> Timing:
    """Stages 2 and 3 of SRR."""
    del libraries
    rows = make_discharges(550_000, FACILITIES, 4000, 5)

    def fit() -> None:
        crossed = fit_crossed(**rows)
        fit_facility_effects(**rows, sigma_hospital=crossed.sigma_hospital)

    return Timing(
        size="0.55 M, 7,500 x 4,000",
        seconds=take(fit),
        limit=Limit(seconds=90, gigabytes=4),
    )


def time_gee(*, libraries: bool) -> Timing:
    """Both stages of SFR and the direct standardisation."""
    del libraries
    design, rows = make_months(FACILITIES, 55, 10, 25)

    def fit() -> None:
        grouped = fit_by_groups(design=design, **rows, seed=1)
        predictor = grouped.predict(design)
        effects = fit_facilities(predictor=predictor, **rows)
        standardise(facilities=effects, predictors=compress_predictors(predictor), national=0.5)

    return Timing(
        size="4.1 M x 25, 7,500 facilities",
        seconds=take(fit),
        limit=Limit(seconds=120, gigabytes=6),
    )


def time_poisson_binomial(*, libraries: bool) -> Timing:
    """Exact p-values and limits of every facility's readmissions."""
    del libraries
    generator = np.random.default_rng(9)
    sizes = np.clip(generator.lognormal(np.log(60), 0.8, FACILITIES), 1, 1500).astype(int)
    facility = np.repeat(np.arange(FACILITIES), sizes)
    offset = generator.normal(-1, 0.7, facility.size)
    happened = generator.random(facility.size) < expit(offset)
    observed = np.bincount(facility, weights=happened).astype(int)

    def test() -> None:
        counts = compare_counts(effect=0.0, offset=offset, facility=facility, observed=observed)
        adjust_counts(counts, offset=offset, facility=facility)

    return Timing(
        size=f"7,500 x {sizes.mean():.0f} discharges",
        seconds=take(test),
        limit=Limit(seconds=20),
    )


def time_null(*, libraries: bool) -> Timing:
    """The empirical null of every facility."""
    del libraries
    generator = np.random.default_rng(10)
    z, size = generator.normal(0, 1.4, FACILITIES), generator.lognormal(4, 0.7, FACILITIES)
    return Timing(
        size="7,500 facilities",
        seconds=take(lambda: fit_empirical_null(z=z, size=size)),
        limit=Limit(seconds=1),
    )


def time_monitor(*, libraries: bool) -> Timing:
    """Charts of more and of fewer events of every facility over three years, with their limits."""
    del libraries
    generator = np.random.default_rng(12)
    year = np.clip(generator.lognormal(np.log(90), 0.8, FACILITIES), 1, 2000)
    expected = np.repeat(year[:, np.newaxis] / 12, 36, axis=1)
    observed = draw_events(generator, expected, 1.4)

    def monitor() -> None:
        dispersion = find_dispersion(observed, expected)
        for ratio in (1.5, 0.667):
            limit = find_limits(year, ratio=ratio, alarms=0.02, seed=1, dispersion=dispersion)
            chart(observed, expected, ratio=ratio, limit=limit)

    return Timing(
        size="7,500 facilities x 36 months",
        seconds=take(monitor),
        limit=Limit(seconds=20),
    )


def time_activity(*, libraries: bool) -> Timing:
    """Effect of an activity in 200 facilities, its event study and matches among the nation's."""
    del libraries
    generator = np.random.default_rng(13)
    shape = (FACILITIES, 60)
    year = np.clip(generator.lognormal(np.log(90), 0.8, FACILITIES), 1, 2000)
    expected = np.repeat(year[:, np.newaxis] / 12, shape[1], axis=1)
    start = np.full(FACILITIES, shape[1])
    start[:200] = generator.choice([37, 40, 43], 200)
    is_enrolled, is_selecting = start < shape[1], np.zeros(shape[1], dtype=bool)
    is_selecting[24:36] = True
    everyone = Months(
        observed=generator.poisson(expected).astype(np.float64),
        expected=expected,
        last_before=start,
        start=start,
        is_selecting=is_selecting,
        until=shape[1],
        weight=np.ones(FACILITIES),
    )

    def evaluate() -> None:
        window = (everyone.observed[:, is_selecting], expected[:, is_selecting])
        matches = match_nearest(describe_baseline(*window), is_enrolled, ~is_enrolled)
        weight = weigh(matches, is_enrolled)
        kept = weight > 0
        months = replace(
            everyone,
            observed=everyone.observed[kept],
            expected=expected[kept],
            last_before=start[kept],
            start=start[kept],
            weight=weight[kept],
        )
        estimate_staggered(months)
        study_events(months, everyone)

    return Timing(
        size="7,500 facilities x 60 months",
        seconds=take(evaluate),
        limit=Limit(seconds=10),
    )


MODELS: dict[str, Callable[..., Timing]] = {
    "rates, both stages": time_rates,
    "rates beside lifelines": time_lifelines_rates,
    "Cox, both stages": time_cox,
    "Cox beside R": lambda *, libraries: time_r_cox(50, 3000, 5, libraries=libraries),
    "Cox beside R, wide": lambda *, libraries: time_r_cox(150, 1000, 10, libraries=libraries),
    "Cox beside lifelines": lambda *, libraries: time_lifelines_cox(
        50_000, 50, 750, libraries=libraries
    ),
    "logistic, cells eliminated": time_logistic,
    "logistic beside NumPy": time_newton,
    "crossed effects, stages 2, 3": time_crossed,
    "crossed effects beside R": time_r_crossed,
    "GEE, both stages": time_gee,
    "GEE beside statsmodels": time_statsmodels_gee,
    "Poisson-binomial": time_poisson_binomial,
    "empirical null": time_null,
    "CUSUM of events by month": time_monitor,
    "effect of an activity": time_activity,
}
