"""Assets of patients: raw extracts, linkage of identities, and histories of treatment."""

from collections.abc import Callable, Mapping
from pathlib import Path

from esrd_pipeline.orchestration import intake_assets
from esrd_pipeline.orchestration.context import Inspect, StepContext
from esrd_pipeline.orchestration.extract_steps import make_raw_assets
from esrd_pipeline.orchestration.select_asset import make_select_asset
from esrd_pipeline.orchestration.table_asset import make_multi_asset, make_steps
from esrd_pipeline.parameters.register import FIRST_PATIENT_YEAR, describe_too_early
from esrd_pipeline.sources.intake.questions import TABLES
from esrd_pipeline.tables.release import EXTRACT

SOURCES = TABLES


def _find_folder(step: StepContext) -> Path:
    return step.patient_folder


def _prepare(step: StepContext) -> None:
    """Refuse a year before the first; write the year of the embedded default's nation.

    The nation is not written again where it is already there.
    """
    from esrd_pipeline.sources.errors import SourceError

    if step.performance_year < FIRST_PATIENT_YEAR:
        folder = f"{step.patient_folder.parent.name}/{step.performance_year}"
        raise SourceError(file=folder, rule=describe_too_early(step.performance_year))
    if step.settings.origin == "embedded":
        # Imported here: the generator takes a second to load, which real files do not need.
        from esrd_pipeline.synthetic.nation.embedded import write_embedded_year

        write_embedded_year(step.patient_folder, performance_year=step.performance_year)


_SELECTS: Mapping[str, tuple[str, Callable[[StepContext], Mapping[str, object]] | None]] = {
    "linkage.match_audit": (
        "Every comparison tried to find a beneficiary in EQRS, and its result.",
        None,
    ),
    "linkage.beneficiary": (
        "The EQRS patient of each beneficiary; without one, the negative beneficiary number.",
        None,
    ),
    "linkage.register_match": (
        "The EQRS patients of OPTN's and Social Security's numbers and birth dates.",
        None,
    ),
    "linkage.dropped_claim": ("Claims in the files that are not counted, and why.", None),
    "linkage.claim": ("Every claim that counts, once, and whose it is.", None),
    "linkage.earlier_patient": (
        "Numbers of patients in earlier years' tables who have another one today.",
        None,
    ),
    "linkage.facility_record": (
        "EQRS facility records: their valid numbers, and which are listed or why not.",
        None,
    ),
    "linkage.ccn_history": (
        "The numbers each EQRS facility has had, and the ones that made it a new facility.",
        None,
    ),
    "linkage.known_number": ("Every provider number, and how often it was used.", None),
    "linkage.number_pair": (
        "Numbers that may be one facility: linked, kept apart, or for manual review.",
        None,
    ),
    "linkage.provider_number": ("The facility each provider number stands for.", None),
    "linkage.facility_ccn": ("The CCN of each EQRS facility by days.", None),
    "linkage.facility": ("The facility list of each program, with exclusions and why.", None),
    "linkage.patient": ("Patients: birth, sex, race, cause of renal failure.", None),
    "linkage.death": ("Deaths, by the hierarchy of sources of each program.", None),
    "linkage.transplant": ("Kidney transplants and when they failed.", None),
    "linkage.waitlist": ("Days on the kidney or kidney-pancreas transplant waitlist.", None),
    "linkage.first_service": ("First ESRD service date, by the rules of each program.", None),
    "history.calendar_month": ("The months of the year.", None),
    "history.exception_month": ("Months for which CMS granted a facility an exception.", None),
    "history.hospital_stay": ("Hospital stays, with overlaps and transfers joined.", None),
    "history.first_covid_admission": ("The first admission with COVID-19 of each patient.", None),
    "history.claim_run_out": ("How far the year's files let one follow a patient.", None),
    "history.medicare_month": ("Medicare coverage of each patient's months.", None),
    "history.nursing_home": ("Days in nursing homes.", None),
    "history.patient_characteristics": (
        "Unchanging characteristics of a patient: birth, sex, race, cause and start of ESRD.",
        None,
    ),
    "history.prevalent_condition": ("Conditions of the year before, by CCS group.", None),
    "history.covid_claim": ("Claims with a diagnosis of COVID-19.", None),
    "history.laboratory_claim": ("Claims of laboratories, with the diagnosis tested for.", None),
    "history.covid_stage": ("Stages after the index COVID-19 hospitalisation.", None),
    "history.covid_diagnosis": ("The first diagnosis of COVID-19, from claims and forms.", None),
    "history.transfusion": ("Days with a transfusion event.", None),
    "history.transfusion_exclusion": (
        "Days within a year of a claim with a condition that STrR excludes.",
        None,
    ),
    "history.emergency_encounter": (
        "Emergency department encounters that did not end in a hospital stay.",
        None,
    ),
    "history.covid_period": ("Days within 90 of inpatient COVID-19.", None),
    "history.prescription": ("Days on which each prescription of dialysis applies.", None),
    "history.dialysis_claim": (
        "Claims of dialysis facilities: modality, sessions a week and Kt/V of each.",
        None,
    ),
    "history.dialysis_evidence": (
        "Places of each patient's dialysis by EQRS, or by claims and CMS-2728 where EQRS has none.",
        None,
    ),
    "history.treatment": (
        "The treatment history: one record per patient, facility and modality.",
        None,
    ),
    "history.attribution": (
        "The facility each of a patient's days is attributed to, by each rule, or why none.",
        None,
    ),
    "history.claims_modality": ("Modality of each month as the facility billed it.", None),
    "history.limited_life": ("Months of patients with limited life expectancy.", None),
    "history.access_condition": (
        "Conditions on claims of the year before each month, for the fistula rate.",
        None,
    ),
    "history.admitted": ("Days each patient was admitted at each facility in EQRS.", None),
    "history.care_month": (
        "Place, modality and prescribed sessions of each patient's treatment by month.",
        None,
    ),
    "history.clinical_month": (
        "Each facility's reports on a patient's month: Kt/V, calcium, access.",
        None,
    ),
    "history.month_modality": (
        "Modality, age and time on ESRD that count for a month at one facility.",
        None,
    ),
    "history.ktv_month": ("The Kt/V that counts for a month, and its source.", None),
    "history.reported_month": (
        "Facts of a month at a facility from its own reports, others' and claims.",
        None,
    ),
    "history.catheter_month": ("Months with a catheter, and how many are consecutive.", None),
    "history.inpatient_discharge": (
        "Discharges from hospital: the kind of hospital, transfers joined, planned or not.",
        None,
    ),
    "history.discharged_patient": (
        "Each discharged patient as of that day: facility, age, nursing home, Medicare Advantage.",
        None,
    ),
}

_INSPECTED: Mapping[str, Inspect] = {"linkage.beneficiary": intake_assets.find_unmatched}

RAW = make_raw_assets(
    EXTRACT,
    SOURCES,
    _find_folder,
    _prepare,
    "The patient-level files this year is made from, with their digests. Without files of an agency"
    " the embedded nation is written first.",
)

ASSETS = (
    *make_steps(RAW),
    *intake_assets.ASSETS,
    # A step each, because they read different earlier years of the same tables.
    *(
        make_multi_asset(
            table.replace(".", "_"),
            (
                make_select_asset(
                    table,
                    description=description,
                    parameters=parameters,
                    inspect=_INSPECTED.get(table),
                ),
            ),
        )
        for table, (description, parameters) in _SELECTS.items()
    ),
)
