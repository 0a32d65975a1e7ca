"""A facility's reports on a month: manual 2.1.12, 2.3.12, 2.7.12, 2.8.12, 2.19.5."""

from collections.abc import Sequence

import pandas as pd
import pytest

from esrd_pipeline_tests.sql.months import A, B, know
from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

MARCH = day("2024-03-01")
UKM = "UKM"
COMPONENTS: Row = {
    "bun_pre": 60.0,
    "bun_post": 20.0,
    "weight_pre": 71.0,
    "weight_pre_unit": "kg",
    "weight_post": 69.0,
    "weight_post_unit": "kg",
    "delivered_minutes": 240.0,
    "bun_date": day("2024-03-11"),
}


def record(number: int = 1, facility: int = A, **values: object) -> Row:
    return {
        "patient_id": 1,
        "facilityid": facility,
        "month": MARCH,
        "record_number": number,
        **values,
    }


def measured(value: float, when: str | None, number: int = 1, method: str = UKM) -> Row:
    return record(number, ktv_value=value, ktv_method=method, ktv_date=day(when) if when else None)


def march(
    *records: Row, access: Sequence[Row] = (), reconciled: Sequence[Row] = (), merged: bool = False
) -> Case:
    known = know()
    if merged:
        known["linkage.facility_ccn"] = [
            {**row, "ccn": "A"} for row in known["linkage.facility_ccn"]
        ]
    return case(
        "history.clinical_month",
        tables={
            **known,
            "raw.eqrs_clinical_month": list(records),
            "raw.eqrs_vascular_access": list(access),
            "raw.eqrs_medication_reconciliation": list(reconciled),
        },
    ).read(lambda rows: rows[(rows["program"] == "dfc") & (rows["ccn"] == "A")].iloc[0])


@pytest.mark.manual("2.3.12", "2.4.12", "2.5.12", "2.6.12")
@worked
def test_the_last_measured_kt_v_counts_then_the_last_submitted() -> Worked:
    first, second, third = yield (
        march(measured(1.1, "2024-03-20"), measured(1.5, "2024-03-10", 2)),
        march(measured(1.1, "2024-03-20"), measured(1.5, "2024-03-20", 2)),
        march(measured(1.1, "2024-03-02"), measured(1.5, None, 2)),
    )
    assert first["hd_ktv"] == 1.1
    assert second["hd_ktv"] == 1.5
    assert third["hd_ktv"] == 1.1


@pytest.mark.manual("2.3.12")
@worked
def test_a_value_out_of_range_does_not_hide_one_in_range() -> Worked:
    row = yield march(measured(1.4, "2024-03-10"), measured(6.0, "2024-03-20", 2))
    assert row["hd_ktv"] == 1.4
    assert row["pd_ktv"] == 6.0


@pytest.mark.manual("2.3.12", "2.5.12")
@pytest.mark.parametrize(("value", "is_in"), [(5.0, True), (5.01, False)])
@worked
def test_hemodialysis_kt_v_is_at_most_5(value: float, is_in: bool) -> Worked:  # noqa: FBT001
    row = yield march(measured(value, "2024-03-10"))
    assert pd.notna(row["hd_ktv"]) == is_in


@pytest.mark.manual("2.4.12", "2.6.12")
@pytest.mark.parametrize(("value", "is_in"), [(8.5, True), (8.51, False)])
@worked
def test_peritoneal_kt_v_is_at_most_8_5(value: float, is_in: bool) -> Worked:  # noqa: FBT001
    row = yield march(measured(value, "2024-03-10"))
    assert pd.notna(row["pd_ktv"]) == is_in


@pytest.mark.manual("2.3.12", "2.5.12")
@worked
def test_hemodialysis_kt_v_is_by_ukm_or_daugirdas() -> Worked:
    first, second = yield (
        march(measured(1.4, "2024-03-10", method="Daugirdas II")),
        march(measured(1.4, "2024-03-10", method="Other")),
    )
    assert first["hd_ktv"] == 1.4
    assert pd.isna(second["hd_ktv"])


@pytest.mark.manual("2.3.12")
@worked
def test_a_kt_v_dated_in_another_month_is_not_of_this_one() -> Worked:
    row = yield march(measured(2.0, "2024-02-28"))
    assert pd.isna(row["hd_ktv"])
    assert (row["pd_ktv"], str(row["pd_ktv_date"])[:10]) == (2.0, "2024-02-28")


@pytest.mark.manual("2.3.14", "3.1.4")
@worked
def test_8_88_is_frequent_dialysis_and_no_value() -> Worked:
    row = yield march(measured(8.88, "2024-03-10"))
    assert row["is_frequent"]
    assert pd.isna(row["hd_ktv"])


@pytest.mark.manual("2.8.12")
@pytest.mark.parametrize(
    ("value", "is_in"), [(0.1, True), (0.09, False), (20.0, True), (20.01, False)]
)
@worked
def test_calcium_from_0_1_to_20_is_a_value_and_any_is_reported(
    value: float,
    is_in: bool,  # noqa: FBT001
) -> Worked:
    row = yield march(record(calcium_value=value, calcium_date=day("2024-03-10")))
    assert row["has_calcium"]
    assert pd.notna(row["calcium"]) == is_in


@pytest.mark.manual("2.7.12")
@worked
def test_npcr_is_known_with_its_day() -> Worked:
    first, second = yield (
        march(record(npcr_value=1.1, npcr_date=day("2024-03-11"))),
        march(record(npcr_value=1.1)),
    )
    assert first["has_npcr"]
    assert not second["has_npcr"]


@pytest.mark.manual("2.7.12")
@worked
def test_npcr_is_known_by_all_of_its_components() -> Worked:
    row = yield march(record(**COMPONENTS))
    assert row["has_npcr"]


@pytest.mark.manual("2.7.12")
@pytest.mark.parametrize("missing", list(COMPONENTS))
@worked
def test_without_one_of_them_it_is_not(missing: str) -> Worked:
    row = yield march(record(**{**COMPONENTS, missing: None}))
    assert not row["has_npcr"]


def reconciliation(
    when: str | None = "2024-03-12",
    clinician: str | None = "nurse",
    name: str | None = "A. Nurse",
) -> Case:
    row = record(
        reconciliation_date=day(when) if when else None,
        clinician_type=clinician,
        clinician_name=name,
    )
    return march(record(), reconciled=[row]).read(lambda rows: bool(rows["has_reconciliation"]))


@pytest.mark.manual("2.19.5")
@pytest.mark.parametrize(
    "clinician",
    [
        "physician",
        "nurse",
        "advanced registered nurse practitioner",
        "physician assistant",
        "pharmacist",
        "pharmacy technician",
    ],
)
@worked
def test_six_kinds_of_professionals_reconcile(clinician: str) -> Worked:
    is_reconciled = yield reconciliation(clinician=clinician)
    assert is_reconciled


@pytest.mark.manual("2.19.5")
@worked
def test_a_reconciliation_has_a_day_of_the_month_a_professional_and_a_name() -> Worked:
    incomplete = yield (
        reconciliation(when=None),
        reconciliation(when="2024-02-29"),
        reconciliation(clinician="other"),
        reconciliation(clinician=None),
        reconciliation(name=None),
        reconciliation(name=" "),
    )
    assert incomplete == [False] * 6


def used(kind: str | None, when: str | None, number: int = 1) -> Row:
    return record(number, access_type=kind, access_date=day(when) if when else None)


@pytest.mark.manual("2.1.12", "2.2.13")
@worked
def test_the_last_access_of_the_month_counts() -> Worked:
    one, other = used("Catheter Only", "2024-03-20"), used("AVFONLY", "2024-03-05", 2)
    first, second = yield (
        march(access=[one, other]),
        march(access=[one, used("AVFONLY", "2024-03-20", 2)]),
    )
    assert first["access_type"] == "Catheter Only"
    assert second["access_type"] == "AVFONLY"


@pytest.mark.manual("2.1.12", "2.3.12", "2.8.12")
@pytest.mark.parametrize("number", [2_000_000_000, 20240331235959])
@worked
def test_the_day_goes_before_the_submission_however_high_its_number(number: int) -> Worked:
    row = yield march(
        measured(1.1, "2024-03-20", 1),
        measured(1.5, "2024-03-10", number),
        record(2, calcium_value=9.0, calcium_date=day("2024-03-20")),
        record(number + 1, calcium_value=11.0, calcium_date=day("2024-03-10")),
        access=[used("AVFONLY", "2024-03-20"), used("Catheter Only", "2024-03-10", number)],
    )
    assert (row["hd_ktv"], row["calcium"], row["access_type"]) == (1.1, 9.0, "AVFONLY")


@pytest.mark.manual("2.1.12", "2.3.12", "2.8.12")
@worked
def test_the_day_goes_before_the_facility_of_a_number_however_many_digits_it_has() -> Worked:
    long = 999_999_999_999_999_999
    known = know()
    known["linkage.facility_ccn"] = [
        {**row, "ccn": "A", "facilityid": A if row["facilityid"] == A else long}
        for row in known["linkage.facility_ccn"]
    ]
    rows = {
        "raw.eqrs_clinical_month": [
            measured(1.1, "2024-03-20"),
            record(2, calcium_value=9.0, calcium_date=day("2024-03-20")),
            {**measured(1.5, "2024-03-10"), "facilityid": long},
            record(2, long, calcium_value=11.0, calcium_date=day("2024-03-10")),
        ],
        "raw.eqrs_vascular_access": [
            used("AVFONLY", "2024-03-20"),
            {**used("Catheter Only", "2024-03-10"), "facilityid": long},
        ],
    }
    row = yield case("history.clinical_month", tables={**known, **rows}, alone=True).read(
        lambda found: found[found["program"] == "dfc"].iloc[0]
    )
    assert (row["hd_ktv"], row["calcium"], row["access_type"]) == (1.1, 9.0, "AVFONLY")


@pytest.mark.manual("3.2.1")
@pytest.mark.parametrize("is_first", [True, False])
@worked
def test_of_two_numbers_that_are_one_patient_the_record_of_todays_number_is_the_later(
    *, is_first: bool
) -> Worked:
    other = 9
    reported = [
        record(ktv_value=1.1, ktv_method=UKM, calcium_value=9.0, sessions_delivered=12),
        {
            **record(ktv_value=1.5, ktv_method=UKM, calcium_value=11.0, sessions_delivered=13),
            "patient_id": other,
        },
    ]
    used_then = [
        used("AVFONLY", "2024-03-05"),
        {**used("Catheter Only", "2024-03-05"), "patient_id": other},
    ]
    rows = {
        "linkage.earlier_patient": [{"earlier_patient_id": other, "patient_id": 1}],
        "raw.eqrs_clinical_month": reported if is_first else reported[::-1],
        "raw.eqrs_vascular_access": used_then if is_first else used_then[::-1],
    }
    row = yield case("history.clinical_month", tables={**know(), **rows}, alone=True).read(
        lambda found: found[(found["program"] == "dfc") & (found["ccn"] == "A")].iloc[0]
    )
    told = (row["hd_ktv"], row["calcium"], row["access_type"], row["sessions_delivered"])
    assert told == (1.1, 9.0, "AVFONLY", 12)


@pytest.mark.manual("2.1.12")
@worked
def test_an_access_without_a_type_is_none() -> Worked:
    given = [used("AVFONLY", "2024-03-05"), used(None, "2024-03-20", 2)]
    first, second = yield march(access=given), march(record(), access=[used(None, "2024-03-20")])
    assert first["access_type"] == "AVFONLY"
    assert pd.isna(second["access_type"])


@worked
def test_two_eqrs_facilities_under_one_number_are_one() -> Worked:
    one = record(1, A, calcium_value=9.0, calcium_date=day("2024-03-10"))
    other = record(1, B, calcium_value=9.5, calcium_date=day("2024-03-20"), sessions_delivered=12)
    row = yield march(one, other, merged=True)
    assert (row["calcium"], row["sessions_delivered"]) == (9.5, 12)


def delivered(*numbers: int | None, facility: int = A) -> list[Row]:
    """A facility's submissions of the month, one after the other."""
    return [
        record(place, facility, sessions_delivered=number)
        for place, number in enumerate(numbers, start=1)
    ]


@pytest.mark.manual("2.19.7")
@worked
def test_the_last_submission_tells_the_sessions_delivered() -> Worked:
    fewer, more, silent = yield (
        march(*delivered(8, 6)),
        march(*delivered(6, 8)),
        march(*delivered(8, None)),
    )
    assert fewer["sessions_delivered"] == 6
    assert more["sessions_delivered"] == 8
    assert silent["sessions_delivered"] == 8


@pytest.mark.manual("2.19.7")
@worked
def test_sessions_of_two_eqrs_facilities_under_one_number_add_up() -> Worked:
    row, corrected = yield (
        march(*delivered(4), *delivered(4, facility=B), merged=True),
        march(*delivered(8, 3), *delivered(4, facility=B), merged=True),
    )
    assert row["sessions_delivered"] == 8
    assert corrected["sessions_delivered"] == 7


@worked
def test_8_88_corrected_on_a_later_record_of_its_day_is_none() -> Worked:
    corrected, other_day, earlier = yield (
        march(measured(8.88, "2024-03-10"), measured(1.4, "2024-03-10", 2)),
        march(measured(8.88, "2024-03-10"), measured(1.4, "2024-03-20", 2)),
        march(measured(1.4, "2024-03-10"), measured(8.88, "2024-03-10", 2)),
    )
    assert not corrected["is_frequent"]
    assert other_day["is_frequent"]
    assert earlier["is_frequent"]


@pytest.mark.parametrize(
    ("when", "is_of_month"),
    [
        ("2024-01-10", False),
        ("2024-02-29", False),
        ("2024-03-01", True),
        ("2024-03-31", True),
        ("2024-04-01", False),
    ],
)
@pytest.mark.manual("2.7.12", "2.8.12")
@worked
def test_calcium_and_npcr_are_of_the_month_in_which_they_were_taken(
    when: str,
    is_of_month: bool,  # noqa: FBT001
) -> Worked:
    calcium, npcr, components = yield (
        march(record(calcium_value=9.0, calcium_date=day(when))),
        march(record(npcr_value=1.1, npcr_date=day(when))),
        march(record(**{**COMPONENTS, "bun_date": day(when)})),
    )
    assert calcium["has_calcium"] == is_of_month
    assert pd.notna(calcium["calcium"]) == is_of_month
    assert npcr["has_npcr"] == is_of_month
    assert components["has_npcr"] == is_of_month


@worked
def test_a_calcium_without_a_day_is_of_its_record_s_month() -> Worked:
    row = yield march(record(calcium_value=9.0))
    assert row["has_calcium"]
    assert row["calcium"] == 9.0
