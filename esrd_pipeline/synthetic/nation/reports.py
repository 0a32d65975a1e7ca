"""Facilities' own reports: health equity, infections, vaccination and the survey."""

import numpy as np

from esrd_pipeline.synthetic.nation.claims import MarketYear, provider_codes, provider_on
from esrd_pipeline.synthetic.nation.columns import Codes, Rows, Values
from esrd_pipeline.synthetic.nation.figures import load_figures
from esrd_pipeline.synthetic.nation.people import IN_CENTER
from esrd_pipeline.tables.clinical import EQUITY_ELEMENTS, PERSONNEL, SURVEY_COMPONENTS

DOMAIN = Codes(tuple(EQUITY_ELEMENTS))
CATEGORY = Codes(PERSONNEL)
_QUARTER_DAYS = np.array([0, 90, 181, 273])
"""First days of the quarters, from the first of January."""
_WEEK = 7
_FEWEST_ELIGIBLE = 30
_SURVEYS = 2
_MEAN_MONTHS = 3
_FEW, _MANY = 0.05, 0.98


def report_facilities(here: MarketYear, rng: np.random.Generator) -> dict[str, Rows]:
    """Return the year's reports of every facility that was open in the year."""
    market, months = here.market, here.months
    opened, closed = market.numbers("opened"), market.numbers("closed")
    here_now = np.flatnonzero((opened <= months.last_day) & (closed > months.first_day))
    return {
        "eqrs_equity_attestation": _attest(here, here_now, rng),
        "nhsn_bloodstream_infection": _count_infections(here, here_now, rng),
        "nhsn_vaccination": _count_vaccinated(here, here_now, rng),
        "ich_cahps_survey": _survey(here, here_now, rng),
    }


def _ccn(here: MarketYear, facility: np.ndarray, day: np.ndarray) -> Values:
    return provider_codes(here.market).of(provider_on(here.market, facility, day))


def _attest(here: MarketYear, facility: np.ndarray, rng: np.random.Generator) -> Rows:
    """Attest the elements of every domain; some facilities omit one, some report nothing."""
    figures = load_figures()
    sizes = np.array(list(EQUITY_ELEMENTS.values()))
    domain = np.repeat(np.arange(sizes.size), sizes)
    element = np.concatenate([np.arange(1, size + 1) for size in sizes])
    sends = facility[rng.random(facility.size) < figures["equity_sent"]]
    is_attested = rng.random((sends.size, domain.size)) < figures["equity_attested"]
    return {
        "facilityid": np.repeat(here.market.numbers("facilityid")[sends], domain.size),
        "domain": DOMAIN.of(np.tile(domain, sends.size)),
        "element": np.tile(element, sends.size),
        "is_attested": is_attested.reshape(-1),
    }


def _count_infections(here: MarketYear, facility: np.ndarray, rng: np.random.Generator) -> Rows:
    """Count infections by quarter, around CDC's prediction for the in-center patient-months."""
    figures, months = load_figures(), here.months
    in_center = months.modality == IN_CENTER
    quarter = months.month // _MEAN_MONTHS
    place = months.facility * len(_QUARTER_DAYS) + quarter
    exposure = np.bincount(
        place[in_center], minlength=len(here.market.facilities) * len(_QUARTER_DAYS)
    ).reshape(-1, len(_QUARTER_DAYS))[facility]
    effect = np.exp(rng.normal(0, figures["infection_effect"], facility.size))
    predicted = (exposure * figures["infection_predicted"]).round(3)
    infections = rng.poisson(predicted * figures["infection_ratio"] * effect[:, None])
    is_short = rng.random(predicted.shape) < figures["infection_short"]
    reported = np.where(is_short, rng.integers(0, _MEAN_MONTHS, predicted.shape), _MEAN_MONTHS)
    who = np.repeat(facility, len(_QUARTER_DAYS))
    when = months.first_day + np.tile(_QUARTER_DAYS, facility.size)
    # Facilities without in-center hemodialysis have nothing to report.
    rows = exposure.reshape(-1) > 0
    return {
        "ccn": _ccn(here, who[rows], when[rows]),
        "quarter": np.tile(np.arange(1, 5), facility.size)[rows],
        "months_reported": reported.reshape(-1)[rows],
        "infections": infections.reshape(-1)[rows],
        "predicted_infections": predicted.reshape(-1)[rows],
    }


def _count_vaccinated(here: MarketYear, facility: np.ndarray, rng: np.random.Generator) -> Rows:
    """Count personnel week by week in four categories; some weeks or categories are missing."""
    figures, months = load_figures(), here.months
    # Sundays: 1970-01-04 was one.
    sunday = months.first_day + (3 - months.first_day) % _WEEK
    weeks = np.arange(sunday, months.last_day + 1, _WEEK)
    shape = (facility.size, weeks.size, len(PERSONNEL))
    staff = 1 + here.market.numbers("size")[facility] / figures["patients_each"]
    mean = staff[:, None] * np.array([figures[f"personnel_{n}"] for n in range(1, 5)])
    personnel = rng.poisson(mean)[:, None, :] + np.zeros(shape, dtype=np.int64)
    contraindicated = rng.binomial(personnel, figures["personnel_contraindicated"])
    share = np.clip(rng.exponential(figures["vaccinated"], facility.size), 0, 1)
    up_to_date = rng.binomial(personnel - contraindicated, share[:, None, None])
    habit = np.where(rng.random(facility.size) < figures["vaccination_lax"], _FEW, _MANY)
    is_sent = rng.random(shape[:2]) < habit[:, None]
    is_whole = rng.random(shape) < figures["vaccination_whole"]
    opened, closed = (
        here.market.numbers("opened")[facility],
        here.market.numbers("closed")[facility],
    )
    is_open = (opened[:, None] <= weeks) & (closed[:, None] > weeks)
    at, week, category = np.nonzero((is_sent & is_open)[:, :, None] & is_whole)
    return {
        "ccn": _ccn(here, facility[at], weeks[week]),
        "week_end_date": weeks[week],
        "personnel_category": CATEGORY.of(category),
        "personnel": personnel[at, week, category],
        "contraindicated": contraindicated[at, week, category],
        "up_to_date": up_to_date[at, week, category],
    }


def _survey(here: MarketYear, facility: np.ndarray, rng: np.random.Generator) -> Rows:
    """Survey patients twice a year; most small facilities attest that they are small."""
    figures, months = load_figures(), here.months
    size = here.market.numbers("size")[facility] * here.market.numbers("has_in_center")[facility]
    is_small = size < _FEWEST_ELIGIBLE
    attests = is_small & (rng.random(facility.size) < figures["survey_attested"])
    gives_up = rng.random((facility.size, _SURVEYS)) < figures["survey_missing"]
    administers = ~attests[:, None] & ~gives_up
    completed = rng.poisson(figures["survey_completed"] * size[:, None], gives_up.shape)
    taste = rng.normal(0, 1, facility.size)
    shares = {
        name: np.clip(
            figures[f"survey_{name}"]
            + figures["survey_spread"]
            * (0.8 * taste[:, None] + rng.normal(0, 0.6, gives_up.shape)),
            0,
            100,
        ).round(1)
        for name in SURVEY_COMPONENTS
    }
    is_known = (administers & (completed > 0)).reshape(-1)
    who = np.repeat(facility, _SURVEYS)
    return {
        "ccn": _ccn(here, who, np.full(who.size, months.last_day)),
        "survey": np.tile(np.arange(1, _SURVEYS + 1), facility.size),
        "is_administered": administers.reshape(-1),
        "is_attested_small": np.repeat(attests, _SURVEYS),
        "completed_surveys": np.where(administers, completed, 0).reshape(-1),
        **{name: np.where(is_known, share.reshape(-1), np.nan) for name, share in shares.items()},
    }
