"""The first diagnosis of COVID-19, at which STrR's clock starts."""

import pandas as pd
import pytest

from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

pytestmark = pytest.mark.manual("2.12.13")


def claim(start: str, code: str = "U071", kind: str | None = "40", **more: object) -> Row:
    first = day(start)
    kinds = {"nch_clm_type_cd": kind} if kind else {}
    return {
        "bene_id": 9,
        "clm_id": first.toordinal(),
        "performance_year": first.year,
        "clm_from_dt": first,
        "clm_thru_dt": first,
        "prncpal_dgns_cd": code,
        **kinds,
        **more,
    }


def find(
    *claims: Row,
    carrier: tuple[Row, ...] = (),
    evidence: tuple[Row, ...] = (),
    death: tuple[Row, ...] = (),
    remembered: tuple[Row, ...] = (),
    performance_year: int = 2024,
) -> Case:
    """The diagnosis of patient 1 as the year knows it."""
    years = (performance_year - 1, performance_year)
    return case(
        "history.covid_claim",
        "history.covid_diagnosis",
        performance_year=performance_year,
        tables={
            "linkage.beneficiary": [
                {"bene_id": 9, "patient_id": 1, "performance_year": y} for y in years
            ],
            "raw.claim": claims,
            "raw.carrier_claim": carrier,
            "raw.cms_2728": evidence,
            "raw.cms_2746": death,
            "history.covid_diagnosis": remembered,
        },
    ).read(lambda rows: rows[rows["performance_year"] == performance_year])


def dates(rows: pd.DataFrame) -> list[str]:
    return [str(value) for value in rows["diagnosis_date"]]


@worked
def test_the_clock_starts_on_the_first_day_of_the_first_claim() -> Worked:
    rows = yield find(
        claim("2024-05-01", clm_thru_dt=day("2024-05-20")),
        claim("2024-03-02"),
        claim("2024-07-01"),
    )
    assert dates(rows) == ["2024-03-02"]
    assert rows["source"].tolist() == ["claims"]


@pytest.mark.parametrize("code", ["U071", "B9729", "J1282"])
@pytest.mark.parametrize("place", [1, 25])
@worked
def test_any_of_three_codes_in_any_place_is_a_diagnosis(code: str, place: int) -> Worked:
    codes = {f"icd_dgns_cd{place}": code}
    rows = yield find(claim("2024-03-02", "N186", **codes))
    assert len(rows) == 1


@worked
def test_other_codes_are_none() -> Worked:
    rows = yield find(claim("2024-03-02", "U099"), claim("2024-03-03", "Z8616"))
    assert rows.empty


@pytest.mark.parametrize("kind", ["10", "20", "30", "40", "50", "60"])
@worked
def test_claims_of_part_a_and_b_of_every_kind_count(kind: str) -> Worked:
    rows = yield find(claim("2024-03-02", kind=kind))
    assert len(rows) == 1


@worked
def test_a_claim_that_names_two_of_the_codes_is_one() -> Worked:
    rows = yield case(
        "history.covid_claim",
        tables={
            "linkage.beneficiary": [{"bene_id": 9, "patient_id": 1}],
            "raw.claim": [claim("2024-03-02", icd_dgns_cd2="J1282"), claim("2024-03-03", "N186")],
            "raw.carrier_claim": [claim("2024-03-02", kind=None, icd_dgns_cd12="U071")],
        },
    )
    assert rows["claim_type"].tolist() == ["40", "carrier"]
    assert rows["admit_date"].tolist() == [day("2024-03-02")] * 2


@worked
def test_physicians_claims_count() -> Worked:
    rows = yield find(carrier=(claim("2024-03-02", kind=None),))
    assert len(rows) == 1


@worked
def test_forms_count() -> Worked:
    form = {
        "patient_id": 1,
        "form_number": 1,
        "dialysis_began_date": day("2024-02-02"),
        "primary_cause": "U071",
    }
    notice = {"patient_id": 1, "death_date": day("2024-08-02"), "secondary_cause": "U071"}
    first, rows = yield find(evidence=(form,)), find(death=(notice,))
    assert dates(first) == ["2024-02-02"]
    assert dates(rows) == ["2024-08-02"]
    assert rows["source"].tolist() == ["cms_2746"]


@pytest.mark.parametrize(("start", "rows"), [("2020-02-19", 0), ("2020-02-20", 1)])
@worked
def test_nothing_before_20_february_2020_is_a_diagnosis(start: str, rows: int) -> Worked:
    found = yield find(claim(start), performance_year=2020)
    assert len(found) == rows


@worked
def test_a_diagnosis_of_long_before_is_remembered_from_the_year_before() -> Worked:
    known = {
        "patient_id": 1,
        "diagnosis_date": day("2021-01-15"),
        "source": "claims",
        "performance_year": 2023,
    }
    rows = yield find(claim("2024-05-01"), remembered=(known,))
    assert dates(rows) == ["2021-01-15"]


@worked
def test_what_claims_of_the_year_before_say_takes_the_place_of_what_was_remembered_of_it() -> (
    Worked
):
    known = {
        "patient_id": 1,
        "diagnosis_date": day("2023-01-15"),
        "source": "claims",
        "performance_year": 2023,
    }
    rows = yield find(claim("2023-06-01"), remembered=(known,))
    assert dates(rows) == ["2023-06-01"]
