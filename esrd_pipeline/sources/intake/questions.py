"""The questions that each raw table of patients is asked, from its columns.

A question is counted in SQL: how many rows it is asked of, and how many of them it concerns. `t` is
the table's row. Rows are told apart by their setting, where a table has one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from esrd_pipeline.parameters.rows import load_rows
from esrd_pipeline.sources.intake import plausible
from esrd_pipeline.tables import clinical, eqrs, medicare, register
from esrd_pipeline.tables.model import Table

TABLES: tuple[Table, ...] = (
    *eqrs.TABLES,
    *clinical.TABLES,
    *medicare.TABLES,
    *register.TABLES,
)
"""Raw tables of patients, and of what facilities report."""

YEAR_START = "make_date($performance_year, 1, 1)"
YEAR_END = "make_date($performance_year, 12, 31)"
CLAIMS = ("raw.claim", "raw.carrier_claim")
LINES: Mapping[str, str] = {
    **{f"raw.{part}": "raw.claim" for part in medicare.PARTS if part != "claim"},
    "raw.carrier_line": "raw.carrier_claim",
}
"""Tables of parts of a claim, and the table of their claims."""
COUNTED_BY_CLAIM = ("raw.claim_revenue", "raw.carrier_line")
"""Every claim has a row there."""
DIALYSIS = "t.clm_fac_type_cd = '7' AND t.clm_srvc_clsfctn_type_cd = '2'"
"""Bills of dialysis facilities."""
SETTINGS: Mapping[str, str] = {
    "raw.claim": (
        "CASE WHEN t.nch_clm_type_cd = '60' THEN 'inpatient'"
        " WHEN t.nch_clm_type_cd IN ('61', '62', '63', '64') THEN 'managed care'"
        f" WHEN t.nch_clm_type_cd = '40' AND {DIALYSIS} THEN 'dialysis'"
        " WHEN t.nch_clm_type_cd = '40' THEN 'outpatient'"
        " WHEN t.nch_clm_type_cd IN ('20', '30') THEN 'snf'"
        " WHEN t.nch_clm_type_cd = '10' THEN 'hha'"
        " WHEN t.nch_clm_type_cd = '50' THEN 'hospice' ELSE 'unknown type' END"
    ),
    "raw.eqrs_treatment": "t.setting",
}
"""How a table's rows are told apart; the parts of a claim by their claim."""
EXPECTED_SETTINGS = ("inpatient", "dialysis")
"""Of institutional claims, where there are any."""
EXPECTED_TABLES = (
    "raw.eqrs_admission",
    "raw.eqrs_treatment",
    "raw.eqrs_clinical_month",
    "raw.cms_2728",
    "raw.medicare_enrollment",
    *CLAIMS,
    *COUNTED_BY_CLAIM,
    "raw.provider_of_services",
)
"""Tables without which measures count nothing."""
YEARLY: Mapping[str, str] = {
    "raw.eqrs_clinical_month": "month",
    "raw.eqrs_vascular_access": "month",
    "raw.eqrs_medication_reconciliation": "month",
    "raw.eqrs_depression_screening": "assessment_date",
    "raw.eqrs_social_screening": "screening_date",
    "raw.nhsn_vaccination": "week_end_date",
}
"""Tables of one year's reports, and the day that is reported on."""
MONTHLY: Mapping[str, str] = {
    **{name: day for name, day in YEARLY.items() if day in {"month", "week_end_date"}},
    **dict.fromkeys(CLAIMS, "clm_thru_dt"),
}
"""Tables with rows of every month, and their day."""
HISTORIES: Mapping[str, str] = {
    "raw.eqrs_identifier": "effective_date",
    "raw.eqrs_ccn_history": "effective_date",
    "raw.eqrs_admission": "admit_date",
    "raw.eqrs_treatment": "start_date",
    "raw.cms_2728": "dialysis_began_date",
    "raw.cms_2746": "death_date",
    "raw.optn_transplant": "rec_tx_dt",
    "raw.optn_waitlist": "can_listing_dt",
    "raw.mds_stay": "entry_date",
    "raw.ssa_death": "date_of_death",
}
"""Registers that reach to the year's end, and the day of an entry."""
BIRTHS: Mapping[str, str] = {
    "raw.eqrs_patient": "date_of_birth",
    "raw.medicare_enrollment": "bene_birth_dt",
    "raw.ssa_death": "date_of_birth",
    "raw.optn_transplant": "pers_birth_dt",
    "raw.optn_waitlist": "pers_birth_dt",
}
NEAR: Mapping[str, tuple[str, ...]] = {
    "raw.claim": ("clm_admsn_dt", "nch_bene_dschrg_dt"),
    "raw.claim_revenue": ("rev_cntr_dt",),
    "raw.claim_occurrence": ("clm_rlt_ocrnc_dt",),
    "raw.carrier_line": ("line_1st_expns_dt", "line_last_expns_dt"),
    "raw.eqrs_vascular_access": ("access_date",),
    "raw.eqrs_clinical_month": ("ktv_date", "calcium_date"),
}
"""Days that lie in the year or within three years before it."""
OF_CLAIM: Mapping[str, tuple[str, int, int]] = {
    "raw.claim_revenue": ("rev_cntr_dt", 31, 31),
    "raw.claim_occurrence": ("clm_rlt_ocrnc_dt", 300, 31),
    "raw.carrier_line": ("line_1st_expns_dt", 31, 31),
}
"""A line's day, and how many days before its claim's first and after its last it may lie."""
ORDERED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "raw.eqrs_patient": (("date_of_birth", "date_of_death"),),
    "raw.eqrs_ccn_history": (("effective_date", "end_date"),),
    "raw.eqrs_admission": (("admit_date", "discharge_date"),),
    "raw.cms_2746": (("last_dialysis_date", "death_date"),),
    "raw.medicare_enrollment": (("bene_birth_dt", "bene_death_dt"),),
    "raw.claim": (("clm_admsn_dt", "clm_thru_dt"),),
    "raw.carrier_line": (("line_1st_expns_dt", "line_last_expns_dt"),),
    "raw.optn_transplant": (("pers_birth_dt", "rec_tx_dt"), ("rec_tx_dt", "tfl_graft_dt")),
    "raw.optn_waitlist": (("pers_birth_dt", "can_listing_dt"), ("can_listing_dt", "can_rem_dt")),
    "raw.mds_stay": (("entry_date", "discharge_date"),),
    "raw.ssa_death": (("date_of_birth", "date_of_death"),),
}
"""Days of which the second is not before the first."""
LONGEST = 366
"""Days of a claim: no provider bills more than a year at once."""
BY_NUMBER: Mapping[str, tuple[str, str]] = {
    "raw.claim": ("prvdr_num", DIALYSIS),
    "raw.nhsn_bloodstream_infection": ("ccn", "TRUE"),
    "raw.nhsn_vaccination": ("ccn", "TRUE"),
    "raw.ich_cahps_survey": ("ccn", "TRUE"),
}
"""Columns with a facility's CCN, and the rows that have a dialysis facility's."""
MONTHLY_CODES = ("mdcr_status_code", "mdcr_entlmt_buyin_ind", "hmo_ind")
"""Codes with a column a month."""
INPATIENT = "t.nch_clm_type_cd = '60'"
NEEDED: Mapping[str, Mapping[str, str]] = {
    "raw.claim": {
        "prvdr_num": "TRUE",
        "clm_fac_type_cd": "TRUE",
        "clm_srvc_clsfctn_type_cd": "TRUE",
        "clm_pmt_amt": "TRUE",
        "prncpal_dgns_cd": "TRUE",
        "icd_dgns_cd1": "TRUE",
        "ptnt_dschrg_stus_cd": INPATIENT,
        "clm_admsn_dt": INPATIENT,
    },
    "raw.claim_value": {"clm_val_amt": "TRUE"},
    "raw.claim_occurrence": {"clm_rlt_ocrnc_dt": "TRUE"},
    "raw.carrier_claim": {"prncpal_dgns_cd": "TRUE", "clm_pmt_amt": "TRUE"},
    "raw.carrier_line": {
        "line_1st_expns_dt": "TRUE",
        "hcpcs_cd": "TRUE",
        "prvdr_spclty": "TRUE",
    },
    "raw.medicare_enrollment": {
        "mbi_num": "TRUE",
        "bene_birth_dt": "TRUE",
        "mdcr_entlmt_buyin_ind_01": "TRUE",
        "hmo_ind_01": "TRUE",
    },
    "raw.eqrs_patient": {"mbi": "TRUE", "ssn": "TRUE", "sex": "TRUE", "race": "TRUE"},
    "raw.eqrs_facility": {"provnum": "TRUE", "provtype": "TRUE", "factype": "TRUE"},
    "raw.eqrs_ccn_history": {"provnum": "TRUE"},
    "raw.eqrs_admission": {"discharge_reason": "t.discharge_date IS NOT NULL"},
    "raw.eqrs_treatment": {"sessions_per_week": "t.treatment_type = 'Hemodialysis'"},
    "raw.cms_2728": {
        "dialysis_began_date": "TRUE",
        "primary_cause": "TRUE",
        "height_cm": "TRUE",
        "dry_weight_kg": "TRUE",
    },
    "raw.cms_2746": {"primary_cause": "TRUE"},
    "raw.eqrs_clinical_month": {"ktv_value": "TRUE", "calcium_value": "TRUE"},
    "raw.eqrs_vascular_access": {"access_type": "TRUE", "access_date": "TRUE"},
    "raw.provider_of_services": {"prvdr_ctgry_cd": "TRUE"},
    "raw.optn_waitlist": {"pers_ssn": "TRUE", "pers_birth_dt": "TRUE"},
    "raw.optn_transplant": {"pers_ssn": "TRUE", "pers_birth_dt": "TRUE"},
}
"""Columns that may be empty, but that measures count nothing without; the rows that need them."""
NEVER_ZERO = ("ktv_value", "calcium_value", "height_cm", "dry_weight_kg")
"""Needed measurements of which 0 is no value: what software writes for none."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a value is looked up in: rows of a table, of the year or of the one before."""

    table: str
    column: str
    years_before: int = 0


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a table's rows.

    Attributes:
        kind: kind of question, as in parameters/intake_limit.csv.
        column: the column it is about; empty where it is about whole rows.
        concerned: SQL that is true of the rows it concerns.
        asked: SQL that is true of the rows it is asked of.
        setting: where it is asked; None for each setting of the table, empty for the whole table.
        is_about_several: it is asked of rows with a value, and concerns all if values differ.
        is_about_all: it concerns all rows if `concerned` is true of none, and else no row.
        known: what the column's value is looked up in, instead of `concerned`.
        is_known: it concerns rows whose value is found there, not those whose value is not.
    """

    kind: str
    column: str = ""
    concerned: str = ""
    asked: str = "TRUE"
    setting: str | None = None
    is_about_all: bool = False
    is_about_several: bool = False
    known: tuple[Known, ...] = ()
    is_known: bool = False


PATIENTS = (Known("raw.eqrs_patient", "patient_id"),)
FACILITIES = (Known("raw.eqrs_facility", "facilityid"),)
CANDIDATES = (Known("raw.optn_waitlist", "pers_id"),)
BENEFICIARIES = (Known("raw.medicare_enrollment", "bene_id"),)
NUMBERS = (
    Known("raw.eqrs_facility", "provnum"),
    Known("raw.eqrs_facility", "altprovnum"),
    Known("raw.eqrs_ccn_history", "provnum"),
    Known("raw.provider_of_services", "prvdr_num"),
    Known("raw.provider_of_services", "related_provider_number"),
)


def list_questions(table: Table) -> list[Question]:
    """Return what a raw table is asked."""
    return [
        *_ask_claims(table),
        *_ask_references(table),
        *_ask_dates(table),
        *_ask_months(table),
        *_ask_codes(table),
        *_ask_values(table),
    ]


@cache
def load_window() -> Mapping[str, int]:
    """Months before and after a year whose claims its folder may hold, by name of the limit."""
    return {row["limit_name"]: int(row["months"]) for row in load_rows("claim_window")}


def _ask_claims(table: Table) -> Iterator[Question]:
    if table.name in CLAIMS:
        column = "clm_thru_dt"
        window = load_window()
        first = f"CAST({YEAR_START} - INTERVAL {window['late']} MONTH AS DATE)"
        # The year's last day is a month's last, and so is the last day of the run-out.
        last = f"CAST({YEAR_START} + INTERVAL {12 + window['run_out']} MONTH AS DATE)"
        day = f"t.{column}"
        yield Question("last_day_in_year", column, f"{day} BETWEEN {YEAR_START} AND {YEAR_END}")
        yield Question("last_day_in_run_out", column, f"{day} > {YEAR_END} AND {day} < {last}")
        yield Question("last_day_before_year", column, f"{day} < {YEAR_START} AND {day} >= {first}")
        yield Question("last_day_far_before", column, f"{day} < {first}")
        yield Question("last_day_far_after", column, f"{day} >= {last}")
        yield Question("first_day_after_last", "clm_from_dt", "t.clm_from_dt > t.clm_thru_dt")
        long = f"t.clm_thru_dt - t.clm_from_dt > {LONGEST}"
        yield Question("claim_too_long", "clm_from_dt", long)
        earlier = (Known(table.name, "clm_id", years_before=1),)
        yield Question("claim_in_earlier_folder", "clm_id", known=earlier, is_known=True)
    if table.name == "raw.claim":
        for setting in EXPECTED_SETTINGS:
            yield Question(
                "setting_absent",
                concerned=f"{SETTINGS[table.name]} = '{setting}'",
                setting=setting,
                is_about_all=True,
            )
    if table.name in LINES:
        # The claim is joined to the line, once for this and for the line's setting.
        yield Question("line_without_claim", "clm_id", "c.clm_id IS NULL", setting="")


def _ask_references(table: Table) -> Iterator[Question]:
    names = table.column_names
    if "patient_id" in names and table is not eqrs.EQRS_PATIENT:
        yield Question("patient_unknown", "patient_id", known=PATIENTS)
    if "facilityid" in names and table is not eqrs.EQRS_FACILITY:
        yield Question("facility_unknown", "facilityid", known=FACILITIES)
    if table is register.OPTN_TRANSPLANT:
        yield Question("recipient_not_listed", "pers_id", known=CANDIDATES)
    if table.name in CLAIMS:
        yield Question("person_not_enrolled", "bene_id", known=BENEFICIARIES)
    if table is register.MDS_STAY:
        asked = f"coalesce(t.discharge_date, {YEAR_END}) >= {YEAR_START}"
        yield Question("person_not_enrolled", "bene_id", asked=asked, known=BENEFICIARIES)
    if table.name in BY_NUMBER:
        column, asked = BY_NUMBER[table.name]
        yield Question("facility_unknown", column, asked=asked, known=NUMBERS)


def _ask_dates(table: Table) -> Iterator[Question]:
    if table.name in YEARLY:
        column = YEARLY[table.name]
        outside = f"t.{column} NOT BETWEEN {YEAR_START} AND {YEAR_END}"
        yield Question("date_outside_year", column, outside)
    if table.name in HISTORIES:
        column = HISTORIES[table.name]
        if table is not eqrs.EQRS_CCN_HISTORY:  # few numbers change in a year
            reaches = f"t.{column} >= {YEAR_START}"
            yield Question("ends_before_year", column, reaches, setting="", is_about_all=True)
        last = f"CAST({YEAR_START} + INTERVAL {12 + load_window()['run_out']} MONTH AS DATE)"
        odd = f"t.{column} < {plausible.EARLIEST} OR t.{column} >= {last}"
        yield Question("date_far_outside", column, odd)
        later = f"t.{column} >= {last}"
        yield Question("date_after_run_out", column, later, f"t.{column} >= {YEAR_START}", "")
    for column in NEAR.get(table.name, ()):
        yield _ask_near(column)
    if table.name in OF_CLAIM:
        column, before, after = OF_CLAIM[table.name]
        odd = f"t.{column} < c.clm_from_dt - {before} OR t.{column} > c.clm_thru_dt + {after}"
        yield Question("date_outside_claim", column, odd, f"t.{column} IS NOT NULL")
    for first, last in ORDERED.get(table.name, ()):
        asked = f"t.{first} IS NOT NULL AND t.{last} IS NOT NULL"
        yield Question("ends_before_begins", last, f"t.{last} < t.{first}", asked, "")
    if table.name in BIRTHS:
        column = BIRTHS[table.name]
        odd = f"t.{column} < DATE '1900-01-01' OR t.{column} > {YEAR_END}"
        yield Question("date_far_outside", column, odd)
    known = {*NEAR.get(table.name, ()), *(of.get(table.name) for of in (YEARLY, HISTORIES, BIRTHS))}
    of_claims = ("clm_from_dt", "clm_thru_dt") if table.name in CLAIMS else ()
    for column in plausible.list_days(table, {*known, *of_claims}):
        months = plausible.count_months(table, load_window()["run_out"])
        last = f"CAST({YEAR_START} + INTERVAL {months} MONTH AS DATE)"
        odd = f"t.{column} < {plausible.EARLIEST} OR t.{column} >= {last}"
        yield Question("date_far_outside", column, odd, f"t.{column} IS NOT NULL")


def _ask_months(table: Table) -> Iterator[Question]:
    if table.name in MONTHLY:
        for name, of_month, since in plausible.list_months(MONTHLY[table.name], YEAR_END):
            yield Question("month_absent", name, of_month, since, is_about_all=True)


def _ask_near(column: str) -> Question:
    first = f"CAST({YEAR_START} - INTERVAL 36 MONTH AS DATE)"
    last = f"CAST({YEAR_START} + INTERVAL {12 + load_window()['run_out']} MONTH AS DATE)"
    odd = f"t.{column} < {first} OR t.{column} >= {last}"
    return Question("date_far_outside", column, odd, f"t.{column} IS NOT NULL")


@cache
def load_codes() -> Mapping[str, tuple[str, ...]]:
    """The codes that a column may hold, by its name; monthly columns by the name they share."""
    codes: dict[str, list[str]] = {}
    for row in load_rows("raw_code"):
        codes.setdefault(row["column"], []).append(row["code"])
    races = [row["race"] for row in load_rows("race_class")]
    return {**{name: tuple(listed) for name, listed in codes.items()}, "race": tuple(races)}


def _ask_codes(table: Table) -> Iterator[Question]:
    codes = load_codes()
    for column in table.columns:
        if column.name in codes:
            outside = f"t.{column.name} NOT IN ({_quote(codes[column.name])})"
            asked = f"t.{column.name} IS NOT NULL"
            yield Question("code_outside_list", column.name, outside, asked)
        elif column.form is not None and column.form.usual is not None:
            odd = f"NOT regexp_full_match(t.{column.name}, '{column.form.usual}')"
            yield Question("code_of_another_form", column.name, odd, f"t.{column.name} IS NOT NULL")
    if table is medicare.MEDICARE_ENROLLMENT:
        for name in MONTHLY_CODES:
            listed = _quote(codes[name])
            months = [f"t.{name}_{month}" for month in medicare.MONTHS]
            outside = " OR ".join(f"{month} NOT IN ({listed})" for month in months)
            yield Question(
                "code_outside_list", name, outside, f"coalesce({', '.join(months)}) <> ''"
            )


def _ask_values(table: Table) -> Iterator[Question]:
    for column, asked in NEEDED.get(table.name, {}).items():
        value = f"nullif(t.{column}, 0)" if column in NEVER_ZERO else f"t.{column}"
        yield Question("value_missing", column, f"{value} IS NULL", asked)
        yield Question("several_values", column, asked=asked, is_about_several=True)
    for column in table.columns:
        if column.type in {"integer", "number"} and column.name in plausible.load_ranges():
            least, most = plausible.load_ranges()[column.name]
            outside = f"t.{column.name} NOT BETWEEN {least} AND {most}"
            # 0 is what software writes for none.
            yield Question("value_outside_range", column.name, outside, f"t.{column.name} <> 0")
    for column in table.columns:
        if not column.required:
            filled = f"t.{column.name} IS NOT NULL"
            yield Question("has_value", column.name, filled)


def _quote(texts: tuple[str, ...]) -> str:
    return ", ".join("'" + text.replace("'", "''") + "'" for text in texts)
