"""Assets of patients: the raw extracts, who is who, and the histories of treatment."""

import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import pandas as pd

from esrd_pipeline.orchestration.context import SqlOutput, StepContext, StepResult
from esrd_pipeline.orchestration.select_asset import make_select_asset
from esrd_pipeline.orchestration.table_asset import Dependency, TableAsset, make_multi_asset
from esrd_pipeline.tables import clinical, eqrs, medicare, register
from esrd_pipeline.tables.model import Table
from esrd_pipeline.tables.release import EXTRACT

SOURCES: tuple[Table, ...] = (
    *eqrs.TABLES,
    *clinical.TABLES,
    *medicare.TABLES,
    *register.TABLES,
)
_BLOCK = 1 << 22


def _find_extracts(step: StepContext) -> StepResult:
    from esrd_pipeline.sources.extract import find_extracts

    if step.settings.origin == "embedded":
        _write_nation(step)
    rows = [
        {
            "performance_year": step.performance_year,
            "table_name": table.name,
            "file_name": extract.path.name,
            "size_bytes": extract.path.stat().st_size,
            "sha256": _digest(extract.path),
        }
        for table in SOURCES
        for extract in find_extracts(step.patient_folder, table)
    ]
    frame = pd.DataFrame(rows, columns=EXTRACT.column_names)
    return StepResult(
        (frame,),
        notes={"files": len(frame), "bytes": int(frame["size_bytes"].sum())},
    )


def _write_nation(step: StepContext) -> None:
    """Write the year of the embedded default's nation, unless it lies there already."""
    from esrd_pipeline.synthetic.nation.embedded import write_embedded_year

    write_embedded_year(step.patient_folder, performance_year=step.performance_year)


def _read_extract(step: StepContext, table: Table) -> StepResult:
    from esrd_pipeline.sources.errors import SourceError
    from esrd_pipeline.sources.extract import find_extracts, make_select

    extracts = find_extracts(step.patient_folder, table)
    known = step.read(EXTRACT)
    mine = known[known["table_name"] == table.name]
    found = {extract.path.name: extract.path.stat().st_size for extract in extracts}
    if found != dict(zip(mine["file_name"], mine["size_bytes"].astype(int), strict=True)):
        raise SourceError(
            file=table.path[1],
            rule="its files are not those of raw.extract: materialise raw.extract again",
        )
    select = make_select(table, extracts, step.warehouse.query)
    return StepResult((SqlOutput(select),), notes={"files": select.path})


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


_SELECTS: Mapping[str, tuple[str, Callable[[StepContext], Mapping[str, object]] | None]] = {
    "linkage.match_audit": (
        "Every comparison tried to find a beneficiary in EQRS, and what came of it.",
        None,
    ),
    "linkage.beneficiary": (
        "Which EQRS patient a Medicare beneficiary is; without one, the beneficiary negative.",
        None,
    ),
    "linkage.facility_record": (
        "EQRS facility records: their valid numbers, and which are listed or why not.",
        None,
    ),
    "linkage.ccn_history": (
        "The numbers each EQRS facility has had, and which of them made it a new facility.",
        None,
    ),
    "linkage.known_number": ("Every provider number, and how often it was used.", None),
    "linkage.number_pair": (
        "Numbers that may be one facility: linked, kept apart, or for manual review.",
        None,
    ),
    "linkage.provider_number": ("Which facility a provider number stands for.", None),
    "linkage.facility_ccn": ("Under which CCN an EQRS facility worked on which days.", None),
    "linkage.facility": ("The facility list of each program, with who is left out and why.", None),
    "linkage.patient": ("Patients: birth, sex, race, cause of renal failure.", None),
    "linkage.death": ("Deaths, by the hierarchy of sources of each program.", None),
    "linkage.transplant": ("Kidney transplants and when they failed.", None),
    "linkage.waitlist": ("Days on the kidney or kidney-pancreas transplant waitlist.", None),
    "linkage.first_service": ("First ESRD service date, by the rules of each program.", None),
    "history.calendar_month": ("The months of the year.", None),
    "history.exception_month": ("Months for which CMS granted a facility an exception.", None),
    "history.hospital_stay": ("Hospital stays, overlaps and transfers settled.", None),
    "history.medicare_month": ("What Medicare could see of each patient's month.", None),
    "history.nursing_home": ("Days in nursing homes.", None),
    "history.patient_characteristics": (
        "What stays the same of a patient: birth, sex, race, cause and start of ESRD.",
        None,
    ),
    "history.prevalent_condition": ("Conditions of the year before, by CCS group.", None),
    "history.covid_claim": ("Claims with a diagnosis of COVID-19.", None),
    "history.laboratory_claim": ("Claims of laboratories, which name what they test for.", None),
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
    "history.dialysis_claim": (
        "Claims of dialysis facilities: modality, sessions a week and Kt/V of each.",
        None,
    ),
    "history.dialysis_evidence": (
        "Where each patient was dialysed, by EQRS, or by claims and CMS-2728 where EQRS is silent.",
        None,
    ),
    "history.treatment": (
        "The treatment history: one record per patient, facility and modality.",
        None,
    ),
    "history.attribution": (
        "Which facility answers for each of a patient's days, by each rule, or why none does.",
        None,
    ),
    "history.claims_modality": ("Modality of each month as the facility billed it.", None),
    "history.limited_life": ("Months of patients of limited life expectancy.", None),
    "history.access_condition": (
        "Conditions on claims of the year before each month, for the fistula rate.",
        None,
    ),
    "history.admitted": ("Days each patient was admitted at each facility in EQRS.", None),
    "history.care_month": (
        "Where each patient was treated each month, how, and how often as prescribed.",
        None,
    ),
    "history.clinical_month": (
        "What each facility reported of a patient's month: Kt/V, calcium, access.",
        None,
    ),
    "history.month_modality": (
        "Modality, age and time on ESRD that count for a month at one facility.",
        None,
    ),
    "history.ktv_month": ("The Kt/V that counts for a month, and whose it is.", None),
    "history.reported_month": (
        "What is known of a month at a facility from its own reports, others' and claims.",
        None,
    ),
    "history.catheter_month": ("Months with a catheter, and how many on end.", None),
    "history.inpatient_discharge": (
        "Discharges from hospital: the kind of hospital, transfers joined, planned or not.",
        None,
    ),
    "history.discharged_patient": (
        "Each discharged patient on the day: facility, age, nursing home, Medicare Advantage.",
        None,
    ),
}

_RAW = (
    TableAsset(
        tables=(EXTRACT,),
        compute=_find_extracts,
        description="Which patient-level files this year is made from, with their digests. With"
        " no files of an agency at hand the embedded nation is written first.",
        kinds=frozenset({"file", "parquet"}),
    ),
    *(
        TableAsset(
            tables=(table,),
            compute=partial(_read_extract, table=table),
            description=f"{table.source}: typed, every row kept.",
            dependencies=(Dependency(EXTRACT),),
            kinds=frozenset({"file", "duckdb", "parquet"}),
        )
        for table in SOURCES
    ),
)

ASSETS = (
    make_multi_asset("patient_files", _RAW),
    # A step each, because some look back at a table by other years than others do.
    *(
        make_multi_asset(
            table.replace(".", "_"),
            (make_select_asset(table, description=description, parameters=parameters),),
        )
        for table, (description, parameters) in _SELECTS.items()
    ),
)
