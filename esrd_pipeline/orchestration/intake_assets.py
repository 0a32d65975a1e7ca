"""The asset of the intake: what a year's raw tables are asked, and whether it may go on."""

from pathlib import Path

import pandas as pd

from esrd_pipeline.duckdb_text import scan_parquet
from esrd_pipeline.orchestration.context import StepContext, StepResult
from esrd_pipeline.orchestration.intake import OF_FILES, digest_files
from esrd_pipeline.orchestration.partitions import years_before
from esrd_pipeline.orchestration.table_asset import Dependency, TableAsset, make_multi_asset
from esrd_pipeline.sources.intake.questions import CLAIMS, TABLES
from esrd_pipeline.tables.catalog import TABLES_BY_NAME
from esrd_pipeline.tables.matching import BENEFICIARY
from esrd_pipeline.tables.release import EXTRACT
from esrd_pipeline.tables.report import INTAKE
from esrd_pipeline.warehouse import Query


def _take_in(step: StepContext) -> StepResult:
    from esrd_pipeline.sources.intake.counting import STORED, count_answers, count_files_again
    from esrd_pipeline.sources.intake.judging import FAILS, WARNS, describe, judge
    from esrd_pipeline.sql import parse_select

    year = step.performance_year

    def run(table: str, text: str) -> pd.DataFrame:
        select = parse_select(INTAKE.name, f"the questions of {table}", text)
        return step.warehouse.read_select(year, select, tables=TABLES_BY_NAME)

    extract = step.read(EXTRACT)
    counted = count_answers(run, STORED)
    again = count_files_again(counted, extract, step.read_earlier(EXTRACT, 1))
    answers = pd.concat([counted, again], ignore_index=True)
    judged = judge(answers, step.read_earlier(INTAKE, 1), year)
    files = {
        str(table): [str(name) for name in rows["file_name"]]
        for table, rows in extract.groupby("table_name")
    }
    outcomes = judged["outcome"].value_counts()
    return StepResult(
        (judged,),
        notes={name: int(outcomes.get(name, 0)) for name in (FAILS, WARNS)},
        warning=describe(judged, WARNS, files),
        fault=describe(judged, FAILS, files),
        written={OF_FILES: digest_files(extract)},
    )


def find_unmatched(query: Query, staged: Path) -> tuple[str | None, str | None]:
    """Return what the share of beneficiaries without an EQRS patient warns of, or fails for.

    The year's last claims and enrollment stand in the same table as those of the years before it.
    """
    from esrd_pipeline.sources.intake.judging import FAILS, WARNS, describe, judge_one_count

    counted = query(
        f"FROM {scan_parquet([staged])}"
        " SELECT count(*) AS of, count(*) FILTER (WHERE NOT is_matched) AS found"
    ).iloc[0]
    judged = judge_one_count(
        BENEFICIARY.name, "beneficiary_without_match", int(counted["of"]), int(counted["found"])
    )
    return describe(judged, WARNS), describe(judged, FAILS)


TAKE_IN = TableAsset(
    tables=(INTAKE,),
    compute=_take_in,
    description="What the raw tables of patients say together: claims by their last day, rows that"
    " refer to nothing, codes outside their lists, days outside the year, and rows beside those of"
    " the year before within each table and setting. Not stored where an answer is beyond the"
    " limit that fails (parameters/intake_limit.csv); nothing is computed from the year then.",
    dependencies=(
        Dependency(EXTRACT, years_before(first=1)),
        *(Dependency(table) for table in TABLES if table.name not in CLAIMS),
        *(Dependency(TABLES_BY_NAME[name], years_before(first=1)) for name in CLAIMS),
        Dependency(INTAKE, years_before(first=1, last=1)),
    ),
    kinds=frozenset({"sql", "duckdb", "parquet"}),
)

ASSETS = (make_multi_asset("intake", (TAKE_IN,)),)
