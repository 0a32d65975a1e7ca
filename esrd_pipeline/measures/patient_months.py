"""Measures of patient-months: manual 2.1, 2.3 to 2.8, 2.19; the cohort is cohort.patient_months.

The register lists them by program.
"""

from esrd_pipeline.measures.specification import ProportionSpecification
from esrd_pipeline.parameters.register import Program, list_family

PROGRAMS: tuple[Program, ...] = ("dfc", "qip")


def specify_all(performance_year: int) -> tuple[ProportionSpecification, ...]:
    """Return the measures of both programs, those of Dialysis Facility Measures first."""
    return tuple(
        ProportionSpecification(entry=entry)
        for program in PROGRAMS
        for entry in list_family("patient_months", program, performance_year)
    )
