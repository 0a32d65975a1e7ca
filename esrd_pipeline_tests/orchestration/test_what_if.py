"""`esrd what-if` on stored years: what changes nothing, one facility, the nation, other rules."""

from pathlib import Path

import pandas as pd
import pytest

from esrd_pipeline.scoring_frames import OneFacility
from esrd_pipeline.tables import program
from esrd_pipeline.tables.measured import CONTRACT
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline.what_if.changes import ScenarioError
from esrd_pipeline.what_if.overlay import parse_setting
from esrd_pipeline.what_if.scenario import count_moved, imagine, list_moved, read_stored
from esrd_pipeline_tests.orchestration.commands import run_here
from esrd_pipeline_tests.orchestration.conftest import PUBLISHED_YEARS, Refreshed

YEAR = PUBLISHED_YEARS[-1]
_FOUND = ["ccn", "performance_year", "measure", "achievement_score", "score", "reason"]


@pytest.fixture(scope="module")
def warehouse(refreshed: Refreshed) -> Warehouse:
    return Warehouse(refreshed.data / "warehouse")


@pytest.fixture(scope="module")
def worst(warehouse: Warehouse) -> str:
    """The facility with the lowest TPS."""
    totals = warehouse.read(program.QIP_TPS, YEAR)
    return str(totals.loc[totals["tps"].astype(float).idxmin(), "ccn"])


def test_a_scenario_that_changes_nothing_equals_the_stored_scores(
    warehouse: Warehouse, worst: str
) -> None:
    """Of every facility together and of one alone; `read_stored` refuses anything else."""
    for ccn in (None, worst):
        stored = read_stored(warehouse, YEAR, ccn)
        numerator = warehouse.read(
            CONTRACT, YEAR, where={"ccn": worst, "program": "qip", "measure": "ltc"}
        )["numerator"].iloc[0]
        same = imagine(stored, [parse_setting(f"ltc.numerator={float(numerator)}", worst)])
        pd.testing.assert_frame_equal(
            same.scores.measures, stored.scores.measures, check_exact=True
        )
        pd.testing.assert_frame_equal(same.scores.totals, stored.scores.totals, check_exact=True)
        assert list_moved(stored, same).empty


def test_scores_that_are_not_of_the_stored_rows_are_refused(
    refreshed: Refreshed, tmp_path: Path
) -> None:
    copy = Warehouse(refreshed.copy_to(tmp_path / "data") / "warehouse")
    path = copy.partition_path(program.QIP_TPS, YEAR)
    earlier = copy.partition_path(program.QIP_TPS, YEAR - 1)
    path.write_bytes(earlier.read_bytes())
    with pytest.raises(ScenarioError, match=rf"program.qip_tps of {YEAR} is not what its stored"):
        read_stored(copy, YEAR)


def test_one_facility_alone_scores_as_among_all(warehouse: Warehouse, worst: str) -> None:
    every = read_stored(warehouse, YEAR).scores.measures
    alone = read_stored(warehouse, YEAR, worst).scores.measures
    mine = every[every["ccn"] == worst].reset_index(drop=True)
    pd.testing.assert_frame_equal(mine[_FOUND], alone[_FOUND], check_exact=True)


def test_a_perfect_year_moves_this_facility_alone(warehouse: Warehouse, worst: str) -> None:
    stored = read_stored(warehouse, YEAR)
    scored = stored.scores.measures
    mine = scored[(scored["ccn"] == worst) & scored["benchmark"].notna() & scored["score"].notna()]
    settings = [
        parse_setting(f"{row.measure}.value={row.benchmark!r}", worst) for row in mine.itertuples()
    ]
    outcome = imagine(stored, settings)
    moved = list_moved(stored, outcome)
    assert moved["ccn"].tolist() == [worst]
    assert moved["tps_after"].iloc[0] > moved["tps_before"].iloc[0]
    assert count_moved(moved, "network")["lower_reduction"].sum() == 1


def test_the_command_tells_of_a_facility(refreshed: Refreshed, published: Path, worst: str) -> None:
    code, text = run_here(refreshed.data, published, "what-if", "--year", str(YEAR), "--ccn", worst)
    assert code == 0, text
    assert "The next point of each measure" in text
    assert "The fewest events, over all measures together, to a lower reduction" in text
    assert "2,000 draws, seed 2728" in text
    assert max(map(len, text.splitlines())) <= 80


def test_the_command_compares_a_scenario(refreshed: Refreshed, published: Path, worst: str) -> None:
    arguments = ("what-if", "--year", str(YEAR), "--ccn", worst, "--set", "ltc.value=0")
    code, text = run_here(refreshed.data, published, *arguments)
    assert code == 0, text
    (line,) = [line for line in text.splitlines() if line.startswith("ltc ")]
    assert line.split()[-2:] == ["10", "*"]


def test_the_command_reads_a_scenario_file(
    refreshed: Refreshed, published: Path, worst: str, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.csv"
    rows = f"contract,{worst},ltc,value,0\nrules,,,minimum_tps,100\n"
    plan.write_text(f"table,ccn,measure,column,value\n{rows}", encoding="utf-8")
    arguments = ("what-if", "--year", str(YEAR), "--scenario", str(plan))
    code, text = run_here(refreshed.data, published, *arguments)
    assert code == 0, text
    # At a minimum of 100 nearly every facility comes to a higher reduction.
    assert "chain                                     higher     lower   TPS alone" in text
    assert worst in text


def test_the_command_tells_who_moves_by_amended_rules(
    refreshed: Refreshed, published: Path, tmp_path: Path
) -> None:
    out = tmp_path / "moved.csv"
    arguments = ("what-if", "--year", str(YEAR), "--rule-set", "amended", "--out", str(out))
    code, text = run_here(refreshed.data, published, *arguments)
    assert code == 0, text
    moved = pd.read_csv(out, dtype={"ccn": str})
    assert text.startswith(f"{len(moved)} of ")
    assert len(moved) > 0
    assert moved["ccn"].is_monotonic_increasing


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "give --ccn, or values, or another rule set"),
        (("--set", "shr.numerator=3"), "column 'ccn': is needed for contract"),
        (("--ccn", "012345"), "012345 is no facility of"),
        (("--rule-set", "other"), "other"),
    ],
)
def test_what_cannot_be_answered_is_said(
    refreshed: Refreshed, published: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    code, text = run_here(refreshed.data, published, "what-if", "--year", str(YEAR), *arguments)
    assert code != 0
    assert "Traceback" not in text
    assert sentence in text


def test_a_year_without_rules_is_refused(warehouse: Warehouse) -> None:
    years = [year for year in PUBLISHED_YEARS if year < YEAR]
    for year in years:
        stored = warehouse.read(program.QIP_MEASURE_SCORE, year)
        if stored.empty:
            with pytest.raises(ScenarioError, match="has no rule set"):
                read_stored(warehouse, year)
            return
    pytest.fail("every published year has a rule set")


def test_a_facility_is_read_by_itself(warehouse: Warehouse, worst: str) -> None:
    """Rows with `ccn` are the facility's; what is read without it is of the nation."""
    one = OneFacility(warehouse, YEAR, worst)
    assert set(one.read(CONTRACT, columns=("ccn", "measure"))["ccn"]) == {worst}
    assert len(one.read(CONTRACT, columns=("program", "measure"))) > 1000
