"""A facility's reports item by item: they add up to its measure, or have a reason."""

import pandas as pd
import pytest

from esrd_pipeline.families import reporting
from esrd_pipeline.families.reporting_items import list_reports
from esrd_pipeline.measures.reporting import REPORTED_MEASURES
from esrd_pipeline.tables.clinical import SURVEY_COMPONENTS
from esrd_pipeline_tests.families.test_reporting import (
    ALL_ELEMENTS,
    EVERY_MONTH,
    YEAR,
    places,
    row,
    week,
)

PATIENTS = pd.Series({"A": 40, "B": 40})


def quarters(*given: tuple[str, int, int, int | None, float]) -> pd.DataFrame:
    names = ["ccn", "quarter", "months_reported", "infections", "predicted_infections"]
    return pd.DataFrame(given, columns=names)


def surveys(*given: tuple[int, bool, bool, int, float | None]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "ccn": "A",
            "survey": number,
            "is_administered": administered,
            "is_attested_small": small,
            "completed_surveys": completed,
            **dict.fromkeys(SURVEY_COMPONENTS, share),
        }
        for number, administered, small, completed, share in given
    )


def attested(elements: list[tuple[str, int]]) -> pd.DataFrame:
    return pd.DataFrame(
        {"facilityid": 1, "domain": domain, "element": element, "is_attested": True}
        for domain, element in elements
    )


WHOLE = quarters(*(("A", number, 3, number, 2.5) for number in range(1, 5)))
BOTH = surveys((1, True, False, 20, 50.0), (2, True, False, 15, 80.0))


def items(
    measure: str, reports: pd.DataFrame, *, program: str = "qip", where: object = None
) -> pd.DataFrame:
    found = list_reports(measure, YEAR, where or places(), reports, "A")
    return found[found["program"] == program].set_index("item")


def assert_adds_up(rows: pd.DataFrame, contract: pd.Series) -> None:
    counted = rows[rows["reason"].isna()]
    for name in ("numerator", "denominator"):
        assert counted[name].sum() == pytest.approx(contract[name])


def test_quarters_add_up_to_the_infection_ratio() -> None:
    rows = items("nhsn_bsi", WHOLE)
    assert rows.index.tolist() == [f"quarter {number}" for number in range(1, 5)]
    assert set(rows["detail"]) == {"3 accurate months"}
    contract = reporting.assess_infections(YEAR, places(), WHOLE, PATIENTS)
    assert_adds_up(rows, row(contract, "nhsn_bsi"))
    assert_adds_up(items("nhsn_dialysis_event", WHOLE), row(contract, "nhsn_dialysis_event"))


def test_a_quarter_says_why_it_is_not_in_the_ratio() -> None:
    rows = items(
        "nhsn_bsi", quarters(("A", 1, 3, 1, 2.0), ("A", 2, 2, 1, 2.0), ("A", 3, 3, None, 2.0))
    )
    assert rows["reason"].fillna("").tolist() == [
        "",
        "not_every_month_accurate",
        "infections_unknown",
        "no_report",
    ]
    months = items("nhsn_dialysis_event", quarters(("A", 1, 2, 1, 2.0), ("A9", 1, 1, 0, 0.5)))
    assert months["numerator"].tolist() == [3, 0, 0, 0]


def test_months_of_vaccination_add_up_in_both_programs() -> None:
    weeks = pd.DataFrame([*EVERY_MONTH[:-4], *week("2024-03-28", personnel=20, up_to_date=9)])
    where = places(excepted=[("A", "2024-05")])
    contract = reporting.assess_vaccination(YEAR, where, weeks)
    for program in ("dfc", "qip"):
        rows = items("covid_vaccination", weeks, program=program, where=where)
        assert len(rows) == 12
        assert_adds_up(rows, row(contract, "covid_vaccination", program=program))
    months = items("covid_vaccination", weeks, where=where)
    assert months.loc["2024-05", "reason"] == "not_asked_for"
    assert months.loc["2024-12", "numerator"] == 0
    personnel = items("covid_vaccination", weeks, program="dfc", where=where)
    assert personnel.loc["2024-03", "detail"] == "week ending 2024-03-28"
    assert personnel.loc["2024-12", "reason"] == "no_whole_week_reported"


def test_a_domain_tells_how_many_of_its_elements_are_attested() -> None:
    reports = attested(ALL_ELEMENTS[1:])
    rows = items("health_equity", reports)
    domain, _ = ALL_ELEMENTS[0]
    needed = sum(name == domain for name, _ in ALL_ELEMENTS)
    assert rows.loc[domain, "detail"] == f"{needed - 1} of {needed} elements attested"
    assert rows.loc[domain, "numerator"] == 0
    contract = reporting.assess_equity(YEAR, places(), reports, PATIENTS)
    assert_adds_up(rows, row(contract, "health_equity"))


def test_surveys_add_up_to_the_compliance_and_to_every_part() -> None:
    contract = reporting.assess_surveys(YEAR, places(), BOTH)
    assert_adds_up(items("ich_cahps", BOTH), row(contract, "ich_cahps"))
    for part in SURVEY_COMPONENTS:
        rows = items(f"ich_cahps_{part}", BOTH)
        # 20 surveys at 50% and 15 at 80%: 22 of 35.
        assert (rows["numerator"].sum(), rows["denominator"].sum()) == (pytest.approx(22), 35)
        share = rows["numerator"].sum() / rows["denominator"].sum()
        assert share == pytest.approx(row(contract, f"ich_cahps_{part}")["value"])


def test_a_survey_that_was_not_made_says_so() -> None:
    one = surveys((1, True, False, 35, None))
    assert items("ich_cahps", one)["numerator"].tolist() == [1, 0]
    assert items("ich_cahps_staff", one)["reason"].tolist() == [
        "survey_part_unanswered",
        "survey_not_administered",
    ]
    small = surveys((1, False, True, 0, None), (2, False, True, 0, None))
    assert set(items("ich_cahps", small)["reason"]) == {"attested_too_few_patients"}


@pytest.mark.parametrize("measure", REPORTED_MEASURES)
def test_a_facility_that_is_not_asked_has_no_item(measure: str) -> None:
    reports = {
        "health_equity": attested(ALL_ELEMENTS),
        "covid_vaccination": pd.DataFrame(EVERY_MONTH),
        "nhsn_bsi": WHOLE,
        "nhsn_dialysis_event": WHOLE,
    }.get(measure, BOTH)
    assert list_reports(measure, YEAR, places(), reports, "Z").empty
    assert not list_reports(measure, YEAR, places(), reports, "B").empty
