"""Measures of a year's patients, or of what a facility reports: manual 2.9, 2.17 to 2.24.

The program's exclusions by certification date, in-center service, exceptions of a whole facility
and size are applied when it scores (parameters/qip_measure.csv).
"""

from esrd_pipeline.measures.specification import ProportionSpecification
from esrd_pipeline.parameters.register import Program, find_of_family
from esrd_pipeline.tables.clinical import SURVEY_COMPONENTS

PATIENTS = ("clinical_depression", "sdoh_screening", "sdoh_positive")
"""Proportions of patients."""
HEALTH_EQUITY = "health_equity"
INFECTION = "nhsn_bsi"
DIALYSIS_EVENT = "nhsn_dialysis_event"
VACCINATION = "covid_vaccination"
"""QIP: the months reported (2.20); Dialysis Facility Measures: the personnel (2.21)."""
SURVEY = "ich_cahps"
SURVEY_PARTS = {name: f"ich_cahps_{name}" for name in SURVEY_COMPONENTS}
"""Composite and global ratings of the survey, by the column of the raw table."""

REPORTED_MEASURES = (
    INFECTION,
    DIALYSIS_EVENT,
    VACCINATION,
    HEALTH_EQUITY,
    SURVEY,
    *SURVEY_PARTS.values(),
)
"""Measures of what a facility itself reports; `explain` lists them report by report."""


def specify(
    measure: str, performance_year: int, program: Program = "qip"
) -> ProportionSpecification:
    """Return one of these measures by a program's rules."""
    entry = find_of_family("reporting", measure, program, performance_year)
    return ProportionSpecification(entry=entry)
