"""Prevalent conditions as terms of a model, by rule of ascertainment."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import pyarrow as pa

from esrd_pipeline.families.cohort import GROUP
from esrd_pipeline.measures.specification import Specification
from esrd_pipeline.measures.terms import Condition
from esrd_pipeline.parameters.rows import load_rows

MISSING = "is_prevalent_missing"
"""Whose conditions could not be seen: they have none of them (2.13.13)."""

S = TypeVar("S", bound=Specification)


def list_conditions(ascertained_by: str) -> list[str]:
    """Return the groups of one rule of ascertainment (manual, submission, sedr), in file order."""
    return [
        row["condition_group"]
        for row in load_rows("prevalent_condition_group")
        if row["specification"] == ascertained_by
    ]


def list_common(ascertained_by: str, conditions: pa.Table) -> list[str]:
    """Return the groups that at least two patients have: others have no estimate."""
    counts = conditions.column(GROUP).value_counts().to_pylist()
    common = {count["values"] for count in counts if count["counts"] > 1}
    return [group for group in list_conditions(ascertained_by) if group in common]


def add_conditions(specification: S, groups: Sequence[str], *, unless: str | None = MISSING) -> S:
    """Return the specification with the conditions after its other terms."""
    terms = (Condition(group, unless=unless, row="CCS category") for group in groups)
    return replace(specification, terms=(*specification.terms, *terms))
