"""report.trend: sums upwards, divided once, and what must agree with the contract and the level."""

import numpy as np
import pandas as pd
import pytest

from esrd_pipeline.families.levels import combine_levels
from esrd_pipeline.reports.suppression import suppress
from esrd_pipeline.reports.trend import combine_trend
from esrd_pipeline.reports.trend_check import find_fault
from esrd_pipeline.tables.facility import DIRECTORY, LEVEL, NATIONAL
from esrd_pipeline.tables.measured import CONTRACT
from esrd_pipeline.tables.program import FLAGS
from esrd_pipeline.tables.trend import TREND

YEAR = 2024
A, B, C, D = "012501", "012502", "052503", "052504"


def make_row(ccn: str, measure: str, **values: object) -> dict[str, object]:
    row = {"ccn": ccn, "program": "dfc", "measure": measure, "reportable": True}
    return row | {"origin": "computed", "performance_year": YEAR} | values


def make_ratio(ccn: str, seen: float, due: float, **values: object) -> dict[str, object]:
    sums = {"patients": 20.0, "numerator": seen, "denominator": due, "value": seen / due}
    limits = {"lower": 0.9 * seen / due, "upper": 1.1 * seen / due}
    more = {"rate": 150.0 * seen / due, "standard_error": 1 / np.sqrt(seen), "category": "as"}
    return make_row(ccn, "shr", **(sums | limits | more | values))


def make_share(ccn: str, top: float, bottom: float, **values: object) -> dict[str, object]:
    share = top / bottom
    error = 1 / np.sqrt(bottom * share * (1 - share))
    sums = {"patients": bottom, "numerator": top, "denominator": bottom, "value": 100 * share}
    limits = {"lower": 90 * share, "upper": 110 * share, "standard_error": error}
    return make_row(ccn, "ltc", **(sums | limits | values))


SMALL = {"reportable": False, "reason": "below_minimum_units", "reason_number": 5.0}
RATIOS = (
    make_ratio(A, 9.0, 10.0),
    make_ratio(B, 16.0, 10.0, category="worse"),
    make_ratio(C, 25.0, 20.0),
    make_ratio(D, 1.0, 2.0, **(SMALL | {"category": None})),
)
SHARES = (
    make_share(A, 10.0, 50.0),
    make_share(B, 30.0, 50.0),
    make_share(C, 20.0, 100.0),
    make_share(D, 2.0, 8.0, **SMALL),
)
PLACES = {
    "ccn": [A, B, C],
    "network": [8, 8, 17],
    "state": ["AL", "AL", "CA"],
    "chain_organization": ["North", "South", None],
}


def fill(table: object, rows: object) -> pd.DataFrame:
    frame = pd.DataFrame(rows).reindex(columns=table.column_names)  # type: ignore[attr-defined]
    return frame.astype(object) if frame.empty else frame


def make_level(contract: pd.DataFrame, national: object = None) -> pd.DataFrame:
    return combine_levels(
        performance_year=YEAR,
        contract=contract,
        published=fill(NATIONAL, national),
        percentages={},
    )


def make(
    *rows: dict[str, object], national: object = None, flags: object = None
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    contract = fill(CONTRACT, rows)
    level = make_level(contract, national)
    trend = combine_trend(
        performance_year=YEAR,
        contract=contract,
        level=level,
        directory=fill(DIRECTORY, PLACES),
        flags=fill(FLAGS, flags),
    )
    assert trend.columns.tolist() == TREND.column_names
    assert not trend.duplicated(list(TREND.key)).any()
    return trend, contract, level


def find(trend: pd.DataFrame, level: str, group: str, measure: str = "shr") -> pd.Series:
    return pick(trend, level=level, group_name=group, program="dfc", measure=measure)


def pick(frame: pd.DataFrame, **where: str) -> pd.Series:
    """The one row with these texts."""
    for name, text in where.items():
        frame = frame[frame[name] == text]
    assert len(frame) == 1
    return frame.iloc[0]


def check(made: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]) -> str | None:
    trend, contract, level = made
    return find_fault(performance_year=YEAR, trend=trend, contract=contract, level=level)


def test_events_are_summed_and_divided_once() -> None:
    trend, *_ = make(*RATIOS)
    # 25 of 20, where the mean of 0.9 and 1.6 would be 1.25 too, so the nation tells them apart:
    assert find(trend, "network", "8")["value"] == pytest.approx(25 / 20)
    # 50 of 40; the mean of 0.9, 1.6 and 1.25 is another.
    nation = find(trend, "nation", "nation")
    assert nation["value"] == pytest.approx(1.25)
    assert nation["rate"] == pytest.approx(150 * 1.25)
    assert nation["facility_count"] == 3
    assert (nation["better_count"], nation["as_count"], nation["worse_count"]) == (0, 2, 1)
    assert nation["method"] == "summed"
    assert nation["patients"] == 60


def test_limits_of_a_ratio_come_from_the_facilities_errors() -> None:
    trend, *_ = make(*RATIOS)
    # Facilities of Poisson counts: the sum's error is that of 25 events, 1/5.
    row = find(trend, "state", "AL")
    assert row["lower"] == pytest.approx(1.25 * np.exp(-1.96 / 5))
    assert row["upper"] == pytest.approx(1.25 * np.exp(1.96 / 5))
    assert row["limits"] == "standard errors"


def test_a_proportion_is_summed_in_percent() -> None:
    trend, *_ = make(*SHARES)
    row = find(trend, "network", "8", "ltc")
    assert row["value"] == pytest.approx(40.0)
    # Variances within: 50 x 0.2 x 0.8 and 50 x 0.6 x 0.4, 8 + 12 = 20.
    reach = 1.96 * np.sqrt(20) / 100 / 0.24
    odds = 40 / 60 * np.exp(-reach)
    assert row["lower"] == pytest.approx(100 * odds / (1 + odds))
    assert np.isnan(row["rate"])


def test_a_facility_has_its_own_row_and_a_small_one_its_reason_alone() -> None:
    trend, *_ = make(*RATIOS)
    own = find(trend, "facility", B)
    assert (own["value"], own["lower"], own["upper"]) == pytest.approx((1.6, 1.44, 1.76))
    assert (own["method"], own["limits"]) == ("facility", "contract")
    small = find(trend, "facility", D)
    assert small[["patients", "numerator", "value", "lower"]].isna().all()
    assert (small["method"], small["reason"]) == ("none", "below_minimum_units")
    assert small["facility_count"] == 0


def test_who_is_of_no_known_chain_is_a_group_of_its_own() -> None:
    trend, *_ = make(*RATIOS)
    row = find(trend, "chain", "unknown")
    assert (row["numerator"], row["facility_count"]) == (25, 1)
    # D is not in the directory and not reportable: no group that is shown has it.
    lost = find(trend, "state", "unknown")
    assert (lost["method"], lost["reason"]) == ("none", "no_reportable_facility")


def test_a_facility_of_few_patients_is_flagged_and_in_no_sum() -> None:
    few = make_ratio(C, 25.0, 20.0, patients=10.0)
    made = make(*RATIOS[:2], few)
    nation = find(made[0], "nation", "nation")
    # 25 of the first two's 20.
    assert (nation["numerator"], nation["value"]) == (25.0, 1.25)
    assert (nation["facility_count"], nation["summed_count"], nation["as_count"]) == (3, 2, 2)
    state = find(made[0], "state", "CA")
    assert (state["method"], state["reason"]) == ("none", "suppressed_small_count")
    assert find(made[0], "facility", C)["value"] == 1.25
    assert check(made) is None
    shown = suppress(TREND, made[0])
    assert find(shown, "facility", C)[["patients", "numerator", "value", "upper"]].isna().all()
    assert find(shown, "nation", "nation")["value"] == 1.25


def test_a_measure_adjusted_directly_is_summed_unadjusted_without_limits() -> None:
    sums = {"patients": 20.0, "numerator": 5.0, "denominator": 40.0, "value": 30.0}
    trend, *_ = make(make_row(A, "pppw", lower=20.0, upper=40.0, **sums))
    row = find(trend, "nation", "nation", "pppw")
    assert (row["value"], row["method"]) == (12.5, "summed, unadjusted")
    assert np.isnan(row["lower"])
    assert find(trend, "facility", A, "pppw")["value"] == 30.0


def test_exact_and_mid_p_limits_of_sums() -> None:
    sums = {
        "patients": 20.0,
        "numerator": 5.0,
        "denominator": 5.0,
        "value": 1.0,
        "rate": 2.0,
        "lower": 0.5,
    }
    rows = [make_row(ccn, name, **sums) for ccn in (A, B) for name in ("swr", "smr")]
    trend, *_ = make(*rows)
    exact, mid = (find(trend, "nation", "nation", name) for name in ("swr", "smr"))
    # Garwood: 10 events have the limits 4.795 and 18.390.
    assert exact["lower"] == pytest.approx(0.4795, abs=1e-4)
    assert exact["upper"] == pytest.approx(1.8390, abs=1e-4)
    assert exact["lower"] < mid["lower"] < mid["upper"] < exact["upper"]


def test_a_ratio_of_the_qip_is_printed_as_its_rate() -> None:
    rows = [
        make_row(ccn, "shr", program="qip", numerator=n, denominator=10.0, value=v, rate=v)
        for ccn, n, v in ((A, 10.0, 150.0), (B, 20.0, 300.0), (C, 0.0, 0.0))
    ]
    made = make(*rows)
    nation = pick(made[0], level="nation", program="qip")
    assert nation["value"] == nation["rate"] == pytest.approx(150.0)
    # The contract has no limits of it, so neither have groups.
    assert nation[["lower", "upper", "limits"]].isna().all()
    assert check(made) is None


@pytest.mark.manual("2.11.12")
def test_the_level_of_a_ratio_of_the_qip_is_the_rate_of_a_ratio_of_1() -> None:
    """40 events where 50 are expected, as where most discharges are of small facilities."""
    rows = [
        make_row(ccn, "srr", program="qip", numerator=n, denominator=25.0, value=v, rate=v)
        for ccn, n, v in ((A, 10.0, 10.0), (B, 30.0, 30.0))
    ]
    made = make(*rows)
    assert pick(made[0], level="nation", program="qip")["rate"] == pytest.approx(20.0)
    assert pick(made[2], program="qip", measure="srr")["national"] == pytest.approx(25.0)
    assert check(made) is None
    trend, contract, level = made
    wrong = level.assign(national=20.0)
    assert check((trend, contract, wrong)) == "nation: qip srr has not the level of facility.level"


def test_a_printed_rate_of_the_qip_is_a_rate_without_one_beside_it() -> None:
    # National rate 150, printed with one decimal.
    rows = [
        make_row(ccn, "srr", program="qip", origin="published", **sums)
        for ccn, sums in (
            (A, {"numerator": 10.0, "denominator": 9.0, "value": 166.7}),
            (B, {"numerator": 20.0, "denominator": 11.0, "value": 272.7}),
            (C, {"numerator": 10.0, "denominator": 20.0, "value": 75.0}),
        )
    ]
    nation = pick(make(*rows)[0], level="nation", program="qip")
    assert nation["value"] == pytest.approx(150.0, rel=1e-3)
    assert nation["rate"] == nation["value"]


def test_a_mean_is_not_taken_of_what_is_published() -> None:
    national = [
        {"program": "qip", "measure": "pppw", "national": 0.2, "source": "mean of facilities"},
    ]
    printed = {"value": 0.2, "numerator": 200.0, "denominator": 1000.0, "origin": "published"}
    rows = [make_row(ccn, "pppw", program="qip", **printed) for ccn in (A, B)]
    trend, *_ = make(*rows, national=national)
    assert pick(trend, level="nation")["method"] == "mean of facilities"
    assert pick(trend, level="state", group_name="AL")["reason"] == "sums_not_printed"


def test_a_standardised_measure_of_the_qip_is_a_mean_and_says_so() -> None:
    sums = {"patients": 20.0, "numerator": 2500.0, "denominator": 10000.0}
    rows = [
        make_row(ccn, "pppw", program="qip", value=v, **sums) for ccn, v in ((A, 0.1), (B, 0.3))
    ]
    made = make(*rows)
    nation = pick(made[0], level="nation", program="qip")
    assert nation["value"] == pytest.approx(0.2)
    assert nation["method"] == "mean of facilities"
    assert nation[["numerator", "denominator"]].isna().all()
    # A facility keeps what the contract says.
    own = pick(made[0], level="facility", group_name=A)
    assert own[["numerator", "denominator", "value"]].tolist() == [2500.0, 10000.0, 0.1]
    assert check(made) is None


PRINTED = {"origin": "published", "value": 1.5, "rate": 225.0, "lower": 1.0, "upper": 2.0}


def test_published_ratios_are_not_averaged() -> None:
    national = [
        {"program": "dfc", "measure": "shr", "national": 150.0, "source": "published"},
    ]
    flags = [{"ccn": A, "measure": "shr", "category": "worse"}]
    made = make(
        make_row(A, "shr", **PRINTED), make_row(B, "shr", **PRINTED), national=national, flags=flags
    )
    state = find(made[0], "state", "AL")
    assert (state["method"], state["reason"]) == ("none", "sums_not_printed")
    assert np.isnan(state["value"])
    assert (state["facility_count"], state["worse_count"]) == (2, 1)
    nation = find(made[0], "nation", "nation")
    assert (nation["method"], nation["rate"]) == ("published", 150.0)
    assert nation[["value", "reason"]].isna().all()
    assert find(made[0], "facility", A)["value"] == 1.5
    assert check(made) is None


def test_a_mean_of_facilities_says_so() -> None:
    national = [
        {"program": "dfc", "measure": "ltc", "national": 12.0, "source": "mean of facilities"},
    ]
    trend, *_ = make(make_row(A, "ltc", origin="published", value=12.0), national=national)
    nation = find(trend, "nation", "nation", "ltc")
    assert (nation["value"], nation["method"]) == (12.0, "mean of facilities")


def test_the_order_of_rows_does_not_matter() -> None:
    one, *_ = make(*RATIOS, *SHARES)
    other, *_ = make(*SHARES[::-1], *RATIOS[::-1])
    pd.testing.assert_frame_equal(one, other)


def test_no_rows_give_no_rows() -> None:
    trend, *_ = make()
    assert trend.empty


def test_what_agrees_has_no_fault() -> None:
    assert check(make(*RATIOS, *SHARES)) is None


@pytest.mark.parametrize(
    ("level", "column", "fault"),
    [
        ("facility", "value", "level facility: value is not the contract's"),
        ("facility", "upper", "level facility: upper is not the contract's"),
        ("network", "numerator", "level network: numerator does not add up to the nation's"),
        ("chain", "worse_count", "level chain: worse_count does not add up to the nation's"),
        ("nation", "as_count", "nation: as_count is not facility.level's"),
        ("nation", "denominator", "nation: dfc ltc has not the level of facility.level"),
    ],
)
def test_each_disagreement_is_a_fault(level: str, column: str, fault: str) -> None:
    trend, contract, levels = make(*RATIOS, *SHARES)
    first = trend.index[(trend["level"] == level) & trend[column].notna() & (trend[column] >= 0)]
    wrong = first[trend.loc[first, "measure"] == "ltc"] if column == "denominator" else first
    trend.loc[wrong[0], column] += 1
    assert fault in str(check((trend, contract, levels)))


def test_the_nation_without_small_facilities_still_gives_the_level() -> None:
    trend, contract, levels = make(*SHARES)
    # 62 of 208 is the level; 60 of 200 is shown.
    assert find(levels.assign(level="nation", group_name="nation"), "nation", "nation", "ltc")[
        "national"
    ] == pytest.approx(100 * 62 / 208)
    assert find(trend, "nation", "nation", "ltc")["value"] == pytest.approx(30.0)
    assert check((trend, contract, levels)) is None
    assert levels.columns.tolist() == LEVEL.column_names


def test_a_share_is_rounded_once() -> None:
    shares, *_ = make(make_share(A, 11.0, 40.0), make_share(B, 12.0, 40.0))
    assert find(shares, "nation", "nation", "ltc")["value"] == 28.75
