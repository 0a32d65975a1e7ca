"""An earlier year's rates, of facilities that had another number in it."""

from pathlib import Path

import pandas as pd
import pytest

from esrd_pipeline.scoring_frames import OneFacility, WholeYear, name_today
from esrd_pipeline.tables.linkage import PROVIDER_NUMBER
from esrd_pipeline.tables.measured import CONTRACT
from esrd_pipeline.warehouse import Warehouse

YEAR = 2025
COLUMNS = ("ccn", "program", "measure", "value", "reportable")
TODAY = {"142501": "142500", "140001": "142500", "142500": "142500", "142600": "142600"}


def rates(**values: float | None) -> pd.DataFrame:
    """Rates of the catheter measure by number, `n142500=0.2`; None is not reportable."""
    return pd.DataFrame(
        [
            {
                "ccn": name.removeprefix("n"),
                "program": "qip",
                "measure": "ltc",
                "value": value,
                "reportable": value is not None,
            }
            for name, value in values.items()
        ]
    )


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """The numbers of today, and no other table."""
    stored = Warehouse(tmp_path)
    links = pd.DataFrame(
        [
            {"program": "qip", "provider_number": number, "ccn": ccn, "relation": "own"}
            for number, ccn in TODAY.items()
        ]
    ).assign(performance_year=YEAR, rule="listed")
    stored.publish(
        stored.stage(PROVIDER_NUMBER, YEAR, links.reindex(columns=PROVIDER_NUMBER.column_names))
    )
    return stored


@pytest.mark.manual("3.3.7", "4.1.2.2")
@pytest.mark.parametrize(
    ("then", "expected"),
    [
        ({"n142501": 0.2}, 0.2),
        ({"n142501": 0.2, "n142500": 0.3}, 0.3),
        ({"n142500": None, "n142501": 0.2}, 0.2),
        ({"n140001": 0.1, "n142501": 0.2}, 0.2),
    ],
    ids=["renamed", "own first", "reportable first", "highest number"],
)
def test_improvement_is_from_the_rate_under_the_number_of_then(
    warehouse: Warehouse, then: dict[str, float | None], expected: float
) -> None:
    named = name_today(WholeYear(warehouse, YEAR), rates(n142600=0.9, **then))
    assert dict(zip(named["ccn"], named["value"], strict=True)) == {
        "142500": expected,
        "142600": 0.9,
    }


def test_without_links_nothing_is_renamed(tmp_path: Path) -> None:
    rows = rates(n142501=0.2)
    assert name_today(WholeYear(Warehouse(tmp_path), YEAR), rows) is rows


def test_one_facility_has_the_earlier_rows_of_all_its_numbers(warehouse: Warehouse) -> None:
    then = rates(n142501=0.2, n142600=0.9).assign(performance_year=YEAR - 1, origin="computed")
    warehouse.publish(
        warehouse.stage(CONTRACT, YEAR - 1, then.reindex(columns=CONTRACT.column_names))
    )
    one = OneFacility(warehouse, YEAR, "142500")
    earlier = one.read_earlier(CONTRACT, 1, columns=COLUMNS, program="qip")
    assert earlier is not None
    assert earlier["ccn"].tolist() == ["142501"]
    assert one.read_earlier(CONTRACT, 2, columns=COLUMNS, program="qip") is None
