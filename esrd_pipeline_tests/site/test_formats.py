"""How numbers are rounded on pages: halves up, as CMS publishes them (reading 1)."""

import math

import pytest

from esrd_pipeline.reports.rounding import write_rounded
from esrd_pipeline.site.formats import NOTHING, write_number, write_percent, write_value


@pytest.mark.parametrize(
    ("number", "digits", "text"),
    [
        # Floating point writes 12.2, 0.12, 2 and 0.28: to even, or below the written half.
        (12.25, 1, "12.3"),
        (0.125, 2, "0.13"),
        (2.5, 0, "3"),
        (0.285, 2, "0.29"),
        (12.35, 1, "12.4"),
        (-0.125, 2, "-0.13"),
        (1234.5, 0, "1,235"),
        (99.94, 1, "99.9"),
        (math.inf, 1, "inf"),
    ],
)
def test_halves_of_the_written_number_are_rounded_away_from_zero(
    number: float, digits: int, text: str
) -> None:
    assert write_rounded(number, digits) == text


def test_a_fraction_is_rounded_as_a_percentage() -> None:
    # 0.2895 x 100 is 28.949999999999996.
    assert write_value(0.2895, ratio=False, program="qip") == "29.0%"
    assert write_value(28.95, ratio=False, program="dfc") == "29.0%"
    assert write_percent(0.2895) == "29.0%"


def test_ratios_have_two_decimals_and_whole_numbers_none() -> None:
    assert write_value(1.005, ratio=True, program="dfc") == "1.01"
    assert (write_number(7.0, 1), write_number(7.25, 1), write_number(None)) == (
        "7",
        "7.3",
        NOTHING,
    )


def test_what_rounds_to_zero_has_no_sign() -> None:
    assert [write_number(number, 4) for number in (-0.00001, -0.00005)] == ["0.0000", "-0.0001"]
    assert write_value(-0.04, ratio=False, program="dfc") == "0.0%"
