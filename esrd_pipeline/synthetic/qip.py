"""Renders two years of care as the Complete QIP file of a performance year.

Scores, Total Performance Score and payment reduction are `-`, because the pipeline computes them;
only the two reporting measures for which the files up to payment year 2026 publish nothing but a
score have one. Rates are not adjusted for small facilities, unlike CMS's (manual 4.1.1), and are
scored as they are printed.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from esrd_pipeline.sources.layout import load_layout
from esrd_pipeline.synthetic.care import (
    SURVEY,
    Proportion,
    Ratio,
    YearOfCare,
    is_enough,
    is_surveyed,
)
from esrd_pipeline.synthetic.facilities import owned_since, owner
from esrd_pipeline.synthetic.figures import LEVEL_YEAR, load_figures, load_levels
from esrd_pipeline.synthetic.rendering import (
    Cells,
    divide_half_up,
    render_dates,
    render_fixed,
    render_where,
    render_whole,
    repeat,
    round_half_up,
)

NOTHING, NO_RATE, NO_SCORE = "-", "No Rate", "No Score"
FEW_PATIENTS, FEW_YEARS, FEW_SURVEYS = "<11", "<10", "<30"
# The footnote with the reason for a missing rate (QIP footnotes file of payment year 2026).
FOOTNOTES = {
    "ltc": "3",
    "nhsn_bsi": "3",
    "nhsn_dialysis_event": "3",
    "srr": "10",
    "strr": "12",
    "shr": "13",
}
TOO_FEW_PATIENTS, TOO_FEW_SURVEYS, NO_HEMODIALYSIS, ATTESTED = "1", "4", "5", "4,7"
ADEQUACY = ("ktv_adult_hd", "ktv_adult_pd", "ktv_pediatric_hd", "ktv_pediatric_pd")
PROPORTIONS = ("ltc", "ktv_comprehensive", *ADEQUACY, "clinical_depression")
# Unit count's name, decimals of the rate and of the expected events.
RATIOS = {
    "nhsn_bsi": ("patient_count", 3, 3),
    "srr": ("discharge_count", 2, 2),
    "strr": ("patient_year_count", 2, 2),
    "shr": ("patient_year_count", 2, 2),
}
HIDDEN_COUNTS = {"srr": NOTHING, "shr": NOTHING, "strr": FEW_YEARS}
SCORED = (*PROPORTIONS, *RATIOS, "pppw", "ich_cahps", *SURVEY)
# Measures of patient-months reported, and the level their share is drawn from.
REPORTED = {
    "hypercalcemia": "hypercalcemia_reporting",
    "medication_reconciliation": "medication_reconciliation",
}
RATE_DECIMALS = 4


@dataclass(frozen=True, slots=True)
class Period:
    """A calendar year of care and the name of its columns: achievement or improvement."""

    name: str
    year: int
    care: YearOfCare


def render_qip(
    facilities: pd.DataFrame, *, care: YearOfCare, earlier: YearOfCare, year: int
) -> dict[str, Cells]:
    """Render the file of a performance year and the year before: our column name to cells."""
    achievement = Period("achievement", year, care)
    cells = _render_directory(facilities, year)
    for period in (achievement, Period("improvement", year - 1, earlier)):
        for measure in PROPORTIONS:
            cells |= _render_proportion(measure, period)
        for measure in RATIOS:
            cells |= _render_ratio(measure, period)
        cells |= _render_waitlist(period) | _render_survey(period)
    for measure in (*PROPORTIONS, *RATIOS, "pppw"):
        cells |= _render_no_score(measure, is_scored(measure, care))
    cells |= _render_survey_reasons(facilities, achievement)
    cells |= _render_reporting(achievement)
    for measure in SCORED:
        cells[f"{measure}_score_applied"] = repeat(NOTHING, len(facilities))
    cells["total_performance_score"] = repeat(NOTHING, len(facilities))
    cells["payment_reduction"] = repeat(NOTHING, len(facilities))
    return cells


def _render_directory(facilities: pd.DataFrame, year: int) -> dict[str, Cells]:
    certified = facilities["certification_date"].to_numpy()
    return {
        "facility_name": (facilities["ccn"] + " " + facilities["facility_name"]).to_numpy(),
        "ccn": facilities["ccn"].to_numpy(),
        "alternate_ccn": repeat(NOTHING, len(facilities)),
        "address": facilities["address"].to_numpy(),
        "city": facilities["city"].to_numpy(),
        "state": facilities["state"].to_numpy(),
        "zip_code": facilities["zip_code"].to_numpy(),
        "network": facilities["network"].astype(str).to_numpy(dtype=object),
        "certification_date": render_dates(certified, "%m/%d/%Y"),
        "ownership": owner(facilities, year),
        "ownership_date": render_dates(owned_since(facilities, year), "%m/%d/%Y"),
    }


def count_proportion(measure: str, care: YearOfCare) -> Proportion:
    """Return a proportion; Kt/V Comprehensive is the sum of the four populations."""
    if measure != "ktv_comprehensive":
        return care.proportions[measure]
    parts = [care.proportions[part] for part in ADEQUACY]
    return Proportion(
        units=np.sum([part.units for part in parts], axis=0),
        numerator=np.sum([part.numerator for part in parts], axis=0),
        denominator=np.sum([part.denominator for part in parts], axis=0),
    )


def is_scored(measure: str, care: YearOfCare) -> np.ndarray:
    """Return whether each facility has the units the measure needs."""
    level = load_levels()[ADEQUACY[0] if measure == "ktv_comprehensive" else measure]
    counts = care.ratios[measure] if measure in RATIOS else count_proportion(measure, care)
    return is_enough(level, counts)


def _render_no_score(measure: str, is_scored: np.ndarray) -> dict[str, Cells]:
    count = len(is_scored)
    footnote = FOOTNOTES.get(measure, TOO_FEW_PATIENTS)
    return {
        f"{measure}_score": render_where(is_scored, repeat(NOTHING, count), NO_SCORE),
        f"{measure}_footnotes": render_where(~is_scored, repeat(footnote, count), NOTHING),
        f"{measure}_national_score": repeat(NOTHING, count),
    }


def _render_proportion(measure: str, period: Period) -> dict[str, Cells]:
    counts, shown = count_proportion(measure, period.care), is_scored(measure, period.care)
    rate = divide_half_up(counts.numerator, counts.denominator, RATE_DECIMALS)
    start = f"{measure}_{period.name}"
    return {
        f"{start}_rate": render_where(shown, render_fixed(rate, RATE_DECIMALS), NO_RATE),
        f"{start}_patient_count": render_where(shown, render_whole(counts.units), FEW_PATIENTS),
        f"{start}_numerator": render_where(shown, render_whole(counts.numerator), NOTHING),
        f"{start}_denominator": render_where(shown, render_whole(counts.denominator), NOTHING),
    }


def _render_ratio(measure: str, period: Period) -> dict[str, Cells]:
    level, counts = load_levels()[measure], period.care.ratios[measure]
    shown = is_enough(level, counts)
    units, decimals, expected_decimals = RATIOS[measure]
    expected = round_half_up(counts.expected, expected_decimals)
    ratio = counts.observed / np.where(expected > 0, expected, np.nan)
    start = f"{measure}_{period.name}"
    if level.qip_rate is None:
        rate = {f"{start}_ratio": ratio}
    else:
        rate = {f"{start}_rate": ratio * level.national_rate(level.qip_rate, period.year, 2)}
    return {
        name: render_where(shown, render_fixed(round_half_up(value, decimals), decimals), NO_RATE)
        for name, value in rate.items()
    } | {
        f"{start}_{units}": _render_units(measure, counts, shown, period.year),
        f"{start}_numerator": render_where(shown, render_whole(counts.observed), NOTHING),
        f"{start}_denominator": render_where(
            shown, render_fixed(expected, expected_decimals), NOTHING
        ),
    }


def _render_units(measure: str, counts: Ratio, shown: np.ndarray, year: int) -> Cells:
    """Render units or patient-years; one year's file hides some of them, as CMS's did."""
    if measure in HIDDEN_COUNTS and year == load_figures()["hidden_count_year"]:
        return repeat(HIDDEN_COUNTS[measure], len(shown))
    if RATIOS[measure][0] == "patient_year_count":
        return render_where(shown, render_fixed(counts.years, 2), FEW_YEARS)
    return render_where(shown, render_whole(counts.units), FEW_PATIENTS)


def _render_waitlist(period: Period) -> dict[str, Cells]:
    """Render PPPW, whose numerator and denominator are sums over the nation's patient-months."""
    figures, counts = load_figures(), period.care.proportions["pppw"]
    shown = is_enough(load_levels()["pppw"], counts)
    growth = (1 + figures["waitlist_patient_months_growth"]) ** (period.year - LEVEL_YEAR)
    months = np.rint(figures["waitlist_patient_months"] * growth)
    numerator = round_half_up(counts.numerator / np.maximum(counts.denominator, 1) * months, 2)
    rate = round_half_up(numerator / months, RATE_DECIMALS)
    start = f"pppw_{period.name}"
    return {
        f"{start}_rate": render_where(shown, render_fixed(rate, RATE_DECIMALS), NO_RATE),
        f"{start}_numerator": render_where(shown, render_fixed(numerator, 2), NOTHING),
        f"{start}_denominator": render_where(shown, repeat(str(int(months)), len(shown)), NOTHING),
    }


def _render_survey(period: Period) -> dict[str, Cells]:
    survey = period.care.survey
    shown = is_surveyed(period.care)
    count = render_where(shown, render_whole(survey.completed), FEW_SURVEYS)
    absent = survey.is_attested_small | survey.is_unavailable
    start = f"ich_cahps_{period.name}"
    cells = {
        f"{start}_survey_count": render_where(~absent, count, NOTHING),
        f"{start}_numerator": render_where(~absent, render_whole(survey.administered), NOTHING),
    }
    for measure, share in survey.top_box.items():
        rate = render_fixed(round_half_up(share, RATE_DECIMALS), RATE_DECIMALS)
        cells[f"{measure}_{period.name}_rate"] = render_where(shown, rate, NO_RATE)
    return cells


def _render_survey_reasons(facilities: pd.DataFrame, period: Period) -> dict[str, Cells]:
    survey, shown = period.care.survey, is_surveyed(period.care)
    reasons = np.select(
        [shown, ~facilities["has_in_center"], survey.is_attested_small | survey.is_unavailable],
        [NOTHING, NO_HEMODIALYSIS, ATTESTED],
        default=TOO_FEW_SURVEYS,
    )
    count = len(facilities)
    return {
        "ich_cahps_score": render_where(shown, repeat(NOTHING, count), NO_SCORE),
        "ich_cahps_footnotes": reasons.astype(object),
        "ich_cahps_national_score": repeat(NOTHING, count),
    }


def _render_reporting(period: Period) -> dict[str, Cells]:
    """Render the reporting measures: the reported items, in older files only a score."""
    care = period.care
    patients, in_center = (care.census[name].to_numpy() for name in ("patients", "in_center"))
    minimum = load_levels()["ltc"].minimum_units
    cells = _render_months_reported(period) | _render_screening(care)
    for measure, amount, shown in (
        ("nhsn_dialysis_event", care.reporting.infection_months, in_center >= minimum),
        ("health_equity", care.reporting.equity_domains, patients >= minimum),
        ("covid_vaccination", care.reporting.vaccination_months, patients >= 0),
    ):
        cells |= _render_no_score(measure, shown)
        cells[f"{measure}_achievement_numerator"] = render_where(
            shown, render_whole(amount), NOTHING
        )
    return cells


def _render_months_reported(period: Period) -> dict[str, Cells]:
    """Render patient-months reported, or the score if the year's layout has no counts."""
    layout = {column.name for column in load_layout("qip_complete", period.year)}
    cells: dict[str, Cells] = {}
    for measure, share in REPORTED.items():
        counts = period.care.proportions[share]
        shown = is_enough(load_levels()[share], counts)
        cells |= _render_no_score(measure, shown) | _render_reported(measure, counts, shown)
        if f"{measure}_achievement_numerator" not in layout:
            score = render_whole(_reporting_score(counts))
            cells[f"{measure}_score"] = render_where(shown, score, NO_SCORE)
    return cells


def _render_screening(care: YearOfCare) -> dict[str, Cells]:
    """Render patients screened for social needs, and those of them with results reported."""
    screening, reported = care.proportions["sdoh_screening"], care.proportions["sdoh_positive"]
    shown = is_enough(load_levels()["sdoh_screening"], screening)
    handed_in = screening.numerator * reported.numerator // np.maximum(reported.denominator, 1)
    results = Proportion(
        units=screening.units, numerator=handed_in, denominator=screening.numerator
    )
    return (
        _render_no_score("sdoh_screening", shown)
        | _render_no_score("sdoh_positive", shown)
        | _render_reported("sdoh_screening", screening, shown)
        | _render_reported("sdoh_positive", results, shown)
    )


def _render_reported(measure: str, counts: Proportion, shown: np.ndarray) -> dict[str, Cells]:
    start = f"{measure}_achievement"
    return {
        f"{start}_numerator": render_where(shown, render_whole(counts.numerator), NOTHING),
        f"{start}_denominator": render_where(shown, render_whole(counts.denominator), NOTHING),
        f"{start}_patient_count": render_where(shown, render_whole(counts.units), FEW_PATIENTS),
    }


def _reporting_score(counts: Proportion) -> np.ndarray:
    """Return the score of the share reported, rounded half up (manual 2.8.13, 2.19.9)."""
    figures = load_figures()
    share = counts.numerator / np.maximum(counts.denominator, 1)
    score = share * figures["reporting_factor"] - figures["reporting_deduction"]
    return round_half_up(np.clip(score, 0, figures["reporting_maximum"]), 0)
