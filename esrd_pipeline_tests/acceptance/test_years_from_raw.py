"""Four years of a nation from patient-level files alone: standards, improvement, star baselines."""

import pandas as pd
import pytest

from esrd_pipeline.families.cross_check import describe_difference
from esrd_pipeline.orchestration.modelled_measure import MOST_DIFFERENCE, SAMPLE_FACILITIES
from esrd_pipeline.program.qip_rules import load_rules
from esrd_pipeline.program.star_rules import load_star_rules
from esrd_pipeline.tables import facility, measured, program, recurrent_events
from esrd_pipeline_tests.acceptance import recovered
from esrd_pipeline_tests.acceptance.four_years import (
    BEFORE_WAITLISTING,
    LAST,
    REBASELINED,
    SECOND,
    WITH_WAITLISTING,
    Years,
)
from esrd_pipeline_tests.acceptance.raw_jobs import RESET

RATIOS = ["shr", "smr", "srr", "strr", "swr"]


def _count_stars(stars: pd.DataFrame) -> pd.Series:
    return stars["rating"].dropna().astype(int).value_counts().sort_index()


def test_every_measure_of_both_programs_is_computed_from_patients(years: Years) -> None:
    contract = years.read(measured.CONTRACT, LAST)
    assert set(contract["origin"]) == {"computed", "neither"}
    # Printed by CMS, and in no chapter of the manual.
    missing = contract.loc[contract["origin"] == "neither", "measure"]
    assert missing.str.startswith(("hemoglobin", "phosphorus", "ich_cahps_", "nhsn_bsi")).all()
    assert not years.read(facility.PUBLISHED_RESULT, LAST)["score"].notna().any()
    scored = {rule.measure for rule in load_rules(LAST + 2).measures}
    rated = set(load_star_rules(WITH_WAITLISTING, 2024).names) - {"ktv_total"}
    # Of 60 facilities none has 11 children; a topic is scored by its components.
    scored -= {"ktv_pediatric_hd", "ktv_pediatric_pd", "ktv_topic"}
    for name, needed in (("qip", scored), ("dfc", rated)):
        found = contract[(contract["program"] == name) & contract["reportable"].astype(bool)]
        assert needed <= set(found["measure"]), (name, needed - set(found["measure"]))


@pytest.mark.parametrize("year", [REBASELINED, LAST])
def test_standards_are_those_of_two_years_before(years: Years, year: int) -> None:
    standards = years.read(program.QIP_STANDARD, year).set_index("measure")
    without = standards.index[standards["reason"].notna()]
    assert without.str.startswith("ktv_pediatric").all(), standards["reason"].dropna().to_string()
    assert set(standards["standard_source"].dropna()) == {f"computed from {year - 2}"}
    assert standards["benchmark"].notna().sum() >= 14
    earlier = years.read(measured.CONTRACT, year - 2, "qip")
    shr = earlier[(earlier["measure"] == "shr") & earlier["reportable"].astype(bool)]
    assert standards.loc["shr", "facility_count"] == len(shr)
    assert standards.loc["shr", "performance_standard"] == pytest.approx(
        shr["value"].median(), abs=0.2
    )


@pytest.mark.parametrize("year", [REBASELINED, LAST])
def test_improvement_is_on_the_rate_stored_of_the_year_before(years: Years, year: int) -> None:
    scores = years.read(program.QIP_MEASURE_SCORE, year)
    before = years.read(measured.CONTRACT, year - 1, "qip")
    before = before[before["reportable"].astype(bool)].set_index(["ccn", "measure"])["value"]
    improved = scores.dropna(subset=["improvement_rate"]).join(before, on=["ccn", "measure"])
    assert set(improved["improvement_source"]) == {f"performance year {year - 1}"}
    assert len(improved) > 300
    shr = improved[improved["measure"] == "shr"]
    assert (shr["improvement_rate"] - shr["value"]).abs().max() <= 0.0501
    assert {"achievement", "improvement"} <= set(scores["applied"].dropna())


@pytest.mark.parametrize("year", [REBASELINED, LAST])
def test_a_year_has_complete_scores_and_payment_reductions(years: Years, year: int) -> None:
    tps = years.read(program.QIP_TPS, year)
    scored = tps[tps["tps"].notna()]
    assert len(scored) >= 0.85 * len(tps), tps["reason"].value_counts().to_string()
    assert (scored["scored_domain_count"] >= 4).mean() > 0.8
    assert scored["payment_reduction"].nunique() >= 2
    domains = years.read(program.QIP_DOMAIN_SCORE, year)
    assert (domains.groupby("domain")["score"].count() > 0).all()


def test_later_years_are_rated_against_the_reset_baseline(years: Years) -> None:
    first = years.read(program.STARS, RESET)
    shares = _count_stars(first) / first["rating"].notna().sum()
    assert (shares - pd.Series({1: 0.1, 2: 0.2, 3: 0.4, 4: 0.2, 5: 0.1})).abs().max() < 0.03
    second = years.read(program.STARS, SECOND)
    assert set(second["baseline_year"].dropna()) == {RESET}
    assert second["rating"].notna().sum() > 40
    factors = years.read(program.STAR_ADJUSTMENT, SECOND).set_index("measure")
    # The waitlist is not among the measures of 2018.
    assert factors.index.tolist() == sorted(set(RATIOS) - {"swr"})
    assert set(factors["factor_source"]) == {"baseline model"}
    assert factors["factor"].between(0.6, 1.6).all(), factors.to_string()
    baseline_scored = years.read(measured.BASELINE_SCORED, SECOND).set_index("measure")
    assert set(baseline_scored["baseline_year"]) == {RESET}
    shr = baseline_scored.loc["shr"]
    assert factors.loc["shr", "factor"] == pytest.approx(shr["observed"] / shr["expected"])


def test_a_rebaselining_keeps_the_stars_of_the_earlier_measures(years: Years) -> None:
    before, after = years.stars_before, years.read(program.STARS, REBASELINED)
    assert set(before["baseline_year"].dropna()) == {RESET}
    assert set(before["measure_set"].dropna()) == {BEFORE_WAITLISTING}
    assert set(after["baseline_year"].dropna()) == {REBASELINED}
    assert set(after["measure_set"].dropna()) == {WITH_WAITLISTING}
    counts = _count_stars(before), _count_stars(after)
    shares = [count / count.sum() for count in counts]
    assert shares[0].index.tolist() == shares[1].index.tolist()
    assert (shares[0] - shares[1]).abs().max() <= 1.5 / counts[1].sum(), counts
    # The measures are others, so facilities trade places.
    both = before.merge(after, on="ccn").dropna(subset=["rating_x", "rating_y"])
    assert (both["rating_x"] != both["rating_y"]).any()


def test_the_year_after_is_rated_against_the_rebaselined_year(years: Years) -> None:
    stars = years.read(program.STARS, LAST)
    assert set(stars["baseline_year"].dropna()) == {REBASELINED}
    factors = years.read(program.STAR_ADJUSTMENT, LAST).set_index("measure")
    assert factors.index.tolist() == RATIOS
    assert set(factors["factor_source"]) == {"baseline model"}
    rated = stars[stars["rating"].notna()]
    assert len(rated) > 40
    assert rated[["domain_1", "domain_3", "domain_4"]].notna().all(axis=None)


def test_mortality_takes_four_years_and_waitlisting_three(years: Years) -> None:
    """2025's mortality is of 2022 to 2025: about four times 2022's patient-years."""
    size = {
        (measure, year): years.read(measured.CONTRACT, year, "dfc")
        .query("measure == @measure")["unit_count"]
        .sum()
        for measure in ("smr", "swr")
        for year in (RESET, REBASELINED, LAST)
    }
    assert 3.3 < size["smr", LAST] / size["smr", RESET] < 4.7
    assert 2.3 < size["swr", REBASELINED] / size["swr", RESET] < 3.7
    assert size["swr", LAST] / size["swr", REBASELINED] == pytest.approx(1, abs=0.2)


def test_encounters_are_modelled_over_four_years_and_counted_in_the_last(years: Years) -> None:
    fit = years.read(measured.MODELLED["sedr"].fit, LAST).query("stage == 1")
    terms = set(fit.loc[fit["element"] == "coefficient", "term"])
    assert {"is_year_before_1", "is_year_before_2", "is_year_before_3"} <= terms
    facilities = years.read(measured.MODELLED["sedr"].facility, LAST)
    cohort = years.read(recurrent_events.SEDR, LAST)
    assert facilities["numerator"].sum() == cohort["event_count"].sum()
    # The years of one model differ: a year's sums are near each other and not equal.
    assert facilities["denominator"].sum() == pytest.approx(facilities["numerator"].sum(), rel=0.03)


@pytest.mark.parametrize("measure", recovered.MEASURES)
def test_another_library_agrees_with_the_fit_of_a_few_facilities(
    years: Years, measure: str
) -> None:
    compared = years.read(measured.cross_check_table(measure), RESET)
    if measure == "smosr" and compared.empty:
        # So few facilities can have too few switches for a finite estimate of every term: then the
        # fit of the sample is refused. families/test_survival compares its model in any case.
        return
    assert set(compared["program"]) >= {"dfc"}
    assert set(compared["facility_count"]) == {SAMPLE_FACILITIES}
    largest, sentence = describe_difference(compared)
    assert largest <= MOST_DIFFERENCE, sentence
