"""Categories recomputed from the limits of the real DFC file, compared with CMS's own.

The national levels are those of the file printed in July 2026, but for PPPW and SFR: these two
moved between the releases (July's levels alone cost 10 and 14 agreements), so their level is what
`build_national` makes of the April file alone: the mean of its facilities, 16.39 and 57.40. With
it, 17 of 28,945 facilities with limits disagree on SMR, SHR, PPPW and SFR together (99.94% agree).
Eleven of them are SMR, each with a limit printed as 22.2, the national rate: to one decimal nobody
can say on which side it lies, and ten more such facilities are called as expected, as the rule
says.
"""

from dataclasses import dataclass

import pandas as pd
import pytest

from esrd_pipeline.families.published import build_national, publish_contract, publish_results
from esrd_pipeline.parameters.reasons import describe_rows
from esrd_pipeline.program.flags import flag_facilities
from esrd_pipeline.sources.dfc_facility import read_dfc_facility
from esrd_pipeline.sources.dfc_national import read_dfc_national
from esrd_pipeline_tests.shared_files import CMS_PUBLIC, needs_cms_public

pytestmark = needs_cms_public

YEAR = 2024
PRINTED_LIMITS = ("smr", "shr", "pppw", "sfr")
MOVED = ["pppw", "sfr"]
OTHERS_DISAGREE = {
    "ed30": 25,
    "nhsn_bsi": 19,
    "sedr": 7,
    "smosr": 12,
    "srr": 25,
    "strr": 6,
    "swr": 12,
}
"""Facilities whose printed category does not follow from the printed limits.

SWR, SMoSR: the p-value decides and 12 limits each are printed as 1.00. SIR and SEDR: all have a
limit printed as 1.00. SRR and ED30: the limits rest on another null than the test, so that some
limits exclude the reference and the text says as expected. STrR: six upper limits below the
national rate where no transfusion was seen.
"""


@dataclass(frozen=True, slots=True)
class Published:
    """What the flags are computed from; `silent` is the nation without a national file."""

    contract: pd.DataFrame
    national: pd.DataFrame
    silent: pd.DataFrame
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
        silent=build_national(performance_year=YEAR, dfc=dfc, dfc_national=None, qip=None),
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
    printed, silent = published.national, published.silent
    national = pd.concat(
        [
            printed[~printed["measure"].isin(MOVED)],
            silent[silent["measure"].isin(MOVED)],
        ]
    )
    return flag(published, national)


def compare(flags: pd.DataFrame) -> pd.DataFrame:
    """Facilities, and disagreements, by measure where both have a category."""
    both = flags.dropna(subset=["category", "published_category"])
    differs = both["category"] != both["published_category"]
    return differs.groupby(both["measure"]).agg(["size", "sum"])


def test_the_levels_without_a_national_file_are_means_of_facilities(published: Published) -> None:
    rows = published.silent.set_index("measure").loc[MOVED]
    assert rows["national"].round(2).tolist() == [16.39, 57.4]
    assert set(rows["source"]) == {"mean of facilities"}


def test_smr_shr_pppw_and_sfr_follow_their_limits(flags: pd.DataFrame) -> None:
    counts = compare(flags).loc[list(PRINTED_LIMITS)]
    assert counts["size"].to_dict() == {"smr": 7253, "shr": 7307, "pppw": 7328, "sfr": 7057}
    assert counts["sum"].to_dict() == {"smr": 11, "shr": 0, "pppw": 2, "sfr": 4}
    assert 1 - counts["sum"].sum() / counts["size"].sum() >= 0.9994


@pytest.mark.parametrize(
    ("measure", "touching", "differing"),
    [
        ("smr", 21, 11),
        ("sedr", 15, 7),
        ("smosr", 25, 12),
        ("swr", 20, 12),
        ("nhsn_bsi", 39, 19),
    ],
)
def test_who_disagrees_has_a_limit_printed_as_the_reference(
    flags: pd.DataFrame, measure: str, touching: int, differing: int
) -> None:
    rows = flags[(flags["measure"] == measure) & flags["category"].notna()]
    touches = (rows["lower"] == rows["reference"]) | (rows["upper"] == rows["reference"])
    differs = rows["category"] != rows["published_category"]
    assert (touches.sum(), differs.sum()) == (touching, differing)
    assert not (differs & ~touches).any()


def test_strr_disagrees_only_where_no_transfusion_was_seen(flags: pd.DataFrame) -> None:
    rows = flags[(flags["measure"] == "strr") & flags["category"].notna()]
    differs = rows["category"] != rows["published_category"]
    assert rows.loc[differs, "value"].tolist() == [0.0] * 6


def test_how_many_of_the_others_follow_their_limits(flags: pd.DataFrame) -> None:
    counts = compare(flags).drop(index=list(PRINTED_LIMITS))
    assert counts["sum"].to_dict() == OTHERS_DISAGREE
    assert (1 - counts["sum"] / counts["size"]).min() >= 0.996


def test_the_levels_of_a_later_release_cost_agreement(published: Published) -> None:
    counts = compare(flag(published, published.national))
    assert counts.loc[["pppw", "sfr"], "sum"].to_dict() == {"pppw": 12, "sfr": 18}


def test_only_three_printed_categories_are_withheld_by_the_size_rule(flags: pd.DataFrame) -> None:
    withheld = flags[flags["category"].isna() & flags["published_category"].notna()]
    assert withheld["measure"].tolist() == ["smosr"] * 3
    assert set(describe_rows(withheld)) == {"fewer than 11 patients"}
    assert set(withheld["unit_count"]) == {10.0}
    assert not (flags["category"].notna() & flags["published_category"].isna()).any()
