"""Charts of each facility's events and shares by month, and the signals they give.

Readings 211 to 213. Rows in, rows out; how a chart is computed is in `statistics.cusum` and
`statistics.p_chart`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from esrd_pipeline.parameters.monitoring import ChartRule
from esrd_pipeline.parameters.priorities import Indicator
from esrd_pipeline.reports.suppression import SMALLEST_SHOWN
from esrd_pipeline.statistics.cusum import MONTHS, Chart, chart, find_dispersion, find_limits
from esrd_pipeline.statistics.design import FloatArray
from esrd_pipeline.statistics.p_chart import chart_proportions
from esrd_pipeline.tables.monitor import MONITOR, P_CHART, SIGNAL

YEARS = 3
"""Years of a chart, the performance year the last."""
SEED = 2728
LEAST_MONTHS = 12
"""A share is charted from so many months on: fewer tell nothing of its spread."""
LEAST_UNITS = SMALLEST_SHOWN
"""And from so many patients or personnel a month on, on average: limits are those of many."""
_CCN = ["ccn", "measure", "month"]
_AMOUNTS = ["observed", "expected", "patients"]
_CHARTED = ("patients", "patient-months", "personnel-months")


def join_years(
    stored: Mapping[int, pd.DataFrame],
    *,
    performance_year: int,
    numbers: pd.DataFrame,
    years: int = YEARS,
    amounts: Sequence[str] = _AMOUNTS,
) -> pd.DataFrame:
    """Return the chart's months: ccn, measure, month, model_year and the amounts.

    A month is that of the newest stored year whose fit has it (reading 211). Earlier years'
    facilities have today's CCN; where two are one today, their months are added up.

    Args:
        stored: network.event_month by performance year.
        performance_year: the chart's last year.
        numbers: provider_number and ccn of the year's linkage.provider_number.
        years: how many years the months are of, that one the last.
        amounts: the columns that are added up.
    """
    today = dict(zip(numbers["provider_number"], numbers["ccn"], strict=True))
    parts = []
    for year, rows in sorted(stored.items()):
        part = rows[[*_CCN, *amounts]].assign(model_year=year)
        if year < performance_year:
            part["ccn"] = part["ccn"].map(lambda ccn: today.get(ccn, ccn))
        parts.append(part)
    joined = pd.concat(parts, ignore_index=True)
    joined["month"] = pd.to_datetime(joined["month"])
    of = joined["month"].dt.year
    joined = joined[(of > performance_year - years) & (of <= performance_year)]
    newest = joined.groupby(["measure", "month"])["model_year"].transform("max")
    joined = joined[joined["model_year"] == newest].sort_values([*_CCN, *amounts])
    sums = joined.groupby([*_CCN, "model_year"], as_index=False)[list(amounts)].sum()
    return sums.sort_values(_CCN, ignore_index=True)


@dataclass(frozen=True, slots=True)
class Monitored:
    """The charts of all facilities.

    Attributes:
        monitor: rows of network.monitor.
        signal: rows of network.signal.
        dispersion: variance of a month's events over their mean, by measure.
    """

    monitor: pd.DataFrame
    signal: pd.DataFrame
    dispersion: Mapping[str, float]


def monitor_events(
    months: pd.DataFrame, rules: Iterable[ChartRule], *, performance_year: int
) -> Monitored:
    """Chart the months of `join_years`.

    A facility's chart has the months from its first to its last one with expected events; one
    between them that has no row had no event and expected none. A facility without expected
    events has no chart.
    """
    charts, signals, dispersion = [], [], {}
    for rule in sorted(rules, key=lambda rule: rule.measure):
        mine = months[months["measure"] == rule.measure]
        if not (mine["expected"] > 0).any():
            continue
        charted, found, spread = _chart_measure(mine, rule)
        charts.append(charted)
        signals.append(found)
        dispersion[rule.measure] = spread
    return Monitored(
        _assemble(charts, MONITOR.column_names, MONITOR.key, performance_year),
        _assemble(signals, SIGNAL.column_names, SIGNAL.key, performance_year),
        dispersion,
    )


def _assemble(
    parts: list[pd.DataFrame], columns: list[str], key: tuple[str, ...], year: int
) -> pd.DataFrame:
    if not parts:
        return pd.DataFrame(columns=columns)
    rows = pd.concat(parts, ignore_index=True).assign(performance_year=year)
    rows = rows.sort_values(list(key), ignore_index=True)
    for name in ("month", "first_month"):
        if name in columns:
            rows[name] = rows[name].dt.date
    return rows[columns]


def _chart_measure(rows: pd.DataFrame, rule: ChartRule) -> tuple[pd.DataFrame, pd.DataFrame, float]:
    model_year = rows.groupby("month")["model_year"].first()
    calendar = pd.date_range(model_year.index.min(), model_year.index.max(), freq="MS")
    ccns, facility = np.unique(rows["ccn"].to_numpy(dtype=str), return_inverse=True)
    month = calendar.get_indexer(pd.DatetimeIndex(rows["month"]))
    observed, expected, patients = np.zeros((3, ccns.size, calendar.size))
    observed[facility, month] = rows["observed"].to_numpy(dtype=np.float64)
    expected[facility, month] = rows["expected"].to_numpy(dtype=np.float64)
    patients[facility, month] = rows["patients"].to_numpy(dtype=np.float64)
    has_chart = expected.sum(axis=1) > 0
    ccns, patients = ccns[has_chart], patients[has_chart]
    observed, expected = observed[has_chart], expected[has_chart]
    is_charted = _find_span(expected)
    observed = np.where(is_charted, observed, 0.0)
    spread = find_dispersion(observed, expected)
    a_year = expected.sum(axis=1) / is_charted.sum(axis=1) * MONTHS
    at, when = np.nonzero(is_charted)
    columns = {
        "ccn": ccns[at],
        "measure": rule.measure,
        "month": calendar[when],
        "model_year": model_year.reindex(calendar).ffill().to_numpy()[when].astype(int),
        "observed": observed[at, when].astype(int),
        "expected": expected[at, when],
        "excess": np.cumsum(observed - expected, axis=1)[at, when],
    }
    signals = []
    for side, ratio in (("worse", rule.worse_ratio), ("better", rule.better_ratio)):
        limit = find_limits(a_year, ratio=ratio, alarms=rule.alarms, seed=SEED, dispersion=spread)
        side_chart = chart(observed, expected, ratio=ratio, limit=limit)
        columns |= {
            side: side_chart.path[at, when],
            f"{side}_limit": limit[at],
            f"is_{side}": side_chart.signal[at, when],
        }
        found = _list_signals(side_chart, observed, expected)
        signals.append(
            pd.DataFrame(
                {
                    "ccn": ccns[found.facility],
                    "measure": rule.measure,
                    "side": side,
                    "month": calendar[found.month],
                    "first_month": calendar[found.began],
                    "ratio": np.where(
                        (found.observed >= SMALLEST_SHOWN)
                        & (patients[found.facility, found.month] >= SMALLEST_SHOWN),
                        found.observed / found.expected,
                        np.nan,
                    ),
                }
            )
        )
    return pd.DataFrame(columns), pd.concat(signals, ignore_index=True), spread


def _find_span(expected: FloatArray) -> np.ndarray:
    """Whether each month is between a facility's first and last one with expected events."""
    has_any = expected > 0
    since = np.cumsum(has_any, axis=1) > 0
    until = np.cumsum(has_any[:, ::-1], axis=1)[:, ::-1] > 0
    return since & until


@dataclass(frozen=True, slots=True)
class _Signals:
    """Signals: facility, month, first month of the rise, and events of the months between them."""

    facility: np.ndarray
    month: np.ndarray
    began: np.ndarray
    observed: FloatArray
    expected: FloatArray


def _list_signals(side: Chart, observed: FloatArray, expected: FloatArray) -> _Signals:
    facility, month = np.nonzero(side.signal)
    began = side.began[facility, month]

    def add_up(values: FloatArray) -> FloatArray:
        both = zip(facility, began, month, strict=True)
        return np.array([values[f, first : last + 1].sum() for f, first, last in both])

    return _Signals(facility, month, began, add_up(observed), add_up(expected))


def list_charted(indicators: Iterable[Indicator]) -> tuple[str, ...]:
    """Return the indicators that have a chart: shares of the patients or personnel of a month.

    One told of the year so far has the months before in it (reading 213).
    """
    return tuple(
        i.name
        for i in indicators
        if i.unit == "share" and not i.is_of_last_month and i.denominator_unit in _CHARTED
    )


def chart_shares(
    monthly: Sequence[pd.DataFrame],
    charted: Collection[str],
    *,
    performance_year: int,
    numbers: pd.DataFrame,
) -> pd.DataFrame:
    """Return the rows of network.p_chart.

    Args:
        monthly: ccn, indicator, month, numerator and denominator, of one or more years.
        charted: the indicators and measures that have a chart.
        performance_year: the chart's last year.
        numbers: provider_number and ccn of the year's linkage.provider_number.
    """
    today = dict(zip(numbers["provider_number"], numbers["ccn"], strict=True))
    joined = pd.concat(monthly, ignore_index=True)
    joined = joined[joined["indicator"].isin(charted) & (joined["denominator"] > 0)]
    joined = joined.assign(ccn=joined["ccn"].map(lambda ccn: today.get(ccn, ccn)))
    key = ["ccn", "indicator", "month"]
    sums = joined.groupby(key, as_index=False)[["numerator", "denominator"]].sum()
    months = sums.groupby(["ccn", "indicator"])["denominator"]
    is_long = months.transform("count") >= LEAST_MONTHS
    sums = sums[is_long & (months.transform("mean") >= LEAST_UNITS)]
    sums = sums.sort_values(key, ignore_index=True)
    if sums.empty:
        return pd.DataFrame(columns=P_CHART.column_names)
    calendar, when = np.unique(sums["month"].to_numpy(), return_inverse=True)
    charts = sums.groupby(["ccn", "indicator"], sort=True).ngroup().to_numpy()
    events, units = np.zeros((2, int(charts.max()) + 1, calendar.size))
    events[charts, when] = sums["numerator"].to_numpy(dtype=np.float64)
    units[charts, when] = sums["denominator"].to_numpy(dtype=np.float64)
    found = chart_proportions(events, units)
    rows = sums.assign(
        performance_year=performance_year,
        numerator=sums["numerator"].astype(int),
        denominator=sums["denominator"].round().astype(int),
        share=found.share[charts, when],
        centre=found.centre[charts],
        sigma_z=found.sigma_z[charts],
        lower=found.lower[charts, when],
        upper=found.upper[charts, when],
        is_signal=found.signal[charts, when],
    )
    return rows[P_CHART.column_names]
