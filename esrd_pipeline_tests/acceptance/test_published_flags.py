"""Categories recomputed from the limits of the real DFC file, compared with CMS's own.

The national levels are those of the file printed in July 2026, but for PPPW and SFR. Their level is
the mean of the facilities, and the national file counts other categories than the facilities' file
of April: it is of another release (reading 180; July's levels alone cost 10 and 14 agreements).

Of 71,950 categories 71,827 agree. Of the 123 others

    87   have a limit printed as the reference, as have 86 that agree: on which side of it the limit
         lies is not printed. SIR, SMoSR and SWR even have facilities with the same value and limits
         and different categories, so that no rule can tell them apart
    30   of SRR and ED30 have limits that exclude the reference, and CMS says as expected, never the
         other way round: the limits rest on another calculation than the test (2.10.13, 2.26.14).
         Where the limits stand tells nothing: one 6 % above the reference is as expected, others
         1 % above it worse
     6   of STrR saw no transfusion, and their upper limit is below the national rate. On the log
         scale of 2.12.16 they have no estimate; CMS tests them by their expected transfusions
         against the null, whose mean the limit leaves out (reading 25). Of the eight without
         transfusions and with such a limit, CMS calls the two with the lowest limits better

Where the digits tell the side, 71,741 of 71,777 agree: 99.95%.
"""

from dataclasses import dataclass

import pandas as pd
import pytest

from esrd_pipeline.families.published import build_national, publish_contract, publish_results
from esrd_pipeline.parameters.reasons import describe_rows
from esrd_pipeline.program.agreement import Agreement, Ours, compare_with_published
from esrd_pipeline.program.flags import flag_facilities
from esrd_pipeline.program.star_scores import unrated
from esrd_pipeline.sources.dfc_facility import read_dfc_facility
from esrd_pipeline.sources.dfc_national import read_dfc_national
from esrd_pipeline.tables import program
from esrd_pipeline.tables.model import Table
from esrd_pipeline_tests.shared_files import CMS_PUBLIC, needs_cms_public

pytestmark = needs_cms_public

YEAR = 2024
OF_THE_FACILITIES = ["pppw", "sfr"]
DISAGREE = {
    "ed30": 25,
    "nhsn_bsi": 19,
    "pppw": 2,
    "sedr": 7,
    "sfr": 4,
    "shr": 0,
    "smosr": 12,
    "smr": 11,
    "srr": 25,
    "strr": 6,
    "swr": 12,
}
"""Facilities whose printed category does not follow from the printed limits."""
CAUSES = {
    ("ed30", "category_of_unprinted_test"): 14,
    ("ed30", "limit_printed_as_reference"): 11,
    ("nhsn_bsi", "limit_printed_as_reference"): 19,
    ("pppw", "limit_printed_as_reference"): 2,
    ("sedr", "limit_printed_as_reference"): 7,
    ("sfr", "limit_printed_as_reference"): 4,
    ("smosr", "limit_printed_as_reference"): 12,
    ("smr", "limit_printed_as_reference"): 11,
    ("srr", "category_of_unprinted_test"): 16,
    ("srr", "limit_printed_as_reference"): 9,
    ("strr", "no_events_seen"): 6,
    ("swr", "limit_printed_as_reference"): 12,
}


@dataclass(frozen=True, slots=True)
class Published:
    """What the flags are computed from."""

    contract: pd.DataFrame
    national: pd.DataFrame
    results: pd.DataFrame


@pytest.fixture(scope="module")
def published() -> Published:
    dfc = read_dfc_facility(CMS_PUBLIC / "DFC_FACILITY_2026-04.csv", YEAR)
    dfc_national = read_dfc_national(CMS_PUBLIC / "DFC_NATIONAL_2026-07.csv", YEAR)
    national = build_national(performance_year=YEAR, dfc=dfc, dfc_national=dfc_national, qip=None)
    return Published(
        contract=publish_contract(
            performance_year=YEAR, dfc=dfc, qip=None, ich_cahps=None, national=national
        ),
        national=national,
        results=publish_results(performance_year=YEAR, dfc=dfc, qip=None, ich_cahps=None),
    )


def flag(published: Published, national: pd.DataFrame) -> pd.DataFrame:
    return flag_facilities(
        performance_year=YEAR,
        facilities=published.contract,
        national=national,
        published_results=published.results,
    )


@pytest.fixture(scope="module")
def flags(published: Published) -> pd.DataFrame:
    return flag(published, published.national)


def empty(table: Table) -> pd.DataFrame:
    return pd.DataFrame(columns=table.column_names)


@pytest.fixture(scope="module")
def agreement(published: Published, flags: pd.DataFrame) -> Agreement:
    stars = unrated(
        performance_year=YEAR,
        directory=pd.DataFrame({"ccn": pd.Series(dtype=object)}),
        published_results=published.results,
        reason="no_star_baseline",
    ).stars
    ours = Ours(
        flags=flags,
        measure_scores=empty(program.QIP_MEASURE_SCORE),
        domain_scores=empty(program.QIP_DOMAIN_SCORE),
        tps=empty(program.QIP_TPS),
        stars=stars,
        levels=published.national,
        standards=empty(program.QIP_STANDARD),
        origins=published.contract[["program", "measure"]].assign(origin="published"),
        star_periods=None,
    )
    return compare_with_published(
        performance_year=YEAR, published_results=published.results, ours=ours
    )


def find_differing(flags: pd.DataFrame, measure: str) -> tuple[pd.DataFrame, pd.Series]:
    """A measure's rows where both have a category, and which of them differ."""
    rows = flags[flags["measure"] == measure].dropna(subset=["category", "published_category"])
    return rows, rows["category"] != rows["published_category"]


def compare(flags: pd.DataFrame) -> pd.DataFrame:
    """Facilities, and disagreements, by measure where both have a category."""
    both = flags.dropna(subset=["category", "published_category"])
    differs = both["category"] != both["published_category"]
    return differs.groupby(both["measure"]).agg(["size", "sum"])


def test_a_national_file_of_another_release_leaves_the_facilities_means(
    published: Published,
) -> None:
    rows = published.national.set_index("measure")
    assert rows.loc[OF_THE_FACILITIES, "national"].round(2).tolist() == [16.39, 57.4]
    assert set(rows.loc[OF_THE_FACILITIES, "source"]) == {"mean of facilities"}
    assert set(rows.loc[["smr", "shr", "srr", "strr"], "source"]) == {"published"}


def test_how_many_follow_their_limits(flags: pd.DataFrame) -> None:
    counts = compare(flags)
    assert counts["size"].sum() == 71_950
    assert counts["sum"].to_dict() == DISAGREE
    assert (1 - counts["sum"] / counts["size"]).min() >= 0.996


def test_the_levels_of_a_later_release_cost_agreement(published: Published) -> None:
    national = published.national.set_index("measure")
    national.loc[OF_THE_FACILITIES, "national"] = [16.5, 57.1]
    counts = compare(flag(published, national.reset_index()))
    assert counts.loc[OF_THE_FACILITIES, "sum"].to_dict() == {"pppw": 12, "sfr": 18}


def test_every_difference_has_its_cause(agreement: Agreement) -> None:
    both = agreement.differences.dropna(subset=["ours", "theirs"])
    assert set(both["kind"]) == {"flag"}
    assert both.groupby(["measure", "reason"]).size().to_dict() == CAUSES


def test_where_the_file_has_enough_digits_999_of_1000_flags_agree(agreement: Agreement) -> None:
    counts = agreement.counts[agreement.counts["kind"] == "flag"]
    totals = counts[["compared_count", "equal_count", "decided_count", "decided_equal_count"]].sum()
    assert totals.tolist() == [71_950, 71_827, 71_777, 71_741]
    assert totals["decided_equal_count"] / totals["decided_count"] >= 0.9994


@pytest.mark.parametrize("measure", ["nhsn_bsi", "smosr", "swr"])
def test_facilities_printed_alike_have_different_categories(
    flags: pd.DataFrame, measure: str
) -> None:
    """No rule can find these categories from what is printed."""
    rows, differs = find_differing(flags, measure)
    same = rows.groupby(["value", "lower", "upper"], dropna=False)["published_category"]
    is_twofold = same.transform("nunique") == 2
    assert is_twofold.sum() >= 2
    touches = (rows["lower"] == rows["reference"]) | (rows["upper"] == rows["reference"])
    assert not (is_twofold & ~touches).any()
    assert not (differs & ~touches).any()


@pytest.mark.parametrize("measure", ["srr", "ed30"])
def test_limits_exclude_the_reference_and_cms_says_as_expected(
    flags: pd.DataFrame, measure: str
) -> None:
    """Never the other way round; and no distance of the limit tells who is concerned."""
    rows, differs = find_differing(flags, measure)
    touches = (rows[["lower", "upper"]] - 1).abs().min(axis=1) < 1e-9
    others = rows[differs & ~touches]
    assert set(others["published_category"]) == {"as"}
    farthest = others.loc[others["category"] == "worse", "lower"].max()
    worse = rows.loc[rows["published_category"] == "worse", "lower"]
    assert ((worse > 1) & (worse < farthest)).sum() >= 20


def test_strr_disagrees_where_no_transfusion_was_seen(flags: pd.DataFrame) -> None:
    rows, differs = find_differing(flags, "strr")
    assert rows.loc[differs, "value"].tolist() == [0.0] * 6
    without = rows[(rows["value"] == 0) & (rows["upper"] < 1)].sort_values("upper")
    assert without["published_category"].tolist() == ["better"] * 2 + ["as"] * 6
    # Between these two lies what CMS asks for: 8.6 expected transfusions (reading 25).
    assert without["upper"].round(3).tolist()[1:3] == [0.812, 0.908]


def test_only_three_printed_categories_are_withheld_by_the_size_rule(flags: pd.DataFrame) -> None:
    withheld = flags[flags["category"].isna() & flags["published_category"].notna()]
    assert withheld["measure"].tolist() == ["smosr"] * 3
    assert set(describe_rows(withheld)) == {"fewer than 11 patients"}
    assert set(withheld["unit_count"]) == {10.0}
    assert not (flags["category"].notna() & flags["published_category"].isna()).any()
