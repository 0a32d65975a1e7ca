"""A planted hurricane, from raw files to its effect: limits hold the truth, and elsewhere the null.

A nation of 120 facilities, of which only what the effect reads is computed.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from esrd_pipeline.definitions import defs
from esrd_pipeline.emergency.effect import estimate_effect, find_unaffected
from esrd_pipeline.emergency.records import StoredRecords
from esrd_pipeline.orchestration.launch import run_job
from esrd_pipeline.sql import load_select
from esrd_pipeline.synthetic.nation import run
from esrd_pipeline.synthetic.nation.block import Span
from esrd_pipeline.synthetic.nation.hurricanes import Hurricane
from esrd_pipeline.tables.emergency import COMPARISONS, FACILITY_OUTCOME
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline_tests.acceptance.raw_jobs import read_from

pytestmark = pytest.mark.slow

YEAR, SEED, FACILITIES = 2024, 1, 120
DAY = date(YEAR, 9, 26)
EARLY, MISSED, HARM = 0.6, 0.3, 2.0
STRUCK, SPARED = ("CA", "NY", "TX"), ("GA", "NC", "OH", "PA")
EVENTS = ("emergency visits", "admissions", "deaths")


@dataclass(frozen=True)
class Found:
    """The effect in the struck and in the spared states, by outcome and comparison."""

    raw: Path
    struck: pd.DataFrame
    spared: pd.DataFrame

    def truth(self, name: str) -> pd.DataFrame:
        """Return a table of the truth."""
        return pq.read_table(self.raw / "truth" / f"{name}.parquet").to_pandas()


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    folder = tmp_path_factory.mktemp("hurricane")
    raw = folder / "raw"
    span = Span(SEED, YEAR - 1, YEAR)
    planted = tuple(Hurricane(state, DAY, EARLY, MISSED, HARM) for state in STRUCK)
    run.synthesize_nation(run.Order(FACILITIES, span, raw, workers=1, hurricanes=planted))
    with pytest.MonkeyPatch.context() as patch:
        read_from(raw, folder, patch)
        run_job(defs, "measure", YEAR - 1, tags={}, run_config={}, layers=("raw",))
        run_job(defs, "measure", YEAR, tags={}, run_config={}, tables=_list_read())
    records = StoredRecords(Warehouse(folder / "warehouse"), YEAR, raw / run.NETWORK_FOLDER)
    outcomes = records.read_outcomes(DAY)
    reports, declarations, _ = records.read_inputs()
    nation = run.draw_nation(FACILITIES, SEED)
    directory = pd.concat(
        [
            nation[[number, "state"]].set_axis(["ccn", "state"], axis=1)
            for number in ("number", "next_number")
        ]
    ).query("ccn != ''")

    def estimate(states: tuple[str, ...]) -> pd.DataFrame:
        ccns = frozenset(directory.loc[directory["state"].isin(states), "ccn"])
        others = find_unaffected(directory, declarations, reports, day=DAY, ccns=ccns)
        effects = estimate_effect(
            outcomes, day=DAY, area="+".join(states), ccns=ccns, unaffected=others
        )
        return effects.set_index(["outcome", "comparison"])

    return Found(raw, estimate(STRUCK), estimate(SPARED))


def _list_read() -> list[str]:
    """Return the tables that the effect's SELECT reads, and all that those read."""
    graph = defs.resolve_asset_graph()
    names = {source.table for source in load_select(FACILITY_OUTCOME.name).sources}
    keys = {key for key in graph.get_all_asset_keys() if ".".join(key.path) in names}
    while more := {up for key in keys for up in graph.get(key).parent_keys} - keys:
        keys |= more
    return sorted(".".join(key.path) for key in keys & {*graph.get_all_asset_keys()})


def test_limits_hold_what_was_planted(found: Found) -> None:
    for comparison in COMPARISONS:
        rows = found.struck.xs(comparison, level="comparison")
        early = rows.loc["dialysed early"]
        usual = early["comparison_events"] / early["comparison_amount"]
        truth = {"dialysed early": EARLY / (1 - EARLY) / (usual / (1 - usual))}
        truth |= {"sessions received": 1 - MISSED}
        truth |= dict.fromkeys(EVENTS, HARM)
        for outcome, value in truth.items():
            row = rows.loc[outcome]
            assert row["lower"] < value < row["upper"], f"{comparison}\n{rows.to_string()}"
        assert (rows.loc[[*EVENTS[:2], "treated elsewhere", "dialysed early"], "lower"] > 1).all()
        assert rows.loc["sessions received", "upper"] < 1


def test_who_is_treated_elsewhere_is_found(found: Found) -> None:
    labels = found.truth("data_defects")
    guests = labels.loc[
        labels["KIND"] == "treated elsewhere in a hurricane", "PATIENT_ID"
    ].nunique()
    rows = found.struck.xs("treated elsewhere", level="outcome")
    # Beside those of the hurricane are the few who are treated elsewhere in any week; some of the
    # hurricane's have not been at their facility for 30 days.
    share = rows["comparison_events"] / rows["comparison_amount"]
    others = (rows["patients"] * share).max()
    assert (rows["events"] < guests + 2 * others).all()
    assert (rows["events"] > 0.85 * guests).all()


def test_where_there_was_none_there_is_no_effect(found: Found) -> None:
    rows = found.spared.dropna(subset=["ratio"])
    # Of a few treated elsewhere in these states there may be none in one of the years.
    assert len(rows) >= 11
    assert ((rows["lower"] < 1) & (rows["upper"] > 1)).all(), rows.to_string()
    assert rows.loc["sessions received", "ratio"].between(0.97, 1.03).all()
