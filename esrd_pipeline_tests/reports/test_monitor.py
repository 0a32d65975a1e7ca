"""Charts of worked facilities: which months they have, what they add up, and when they signal."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from esrd_pipeline.parameters.monitoring import ChartRule, load_chart_rules
from esrd_pipeline.parameters.priorities import load_indicators
from esrd_pipeline.reports.monitor import (
    YEARS,
    Monitored,
    chart_shares,
    join_years,
    list_charted,
    monitor_events,
)
from esrd_pipeline.tables.monitor import MEASURES, MONITOR, P_CHART, SIGNAL

YEAR = 2025
RULE = ChartRule(measure="shr", worse_ratio=1.5, better_ratio=0.667, alarms=0.02)
NOBODY = pd.DataFrame({"provider_number": ["A"], "ccn": ["A"]})


def months_of(
    ccn: str,
    observed: Sequence[float],
    expected: float,
    *,
    first: str = "2023-01-01",
    measure: str = "shr",
    patients: float = 60.0,
) -> pd.DataFrame:
    """Rows of a facility from its first month on."""
    calendar = pd.date_range(first, periods=len(observed), freq="MS")
    return pd.DataFrame(
        {
            "ccn": ccn,
            "measure": measure,
            "month": calendar,
            "model_year": calendar.year,
            "observed": observed,
            "expected": expected,
            "patients": patients,
        }
    )


def monitor(*rows: pd.DataFrame, rule: ChartRule = RULE) -> Monitored:
    return monitor_events(pd.concat(rows, ignore_index=True), [rule], performance_year=YEAR)


def test_each_measure_has_a_rule() -> None:
    rules = load_chart_rules()
    assert sorted(rule.measure for rule in rules) == sorted(MEASURES)
    assert all(rule.better_ratio < 1 < rule.worse_ratio for rule in rules)


def test_a_worked_chart_adds_up() -> None:
    """10 expected a month; each event adds ln 1.5, each expected one takes 0.5."""
    found = monitor(months_of("A", [10, 14, 12], 10.0))
    rows = found.monitor
    assert list(rows.columns) == MONITOR.column_names
    assert rows["excess"].tolist() == [0.0, 4.0, 6.0]
    gain = np.log(1.5)
    assert rows["worse"].tolist() == pytest.approx([0.0, 14 * gain - 5, 26 * gain - 10])
    # Fewer events are looked for at 0.667: ten of ten take 10 ln 0.667 + 3.33 = -0.72.
    assert rows["better"].tolist() == [0.0, 0.0, 0.0]
    assert rows["month"].astype(str).tolist() == ["2023-01-01", "2023-02-01", "2023-03-01"]
    assert not rows["is_worse"].any()
    assert list(found.signal.columns) == SIGNAL.column_names
    assert found.signal.empty


def chance(count: int = 60) -> list[pd.DataFrame]:
    """Facilities that are as expected."""
    generator = np.random.default_rng(4)
    return [
        months_of(f"C{at:03}", generator.poisson(10.0, 36).tolist(), 10.0) for at in range(count)
    ]


def test_a_jump_is_found_when_it_comes() -> None:
    """Twice the events from January 2025 on: 20 ln 1.5 - 5 = 3.1 a month."""
    worse = months_of("A", [10] * 24 + [20] * 12, 10.0)
    better = months_of("B", [10] * 24 + [3] * 12, 10.0)
    found = monitor(worse, better, *chance())
    limits = found.monitor.drop_duplicates("ccn").set_index("ccn")[["worse_limit", "better_limit"]]
    first = found.signal.drop_duplicates(["ccn", "side"]).set_index("ccn")
    mine = first.loc["A"]
    # The month in which 3.1 a month first reaches the limit.
    months = int(np.ceil(limits.loc["A", "worse_limit"] / (20 * np.log(1.5) - 5)))
    assert 1 <= months <= 3
    assert mine["side"] == "worse"
    assert str(mine["first_month"]) == "2025-01-01"
    assert str(mine["month"]) == f"2025-{months:02}-01"
    assert mine["ratio"] == 2.0
    other = first.loc["B"]
    months = int(np.ceil(limits.loc["B", "better_limit"] / (3 * np.log(0.667) + 3.33)))
    assert (other["side"], str(other["first_month"])) == ("better", "2025-01-01")
    assert str(other["month"]) == f"2025-{months:02}-01"
    # Sixty facilities over three years with 0.02 alarms a year on each side: 7.2 are expected.
    others = found.signal[found.signal["ccn"].str.startswith("C")]
    assert len(others) <= 15


def test_no_ratio_is_told_of_few_events_or_few_patients() -> None:
    """Six events a month where 0.5 are expected: 12 by the second month; one where 0.1 are."""
    many = months_of("A", [6] * 12, 0.5)
    few_patients = months_of("B", [6] * 12, 0.5, patients=10.0)
    few_events = months_of("D", [1] * 12, 0.1)
    signal = monitor(many, few_patients, few_events, *chance(20)).signal
    first = signal[signal["side"] == "worse"].drop_duplicates("ccn").set_index("ccn")
    assert str(first.loc["A", "month"]) == "2023-02-01"
    assert first.loc["A", "ratio"] == 12.0
    assert str(first.loc["B", "month"]) == "2023-02-01"
    # Ten months would be ten events.
    assert str(first.loc["D", "month"]) <= "2023-10-01"
    assert first.loc[["B", "D"], "ratio"].isna().all()


def test_the_order_of_rows_does_not_matter() -> None:
    rows = pd.concat([months_of("A", [10] * 30 + [20] * 6, 10.0), *chance(20)], ignore_index=True)
    shuffled = rows.sample(frac=1, random_state=3)
    one, other = (monitor_events(r, [RULE], performance_year=YEAR) for r in (rows, shuffled))
    pd.testing.assert_frame_equal(one.monitor, other.monitor, check_exact=True)
    pd.testing.assert_frame_equal(one.signal, other.signal, check_exact=True)


def test_a_chart_has_the_months_between_its_first_and_last() -> None:
    """A facility opened in March, had nobody in April and closed after May."""
    opened = months_of("A", [2, 1], 1.0, first="2023-03-01").iloc[[0]]
    closed = months_of("A", [3], 1.0, first="2023-05-01")
    never = months_of("B", [0] * 6, 0.0)
    found = monitor(opened, closed, never, *chance(3)).monitor
    mine = found[found["ccn"] == "A"]
    assert [f"{month:%Y-%m}" for month in mine["month"]] == ["2023-03", "2023-04", "2023-05"]
    assert mine["observed"].tolist() == [2, 0, 3]
    assert mine["expected"].tolist() == [1.0, 0.0, 1.0]
    assert not (found["ccn"] == "B").any()


def test_months_that_vary_more_have_higher_limits() -> None:
    steady = monitor(*chance()).monitor["worse_limit"].max()
    generator = np.random.default_rng(4)
    wild = [
        months_of(f"C{at:03}", generator.negative_binomial(10 / 2, 1 / 3, 36).tolist(), 10.0)
        for at in range(60)
    ]
    found = monitor(*wild)
    assert found.dispersion["shr"] == pytest.approx(3, rel=0.1)
    assert found.monitor["worse_limit"].min() > 1.5 * steady


# --- years -----------------------------------------------------------------------------------


def stored(*rows: tuple[str, str, str, int, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["ccn", "measure", "month", "observed", "expected"]).assign(
        patients=20.0
    )


def join(frames: dict[int, pd.DataFrame], numbers: pd.DataFrame = NOBODY) -> pd.DataFrame:
    return join_years(frames, performance_year=YEAR, numbers=numbers)


def test_a_month_is_of_the_newest_fit_that_has_it() -> None:
    """SMR of 2025 has the months of 2024, too; SHR's are each year's own."""
    joined = join(
        {
            2024: stored(
                ("A", "smr", "2024-05-01", 1, 0.5),
                ("A", "smr", "2022-12-01", 1, 0.5),
                ("A", "shr", "2024-05-01", 7, 6.0),
            ),
            2025: stored(
                ("A", "smr", "2024-05-01", 1, 0.75),
                ("A", "smr", "2022-12-01", 1, 0.25),
                ("A", "shr", "2025-05-01", 8, 6.5),
            ),
        }
    )
    assert [
        (row["measure"], f"{row['month']:%Y-%m}", row["model_year"], row["expected"])
        for row in joined.to_dict("records")
    ] == [
        ("shr", "2024-05", 2024, 6.0),
        ("shr", "2025-05", 2025, 6.5),
        ("smr", "2024-05", 2025, 0.75),
    ]
    assert YEARS == 3


def test_facilities_of_earlier_years_have_todays_number() -> None:
    numbers = pd.DataFrame({"provider_number": ["A", "OLD"], "ccn": ["A", "A"]})
    joined = join(
        {
            2024: stored(("OLD", "shr", "2024-05-01", 2, 1.5), ("A", "shr", "2024-05-01", 1, 0.25)),
            2025: stored(("OLD", "shr", "2025-05-01", 9, 9.0)),
        },
        numbers,
    )
    # This year's rows have this year's numbers already.
    assert joined[["ccn", "observed", "expected"]].to_numpy().tolist() == [
        ["A", 3, 1.75],
        ["OLD", 9, 9.0],
    ]


def test_no_year_makes_no_row() -> None:
    found = monitor_events(join({2025: stored()}), [RULE], performance_year=YEAR)
    assert found.monitor.empty
    assert found.signal.empty
    assert list(found.monitor.columns) == MONITOR.column_names


# --- shares ----------------------------------------------------------------------------------


def shares(indicator: str, met: Sequence[int], of: int, ccn: str = "A") -> pd.DataFrame:
    calendar = pd.date_range("2024-01-01", periods=len(met), freq="MS").date
    return pd.DataFrame(
        {
            "ccn": ccn,
            "month": calendar,
            "indicator": indicator,
            "numerator": met,
            "denominator": float(of),
        }
    )


def test_a_share_of_the_month_has_a_chart_and_one_of_the_year_so_far_none() -> None:
    steady = [30 + (-1) ** month for month in range(23)]
    monthly = pd.concat(
        [
            shares("eqrs_month_complete", [*steady, 60], 100),
            shares("eqrs_month_complete", steady[:11], 100, "SHORT"),
            shares("depression_screened", steady, 100),
            shares("admission", steady, 100),
            shares("eqrs_month_complete", [5] * 23, 10, "SMALL"),
        ]
    )
    charted = list_charted(load_indicators())
    found = chart_shares([monthly], charted, performance_year=YEAR, numbers=NOBODY)
    assert list(found.columns) == P_CHART.column_names
    assert set(zip(found["ccn"], found["indicator"], strict=True)) == {("A", "eqrs_month_complete")}
    assert found["centre"].tolist() == pytest.approx([(sum(steady) + 60) / 2400] * 24)
    assert found.loc[found["is_signal"], "month"].astype(str).tolist() == ["2025-12-01"]
    shuffled = chart_shares(
        [monthly.sample(frac=1, random_state=1)],
        charted,
        performance_year=YEAR,
        numbers=NOBODY,
    )
    pd.testing.assert_frame_equal(found, shuffled, check_exact=True)


def test_a_measure_of_patient_months_has_a_chart_under_todays_number() -> None:
    """Eleven months of the year before under the old number and one of this year are a chart."""
    before = shares("ltc", [3] * 11, 20, "OLD")
    this_year = shares("ltc", [3] * 12, 20).tail(1)
    numbers = pd.DataFrame({"provider_number": ["OLD", "A"], "ccn": ["A", "A"]})
    found = chart_shares([before, this_year], ("ltc",), performance_year=YEAR, numbers=numbers)
    assert found["ccn"].tolist() == ["A"] * 12
    assert found["centre"].tolist() == pytest.approx([0.15] * 12)
    alone = chart_shares([before, this_year], ("ltc",), performance_year=YEAR, numbers=NOBODY)
    assert alone.empty


@pytest.mark.slow
@pytest.mark.parametrize("rule", load_chart_rules(), ids=lambda rule: rule.measure)
def test_false_alarms_are_as_stated_where_facilities_are_as_expected(rule: ChartRule) -> None:
    """3,000 facilities of 2 to 250 expected events a year, by another seed than the limits'."""
    generator = np.random.default_rng(31)
    a_month = np.exp(generator.uniform(np.log(2), np.log(250), 3000)) / 12
    calendar = pd.date_range("2023-01-01", periods=36, freq="MS")
    rows = pd.DataFrame(
        {
            "ccn": np.repeat([f"C{at:04}" for at in range(3000)], 36),
            "measure": rule.measure,
            "month": np.tile(calendar.to_numpy(), 3000),
            "model_year": YEAR,
            "observed": generator.poisson(np.repeat(a_month, 36)),
            "expected": np.repeat(a_month, 36),
            "patients": 60.0,
        }
    )
    found = monitor_events(rows, [rule], performance_year=YEAR)
    spread = np.sqrt(rule.alarms / (3000 * 3))
    for side in ("worse", "better"):
        rate = (found.signal["side"] == side).sum() / (3000 * 3)
        assert 0.5 * rule.alarms < rate < rule.alarms + 4 * spread
