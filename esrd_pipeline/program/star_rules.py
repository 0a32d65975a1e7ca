"""Rules of the star rating: measures, domains, weights, shares and the bound of scores.

`parameters/star_*.csv` has each set of measures CMS has used, under the release that introduced
it.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, cast

import pandas as pd

from esrd_pipeline.parameters import load_parameters
from esrd_pipeline.parameters.register import find_measure
from esrd_pipeline.parameters.rows import load_rows


@dataclass(frozen=True, slots=True)
class StarMeasure:
    """One measure of a set; `components` are the contract's measures pooled into it."""

    name: str
    domain: int
    transform: Literal["truncated_z", "probit"]
    higher_is_better: bool
    components: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StarRules:
    """A set of star measures with all its rules.

    Weights are shares of the final score by domain. The domain missing from `peritoneal_weights`
    is the hemodialysis domain. `shares` are those of a reset, from one star to five. `bound`
    clips scores on both sides; `tolerance` and `pass_limit` end the passes of the truncated z.
    """

    measure_set: str
    measures: tuple[StarMeasure, ...]
    weights: dict[int, Fraction]
    peritoneal_weights: dict[int, Fraction]
    shares: tuple[Fraction, ...]
    bound: float
    tolerance: float
    pass_limit: int

    @property
    def names(self) -> list[str]:
        """The measures' names, in the order of the set."""
        return [measure.name for measure in self.measures]

    @property
    def ratios(self) -> list[str]:
        """The names of the standardized ratios: the measures scored by probit."""
        return [measure.name for measure in self.measures if measure.transform == "probit"]

    @property
    def hemodialysis_domains(self) -> list[int]:
        """The domains left out of the rating of a peritoneal-only facility."""
        return [domain for domain in self.weights if domain not in self.peritoneal_weights]

    def measures_of(self, domain: int) -> list[str]:
        """Return the names of a domain's measures."""
        return [measure.name for measure in self.measures if measure.domain == domain]


def find_measure_set(performance_year: int) -> str:
    """Return the set of star measures of a year's releases (`star_measure_set.csv`).

    Raises:
        LookupError: none is known; the message names the first year that has one.
    """
    for row in load_rows("star_measure_set"):
        last = int(row["last_performance_year"] or performance_year)
        if int(row["first_performance_year"]) <= performance_year <= last:
            return row["measure_set"]
    raise LookupError(
        f"no set of star measures of {performance_year} is known: star_measure_set.csv begins with"
        f" {_first_year_of_stars()}"
    )


def knows_measure_set(performance_year: int) -> bool:
    """Return whether a set of star measures of the year is known."""
    return performance_year >= _first_year_of_stars()


def _first_year_of_stars() -> int:
    return min(int(row["first_performance_year"]) for row in load_rows("star_measure_set"))


def load_star_rules(measure_set: str, performance_year: int) -> StarRules:
    """Read one set of star measures, with directions from the register of the year.

    Raises:
        ValueError: there is no such set.
    """
    measures = _rows("star_measure", measure_set)
    if measures.empty:
        raise ValueError(f"parameters/star_measure.csv has no set of measures {measure_set}")
    domains = _rows("star_domain", measure_set)
    parts = [tuple(str(cell).split()) for cell in measures["components"].fillna("")]
    scale = _rows("star_scale", measure_set).set_index("name")["value"]
    shares = _rows("star_share", measure_set).sort_values("rating")
    return StarRules(
        measure_set=measure_set,
        measures=tuple(
            StarMeasure(
                name=row["measure"],
                domain=int(row["domain"]),
                transform=cast("Literal['truncated_z', 'probit']", row["transform"]),
                higher_is_better=all(
                    find_measure(name, "dfc", performance_year).direction == "higher"
                    for name in components or (row["measure"],)
                ),
                components=components,
            )
            for row, components in zip(measures.to_dict("records"), parts, strict=True)
        ),
        weights=_weights(domains, "all"),
        peritoneal_weights=_weights(domains, "peritoneal_only"),
        shares=tuple(Fraction(share) for share in shares["share"]),
        bound=float(scale["bound"]),
        tolerance=float(scale["tolerance"]),
        pass_limit=int(scale["pass_limit"]),
    )


def _rows(name: str, measure_set: str) -> pd.DataFrame:
    table = load_parameters(name)
    return table[table["measure_set"] == measure_set]


def _weights(domains: pd.DataFrame, facilities: str) -> dict[int, Fraction]:
    rows = domains[domains["facilities"] == facilities]
    return {
        int(domain): Fraction(weight)
        for domain, weight in zip(rows["domain"], rows["weight"], strict=True)
    }
