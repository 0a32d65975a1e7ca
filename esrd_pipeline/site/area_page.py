"""Pages of the nation, Networks, states and chains: levels, spread, facilities, candidates."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from esrd_pipeline.parameters.measure_texts import find_measure_text
from esrd_pipeline.parameters.register import is_ratio
from esrd_pipeline.reports.suppression import describe_hidden
from esrd_pipeline.site.activities_page import has_activities
from esrd_pipeline.site.charts import draw_bars, draw_funnel, draw_line
from esrd_pipeline.site.data import SOURCE_COUNTS, Area, Row, SiteData
from esrd_pipeline.site.facility_page import find_rating
from esrd_pipeline.site.formats import (
    CATEGORY_WORDS,
    HIDDEN,
    is_missing,
    write_number,
    write_value,
)
from esrd_pipeline.site.signals import list_area_signals
from esrd_pipeline.site.state_map import draw_map, list_states, name_states
from esrd_pipeline.tables import source_agreement, trend

LEVEL_WORDS = {"nation": "Nation", "network": "ESRD Network", "state": "State", "chain": "Chain"}
LIST_LENGTH = 400
"""Facilities on one page of a list: such a page stays below 150 kB."""
_FUNNELS = ("shr", "smr")
_TPS_STEP = 10
_CANDIDATES = 15
_FACT_WORDS = {"ktv": "Kt/V"}
"""Facts that two sources have whose code is not their name."""
_DURATIONS = (
    *("under 90 days", "90 days to 1 year", "1 year", "2-4 years", "5-9 years"),
    "10 years and more",
)
"""Classes of years of ESRD."""


def title_of(area: Area) -> str:
    """Return what an area is called."""
    if area.level == "nation":
        return "The nation"
    if area.level == "state":
        return name_states().get(area.name, area.name)
    return f"ESRD Network {area.name}" if area.level == "network" else area.name


def describe_area(data: SiteData, area: Area) -> dict[str, Any]:
    """Return what the template of an area's page shows."""
    tps = [data.tps[ccn] for ccn in area.ccns if ccn in data.tps]
    scored = [int(row["tps"]) for row in tps if not is_missing(row["tps"])]
    ratings = (find_rating(data.stars.get(ccn)) for ccn in area.ccns)
    stars = Counter(rating for rating in ratings if rating is not None)
    reductions = Counter(
        float(row["payment_reduction"]) for row in tps if not is_missing(row["tps"])
    )
    bins = [0] * (100 // _TPS_STEP)
    for score in scored:
        bins[min(score // _TPS_STEP, len(bins) - 1)] += 1
    rows = [data.facilities[ccn] for ccn in area.ccns]
    states = list_states(data) if area.level == "nation" else []
    sources = list(_list_sources(data, area))
    return {
        "area": area,
        "title": title_of(area),
        "level_word": LEVEL_WORDS[area.level],
        "year": data.year,
        "years": data.years,
        "facility_count": len(area.ccns),
        "station_count": sum(row["station_count"] or 0 for row in rows),
        "measures": list(_list_measures(data, area)),
        "tps_count": len(scored),
        "tps_mean": sum(scored) / len(scored) if scored else None,
        "tps_bins": [(f"{low * _TPS_STEP}", count) for low, count in enumerate(bins)],
        "tps_chart": draw_bars(bins, [str(low * _TPS_STEP) for low in range(len(bins))])
        if scored
        else "",
        "payment_year": next((row["payment_year"] for row in tps), None),
        "reductions": sorted(reductions.items()),
        "stars": [(rating, stars[rating]) for rating in range(5, 0, -1)] if stars else [],
        "stars_chart": draw_bars([stars[n] for n in range(1, 6)], [str(n) for n in range(1, 6)])
        if stars
        else "",
        "funnels": list(_list_funnels(data, area)),
        "candidates": list(_list_candidates(data, area)),
        "signals": list_area_signals(data, area),
        "indicators": list(_list_indicators(data, area)),
        "cohort": _list_cohort(data, area),
        "hidden": describe_hidden(trend.COHORT),
        "hides": any(
            row["patients"] is None or row["base_patients"] is None
            for row in data.cohorts.get((area.level, area.name), [])
        ),
        "sources": sources,
        "sources_hidden": describe_hidden(source_agreement.SOURCE_AGREEMENT)
        if any(HIDDEN in row["counts"] for row in sources)
        else "",
        "movers": list(_list_movers(data, area)),
        "has_activities": has_activities(data, area),
        "lists": [name for name, _ in split_list(area)],
        "states": states,
        "state_map": draw_map(states) if states else "",
        "areas": [other for other in data.list_areas() if other.level != "nation"]
        if area.level == "nation"
        else [],
        "strata_pages": [
            (place_strata(program), program.upper()) for program in list_stratified(data)
        ]
        if area.level == "nation"
        else [],
        "title_of": title_of,
    }


def split_list(area: Area) -> list[tuple[str, tuple[str, ...]]]:
    """Return the pages of an area's list: suffix of the address, and its facilities' numbers."""
    starts = range(0, len(area.ccns), LIST_LENGTH)
    return [
        (
            f"-facilities-{place}" if len(starts) > 1 else "-facilities",
            area.ccns[at : at + LIST_LENGTH],
        )
        for place, at in enumerate(starts, start=1)
    ]


def describe_list(data: SiteData, area: Area, ccns: Sequence[str]) -> dict[str, Any]:
    """Return what the template of a page of an area's list shows."""
    return {
        "area": area,
        "title": title_of(area),
        "year": data.year,
        "rows": [
            {
                "facility": data.facilities[ccn],
                "tps": data.tps.get(ccn, {}).get("tps"),
                "reduction": data.tps.get(ccn, {}).get("payment_reduction"),
                "rating": find_rating(data.stars.get(ccn)),
                **_count_flags(data, ccn),
            }
            for ccn in ccns
        ],
    }


def _count_flags(data: SiteData, ccn: str) -> dict[str, int]:
    counts = Counter(
        data.flags[ccn, row["measure"]]["category"]
        for row in data.contract.get(ccn, [])
        if row["program"] == "dfc" and (ccn, row["measure"]) in data.flags
    )
    return {"better": counts["better"], "worse": counts["worse"]}


def _list_measures(data: SiteData, area: Area) -> Iterator[dict[str, Any]]:
    mine = data.trends.get((area.level, area.name), {})
    nation = data.trends.get(("nation", "nation"), {})
    for (program, measure), years in sorted(mine.items()):
        if data.year not in years:
            continue
        row = years[data.year]
        entry = data.registered.get((program, measure))
        ratio = is_ratio(measure, entry.family if entry else "")
        whole = nation.get((program, measure), {}).get(data.year)

        yield {
            "row": row,
            "text": find_measure_text(measure),
            "program": program,
            "is_flagged": entry is not None and entry.flag is not None,
            "value": _write_level(row, ratio=ratio),
            "limits": ""
            if is_missing(row["lower"]) or is_missing(row["upper"])
            else " to ".join(
                write_value(row[name], ratio=ratio, program=row["program"])
                for name in ("lower", "upper")
            ),
            "nation": _write_level(whole, ratio=ratio) if whole else "",
            "line": draw_line(
                [
                    None
                    if year not in years or is_missing(years[year]["value"])
                    else years[year]["value"]
                    for year in data.years
                ]
            ),
            "course": [
                (year, _write_level(years[year], ratio=ratio))
                for year in data.years
                if year in years
            ],
        }


def _write_level(row: Row, *, ratio: bool) -> str:
    """Write an area's value; of a measure that CMS publishes as a rate alone, the rate."""
    if is_missing(row["value"]) and not is_missing(row["rate"]):
        return f"rate {write_number(row['rate'], 1)}"
    return write_value(row["value"], ratio=ratio, program=row["program"])


def _list_funnels(data: SiteData, area: Area) -> Iterator[dict[str, Any]]:
    for measure in _FUNNELS:
        pairs = [
            (row["denominator"], row["numerator"])
            for ccn in area.ccns
            for row in data.contract.get(ccn, [])
            if (row["program"], row["measure"]) == ("dfc", measure)
            and row["reportable"]
            and not is_missing(row["denominator"])
            and not is_missing(row["numerator"])
            and row["denominator"] > 0
        ]
        if pairs:
            points = np.array(pairs, dtype=float)
            yield {
                "text": find_measure_text(measure),
                "count": len(pairs),
                "svg": draw_funnel(points[:, 0], points[:, 1]),
            }


def _list_candidates(data: SiteData, area: Area) -> Iterator[dict[str, Any]]:
    """Yield by priority and standing the facilities that meet most rules."""
    if area.level == "nation":
        return
    rows = [row for ccn in area.ccns for row in data.candidates.get(ccn, [])]
    rows.sort(
        key=lambda row: (row["priority"], row["standing"], row["ccn"], row["rule"], row["name"])
    )
    for (priority, standing), group in groupby(
        rows, key=lambda row: (row["priority"], row["standing"])
    ):
        by_facility = [(ccn, list(met)) for ccn, met in groupby(group, key=lambda row: row["ccn"])]
        by_facility.sort(key=lambda pair: (-len(pair[1]), pair[0]))
        yield {
            "priority": priority.replace("_", " "),
            "standing": standing,
            "count": len(by_facility),
            "facilities": [
                (data.facilities[ccn], _describe_rules(met))
                for ccn, met in by_facility[:_CANDIDATES]
            ],
        }


_RULE_WORDS = {
    "flag_worse": CATEGORY_WORDS["worse"].lower(),
    "flag_better": CATEGORY_WORDS["better"].lower(),
    "flag_worse_two_of_three_years": "worse in two of three years",
    "flag_better_two_of_three_years": "better in two of three years",
    "lowest_tenth": "among the lowest tenth",
    "highest_tenth": "among the highest tenth",
}


def _describe_rules(rows: Sequence[Row]) -> str:
    """Say what a facility was judged on and which rules it meets, each subject once."""
    rules_of: dict[str, list[str]] = {}
    for row in rows:
        name = str(row["name"])
        subject = (
            find_measure_text(name).abbreviation
            if row["kind"] == "measure"
            else name.replace("_", " ")
        )
        rules_of.setdefault(subject, []).append(_RULE_WORDS[row["rule"]])
    return "; ".join(f"{subject}: {', '.join(rules)}" for subject, rules in rules_of.items())


def _list_indicators(data: SiteData, area: Area) -> Iterator[dict[str, Any]]:
    """Yield each indicator by month beside the nation."""
    mine = data.indicators.get((area.level, area.name), [])
    nation = {
        (row["indicator"], row["month"]): row
        for row in data.indicators.get(("nation", "nation"), [])
    }
    months = sorted({row["month"] for row in mine})
    ordered = sorted(mine, key=lambda row: (row["indicator"], row["month"]))
    for indicator, group in groupby(ordered, key=lambda row: row["indicator"]):
        found = {row["month"]: row for row in group}
        values = [found.get(month, {}).get("value") for month in months]
        yield {
            "indicator": indicator,
            "name": indicator.replace("_", " "),
            "unit": next(iter(found.values()))["unit"],
            "months": [
                (month, value, nation.get((indicator, month), {}).get("value"))
                for month, value in zip(months, values, strict=True)
            ],
            "line": draw_line(values),
        }


def _list_cohort(data: SiteData, area: Area) -> list[tuple[str, list[Row]]]:
    """Return the year's patients by topic, in the order of a patient's way."""
    rows = data.cohorts.get((area.level, area.name), [])
    return [
        (topic, sorted((row for row in rows if row["topic"] == topic), key=_order_of_class))
        for topic in trend.TOPICS
        if any(row["topic"] == topic for row in rows)
    ]


def _order_of_class(row: Row) -> tuple[int, str]:
    """Return the place of a class among those of its topic: durations from the shortest."""
    category = row["category"]
    return _DURATIONS.index(category) if category in _DURATIONS else len(_DURATIONS), category


def _list_sources(data: SiteData, area: Area) -> Iterator[dict[str, Any]]:
    """Yield the facts of a Network's patients' months as EQRS and claims have them."""
    if area.level != "network":
        return
    for row in data.source_sums.get(int(area.name), []):
        counts = [
            HIDDEN if is_missing(row[name]) else write_number(row[name]) for name in SOURCE_COUNTS
        ]
        kind = _FACT_WORDS.get(row["kind"], row["kind"].replace("_", " "))
        yield {"kind": kind, "counts": counts}


def _list_movers(data: SiteData, area: Area) -> Iterator[tuple[str, int, int]]:
    """Yield flagged measures and stars with the facilities that gained and lost since last year."""
    gained: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    for ccn in area.ccns:
        for row in data.changes.get(ccn, []):
            if is_missing(row["before"]) or is_missing(row["after"]):
                continue
            name = {"tps": "Total Performance Score", "star": "Stars"}.get(row["kind"])
            if row["kind"] == "flag":
                name = f"Flag of {find_measure_text(row['measure']).abbreviation}"
            if name is not None:
                (gained if row["after"] > row["before"] else lost)[name] += 1
    for name in sorted({*gained, *lost}):
        yield name, gained[name], lost[name]


def place_strata(program: str) -> str:
    """Return the address of a program's page of groups of patients."""
    return f"groups-{program}.html"


def list_stratified(data: SiteData) -> list[str]:
    """Return the programs whose measures are shown by groups of patients."""
    return sorted({row["program"] for row in data.strata})


def describe_strata(data: SiteData, program: str) -> dict[str, Any]:
    """Return what the template of a program's groups of patients shows."""
    strata = [row for row in data.strata if row["program"] == program]
    return {
        "program": program,
        "year": data.year,
        "hidden": describe_hidden(trend.STRATUM),
        "hides": any(row["patients"] is None for row in strata),
        "dimensions": {row["dimension"] for row in strata},
        "strata": _list_strata(strata),
    }


def _list_strata(strata: Sequence[Row]) -> list[dict[str, Any]]:
    """Return measures with their strata, a dimension after the other."""
    ordered = sorted(
        (row for row in strata if row["dimension"] != "all"),
        key=lambda row: (row["program"], row["measure"], row["dimension"], row["stratum"]),
    )
    return [
        {
            "text": find_measure_text(measure),
            "program": program,
            "measure": measure,
            "rows": [
                {
                    **row,
                    "shown": write_value(row["value"], ratio=row["kind"] == "ratio", program="dfc"),
                }
                for row in group
            ],
        }
        for (program, measure), group in groupby(
            ordered, key=lambda row: (row["program"], row["measure"])
        )
    ]
