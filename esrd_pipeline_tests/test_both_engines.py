"""What `both_engines` finds in two warehouses: nothing in equal ones, else each cell."""

import math
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from esrd_pipeline_tests.both_engines import (
    Difference,
    compare_tables,
    compare_warehouses,
    print_comparison,
)

WHOLE = {
    "ccn": pa.array(["012501", "012502", None]),
    "rate": pa.array([1.0, float("nan"), None]),
    "deaths": pa.array([3, 4, 5]),
}


def find(**changed: pa.Array) -> tuple[Difference, ...]:
    """What differs between the whole table and one with other columns in their place."""
    return compare_tables("facility/x", pa.table(WHOLE), pa.table(WHOLE | changed)).differences


def test_equal_tables_differ_in_nothing() -> None:
    found = compare_tables("facility/x", pa.table(WHOLE), pa.table(WHOLE))
    assert (found.rows, found.cells, found.differences) == (3, 9, ())


def test_a_column_without_nulls_may_be_said_to_have_none() -> None:
    schema = pa.table(WHOLE).schema
    schema = schema.set(2, schema.field("deaths").with_nullable(nullable=False))
    found = compare_tables("facility/x", pa.table(WHOLE), pa.table(WHOLE, schema=schema))
    assert (found.cells, found.differences) == (9, ())


def test_the_last_place_of_a_number_is_told_and_harmless() -> None:
    (one,) = find(rate=pa.array([math.nextafter(1.0, 2.0), float("nan"), None]))
    assert (one.column, one.count) == ("rate", 1)
    assert one.largest == pytest.approx(2.2e-16, rel=0.01)
    assert one.is_harmless


@pytest.mark.parametrize(
    "other",
    [[1.00001, float("nan"), None], [None, float("nan"), None], [1.0, 2.0, None], [1.0, None, 0.0]],
    ids=["too large", "null for a number", "number for NaN", "null for NaN, number for null"],
)
def test_other_numbers_are_no_rounding(other: list[float | None]) -> None:
    (one,) = find(rate=pa.array(other))
    assert not one.is_harmless


def test_texts_and_counts_are_equal_or_not() -> None:
    deaths, ccn = find(deaths=pa.array([3, 4, 6]), ccn=pa.array(["012501", None, None]))[::-1]
    assert (deaths, ccn) == (Difference("deaths", 1, math.inf), Difference("ccn", 1, math.inf))


def test_rows_and_columns_are_the_same() -> None:
    whole = pa.table(WHOLE)
    for other in (whole.slice(1), whole.drop_columns("rate")):
        (one,) = compare_tables("facility/x", whole, other).differences
        assert not one.is_harmless


def test_a_partition_of_one_warehouse_alone_is_a_difference(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for root, tables in (("duckdb", ("a", "b")), ("spark", ("a",))):
        for name in tables:
            folder = tmp_path / root / "cohort" / name / "performance_year=2024"
            folder.mkdir(parents=True)
            pq.write_table(pa.table(WHOLE), folder / "data.parquet")
    compared = list(compare_warehouses(tmp_path / "duckdb", tmp_path / "spark"))
    assert not print_comparison(compared)
    assert print_comparison(compared[:1])
    said = capsys.readouterr().out
    assert "cohort/b/performance_year=2024 (rows, columns)" in said
