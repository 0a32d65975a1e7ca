"""Known facility effects compared with the modelled measures of the facilities."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from esrd_pipeline_tests.acceptance.shr_nation import MeasuredNation


@dataclass(frozen=True)
class Planted:
    """What is planted of a measure, and how its value is told.

    Attributes:
        outcome: the generator's.
        is_share: a percentage, told on the log odds; otherwise a ratio, told on the log.
        is_rate_worse: whether more of it is worse care.
    """

    outcome: str
    is_share: bool = False
    is_rate_worse: bool = True


MEASURES = {
    "shr": Planted("hospitalisation"),
    "strr": Planted("transfusion"),
    "sedr": Planted("emergency"),
    "ed30": Planted("emergency"),
    "srr": Planted("readmission"),
    "smr": Planted("mortality"),
    "swr": Planted("waitlist", is_rate_worse=False),
    "smosr": Planted("modality_switch", is_rate_worse=False),
    "sfr": Planted("fistula", is_share=True, is_rate_worse=False),
    "pppw": Planted("waitlist", is_share=True, is_rate_worse=False),
}


BOUNDS: dict[str, tuple[int, float, tuple[float, float], float]] = {
    "strr": (40, 0.5, (0.6, 1.3), 0.9),
    "sedr": (50, 0.7, (0.7, 1.3), 0.9),
    "srr": (40, 0.3, (0.4, 1.5), 0.9),
    "ed30": (40, 0.2, (0.3, 1.7), 0.9),
    # A year's deaths are few: 0.17 of spread is told with as much noise.
    "smr": (50, 0.3, (0.4, 1.7), 0.9),
    # Of incident patients, by where they were treated when it happened, which moves them.
    "swr": (40, 0.4, (0.3, 1.3), 0.9),
    "smosr": (15, 0.2, (0.2, 1.5), 0.9),
    # Wald's limits, of patients alone: no empirical null makes them wider.
    "sfr": (50, 0.6, (0.6, 1.3), 0.85),
    # What is planted acts on being listed; who is on the list was so years before, elsewhere, too.
    "pppw": (50, 0.4, (0.3, 1.2), 0.8),
}
"""Bounds of each measure, and the fault that each bound is there to catch.

Facilities compared at least: reportable facilities that are lost, or minimum sizes too strict.
Correlation at least: results under another facility's CCN, which leaves none of it.
Slope: below, events given to facilities that had no part in them (a share of them taken at random
lowers it by that share), or values shrunk towards the nation's; above, events counted twice at some
facilities and once at others, or the log of a ratio where its odds are meant.
Limits that hold the effect at least: limits of patients alone where the empirical null belongs, or
of too few patients. SHR has a test of its own. Of SMoSR's twenty facilities chance leaves a
correlation of 0.3 even where results stand under other CCNs: its events are counted one by one.
"""
ADJUSTERS = {
    "is_female": "female",
    "is_diabetes_cause": "diabetes_cause",
    "is_nursing_home_short": "nursing_home_short",
    "is_nursing_home_long": "nursing_home_long",
    "is_bmi_under_18": "bmi_under_18",
    "is_bmi_18_to_25": "bmi_18_to_25",
    "is_bmi_25_to_30": "bmi_25_to_30",
    "is_covid_1": "covid_1",
    "is_covid_2": "covid_2",
    "is_covid_3": "covid_3",
}
"""Adjusters that mean what was planted. Conditions are planted on the true ones, of which claims
and forms show a part: theirs are attenuated. Medicare Advantage is planted at -0.04 and estimated
lower: months of fee for service count only where enough was paid or there was an inpatient claim
(reading 23), so that they hold more admissions than those left out."""
_MANY = 80


@dataclass(frozen=True)
class Recovered:
    """How a measure's values follow the planted effects; facilities weigh by their expected events.

    Attributes:
        facilities: how many are compared.
        bias: mean of the log ratio (log odds) less the planted effect, both against the nation's.
        correlation: weighted.
        slope: of the log ratio on the planted effect.
        flagged: share of facilities that are outliers of no outcome but are not as expected.
        covered: share of facilities whose limits hold the planted effect.
    """

    facilities: int
    bias: float
    correlation: float
    slope: float
    flagged: float
    covered: float


def list_recovered(nation: MeasuredNation, measure: str, program: str = "dfc") -> pd.DataFrame:
    """Return a measure's reportable facilities by CCN.

    Columns: effect (planted, less the nation's), is_outlier, is_outlier_elsewhere, measured (log
    ratio or log odds, less the nation's; none without events), lower and upper (its limits, on the
    same scale; none where the measure has none), weight, flag (-1, 0, 1: fewer events than
    expected, as expected, more).
    """
    planted = MEASURES[measure]
    rows = nation.table(f"facility.{measure}", program).set_index("ccn")
    rows = rows[rows["reportable"].astype(bool)]
    outliers = nation.truth("facility_effect")
    elsewhere = outliers[outliers["is_outlier"] & (outliers["outcome"] != planted.outcome)]
    effects = nation.effects(planted.outcome)
    rows = rows.join(effects[["facilityid", "effect", "is_outlier"]], how="inner")
    weight, text, lower, upper = _describe(rows, is_share=planted.is_share)
    found = np.isfinite(text)
    effect = rows["effect"].to_numpy()
    effect = effect - np.log(np.average(np.exp(effect), weights=weight))
    if planted.is_share:
        level = np.average(text[found], weights=weight[found])
        text, lower, upper = text - level, lower - level, upper - level
        effect = effect - np.average(effect[found], weights=weight[found])
    worse = 1 if planted.is_rate_worse else -1
    flag = np.select([rows["category"] == "worse", rows["category"] == "better"], [worse, -worse])
    return pd.DataFrame(
        {
            "effect": effect,
            "is_outlier": rows["is_outlier"].astype(bool),
            "is_outlier_elsewhere": rows["facilityid"].isin(elsewhere["facilityid"]),
            "measured": np.where(found, text, np.nan),
            "lower": lower,
            "upper": upper,
            "weight": weight,
            "flag": flag,
        }
    )


def _describe(rows: pd.DataFrame, *, is_share: bool) -> tuple[np.ndarray, ...]:
    """Return each facility's weight, log ratio or log odds, and the limits of that."""
    limits = (rows["lower"].to_numpy(), rows["upper"].to_numpy())
    with np.errstate(divide="ignore"):
        if is_share:
            shares = [values / 100 for values in (rows["value"].to_numpy(), *limits)]
            return rows["unit_count"].to_numpy(), *(np.log(s / (1 - s)) for s in shares)
        expected = rows["denominator"].to_numpy()
        ratios = (rows["numerator"].to_numpy() / expected, *limits)
        return expected, *(np.log(ratio) for ratio in ratios)


def summarise(rows: pd.DataFrame) -> Recovered:
    """Return how the measured values follow the planted effects: the larger half's, of many."""
    usual = rows[~rows["is_outlier"] & ~rows["is_outlier_elsewhere"]]
    least = rows["weight"].median() if len(rows) >= _MANY else 0.0
    found = rows[rows["measured"].notna() & (rows["weight"] >= least)]
    weight = found["weight"].to_numpy()
    bounded = rows[rows["lower"].notna() & rows["upper"].notna()]
    matrix = np.cov(found["effect"], found["measured"], aweights=weight)
    return Recovered(
        facilities=len(found),
        bias=float(np.average(found["measured"] - found["effect"], weights=weight)),
        correlation=float(matrix[0, 1] / np.sqrt(matrix[0, 0] * matrix[1, 1])),
        slope=float(matrix[0, 1] / matrix[0, 0]),
        flagged=float((usual["flag"] != 0).mean()),
        covered=float(bounded["effect"].between(bounded["lower"], bounded["upper"]).mean()),
    )
