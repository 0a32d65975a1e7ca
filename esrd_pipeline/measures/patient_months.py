"""Measures of patient-months: manual 2.1, 2.3 to 2.8, 2.19. Who is counted: cohort.patient_months.

Every one asks for 11 eligible patients of a facility.
"""

from esrd_pipeline.measures.specification import Direction, Program, ProportionSpecification


def _specify(
    program: Program, measure: str, section: str, *, better: Direction = "higher"
) -> ProportionSpecification:
    return ProportionSpecification(
        measure=measure,
        program=program,
        terms=(),
        unit="patients",
        better=better,
        minimum_units=11,
        rate_scale=100,
        source=f"Manual v10.1 {section}",
    )


DFC = (
    _specify("dfc", "ltc", "2.1", better="lower"),
    _specify("dfc", "ktv_adult_hd", "2.3"),
    _specify("dfc", "ktv_adult_pd", "2.4"),
    _specify("dfc", "ktv_pediatric_hd", "2.5"),
    _specify("dfc", "ktv_pediatric_pd", "2.6"),
    _specify("dfc", "npcr", "2.7"),
    _specify("dfc", "hypercalcemia", "2.8", better="lower"),
)
QIP = (
    _specify("qip", "ltc", "2.1", better="lower"),
    _specify("qip", "ktv_adult_hd", "2.3"),
    _specify("qip", "ktv_adult_pd", "2.4"),
    _specify("qip", "ktv_pediatric_hd", "2.5"),
    _specify("qip", "ktv_pediatric_pd", "2.6"),
    # One measure of all four populations until payment year 2026, by the same rules.
    _specify("qip", "ktv_comprehensive", "2.3 to 2.6, Table 26"),
    # Both are scored by what was reported (2.8.13, 2.19.9).
    _specify("qip", "hypercalcemia", "2.8"),
    _specify("qip", "medication_reconciliation", "2.19"),
)
