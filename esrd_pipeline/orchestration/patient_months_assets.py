"""Assets of the measures of patient-months and of a year's reports: cohorts, and facilities."""

from typing import TYPE_CHECKING

from esrd_pipeline.measures.reporting import REPORTED_MEASURES
from esrd_pipeline.orchestration.context import StepContext, StepResult
from esrd_pipeline.orchestration.empty import leave_empty
from esrd_pipeline.orchestration.explanation_config import (
    ExplanationConfig,
    name_facility,
    offer_measures,
)
from esrd_pipeline.orchestration.select_asset import make_select_asset
from esrd_pipeline.orchestration.table_asset import Dependency, TableAsset, make_multi_asset
from esrd_pipeline.tables import clinical, explain, history, linkage, measured, patient_months

if TYPE_CHECKING:
    import pyarrow as pa

    from esrd_pipeline.families.reporting import Places

_SOURCES = {
    "ltc": clinical.EQRS_VASCULAR_ACCESS,
    "medication_reconciliation": clinical.EQRS_MEDICATION_RECONCILIATION,
}
"""Measures of patient-months with a source file of their own."""


def _assess(step: StepContext) -> StepResult:
    from esrd_pipeline.families.patient_months_contract import assess_monthly

    year = step.performance_year
    if not step.warehouse.count_rows(patient_months.MONTHLY, year):
        return leave_empty(measured.MONTHLY)
    if not step.warehouse.count_rows(clinical.EQRS_CLINICAL_MONTH, year):
        # Without them every catheter and every Kt/V would count as missing.
        return leave_empty(measured.MONTHLY, why="no EQRS clinical records in the year's files")

    def read_cohort(program: str, measure: str) -> "pa.Table":
        return step.warehouse.read_arrow(
            patient_months.MONTHLY,
            year,
            columns=["ccn", "patient_id", "numerator", "denominator"],
            where={"program": program, "measure": measure},
        )

    facilities = {
        program: step.read(linkage.FACILITY, program=program) for program in ("dfc", "qip")
    }
    # A report that nobody in the nation made is one that we do not have.
    absent = [
        measure for measure, table in _SOURCES.items() if not step.warehouse.count_rows(table, year)
    ]
    frame = assess_monthly(year, read_cohort, facilities)
    frame = frame[~frame["measure"].isin(absent)]
    sums = frame.groupby(["program", "measure"])[["numerator", "denominator"]].sum().reset_index()
    return StepResult(
        (frame,),
        notes={
            f"{row['program']}: {row['measure']}": round(row["numerator"] / row["denominator"], 4)
            for row in sums.to_dict("records")
            if row["denominator"]
        }
        | {f"{measure} not computed": "no record in the year's files" for measure in absent},
    )


_SCREENINGS = {
    "clinical_depression": clinical.EQRS_DEPRESSION_SCREENING,
    "sdoh_screening": clinical.EQRS_SOCIAL_SCREENING,
    "sdoh_positive": clinical.EQRS_SOCIAL_SCREENING,
}
_REPORTS_OF = {
    "health_equity": clinical.EQRS_EQUITY_ATTESTATION,
    "nhsn_bsi": clinical.NHSN_BLOODSTREAM_INFECTION,
    "nhsn_dialysis_event": clinical.NHSN_BLOODSTREAM_INFECTION,
    "covid_vaccination": clinical.NHSN_VACCINATION,
}
"""The other measures of reports are the survey's."""
_REPORTS = (
    clinical.EQRS_EQUITY_ATTESTATION,
    clinical.NHSN_BLOODSTREAM_INFECTION,
    clinical.NHSN_VACCINATION,
    clinical.ICH_CAHPS_SURVEY,
)


def _assess_reporting(step: StepContext) -> StepResult:
    import pandas as pd
    import pyarrow.compute as pc

    from esrd_pipeline.families import reporting
    from esrd_pipeline.families.patient_months_contract import assess_proportions
    from esrd_pipeline.measures.reporting import PATIENTS, specify

    year, warehouse = step.performance_year, step.warehouse
    if not warehouse.count_rows(patient_months.PATIENT_YEAR, year):
        return leave_empty(measured.REPORTING)

    def read_cohort(program: str, measure: str) -> "pa.Table":
        rows = warehouse.read_arrow(
            patient_months.PATIENT_YEAR,
            year,
            columns=["ccn", "patient_id", "numerator", "denominator"],
            where={"program": program, "measure": measure},
        )
        return rows.filter(pc.field("denominator") == 1)

    def count_patients(measure: str) -> pd.Series:
        rows = read_cohort("qip", measure).select(["ccn", "denominator"]).to_pandas()
        return rows.groupby("ccn")["denominator"].sum()

    places = _read_places(step)
    facilities = places.facilities
    qip = {"qip": facilities[facilities["program"] == "qip"]}
    # A report that nobody in the nation made is one that we do not have.
    screened = [
        specify(measure, year)
        for measure in PATIENTS
        if warehouse.count_rows(_SCREENINGS[measure], year)
    ]
    parts: list[pd.DataFrame] = []
    if screened:
        nobody = "no_eligible_patient"
        parts.append(assess_proportions(screened, year, read_cohort, qip, nothing=nobody))
    attested, infections, weeks, surveys = (step.read(table) for table in _REPORTS)
    if len(attested):
        patients = count_patients("health_equity")
        parts.append(reporting.assess_equity(year, places, attested, patients))
    if len(infections):
        patients = count_patients("nhsn_bsi")
        parts.append(reporting.assess_infections(year, places, infections, patients))
    if len(weeks):
        parts.append(reporting.assess_vaccination(year, places, weeks))
    if len(surveys):
        parts.append(reporting.assess_surveys(year, places, surveys))
    if not parts:
        return leave_empty(measured.REPORTING, why="no report in the year's files")
    frame = pd.concat(parts, ignore_index=True)
    reported = frame[frame["reportable"].astype(bool)]
    means = reported.groupby(["program", "measure"])["value"].mean().reset_index()
    return StepResult(
        (frame.sort_values(["program", "measure", "ccn"], ignore_index=True),),
        notes={
            f"{row['program']}: {row['measure']}, mean of facilities": round(row["value"], 4)
            for row in means.to_dict("records")
        }
        | {
            f"{name}, rows under numbers of no facility": places.count_unknown("qip", rows)
            for name, rows in (
                ("infections", infections),
                ("vaccination", weeks),
                ("surveys", surveys),
            )
        },
    )


def _read_places(step: StepContext) -> "Places":
    from esrd_pipeline.families.reporting import Places

    return Places(
        facilities=step.read(linkage.FACILITY),
        provider_numbers=step.read(linkage.PROVIDER_NUMBER),
        facility_ccns=step.read(linkage.FACILITY_CCN),
        exceptions=step.read(history.EXCEPTION_MONTH),
    )


def _explain_reports(step: StepContext) -> StepResult:
    from esrd_pipeline.families.reporting_items import list_reports

    config = step.read_config(ExplanationConfig)
    ccn, measure = config.ccn, config.measure
    if not ccn:
        return leave_empty(explain.REPORTED, why="no facility named")
    reports = step.read(_REPORTS_OF.get(measure, clinical.ICH_CAHPS_SURVEY))
    return StepResult(
        (list_reports(measure, step.performance_year, _read_places(step), reports, ccn),)
    )


_COHORTS = (
    make_select_asset(
        "cohort.patient_months",
        description="Every month of every patient at each facility, and for each measure whether"
        " it counts, or the rule that excludes it.",
    ),
    make_select_asset(
        "cohort.monthly",
        description="Patients counted in each measure of patient-months: months, and months met.",
    ),
    make_select_asset(
        "cohort.patient_year",
        description="Every patient of each facility's year, and for each QIP measure of patients"
        " whether they count, or the rule that excludes them.",
    ),
)
_FACILITIES = TableAsset(
    tables=(measured.MONTHLY,),
    compute=_assess,
    description="Catheter rate, Kt/V of four populations, hypercalcemia, nPCR and medication"
    " reconciliation of every facility, by each program's rules.",
    dependencies=(
        Dependency(patient_months.MONTHLY),
        Dependency(clinical.EQRS_CLINICAL_MONTH),
        *(Dependency(table) for table in _SOURCES.values()),
        Dependency(linkage.FACILITY),
    ),
)

_REPORTING = TableAsset(
    tables=(measured.REPORTING,),
    compute=_assess_reporting,
    description="Depression and social screening, health equity, infections, vaccination of"
    " personnel and the patients' survey of every facility.",
    dependencies=(
        Dependency(patient_months.PATIENT_YEAR),
        *(Dependency(table) for table in dict.fromkeys((*_SCREENINGS.values(), *_REPORTS))),
        Dependency(history.EXCEPTION_MONTH),
        Dependency(linkage.FACILITY),
        Dependency(linkage.PROVIDER_NUMBER),
        Dependency(linkage.FACILITY_CCN),
    ),
)

_EXPLANATION = make_select_asset(
    "explain.patient_months",
    description="One facility's patient-months in one measure, for its authorised reader:"
    " counted, met, or excluded and why. Made for the facility and measure named in the run's"
    " configuration; never by a refresh.",
    parameters=name_facility,
)
_EXPLANATION_OF_YEAR = make_select_asset(
    "explain.yearly",
    description="One facility's patients in one measure of patients, for its authorised"
    " reader: met or not, or excluded and why. Made for the facility and measure named in the"
    " run's configuration; never by a refresh.",
    parameters=name_facility,
)

_EXPLANATION_OF_REPORTS = TableAsset(
    tables=(explain.REPORTED,),
    compute=_explain_reports,
    description="One facility's reports in one measure, by quarter, month, domain or survey."
    " Made for the facility and measure named in the"
    " run's configuration; never by a refresh.",
    dependencies=(
        *(Dependency(table) for table in _REPORTS),
        Dependency(history.EXCEPTION_MONTH),
        Dependency(linkage.FACILITY),
        Dependency(linkage.PROVIDER_NUMBER),
        Dependency(linkage.FACILITY_CCN),
    ),
)


class _ExplainedMonths(ExplanationConfig):
    """A facility, and a measure of patient-months."""

    measure: str = offer_measures(patient_months.MONTHLY_MEASURES)


class _ExplainedYears(ExplanationConfig):
    """A facility, and a measure of patients."""

    measure: str = offer_measures(patient_months.YEARLY_MEASURES)


class _ExplainedReports(ExplanationConfig):
    """A facility, and a measure of reports."""

    measure: str = offer_measures(REPORTED_MEASURES)


ASSETS = (
    make_multi_asset("patient_months", _COHORTS),
    make_multi_asset("monthly_measures", (_FACILITIES,)),
    make_multi_asset("reporting_measures", (_REPORTING,)),
    make_multi_asset(
        "explanation_of_patient_months",
        (_EXPLANATION,),
        config=_ExplainedMonths,
    ),
    make_multi_asset(
        "explanation_of_yearly",
        (_EXPLANATION_OF_YEAR,),
        config=_ExplainedYears,
    ),
    make_multi_asset(
        "explanation_of_reported", (_EXPLANATION_OF_REPORTS,), config=_ExplainedReports
    ),
)
