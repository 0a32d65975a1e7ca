"""Whole refreshes: four years in order, a bad file, the same bytes again, an export."""

import shutil
from fractions import Fraction
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from esrd_pipeline.settings import Settings, load_settings
from esrd_pipeline.tables import facility, program, report
from esrd_pipeline.tables.catalog import COMPUTED_TABLES, TABLES
from esrd_pipeline.tables.quarter_release import QUARTER_RELEASE
from esrd_pipeline.tables.site import SITE
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline_tests.orchestration.commands import digests, run_here
from esrd_pipeline_tests.orchestration.conftest import FACILITIES, PUBLISHED_YEARS, Refreshed

pytestmark = pytest.mark.slow


@pytest.fixture
def warehouse(refreshed: Refreshed) -> Warehouse:
    return Warehouse(refreshed.data / "warehouse")


@pytest.fixture
def changeable(refreshed: Refreshed, tmp_path: Path) -> Path:
    """A copy of the refreshed data folder."""
    return refreshed.copy_to(tmp_path / "data")


def test_every_table_of_every_year_is_stored(warehouse: Warehouse) -> None:
    for table in TABLES:
        expected = [2022] if table is program.STAR_BASELINE else list(PUBLISHED_YEARS)
        # Nothing is computed from patients where there are published files alone; a site and a
        # release are made when they are asked for.
        if table in (*COMPUTED_TABLES, SITE, QUARTER_RELEASE):
            expected = []
        assert warehouse.years(table) == expected, table.name


def test_the_command_ends_with_a_table_and_where_the_results_are(refreshed: Refreshed) -> None:
    text = refreshed.output
    assert "Performance year 2025 (real files)" in text
    assert "Total Performance Score" in text
    assert f"{refreshed.data}/warehouse/<layer>/<table>/performance_year=2025" in text.replace(
        "\n", ""
    )


def test_standards_come_from_two_years_before_and_say_so(warehouse: Warehouse) -> None:
    standards = warehouse.read(program.QIP_STANDARD, 2025)
    known = standards.set_index("measure")["standard_source"].dropna()
    # The 2023 file prints no Kt/V measure of 2025: their standards are supplied beside the files.
    supplied = known.index.str.startswith("ktv_")
    assert known[~supplied].unique().tolist() == ["computed from 2023"]
    assert known["ktv_adult_hd"].startswith("published: percentiles of the synthetic nation")
    assert standards["benchmark"].notna().sum() >= 10


def test_a_year_without_a_rule_set_has_no_score_and_says_why(warehouse: Warehouse) -> None:
    tps = warehouse.read(program.QIP_TPS, 2023)
    assert tps["tps"].isna().all()
    assert len(tps)
    assert tps["payment_reduction"].isna().all()
    assert tps["reason"].unique().tolist() == ["no_rule_set"]


def test_a_year_of_scores_as_printed_has_them_all(warehouse: Warehouse) -> None:
    results = warehouse.read(facility.PUBLISHED_RESULT, 2022).set_index(["measure", "ccn"])
    scores = warehouse.read(program.QIP_MEASURE_SCORE, 2022).set_index(["measure", "ccn"])
    for measure in ("shr", "ich_cahps", "nhsn_bsi"):
        printed = results.loc[measure, "score"].dropna()
        assert (scores.loc[measure, "score"].dropna() == printed).all()
    tps = warehouse.read(program.QIP_TPS, 2022)
    assert set(tps["payment_year"]) == {2024}
    assert tps["tps"].notna().sum() > FACILITIES / 2


def test_a_tps_can_be_recomputed_by_hand_from_the_three_tables(warehouse: Warehouse) -> None:
    measures = warehouse.read(program.QIP_MEASURE_SCORE, 2025)
    domains = warehouse.read(program.QIP_DOMAIN_SCORE, 2025)
    tps = warehouse.read(program.QIP_TPS, 2025)
    own = measures.loc[(measures["role"] == "measure") & measures["score"].notna()]
    weighted = own["weight_in_domain"] * own["score"].astype(float) * 10
    by_hand = weighted.groupby([own["ccn"], own["domain"]]).sum()
    scored = domains.loc[domains["score"].notna()].set_index(["ccn", "domain"])
    assert (by_hand - scored["score"]).abs().max() < 1e-9
    # The domains as shown come near; the sum that is written out is exact.
    total = (scored["weight"] * scored["score"]).groupby("ccn").sum()
    known = tps.loc[tps["tps"].notna()].set_index("ccn")
    assert len(known) > FACILITIES / 2
    assert (total.loc[known.index] - known["unrounded_tps"]).abs().max() < 0.06
    for row in known.itertuples():
        terms, _, _ = row.working.partition(" = ")
        pairs = (term.split(" x ") for term in terms.split(" + "))
        exact = sum(Fraction(weight) * Fraction(score) for weight, score in pairs)
        assert row.tps == int(exact + Fraction(1, 2))


def test_the_baseline_year_gets_the_shares_a_reset_promises(warehouse: Warehouse) -> None:
    rating = warehouse.read(program.STARS, 2022)["rating"].dropna().astype(int)
    shares = rating.value_counts(normalize=True).sort_index()
    for stars, share in zip(range(1, 6), (0.1, 0.2, 0.4, 0.2, 0.1), strict=True):
        assert abs(shares[stars] - share) <= 1 / len(rating), stars
    later = warehouse.read(program.STARS, 2025)
    assert later["baseline_year"].dropna().unique().tolist() == [2022]


def test_the_database_of_views_is_there_to_query(refreshed: Refreshed) -> None:
    with duckdb.connect(str(refreshed.data / "esrd.duckdb"), read_only=True) as connection:
        rows = connection.execute(
            "SELECT performance_year, count(*) FROM program.qip_tps GROUP BY ALL ORDER BY ALL"
        ).fetchall()
    assert [year for year, _ in rows] == list(PUBLISHED_YEARS)


def test_agreement_compares_what_the_file_prints(warehouse: Warehouse) -> None:
    agreement = warehouse.read(report.PUBLISHED_AGREEMENT, 2025)
    compared = agreement.set_index(["program", "measure", "kind"])["compared_count"]
    # The generated files print categories, which follow from their limits; they print no TPS.
    assert compared["dfc", "shr", "flag"] > 0
    assert compared.get(("qip", "tps", "tps"), 0) == 0


def test_every_difference_that_is_counted_is_listed(warehouse: Warehouse) -> None:
    counts = warehouse.read(report.PUBLISHED_AGREEMENT, 2025)
    counts = counts.set_index(["program", "measure", "kind"])
    differences = warehouse.read(report.AGREEMENT_DIFFERENCE, 2025)
    both = differences.dropna(subset=["ours", "theirs"])
    listed = both.groupby(["program", "measure", "kind"]).size()
    counted = counts["compared_count"] - counts["equal_count"]
    assert listed.to_dict() == counted[counted > 0].to_dict()


def test_the_same_year_again_gives_the_same_bytes(changeable: Path, published: Path) -> None:
    before = digests(changeable / "warehouse")
    code, text = run_here(changeable, published, "refresh", "--year", "2024")
    assert code == 0, text
    assert digests(changeable / "warehouse") == before


def test_a_bad_file_stops_its_step_and_nothing_stored_is_lost(
    changeable: Path, published: Path, tmp_path: Path
) -> None:
    data, bad = changeable, tmp_path / "published"
    shutil.copytree(published, bad)
    before = digests(data / "warehouse")
    file = next((bad / "2025").glob("DFC_FACILITY*.csv"))
    lines = file.read_bytes().split(b"\n")
    file.write_bytes(b"\n".join([*lines[:5], lines[4], *lines[5:]]))
    code, text = run_here(data, bad, "refresh", "--year", "2025")
    assert code == 1
    assert "refresh_published 2025 failed." in text
    assert f"raw.dfc_facility: SourceError: {file.name}, row 6, column" in text
    assert "Traceback" not in text
    after = digests(data / "warehouse")
    changed = {path.split("/")[1] for path in before if after[path] != before[path]}
    assert changed == {"release"}
    (line,) = [line for line in text.splitlines() if "SourceError" in line]
    assert line.endswith("is already in row 5")


def test_an_export_is_written_once_and_hides_small_counts(
    changeable: Path, published: Path
) -> None:
    data = changeable
    code, text = run_here(data, published, "export", "--year", "2025", "--name", "approved")
    assert code == 0, text
    folder = data / "releases" / "2025" / "approved"
    stored = Warehouse(data / "warehouse").read(facility.PUBLISHED, 2025)
    is_small = (stored["unit"] == "patients") & stored["unit_count"].between(1, 10)
    rows = pd.read_csv(folder / "facility.published.csv", dtype={"ccn": str})
    assert rows["ccn"].tolist() == stored["ccn"].tolist()
    assert is_small.sum() > 10
    hidden = rows.loc[is_small.to_numpy(), ["unit_count", "numerator", "denominator", "value"]]
    assert hidden.isna().all(axis=None)
    kept = rows.loc[~is_small.to_numpy(), "unit_count"]
    assert kept.notna().sum() == stored.loc[~is_small, "unit_count"].notna().sum()
    before = digests(folder)
    code, text = run_here(data, published, "export", "--year", "2025", "--name", "approved")
    assert code == 1
    assert "release approved of 2025 exists; it stays as is" in text
    assert digests(folder) == before


def test_a_year_that_is_none_is_refused(published: Path, tmp_path: Path) -> None:
    code, text = run_here(tmp_path, published, "refresh", "--year", "1999")
    assert code == 1
    assert "1999 is before 2015, the first performance year of a published file" in text
    code, text = run_here(tmp_path, published, "refresh", "--year", "2999")
    assert code == 1
    assert "2999 is not a performance year: 2015 to" in text
    code, text = run_here(tmp_path, published, "refresh", "--year", "2021")
    assert code == 1
    assert "/2021: no file named DFC_FACILITY*.csv or *QIP_COMPLETE*.csv" in text
    assert "no patient-level file in" in text


def test_the_embedded_default_has_a_warehouse_of_its_own(
    world: Settings, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_settings().origin == "embedded"
    assert load_settings().warehouse_dir == world.data_dir / "embedded" / "warehouse"
    monkeypatch.setenv("ESRD_PUBLISHED_DIR", str(published))
    assert load_settings().warehouse_dir == world.data_dir / "warehouse"
    assert facility.PUBLISHED.name == "facility.published"
