"""Counts and what is counted, in words."""

import pytest

from esrd_pipeline.reports.rounding import write_count


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 facilities"),
        (1, "1 facility"),
        (2, "2 facilities"),
        (1_000, "1,000 facilities"),
    ],
)
def test_one_is_not_several(count: int, text: str) -> None:
    assert write_count(count, "facility", "facilities") == text
    assert write_count(count, "row").endswith("row" if count == 1 else "rows")
