"""The rule set a run scores by: named in its configuration, recorded with every table it makes.

The standards take the choice; scores, domains and TPS go on with what the table they read was made
by. So one choice holds for all of them, also where a run makes only some.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import dagster as dg
import pandas as pd
from pydantic import Field

from esrd_pipeline.orchestration.context import StepContext, StepResult
from esrd_pipeline.parameters.payment_years import find_payment_year
from esrd_pipeline.program.qip_rule_sets import DEFAULT
from esrd_pipeline.tables.model import Table

if TYPE_CHECKING:
    from esrd_pipeline.program.qip_rules import QipRules

STEP = "program_qip_standard"
"""The step that takes the choice."""
_NOTE = "esrd.rule_set"


class RuleSetConfig(dg.Config):
    """By which of a payment year's rule sets a run scores."""

    rule_set: str = Field(
        default=DEFAULT,
        description="Which rule set of the payment year, by its name in qip_rule_set.csv; without"
        " a choice the payment year's own",
    )


def configure(rule_set: str) -> Mapping[str, object]:
    """Return the run configuration that chooses a rule set."""
    if rule_set == DEFAULT:
        return {}
    return {"ops": {STEP: {"config": {"rule_set": rule_set}}}}


def read_choice(step: StepContext) -> str:
    """Return the rule set that the run's configuration names."""
    return step.read_config(RuleSetConfig).rule_set


def read_recorded(step: StepContext, table: Table) -> str:
    """Return the rule set that a stored table of the year was made by."""
    return step.warehouse.read_note(table, step.performance_year, _NOTE) or DEFAULT


def record(result: StepResult, rules: "QipRules") -> StepResult:
    """Return the result with the rule set in its rows, its notes and its files' metadata."""
    frames = tuple(
        frame.assign(rule_set=rules.rule_set) if isinstance(frame, pd.DataFrame) else frame
        for frame in result.frames
    )
    return replace(
        result,
        frames=frames,
        notes={"rule set": rules.rule_set, **result.notes},
        written={**result.written, _NOTE: rules.rule_set},
    )


def has_rules(step: StepContext) -> bool:
    """Whether the year's payment year has a rule set."""
    from esrd_pipeline.program.qip_rules import known_payment_years

    return find_payment_year(step.performance_year) in known_payment_years()
