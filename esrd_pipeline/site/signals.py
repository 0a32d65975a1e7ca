"""Signals of the charts of events, for the pages of facilities and Networks.

Shown are those of measures that the facility's page reports: of a measure that counts too few
patients nothing is told.
"""

from typing import Any

from esrd_pipeline.parameters.measure_texts import find_measure_text
from esrd_pipeline.parameters.monitoring import load_chart_rules
from esrd_pipeline.site.data import Area, Row, SiteData
from esrd_pipeline.site.formats import is_missing, write_number

_SHOWN = 30
"""Signals of each side on an area's page, at most."""
_SIDES = {"worse": "More than expected", "better": "Fewer than expected"}


def list_signals(data: SiteData, ccn: str) -> list[dict[str, Any]]:
    """Return a facility's signals, the latest first."""
    reported = {
        row["measure"]
        for row in data.contract.get(ccn, [])
        if row["program"] == "dfc"
        and row["reportable"]
        and "value" not in (row.get("suppressed") or "").split()
    }
    rows = [row for row in data.signals.get(ccn, []) if row["measure"] in reported]
    rows.sort(key=lambda row: (row["measure"], row["side"]))
    rows.sort(key=lambda row: row["month"], reverse=True)
    return [_describe(row) for row in rows]


def list_area_signals(data: SiteData, area: Area) -> list[dict[str, Any]]:
    """Return by side the year's signals of a Network's facilities, the latest first."""
    if area.level != "network":
        return []
    signals = [
        {**signal, "facility": data.facilities[ccn]}
        for ccn in area.ccns
        for signal in list_signals(data, ccn)
        if signal["row"]["month"].year == data.year
    ]
    signals.sort(key=lambda signal: signal["row"]["month"], reverse=True)
    sides = []
    for side, name in _SIDES.items():
        mine = [signal for signal in signals if signal["row"]["side"] == side]
        if mine:
            sides.append({"name": name, "count": len(mine), "signals": mine[:_SHOWN]})
    return sides


def _describe(row: Row) -> dict[str, Any]:
    rule = next(rule for rule in load_chart_rules() if rule.measure == row["measure"])
    return {
        "row": row,
        "text": find_measure_text(row["measure"]),
        "side": _SIDES[row["side"]],
        "month": f"{row['month']:%Y-%m}",
        "first_month": f"{row['first_month']:%Y-%m}",
        "ratio": "*" if is_missing(row["ratio"]) else write_number(row["ratio"], 2),
        "years_between": round(1 / rule.alarms),
    }
