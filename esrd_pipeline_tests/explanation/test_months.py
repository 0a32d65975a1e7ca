"""Patient-months and patients of a year: counted or not, with the facts that decide."""

from pathlib import Path

import pytest

from esrd_pipeline.explanation.measures import explain_measure
from esrd_pipeline_tests.explanation.world import CCN, PEOPLE, Row, ask, contract, store
from esrd_pipeline_tests.sql.worked import day

pytestmark = pytest.mark.manual("2.1.7", "2.3.8", "2.9")


def month(patient: int, first: str, **values: object) -> Row:
    found: Row = {"program": "qip", "patient_id": patient, "month": day(first), "ccn": CCN}
    return {**found, **values}


def test_months_are_counted_or_have_a_rule(tmp_path: Path) -> None:
    warehouse = store(
        tmp_path / "warehouse",
        {
            "raw.eqrs_patient": PEOPLE,
            "cohort.patient_months": [
                month(1, "2024-01-01", is_ltc=True, catheter_months=3),
                month(1, "2024-02-01", is_ltc=False),
                month(2, "2024-01-01", ltc_reason="under_18_years"),
                month(2, "2024-02-01", is_ltc=False),
            ],
            "facility.monthly": [
                contract(
                    "ltc",
                    "qip",
                    unit="patients",
                    unit_count=2.0,
                    patients=2.0,
                    numerator=1.0,
                    denominator=3.0,
                    value=1 / 3,
                )
            ],
        },
    )
    ltc = explain_measure(ask(warehouse, "ltc", "qip"))
    lines = ltc.find("lines")
    # In the numerator is a month with a catheter, which is bad here: the words say so.
    assert lines["in_numerator"].fillna("").tolist() == ["yes", "no", "", "no"]
    assert lines["counts"].tolist() == ["yes", "yes", "no", "yes"]
    assert lines["why"].tolist()[2] == "younger than 18 years"
    assert lines["manual"].tolist()[2] == "Manual v10.1 2.1.9"
    assert lines["why"].notna().all()
    sums = {check.what: (check.added, check.agrees) for check in ltc.checks}
    assert sums["1 x 1 / 3 = value of the contract"] == (pytest.approx(1 / 3), True)
    assert ltc.broken == []
    assert ("Better is", "a lower value") in ltc.facts


def test_the_pooled_kt_v_lists_each_month_under_the_population_that_counts_it(
    tmp_path: Path,
) -> None:
    excluded = {
        "ktv_adult_hd_reason": "not_on_hemodialysis_all_month",
        "ktv_pediatric_hd_reason": "age_18_or_older",
        "ktv_pediatric_pd_reason": "age_18_or_older",
    }
    warehouse = store(
        tmp_path / "warehouse",
        {
            "raw.eqrs_patient": PEOPLE,
            "cohort.patient_months": [
                month(1, "2024-01-01", is_ktv_adult_pd=True, ktv=1.8, **excluded),
                month(
                    1,
                    "2024-02-01",
                    ktv_adult_pd_reason="not_on_peritoneal_dialysis_all_month",
                    **excluded,
                ),
            ],
            "facility.monthly": [
                contract(
                    "ktv_comprehensive",
                    "qip",
                    unit="patients",
                    unit_count=1.0,
                    patients=1.0,
                    numerator=1.0,
                    denominator=1.0,
                    value=1.0,
                )
            ],
        },
    )
    lines = explain_measure(ask(warehouse, "ktv_comprehensive", "qip")).find("lines")
    assert lines["population"].tolist() == ["ktv_adult_pd", "ktv_adult_hd"]
    assert lines["counts"].tolist() == ["yes", "no"]
    # The section is the population's own, not those of every measure with the rule.
    assert lines["manual"].tolist()[-1] == "Manual v10.1 2.3.10"


def test_patients_of_a_year_and_one_whom_only_claims_know(tmp_path: Path) -> None:
    def patient(number: int, **values: object) -> Row:
        found: Row = {"program": "qip", "measure": "clinical_depression", "ccn": CCN}
        return {**found, "patient_id": number, "days": 120, **values}

    warehouse = store(
        tmp_path / "warehouse",
        {
            "raw.eqrs_patient": PEOPLE,
            "cohort.patient_year": [
                patient(1, denominator=1, numerator=1),
                patient(-7, denominator=0, numerator=0, reason="under_12_years"),
            ],
            "facility.reporting": [
                contract(
                    "clinical_depression",
                    "qip",
                    unit="patients",
                    unit_count=1.0,
                    patients=1.0,
                    numerator=1.0,
                    denominator=1.0,
                    value=1.0,
                )
            ],
        },
    )
    lines = explain_measure(ask(warehouse, "clinical_depression", "qip")).find("lines")
    assert lines["eqrs_number"].tolist() == ["1", "not in EQRS"]
    assert lines["days"].tolist() == [120, 120]
    assert lines["counts"].tolist() == ["yes", "no"]
