"""Assets of what an emergency did, and of exceptions to ask for; made on request."""

from collections.abc import Mapping
from datetime import UTC, date, datetime

import dagster as dg
from pydantic import Field

from esrd_pipeline.orchestration.context import StepContext, StepResult
from esrd_pipeline.orchestration.emergency_assets import StepRecords, read_day
from esrd_pipeline.orchestration.select_asset import make_select_asset
from esrd_pipeline.orchestration.table_asset import Dependency, TableAsset, make_multi_asset
from esrd_pipeline.tables import emergency, facility, network_inputs
from esrd_pipeline.tables.raw import ECE_GRANT

EFFECT_STEP, PROPOSAL_STEP = "emergency_comparison", "exception_proposal"
_MOMENT = "%Y-%m-%dT%H:%MZ"


class EffectConfig(dg.Config):
    """The area and first day of an emergency."""

    area: str = Field(
        description="State (FL), Network (N7), declared disaster (DR4828), nation (US), or"
        " REPORTED: the states with a facility that is reported as other than open on the day"
    )
    day: str = Field(description="First day of the emergency, of the partition's year")


class ProposalConfig(dg.Config):
    """The time until which reports count."""

    at: str = Field(default="", description="As 2024-10-05T12:00Z; now if empty")


def _find_day(step: StepContext) -> date:
    from esrd_pipeline.emergency.effect import EffectDayError, check_day

    day = read_day(step, step.read_config(EffectConfig).day)
    try:
        check_day(day)
    except EffectDayError as refused:
        raise dg.Failure(f"day: {refused}", allow_retries=False) from refused
    return day


def _name_day(step: StepContext) -> Mapping[str, object]:
    return {"day": _find_day(step)}


def _estimate(step: StepContext) -> StepResult:
    from esrd_pipeline.emergency.area import AreaError
    from esrd_pipeline.emergency.effect import EffectDayError, lacks_year_before, measure_effect

    area = step.read_config(EffectConfig).area
    try:
        effects = measure_effect(area, _find_day(step), StepRecords(step))
    except (AreaError, EffectDayError) as refused:
        raise dg.Failure(str(refused), allow_retries=False) from refused
    notes: dict[str, str | int | float] = {"ratios": int(effects["ratio"].notna().sum())}
    if lacks_year_before(effects):
        notes |= {"not compared": f"{step.performance_year - 1} has no claims"}
    return StepResult((effects,), notes=notes)


def _propose(step: StepContext) -> StepResult:
    from esrd_pipeline.emergency.exceptions import propose_exceptions

    at = step.read_config(ProposalConfig).at or datetime.now(tz=UTC).strftime(_MOMENT)
    try:
        datetime.strptime(at, _MOMENT).replace(tzinfo=UTC)
    except ValueError:
        raise dg.Failure(
            f"at: {at} is not a time as 2024-10-05T12:00Z", allow_retries=False
        ) from None
    rows = propose_exceptions(
        step.read(network_inputs.FACILITY_STATUS), step.read(ECE_GRANT), step.performance_year, at
    )
    return StepResult((rows,), notes={"known at": at, "proposed, none granted": len(rows)})


ASSETS = (
    make_multi_asset(
        EFFECT_STEP,
        (
            make_select_asset(
                "emergency.facility_outcome",
                description="What became of each facility's regular patients in center around an"
                " emergency's first day, and around the same weekday a year before. Made for the"
                " day that is configured.",
                parameters=_name_day,
            ),
            TableAsset(
                tables=(emergency.EFFECT,),
                compute=_estimate,
                description="Early dialysis, sessions received, treatment elsewhere, emergency"
                " visits, admissions and deaths of an area's patients, as ratios to the same area a"
                " year before and to states without an emergency, with limits clustered by"
                " facility (Kelman et al. 2015).",
                dependencies=(
                    Dependency(facility.DIRECTORY),
                    Dependency(emergency.FACILITY_OUTCOME),
                    *(Dependency(table) for table in network_inputs.EMERGENCY_TABLES),
                ),
            ),
        ),
        config=EffectConfig,
    ),
    make_multi_asset(
        PROPOSAL_STEP,
        (
            TableAsset(
                tables=(emergency.EXCEPTION_PROPOSAL,),
                compute=_propose,
                description="Months for which closed facilities could ask for an exception; CMS"
                " alone grants, and nothing reads the proposal.",
                dependencies=(Dependency(network_inputs.FACILITY_STATUS), Dependency(ECE_GRANT)),
            ),
        ),
        config=ProposalConfig,
    ),
)
