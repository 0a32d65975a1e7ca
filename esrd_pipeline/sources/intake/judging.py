"""Holds the answers of a year's raw tables against the limits of parameters/intake_limit.csv."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import pandas as pd

from esrd_pipeline.parameters.rows import load_rows
from esrd_pipeline.sources.intake.counting import COLUMNS
from esrd_pipeline.sources.intake.questions import load_window
from esrd_pipeline.tables.report import INTAKE

KEY = ["table_name", "setting", "kind", "column_name"]
PASSES, WARNS, FAILS = "passes", "warns", "fails"
INFORMATION, NO_YEAR_BEFORE, FEW_ROWS = "information", "no_year_before", "few_rows"
ASKED_OF_TWO_YEARS = (
    "rows_lost",
    "rows_gained",
    "has_value",
    "several_values",
    "claim_in_earlier_folder",
    "file_of_year_before",
)
"""Questions that one folder alone does not answer."""
SHOWN = 12
"""Answers that one message tells."""
_COMPARED = {"rows_lost": -1, "rows_gained": 1}
_TEXTS = {
    "last_day_in_run_out": "claims end after the year",
    "last_day_before_year": "claims end in the year before",
    "last_day_far_before": "claims end more than {late} months before the year, and are left out",
    "last_day_far_after": "claims end more than {run_out} months after the year, and are left out",
    "first_day_after_last": "claims begin after their last day",
    "claim_too_long": "claims are of more than a year",
    "claim_in_earlier_folder": "claims are in the folder of the year before too",
    "file_of_year_before": "files are files of the year before, byte for byte",
    "setting_absent": "claims, and none of this setting",
    "table_empty": "the table has no rows",
    "line_without_claim": "rows are of no claim in the folder",
    "claim_without_line": "claims have no row here",
    "patient_unknown": "rows are of nobody in raw.eqrs_patient",
    "facility_unknown": "rows are of no facility that a list knows",
    "person_not_enrolled": "rows are of nobody in raw.medicare_enrollment",
    "recipient_not_listed": "transplants are of nobody in raw.optn_waitlist",
    "date_outside_year": "days are not in the year",
    "date_far_outside": "days are none that the table can hold",
    "date_after_run_out": "of the days since the year began are none the table can hold yet",
    "date_outside_claim": "days are not of the row's claim",
    "ends_before_begins": "rows end before they begin",
    "ends_before_year": "rows, and none of the year",
    "code_outside_list": "codes are not in the column's list",
    "code_of_another_form": "values are not of the column's usual form",
    "month_absent": "rows since the month began, and none of the month",
    "several_values": "all rows have one value, several the year before",
    "value_outside_range": "values are none that the column's unit can give",
    "value_missing": "rows have no value where one is needed",
    "has_value": "fewer rows have a value than the year before",
    "rows_lost": "rows fewer than the year before",
    "rows_gained": "rows more than the year before",
    "beneficiary_without_match": "beneficiaries are no EQRS patient",
}


@dataclass(frozen=True, slots=True)
class Limit:
    """Beyond which share, or fall of a share since the year before, an answer warns or fails.

    Of fewer rows than `least_rows`, no share is judged; a limit of 0 warns of any row.
    """

    judged: str
    least_rows: int
    warns: float | None
    fails: float | None


def judge(answers: pd.DataFrame, before: pd.DataFrame | None, year: int) -> pd.DataFrame:
    """Return the rows of `report.intake`.

    Args:
        answers: what `counting.count_answers` counted in the year.
        before: rows of the year before; None if that year has none.
        year: performance year.
    """
    compared = pd.DataFrame(list(_compare_rows(answers, before)), columns=answers.columns)
    rows = pd.concat([answers, compared], ignore_index=True)
    return _judge_all(rows, before).assign(performance_year=year)[INTAKE.column_names]


def _judge_all(answers: pd.DataFrame, before: pd.DataFrame | None) -> pd.DataFrame:
    """Add share, the share of the year before, limits and outcome."""
    rows = answers.astype({"row_count": "Int64", "concerned_count": "Int64"})
    rows["share"] = _divide(rows)
    known = (
        {} if before is None else before.set_index(KEY)[["share", "concerned_count"]].T.to_dict()
    )
    judged = [_judge_one(row, known, is_first=before is None) for row in rows.to_dict("records")]
    names = ["share_before", "warn_limit", "fail_limit", "outcome"]
    rows[names] = pd.DataFrame(judged, columns=names, index=rows.index)
    return rows


def judge_one_count(table: str, kind: str, row_count: int, concerned_count: int) -> pd.DataFrame:
    """Return one answer that is counted elsewhere as a row like those of `report.intake`."""
    column = next(row["column_name"] for row in load_rows("intake_limit") if row["kind"] == kind)
    answer = pd.DataFrame([(table, "", kind, column, row_count, concerned_count)], columns=COLUMNS)
    return _judge_all(answer, None)


def describe(
    judged: pd.DataFrame, outcome: str, files: Mapping[str, Sequence[str]] | None = None
) -> str | None:
    """Say which answers have this outcome, each with its place, count and limit; None if none.

    `files` names the files of each raw table.
    """
    chosen = judged[judged["outcome"] == outcome]
    if chosen.empty:
        return None
    # What is missing as a whole comes before the columns that miss its values.
    chosen = chosen.sort_values("kind", key=lambda kind: kind == "has_value", kind="stable")
    texts = [describe_answer(row, files) for row in chosen.to_dict("records")]
    more = f"; and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
    return "; ".join(texts[:SHOWN]) + more


def describe_answer(
    row: Mapping[Hashable, Any], files: Mapping[str, Sequence[str]] | None = None
) -> str:
    """Say one answer: table and files, setting, column, rule, count, share and limit."""
    files = files or {}
    table, setting, column = (str(row[name]) for name in ("table_name", "setting", "column_name"))
    named = [name for name in files.get(table, ()) if _is_of(name, setting)]
    place = [f"{table} ({', '.join(named)})" if named else table]
    place += [f"setting {setting}"] if setting else []
    place += [f"column {column}"] if column else []
    kind = str(row["kind"])
    count, of = row["concerned_count"], row["row_count"]
    share = float(row["share"])
    text = f"{count:,} of {of:,} ({share:.1%})"
    if kind == "has_value":
        text = f"{share:.1%} of rows have a value, {float(row['share_before']):.1%} before"
    if kind == "several_values":
        text = f"{of:,} rows"
    limits = "".join(
        f", {name} limit {float(row[f'{name}_limit']):.3g}"
        for name in ("warn", "fail")
        if not pd.isna(row[f"{name}_limit"])
    )
    return f"{', '.join(place)}: {_TEXTS[kind].format(**load_window())}: {text}{limits}"


@cache
def _load_limits() -> Mapping[tuple[str, str, str], Limit]:
    return {
        (row["kind"], row["table_name"], row["column_name"]): Limit(
            row["judged"],
            int(row["least_rows"]),
            float(row["warn_limit"]) if row["warn_limit"] else None,
            float(row["fail_limit"]) if row["fail_limit"] else None,
        )
        for row in load_rows("intake_limit")
    }


def find_limit(kind: str, table: str, column: str) -> Limit | None:
    """Return the limit of a column's answers, else of its table's, else of all of the kind."""
    limits = _load_limits()
    places = ((table, column), (table, ""), ("", column), ("", ""))
    return next((limits[kind, *place] for place in places if (kind, *place) in limits), None)


def _compare_rows(
    answers: pd.DataFrame, before: pd.DataFrame | None
) -> Iterator[tuple[str, str, str, str, int | None, int]]:
    """Compare the rows of each table and setting with those of the year before."""

    def count(frame: pd.DataFrame) -> dict[tuple[str, str], int]:
        rows = frame[frame["kind"] == "rows"]
        pairs = zip(rows["table_name"], rows["setting"], strict=True)
        return dict(zip(pairs, rows["row_count"].astype(int), strict=True))

    now = count(answers)
    then = {} if before is None else count(before)
    for table, setting in sorted({*now, *then}):
        rows = now.get((table, setting), 0)
        earlier = then.get((table, setting), 0)
        for kind, sign in _COMPARED.items():
            of = None if before is None else earlier
            yield table, setting, kind, "", of, max(sign * (rows - earlier), 0) if of else 0


def _divide(rows: pd.DataFrame) -> pd.Series:
    of = rows["row_count"].where(rows["row_count"] > 0).astype("Float64")
    return (rows["concerned_count"].astype("Float64") / of).astype("Float64")


def _judge_one(
    row: Mapping[Hashable, Any], known: Mapping[Hashable, Mapping[str, float]], *, is_first: bool
) -> tuple[float | None, float | None, float | None, str]:
    """Return the share of the year before, both limits, and the outcome."""
    earlier = known.get(tuple(row[name] for name in KEY))
    share_before = None if earlier is None or pd.isna(earlier["share"]) else earlier["share"]
    limit = find_limit(str(row["kind"]), str(row["table_name"]), str(row["column_name"]))
    if limit is None:
        return share_before, None, None, INFORMATION
    if pd.isna(row["share"]):
        outcome = NO_YEAR_BEFORE if is_first else FEW_ROWS
        return share_before, limit.warns, limit.fails, outcome
    value, of = float(row["share"]), int(row["row_count"])
    if limit.judged == "fall":
        if earlier is None or not share_before:
            outcome = NO_YEAR_BEFORE if is_first else FEW_ROWS
            return share_before, limit.warns, limit.fails, outcome
        value, of = 1 - value / share_before, int(earlier["concerned_count"])
    if of < limit.least_rows:
        outcome = WARNS if limit.warns == 0 and value > 0 else FEW_ROWS
    elif limit.fails is not None and value > limit.fails:
        outcome = FAILS
    else:
        outcome = WARNS if limit.warns is not None and value > limit.warns else PASSES
    return share_before, limit.warns, limit.fails, outcome


def _is_of(name: str, setting: str) -> bool:
    """Whether a file may hold rows of the setting: claims of one setting lie in files of theirs."""
    settings = {"dialysis": "outpatient", "managed care": "inpatient"}
    stems = ("inpatient", "outpatient", "snf", "hha", "hospice")
    mine = settings.get(setting, setting)
    return mine not in stems or not name.lower().startswith(stems) or name.lower().startswith(mine)
