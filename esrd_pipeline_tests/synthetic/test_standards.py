"""The standards written with the files, and the Kt/V topic scored with them."""

from pathlib import Path

import pandas as pd
import pytest

from esrd_pipeline.families.published import (
    build_directory,
    build_national,
    publish_contract,
    publish_improvement,
    publish_results,
)
from esrd_pipeline.program.qip_rules import load_rules
from esrd_pipeline.program.qip_scores import score_measures
from esrd_pipeline.program.qip_standards import compute_standards
from esrd_pipeline.sources.errors import MissingSourceError
from esrd_pipeline.synthetic.standards import list_new_measures
from esrd_pipeline_tests.synthetic.conftest import YEARS
from esrd_pipeline_tests.synthetic.generated_files import read_source

KTV = ["ktv_adult_hd", "ktv_adult_pd", "ktv_pediatric_hd", "ktv_pediatric_pd"]
MARKS = ["achievement_threshold", "performance_standard", "benchmark"]
WITH_STANDARDS = (2025, 2026)


def test_measures_are_new_when_the_baseline_year_s_layout_lacks_them() -> None:
    assert {year: list_new_measures(year, year - 2) for year in range(2021, 2030)} == {
        year: KTV if year in WITH_STANDARDS else [] for year in range(2021, 2030)
    }


@pytest.mark.parametrize("year", YEARS)
def test_standards_are_written_where_the_baseline_year_gives_none(
    published: Path, year: int
) -> None:
    if year not in WITH_STANDARDS:
        with pytest.raises(MissingSourceError):
            read_source(published, "qip_standard", year)
        return
    frame = read_source(published, "qip_standard", year)
    # Fewer than ten of 300 facilities have 11 pediatric patients.
    assert frame["measure"].tolist() == ["ktv_adult_hd", "ktv_adult_pd"]
    assert set(frame["citation"]) == {
        f"percentiles of the synthetic nation in {year - 2}, not of any real facility"
    }


def test_standards_are_percentiles_of_the_baseline_year_s_rates(published: Path) -> None:
    """The 2025 file has 2024's rates of most facilities in 2026's standards."""
    rates = read_source(published, "qip_complete", 2025)
    standards = read_source(published, "qip_standard", 2026).set_index("measure")
    for measure in ("ktv_adult_hd", "ktv_adult_pd"):
        printed = rates[f"{measure}_improvement_rate"].dropna()
        percentiles = printed.quantile([0.15, 0.5, 0.9]).tolist()
        assert standards.loc[measure, MARKS].tolist() == pytest.approx(percentiles, abs=0.005)


def contract(root: Path, year: int) -> pd.DataFrame:
    qip = read_source(root, "qip_complete", year)
    national = build_national(performance_year=year, dfc=None, dfc_national=None, qip=qip)
    return publish_contract(
        performance_year=year, dfc=None, qip=qip, ich_cahps=None, national=national
    )


def score(root: Path, supplied: pd.DataFrame | None) -> pd.DataFrame:
    """Score 2025 as the pipeline does; indexed by measure and facility."""
    year, rules = 2025, load_rules(2027)
    qip, dfc = read_source(root, "qip_complete", year), read_source(root, "dfc_facility", year)
    current = contract(root, year)
    scores = score_measures(
        rules=rules,
        performance_year=year,
        current=current,
        improvement=publish_improvement(performance_year=year, qip=qip),
        earlier=contract(root, year - 1),
        standards=compute_standards(
            rules=rules,
            performance_year=year,
            baseline=contract(root, year - 2),
            baseline_year=year - 2,
            current=current,
            supplied=supplied,
        ),
        directory=build_directory(performance_year=year, dfc=dfc, qip=qip),
        ece_grants=read_source(root, "ece_grant", year),
        published_results=publish_results(performance_year=year, dfc=None, qip=qip, ich_cahps=None),
    )
    return scores.set_index(["measure", "ccn"])


def test_the_ktv_topic_of_2025_is_scored_with_the_standards(published: Path) -> None:
    scores = score(published, read_source(published, "qip_standard", 2025))
    topic = scores.loc["ktv_topic", "score"]
    assert topic.notna().mean() > 0.9
    assert set(topic.dropna()) == set(range(11))
    adults = scores.loc["ktv_adult_hd"]
    assert topic[adults.index[adults["score"].notna()]].notna().all()
    assert scores.loc["ktv_pediatric_hd", "score"].isna().all()


def test_the_ktv_topic_of_2025_is_not_scored_without_them(published: Path) -> None:
    scores = score(published, None)
    assert scores.loc["ktv_topic", "score"].isna().all()
    assert scores.loc["ltc", "score"].notna().mean() > 0.8
