"""Counts the answers to the questions of a raw table, in one SELECT over its rows."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from esrd_pipeline.sources.intake.questions import (
    COUNTED_BY_CLAIM,
    EXPECTED_TABLES,
    LINES,
    SETTINGS,
    TABLES,
    Known,
    Question,
    list_questions,
)
from esrd_pipeline.tables import clinical
from esrd_pipeline.tables.model import Table

Read = Callable[[str, Mapping[str, str], int], str]
"""Gives the SELECT of columns of a table: its name, SQL by name, and how many years before."""
Run = Callable[[str, str], pd.DataFrame]
"""Runs the SELECT of a table's answers, given its name and text."""
UNDATED = (
    clinical.EQRS_EQUITY_ATTESTATION,
    clinical.NHSN_BLOODSTREAM_INFECTION,
    clinical.ICH_CAHPS_SURVEY,
)
"""Tables of a year whose rows name no day of it."""
CLAIM_COLUMNS = {name: f"t.{name}" for name in ("clm_id", "clm_from_dt", "clm_thru_dt")}
COLUMNS = ["table_name", "setting", "kind", "column_name", "row_count", "concerned_count"]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a table's rows are, and how other tables' rows are read.

    Attributes:
        rows: what stands after FROM, without the alias, by name of the table.
        read: gives the SELECT of another table's columns.
        has_earlier: rows of the year before can be read.
    """

    rows: Callable[[str], str]
    read: Read
    has_earlier: bool = True


def _read_stored(table: str, columns: Mapping[str, str], years_before: int) -> str:
    listed = ", ".join(f"{text} AS {name}" for name, text in columns.items())
    year = "$performance_year" + (f" - {years_before}" if years_before else "")
    return f"SELECT {listed} FROM {table} AS t WHERE t.performance_year = {year}"


STORED = Source(rows=str, read=_read_stored)
"""The warehouse, where tables stand under their names."""


def count_answers(
    run: Run, source: Source, *, absent: Collection[str] = frozenset()
) -> pd.DataFrame:
    """Return the answers of all tables as rows of `COLUMNS`, one pass over each table's rows.

    Tables that are `absent` are asked nothing, nor is what would be looked up in them.
    """
    rows: list[tuple[str, str, str, str, int, int]] = []
    claims: dict[str, Mapping[str, int]] = {}
    for table in TABLES:
        if table.name in absent or LINES.get(table.name) in absent:
            continue
        asked = [
            question
            for question in list_questions(table)
            if not any(known.table in absent for known in question.known)
            and (source.has_earlier or not _looks_back(question))
        ]
        counted = run(table.name, make_select(table, asked, source))
        by_setting = {
            str(row["setting"]): {str(name): int(n) for name, n in row.items() if name != "setting"}
            for row in counted.to_dict("records")
        }
        claims[table.name] = {name: counts["row_count"] for name, counts in by_setting.items()}
        rows += _list_rows(table, asked, by_setting)
        if table.name in COUNTED_BY_CLAIM:
            rows += _list_bare_claims(table, claims[LINES[table.name]], by_setting)
    return pd.DataFrame(rows, columns=COLUMNS)


def count_files_again(
    answers: pd.DataFrame, extract: pd.DataFrame, before: pd.DataFrame | None
) -> pd.DataFrame:
    """Return, as rows of `COLUMNS`, how many files of a table are, byte for byte, last year's.

    Asked of the tables whose rows say no day, where nothing else tells the year.

    Args:
        answers: result of `count_answers`; a table without rows is not asked.
        extract: the year's rows of `raw.extract`.
        before: those of the year before; None if it has none.
    """
    filled = answers[(answers["kind"] == "rows") & (answers["row_count"] > 0)]["table_name"]
    files = extract[extract["table_name"].isin({*filled} & {table.name for table in UNDATED})]
    if before is None or files.empty:
        return pd.DataFrame(columns=COLUMNS)
    sent = pd.MultiIndex.from_frame(before[["table_name", "sha256"]])
    is_again = pd.MultiIndex.from_frame(files[["table_name", "sha256"]]).isin(sent)
    tables = files["table_name"]
    of, again = tables.value_counts(), tables[is_again].value_counts()
    rows = [
        (table, "", "file_of_year_before", "", int(of[table]), int(again.get(table, 0)))
        for table in sorted(of.index)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def make_select(table: Table, asked: Sequence[Question], source: Source) -> str:
    """Return the SELECT of a table's answers by setting."""
    is_part = table.name in LINES
    flags = [f"{_setting(table)} AS setting"]
    counts = ["coalesce(setting, '') AS setting", "count(*) AS row_count"]
    for place, question in enumerate(asked):
        if question.is_about_several:
            value = f"CASE WHEN {question.asked} THEN t.{question.column} END"
            flags.append(f"{value} AS v{place}")
            counts.append(f"count(v{place}) AS asked{place}")
            several = f"min(v{place}) < max(v{place})"
            counts.append(
                f"CASE WHEN {several} THEN count(v{place}) ELSE 0 END AS concerned{place}"
            )
            continue
        concern = _concern(question, source)
        if question.asked != "TRUE":
            flags.append(f"CASE WHEN {question.asked} THEN 1 END AS a{place}")
            counts.append(f"count(a{place}) AS asked{place}")
            concern = f"({question.asked}) AND ({concern})"
        flags.append(f"CASE WHEN {concern} THEN 1 END AS q{place}")
        # Hundreds of FILTERs take many times as long as counting what is not null.
        counts.append(f"count(q{place}) AS concerned{place}")
    join = ""
    if is_part:
        columns = {**CLAIM_COLUMNS, "setting": _setting_of_claims(table)}
        claim = source.read(LINES[table.name], columns, 0)
        join = f"\n    LEFT JOIN ({claim}) AS c ON c.clm_id = t.clm_id"
    if table.name in COUNTED_BY_CLAIM:
        flags.append("c.clm_id AS claim")
        counts.append("count(DISTINCT claim) AS claims")
    listed, flagged = (",\n    ".join(columns) for columns in (counts, flags))
    return f"""-- The answers of {table.name} by setting.
SELECT {listed}
FROM (
    SELECT {flagged}
    FROM {source.rows(table.name)} AS t{join}
    WHERE t.performance_year = $performance_year
)
GROUP BY coalesce(setting, '')"""


def list_read() -> dict[str, dict[str, str]]:
    """Return the columns that questions read of other tables than their own, as SQL by name."""
    read: dict[str, dict[str, str]] = {}
    for table in TABLES:
        for question in list_questions(table):
            for known in question.known:
                if not known.years_before:
                    read.setdefault(known.table, {})[known.column] = f"t.{known.column}"
        if table.name in LINES:
            columns = {**CLAIM_COLUMNS, "setting": _setting_of_claims(table)}
            read.setdefault(LINES[table.name], {}).update(columns)
    return read


def _looks_back(question: Question) -> bool:
    return any(known.years_before for known in question.known)


def _setting(table: Table) -> str:
    if table.name in LINES:
        return "c.setting"
    return SETTINGS.get(table.name, "''")


def _setting_of_claims(table: Table) -> str:
    return SETTINGS.get(LINES[table.name], "''")


def _concern(question: Question, source: Source) -> str:
    if not question.known:
        return question.concerned
    listed = " UNION ".join(_read_known(known, source) for known in question.known)
    within = "IN" if question.is_known else "NOT IN"
    return f"t.{question.column} {within} ({listed})"


def _read_known(known: Known, source: Source) -> str:
    column = known.column
    select = source.read(known.table, {column: f"t.{column}"}, known.years_before)
    return f"SELECT {column} FROM ({select}) WHERE {column} IS NOT NULL"


def _list_rows(
    table: Table, asked: Sequence[Question], by_setting: Mapping[str, Mapping[str, int]]
) -> Iterator[tuple[str, str, str, str, int, int]]:
    total = Counter[str]()
    for setting, counts in by_setting.items():
        total.update(counts)
        if table.name in SETTINGS or table.name in LINES:
            yield table.name, setting, "rows", "", counts["row_count"], counts["row_count"]
    if not (table.name in SETTINGS or table.name in LINES):
        yield table.name, "", "rows", "", total["row_count"], total["row_count"]
    if table.name in EXPECTED_TABLES:
        yield table.name, "", "table_empty", "", 1, int(not total["row_count"])
    for place, question in enumerate(asked):
        settings = by_setting if question.setting is None else {question.setting: total}
        for setting, counts in settings.items():
            of = counts.get(f"asked{place}", counts["row_count"])
            count = counts[f"concerned{place}"]
            if question.is_about_all:
                count = 0 if count else of
            if of:
                yield table.name, setting, question.kind, question.column, of, count


def _list_bare_claims(
    table: Table, claims: Mapping[str, int], by_setting: Mapping[str, Mapping[str, int]]
) -> Iterator[tuple[str, str, str, str, int, int]]:
    """Claims that have no row in a table where each has one."""
    for setting, count in claims.items():
        found = by_setting.get(setting, {}).get("claims", 0)
        yield table.name, setting, "claim_without_line", "clm_id", count, count - found
