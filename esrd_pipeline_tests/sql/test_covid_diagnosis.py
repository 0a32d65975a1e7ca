"""The first diagnosis of COVID-19, which STrR's clock starts at."""

import pandas as pd
import pytest

from esrd_pipeline_tests.sql.worked import Row, day, run


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
) -> pd.DataFrame:
    """The diagnosis of patient 1 as the year knows it."""
    years = (performance_year - 1, performance_year)
    rows = run(
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
    )
    return rows[rows["performance_year"] == performance_year]


def dates(rows: pd.DataFrame) -> list[str]:
    return [str(value) for value in rows["diagnosis_date"]]


def test_the_clock_starts_on_the_first_day_of_the_first_claim() -> None:
    rows = find(
        claim("2024-05-01", clm_thru_dt=day("2024-05-20")),
        claim("2024-03-02"),
        claim("2024-07-01"),
    )
    assert dates(rows) == ["2024-03-02"]
    assert rows["source"].tolist() == ["claims"]


@pytest.mark.parametrize("code", ["U071", "B9729", "J1282"])
@pytest.mark.parametrize("place", [1, 25])
def test_any_of_three_codes_in_any_place_is_a_diagnosis(code: str, place: int) -> None:
    codes = {f"icd_dgns_cd{place}": code}
    assert len(find(claim("2024-03-02", "N186", **codes))) == 1


def test_other_codes_are_none() -> None:
    assert find(claim("2024-03-02", "U099"), claim("2024-03-03", "Z8616")).empty


@pytest.mark.parametrize("kind", ["10", "20", "30", "40", "50", "60"])
def test_claims_of_part_a_and_b_of_every_kind_count(kind: str) -> None:
    assert len(find(claim("2024-03-02", kind=kind))) == 1


def test_a_claim_that_names_two_of_the_codes_is_one() -> None:
    rows = run(
        "history.covid_claim",
        tables={
            "linkage.beneficiary": [{"bene_id": 9, "patient_id": 1}],
            "raw.claim": [claim("2024-03-02", icd_dgns_cd2="J1282"), claim("2024-03-03", "N186")],
            "raw.carrier_claim": [claim("2024-03-02", kind=None, icd_dgns_cd12="U071")],
        },
    )
    assert rows["claim_type"].tolist() == ["40", "carrier"]
    assert rows["admit_date"].tolist() == [day("2024-03-02")] * 2


def test_physicians_claims_count() -> None:
    assert len(find(carrier=(claim("2024-03-02", kind=None),))) == 1


def test_forms_count() -> None:
    form = {
        "patient_id": 1,
        "form_number": 1,
        "dialysis_began_date": day("2024-02-02"),
        "primary_cause": "U071",
    }
    assert dates(find(evidence=(form,))) == ["2024-02-02"]
    notice = {"patient_id": 1, "death_date": day("2024-08-02"), "secondary_cause": "U071"}
    rows = find(death=(notice,))
    assert dates(rows) == ["2024-08-02"]
    assert rows["source"].tolist() == ["cms_2746"]


@pytest.mark.parametrize(("start", "rows"), [("2020-02-19", 0), ("2020-02-20", 1)])
def test_nothing_before_20_february_2020_is_a_diagnosis(start: str, rows: int) -> None:
    assert len(find(claim(start), performance_year=2020)) == rows


def test_a_diagnosis_of_long_before_is_remembered_from_the_year_before() -> None:
    known = {
        "patient_id": 1,
        "diagnosis_date": day("2021-01-15"),
        "source": "claims",
        "performance_year": 2023,
    }
    assert dates(find(claim("2024-05-01"), remembered=(known,))) == ["2021-01-15"]


def test_what_claims_of_the_year_before_say_takes_the_place_of_what_was_remembered_of_it() -> None:
    known = {
        "patient_id": 1,
        "diagnosis_date": day("2023-01-15"),
        "source": "claims",
        "performance_year": 2023,
    }
    assert dates(find(claim("2023-06-01"), remembered=(known,))) == ["2023-06-01"]
