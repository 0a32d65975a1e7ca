"""PPPW, the Percentage of Prevalent Patients Waitlisted: manual 2.16.

The cohort is cohort.pppw.
"""

from esrd_pipeline.measures.specification import GeeSpecification, Program
from esrd_pipeline.measures.terms import Number
from esrd_pipeline.parameters.register import find_measure

TERMS = (
    Number("age", row="2.16.12: age"),
    *(
        Number("age", f"age_over_{knot}", origin=knot, least=0, row="2.16.12: knots of age")
        for knot in (15, 55, 70)
    ),
)


def specify(program: Program, performance_year: int) -> GeeSpecification:
    """Return PPPW by one program's rules."""
    return GeeSpecification(
        entry=find_measure("pppw", program, performance_year),
        terms=TERMS,
        national="facilities",
        inference="wald",
        seed=216,
    )
