"""Measures of a year: of patients, or of what a facility reports. Manual 2.9, 2.17 to 2.24.

What the program excludes by certification date, in-center service, exceptions of a whole facility
and size is applied when it scores (parameters/qip_measure.csv).
"""

from dataclasses import replace

from esrd_pipeline.measures.specification import Direction, Program, ProportionSpecification
from esrd_pipeline.tables.clinical import SURVEY_COMPONENTS


def _specify(
    measure: str,
    section: str,
    *,
    unit: str = "patients",
    least: float | None = 11,
    better: Direction = "higher",
    program: Program = "qip",
) -> ProportionSpecification:
    return ProportionSpecification(
        measure=measure,
        program=program,
        terms=(),
        unit=unit,
        better=better,
        minimum_units=least,
        rate_scale=100,
        source=f"Manual v10.1 {section}",
    )


PATIENTS = (
    _specify("clinical_depression", "2.9"),
    _specify("sdoh_screening", "2.23"),
    _specify("sdoh_positive", "2.24"),
)
"""Shares of patients."""
HEALTH_EQUITY = _specify("health_equity", "2.22")
INFECTION = _specify("nhsn_bsi", "2.18", better="lower")
DIALYSIS_EVENT = _specify("nhsn_dialysis_event", "2.18.9", unit="months", least=None)
VACCINATION_MONTHS = _specify("covid_vaccination", "2.20", unit="months", least=None)
VACCINATION = _specify("covid_vaccination", "2.21", unit="personnel", least=None, program="dfc")
SURVEY = _specify("ich_cahps", "2.17", unit="surveys", least=30)
SURVEY_PARTS = {name: replace(SURVEY, measure=f"ich_cahps_{name}") for name in SURVEY_COMPONENTS}
"""Composite and global ratings of the survey, by the column of the raw table."""

REPORTED_MEASURES = tuple(
    specification.measure
    for specification in (INFECTION, DIALYSIS_EVENT, VACCINATION_MONTHS, HEALTH_EQUITY, SURVEY)
) + tuple(specification.measure for specification in SURVEY_PARTS.values())
"""Measures of what a facility itself reports; `explain` tells them report by report."""
