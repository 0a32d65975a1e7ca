"""Raw tables of Medicare: enrollment, institutional claims by their files, carrier claims.

Column names and codes are those of the CCW codebooks, in lower case. A year's files hold the claims
with their last day (`clm_thru_dt`) in it, and may hold those of the months after it (the run-out):
`linkage.claim` counts a claim once, whatever files hold it. Each part of a claim is one table,
which combines the files of the five institutional settings.
"""

from esrd_pipeline.tables import forms
from esrd_pipeline.tables.facility import YEAR
from esrd_pipeline.tables.model import Column, Table

SETTINGS = {
    "inpatient": ("60", "61", "62", "63", "64"),
    "outpatient": ("40",),
    "snf": ("20", "30"),
    "hha": ("10",),
    "hospice": ("50",),
}
"""Institutional files and the claim types (`nch_clm_type_cd`) they carry."""
PARTS = {
    "claim": "base",
    "claim_revenue": "revenue",
    "claim_value": "value",
    "claim_condition": "condition",
    "claim_occurrence": "occurrence",
}
"""Tables of the parts of a claim and how their files are named: `inpatient_base.parquet`."""
MOST_CODES = 45
"""A claim's record holds fewer condition, occurrence or value codes (30, 30 and 36)."""
DIAGNOSES = 25
PROCEDURES = 25
CARRIER_DIAGNOSES = 12
MONTHS = tuple(f"{month:02d}" for month in range(1, 13))

BENE_ID = Column("bene_id", "integer", "CCW beneficiary", required=True, is_identifier=True)
CLM_ID = Column("clm_id", "integer", "Claim", required=True, is_identifier=True)
CHANGES = (
    Column("dml_ind", "text", "DELETE where the claim is withdrawn", form=forms.CODE),
    Column("final_action", "text", "N where a later claim stands in its place", form=forms.CODE),
)
"""Of a claim: whether it still holds."""

MEDICARE_ENROLLMENT = Table(
    name="raw.medicare_enrollment",
    grain="one beneficiary in the year of reference",
    source="CCW Master Beneficiary Summary File, base segment; identifiers from the EDB",
    key=("bene_id",),
    columns=(
        BENE_ID,
        YEAR,
        Column("mbi_num", "text", "MBI", form=forms.MBI),
        Column("bene_crnt_hic_num", "text", "HICN", form=forms.HICN),
        Column("bene_ssn_num", "text", "Social Security number", form=forms.SSN),
        Column("bene_birth_dt", "date", "Date of birth"),
        Column("sex_ident_cd", "text", "0 unknown, 1 male, 2 female", form=forms.ONE),
        Column(
            "bene_race_cd",
            "text",
            "0 unknown, 1 white, 2 black, 3 other, 4 Asian ...",
            form=forms.ONE,
        ),
        Column("bene_death_dt", "date", "Date of death"),
        Column(
            "valid_death_dt_sw",
            "text",
            "V where Social Security verified the day of death",
            form=forms.CODE,
        ),
        Column("state_code", "text", "SSA code of the state", form=forms.TWO_DIGITS),
        Column("zip_cd", "text", "Postal code", form=forms.POSTAL_CODE),
        Column("esrd_ind", "text", "Y or 0: entitled by ESRD in the year", form=forms.CODE),
        *(
            Column(
                f"mdcr_status_code_{month}",
                "text",
                f"Medicare status in month {month}",
                form=forms.TWO,
            )
            for month in MONTHS
        ),
        *(
            Column(
                f"mdcr_entlmt_buyin_ind_{month}",
                "text",
                f"Parts A and B in month {month}",
                form=forms.ONE,
            )
            for month in MONTHS
        ),
        *(
            Column(
                f"hmo_ind_{month}",
                "text",
                f"Medicare Advantage in month {month}: 0 or 4 no",
                form=forms.ONE,
            )
            for month in MONTHS
        ),
    ),
)

CLAIM = Table(
    name="raw.claim",
    grain="one institutional claim",
    source="CCW institutional claims, base files: inpatient, outpatient, SNF, HHA, hospice",
    key=("clm_id",),
    columns=(
        BENE_ID,
        CLM_ID,
        YEAR,
        Column(
            "nch_clm_type_cd",
            "text",
            "Claim type: 10, 20, 30, 40, 50, 60; managed care 61 to 64",
            required=True,
            form=forms.TWO,
        ),
        Column("clm_from_dt", "date", "First day", required=True),
        Column("clm_thru_dt", "date", "Last day", required=True),
        Column("prvdr_num", "text", "Provider's CCN", form=forms.CCN),
        Column("clm_fac_type_cd", "text", "Type of bill, first digit: 7 clinic", form=forms.ONE),
        Column(
            "clm_srvc_clsfctn_type_cd",
            "text",
            "Type of bill, second digit: 2 with 7: ESRD",
            form=forms.ONE,
        ),
        Column(
            "clm_freq_cd",
            "text",
            "Type of bill, third digit: 7 replaces, 8 cancels",
            form=forms.ONE,
        ),
        *CHANGES,
        Column("clm_pmt_amt", "number", "Medicare payment", unit="USD"),
        Column("nch_prmry_pyr_cd", "text", "Primary payer, where not Medicare", form=forms.ONE),
        Column("clm_mco_pd_sw", "text", "1 where a managed care organisation paid", form=forms.ONE),
        Column("clm_mdcr_non_pmt_rsn_cd", "text", "Why Medicare did not pay", form=forms.CODE),
        Column(
            "ptnt_dschrg_stus_cd",
            "text",
            "Discharge status: 01 home, 20 died, 30 still there",
            form=forms.TWO,
        ),
        Column("clm_admsn_dt", "date", "Day of admission"),
        Column("nch_bene_dschrg_dt", "date", "Day of discharge"),
        Column(
            "clm_ip_admsn_type_cd",
            "text",
            "Type of admission: 1 emergency, 3 elective",
            form=forms.ONE,
        ),
        Column(
            "clm_src_ip_admsn_cd",
            "text",
            "Source of admission: 4 transfer from a hospital",
            form=forms.ONE,
        ),
        Column("clm_drg_cd", "text", "Diagnosis related group", form=forms.THREE_DIGITS),
        Column(
            "prncpal_dgns_cd",
            "text",
            "Principal diagnosis, ICD-10-CM without point",
            form=forms.DIAGNOSIS,
        ),
        *(
            Column(f"icd_dgns_cd{place}", "text", f"Diagnosis {place}", form=forms.DIAGNOSIS)
            for place in range(1, DIAGNOSES + 1)
        ),
        *(
            Column(
                f"icd_prcdr_cd{place}",
                "text",
                f"Procedure {place}, ICD-10-PCS",
                form=forms.PROCEDURE,
            )
            for place in range(1, PROCEDURES + 1)
        ),
        *(
            Column(f"prcdr_dt{place}", "date", f"Day of procedure {place}")
            for place in range(1, PROCEDURES + 1)
        ),
    ),
)

CLAIM_REVENUE = Table(
    name="raw.claim_revenue",
    grain="one revenue line of an institutional claim",
    source="CCW institutional claims, revenue center files",
    key=("clm_id", "clm_line_num"),
    columns=(
        CLM_ID,
        Column("clm_line_num", "integer", "Line", required=True, minimum=1),
        YEAR,
        Column("rev_cntr", "text", "Revenue center", required=True, form=forms.REVENUE_CENTER),
        Column("rev_cntr_dt", "date", "Day of service"),
        Column("hcpcs_cd", "text", "HCPCS code", form=forms.HCPCS),
        Column("hcpcs_1st_mdfr_cd", "text", "First modifier", form=forms.MODIFIER),
        Column("rev_cntr_unit_cnt", "number", "Units"),
        Column("rev_cntr_pmt_amt_amt", "number", "Medicare payment", unit="USD"),
    ),
)

CLAIM_VALUE = Table(
    name="raw.claim_value",
    grain="one value code of an institutional claim",
    source="CCW institutional claims, value files",
    key=("clm_id", "rlt_val_cd_seq"),
    columns=(
        CLM_ID,
        Column("rlt_val_cd_seq", "integer", "Order", required=True, minimum=1, maximum=MOST_CODES),
        YEAR,
        Column(
            "clm_val_cd",
            "text",
            "Value code: D5 Kt/V, A8 weight, A9 height",
            required=True,
            form=forms.TWO,
        ),
        Column("clm_val_amt", "number", "Amount or reading"),
    ),
)

CLAIM_CONDITION = Table(
    name="raw.claim_condition",
    grain="one condition code of an institutional claim",
    source="CCW institutional claims, condition files",
    key=("clm_id", "rlt_cond_cd_seq"),
    columns=(
        CLM_ID,
        Column("rlt_cond_cd_seq", "integer", "Order", required=True, minimum=1, maximum=MOST_CODES),
        YEAR,
        Column(
            "clm_rlt_cond_cd",
            "text",
            "Condition code: 71 to 76 dialysis",
            required=True,
            form=forms.TWO,
        ),
    ),
)

CLAIM_OCCURRENCE = Table(
    name="raw.claim_occurrence",
    grain="one occurrence code of an institutional claim",
    source="CCW institutional claims, occurrence files",
    key=("clm_id", "rlt_ocrnc_cd_seq"),
    columns=(
        CLM_ID,
        Column(
            "rlt_ocrnc_cd_seq", "integer", "Order", required=True, minimum=1, maximum=MOST_CODES
        ),
        YEAR,
        Column(
            "clm_rlt_ocrnc_cd",
            "text",
            "Occurrence code: 51 day of Kt/V",
            required=True,
            form=forms.TWO,
        ),
        Column("clm_rlt_ocrnc_dt", "date", "Day"),
    ),
)

CARRIER_CLAIM = Table(
    name="raw.carrier_claim",
    grain="one claim of a physician or supplier",
    source="CCW carrier claims, base file",
    key=("clm_id",),
    columns=(
        BENE_ID,
        CLM_ID,
        YEAR,
        Column("clm_from_dt", "date", "First day", required=True),
        Column("clm_thru_dt", "date", "Last day", required=True),
        *CHANGES,
        Column("clm_pmt_amt", "number", "Medicare payment", unit="USD"),
        Column("prncpal_dgns_cd", "text", "Principal diagnosis", form=forms.DIAGNOSIS),
        *(
            Column(f"icd_dgns_cd{place}", "text", f"Diagnosis {place}", form=forms.DIAGNOSIS)
            for place in range(1, CARRIER_DIAGNOSES + 1)
        ),
    ),
)

CARRIER_LINE = Table(
    name="raw.carrier_line",
    grain="one line of a carrier claim",
    source="CCW carrier claims, line file",
    key=("clm_id", "line_num"),
    columns=(
        CLM_ID,
        Column("line_num", "integer", "Line", required=True, minimum=1),
        YEAR,
        Column("line_1st_expns_dt", "date", "First day of service"),
        Column("line_last_expns_dt", "date", "Last day of service"),
        Column(
            "hcpcs_cd",
            "text",
            "HCPCS code: 90960 to 90962 monthly dialysis visits",
            form=forms.HCPCS,
        ),
        Column("prvdr_spclty", "text", "Specialty: 39 nephrology", form=forms.TWO),
        Column("line_place_of_srvc_cd", "text", "Place of service", form=forms.TWO),
        Column("line_nch_pmt_amt", "number", "Medicare payment", unit="USD"),
    ),
)

TABLES = (
    MEDICARE_ENROLLMENT,
    CLAIM,
    CLAIM_REVENUE,
    CLAIM_VALUE,
    CLAIM_CONDITION,
    CLAIM_OCCURRENCE,
    CARRIER_CLAIM,
    CARRIER_LINE,
)
