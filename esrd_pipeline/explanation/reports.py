"""Measures of what a facility itself reports, item by item; and those only CMS computes."""

import pandas as pd

from esrd_pipeline.explanation.document import COUNTED, Check, Section
from esrd_pipeline.explanation.events import describe_counting
from esrd_pipeline.explanation.request import Request
from esrd_pipeline.explanation.results import Row, compare, find_meaning
from esrd_pipeline.measures.reporting import SURVEY
from esrd_pipeline.tables import clinical, facility, history, linkage
from esrd_pipeline.tables.model import Table

_TABLES: dict[str, Table] = {
    "nhsn_bsi": clinical.NHSN_BLOODSTREAM_INFECTION,
    "nhsn_dialysis_event": clinical.NHSN_BLOODSTREAM_INFECTION,
    "covid_vaccination": clinical.NHSN_VACCINATION,
    "health_equity": clinical.EQRS_EQUITY_ATTESTATION,
}


def explain_reports(request: Request, row: Row) -> tuple[list[Section], list[Check]]:
    """Return the items a facility reported, and their sums."""
    from esrd_pipeline.families.reporting import Places
    from esrd_pipeline.families.reporting_items import list_reports

    places = Places(
        facilities=request.read(linkage.FACILITY),
        provider_numbers=request.read(linkage.PROVIDER_NUMBER),
        facility_ccns=request.read(linkage.FACILITY_CCN),
        exceptions=request.read(history.EXCEPTION_MONTH),
    )
    table = _TABLES.get(request.measure, clinical.ICH_CAHPS_SURVEY)
    items = list_reports(request.measure, request.year, places, request.read(table), request.ccn)
    items = items[items["program"] == request.program].reset_index(drop=True)
    citation = find_meaning(request).citation
    counting = describe_counting(request.measure, items["reason"], COUNTED, citation)
    lines = pd.concat([items[["item", "detail", "numerator", "denominator"]], counting], axis=1)
    counted = lines[lines["counts"] == "yes"]
    section = Section(
        "reports",
        "Reports, item by item",
        lines,
        "Every quarter, month, domain or survey of the year: counted, or why not.",
    )
    if counted.empty:
        return [section], []
    above, below = (counted[name].astype(float).sum() for name in ("numerator", "denominator"))
    if pd.isna(row["numerator"]) and request.measure.startswith(SURVEY):
        # A part of the survey has no counts in the contract, only its share.
        what = f"{above:.7g} / {below:.7g}"
        return [section], [compare(row, what, "value", float(above / below), exact=False)]
    return [section], [
        compare(row, "items' numerators", "numerator", float(above)),
        compare(row, "items' denominators", "denominator", float(below)),
    ]


def explain_published(request: Request, _: Row) -> tuple[list[Section], list[Check]]:
    """Return the published row of a measure that only CMS computes."""
    rows = request.read(
        facility.PUBLISHED_RESULT,
        where={"ccn": request.ccn, "program": request.program, "measure": request.measure},
    )
    shown = rows.drop(columns=["ccn", "performance_year", "program", "measure"])
    if not shown.empty:
        shown["codes"] = [
            " ".join(map(str, codes)) if codes is not None else "" for codes in shown["codes"]
        ]
    return [
        Section(
            "published",
            "What CMS published",
            shown,
            "CMS computes this measure from files that it does not hand out: no patient-level file"
            " of the year adds up to it, and only the published row can be shown.",
        )
    ], []
