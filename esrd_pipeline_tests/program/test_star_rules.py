"""The two sets of star measures as data."""

from fractions import Fraction

import pytest

from esrd_pipeline.program.star_rules import (
    find_measure_set,
    knows_measure_set,
    load_star_rules,
)


@pytest.mark.manual("5.2", "5.3", "5.4", "5.7.2")
def test_the_set_of_2023() -> None:
    rules = load_star_rules("2023-10", 2024)
    assert rules.measures_of(1) == ["smr", "shr", "srr", "strr"]
    assert rules.measures_of(2) == ["sfr", "ltc"]
    assert rules.measures_of(3) == ["ktv_total", "hypercalcemia"]
    assert rules.measures_of(4) == ["pppw", "swr"]
    assert rules.weights == {
        1: Fraction(2, 7),
        2: Fraction(2, 7),
        3: Fraction(1, 7),
        4: Fraction(2, 7),
    }
    assert rules.peritoneal_weights == {1: Fraction(2, 5), 3: Fraction(1, 5), 4: Fraction(2, 5)}
    assert rules.hemodialysis_domains == [2]
    assert rules.ratios == ["smr", "shr", "srr", "strr", "swr"]
    better_high = {measure.name for measure in rules.measures if measure.higher_is_better}
    assert better_high == {"sfr", "ktv_total", "pppw", "swr"}


def test_the_set_before_waitlisting() -> None:
    rules = load_star_rules("2018-10", 2024)
    assert rules.names == [
        name for name in load_star_rules("2023-10", 2024).names if name not in {"pppw", "swr"}
    ]
    assert set(rules.weights.values()) == {Fraction(1, 3)}


@pytest.mark.parametrize(
    ("year", "measure_set"),
    [(2017, "2018-10"), (2020, "2018-10"), (2021, "2023-10"), (2025, "2023-10")],
)
def test_a_year_has_its_set_of_measures(year: int, measure_set: str) -> None:
    assert find_measure_set(year) == measure_set
    # Every measure of the set is one of the year's, so that the set can be rated.
    assert load_star_rules(find_measure_set(year), year).measures


def test_a_year_before_the_first_set_has_none() -> None:
    assert knows_measure_set(2017)
    assert not knows_measure_set(2016)
    with pytest.raises(LookupError, match=r"no set of star measures of 2016 is known.*2017"):
        find_measure_set(2016)


@pytest.mark.parametrize("measure_set", ["2018-10", "2023-10"])
def test_weights_and_shares_sum_to_one(measure_set: str) -> None:
    rules = load_star_rules(measure_set, 2024)
    assert sum(rules.weights.values()) == 1
    assert sum(rules.peritoneal_weights.values()) == 1
    assert rules.shares == (
        Fraction(1, 10),
        Fraction(2, 10),
        Fraction(4, 10),
        Fraction(2, 10),
        Fraction(1, 10),
    )


def test_an_unknown_set_is_named() -> None:
    with pytest.raises(ValueError, match="no set of measures 1999-01"):
        load_star_rules("1999-01", 2024)
