"""Turn the cohorts of patient-month measures into rows of the facility contract."""

from collections.abc import Callable, Sequence

import pandas as pd
import pyarrow as pa

from esrd_pipeline.families.facility_list import list_facilities
from esrd_pipeline.families.patient_months import assess_facilities
from esrd_pipeline.measures.patient_months import specify_all
from esrd_pipeline.measures.specification import ProportionSpecification
from esrd_pipeline.tables.facility import CONTRACT_COLUMNS

NOTHING = "no_eligible_patient_month"


def assess_monthly(
    performance_year: int,
    read_cohort: Callable[[str, str], pa.Table],
    facilities: dict[str, pd.DataFrame],
) -> pd.DataFrame:
    """Return the contract's rows of every measure of patient-months.

    `read_cohort` gives the rows of cohort.monthly of a program and measure; `facilities` holds
    each program's linkage.facility.
    """
    return assess_proportions(
        specify_all(performance_year), performance_year, read_cohort, facilities, nothing=NOTHING
    )


def assess_proportions(
    specifications: Sequence[ProportionSpecification],
    performance_year: int,
    read_cohort: Callable[[str, str], pa.Table],
    facilities: dict[str, pd.DataFrame],
    *,
    nothing: str,
) -> pd.DataFrame:
    """Return the contract's rows of some proportions.

    A facility without patients to count has the reason `nothing`.
    """
    parts: list[pd.DataFrame] = []
    for specification in specifications:
        cohort = read_cohort(specification.program, specification.measure)
        if cohort.num_rows:
            rows = assess_facilities(specification, performance_year, cohort)
        else:
            rows = pd.DataFrame(columns=[column.name for column in CONTRACT_COLUMNS])
        parts.append(
            list_facilities(
                specification,
                performance_year,
                rows,
                facilities[specification.program],
                nothing=nothing,
            )
        )
    # A part without a cohort has untyped columns, which must not change the types of the others.
    filled = [part for part in parts if not part.empty]
    return pd.concat(filled, ignore_index=True).sort_values(
        ["program", "measure", "ccn"], ignore_index=True
    )
