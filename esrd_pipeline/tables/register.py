"""Raw tables of other registers: OPTN, nursing homes, deaths, providers; published ZIP codes.

Every year's extract of a register holds the whole history known at its cut-off. The lists of ZIP
codes are those of USDA and CDC; a year may lack them.
"""

from esrd_pipeline.tables import forms
from esrd_pipeline.tables.facility import YEAR
from esrd_pipeline.tables.medicare import BENE_ID
from esrd_pipeline.tables.model import Column, Rule, Table

PERSON = (
    Column("pers_id", "integer", "OPTN person", required=True, minimum=1),
    YEAR,
    Column("pers_ssn", "text", "Social Security number", form=forms.SSN),
    Column("pers_birth_dt", "date", "Date of birth"),
)

OPTN_TRANSPLANT = Table(
    name="raw.optn_transplant",
    grain="one kidney transplant",
    source="OPTN transplant file, names of the SRTR standard analysis files",
    key=("pers_id", "rec_tx_dt"),
    columns=(
        *PERSON,
        Column("rec_tx_dt", "date", "Day of the transplant", required=True),
        Column("don_ty", "text", "C deceased donor, L living donor", allowed=("C", "L")),
        Column("tfl_graft_dt", "date", "Day the graft failed"),
    ),
)

OPTN_WAITLIST = Table(
    name="raw.optn_waitlist",
    grain="one registration on the kidney or kidney-pancreas waitlist",
    source="OPTN candidate file, names of the SRTR standard analysis files",
    key=("pers_id", "can_listing_dt", "wl_org"),
    columns=(
        *PERSON,
        Column("can_listing_dt", "date", "Day listed", required=True),
        Column("can_rem_dt", "date", "Day removed; null while listed"),
        Column(
            "can_rem_cd",
            "text",
            "Why removed: 4 deceased donor transplant, 8 died ...",
            form=forms.REMOVAL,
        ),
        Column(
            "wl_org",
            "text",
            "KI kidney, KP kidney and pancreas",
            required=True,
            allowed=("KI", "KP"),
        ),
    ),
)

MDS_STAY = Table(
    name="raw.mds_stay",
    grain="one nursing home stay",
    source="Nursing Home Minimum Data Set 3.0: entry (A1600) and discharge (A2000) records",
    key=("bene_id", "entry_date"),
    columns=(
        BENE_ID,
        YEAR,
        Column("entry_date", "date", "Day of entry", required=True),
        Column("discharge_date", "date", "Day of discharge; null while there"),
    ),
)

SSA_DEATH = Table(
    name="raw.ssa_death",
    grain="one death",
    source="Social Security Death Master File",
    key=("ssn", "date_of_birth", "date_of_death"),
    columns=(
        Column("ssn", "text", "Social Security number", required=True, form=forms.SSN),
        YEAR,
        Column("date_of_birth", "date", "Date of birth", required=True),
        Column("date_of_death", "date", "Date of death", required=True),
    ),
)

PROVIDER_OF_SERVICES = Table(
    name="raw.provider_of_services",
    grain="one provider number, active or terminated",
    source="CMS Provider of Services file (CASPER; manual 3.3.6.3), its own column names",
    key=("prvdr_num",),
    columns=(
        Column("prvdr_num", "text", "CCN", required=True, form=forms.ANY_CCN),
        YEAR,
        Column(
            "prvdr_ctgry_cd",
            "text",
            "Category: 01 hospital, 09 ESRD facility",
            form=forms.TWO_DIGITS,
        ),
        Column("fac_name", "text", "Name"),
        Column("st_adr", "text", "Street address"),
        Column("city_name", "text", "City"),
        Column("state_cd", "text", "State, two letters"),
        Column("zip_cd", "text", "Postal code", form=forms.POSTAL_CODE),
        Column(
            "related_provider_number", "text", "Related or old provider number", form=forms.ANY_CCN
        ),
        Column("orgnl_prtcptn_dt", "date", "First day of participation"),
        Column("crtfctn_dt", "date", "Day of certification"),
        Column("chow_cnt", "integer", "Changes of ownership", minimum=0),
        Column("chow_dt", "date", "Day of the last change of ownership"),
        Column("pgm_trmntn_cd", "text", "00 where active", form=forms.TWO_DIGITS),
        Column("trmntn_exprtn_dt", "date", "Day of termination"),
        Column("dlys_stn_cnt", "integer", "Dialysis stations", minimum=0),
        Column("esrd_ntwrk_num", "integer", "ESRD Network", minimum=1, maximum=18),
    ),
)

NOT_CODED = 99
"""`ruca1` of a ZIP code that has none."""
NOT_RANKED = -999
"""`rpl_themes` of an area that has none."""

RUCA_ZIP = Table(
    name="raw.ruca_zip",
    grain="one ZIP code",
    source="USDA ERS, Rural-Urban Commuting Area codes, ZIP code file of 2010 or 2020",
    key=("zip_code",),
    columns=(
        Column("zip_code", "text", "ZIP code", required=True, form=forms.ZIP),
        YEAR,
        Column("state", "text", "State, two letters"),
        Column("zip_type", "text", "ZIP code area, post office or large volume customer"),
        Column(
            "ruca1",
            "integer",
            "Primary code: 1 to 3 metropolitan, 4 to 6 micropolitan, 7 to 9 small town, 10 rural,"
            " 99 not coded",
            required=True,
        ),
        Column("ruca2", "number", "Secondary code", minimum=1, maximum=NOT_CODED),
    ),
    rules=(Rule("ruca1 is 1 to 10, or 99", f"ruca1 BETWEEN 1 AND 10 OR ruca1 = {NOT_CODED}"),),
)

SVI_ZCTA = Table(
    name="raw.svi_zcta",
    grain="one ZIP Code Tabulation Area of the census",
    source="CDC/ATSDR Social Vulnerability Index, file by ZCTA",
    key=("fips",),
    columns=(
        Column("fips", "text", "ZCTA, five digits like a ZIP code", required=True, form=forms.ZIP),
        YEAR,
        Column("location", "text", "Name of the area"),
        Column(
            "rpl_themes",
            "number",
            "Rank of its vulnerability over all themes, 0 least to 1 most; -999 where it has none",
            required=True,
        ),
    ),
    rules=(
        Rule(
            "rpl_themes is 0 to 1, or -999",
            f"rpl_themes BETWEEN 0 AND 1 OR rpl_themes = {NOT_RANKED}",
        ),
    ),
)

TABLES = (
    OPTN_TRANSPLANT,
    OPTN_WAITLIST,
    MDS_STAY,
    SSA_DEATH,
    PROVIDER_OF_SERVICES,
    RUCA_ZIP,
    SVI_ZCTA,
)
