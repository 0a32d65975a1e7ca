"""Assets of the measures of patient-months: their cohort, and every facility's rows."""

from typing import TYPE_CHECKING

import dagster as dg

from esrd_pipeline.orchestration.absent import leave_empty
from esrd_pipeline.orchestration.build import Build, Built
from esrd_pipeline.orchestration.select_asset import make_select_asset
from esrd_pipeline.orchestration.table_asset import TableAsset, Upstream, make_step
from esrd_pipeline.tables import clinical, linkage, measured, monthly

if TYPE_CHECKING:
    import pyarrow as pa


def _assess(build: Build) -> Built:
    from esrd_pipeline.families.monthly import assess_monthly

    year = build.performance_year
    if not build.warehouse.count_rows(monthly.MONTHLY, year):
        return leave_empty(measured.MONTHLY)
    if not build.warehouse.count_rows(clinical.EQRS_CLINICAL_MONTH, year):
        # Without them every catheter and every Kt/V would be missing, which no facility is.
        return leave_empty(measured.MONTHLY, why="no EQRS clinical records in the year's files")

    def read_cohort(program: str, measure: str) -> "pa.Table":
        return build.warehouse.read_arrow(
            monthly.MONTHLY,
            year,
            columns=["ccn", "patient_id", "numerator", "denominator"],
            where={"program": program, "measure": measure},
        )

    facilities = {
        program: build.read(linkage.FACILITY, program=program) for program in ("dfc", "qip")
    }
    frame = assess_monthly(year, read_cohort, facilities)
    sums = frame.groupby(["program", "measure"])[["numerator", "denominator"]].sum().reset_index()
    return Built(
        (frame,),
        notes={
            f"{row['program']}: {row['measure']}": round(row["numerator"] / row["denominator"], 4)
            for row in sums.to_dict("records")
            if row["denominator"]
        },
    )


_COHORTS = (
    make_select_asset(
        "cohort.patient_months",
        description="Every month of every patient at each facility, and for each measure whether"
        " it counts, or the rule that leaves it out.",
    ),
    make_select_asset(
        "cohort.monthly",
        description="Patients counted in each measure of patient-months: months, and months met.",
    ),
)
_FACILITIES = TableAsset(
    tables=(measured.MONTHLY,),
    compute=_assess,
    description="Catheter rate, Kt/V of four populations, hypercalcemia, nPCR and medication"
    " reconciliation of every facility, as each program has them.",
    upstream=(
        Upstream(monthly.MONTHLY),
        Upstream(clinical.EQRS_CLINICAL_MONTH),
        Upstream(linkage.FACILITY),
    ),
    code=(
        "families/cohort.py",
        "families/contract.py",
        "families/listed.py",
        "families/monthly.py",
        "families/proportion.py",
        "measures/monthly.py",
        "statistics/proportions.py",
    ),
)

_EXPLANATION = make_select_asset(
    "explain.monthly",
    description="One facility's patient-months as one measure sees them, for its authorised reader:"
    " counted, met, or left out and why. Made for the facility and measure named in the run's"
    " configuration; never by a refresh.",
    parameters=lambda build: {
        "ccn": build.options["ccn"],
        "measure": build.options["measure"],
    },
)
_OPTIONS = {
    "ccn": dg.Field(
        str,
        default_value="",
        description="CMS Certification Number of the facility; without one the table is empty",
    ),
    "measure": dg.Field(
        str,
        default_value=monthly.MONTHLY_MEASURES[0],
        description=f"One of {', '.join(monthly.MONTHLY_MEASURES)}",
    ),
}

ASSETS = (
    make_step("patient_months", _COHORTS),
    make_step("monthly_measures", (_FACILITIES,)),
    make_step("explanation_of_monthly", (_EXPLANATION,), options=_OPTIONS),
)
