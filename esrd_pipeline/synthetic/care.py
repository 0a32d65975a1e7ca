"""A calendar year of care in every facility: events, patient-months and survey answers.

The numbers are the true counts, without data defects.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import root_scalar
from scipy.special import expit, logit

from esrd_pipeline.synthetic.draws import draw_lasting, stream
from esrd_pipeline.synthetic.facilities import draw_census
from esrd_pipeline.synthetic.figures import LEVEL_YEAR, Level, load_figures, load_levels

SURVEY = (
    "ich_cahps_communication",
    "ich_cahps_operations",
    "ich_cahps_information",
    "ich_cahps_nephrologist",
    "ich_cahps_staff",
    "ich_cahps_facility",
)
PHOSPHORUS = (
    "phosphorus_below_3_5",
    "phosphorus_3_5_to_4_5",
    "phosphorus_4_6_to_5_5",
    "phosphorus_5_6_to_7_0",
    "phosphorus_above_7_0",
)
EXPECTED_DECIMALS = 3


@dataclass(frozen=True, slots=True)
class Ratio:
    """Observed and expected events of each facility, with its units and patient-years."""

    units: np.ndarray
    years: np.ndarray
    observed: np.ndarray
    expected: np.ndarray

    @property
    def value(self) -> np.ndarray:
        """Return observed over expected; NaN if no events are expected."""
        expected = np.where(self.expected > 0, self.expected, np.nan)
        return self.observed / expected


@dataclass(frozen=True, slots=True)
class Proportion:
    """Counts of each facility: units, and units or months in numerator and denominator."""

    units: np.ndarray
    numerator: np.ndarray
    denominator: np.ndarray


@dataclass(frozen=True, slots=True)
class Survey:
    """Completed interviews, surveys administered (0 to 2) and the share of top answers."""

    completed: np.ndarray
    administered: np.ndarray
    is_attested_small: np.ndarray
    is_unavailable: np.ndarray
    response_percent: np.ndarray
    top_box: dict[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class Reporting:
    """What each facility reported: months of a year, and domains of health equity."""

    infection_months: np.ndarray
    vaccination_months: np.ndarray
    equity_domains: np.ndarray


@dataclass(frozen=True, slots=True)
class YearOfCare:
    """One calendar year of every facility, in the order of the facilities' frame."""

    census: pd.DataFrame
    ratios: dict[str, Ratio]
    proportions: dict[str, Proportion]
    survey: Survey
    reporting: Reporting


def draw_year(facilities: pd.DataFrame, *, seed: int, year: int) -> YearOfCare:
    """Draw a calendar year of care; the same arguments give the same year."""
    census = draw_census(facilities, seed=seed, year=year)
    quality = _draw_quality(len(facilities), seed=seed, year=year)
    ratios: dict[str, Ratio] = {}
    proportions: dict[str, Proportion] = {}
    for measure, level in load_levels().items():
        if measure in SURVEY or measure in PHOSPHORUS:
            continue
        units = _draw_units(level, census, seed=seed, year=year)
        rng = stream(seed, year, f"care {measure}")
        if level.kind == "ratio":
            ratios[measure] = _draw_ratio(level, units, quality[measure], rng)
        else:
            months = _draw_months(level, units, seed=seed, year=year)
            proportions[measure] = _draw_proportion(
                level, units=units, months=months, quality=quality[measure], year=year, rng=rng
            )
    proportions |= _draw_phosphorus(census, quality[PHOSPHORUS[0]], seed=seed, year=year)
    return YearOfCare(
        census=census,
        ratios=ratios,
        proportions=proportions,
        survey=_draw_survey(census, quality, seed=seed, year=year),
        reporting=_draw_reporting(len(facilities), seed=seed, year=year),
    )


def is_enough(level: Level, counts: Ratio | Proportion) -> np.ndarray:
    """Return whether each facility has the units, years and expected events a value needs."""
    enough = counts.units >= level.minimum_units
    if isinstance(counts, Ratio):
        enough &= ~(counts.years < level.minimum_years)
        enough &= (counts.expected >= level.minimum_expected) & (counts.expected > 0)
    return enough


def is_surveyed(care: YearOfCare) -> np.ndarray:
    """Return whether each facility has enough completed interviews and they are available."""
    enough = care.survey.completed >= load_levels()[SURVEY[0]].minimum_units
    return enough & ~care.survey.is_unavailable


def _draw_quality(count: int, *, seed: int, year: int) -> dict[str, np.ndarray]:
    """Draw standard normal qualities, higher is better, correlated through common factors."""
    shared = load_figures()["factor_correlation"]
    common = draw_lasting(seed=seed, year=year, purpose="factor common", count=count)
    levels = load_levels()
    factors = {
        name: np.sqrt(shared) * common
        + np.sqrt(1 - shared)
        * draw_lasting(seed=seed, year=year, purpose=f"factor {name}", count=count)
        for name in sorted({level.factor for level in levels.values()})
    }
    return {
        measure: level.loading * factors[level.factor]
        + np.sqrt(1 - level.loading**2)
        * draw_lasting(seed=seed, year=year, purpose=f"own {measure}", count=count)
        for measure, level in levels.items()
    }


def _draw_units(level: Level, census: pd.DataFrame, *, seed: int, year: int) -> np.ndarray:
    """Draw units; measures of the same patients (same basis and share) get the same units."""
    patients = census[level.basis].to_numpy()
    if level.units_per_patient == 1:
        return patients
    rng = stream(seed, year, f"units {level.basis} {level.units_per_patient}")
    noise = rng.uniform(0.85, 1.15, len(patients))
    return np.rint(patients * level.units_per_patient * noise).astype(int)


def _draw_months(level: Level, units: np.ndarray, *, seed: int, year: int) -> np.ndarray:
    if level.per_unit == 1:
        return units
    rng = stream(seed, year, f"months {level.basis} {level.units_per_patient} {level.per_unit}")
    months = units * level.per_unit * rng.uniform(0.85, 1.15, len(units))
    return np.clip(np.rint(months).astype(int), units, 12 * units)


def _draw_ratio(
    level: Level, units: np.ndarray, quality: np.ndarray, rng: np.random.Generator
) -> Ratio:
    """Draw events, and scale the expected ones so that the national ratio is the year's level."""
    better = -1 if level.direction == "lower" else 1
    expected = units * level.per_unit * rng.uniform(0.8, 1.2, len(units))
    observed = rng.poisson(
        level.level * expected * np.exp(better * level.spread * quality - level.spread**2 / 2)
    )
    if observed.sum() > 0:
        expected = expected * (observed.sum() / (expected.sum() * level.level))
    years = units * (level.years_per_unit or np.nan) * rng.uniform(0.9, 1.1, len(units))
    return Ratio(
        units=units,
        years=years.round(2),
        observed=observed,
        expected=expected.round(EXPECTED_DECIMALS),
    )


def _true_shares(
    level: Level, quality: np.ndarray, weights: np.ndarray, *, year: int
) -> np.ndarray:
    """Return facilities' true shares, shifted so that their weighted mean is the year's level."""
    better = -1 if level.direction == "lower" else 1
    target = logit(level.level / 100) + better * level.trend * (year - LEVEL_YEAR)
    shift = better * level.spread * quality
    if weights.sum() == 0:
        return expit(target + shift)

    def gap(offset: float) -> float:
        return float(np.average(expit(offset + shift), weights=weights) - expit(target))

    offset = root_scalar(gap, bracket=[target - 5, target + 5]).root
    return expit(offset + shift)


def _draw_proportion(
    level: Level,
    *,
    units: np.ndarray,
    months: np.ndarray,
    quality: np.ndarray,
    year: int,
    rng: np.random.Generator,
) -> Proportion:
    """Draw a numerator; months of a patient are correlated, so units limit the precision."""
    shares = _true_shares(level, quality, months, year=year)
    if level.per_unit != 1:
        precision = np.maximum(units, 1)
        shares = rng.beta(shares * precision + 1e-9, (1 - shares) * precision + 1e-9)
    return Proportion(units=units, numerator=rng.binomial(months, shares), denominator=months)


def _draw_phosphorus(
    census: pd.DataFrame, quality: np.ndarray, *, seed: int, year: int
) -> dict[str, Proportion]:
    """Draw patient-months in the five classes of serum phosphorus, which sum to the total."""
    levels = [load_levels()[measure] for measure in PHOSPHORUS]
    units = _draw_units(levels[0], census, seed=seed, year=year)
    months = _draw_months(levels[0], units, seed=seed, year=year)
    steps = np.arange(len(levels)) - len(levels) // 2
    weight = np.array([level.level for level in levels])
    weight = weight * np.exp(-levels[0].spread * np.outer(quality, steps))
    shares = weight / weight.sum(axis=1, keepdims=True)
    counts = stream(seed, year, "care phosphorus").multinomial(months, shares)
    return {
        measure: Proportion(units=units, numerator=counts[:, column], denominator=months)
        for column, measure in enumerate(PHOSPHORUS)
    }


def _draw_survey(
    census: pd.DataFrame, quality: dict[str, np.ndarray], *, seed: int, year: int
) -> Survey:
    figures, rng = load_figures(), stream(seed, year, "survey")
    patients = census["in_center"].to_numpy()
    count = len(patients)
    completed = rng.poisson(patients * figures["survey_completed_per_patient"])
    is_small = (rng.random(count) < figures["survey_attested"]) & (
        completed < load_levels()[SURVEY[0]].minimum_units
    )
    missed = rng.random(count) < figures["surveys_missed"]
    top_box = {}
    for measure in SURVEY:
        level = load_levels()[measure]
        shares = _true_shares(level, quality[measure], completed, year=year)
        answers = np.maximum(completed, 1)
        top_box[measure] = rng.beta(shares * answers + 1e-9, (1 - shares) * answers + 1e-9)
    response = np.clip(100 * figures["survey_response_rate"] * rng.uniform(0.6, 1.4, count), 1, 100)
    return Survey(
        completed=completed,
        administered=np.where(missed, rng.integers(0, 2, count), 2),
        is_attested_small=is_small,
        is_unavailable=(patients == 0) | (rng.random(count) < figures["survey_not_available"]),
        response_percent=np.rint(response),
        top_box=top_box,
    )


def _draw_reporting(count: int, *, seed: int, year: int) -> Reporting:
    figures, rng = load_figures(), stream(seed, year, "reporting")

    def some_missing(share: str, full: int) -> np.ndarray:
        return np.where(rng.random(count) < figures[share], rng.integers(0, full, count), full)

    return Reporting(
        infection_months=some_missing("months_missed", 12),
        vaccination_months=some_missing("covid_months_missed", 12),
        equity_domains=some_missing("equity_domains_missed", 5),
    )
