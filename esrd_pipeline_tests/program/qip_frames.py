"""Small facility tables to score: one facility with everything in order, to be varied by tests."""

from collections.abc import Mapping
from datetime import date

import pandas as pd

from esrd_pipeline.program.qip_rules import QipRules
from esrd_pipeline.program.qip_scores import score_measures
from esrd_pipeline.tables.facility import DIRECTORY, PUBLISHED, PUBLISHED_RESULT

Row = Mapping[str, object]


def contract(year: int, rows: list[Row]) -> pd.DataFrame:
    """Rows of `facility.published`; what a row does not name is null or in order."""
    filled = [
        {"ccn": "010001", "performance_year": year, "program": "qip", "reportable": True, **row}
        for row in rows
    ]
    return pd.DataFrame(filled).reindex(columns=PUBLISHED.column_names)


def directory(rows: list[Row]) -> pd.DataFrame:
    """Rows of `facility.directory`: long certified, with in-center hemodialysis."""
    usual: dict[str, object] = {
        "ccn": "010001",
        "certification_date": date(1999, 1, 1),
        "has_in_center_hemodialysis": True,
        "has_qip_row": True,
    }
    return pd.DataFrame([{**usual, **row} for row in rows]).reindex(columns=DIRECTORY.column_names)


def grants(rows: list[tuple[str, date, date]]) -> pd.DataFrame:
    """Granted exceptions: CCN, first and last month."""
    return pd.DataFrame(rows, columns=["ccn", "first_month", "last_month"])


def standards(rows: list[Row]) -> pd.DataFrame:
    """Rows of `program.qip_standard` as far as scoring reads them."""
    columns = [
        "measure",
        "achievement_threshold",
        "benchmark",
        "small_facility_benchmark",
        "reason",
        "reason_number",
    ]
    return pd.DataFrame([dict(row) for row in rows]).reindex(columns=columns)


def score(
    rules: QipRules,
    *,
    current: list[Row],
    standard: list[Row] | None = None,
    improvement: list[Row] | None = None,
    earlier: list[Row] | None = None,
    facility: Row | None = None,
    ece: list[tuple[str, date, date]] | None = None,
    results: list[Row] | None = None,
    computed: frozenset[str] = frozenset(),
) -> pd.DataFrame:
    """Score one facility; the frame is indexed by measure."""
    year = rules.performance_year
    frame = score_measures(
        rules=rules,
        performance_year=year,
        current=contract(year, current),
        improvement=contract(year - 1, improvement) if improvement is not None else None,
        earlier=contract(year - 1, earlier) if earlier is not None else None,
        standards=standards(standard or []),
        directory=directory([facility or {}]),
        ece_grants=grants(ece or []),
        published_results=pd.DataFrame(
            [{"ccn": "010001", "program": "qip", **row} for row in results or []]
        ).reindex(columns=PUBLISHED_RESULT.column_names),
        computed=computed,
    )
    return frame.set_index("measure")


def published_scores(scores: Mapping[str, int | None], ccn: str = "010001") -> pd.DataFrame:
    """Measure scores alone, as domain scores need them."""
    return pd.DataFrame(
        {
            "ccn": ccn,
            "measure": list(scores),
            "score": pd.array(list(scores.values()), dtype="Int64"),
        }
    )
