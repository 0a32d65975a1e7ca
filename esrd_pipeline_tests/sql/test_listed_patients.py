"""Patients counted by measure, listed for their facility, and added up in an emergency."""

from esrd_pipeline_tests.sql.worked import Row, Worked, case, day, worked


def month(number: int, **other: object) -> Row:
    """A month of patient 1 at facility A."""
    return {
        "program": "qip",
        "patient_id": 1,
        "ccn": "A",
        "month": day(f"2024-{number:02d}-01"),
        "is_whole": True,
        **other,
    }


MONTHS = [
    month(1, is_ktv_adult_hd=True, is_ltc=False, ktv=1.2),
    month(2, is_ktv_adult_hd=False, ltc_reason="under_18"),
    month(3, is_ktv_adult_pd=True, ltc_reason="not_a_measure_of_the_program"),
]


@worked
def test_months_of_a_patient_add_up_by_measure_and_kt_v_of_all_is_the_qips() -> Worked:
    of_qip, of_dfc = yield [
        case(
            "cohort.monthly",
            tables={"cohort.patient_months": [{**row, "program": program} for row in MONTHS]},
        )
        for program in ("qip", "dfc")
    ]
    counted = of_qip.set_index("measure")[["numerator", "denominator"]]
    assert {name: tuple(row) for name, row in counted.iterrows()} == {
        "ktv_adult_hd": (1, 2),
        "ktv_adult_pd": (1, 1),
        "ktv_comprehensive": (2, 3),
        "ltc": (0, 1),
    }
    assert set(of_dfc["measure"]) == {"ktv_adult_hd", "ktv_adult_pd", "ltc"}


@worked
def test_a_facility_is_shown_its_months_of_a_measure_of_the_program() -> Worked:
    rows = yield case(
        "explain.patient_months",
        alone=True,
        ccn="A",
        measure="ltc",
        tables={"cohort.patient_months": [*MONTHS, month(4, ccn="B", is_ltc=True)]},
    )
    assert [str(first) for first in rows["month"]] == ["2024-01-01", "2024-02-01"]
    assert rows["reason"].fillna("").tolist() == ["", "under_18"]
    assert rows["is_in_numerator"].tolist() == [False, None]


@worked
def test_a_facility_is_shown_its_patients_of_a_measure_of_patients() -> Worked:
    shared = {"program": "qip", "measure": "sdoh_screening", "ccn": "A"}
    rows = yield case(
        "explain.yearly",
        alone=True,
        ccn="A",
        measure="sdoh_screening",
        tables={
            "cohort.patient_year": [
                {**shared, "patient_id": 1, "denominator": 1, "numerator": 1, "days": 366},
                {**shared, "patient_id": 2, "denominator": 1, "numerator": 0, "days": 200},
                {**shared, "patient_id": 3, "denominator": 0, "reason": "under_18"},
                {**shared, "patient_id": 4, "ccn": "B", "denominator": 1, "numerator": 1},
            ]
        },
    )
    assert rows["patient_id"].tolist() == [1, 2, 3]
    assert rows["is_in_numerator"].tolist() == [True, False, None]


@worked
def test_patients_of_a_facility_and_modality_are_added_up_by_when_they_are_due() -> Worked:
    shared = {"ccn": "A", "day": day("2024-09-27"), "is_in_nursing_home": False}
    center = {**shared, "modality": "in-center hemodialysis"}
    rows = yield case(
        "emergency.facility_need",
        tables={
            "emergency.patient_need": [
                {**center, "patient_id": 1, "next_due": day("2024-09-27")},
                {**center, "patient_id": 2, "next_due": day("2024-09-28")},
                {**center, "patient_id": 3, "is_in_nursing_home": True},
                {**shared, "patient_id": 4, "modality": "peritoneal dialysis"},
            ]
        },
    )
    counts = ["patients", "due_by_day", "due_next_day", "due_unknown", "in_nursing_home"]
    assert rows[counts].to_numpy().tolist() == [[3, 1, 1, 1, 1], [1, 0, 0, 0, 0]]
