"""Four years of a nation from patient-level files alone: standards, improvement, star baselines.

All in one file: the years are refreshed once, for all of it.
"""

import pandas as pd
import pytest

from esrd_pipeline.definitions import defs
from esrd_pipeline.orchestration.instance import prepare_dagster_home
from esrd_pipeline.orchestration.launch import LAYERS, run_job
from esrd_pipeline.program.qip_rules import load_rules
from esrd_pipeline.program.star_rules import load_star_rules
from esrd_pipeline.settings import load_settings
from esrd_pipeline.synthetic.nation import run
from esrd_pipeline.synthetic.nation.block import Span
from esrd_pipeline.tables import facility, measured, program
from esrd_pipeline.tables.model import Table
from esrd_pipeline.warehouse import Warehouse

FACILITIES = 60
SEED = 11
RESET, SECOND, REBASELINED, LAST = range(2022, 2026)
BEFORE_WAITLISTING, WITH_WAITLISTING = "2018-10", "2023-10"
THROUGH_FACILITY = LAYERS[: LAYERS.index("facility") + 1]
RATIOS = ["shr", "smr", "srr", "strr", "swr"]


class Years:
    """What is stored of the four years, and the stars of one before its rebaselining."""

    def __init__(self, warehouse: Warehouse, stars_before: pd.DataFrame) -> None:
        self.warehouse = warehouse
        self.stars_before = stars_before

    def read(self, table: Table, year: int, of: str | None = None) -> pd.DataFrame:
        """Return a year of a table, of one program or all."""
        where = None if of is None else {"program": of}
        return self.warehouse.read(table, year, where=where)


@pytest.fixture(scope="module")
def years(tmp_path_factory: pytest.TempPathFactory) -> Years:
    """2022 is a reset on the measures of 2018; 2024 is rebaselined when waitlisting comes in."""
    folder = tmp_path_factory.mktemp("years")
    nation = folder / "nation"
    span = Span(seed=SEED, first_year=RESET, last_year=LAST)
    run.synthesize_nation(run.Order(FACILITIES, span, nation, workers=1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ESRD_DATA_DIR", str(folder))
        patch.setenv("ESRD_PATIENT_DIR", str(nation))
        # Its lists of granted exceptions, and no published file.
        patch.setenv("ESRD_PUBLISHED_DIR", str(nation))
        patch.setenv("DAGSTER_HOME", str(folder / "dagster_home"))
        prepare_dagster_home(load_settings().dagster_home)
        warehouse = Warehouse(load_settings().warehouse_dir)
        _refresh(RESET, "reset_star_baseline", operation="reset", measures=BEFORE_WAITLISTING)
        _refresh(SECOND)
        _refresh(REBASELINED)
        stars = warehouse.read(program.STARS, REBASELINED)
        _launch("rebaseline_stars", REBASELINED, operation="rebaseline", measures=WITH_WAITLISTING)
        run_job(defs, "refresh", REBASELINED, tags={}, run_config={}, layers=("program",))
        _refresh(LAST)
    return Years(warehouse, stars)


def _refresh(year: int, job: str | None = None, *, operation: str = "", measures: str = "") -> None:
    """Refresh a year, with a star operation between its facilities and its program."""
    if job is None:
        run_job(defs, "refresh", year, tags={}, run_config={})
        return
    run_job(defs, "refresh", year, tags={}, run_config={}, layers=THROUGH_FACILITY)
    _launch(job, year, operation=operation, measures=measures)
    run_job(defs, "refresh", year, tags={}, run_config={}, layers=("program", "report"))


def _launch(job: str, year: int, *, operation: str, measures: str) -> None:
    config = {"operation": operation, "measure_set": measures}
    run_job(defs, job, year, tags={}, run_config={"ops": {_STEP: {"config": config}}})


_STEP = "_".join(program.STAR_BASELINE.path)


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
        told = contract[(contract["program"] == name) & contract["reportable"].astype(bool)]
        assert needed <= set(told["measure"]), (name, needed - set(told["measure"]))


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
