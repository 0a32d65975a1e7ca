"""Tables of a measure computed from raw files: its fit, cross-check and facilities."""

from dataclasses import dataclass

from esrd_pipeline.tables.discharges import STAY
from esrd_pipeline.tables.facility import (
    CONTRACT_COLUMNS,
    CONTRACT_RULES,
    IS_ADJUSTED,
    MEASURE,
    PROGRAM,
    YEAR,
)
from esrd_pipeline.tables.fit import CROSS_CHECK_COLUMNS, FIT_COLUMNS, FIT_KEY
from esrd_pipeline.tables.linkage import PATIENT
from esrd_pipeline.tables.model import Column, Table


def fit_table(measure: str, source: str) -> Table:
    """Return the table of a measure's fits, one per program."""
    return Table(
        name=f"fit.{measure}",
        grain="one element of one program's fit: coefficient, covariance, baseline, summary",
        source=source,
        key=FIT_KEY,
        columns=FIT_COLUMNS,
    )


def null_table(measure: str, source: str) -> Table:
    """Return the table of a measure's empirical nulls, one per program."""
    return Table(
        name=f"fit.{measure}_null",
        grain="one statistic of one size stratum of one program's empirical null",
        source=source,
        key=FIT_KEY,
        columns=FIT_COLUMNS,
    )


def cross_check_table(measure: str) -> Table:
    """Return the table that cross-checks a measure's fit against another library's."""
    return Table(
        name=f"fit.{measure}_cross_check",
        grain="one term of one program's model, fitted twice to a seeded sample of facilities",
        source="statsmodels or lifelines, as the rows state",
        key=("program", "measure", "term"),
        columns=CROSS_CHECK_COLUMNS,
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
            Column("facilities", "integer", "Facilities it is computed from", minimum=0),
            Column("patients", "integer", "Patients it is computed from", minimum=0),
            Column("definition", "text", "How it is computed", required=True),
        ),
    )


def contract_table(measure: str, source: str) -> Table:
    """Return the table of a measure's facilities, with the columns of the facility contract."""
    return Table(
        name=f"facility.{measure}",
        grain="one facility and program",
        source=source,
        key=("ccn", "program", "measure"),
        columns=CONTRACT_COLUMNS,
        rules=CONTRACT_RULES,
    )


def expected_table(measure: str, key: tuple[Column, ...], *, grain: str) -> Table:
    """Return the table of the events of each row of a cohort: counted, and expected by its fit."""
    return Table(
        name=f"cohort.{measure}_expected",
        grain=grain,
        source="the measure's fit and cohort",
        key=("program", *(column.name for column in key)),
        columns=(
            PROGRAM,
            *key,
            YEAR,
            Column("observed", "number", "Events counted", required=True, minimum=0),
            Column("expected", "number", "Events expected", required=True, minimum=0),
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTables:
    """The stored tables of one modelled measure.

    Attributes:
        fit: its fits, one per program.
        cross_check: the same model fitted by another library, compared with ours.
        facility: its facilities, with the columns of the facility contract.
        null: its empirical nulls; None where the measure has none.
        expected: expected events of each row of its cohort; None where rows have none.
    """

    fit: Table
    cross_check: Table
    facility: Table
    null: Table | None
    expected: Table | None

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables without patients: those of the nation and of facilities."""
        stored = (self.fit, self.null, self.cross_check, self.facility)
        return tuple(table for table in stored if table is not None)


def model_tables(
    measure: str, source: str, *, has_null: bool = True, expected: Table | None = None
) -> ModelTables:
    """Return the tables of one modelled measure."""
    return ModelTables(
        fit=fit_table(measure, source),
        cross_check=cross_check_table(measure),
        facility=contract_table(measure, source),
        null=null_table(measure, source) if has_null else None,
        expected=expected,
    )


_PERIOD = (
    PATIENT,
    Column("period", "integer", "Order of the patient's periods", required=True, minimum=1),
)
_SEGMENT = (PATIENT, Column("start_date", "date", "First day of the segment", required=True))
_OF_A_SEGMENT = "one segment of days of one patient, of any year of the fit"
MODELLED: dict[str, ModelTables] = {
    "smr": model_tables(
        "smr",
        "manual 2.14.12 to 2.14.15",
        expected=expected_table("smr", _SEGMENT, grain=_OF_A_SEGMENT),
    ),
    "swr": model_tables(
        "swr",
        "manual 2.15.12 to 2.15.15",
        has_null=False,
        expected=expected_table("swr", _SEGMENT, grain=_OF_A_SEGMENT),
    ),
    "smosr": model_tables(
        "smosr",
        "manual 2.27.12 to 2.27.15",
        has_null=False,
        expected=expected_table("smosr", _SEGMENT, grain=_OF_A_SEGMENT),
    ),
    "shr": model_tables(
        "shr",
        "manual 2.13",
        expected=expected_table("shr", _PERIOD, grain="one period of one patient"),
    ),
    "strr": model_tables(
        "strr",
        "manual 2.12",
        expected=expected_table("strr", _PERIOD, grain="one period of one patient"),
    ),
    "sedr": model_tables(
        "sedr",
        "manual 2.25",
        expected=expected_table("sedr", _PERIOD, grain="one period of one patient"),
    ),
    "sfr": model_tables("sfr", "manual 2.2"),
    "pppw": model_tables("pppw", "manual 2.16", has_null=False),
    "srr": model_tables(
        "srr",
        "manual 2.10, 2.11",
        expected=expected_table("srr", (PATIENT, STAY), grain="one index discharge of one patient"),
    ),
    "ed30": model_tables(
        "ed30",
        "manual 2.26",
        expected=expected_table(
            "ed30", (PATIENT, STAY), grain="one index discharge of one patient"
        ),
    ),
}
"""By measure."""
SHR_SUBMISSION = model_tables(
    "shr_submission",
    "2025 submission of CBE 1463",
    expected=expected_table("shr_submission", _PERIOD, grain="one period of one patient"),
)
"""Beside the measures of the programs: in no contract, flag, score or published file."""
_RELIABILITY_SOURCE = "2025 submission of CBE 1463, reliability and 5.4"
SHR_RELIABILITY = reliability_table("shr", _RELIABILITY_SOURCE)
SHR_SUBMISSION_RELIABILITY = reliability_table("shr_submission", _RELIABILITY_SOURCE)
EXPECTED = tuple(m.expected for m in (*MODELLED.values(), SHR_SUBMISSION) if m.expected is not None)

BASELINE_SCORED = Table(
    name="fit.baseline_scored",
    grain="one measure and the star baseline's year, whose model scored this year's rows",
    source="manual 5.6.2.2; reading 13",
    key=("measure", "baseline_year"),
    columns=(
        YEAR,
        MEASURE,
        Column("baseline_year", "integer", "Year the model was fitted to", required=True),
        Column("observed", "number", "This year's events in the nation", required=True, minimum=0),
        Column(
            "expected",
            "number",
            "Events that the baseline year's model expects in this year's rows",
            required=True,
            minimum=0,
        ),
    ),
)

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
    source="the facilities of every computed measure; facility.published",
    key=("ccn", "program", "measure"),
    columns=(
        *CONTRACT_COLUMNS,
        IS_ADJUSTED,
        Column(
            "value_unit",
            "text",
            "Unit of value and its limits: ratio, percent, fraction, or events per an exposure",
        ),
        Column("rate_unit", "text", "Unit of rate; null where the measure has none"),
        Column(
            "origin",
            "text",
            "Source of the row; neither: the measure is not computed, and no file publishes it",
            required=True,
            allowed=("computed", "published", "neither"),
        ),
    ),
    rules=CONTRACT_RULES,
)

COMPUTED: tuple[Table, ...] = (*(m.facility for m in MODELLED.values()), MONTHLY, REPORTING)
"""Facilities of every measure that is computed from raw files."""
RESULTS: tuple[Table, ...] = (*COMPUTED, CONTRACT)
"""The facilities of every measure, and all of them together."""
TABLES = (
    *(table for measure in (*MODELLED.values(), SHR_SUBMISSION) for table in measure.tables),
    SHR_RELIABILITY,
    SHR_SUBMISSION_RELIABILITY,
    BASELINE_SCORED,
    MONTHLY,
    REPORTING,
    CONTRACT,
)
