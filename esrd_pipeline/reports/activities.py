"""Whether the Networks' activities work: network.activity_effect and the tables beside it."""

from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np
import pandas as pd

from esrd_pipeline.parameters.priorities import Service
from esrd_pipeline.reports.activity_panel import (
    NotEstimableError,
    Panel,
    arrange,
    make_panel,
)
from esrd_pipeline.statistics.activity_effect import (
    Effect,
    Months,
    NoMonthsError,
    compare_before_after,
    estimate_matched,
    estimate_placebo,
    estimate_staggered,
)
from esrd_pipeline.statistics.event_study import study_events
from esrd_pipeline.statistics.fit import FitError
from esrd_pipeline.statistics.two_way import NoEventsError
from esrd_pipeline.tables.activity import EFFECT, ESTIMATORS, EVENT_STUDY, MATCH
from esrd_pipeline.tables.model import Table

_ESTIMATES: Mapping[str, Callable[[Months], Effect]] = {
    "staggered": estimate_staggered,
    "matched": estimate_matched,
    "placebo": estimate_placebo,
    "before_after_matched": lambda months: compare_before_after(months, ~months.is_enrolled),
    "before_after": lambda months: compare_before_after(months, months.is_enrolled),
}


def evaluate_activities(
    *,
    performance_year: int,
    activities: pd.DataFrame,
    enrolments: pd.DataFrame,
    events: pd.DataFrame,
    services: Iterable[Service],
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return the rows of network.activity_effect, activity_event_study and activity_match.

    Args:
        performance_year: the year; events of earlier ones count as far as they are given.
        activities: raw.network_activity.
        enrolments: raw.network_enrolment.
        events: ccn, measure, month (first day), observed and expected events.
        services: which measures serve which priority, for activities that name none.
    """
    known = {str(name): arrange(rows) for name, rows in events.groupby("measure", sort=True)}
    ever = {str(ccn) for ccn in enrolments["ccn"]}
    serving = list(services)
    effects: list[dict[str, object]] = []
    points: list[dict[str, object]] = []
    matches: list[pd.DataFrame] = []
    for row in activities.sort_values("activity").to_dict("records"):
        activity = {str(name): value for name, value in row.items()}
        mine = enrolments.loc[enrolments["activity"] == str(activity["activity"])]
        for measure in _list_measures(activity, serving, known):
            key: dict[str, object] = {"activity": activity["activity"], "measure": measure}
            same = key | {"network": activity["network"], "priority": activity["priority"]}
            try:
                panel = make_panel(known.get(measure), activity, mine, ever)
            except NotEstimableError as refused:
                why = {"reason": refused.reason}
                effects.extend(same | {"estimator": name} | why for name in ESTIMATORS)
                continue
            effects.extend(same | found for found in _estimate(panel.months))
            points.extend(key | found for found in _study(panel))
            matches.append(
                panel.matches.assign(activity=str(activity["activity"]), measure=measure)
            )
    return (
        _order(pd.DataFrame(effects), EFFECT, performance_year),
        _order(pd.DataFrame(points), EVENT_STUDY, performance_year),
        _order(pd.concat(matches) if matches else pd.DataFrame(), MATCH, performance_year),
    )


def _list_measures(
    activity: Mapping[str, object], services: list[Service], known: Mapping[str, object]
) -> list[str]:
    """Return the activity's measure, or those of its priority with events by month."""
    measure = activity["measure"]
    if isinstance(measure, str) and measure:
        return [measure]
    serving = {
        service.name
        for service in services
        if service.kind == "measure" and service.priority == activity["priority"]
    }
    return sorted(serving & set(known))


def _estimate(months: Months) -> Iterator[dict[str, object]]:
    """Yield each estimator's row, with the reason where there is no estimate."""
    for name in ESTIMATORS:
        try:
            yield {"estimator": name} | _write(_ESTIMATES[name](months))
        except NoEventsError:
            yield {"estimator": name, "reason": "activity_no_events"}
        except NoMonthsError:
            yield {"estimator": name, "reason": "activity_no_months_before"}
        except FitError:
            yield {"estimator": name, "reason": "activity_not_fitted"}


def _study(panel: Panel) -> list[dict[str, object]]:
    """Return the rows of the event study; none where the model cannot be fitted."""
    try:
        points = study_events(panel.months, panel.everyone)
    except FitError:
        return []
    return [
        {"relative_month": point.relative_month, "phase": point.phase} | _write(point.effect)
        for point in points
    ]


def _write(effect: Effect) -> dict[str, object]:
    return {
        "observed": effect.observed,
        "predicted": effect.predicted,
        "ratio": effect.ratio,
        "lower": effect.lower,
        "upper": effect.upper,
        "p_value": effect.p_value,
        "facility_count": effect.facilities,
        "cluster_count": effect.clusters,
    }


def _order(rows: pd.DataFrame, table: Table, performance_year: int) -> pd.DataFrame:
    """Return a table's columns in order, what no row has as null."""
    whole = rows.assign(performance_year=performance_year).reindex(columns=table.column_names)
    numbers = [column.name for column in table.columns if column.type in {"number", "integer"}]
    whole[numbers] = whole[numbers].astype("Float64").replace({np.nan: pd.NA})
    return whole.sort_values(list(table.key), ignore_index=True)
