"""PPPW, the Percentage of Prevalent Patients Waitlisted: manual 2.16.

Who is counted: cohort.pppw.
"""

from dataclasses import replace

from esrd_pipeline.measures.specification import GeeSpecification
from esrd_pipeline.measures.terms import Number

DFC = GeeSpecification(
    measure="pppw",
    program="dfc",
    # A linear spline of age with knots at 15, 55 and 70 (2.16.12).
    terms=tuple(map(Number, ("age", "age_over_15", "age_over_55", "age_over_70"))),
    unit="patients",
    better="higher",
    minimum_units=11,
    rate_scale=100,
    source="Manual v10.1 2.16",
    national="facilities",
    seed=216,
    minimum_modelled=11,
)
QIP = replace(DFC, program="qip")
