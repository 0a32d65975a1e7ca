"""Run configuration of the explanations: whose figures, and of which measure."""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
from pydantic import Field

from esrd_pipeline.orchestration.context import StepContext


class ExplanationConfig(dg.Config):
    """One facility and one of the measures that an explanation covers."""

    ccn: str = Field(
        default="",
        description="CMS Certification Number of the facility; without one the table is empty",
    )
    measure: str


def offer_measures(measures: Sequence[str]) -> Any:  # noqa: ANN401 - as pydantic's own Field
    """Return the field of an explanation's measure: the first one unless another is named."""
    return Field(default=measures[0], description=f"One of {', '.join(measures)}")


def name_facility(step: StepContext) -> Mapping[str, object]:
    """Return the parameters of an explanation's SELECT."""
    config = step.read_config(ExplanationConfig)
    return {"ccn": config.ccn, "measure": config.measure}
