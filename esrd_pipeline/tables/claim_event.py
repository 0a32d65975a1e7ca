"""Tables of events on Medicare claims: COVID-19, transfusions and emergency encounters.

Segments of days include their first and their last day.
"""

from esrd_pipeline.tables.facility import YEAR
from esrd_pipeline.tables.history import END, IN_ORDER, START
from esrd_pipeline.tables.linkage import PATIENT
from esrd_pipeline.tables.medicare import CLM_ID
from esrd_pipeline.tables.model import Column, Table

COVID_CLAIM = Table(
    name="history.covid_claim",
    grain="one claim of the year or the one before with a diagnosis of COVID-19",
    source="manual 2.10.11, 2.11.13, 2.12.13, 2.13.13, 2.14.12: any place on the claim",
    key=("claim_year", "claim_type", "clm_id"),
    columns=(
        PATIENT,
        Column("claim_year", "integer", "Year whose files hold the claim", required=True),
        Column(
            "claim_type",
            "text",
            "Claim type of an institutional claim, or carrier",
            required=True,
            allowed=("10", "20", "30", "40", "50", "60", "carrier"),
        ),
        CLM_ID,
        Column("from_date", "date", "First day of the claim", required=True),
        Column("admit_date", "date", "Day of admission, else the first day", required=True),
        YEAR,
    ),
)

LABORATORY_CLAIM = Table(
    name="history.laboratory_claim",
    grain="one claim of the year or the one before from a laboratory",
    source="manual 2.1.10, 2.2.11, Tables 1, 2, 7 and 10: footnote on Medicare claims",
    key=("claim_year", "claim_type", "clm_id"),
    columns=(
        Column("claim_year", "integer", "Year whose files hold the claim", required=True),
        Column(
            "claim_type",
            "text",
            "40 of a hospital, or carrier",
            required=True,
            allowed=("40", "carrier"),
        ),
        CLM_ID,
        YEAR,
    ),
)

COVID_DIAGNOSIS = Table(
    name="history.covid_diagnosis",
    grain="one patient with COVID-19",
    source="manual 2.12.13: Part A and Part B claims, CMS-2728, CMS-2746",
    key=("patient_id",),
    columns=(
        PATIENT,
        Column("diagnosis_date", "date", "Day of the first diagnosis", required=True),
        YEAR,
        Column(
            "source",
            "text",
            "Source of the first diagnosis",
            required=True,
            allowed=("claims", "cms_2728", "cms_2746"),
        ),
    ),
)

TRANSFUSION = Table(
    name="history.transfusion",
    grain="one day on which one patient had a transfusion event",
    source="manual 2.12.11, 2.12.19: Figure 15, Table 8",
    key=("patient_id", "transfusion_date"),
    columns=(
        PATIENT,
        Column("transfusion_date", "date", "Day of the event", required=True),
        YEAR,
        Column("is_inpatient", "boolean", "On an inpatient claim", required=True),
        Column("claim_count", "integer", "Claims with it", required=True, minimum=1),
    ),
)

TRANSFUSION_EXCLUSION = Table(
    name="history.transfusion_exclusion",
    grain="one segment of one patient's days within a year of a claim with a condition STrR"
    " excludes",
    source="manual 2.12.9, Figure 13",
    key=("patient_id", "start_date"),
    columns=(PATIENT, START, END, YEAR),
    rules=(IN_ORDER,),
    segments_of=("patient_id",),
)

EMERGENCY_ENCOUNTER = Table(
    name="history.emergency_encounter",
    grain="one emergency department encounter of the year or the one before, without a stay",
    source="manual 2.25.10, Figure 27",
    key=("patient_id", "start_date"),
    columns=(PATIENT, START, END, YEAR),
    rules=(IN_ORDER,),
    segments_of=("patient_id",),
)

TABLES = (
    COVID_CLAIM,
    LABORATORY_CLAIM,
    COVID_DIAGNOSIS,
    TRANSFUSION,
    TRANSFUSION_EXCLUSION,
    EMERGENCY_ENCOUNTER,
)
