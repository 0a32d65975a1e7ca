"""PPPW, the Percentage of Prevalent Patients Waitlisted: manual 2.16.

Who is counted: cohort.pppw.
"""

from esrd_pipeline.measures.specification import GeeSpecification, Program
from esrd_pipeline.measures.terms import Number
from esrd_pipeline.parameters.register import find_measure


def specify(program: Program, performance_year: int) -> GeeSpecification:
    """Return PPPW as one program computes it."""
    return GeeSpecification(
        entry=find_measure("pppw", program, performance_year),
        # A linear spline of age with knots at 15, 55 and 70 (2.16.12).
        terms=tuple(map(Number, ("age", "age_over_15", "age_over_55", "age_over_70"))),
        national="facilities",
        seed=216,
    )
