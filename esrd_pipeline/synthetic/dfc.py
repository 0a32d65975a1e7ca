"""Renders a year of care as the Dialysis Facility Care Compare facility and national files.

Five Star is left empty (code 281), because the pipeline computes stars.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from esrd_pipeline.parameters import load_parameters
from esrd_pipeline.synthetic.care import PHOSPHORUS, Proportion, Ratio, YearOfCare, is_enough
from esrd_pipeline.synthetic.facilities import certified_before, owner
from esrd_pipeline.synthetic.figures import load_kind, load_levels
from esrd_pipeline.synthetic.limits import (
    CATEGORIES,
    Limits,
    categorise,
    percent_limits,
    ratio_limits,
)
from esrd_pipeline.synthetic.rendering import (
    Cells,
    divide_half_up,
    render_dates,
    render_plain,
    render_where,
    render_whole,
    render_yes_no,
    repeat,
    round_half_up,
)

AVAILABLE, TOO_FEW, NOT_REPORTED, TOO_NEW, SUPPRESSED = "001", "199", "201", "258", "280"
NO_STARS = "281"
NOT_OFFERED = {
    "in_center": "256",
    "peritoneal": "257",
    "pediatric_hd": "259",
    "pediatric_pd": "259",
}
RATIO_DECIMALS, DFC_DECIMALS = 2, 1
INFECTIONS = "nhsn_bsi"
"""Published without a count, without a national ratio, and without a lower limit if no events."""
UNIT_NAMES = {"srr": "discharge_count", "ed30": "discharge_count"}
WITH_LIMITS = ("pppw", "sfr")
BY_MONTHS = (
    "ktv_adult_hd",
    "ktv_adult_pd",
    "ktv_pediatric_hd",
    "ktv_pediatric_pd",
    "hypercalcemia",
    "ltc",
    "npcr",
)
LABORATORY = (*(name for name in BY_MONTHS if name != "ltc"), *PHOSPHORUS)
HEMOGLOBIN = ("hemoglobin_below_10", "hemoglobin_above_12")
# The file's names of counts that several measures share.
GROUPS: dict[str, str] = {
    **dict.fromkeys(PHOSPHORUS, "phosphorus"),
    **dict.fromkeys(HEMOGLOBIN, "hemoglobin"),
}


@dataclass(frozen=True, slots=True)
class DfcFiles:
    """The rendered cells of the facility file and of the national file's single row."""

    facility: dict[str, Cells]
    national: dict[str, Cells]

    def joined(self, other: "DfcFiles") -> "DfcFiles":
        """Return the files with the columns of `other` added."""
        return DfcFiles(self.facility | other.facility, self.national | other.national)


def render_dfc(facilities: pd.DataFrame, care: YearOfCare, year: int) -> DfcFiles:
    """Render the DFC files of a performance year: our column name to cells."""
    count = len(facilities)
    files = DfcFiles(
        facility=render_directory(facilities, year)
        | _render_periods(count, year)
        | {"five_star": repeat("", count), "five_star_code": repeat(NO_STARS, count)},
        national={"country": repeat("NATION", 1)},
    )
    for measure, ratio in care.ratios.items():
        codes = _codes(measure, facilities, ratio, year)
        files = files.joined(_render_ratio(measure, ratio, codes, year))
    for measure in (*WITH_LIMITS, *BY_MONTHS, *PHOSPHORUS, *HEMOGLOBIN, "covid_vaccination"):
        proportion = care.proportions[measure]
        codes = _codes(measure, facilities, proportion, year)
        files = files.joined(_render_proportion(measure, proportion, codes))
        if measure in WITH_LIMITS:
            files = files.joined(_render_percent_limits(measure, proportion, codes))
    return files


def render_directory(facilities: pd.DataFrame, year: int) -> dict[str, Cells]:
    """Render names, addresses and owners of facilities as in the DFC and ICH CAHPS files."""
    chain = owner(facilities, year)
    certified = facilities["certification_date"].to_numpy()
    return {
        "ccn": facilities["ccn"].to_numpy(),
        "network": facilities["network"].astype(str).to_numpy(dtype=object),
        "facility_name": facilities["facility_name"].to_numpy(),
        "address_line_1": facilities["address"].to_numpy(),
        "address_line_2": repeat("", len(facilities)),
        "city": facilities["city"].to_numpy(),
        "state": facilities["state"].to_numpy(),
        "zip_code": facilities["zip_code"].to_numpy(),
        "county": facilities["county"].to_numpy(),
        "telephone_number": facilities["telephone"].to_numpy(),
        "profit_status": np.where(facilities["is_profit"], "Profit", "Non-profit").astype(object),
        "is_chain_owned": render_yes_no(chain != "Independent"),
        "chain_organization": chain,
        "has_late_shift": render_yes_no(facilities["has_late_shift"].to_numpy()),
        "station_count": facilities["stations"].astype(str).to_numpy(dtype=object),
        "has_in_center_hemodialysis": render_yes_no(facilities["has_in_center"].to_numpy()),
        "has_peritoneal_dialysis": render_yes_no(facilities["has_peritoneal"].to_numpy()),
        "has_home_hemodialysis_training": render_yes_no(facilities["has_home_training"].to_numpy()),
        "certification_date": render_dates(certified, "%Y-%m-%d"),
    }


def render_period(name: str, year: int) -> str:
    """Render the data period of a measure of a performance year: 01Jan2021-31Dec2024."""
    rows = load_parameters("synthetic_period").to_dict("records")
    (period,) = (row for row in rows if row["name"] == name)
    first = f"{period['first_day']}{year + int(str(period['first_year']))}"
    last = f"{period['last_day']}{year + int(str(period['last_year']))}"
    return f"{first}-{last}"


def _render_periods(count: int, year: int) -> dict[str, Cells]:
    names = load_parameters("synthetic_period")["name"]
    return {f"{name}_period": repeat(render_period(name, year), count) for name in names}


def _codes(
    measure: str, facilities: pd.DataFrame, counts: Ratio | Proportion, year: int
) -> np.ndarray:
    """Return each facility's availability code, the first that applies."""
    level = load_levels()[measure]
    first_closed_year = year if level.kind == "ratio" else year + 1
    suppressed = np.isin(owner(facilities, year), load_kind("suppressed_chain")["name"].tolist())
    return np.select(
        [
            suppressed & (measure in LABORATORY),
            ~_offers(level.basis, facilities),
            ~certified_before(facilities, f"{first_closed_year}-01-01"),
            counts.units == 0,
            ~is_enough(level, counts),
        ],
        [SUPPRESSED, NOT_OFFERED.get(level.basis, NOT_REPORTED), TOO_NEW, NOT_REPORTED, TOO_FEW],
        default=AVAILABLE,
    ).astype(object)


def _offers(basis: str, facilities: pd.DataFrame) -> np.ndarray:
    """Return which facilities offer the treatment that a measure covers."""
    in_center = facilities["has_in_center"].to_numpy()
    peritoneal = facilities["has_peritoneal"].to_numpy()
    pediatric = facilities["is_pediatric"].to_numpy()
    return {
        "patients": in_center | peritoneal,
        "in_center": in_center,
        "peritoneal": peritoneal,
        "pediatric_hd": pediatric & in_center,
        "pediatric_pd": pediatric & peritoneal,
    }[basis]


def _render_ratio(measure: str, ratio: Ratio, codes: np.ndarray, year: int) -> DfcFiles:
    """Render a ratio measure: as a rate if the file has rates, else as the ratio."""
    level, shown = load_levels()[measure], codes == AVAILABLE
    scale, decimals, kind = 1.0, RATIO_DECIMALS, "ratio"
    if level.dfc_rate is not None:
        decimals, kind = DFC_DECIMALS, "rate"
        scale = level.national_rate(level.dfc_rate, year, DFC_DECIMALS)
    lower, upper = (
        round_half_up(limit * scale, decimals)
        for limit in ratio_limits(ratio, level.dispersion or 1.0)
    )
    value = round_half_up(ratio.value * scale, decimals)
    name = f"{measure}_{kind}"
    facility = {name: render_where(shown, render_plain(value), "")}
    national: dict[str, Cells] = {}
    if measure == INFECTIONS:
        lower = np.where(ratio.observed == 0, np.nan, lower)
    else:
        units = UNIT_NAMES.get(measure, "patient_count")
        facility[f"{measure}_{units}"] = _render_count(ratio.units, codes)
        pooled = ratio.observed[shown].sum() / max(ratio.expected[shown].sum(), 1)
        level_published = scale if level.dfc_rate is not None else pooled
        national[name] = render_plain(round_half_up(np.array([level_published]), decimals))
    limits = Limits(lower=lower, upper=upper, reference=scale)
    return DfcFiles(facility, national).joined(_render_limits(measure, limits, codes))


def _render_proportion(measure: str, proportion: Proportion, codes: np.ndarray) -> DfcFiles:
    """Render a percentage, its counts, and the nation's pooled percentage."""
    shown = codes == AVAILABLE
    facility = {
        f"{measure}_rate": render_where(shown, render_plain(_percent(measure, proportion)), "")
    }
    national = {f"{measure}_rate": render_plain(np.array([_pooled(measure, proportion, shown)]))}
    group = GROUPS.get(measure, measure)
    facility[f"{measure if group == 'hemoglobin' else group}_code"] = codes
    if measure != "covid_vaccination":
        facility[f"{group}_patient_count"] = _render_count(proportion.units, codes)
    if group in (*BY_MONTHS, "phosphorus"):
        months = np.where(proportion.denominator > 0, proportion.denominator, np.nan)
        facility[f"{group}_patient_month_count"] = render_plain(months)
    return DfcFiles(facility, national)


def _percent(measure: str, proportion: Proportion) -> np.ndarray:
    """Return percents as published: whole numbers, except for measures with limits."""
    decimals = DFC_DECIMALS if measure in WITH_LIMITS else 0
    share = divide_half_up(proportion.numerator, proportion.denominator, decimals + 2)
    return round_half_up(100 * share, decimals)


def _pooled(measure: str, proportion: Proportion, shown: np.ndarray) -> float:
    """Return the nation's percent, as published, over the facilities with a published value."""
    nation = Proportion(
        units=proportion.units[shown].sum(keepdims=True),
        numerator=proportion.numerator[shown].sum(keepdims=True),
        denominator=proportion.denominator[shown].sum(keepdims=True),
    )
    return float(_percent(measure, nation)[0])


def _render_percent_limits(measure: str, proportion: Proportion, codes: np.ndarray) -> DfcFiles:
    lower, upper = (
        round_half_up(limit, DFC_DECIMALS)
        for limit in percent_limits(proportion, load_levels()[measure].dispersion or 1.0)
    )
    reference = _pooled(measure, proportion, codes == AVAILABLE)
    return _render_limits(measure, Limits(lower, upper, reference), codes)


def _render_limits(measure: str, limits: Limits, codes: np.ndarray) -> DfcFiles:
    """Render limits, category and code, and count the nation's categories."""
    shown = codes == AVAILABLE
    higher_is_better = load_levels()[measure].direction == "higher"
    category = categorise(limits, higher_is_better=higher_is_better)
    facility = {
        f"{measure}_code": codes,
        f"{measure}_lower": render_where(shown, render_plain(limits.lower), ""),
        f"{measure}_upper": render_where(shown, render_plain(limits.upper), ""),
        f"{measure}_category": render_where(shown, category, "Not Available"),
    }
    national = {
        f"{measure}_{name}_count": render_whole(np.array([np.sum(category[shown] == text)]))
        for name, text in CATEGORIES.items()
    }
    return DfcFiles(facility, national)


def _render_count(units: np.ndarray, codes: np.ndarray) -> Cells:
    """Render a count; the cell of a facility that was not yet open is empty."""
    return render_where((codes != TOO_NEW) | (units > 0), render_plain(units), "")
