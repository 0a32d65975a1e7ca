"""Performance years and payment years are related by rows."""

from collections.abc import Iterator

import pytest

from esrd_pipeline.parameters import payment_years
from esrd_pipeline.parameters.official import ParameterFileError
from esrd_pipeline.parameters.payment_years import find_payment_year, longest_lookback
from esrd_pipeline.parameters.rows import load_rows
from esrd_pipeline.program.qip_rules import known_payment_years, load_rules


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, list[dict[str, str]]]]:
    """Rows of both tables, which a test may change."""
    tables = {name: [*map(dict, load_rows(name))] for name in ("qip_year", "payment_year")}
    monkeypatch.setattr(payment_years, "load_rows", tables.__getitem__)
    find_payment_year.cache_clear()
    yield tables
    find_payment_year.cache_clear()


def test_every_rule_set_is_of_the_payment_year_of_its_performance_year() -> None:
    for payment_year in known_payment_years():
        assert find_payment_year(load_rules(payment_year).performance_year) == payment_year


def test_a_year_without_a_rule_set_has_the_usual_payment_year() -> None:
    assert [find_payment_year(year) for year in (2014, 2021, 2023, 2030)] == [
        *(2016, 2023, 2025, 2032)
    ]


def test_the_row_of_a_rule_set_decides(rows: dict[str, list[dict[str, str]]]) -> None:
    rows["qip_year"].append({"payment_year": "2033", "performance_year": "2030"})
    rows["payment_year"][0]["years_to_payment"] = "4"
    assert find_payment_year(2030) == 2033
    assert find_payment_year(2023) == 2027


def test_two_payment_years_of_a_performance_year_are_refused(
    rows: dict[str, list[dict[str, str]]],
) -> None:
    rows["qip_year"].append({"payment_year": "2028", "performance_year": "2025"})
    with pytest.raises(LookupError, match="performance year 2025 has 2 payment years"):
        find_payment_year(2025)


def test_the_longest_lookback_is_that_of_the_rows(rows: dict[str, list[dict[str, str]]]) -> None:
    assert longest_lookback("baseline_year") == 2
    assert longest_lookback("improvement_year") == 1
    rows["qip_year"][0]["baseline_year"] = "2017"
    assert longest_lookback("baseline_year") == 5


def test_a_year_that_is_no_whole_number_is_named(rows: dict[str, list[dict[str, str]]]) -> None:
    rows["qip_year"][0]["performance_year"] = "2022.0"
    place = r"^qip_year\.csv, row of 2024, column 'performance_year': '2022\.0' is not a whole"
    with pytest.raises(ParameterFileError, match=place):
        find_payment_year(2025)
    with pytest.raises(ParameterFileError, match=place):
        longest_lookback("baseline_year")
