"""Time the model families at national size, each in a fresh process.

U is one float32 X'X of the same matrix with the same BLAS, taken in the same process; a step is
one evaluation of Newton's method. `--libraries` adds R and statsmodels on sizes they can do.
"""

import shutil
import statistics as averages
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from esrd_pipeline.statistics import cox, logistic, rates
from esrd_pipeline.statistics.crossed_effects import fit_crossed
from esrd_pipeline.statistics.design import Design
from esrd_pipeline.statistics.empirical_null import fit_empirical_null
from esrd_pipeline.statistics.facility_effects import fit_facility_effects
from esrd_pipeline.statistics.gee import fit_by_groups, fit_gee
from esrd_pipeline.statistics.gee_facilities import fit_facilities
from esrd_pipeline.statistics.newton import Evaluation, maximise
from esrd_pipeline.statistics.poisson_binomial import adjust_counts, compare_counts
from esrd_pipeline.statistics.standardisation import compress_predictors, standardise

FACILITIES = 7500
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Timing:
    """What one family took: `step` and `unit` are seconds, `other` a library's on the same data."""

    size: str
    seconds: float
    step: float | None = None
    unit: float | None = None
    other: tuple[str, float] | None = None


def make_design(generator: np.random.Generator, rows: int, terms: int) -> Design:
    """Half indicators of one in five, half standard normal; float32."""
    matrix = np.empty((rows, terms), dtype=np.float32)
    for term in range(terms):
        if term % 2:
            matrix[:, term] = generator.random(rows, dtype=np.float32) < 0.2
        else:
            matrix[:, term] = generator.standard_normal(rows, dtype=np.float32)
    return Design(matrix, tuple(f"x{term}" for term in range(terms)))


def measure_unit(design: Design) -> float:
    """Seconds of one X'X: the least of three."""
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        design.matrix.T @ design.matrix
        taken.append(time.perf_counter() - start)
    return min(taken)


def watch_steps(module: ModuleType) -> list[float]:
    """Have the module's searches note the seconds of every evaluation in the list returned."""
    taken: list[float] = []

    def watched(
        evaluate: Callable[[Floats], Evaluation], start: Floats, **options: object
    ) -> object:
        def timed(point: Floats) -> Evaluation:
            begun = time.perf_counter()
            result = evaluate(point)
            taken.append(time.perf_counter() - begun)
            return result

        return maximise(timed, start, **options)

    setattr(module, "maximise", watched)  # noqa: B010 - a name of the module, not of a class
    return taken


def take(call: Callable[[], object]) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def run_r(script: str, folder: Path) -> float | None:
    """Seconds that the R script says its fit took; None where R is not installed."""
    program = shutil.which("Rscript")
    if program is None:
        return None
    path = folder / "fit.R"
    path.write_text(script, encoding="utf-8")
    said = subprocess.run(
        [program, str(path)], cwd=folder, check=True, capture_output=True, text=True
    )
    return float(said.stdout.split()[-1])


def time_rates(*, libraries: bool) -> Timing:
    """Both stages of proportional rates: 1.5 M segments, 6 intervals."""
    del libraries
    generator = np.random.default_rng(1)
    design = make_design(generator, 1_500_000, 150)
    effects = generator.normal(0, 0.1, design.term_count)
    days = generator.integers(10, 184, design.row_count).astype(float)
    mean = days * 0.004 * np.exp(np.clip(design.multiply(effects), -3, 3))
    unit, steps = measure_unit(design), watch_steps(rates)
    seconds = take(
        lambda: rates.fit_rates(
            design=design,
            exposure=days,
            events=generator.poisson(mean),
            facility=generator.integers(0, FACILITIES, design.row_count),
            interval=generator.integers(0, 6, design.row_count),
            patient=generator.integers(0, 570_000, design.row_count),
        )
    )
    return Timing("1.5 M x 150, 45,000 cells", seconds, averages.median(steps), unit)


def make_survival(rows: int, terms: int, strata: int) -> tuple[Design, dict[str, NDArray]]:
    """Rows of up to a year with delayed entry, in days."""
    generator = np.random.default_rng(2)
    design = make_design(generator, rows, terms)
    effects = generator.normal(0, 0.1, terms)
    risk = np.exp(np.clip(design.multiply(effects), -3, 3))
    start = generator.integers(0, 300, rows).astype(float)
    time_to_event = np.ceil(generator.exponential(1500 / risk))
    follow_up = generator.integers(30, 365, rows)
    return design, {
        "start": start,
        "stop": start + np.minimum(time_to_event, follow_up),
        "event": (time_to_event <= follow_up).astype(float),
        "stratum": generator.integers(0, strata, rows),
    }


def time_cox(*, libraries: bool) -> Timing:
    """Stage 1 of SMR: 2.2 M records, a stratum a facility."""
    del libraries
    design, spans = make_survival(2_200_000, 147, FACILITIES)
    patient = np.random.default_rng(3).integers(0, 900_000, design.row_count)
    unit, steps = measure_unit(design), watch_steps(cox)
    seconds = take(lambda: cox.fit_cox(design=design, **spans, patient=patient))
    return Timing("2.2 M x 147, 7,500 strata", seconds, averages.median(steps), unit)


def time_small_cox(terms: int, strata: int, *, libraries: bool) -> Timing:
    """A size that R can do; without the robust covariance on either side."""
    design, spans = make_survival(200_000, terms, strata)
    small = make_survival(2_000, terms, 20)
    cox.fit_cox(design=small[0], **small[1])
    seconds = take(lambda: cox.fit_cox(design=design, **spans))
    other = None
    if libraries:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            design.matrix.astype(np.float64).T.tofile(folder / "x.bin")
            np.stack([spans[key].astype(float) for key in spans]).tofile(folder / "spans.bin")
            taken = run_r(
                f"""library(survival); n <- {design.row_count}; p <- {terms}
                x <- matrix(readBin("x.bin", "double", n * p), n)
                s <- matrix(readBin("spans.bin", "double", n * 4), n)
                t <- system.time(coxph(Surv(s[, 1], s[, 2], s[, 3]) ~ x + strata(s[, 4]),
                  ties = "breslow"))
                cat(t[["elapsed"]])""",
                folder,
            )
            other = None if taken is None else ("coxph", taken)
    return Timing(f"200 k x {terms}, {strata:,} strata", seconds, other=other)


def time_logistic(*, libraries: bool) -> Timing:
    """Stage 1 of SRR."""
    del libraries
    generator = np.random.default_rng(4)
    design = make_design(generator, 500_000, 75)
    cell = generator.integers(0, FACILITIES, design.row_count)
    effects = generator.normal(0, 0.1, 75)
    chance = expit(-1 + generator.normal(0, 0.3, FACILITIES)[cell] + design.multiply(effects))
    outcome = (generator.random(design.row_count) < chance).astype(float)
    unit, steps = measure_unit(design), watch_steps(logistic)
    seconds = take(lambda: logistic.fit_logistic(design=design, outcome=outcome, cell=cell))
    return Timing("0.5 M x 75, 7,500 groups", seconds, averages.median(steps), unit)


def make_discharges(
    rows: int, facilities: int, hospitals: int, seed: int
) -> dict[str, NDArray[np.generic]]:
    """Discharges of facilities that share about ten hospitals of their region each."""
    generator = np.random.default_rng(seed)
    facility = generator.integers(0, facilities, rows)
    home = facility * hospitals // facilities
    hospital = (home + generator.integers(0, 10, rows)) % hospitals
    offset = generator.normal(-1, 0.7, rows)
    chance = expit(
        offset
        + generator.normal(0, 0.2, facilities)[facility]
        + generator.normal(0, 0.15, hospitals)[hospital]
    )
    return {
        "offset": offset,
        "outcome": (generator.random(rows) < chance).astype(float),
        "facility": facility,
        "hospital": hospital,
    }


def time_crossed(*, libraries: bool) -> Timing:
    """Stages 2 and 3 of SRR."""
    del libraries
    rows = make_discharges(550_000, FACILITIES, 4000, 5)

    def fit() -> None:
        crossed = fit_crossed(**rows)
        fit_facility_effects(**rows, sigma_hospital=crossed.sigma_hospital)

    return Timing("0.55 M, 7,500 x 4,000", take(fit))


def time_small_crossed(*, libraries: bool) -> Timing:
    """A size that lme4 can do."""
    rows = make_discharges(50_000, 700, 400, 6)
    fit_crossed(**make_discharges(2_000, 20, 10, 7))
    seconds = take(lambda: fit_crossed(**rows))
    other = None
    if libraries:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            np.stack([rows[key].astype(float) for key in rows]).tofile(folder / "rows.bin")
            taken = run_r(
                """suppressMessages(library(lme4)); n <- 50000
                d <- as.data.frame(matrix(readBin("rows.bin", "double", n * 4), n))
                t <- system.time(glmer(V2 ~ 1 + offset(V1) + (1 | V3) + (1 | V4), d, binomial))
                cat(t[["elapsed"]])""",
                folder,
            )
            other = None if taken is None else ("glmer", taken)
    return Timing("50 k, 700 x 400", seconds, other=other)


def make_months(
    facilities: int, patients: int, months: int, terms: int
) -> tuple[Design, dict[str, NDArray[np.generic]]]:
    """Patient-months whose outcomes go together within a patient."""
    generator = np.random.default_rng(8)
    people = facilities * patients
    patient = np.repeat(np.arange(people), months)
    facility = patient // patients
    design = make_design(generator, patient.size, terms)
    effects = generator.normal(0, 0.2, terms)
    chance = expit(
        generator.normal(0, 1, people)[patient]
        + generator.normal(0, 0.3, facilities)[facility]
        + design.multiply(effects)
    )
    outcome = (generator.random(patient.size) < chance).astype(float)
    return design, {"outcome": outcome, "patient": patient, "facility": facility}


def time_gee(*, libraries: bool) -> Timing:
    """Both stages of SFR and the direct standardisation."""
    del libraries
    design, rows = make_months(FACILITIES, 55, 10, 25)

    def fit() -> None:
        grouped = fit_by_groups(design=design, **rows, seed=1)
        predictor = grouped.predict(design)
        effects = fit_facilities(predictor=predictor, **rows)
        standardise(facilities=effects, predictors=compress_predictors(predictor), national=0.5)

    return Timing("4.1 M x 25, 7,500 facilities", take(fit))


def time_small_gee(*, libraries: bool) -> Timing:
    """A size that statsmodels can do."""
    design, rows = make_months(100, 40, 10, 5)
    small = make_months(5, 20, 5, 5)
    fit_gee(design=small[0], **small[1])
    seconds = take(lambda: fit_gee(design=design, **rows))
    other = None
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
        other = ("statsmodels", take(model.fit))
    return Timing("100 x 40 x 10 months, 5 terms", seconds, other=other)


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

    return Timing(f"7,500 x {sizes.mean():.0f} discharges", take(test))


def time_null(*, libraries: bool) -> Timing:
    """The empirical null of every facility."""
    del libraries
    generator = np.random.default_rng(10)
    z, size = generator.normal(0, 1.4, FACILITIES), generator.lognormal(4, 0.7, FACILITIES)
    return Timing("7,500 facilities", take(lambda: fit_empirical_null(z=z, size=size)))


MODELS: dict[str, Callable[..., Timing]] = {
    "rates, both stages": time_rates,
    "Cox, stage 1": time_cox,
    "Cox beside R": lambda *, libraries: time_small_cox(50, 3000, libraries=libraries),
    "Cox beside R, wide": lambda *, libraries: time_small_cox(150, 1000, libraries=libraries),
    "logistic, cells eliminated": time_logistic,
    "crossed effects, stages 2, 3": time_crossed,
    "crossed effects beside R": time_small_crossed,
    "GEE, both stages": time_gee,
    "GEE beside statsmodels": time_small_gee,
    "Poisson-binomial": time_poisson_binomial,
    "empirical null": time_null,
}

HEADER = (
    f"{'family':<30}{'size':<30}{'seconds':>9}{'step s':>8}{'U s':>7}{'step/U':>8}"
    f"{'peak MB':>9}  library\n"
)


def print_timing(name: str, timing: Timing, peak: float) -> str:
    """One line of the table."""
    line = f"{name:<30}{timing.size:<30}{timing.seconds:>9.2f}"
    if timing.step is not None and timing.unit is not None:
        line += f"{timing.step:>8.2f}{timing.unit:>7.2f}{timing.step / timing.unit:>8.1f}"
    else:
        line += " " * 23
    line += f"{peak:>9,.0f}"
    if timing.other is not None:
        library, seconds = timing.other
        line += f"  {library} {seconds:.1f} s: {seconds / timing.seconds:.0f} times as long"
    return line + "\n"
