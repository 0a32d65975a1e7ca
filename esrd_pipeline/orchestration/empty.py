"""Empty tables of a measure in a year without patient-level files."""

import pandas as pd

from esrd_pipeline.orchestration.context import StepResult
from esrd_pipeline.tables.model import Table


def leave_empty(
    *tables: Table, why: str = "no patient at risk in the year's patient-level files"
) -> StepResult:
    """Return the tables without rows, with a note on why."""
    return StepResult(
        tuple(pd.DataFrame(columns=table.column_names) for table in tables),
        notes={"not computed": why},
    )
