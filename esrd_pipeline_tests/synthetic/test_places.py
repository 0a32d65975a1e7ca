"""The nation's lists of ZIP codes: each code once, every class, the same whenever drawn."""

import pandas as pd
import pytest

from esrd_pipeline.parameters.rows import load_rows
from esrd_pipeline.synthetic.nation.columns import Rows, to_arrow
from esrd_pipeline.synthetic.nation.facilities import draw_nation
from esrd_pipeline.synthetic.nation.places import POST_OFFICE, list_ruca, list_vulnerability
from esrd_pipeline.tables.model import Table
from esrd_pipeline.tables.register import NOT_CODED, NOT_RANKED, RUCA_ZIP, SVI_ZCTA

SEED = 11
FACILITIES = 60


def read(table: Table, rows: Rows) -> pd.DataFrame:
    return to_arrow(table, rows).to_pandas().rename(columns=str.lower)


@pytest.fixture(scope="module")
def facilities() -> pd.DataFrame:
    return draw_nation(FACILITIES, SEED)


@pytest.fixture(scope="module")
def ruca(facilities: pd.DataFrame) -> pd.DataFrame:
    return read(RUCA_ZIP, list_ruca(facilities, SEED))


@pytest.fixture(scope="module")
def ranked(facilities: pd.DataFrame) -> pd.DataFrame:
    return read(SVI_ZCTA, list_vulnerability(facilities, SEED))


def test_every_zip_code_of_the_nation_is_listed_once(
    facilities: pd.DataFrame, ruca: pd.DataFrame, ranked: pd.DataFrame
) -> None:
    twice = pd.concat([facilities, facilities.head(7)], ignore_index=True)
    assert read(RUCA_ZIP, list_ruca(twice, SEED)).equals(ruca)
    assert sorted(ruca["zip_code"]) == sorted(set(facilities["zip_code"]))
    areas = ruca.loc[ruca["zip_type"] != POST_OFFICE, "zip_code"]
    assert sorted(ranked["fips"]) == sorted(areas)
    assert 0 < len(ranked) < len(ruca)


def test_every_class_occurs(ruca: pd.DataFrame, ranked: pd.DataFrame) -> None:
    class_of = {int(row["ruca1"]): row["rurality"] for row in load_rows("ruca_class")}
    assert {class_of[code] for code in ruca["ruca1"] if code != NOT_CODED} == {*class_of.values()}
    assert NOT_CODED in set(ruca["ruca1"])
    ranks = ranked["rpl_themes"]
    for row in load_rows("svi_class"):
        assert ((ranks > float(row["above"])) & (ranks <= float(row["up_to"]))).sum() >= 10
    assert NOT_RANKED in set(ranks)
    assert (ranks.eq(NOT_RANKED) | ranks.between(0, 1)).all()


def test_a_list_depends_on_the_seed_alone(facilities: pd.DataFrame, ruca: pd.DataFrame) -> None:
    again = read(RUCA_ZIP, list_ruca(draw_nation(FACILITIES, SEED), SEED))
    assert again.equals(ruca)
    assert not read(RUCA_ZIP, list_ruca(facilities, SEED + 1)).equals(ruca)


@pytest.mark.parametrize("count", [1, 2, 8])
def test_a_nation_of_few_facilities_has_lists_too(count: int) -> None:
    few = draw_nation(count, SEED)
    assert len(read(RUCA_ZIP, list_ruca(few, SEED))) == count
    assert len(read(SVI_ZCTA, list_vulnerability(few, SEED))) >= 1
