"""Assets of what it would take: events to the next point, to lower reductions, and chances."""

from datetime import date

import pandas as pd

from esrd_pipeline.orchestration.context import StepContext, StepResult
from esrd_pipeline.orchestration.program_assets import list_rates
from esrd_pipeline.orchestration.rule_set import has_rules, read_recorded
from esrd_pipeline.orchestration.select_asset import make_select_asset
from esrd_pipeline.orchestration.table_asset import Dependency, TableAsset, make_multi_asset
from esrd_pipeline.parameters.payment_years import find_payment_year, longest_lookback
from esrd_pipeline.tables import facility, measured, program, what_if

_MONTHS = 12
_COUNTS = ("ccn", "measure", "reportable", "numerator", "denominator", "value")
_LIMITS = ("ccn", "program", "measure", "value", "lower", "upper")


def count_months(year: int, cutoff: date | None) -> int:
    """Return how many months of a year were over at its data cut-off: all without one."""
    if cutoff is None or cutoff.year > year:
        return _MONTHS
    return max(cutoff.month - 1, 1) if cutoff.year == year else 1


def _tabulate(step: StepContext) -> StepResult:
    from esrd_pipeline.program.qip_rules import load_rules
    from esrd_pipeline.scoring_frames import read_frames
    from esrd_pipeline.what_if.ladders import Nation
    from esrd_pipeline.what_if.overlay import find_scales
    from esrd_pipeline.what_if.scenario import choose_limits
    from esrd_pipeline.what_if.tabulate import tabulate_what_it_takes

    year = step.performance_year
    if not has_rules(step):
        empty = tuple(pd.DataFrame(columns=table.column_names) for table in what_if.TABLES)
        why = f"there is no rule set for payment year {find_payment_year(year)}"
        return StepResult(empty, notes={"not computed": why})
    rules = load_rules(find_payment_year(year), read_recorded(step, program.QIP_MEASURE_SCORE))
    scales = find_scales(step.read(measured.CONTRACT, columns=_COUNTS, program="qip"))
    tables = tabulate_what_it_takes(
        Nation(year, rules, read_frames(step, rules), scales),
        choose_limits(step.read(measured.CONTRACT, columns=_LIMITS)),
        months=count_months(year, step.cutoff),
    )
    with_way = tables.ways["ccn"].nunique()
    return StepResult(
        (tables.points, tables.ways, tables.chances),
        notes={
            "facilities with a next point": int(tables.points["ccn"].nunique()),
            "facilities with a way to a lower reduction": int(with_way),
            "facilities with chances": int(tables.chances["ccn"].nunique()),
        },
    )


_DEPENDENCIES = (
    *list_rates(longest_lookback("improvement_year")),
    Dependency(facility.PUBLISHED_IMPROVEMENT),
    Dependency(program.QIP_STANDARD),
    Dependency(program.QIP_MEASURE_SCORE),
    Dependency(facility.PUBLISHED_RESULT),
)

_STRATA = make_select_asset(
    "report.facility_stratum",
    description="Patients of each facility by age, sex, race, ethnicity, dual eligibility, nursing"
    " home, rurality and social vulnerability, from which scenarios add up who moves. It stays in"
    " the agency.",
)

_DOLLARS = make_select_asset(
    "report.reduction_dollars",
    description="What each payment reduction takes from each facility in dollars, an upper-level"
    " estimate: treatments of the year x base rate, without case mix, wages, add-ons and peritoneal"
    " dialysis.",
)

ASSETS = (
    # Steps of their own: they are made from patients, the others from published files, too.
    make_multi_asset("facility_stratum", (_STRATA,)),
    make_multi_asset("reduction_dollars", (_DOLLARS,)),
    make_multi_asset(
        "what_it_takes",
        (
            TableAsset(
                tables=what_if.TABLES,
                compute=_tabulate,
                description="What it would take: of every facility the fewest events to each"
                " measure's next point, the fewest over all measures together to each lower payment"
                " reduction, and how likely each reduction is. Not stored unless the year's scoring"
                " gives the same points and reductions after the events.",
                dependencies=_DEPENDENCIES,
            ),
        ),
    ),
)
