"""The page of one facility: what was measured, how it was scored, and why something is missing."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from esrd_pipeline.families.combined import NOT_COMPUTED
from esrd_pipeline.parameters.measure_texts import find_measure_text
from esrd_pipeline.parameters.register import is_ratio
from esrd_pipeline.program.star_rules import load_star_rules
from esrd_pipeline.reports.rounding import write_count
from esrd_pipeline.reports.suppression import FEW, describe_hidden
from esrd_pipeline.site.centers import place_for_patients
from esrd_pipeline.site.certificate import has_certificate
from esrd_pipeline.site.charts import draw_interval, draw_line
from esrd_pipeline.site.data import Row, SiteData
from esrd_pipeline.site.formats import (
    CATEGORY_WORDS,
    is_missing,
    write_number,
    write_percent,
    write_reason,
    write_value,
)
from esrd_pipeline.site.signals import list_signals
from esrd_pipeline.site.what_it_takes import describe_what_it_takes
from esrd_pipeline.tables.exclusion import EXCLUSION

_DOMAINS = {
    "care_coordination": "Care coordination",
    "clinical_care": "Clinical care",
    "patient_family_engagement": "Patient and family engagement",
    "reporting": "Reporting",
    "safety": "Safety",
}
STAR_DOMAINS = {1: "Outcomes", 2: "Vascular access", 3: "Kt/V and calcium", 4: "Waitlisting"}


def describe_facility(data: SiteData, ccn: str) -> dict[str, Any]:
    """Return what the template of a facility's page shows."""
    row = data.facilities[ccn]
    measures = list(_list_measures(data, ccn))
    return {
        "facility": row,
        "year": data.year,
        "years": data.years,
        "verdict": _write_verdict(data, ccn),
        "has_certificate": has_certificate(data, ccn),
        "for_patients": place_for_patients(data, ccn),
        "measures": [item for item in measures if item["is_reported"]],
        "unreported": [item for item in measures if not item["is_reported"]],
        "exclusions": _list_exclusions(data, ccn),
        "has_exclusions": bool(data.exclusions),
        "hidden": describe_hidden(EXCLUSION),
        "hides": any(row["patients"] is None for row in data.exclusions.get(ccn, [])),
        "beside": list(_list_groups(row)),
        "differs": any(
            item["reference"] not in {"", item["history"][-1][2][-1]}
            for item in measures
            if item["is_reported"]
        ),
        "has_counts": any(not is_missing(item["row"]["denominator"]) for item in measures),
        "tps": data.tps.get(ccn),
        "tps_reason": write_reason(data.tps.get(ccn, {})),
        "domains": _list_domains(data, ccn),
        "takes": describe_what_it_takes(data, ccn),
        "stars": data.stars.get(ccn),
        "stars_reason": write_reason(data.stars.get(ccn, {})),
        "star_scores": sorted(
            data.star_scores.get(ccn, []), key=lambda item: (item["domain"], item["measure"])
        ),
        "star_domains": STAR_DOMAINS,
        "star_weights": _write_star_weights(data, ccn),
        "changes": list(_list_changes(data, ccn)),
        "signals": list_signals(data, ccn),
        "peers": [
            data.facilities[peer["peer_ccn"]]
            for peer in sorted(data.peers.get(ccn, []), key=lambda item: item["rank"])
            if peer["peer_ccn"] in data.facilities
        ],
    }


def _list_measures(data: SiteData, ccn: str) -> Iterator[dict[str, Any]]:
    """Yield the facility's DFC measures, and the QIP's that DFC lacks or has no numbers of."""
    rows = sorted(
        data.contract.get(ccn, []), key=lambda row: (row["program"] == "qip", row["measure"])
    )
    # Of a year without published files the QIP computes some that DFC takes from its file.
    is_of_dfc = {
        row["measure"]: row["reason"] != NOT_COMPUTED for row in rows if row["program"] == "dfc"
    }
    of_qip = {row["measure"] for row in rows if row["program"] == "qip"}
    for row in rows:
        measure = row["measure"]
        program = "qip" if measure in of_qip and not is_of_dfc.get(measure) else "dfc"
        if row["program"] != program:
            continue
        yield _describe_measure(data, ccn, row)


def _describe_measure(data: SiteData, ccn: str, row: Row) -> dict[str, Any]:
    program, measure = row["program"], row["measure"]
    entry = data.registered.get((program, measure))
    ratio = is_ratio(measure, entry.family if entry else "")
    flag = data.flags.get((ccn, measure)) if program == "dfc" else None
    level = data.levels.get((program, measure), {})
    usual = 1.0 if ratio else level.get("national")
    reference = usual if flag is None else flag["reference"]
    hidden = (row.get("suppressed") or "").split()
    scale = 100 if program == "qip" and not ratio else 1

    def write(value: object) -> str:
        return write_value(value, ratio=ratio, program=program)

    def scaled(value: float | None) -> float | None:
        return None if is_missing(value) else float(value or 0) * scale

    key = program, measure
    mine = data.histories.get(ccn, {}).get(key, {})
    history = [("Facility", ("facility", ccn), [write(mine.get(year)) for year in data.years])]
    for name, group in _list_groups(data.facilities[ccn]):
        rows = data.trends.get(group, {}).get(key, {})
        values = [_take(rows.get(year), "value") for year in data.years]
        history.append((name, group, [write(value) for value in values]))
    return {
        "row": row,
        "measure": measure,
        "program": program,
        "text": find_measure_text(measure),
        "is_reported": bool(row["reportable"]) and "value" not in hidden,
        "is_of_few": "value" in hidden,
        "reason": f"{FEW.capitalize()} patients" if "value" in hidden else write_reason(row),
        "value": write(row["value"]),
        "observed": write_number(row["numerator"], 1),
        "expected": write_number(row["denominator"], 1),
        "limits": ""
        if is_missing(row["lower"]) or is_missing(row["upper"])
        else f"{write(row['lower'])} to {write(row['upper'])}",
        "category": flag["category"] if flag else None,
        "reference": write(reference) if not is_missing(reference) else "",
        "reference_of": "program.flags" if flag else "" if ratio else "facility.level",
        "chart": draw_interval(
            scaled(row["value"]),
            scaled(row["lower"]),
            scaled(row["upper"]),
            scaled(reference),
            ratio=ratio,
        ),
        "line": draw_line([mine.get(year) for year in data.years]),
        "history": history,
    }


_CHANGES = {
    "tps": "Total Performance Score",
    "reduction": "Payment reduction in percent",
    "star": "Stars",
}


def _list_changes(data: SiteData, ccn: str) -> Iterator[dict[str, Any]]:
    """Yield what is not as it was the year before: a name, what it was, what it is."""
    rows = data.changes.get(ccn, [])
    for row in sorted(
        rows, key=lambda item: (item["kind"] == "flag", item["kind"], item["measure"])
    ):
        name = _CHANGES.get(row["kind"]) or find_measure_text(row["measure"]).abbreviation
        before, after = _write_state(row, "before"), _write_state(row, "after")
        # Another reason for no result is told where the page says why there is none.
        if before != after:
            yield {"row": row, "name": name, "before": before, "after": after}


def _write_state(row: Row, when: str) -> str:
    text = row[f"{when}_text"]
    is_shown = when not in (row.get("suppressed") or "").split()
    if text in CATEGORY_WORDS and is_shown:
        return CATEGORY_WORDS[text]
    if not is_missing(row[when]):
        return write_number(row[when], 1)
    return "no result"


def _list_exclusions(data: SiteData, ccn: str) -> list[dict[str, Any]]:
    """Return measures with how many patients each reason took; the QIP's where DFC has none."""
    rows = sorted(
        data.exclusions.get(ccn, []),
        key=lambda row: (row["program"] == "qip", row["measure"], row["reason"]),
    )
    of_dfc = {row["measure"] for row in rows if row["program"] == "dfc"}
    shown = (row for row in rows if row["program"] == "dfc" or row["measure"] not in of_dfc)
    return [
        {
            "program": program,
            "measure": measure,
            "text": find_measure_text(measure),
            "reasons": [
                {**row, "text": write_reason({"reason": row["reason"]})} for row in of_measure
            ],
        }
        for (program, measure), of_measure in groupby(
            shown, key=lambda row: (row["program"], row["measure"])
        )
    ]


def _list_groups(row: Row) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield what a facility is shown beside: names, and groups of report.trend."""
    if row["state"] is not None:
        yield f"State {row['state']}", ("state", str(row["state"]))
    if row["network"] is not None:
        yield f"Network {row['network']}", ("network", str(row["network"]))
    yield "Nation", ("nation", "nation")


def _take(row: Row | None, name: str) -> float | None:
    return None if row is None or is_missing(row[name]) else float(row[name])


def _list_domains(data: SiteData, ccn: str) -> list[dict[str, Any]]:
    scores = data.measure_scores.get(ccn, [])
    return [
        {
            "row": domain,
            "name": _DOMAINS.get(domain["domain"], domain["domain"].replace("_", " ")),
            "weight": write_percent(domain["weight"], 2),
            "nominal": write_percent(domain["nominal_weight"], 0),
            "reason": write_reason(domain),
            "measures": list(_list_scores(scores, domain["domain"])),
        }
        for domain in sorted(data.domain_scores.get(ccn, []), key=lambda item: item["domain"])
    ]


def _list_scores(scores: Sequence[Row], domain: str) -> Iterator[dict[str, Any]]:
    """Yield a domain's measures, each followed by its components."""
    mine = [row for row in scores if row["domain"] == domain]
    for row in sorted(mine, key=lambda item: item["measure"]):
        if row["role"] != "measure":
            continue
        yield _describe_score(row)
        for part in sorted(mine, key=lambda item: item["measure"]):
            if part["parent"] == row["measure"]:
                yield _describe_score(part)


def _describe_score(row: Row) -> dict[str, Any]:
    hidden = (row.get("suppressed") or "").split()
    return {
        "row": row,
        "text": find_measure_text(row["measure"]),
        "is_component": row["role"] == "component",
        "weight": write_percent(
            row["weight_in_parent"] if row["parent"] else row["weight_in_domain"], 2
        ),
        "weight_of": "weight_in_parent" if row["parent"] else "weight_in_domain",
        "reason": write_reason(row),
        "rate": FEW if "rate" in hidden else write_number(row["rate"], 4),
        **{
            name: write_number(row[name], 4)
            for name in ("adjusted_rate", "improvement_rate", "achievement_threshold", "benchmark")
        },
    }


def _write_verdict(data: SiteData, ccn: str) -> str:
    """Say in one line how the facility stands."""
    parts: list[str] = []
    tps, stars = data.tps.get(ccn), data.stars.get(ccn)
    if tps is not None and not is_missing(tps["tps"]):
        reduction = tps["payment_reduction"]
        cut = "no payment reduction" if reduction == 0 else f"payment reduced by {reduction:g}%"
        parts.append(f"Total Performance Score {tps['tps']} of 100, {cut} in {tps['payment_year']}")
    rating = find_rating(stars)
    if rating is not None:
        parts.append(f"{rating} of 5 stars")
    categories = [
        flag["category"]
        for (number, _), flag in _flags_of(data, ccn)
        if number == ccn and not is_missing(flag["category"])
    ]
    if categories:
        counted = ", ".join(
            f"{CATEGORY_WORDS[name].lower()} in {categories.count(name)}"
            for name in CATEGORY_WORDS
            if name in categories
        )
        parts.append(f"of {write_count(len(categories), 'flagged measure')} {counted}")
    if not parts:
        return "Neither scored nor rated this year; the reasons stand below."
    text = "; ".join(parts)
    return text[:1].upper() + text[1:] + "."


def _write_star_weights(data: SiteData, ccn: str) -> str:
    """Return the weights of a facility's domains in its final score; nothing if not known."""
    stars = data.stars.get(ccn, {})
    if is_missing(stars.get("measure_set")):
        return ""
    rules = load_star_rules(str(stars["measure_set"]), data.year)
    weights = rules.peritoneal_weights if stars["is_peritoneal_only"] else rules.weights
    return ", ".join(f"{STAR_DOMAINS[domain]} {weight}" for domain, weight in weights.items())


def find_rating(stars: Row | None) -> int | None:
    """Return a facility's stars: ours, or those CMS published where we have none."""
    for name in ("rating", "published_rating"):
        if stars is not None and not is_missing(stars[name]):
            return int(stars[name])
    return None


def _flags_of(data: SiteData, ccn: str) -> Iterator[tuple[tuple[str, str], Row]]:
    for row in data.contract.get(ccn, []):
        key = ccn, row["measure"]
        # Of few patients, the page has no value that the category would stand beside.
        is_shown = "value" not in (row.get("suppressed") or "").split()
        if row["program"] == "dfc" and key in data.flags and is_shown:
            yield key, data.flags[key]
