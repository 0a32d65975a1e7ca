"""Every SELECT gives on Spark the rows, types and order that it gives on DuckDB."""

import math

import pytest

from esrd_pipeline.sql import list_selects
from esrd_pipeline_tests.sql import spark_engine
from esrd_pipeline_tests.sql.engine import Ran
from esrd_pipeline_tests.sql.joined_runs import list_runs

pytestmark = [
    pytest.mark.slow,
    # pyspark leaves the socket of each result to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
    pytest.mark.skipif(not spark_engine.HAS_JAVA, reason=spark_engine.NO_JAVA),
]


@pytest.fixture(scope="module")
def runs() -> dict[str, list[Ran]]:
    """What the worked tests run, by SQL file."""
    return list_runs()


@pytest.mark.parametrize("name", list_selects())
def test_spark_gives_the_rows_of_duckdb(name: str, runs: dict[str, list[Ran]]) -> None:
    assert any(ran.made.num_rows for ran in runs[name]), f"no worked test runs {name}"
    for ran in runs[name]:
        expected, given = ran.made.to_pylist(), spark_engine.run(ran).to_pylist()
        assert len(given) == len(expected)
        for place, (there, here) in enumerate(zip(given, expected, strict=True)):
            unlike = {
                column: (value, there[column])
                for column, value in here.items()
                if not is_equal(value, there[column])
            }
            assert not unlike, f"row {place} has on DuckDB and on Spark {unlike}"


def is_equal(here: object, there: object) -> bool:
    """Whether two values are the same, doubles to the last bit."""
    if isinstance(here, float) and isinstance(there, float):
        return here == there or (math.isnan(here) and math.isnan(there))
    return here == there and type(here) is type(there)
