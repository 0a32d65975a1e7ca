"""Assets of the network layer: indicators of the priorities, candidates and their peers."""

from pathlib import Path

from esrd_pipeline.duckdb_text import scan_parquet
from esrd_pipeline.orchestration.context import StepContext, StepResult
from esrd_pipeline.orchestration.partitions import years_before
from esrd_pipeline.orchestration.select_asset import make_select_asset
from esrd_pipeline.orchestration.table_asset import Dependency, TableAsset, make_multi_asset
from esrd_pipeline.tables import facility, measured, network, program
from esrd_pipeline.warehouse import Query

YEARS_LOOKED_BACK = 4
"""Of these years and this one the last three that are stored are looked at."""
ROUNDING = 1e-9
"""Sums of denominators that differ by less of themselves are equal."""
_SIZES = ("ccn", "program", "measure", "unit_count", "unit")
_VALUES = (*_SIZES, "patients", "value", "reportable")


def _find_candidates(step: StepContext) -> StepResult:
    from esrd_pipeline.parameters.priorities import load_indicators, load_services
    from esrd_pipeline.reports.candidates import find_candidates

    year, monthly = step.performance_year, None
    if step.warehouse.has(network.INDICATORS, year):
        columns = ("group_name", "month", "indicator", "numerator", "denominator")
        monthly = step.warehouse.read(
            network.INDICATORS, year, columns=columns, where={"level": "facility"}
        )
    flags = {
        year - years: frame
        for years in range(YEARS_LOOKED_BACK + 1)
        if (frame := step.read_earlier(program.FLAGS, years)) is not None
    }
    frame = find_candidates(
        performance_year=year,
        services=load_services(),
        indicators=load_indicators(),
        ccns=step.read(facility.DIRECTORY, columns=("ccn",))["ccn"],
        contract=step.read(measured.CONTRACT, columns=_VALUES),
        flags=flags,
        monthly=monthly,
    )
    return StepResult(
        (frame,),
        notes={
            "years of flags": ", ".join(str(known) for known in sorted(flags)),
            "indicators": "none: a year of published files alone" if monthly is None else "used",
            **{str(rule): int(count) for rule, count in frame["rule"].value_counts().items()},
        },
    )


def _find_peers(step: StepContext) -> StepResult:
    from esrd_pipeline.reports.peers import find_peers

    frame = find_peers(
        performance_year=step.performance_year,
        directory=step.read(facility.DIRECTORY),
        contract=step.read(measured.CONTRACT, columns=_SIZES, program="dfc"),
    )
    return StepResult((frame,), notes={"facilities with peers": int(frame["ccn"].nunique())})


def find_unequal_levels(query: Query, staged: Path) -> tuple[str | None, str | None]:
    """Return no warning, and what is wrong where a level's groups do not add up to the nation."""
    sums = query(
        f"FROM {scan_parquet([staged])} SELECT level, month, indicator,"
        " sum(facility_count) AS facilities, sum(numerator) AS numerator,"
        " sum(denominator) AS denominator GROUP BY ALL ORDER BY ALL"
    ).set_index(["month", "indicator"])
    levels = {level: sums[sums["level"] == level] for level in network.LEVELS}
    nation = levels.pop("nation")
    broken = []
    for level, rows in levels.items():
        mine = rows.reindex(nation.index)
        # Denominators of rates are quotients, whose sums differ in the last digits.
        is_equal = (
            (mine["facilities"] == nation["facilities"])
            & (mine["numerator"] == nation["numerator"])
            & ((mine["denominator"] / nation["denominator"] - 1).fillna(0).abs() < ROUNDING)
        )
        if len(rows) != len(nation) or not is_equal.all():
            broken.append(f"{level} ({int((~is_equal).sum())} sums)")
    if not broken:
        return None, None
    return None, (
        f"{network.INDICATORS.name}: groups do not add up to the nation: {', '.join(broken)}"
    )


_INDICATORS = (
    make_select_asset(
        "network.patient_month",
        description="Days on which each facility treated patients with dialysis, by month: all, of"
        " incident patients, in center, and seen in claims.",
    ),
    make_select_asset(
        "network.choice",
        description="First days of home dialysis, new waitlistings and transplants by facility and"
        " month.",
    ),
    make_select_asset(
        "network.coordination",
        description="Admissions, emergency visits and readmissions by facility and month, not"
        " adjusted.",
    ),
    make_select_asset(
        "network.whole_health",
        description="Vaccinated personnel, and patients screened for depression and social needs,"
        " by facility and month.",
    ),
    make_select_asset(
        "network.interoperability",
        description="Forms in time, months reported to NHSN and months reported to EQRS in full, by"
        " facility and month.",
    ),
    make_select_asset(
        "network.indicator",
        description="The Networks' indicators by month, for the nation, Networks, states, chains"
        " and facilities: counts added up and divided once. Not stored unless each level adds up to"
        " the nation.",
        inspect=find_unequal_levels,
    ),
)

_CANDIDATES = (
    TableAsset(
        tables=(network.CANDIDATE,),
        compute=_find_candidates,
        description="Facilities that a Network may help or learn from: for each priority the rules"
        " they meet, with value and cut-off.",
        dependencies=(
            Dependency(program.FLAGS, years_before(first=YEARS_LOOKED_BACK)),
            Dependency(measured.CONTRACT),
            Dependency(facility.DIRECTORY),
            Dependency(network.INDICATORS),
        ),
    ),
    TableAsset(
        tables=(network.PEER,),
        compute=_find_peers,
        description="Up to five facilities of the same kind that are nearest in size, to compare"
        " with.",
        dependencies=(Dependency(measured.CONTRACT), Dependency(facility.DIRECTORY)),
    ),
)

ASSETS = (
    # A step of its own: indicators that cannot be made stop no measure.
    make_multi_asset("network_indicators", _INDICATORS),
    # Another: these can be made from published files alone.
    make_multi_asset("network_candidates", _CANDIDATES),
)
