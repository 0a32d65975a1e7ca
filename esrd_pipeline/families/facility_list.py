"""Match a measure's rows with its program's facility list (manual 3.3.4, 3.3.8 to 3.3.11).

The list says who has a report, after the models are fitted: patients of a facility that is not on
it are part of the nation that the others are compared with (2.27.9; reading 132).
"""

import pandas as pd

from esrd_pipeline.measures.specification import GeeSpecification, Specification

_INFERENCE = (
    "lower",
    "upper",
    "p_value",
    "z",
    "z_null_mean",
    "z_null_sd",
    "category",
    "standard_error",
)
"""What the manual computes for Dialysis Facility Measures only (2.12.16, 2.13.15, 2.16.14)."""


def finish(
    specification: Specification,
    performance_year: int,
    rows: pd.DataFrame,
    facilities: pd.DataFrame,
    *,
    nothing: str,
) -> pd.DataFrame:
    """Return a modelled measure's rows of the contract in its program's form.

    The QIP has no test, limits or category, and scores a ratio as the rate (reading 10). For a
    standardised percentage it publishes the two parts of 2.16.13: the sum over the nation's
    patient-months, and their number.
    """
    if specification.program == "qip":
        rows = rows.assign(**dict.fromkeys(_INFERENCE))
        if isinstance(specification, GeeSpecification):
            is_modelled = rows["unit_count"] >= (specification.minimum_modelled or 0)
            months = float(rows.loc[is_modelled, "denominator"].sum())
            rows = rows.assign(numerator=rows["value"] * months, denominator=months)
        else:
            rows = rows.assign(value=rows["rate"])
    return list_facilities(specification, performance_year, rows, facilities, nothing=nothing)


def list_facilities(
    specification: Specification,
    performance_year: int,
    rows: pd.DataFrame,
    facilities: pd.DataFrame,
    *,
    nothing: str,
) -> pd.DataFrame:
    """Return the rows of the contract of every facility of the list and of the cohort.

    A facility that is not on the list is not reportable and has a reason; an eligible one without a
    row gets one with the reason `nothing`.
    """
    listed = facilities.set_index("ccn")
    mine = rows["ccn"].tolist()
    absent = listed.index[listed["is_eligible"].astype(bool)].difference(mine)
    nobody = pd.DataFrame(
        {
            "ccn": absent,
            "performance_year": performance_year,
            "program": specification.program,
            "measure": specification.measure,
            "unit": specification.unit,
            "unit_count": 0.0,
            "patients": 0.0,
            "numerator": 0.0,
            "denominator": 0.0,
            "reportable": False,
            "reason": nothing,
        }
    )
    why = listed["reason"].reindex(mine).reset_index(drop=True)
    why = why.where(rows["ccn"].isin(listed.index), "not_on_facility_list")
    is_in = why.isna()
    rows = rows.assign(
        reason=rows["reason"].where(is_in, why),
        reason_number=rows["reason_number"].where(is_in),
        reportable=rows["reportable"].astype(bool) & is_in,
        category=rows["category"].where(is_in, None),
    )
    return pd.concat([rows, nobody.reindex(columns=rows.columns)], ignore_index=True)
