"""Assets of monitoring: events by month, the charts of every facility, and their signals."""

from pathlib import Path

import pandas as pd

from esrd_pipeline.duckdb_text import scan_parquet
from esrd_pipeline.orchestration.context import StepContext, StepResult
from esrd_pipeline.orchestration.partitions import years_before
from esrd_pipeline.orchestration.select_asset import make_select_asset
from esrd_pipeline.orchestration.table_asset import Dependency, TableAsset, make_multi_asset
from esrd_pipeline.tables import linkage, monitor, network
from esrd_pipeline.tables.model import Table
from esrd_pipeline.tables.patient_months import MONTHLY_MEASURES
from esrd_pipeline.warehouse import Query

YEARS_BEFORE = 2
"""A chart has three years, the last of them this one, as far as they are stored."""
TOLERANCE = 1e-9


def find_open_facilities(query: Query, staged: Path) -> tuple[str | None, str | None]:
    """Return no warning, and the measures of facilities whose months do not add up to them."""
    summed = (
        f"FROM {scan_parquet([staged])} SELECT measure, ccn, sum(observed) AS observed,"
        " sum(expected) AS expected, min(facility_observed) AS facility_observed,"
        " min(facility_expected) AS facility_expected GROUP BY measure, ccn"
    )
    open_ = query(
        f"FROM ({summed}) AS s SELECT measure, count(*) AS facilities"
        " WHERE observed <> facility_observed OR"
        f" abs(expected - facility_expected) > {TOLERANCE} * (1 + facility_expected)"
        " GROUP BY measure ORDER BY measure"
    )
    measures_apart = [
        f"{row['measure']} ({row['facilities']} facilities)" for row in open_.to_dict("records")
    ]
    if not measures_apart:
        return None, None
    name = monitor.EVENT_MONTH.name
    return None, f"{name}: months do not add up to the facility: {', '.join(measures_apart)}"


def _read_years(
    step: StepContext, table: Table, columns: tuple[str, ...], **where: str
) -> dict[int, pd.DataFrame]:
    """Return a table's rows of the chart's years by year, as far as they are stored."""
    last = step.performance_year
    return {
        year: step.warehouse.read(table, year, columns=columns, where=where or None)
        for year in range(last - YEARS_BEFORE, last + 1)
        if step.warehouse.has(table, year)
    }


def _read_numbers(step: StepContext) -> pd.DataFrame:
    columns = ("provider_number", "ccn")
    return step.read(linkage.PROVIDER_NUMBER, columns=columns, program="dfc")


def _monitor(step: StepContext) -> StepResult:
    from esrd_pipeline.orchestration.monitor_pictures import draw_signals
    from esrd_pipeline.parameters.monitoring import load_chart_rules
    from esrd_pipeline.reports.monitor import join_years, monitor_events

    columns = ("ccn", "measure", "month", "observed", "expected", "facility_patients")
    stored = {
        year: rows.rename(columns={"facility_patients": "patients"})
        for year, rows in _read_years(step, monitor.EVENT_MONTH, columns).items()
    }
    months = join_years(stored, performance_year=step.performance_year, numbers=_read_numbers(step))
    found = monitor_events(months, load_chart_rules(), performance_year=step.performance_year)
    sides = found.signal.groupby(["measure", "side"]).size()
    return StepResult(
        (found.monitor, found.signal),
        notes={
            "years of events": ", ".join(str(year) for year in sorted(stored)),
            **{
                f"{measure}: variance of a month's events over their mean": round(value, 3)
                for measure, value in found.dispersion.items()
            },
            **{
                f"{measure}: signals, {side}": int(sides.get((measure, side), 0))
                for measure in found.dispersion
                for side in monitor.SIDES
            },
        },
        picture=draw_signals(found.monitor),
    )


def _chart_shares(step: StepContext) -> StepResult:
    from esrd_pipeline.parameters.priorities import load_indicators
    from esrd_pipeline.reports.monitor import chart_shares, list_charted

    columns = ("month", "numerator", "denominator")
    indicators = _read_years(
        step, network.INDICATORS, ("group_name", "indicator", *columns), level="facility"
    )
    measures = _read_years(step, monitor.MEASURE_MONTH, ("ccn", "measure", *columns))
    frame = chart_shares(
        [
            *(rows.rename(columns={"group_name": "ccn"}) for rows in indicators.values()),
            *(rows.rename(columns={"measure": "indicator"}) for rows in measures.values()),
        ],
        (*list_charted(load_indicators()), *MONTHLY_MEASURES),
        performance_year=step.performance_year,
        numbers=_read_numbers(step),
    )
    return StepResult(
        (frame,),
        notes={
            "years of indicators": ", ".join(str(year) for year in sorted(indicators)),
            "years of measures": ", ".join(str(year) for year in sorted(measures)),
            "charts": len(frame[["ccn", "indicator"]].drop_duplicates()),
            "months beyond a limit": int(frame["is_signal"].sum()),
        },
    )


_EVENT_MONTH = make_select_asset(
    "network.event_month",
    description="Events of SHR, SMR, SEDR, STrR, SRR and ED30 by facility and month, counted and"
    " expected by the measure's fit. Not stored unless the months of each facility add up to its"
    " observed and expected events.",
    inspect=find_open_facilities,
)

_CHARTS = (
    TableAsset(
        tables=(monitor.MONITOR, monitor.SIGNAL),
        compute=_monitor,
        description="Charts of each facility's events over up to three years: observed less"
        " expected, CUSUMs of more and of fewer events with their limits; and when they signal.",
        dependencies=(
            Dependency(monitor.EVENT_MONTH, years_before(first=YEARS_BEFORE)),
            Dependency(linkage.PROVIDER_NUMBER),
        ),
    ),
    TableAsset(
        tables=(monitor.P_CHART,),
        compute=_chart_shares,
        description="Charts of each facility's shares by month, with limits that allow for"
        " over-dispersion.",
        dependencies=(
            Dependency(network.INDICATORS, years_before(first=YEARS_BEFORE)),
            Dependency(monitor.MEASURE_MONTH, years_before(first=YEARS_BEFORE)),
            Dependency(linkage.PROVIDER_NUMBER),
        ),
    ),
)

_MEASURE_MONTH = make_select_asset(
    "network.measure_month",
    description="Patients counted and in the numerator by facility and month, of Kt/V, long-term"
    " catheter and the other measures of patient-months.",
)

ASSETS = (
    make_multi_asset("event_month", (_EVENT_MONTH,)),
    make_multi_asset("measure_month", (_MEASURE_MONTH,)),
    make_multi_asset("monitor", _CHARTS),
)
