"""Monte Carlo of the model families on simulated nations: bias, coverage, size of the flags.

Each nation is drawn from a stated seed: facilities of median size 60, 10th percentile 15 and at
most 400, known coefficients, normal facility effects: extra variation, no outliers.
`python -m esrd_pipeline_tests.benchmarks --monte-carlo` prints the table.

If facilities (or facility-hospital cells) have intercepts in a logistic stage 1, coefficients are
slightly biased away from 0, more with smaller cells: a property of the method, not an error. SMR's
stage 1 does not include the state's death rate that stage 2 adds, which biases its coefficients
slightly towards 0.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy.special import expit

from esrd_pipeline.families import access, discharges, recurrent_events, survival
from esrd_pipeline.families.cohort import read_cohort
from esrd_pipeline.families.fits import read_regression
from esrd_pipeline.measures.specification import CoxSpecification
from esrd_pipeline.measures.terms import Number
from esrd_pipeline.statistics.fit import Regression
from esrd_pipeline_tests.families import (
    access_nation,
    discharges_nation,
    recurrent_events_nation,
    survival_nation,
)

YEAR = 2024
SEED = 20_240
NATIONS, FACILITIES = 60, 500
REACH = 1.959963984540054
SIZE_SD = 1.08
"""Standard deviation of the log of a facility's size: median 60, 10th percentile 15."""
HEADER = (
    f"{'family':<14}{'nations':>8}{'facilities':>11}{'rows':>12}{'bias/se':>9}{'bias':>9}"
    f"{'covered':>9}{'slope':>7}{'limits':>8}{'no null':>9}{'theory':>8}{'flagged':>9}\n"
)


@dataclass(frozen=True, slots=True)
class Draw:
    """The results of one nation.

    `estimate`, `error` and `planted` (true values) are (P,) coefficients. `found` and `true` are
    the logs of facilities' ratios (log-odds of percentages for GEE), by facility. `is_in` marks
    facilities whose contract limits contain the true value, `is_in_theory` the same without an
    empirical null (None if the family has no such error); `is_far` marks |z| > 1.96, `is_flagged`
    a flag other than `as`. Arrays contain only reportable facilities; those without events, or
    with only events, have limits and no `found`.
    """

    rows: int
    estimate: np.ndarray
    error: np.ndarray
    planted: np.ndarray
    found: np.ndarray
    true: np.ndarray
    is_in: np.ndarray
    is_in_theory: np.ndarray | None
    is_far: np.ndarray | None
    is_flagged: np.ndarray


@dataclass(frozen=True, slots=True)
class Line:
    """One family's line: shares are fractions of 1, the bias is the largest over coefficients."""

    nations: int
    facilities: int
    rows: int
    bias_in_errors: float
    bias: float
    coefficient_coverage: float
    slope: float
    limit_coverage: float
    theoretical_coverage: float
    theoretical_flags: float
    flags: float


def draw_rates(seed: int, facilities: int) -> Draw:
    """SHR: true values are relative to the expected-weighted mean of the facilities' effects."""
    cohort, effects = recurrent_events_nation.make_cohort(
        facility_count=facilities, seed=seed, size_sd=SIZE_SD
    )
    rows = read_cohort(recurrent_events_nation.SHR, cohort)
    fit = recurrent_events.fit_measure(recurrent_events_nation.SHR, YEAR, rows)
    contract = recurrent_events.assess_facilities(
        recurrent_events_nation.SHR, YEAR, fit, rows
    ).contract
    return _compare(
        cohort,
        read_regression(fit, stage=1),
        recurrent_events_nation.COEFFICIENTS,
        contract,
        _relative(contract, effects),
        has_error=True,
    )


def draw_times(seed: int, facilities: int) -> Draw:
    """SWR: exact limits, with every true term among the adjusters."""
    swr = survival_nation.SWR
    specification = replace(swr, terms=(*swr.terms, Number("log_state_death_rate")))
    planted = np.append(survival_nation.COEFFICIENTS, survival_nation.STATE_COEFFICIENT)
    return _draw_survival(seed, facilities, specification, planted)


def draw_deaths(seed: int, facilities: int) -> Draw:
    """SMR: both stages and the empirical null."""
    return _draw_survival(seed, facilities, survival_nation.SMR, survival_nation.COEFFICIENTS)


def draw_discharges(seed: int, facilities: int) -> Draw:
    """SRR: true values are expected events at the true effects over those at their median."""
    nation = discharges_nation.make_nation(
        facility_count=facilities, seed=seed, median_size=60, size_sd=SIZE_SD
    )
    specification = discharges_nation.SRR
    cohort = read_cohort(specification, nation.cohort)
    fit = discharges.fit_measure(specification, YEAR, cohort)
    contract = discharges.assess_facilities(specification, YEAR, fit, cohort).contract
    place = cohort.facility
    effects = nation.effects.to_numpy()
    own = np.bincount(place, expit(nation.others + effects[place]))
    norm = np.bincount(place, expit(nation.others + np.nanmedian(effects)))
    true = pd.Series(np.log(own / norm), index=nation.effects.index)
    return _compare(
        nation.cohort,
        read_regression(fit, stage=1),
        discharges_nation.COEFFICIENTS,
        contract,
        true,
        has_error=False,
    )


def draw_months(seed: int, facilities: int) -> Draw:
    """SFR: true values are the nation's percentages at the facility's true level."""
    cohort, effects = access_nation.make_months(
        facility_count=facilities, seed=seed, median_size=60, size_sd=SIZE_SD
    )
    specification = access_nation.SFR
    months = read_cohort(specification, cohort)
    fit = access.fit_measure(specification, YEAR, months)
    contract = access.assess_facilities(specification, YEAR, fit, months).contract
    rows = np.column_stack([cohort.column(name).to_numpy() for name in specification.adjusters])
    score, count = np.unique(rows @ access_nation.COEFFICIENTS, return_counts=True)
    share = expit(effects.to_numpy()[:, None] + score) @ (count / count.sum())
    true = pd.Series(share, index=effects.index)
    return _compare(
        cohort,
        read_regression(fit, stage=1),
        access_nation.COEFFICIENTS,
        contract,
        np.log(true / (1 - true)),
        has_error=False,
        to_scale=_to_log_odds,
    )


FAMILIES: dict[str, Callable[[int, int], Draw]] = {
    "rates": draw_rates,
    "cox, exact": draw_times,
    "cox, null": draw_deaths,
    "three stages": draw_discharges,
    "gee": draw_months,
}


def run_family(
    name: str, *, nations: int = NATIONS, facilities: int = FACILITIES, seed: int = SEED
) -> Line:
    """Draw and fit a family's nations and summarise them."""
    draws = [FAMILIES[name](seed + number, facilities) for number in range(nations)]
    estimates = np.stack([draw.estimate for draw in draws])
    errors = np.stack([draw.error for draw in draws])
    bias = estimates.mean(axis=0) - draws[0].planted
    spread = estimates.std(axis=0, ddof=1) / np.sqrt(nations)
    is_covered = np.abs(estimates - draws[0].planted) <= REACH * errors
    found, true = (np.concatenate([getattr(d, part) for d in draws]) for part in ("found", "true"))
    return Line(
        nations=nations,
        facilities=found.size,
        rows=sum(draw.rows for draw in draws),
        bias_in_errors=float(np.abs(bias / spread).max()),
        bias=float(np.abs(bias).max()),
        coefficient_coverage=float(is_covered.mean()),
        slope=float(np.cov(found, true)[0, 1] / true.var(ddof=1)),
        limit_coverage=_share([draw.is_in for draw in draws]),
        theoretical_coverage=_share([draw.is_in_theory for draw in draws]),
        theoretical_flags=_share([draw.is_far for draw in draws]),
        flags=_share([draw.is_flagged for draw in draws]),
    )


def print_table() -> None:
    """Print the seed and every family's line."""
    sys.stdout.write(f"seeds {SEED} to {SEED + NATIONS - 1}\n{HEADER}")
    for name in FAMILIES:
        line = run_family(name)
        sys.stdout.write(
            f"{name:<14}{line.nations:>8}{line.facilities:>11,}{line.rows:>12,}"
            f"{line.bias_in_errors:>9.2f}{line.bias:>9.4f}{line.coefficient_coverage:>9.3f}"
            f"{line.slope:>7.3f}{line.limit_coverage:>8.3f}{line.theoretical_coverage:>9.3f}"
            f"{line.theoretical_flags:>8.3f}{line.flags:>9.3f}\n"
        )
        sys.stdout.flush()


def _draw_survival(
    seed: int, facilities: int, specification: CoxSpecification, planted: np.ndarray
) -> Draw:
    cohort, effects = survival_nation.make_records(
        facility_count=facilities, seed=seed, size_sd=SIZE_SD
    )
    records = read_cohort(specification, cohort)
    fit = survival.fit_measure(specification, YEAR, records)
    contract = survival.assess_facilities(specification, YEAR, fit, records).contract
    return _compare(
        cohort,
        read_regression(fit, stage=1),
        planted,
        contract,
        _relative(contract, effects),
        has_error=False,
    )


def _share(parts: list[np.ndarray | None]) -> float:
    known = [part for part in parts if part is not None]
    return float(np.concatenate(known).mean()) if known else float("nan")


def _relative(contract: pd.DataFrame, effects: pd.Series) -> pd.Series:
    """Return effects minus the log of the expected-weighted mean of their exponentials."""
    weight = contract.set_index("ccn")["denominator"].reindex(effects.index)
    # Expected events under the norm are those of the mean facility, for its own case mix.
    return effects - np.log((weight * np.exp(effects)).sum() / weight.sum())


def _to_log_odds(percent: np.ndarray) -> np.ndarray:
    return np.log(percent / (100 - percent))


def _compare(
    cohort: pa.Table,
    regression: Regression,
    planted: np.ndarray,
    contract: pd.DataFrame,
    true: pd.Series,
    *,
    has_error: bool,
    to_scale: Callable[[np.ndarray], np.ndarray] = np.log,
) -> Draw:
    shown = contract[contract["reportable"].astype(bool)]
    mine = true.reindex(shown["ccn"]).to_numpy()
    is_known = np.isfinite(mine)
    shown, mine = shown[is_known], mine[is_known]
    columns = {
        name: shown[name].to_numpy(dtype=float)
        for name in ("value", "lower", "upper", "standard_error", "z")
    }
    with np.errstate(divide="ignore"):
        found, lower, upper = (to_scale(columns[name]) for name in ("value", "lower", "upper"))
    has_value = np.isfinite(found)
    z = columns["z"]
    return Draw(
        rows=cohort.num_rows,
        estimate=regression.coefficients,
        error=regression.standard_errors,
        planted=planted,
        found=found[has_value],
        true=mine[has_value],
        is_in=(lower <= mine) & (mine <= upper),
        is_in_theory=(
            (np.abs(found - mine) <= REACH * columns["standard_error"])[has_value]
            if has_error
            else None
        ),
        is_far=np.abs(z) > REACH if np.isfinite(z).all() else None,
        is_flagged=(shown["category"] != "as").to_numpy(),
    )
