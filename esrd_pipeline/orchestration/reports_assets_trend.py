"""Assets of the pages' tables: trends of the nation, Networks, states, chains and facilities."""

from pathlib import Path

from esrd_pipeline.orchestration.context import StepContext, StepResult
from esrd_pipeline.orchestration.select_asset import make_select_asset
from esrd_pipeline.orchestration.table_asset import Dependency, TableAsset, make_multi_asset
from esrd_pipeline.tables import facility, measured, program, trend
from esrd_pipeline.warehouse import Query


def _inspect_strata(query: Query, path: Path) -> tuple[str | None, str | None]:
    from esrd_pipeline.reports.sums_check import inspect_strata

    return inspect_strata(query, path)


def _inspect_cohort(query: Query, path: Path) -> tuple[str | None, str | None]:
    from esrd_pipeline.reports.sums_check import inspect_cohort

    return inspect_cohort(query, path)


def _combine_trend(step: StepContext) -> StepResult:
    from esrd_pipeline.reports.trend import combine_trend
    from esrd_pipeline.reports.trend_check import find_fault

    year = step.performance_year
    contract, level = step.read(measured.CONTRACT), step.read(facility.LEVEL)
    frame = combine_trend(
        performance_year=year,
        contract=contract,
        level=level,
        directory=step.read(facility.DIRECTORY),
        flags=step.read(program.FLAGS, columns=("ccn", "measure", "category")),
    )
    groups = frame[frame["level"] != trend.FACILITY]
    return StepResult(
        (frame,),
        notes={f"groups, {name}": int(n) for name, n in groups["method"].value_counts().items()},
        fault=find_fault(performance_year=year, trend=frame, contract=contract, level=level),
    )


_TREND = TableAsset(
    tables=(trend.TREND,),
    compute=_combine_trend,
    description="Every measure of the nation, the Networks, states, chains and facilities: observed"
    " and expected events, numerators and denominators, are summed over reportable facilities and"
    " divided once. Not stored unless facilities have the contract's numbers, groups add up to the"
    " nation, and the nation agrees with facility.level.",
    dependencies=(
        Dependency(measured.CONTRACT),
        Dependency(facility.LEVEL),
        Dependency(facility.DIRECTORY),
        Dependency(program.FLAGS),
    ),
)

_STRATUM = make_select_asset(
    "report.stratum",
    description="Patients, observed and expected events of each measure by age, sex, race,"
    " ethnicity, dual eligibility and nursing home, and by rurality and social"
    " vulnerability where the year has the files of ZIP codes. Not stored unless the strata of each"
    " add up to the measure's facilities.",
    inspect=_inspect_strata,
)

_COHORT = make_select_asset(
    "report.cohort",
    description="The year's patients in the nation, Networks and states: who began ESRD, has it at"
    " the year's end, by which modality, for how long, at home, on the waitlist; who was"
    " transplanted or died. Not stored unless Networks and states add up to the nation.",
    inspect=_inspect_cohort,
)

TABLE_ASSETS = (_TREND, _STRATUM, _COHORT)
ASSETS = (
    make_multi_asset("trend", (_TREND,)),
    # Steps of their own: they are made from patients, the trend from published files, too.
    make_multi_asset("stratum", (_STRATUM,)),
    make_multi_asset("year_cohort", (_COHORT,)),
)
