"""Assets of evaluation: whether the Networks' activities work."""

import pandas as pd

from esrd_pipeline.orchestration.context import StepContext, StepResult
from esrd_pipeline.orchestration.partitions import years_before
from esrd_pipeline.orchestration.table_asset import Dependency, TableAsset, make_multi_asset
from esrd_pipeline.tables import activity, linkage, monitor, network_inputs

YEARS_BEFORE = 4
"""Events of these years before count, too, as far as they are stored."""
FAILS_BELOW = 0.01
"""P-value of a placebo below which its comparison is warned of."""
_AMOUNTS = ("observed", "expected")
_EVENTS = ("ccn", "measure", "month", *_AMOUNTS)


def _evaluate(step: StepContext) -> StepResult:
    from esrd_pipeline.orchestration.activity_pictures import draw_event_studies
    from esrd_pipeline.parameters.priorities import load_services
    from esrd_pipeline.parameters.reasons import load_reasons
    from esrd_pipeline.reports.activities import evaluate_activities
    from esrd_pipeline.reports.monitor import join_years

    year = step.performance_year
    stored = {
        year - years: rows
        for years in range(YEARS_BEFORE + 1)
        if (rows := step.read_earlier(monitor.EVENT_MONTH, years, columns=_EVENTS)) is not None
    }
    numbers = step.read(linkage.PROVIDER_NUMBER, columns=("provider_number", "ccn"), program="dfc")
    today = dict(zip(numbers["provider_number"], numbers["ccn"], strict=True))
    enrolled = step.read(network_inputs.ENROLMENT, columns=("activity", "ccn", "start_date"))
    effects, study, matches = evaluate_activities(
        performance_year=year,
        activities=step.read(network_inputs.ACTIVITY),
        # As of the events: earlier numbers are today's.
        enrolments=enrolled.assign(ccn=enrolled["ccn"].map(lambda ccn: today.get(ccn, ccn))),
        events=join_years(
            stored,
            performance_year=year,
            numbers=numbers,
            years=YEARS_BEFORE + 1,
            amounts=_AMOUNTS,
        ),
        services=load_services(),
    )
    texts = load_reasons()
    reasons = effects.loc[effects["estimator"] == "staggered", "reason"]
    return StepResult(
        (effects, study, matches),
        notes={
            "years of events": ", ".join(str(known) for known in sorted(stored)),
            "activities' measures with an effect": int(reasons.isna().sum()),
            **{
                f"without, because {texts[str(reason)].text}": int(count)
                for reason, count in reasons.value_counts().sort_index().items()
            },
        },
        picture=draw_event_studies(study, effects),
        find_warning=warn_of_placebos,
    )


def warn_of_placebos(effects: pd.DataFrame) -> str | None:
    """Name the activities at whose placebo date something changed: their comparison fails."""
    is_placebo = (effects["estimator"] == "placebo") & effects["p_value"].notna()
    placebos = effects[is_placebo]
    failed = placebos[placebos["p_value"].astype(float) < FAILS_BELOW]
    if failed.empty:
        return None
    names = [f"{row['activity']} ({row['measure']})" for row in failed.to_dict("records")]
    return (
        f"{activity.EFFECT.name}: something changed at a placebo date before the selection, so that"
        f" the comparison may not hold: {', '.join(sorted(names))}"
    )


ASSETS = (
    make_multi_asset(
        "activities",
        (
            TableAsset(
                tables=(*activity.TABLES, *activity.FACILITY_TABLES),
                compute=_evaluate,
                description="Effects of the Networks' activities on enrolled facilities, by an"
                " estimator that regression to the mean and staggered starts do not fool, and by"
                " the plain comparison that they do; event studies; and which facilities, never"
                " enrolled, are compared with.",
                dependencies=(
                    Dependency(monitor.EVENT_MONTH, years_before(first=YEARS_BEFORE)),
                    Dependency(linkage.PROVIDER_NUMBER),
                    Dependency(network_inputs.ACTIVITY),
                    Dependency(network_inputs.ENROLMENT),
                ),
            ),
        ),
    ),
)
