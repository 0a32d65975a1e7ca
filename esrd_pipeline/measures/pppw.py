"""PPPW, the Percentage of Prevalent Patients Waitlisted: manual 2.16.

The cohort is cohort.pppw.
"""

from esrd_pipeline.measures.specification import GeeSpecification, Program
from esrd_pipeline.measures.terms import Spline
from esrd_pipeline.parameters.register import find_measure

# A column for each piece of age, 0 at 15: a group of facilities without anybody in a piece drops
# its column, and the other columns keep their meaning in the mean over groups.
TERMS = (
    Spline(
        "age",
        knots=(15, 55, 70),
        names=("age_to_15", "age_15_to_55", "age_55_to_70", "age_over_70"),
        origin=15,
        row="2.16.12: age, knots at 15, 55 and 70",
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
