"""Payment year 2024 as CMS published it by measure: TPS and reductions of every facility.

Measure scores are taken as printed. The ICH CAHPS score is in no file: a TPS is exact where another
measure's footnote says that there is none, and elsewhere must follow from one whole score.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from esrd_pipeline.families.published import (
    build_directory,
    build_national,
    publish_contract,
    publish_results,
)
from esrd_pipeline.families.published_layouts import render_qip
from esrd_pipeline.program.agreement_zeros import find_zeros
from esrd_pipeline.program.qip_arithmetic import TOP_SCORE, divide_half_up
from esrd_pipeline.program.qip_domains import score_domains
from esrd_pipeline.program.qip_rules import load_rules
from esrd_pipeline.program.qip_scores import score_measures
from esrd_pipeline.program.qip_standards import compute_standards
from esrd_pipeline.program.qip_tps import reduce_payment, score_tps
from esrd_pipeline.program.qip_weights import apply_weights, list_facilities, spread_scores
from esrd_pipeline.tables.facility import PUBLISHED
from esrd_pipeline_tests.program.qip_frames import grants
from esrd_pipeline_tests.reason_texts import text_of
from esrd_pipeline_tests.shared_files import needs_cms_public

pytestmark = needs_cms_public

YEAR = 2022
PY2024 = load_rules(2024)
FACILITIES = 7715
WITH_TPS = 7561
NO_TPS = -1
SURVEY = [rule.measure for rule in PY2024.domain_measures].index("ich_cahps")
SURVEY_IS_ZERO = (
    *("142696", "232345", "262699", "282319", "322310"),
    *("362344", "552590", "552675", "852573"),
)
"""Facilities with fewer than 11 in-center patients in the infection file whose TPS has a zero."""


@dataclass(frozen=True, slots=True)
class Scored:
    """The year's tables: CMS's results, and ours from its measure scores."""

    results: pd.DataFrame
    measures: pd.DataFrame
    domains: pd.DataFrame
    tps: pd.DataFrame

    def printed(self, measure: str) -> pd.Series:
        """Return what CMS printed, by CCN."""
        rows = self.results[self.results["measure"] == measure]
        return rows.set_index("ccn")["score"].astype("float64")


@pytest.fixture(scope="module")
def scored(by_measure: pd.DataFrame) -> Scored:
    national = build_national(performance_year=YEAR, dfc=None, dfc_national=None, qip=by_measure)
    contract = publish_contract(
        performance_year=YEAR, dfc=None, qip=by_measure, ich_cahps=None, national=national
    )
    results = publish_results(performance_year=YEAR, dfc=None, qip=by_measure, ich_cahps=None)
    measures = score_measures(
        rules=PY2024,
        performance_year=YEAR,
        current=contract,
        improvement=None,
        earlier=None,
        standards=compute_standards(
            rules=PY2024,
            performance_year=YEAR,
            baseline=None,
            baseline_year=PY2024.baseline_year,
            current=contract,
        ),
        directory=build_directory(performance_year=YEAR, dfc=None, qip=by_measure),
        ece_grants=grants([]),
        published_results=results,
    )
    return Scored(
        results=results,
        measures=measures,
        domains=score_domains(rules=PY2024, performance_year=YEAR, measure_scores=measures),
        tps=score_tps(rules=PY2024, performance_year=YEAR, measure_scores=measures),
    )


def test_every_printed_score_is_taken(scored: Scored) -> None:
    ours = scored.measures.set_index("ccn")
    for rule in PY2024.measures:
        mine = ours.loc[ours["measure"] == rule.measure, "score"].astype("float64")
        pd.testing.assert_series_equal(
            mine,
            scored.printed(rule.measure),
            check_names=False,
            check_index_type=False,
            obj=rule.measure,
        )
    assert scored.measures["reason"].notna().eq(scored.measures["score"].isna()).all()


def test_the_vascular_access_topic_is_the_mean_of_its_two_rates(scored: Scored) -> None:
    """Other fixed weights do not give what CMS printed."""
    fistula, catheter, topic = (
        scored.printed(name).dropna() for name in ("sfr", "ltc", "vascular_access")
    )
    assert len(topic) == 7189
    agreeing = {
        share: sum(
            int(Fraction(share) * int(f) + (1 - Fraction(share)) * int(c) + Fraction(1, 2)) == t
            for f, c, t in zip(fistula, catheter, topic, strict=True)
        )
        for share in ("1/2", "3/5", "2/5")
    }
    assert agreeing == {"1/2": 7189, "3/5": 5477, "2/5": 4800}


def test_the_tps_is_exact_where_all_scores_are_known(scored: Scored) -> None:
    printed = scored.printed("tps")
    known = scored.tps[scored.tps["tps"].notna()].set_index("ccn")
    assert len(known) == 605
    differing = known.index[known["tps"].astype(float) != printed[known.index]]
    assert tuple(differing) == SURVEY_IS_ZERO
    reductions = scored.printed("payment_reduction")
    same = known.index.difference(differing)
    assert (known.loc[same, "payment_reduction"] == reductions[same]).all()
    assert scored.tps["reason"].value_counts().to_dict() == {
        "score_not_printed": 6969,
        "too_few_scored_domains": 141,
    }
    too_few = scored.tps.loc[scored.tps["reason"] == "too_few_scored_domains", "ccn"]
    assert printed[too_few].isna().all()


def test_a_tps_that_is_not_known_says_so(scored: Scored) -> None:
    row = scored.tps[scored.tps["reason"] == "score_not_printed"].iloc[0]
    assert pd.isna(row["tps"])
    assert pd.isna(row["payment_reduction"])
    assert row["working"].endswith("; not known: ich_cahps")
    assert text_of(row) == "a score that it rests on is printed in no file of the year"
    domains = scored.domains[scored.domains["ccn"] == row["ccn"]]
    assert domains["score"].isna().all()
    assert domains["weight"].isna().all()


def test_the_other_facilities_have_one_survey_score_that_gives_the_printed_tps(
    scored: Scored,
) -> None:
    ccns = list_facilities(scored.measures)
    spread = spread_scores(PY2024, scored.measures, ccns)
    printed = scored.printed("tps").reindex(ccns).fillna(NO_TPS).to_numpy()
    agrees: dict[int | None, np.ndarray] = {}
    for score in (None, *range(TOP_SCORE + 1)):
        scores, has_score = spread.scores.copy(), spread.scored.copy()
        scores[:, SURVEY], has_score[:, SURVEY] = score or 0, score is not None
        weights = apply_weights(PY2024, has_score, unknown=np.zeros_like(has_score))
        tps = divide_half_up(10 * (weights.measures * scores).sum(axis=1), weights.total)
        is_rated = (weights.domains > 0).sum(axis=1) >= PY2024.minimum_scored_domains
        agrees[score] = np.where(is_rated, tps, NO_TPS) == printed
    known = scored.tps.set_index("ccn").loc[ccns, "tps"].notna().to_numpy()
    others = ~known & (printed != NO_TPS)
    assert others.sum() == WITH_TPS - 605 == 6956
    assert np.any(list(agrees.values()), axis=0)[others].all()
    assert np.any(list(agrees.values()), axis=0).sum() == FACILITIES
    assert find_zeros(PY2024, scored.measures, scored.results) == set(SURVEY_IS_ZERO)
    # The nine with a zero, and what else they could have.
    at = ccns.get_indexer(pd.Index(SURVEY_IS_ZERO))
    assert agrees[0][at].all()
    assert not agrees[None][at].any()
    # Without a TPS nobody has a survey score that would have given one.
    assert agrees[None][printed == NO_TPS].sum() == FACILITIES - WITH_TPS


def test_weights_of_four_decimals_lose_a_point(scored: Scored) -> None:
    tps = scored.tps.set_index("ccn").loc["112864"]
    assert tps["unrounded_tps"] == 75.5
    assert tps["tps"] == scored.printed("tps")["112864"] == 76
    assert tps["working"] == ("0.35 x 318/7 + 0.45 x 88 + 0.2 x 100 = 75.5000000, rounded 76")
    domains = scored.domains[scored.domains["score"].notna()]
    shown = (domains["weight"] * domains["score"]).groupby(domains["ccn"]).sum()
    assert 75.49 < shown["112864"] < 75.5
    known = scored.tps[scored.tps["tps"].notna()].set_index("ccn")
    rounded = np.floor(shown[known.index] + 0.5)
    lost = known.index[rounded != known["tps"].astype(float)]
    assert tuple(lost) == ("112864", "322564", "362570", "492742", "552712")
    assert (known.loc[lost, "tps"] == scored.printed("tps")[lost]).all()


def test_every_reduction_follows_from_the_printed_tps(scored: Scored) -> None:
    tps, reductions = scored.printed("tps"), scored.printed("payment_reduction")
    with_tps = tps.dropna().astype(int)
    percents = reduce_payment(PY2024, with_tps.to_numpy())
    assert (percents == reductions[with_tps.index]).sum() == WITH_TPS
    assert (reductions[tps.isna()] == 0).all()
    assert len(reductions) == FACILITIES


def test_the_published_layout_keeps_the_tps_that_is_not_known(
    scored: Scored, by_measure: pd.DataFrame
) -> None:
    again = render_qip(
        performance_year=YEAR,
        base=by_measure,
        contract=pd.DataFrame(columns=[*PUBLISHED.column_names, "origin"]),
        earlier=pd.DataFrame(columns=[*PUBLISHED.column_names, "origin"]),
        scores=scored.measures,
        tps=scored.tps,
        smallest=11,
    )
    differing = again["total_performance_score"].fillna(NO_TPS) != by_measure[
        "total_performance_score"
    ].fillna(NO_TPS)
    assert tuple(again.loc[differing, "ccn"]) == SURVEY_IS_ZERO


def test_the_published_layout_has_the_printed_national_averages(
    scored: Scored, by_measure: pd.DataFrame
) -> None:
    """Whole numbers, halves up, of all facilities with a score."""
    again = render_qip(
        performance_year=YEAR,
        base=by_measure,
        contract=pd.DataFrame(columns=[*PUBLISHED.column_names, "origin"]),
        earlier=pd.DataFrame(columns=[*PUBLISHED.column_names, "origin"]),
        scores=scored.measures,
        tps=scored.tps,
        smallest=11,
    )
    names = [name for name in by_measure if name.endswith("_national_score") and name in again]
    printed = by_measure[names].astype(float).iloc[0].dropna()
    assert len(printed) >= 10
    assert (again[printed.index].astype(float) == printed).all(axis=None)
