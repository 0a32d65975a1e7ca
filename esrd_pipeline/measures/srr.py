"""SRR, the Standardized Readmission Ratio: manual 2.10 (DFC) and 2.11 (QIP).

Past-year conditions join the terms listed here: `parameters/discharge_condition_group.csv`,
Table 4 (DFC) and Table 6 (QIP).
"""

from esrd_pipeline.measures.discharges import BMI, LENGTH, NURSING_HOME
from esrd_pipeline.measures.specification import Program, ThreeStageSpecification
from esrd_pipeline.measures.terms import Flag, Number, Product, Spline, Term
from esrd_pipeline.parameters.register import find_measure

_STAY = (
    *LENGTH,
    Flag("is_high_risk", row="2.10.11, 2.11.13: high-risk principal diagnosis"),
    Flag("is_covid", row="2.10.11, 2.11.13: COVID-19"),
)
TERMS: dict[Program, tuple[Term, ...]] = {
    "dfc": (
        Flag("is_female", row="2.10.11: sex"),
        Spline(
            "age",
            knots=(14, 60),
            names=("age_to_14", "age_14_to_60", "age_over_60"),
            origin=60,
            row="2.10.11: age",
        ),
        Flag("is_diabetes_cause", row="2.10.11: diabetes as cause of ESRD"),
        *(
            Product(f"{age}_x_diabetes", age, "is_diabetes_cause", row="2.10.11: age by diabetes")
            for age in ("age_14_to_60", "age_over_60")
        ),
        Number("years_of_esrd", row="2.10.11: time on ESRD"),
        *BMI,
        *NURSING_HOME,
        Flag("is_ma", row="2.10.11: Medicare Advantage in the month of discharge"),
        *_STAY,
    ),
    "qip": (
        Flag("is_female", row="2.11.13: sex"),
        Number("age", row="2.11.13: age"),
        Flag("is_diabetes_cause", row="2.11.13: diabetes as cause of ESRD"),
        Number("years_of_esrd", row="2.11.13: years since ESRD onset"),
        Number("bmi", row="2.11.13: BMI at incidence"),
        *_STAY,
    ),
}


def specify(program: Program, performance_year: int) -> ThreeStageSpecification:
    """Return SRR by one program's rules, without the terms of conditions."""
    return ThreeStageSpecification(
        entry=find_measure("srr", program, performance_year), terms=TERMS[program]
    )
