"""Tables of a measure computed from raw files: its fit, its witness, its facilities."""

from esrd_pipeline.tables.facility import CONTRACT_COLUMNS, CONTRACT_RULES, MEASURE, PROGRAM, YEAR
from esrd_pipeline.tables.fit import FIT_COLUMNS, FIT_KEY, SECOND_OPINION_COLUMNS
from esrd_pipeline.tables.model import Column, Table


def fit_table(measure: str, source: str) -> Table:
    """Return the table of a measure's fits, one a program."""
    return Table(
        name=f"fit.{measure}",
        grain="one element of one program's fit: coefficient, covariance, baseline, summary",
        source=source,
        key=FIT_KEY,
        columns=FIT_COLUMNS,
    )


def null_table(measure: str, source: str) -> Table:
    """Return the table of a measure's empirical nulls, one a program."""
    return Table(
        name=f"fit.{measure}_null",
        grain="one statistic of one size stratum of one program's empirical null",
        source=source,
        key=FIT_KEY,
        columns=FIT_COLUMNS,
    )


def second_opinion_table(measure: str) -> Table:
    """Return the table that sets a measure's fit beside another library's."""
    return Table(
        name=f"fit.{measure}_second_opinion",
        grain="one term of one program's model, fitted twice to a seeded sample of facilities",
        source="statsmodels or lifelines, as the rows say",
        key=("program", "measure", "term"),
        columns=SECOND_OPINION_COLUMNS,
    )


def reliability_table(measure: str, source: str) -> Table:
    """Return the table of a measure's reliability."""
    return Table(
        name=f"fit.{measure}_reliability",
        grain="one statistic of one program",
        source=source,
        key=("program", "measure", "statistic"),
        columns=(
            YEAR,
            PROGRAM,
            MEASURE,
            Column("statistic", "text", "iur, c_statistic, ...", required=True),
            Column("value", "number", "Its value"),
            Column("facilities", "integer", "Facilities it rests on", minimum=0),
            Column("patients", "integer", "Patients it rests on", minimum=0),
            Column("definition", "text", "How it is computed", required=True),
        ),
    )


def contract_table(measure: str, source: str) -> Table:
    """Return the table of a measure's facilities, in the facility contract."""
    return Table(
        name=f"facility.{measure}",
        grain="one facility and program",
        source=source,
        key=("ccn", "program", "measure"),
        columns=CONTRACT_COLUMNS,
        rules=CONTRACT_RULES,
    )


_SHR_SOURCE = "manual 2.13; 2025 submission of CBE 1463"
SHR_FIT = fit_table("shr", f"{_SHR_SOURCE} (2.13.14)")
SHR_NULL = null_table("shr", f"{_SHR_SOURCE} (2.13.15)")
SHR_SECOND_OPINION = second_opinion_table("shr")
SHR_RELIABILITY = reliability_table("shr", "2025 submission of CBE 1463, reliability and 5.4")
SHR = contract_table("shr", _SHR_SOURCE)

MONTHLY = Table(
    name="facility.monthly",
    grain="one facility, program and measure of patient-months",
    source="manual 2.1, 2.3 to 2.8, 2.19",
    key=("ccn", "program", "measure"),
    columns=CONTRACT_COLUMNS,
    rules=CONTRACT_RULES,
)

REPORTING = Table(
    name="facility.reporting",
    grain="one facility, program and measure of a year's patients or reports",
    source="manual 2.9, 2.17, 2.18, 2.20 to 2.24",
    key=("ccn", "program", "measure"),
    columns=CONTRACT_COLUMNS,
    rules=CONTRACT_RULES,
)

CONTRACT = Table(
    name="facility.contract",
    grain="one facility, program and measure: computed from raw files, or else as published",
    source="facility.shr, facility.monthly, facility.reporting, facility.published",
    key=("ccn", "program", "measure"),
    columns=(
        *CONTRACT_COLUMNS,
        Column(
            "origin",
            "text",
            "Where the row is from; neither: the measure is not computed, and no file prints it",
            required=True,
            allowed=("computed", "published", "neither"),
        ),
    ),
    rules=CONTRACT_RULES,
)

TABLES = (SHR_FIT, SHR_NULL, SHR_SECOND_OPINION, SHR_RELIABILITY, SHR, MONTHLY, REPORTING, CONTRACT)
