"""Measures of facilities' own reports, case by case: manual 2.17, 2.18, 2.20 to 2.22."""

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from esrd_pipeline.families import reporting
from esrd_pipeline.program.qip_arithmetic import to_units
from esrd_pipeline.tables.clinical import EQUITY_ELEMENTS, PERSONNEL, SURVEY_COMPONENTS
from esrd_pipeline_tests.reason_texts import text_of

YEAR = 2024
ALL_ELEMENTS = [
    (domain, element)
    for domain, count in EQUITY_ELEMENTS.items()
    for element in range(1, count + 1)
]


def places(
    *, first: str | None = None, excepted: Sequence[tuple[str, str]] = ()
) -> reporting.Places:
    """Facilities A and B, EQRS 1 and 2; A is A9, too, and reports from `first` on."""
    programs = ("dfc", "qip")
    return reporting.Places(
        facilities=pd.DataFrame(
            {
                "program": program,
                "ccn": ccn,
                "is_eligible": True,
                "reason": None,
                "reporting_date": dt.date.fromisoformat(first) if first and ccn == "A" else None,
            }
            for program in programs
            for ccn in "AB"
        ),
        provider_numbers=pd.DataFrame(
            {"program": program, "provider_number": number, "ccn": ccn}
            for program in programs
            for number, ccn in (("A", "A"), ("A9", "A"), ("B", "B"))
        ),
        facility_ccns=pd.DataFrame(
            {
                "program": program,
                "facilityid": number,
                "start_date": dt.date(1980, 1, 1),
                "ccn": ccn,
            }
            for program in programs
            for number, ccn in ((1, "A"), (2, "B"))
        ),
        exceptions=pd.DataFrame(
            [
                {"ccn": ccn, "month": dt.date.fromisoformat(f"{month}-01")}
                for ccn, month in excepted
            ],
            columns=["ccn", "month"],
        ),
    )


def row(frame: pd.DataFrame, measure: str, ccn: str = "A", program: str = "qip") -> pd.Series:
    chosen = (frame["measure"] == measure) & (frame["ccn"] == ccn) & (frame["program"] == program)
    (index,) = frame.index[chosen]
    return frame.loc[index]


def attest(elements: Sequence[tuple[str, int]]) -> pd.Series:
    attested = pd.DataFrame(
        {"facilityid": 1, "domain": domain, "element": element, "is_attested": True}
        for domain, element in elements
    ).reindex(columns=["facilityid", "domain", "element", "is_attested"])
    counted = pd.Series({"A": 11, "B": 10})
    return reporting.assess_equity(YEAR, places(), attested, counted)


@pytest.mark.manual("2.22.5", "2.22.6", "2.22.9")
def test_a_facility_that_attests_everything_has_five_domains_of_five() -> None:
    found = row(attest(ALL_ELEMENTS), "health_equity")
    assert (found["numerator"], found["denominator"], found["value"]) == (5, 5, 1)


@pytest.mark.manual("2.22.9")
@pytest.mark.parametrize("missing", ALL_ELEMENTS)
def test_a_domain_lacking_one_element_does_not_count(missing: tuple[str, int]) -> None:
    elements = [element for element in ALL_ELEMENTS if element != missing]
    assert row(attest(elements), "health_equity")["numerator"] == 4


def test_who_attests_nothing_has_no_domain_and_is_not_left_out() -> None:
    rows = attest(ALL_ELEMENTS[:0])
    assert (row(rows, "health_equity")["numerator"], len(rows)) == (0, 2)


@pytest.mark.manual("2.22.8")
def test_health_equity_asks_for_eleven_patients() -> None:
    rows = attest(ALL_ELEMENTS)
    assert row(rows, "health_equity")["reportable"]
    assert text_of(row(rows, "health_equity", "B")) == "fewer than 11 patients"


Quarter = tuple[int, int, int | None, float | None]


def infect(
    *quarters: Quarter, patients: int = 40, number: str = "A", other: tuple[Quarter, ...] = ()
) -> pd.DataFrame:
    """Quarters as number, months reported, infections, predicted; `other` is reported by A9."""
    names = ["quarter", "months_reported", "infections", "predicted_infections"]
    given = pd.concat(
        [
            pd.DataFrame(quarters, columns=names).assign(ccn=number),
            pd.DataFrame(other, columns=names).assign(ccn="A9"),
        ]
    )
    return reporting.assess_infections(YEAR, places(), given, pd.Series({"A": patients}))


WHOLE_YEAR = [(quarter, 3, 1, 2.5) for quarter in range(1, 5)]


@pytest.mark.manual("2.18.5", "2.18.7")
def test_the_infection_ratio_is_of_the_year_s_sums() -> None:
    found = row(infect(*WHOLE_YEAR), "nhsn_bsi")
    assert (found["numerator"], found["denominator"], found["value"]) == (4, 10, 0.4)


@pytest.mark.manual("2.18.9")
def test_with_eleven_accurate_months_there_is_no_ratio() -> None:
    rows = infect(*WHOLE_YEAR[:3], (4, 2, 1, 2.5))
    found = row(rows, "nhsn_bsi")
    assert found["reason"] == "not_every_month_accurate"
    assert pd.isna(found["value"])
    # The size stays: a facility large enough scores 0 for it (2.18.9).
    assert found["unit_count"] == 40
    assert row(rows, "nhsn_dialysis_event")["numerator"] == 11


@pytest.mark.manual("2.18.6", "2.18.9")
def test_a_facility_too_small_is_left_out_however_little_it_reported() -> None:
    found = row(infect(*WHOLE_YEAR[:3], (4, 2, 1, 2.5), patients=10), "nhsn_bsi")
    assert text_of(found) == "fewer than 11 patients"
    assert row(infect(*WHOLE_YEAR, patients=11), "nhsn_bsi")["reportable"]


def test_who_reported_no_quarter_reported_no_month() -> None:
    assert row(infect(*WHOLE_YEAR), "nhsn_dialysis_event", "B")["numerator"] == 0


@pytest.mark.manual("2.18.6")
def test_infections_ask_for_eleven_in_center_patients() -> None:
    rows = infect(*WHOLE_YEAR, patients=10)
    assert text_of(row(rows, "nhsn_bsi")) == "fewer than 11 patients"


def test_so_do_months_of_dialysis_events() -> None:
    """Payment years 2024 and 2026 print no score and footnote 3, whatever was reported."""
    few, enough = (
        row(infect(*WHOLE_YEAR, patients=patients), "nhsn_dialysis_event") for patients in (10, 11)
    )
    assert text_of(few) == "fewer than 11 in-center hemodialysis patients"
    assert (bool(few["reportable"]), bool(enough["reportable"])) == (False, True)
    assert few["numerator"] == 12


def test_where_none_are_predicted_there_is_no_ratio() -> None:
    rows = infect(*[(quarter, 3, 0, 0.0) for quarter in range(1, 5)])
    assert row(rows, "nhsn_bsi")["reason"] == "no_infections_predicted"


def test_a_report_under_an_alternate_number_is_the_facility_s() -> None:
    assert row(infect(*WHOLE_YEAR, number="A9"), "nhsn_bsi")["numerator"] == 4


@pytest.mark.parametrize("quarter", [(4, 3, None, 2.5), (4, 3, 1, None)])
def test_a_quarter_without_its_count_leaves_the_ratio_unknown(quarter: Quarter) -> None:
    found = row(infect(*WHOLE_YEAR[:3], quarter), "nhsn_bsi")
    assert found["reason"] == "infections_unknown"
    assert pd.isna(found["value"])


def test_quarters_reported_under_two_numbers_make_no_twelve_months() -> None:
    half = WHOLE_YEAR[:2]
    rows = infect(*half, other=tuple(half))
    assert row(rows, "nhsn_dialysis_event")["numerator"] == 6
    assert row(rows, "nhsn_bsi")["reason"] == "not_every_month_accurate"


def test_a_quarter_shared_by_two_numbers_is_whole() -> None:
    rows = infect((1, 2, 1, 2.0), *WHOLE_YEAR[1:], other=((1, 1, 0, 0.5),))
    assert row(rows, "nhsn_bsi")["value"] == 4 / 10


def test_a_report_under_an_unknown_number_is_counted_as_such() -> None:
    rows = pd.DataFrame({"ccn": ["A", "A9", "Z", "Z"]})
    assert places().count_unknown("qip", rows) == 2


def week(
    day: str,
    *,
    personnel: int | None = 10,
    up_to_date: int | None = 2,
    contraindicated: int = 0,
    categories: Sequence[str] = PERSONNEL,
) -> list[dict[str, object]]:
    return [
        {
            "ccn": "A",
            "week_end_date": dt.date.fromisoformat(day),
            "personnel_category": category,
            "personnel": personnel,
            "contraindicated": contraindicated,
            "up_to_date": up_to_date,
        }
        for category in categories
    ]


THREE = week("2024-03-14", categories=PERSONNEL[:3])
EVERY_MONTH = [line for month in range(1, 13) for line in week(f"2024-{month:02d}-14")]


def vaccinate(
    weeks: Sequence[dict[str, object]], where: reporting.Places | None = None
) -> pd.DataFrame:
    return reporting.assess_vaccination(YEAR, where or places(), pd.DataFrame(weeks))


@pytest.mark.manual("2.20.5", "2.20.9")
def test_one_week_a_month_is_enough() -> None:
    found = row(vaccinate(EVERY_MONTH), "covid_vaccination")
    assert (found["numerator"], found["denominator"]) == (12, 12)


@pytest.mark.manual("2.20.5")
def test_who_reported_no_week_has_no_month_of_twelve() -> None:
    found = row(vaccinate(EVERY_MONTH), "covid_vaccination", "B")
    assert (found["numerator"], found["denominator"]) == (0, 12)


@pytest.mark.manual("2.20.9", "2.20.5", "2.20.6")
@pytest.mark.parametrize(
    "lacking",
    [
        THREE,
        [*THREE, *week("2024-03-14", personnel=None, categories=PERSONNEL[3:])],
        [*THREE, *week("2024-03-14", up_to_date=None, categories=PERSONNEL[3:])],
    ],
    ids=["a category", "a denominator", "a numerator"],
)
def test_a_week_that_lacks_something_is_not_reported(lacking: list[dict[str, object]]) -> None:
    others = [line for line in EVERY_MONTH if line["week_end_date"] != dt.date(2024, 3, 14)]
    assert row(vaccinate([*others, *lacking]), "covid_vaccination")["numerator"] == 11


@pytest.mark.manual("2.20.9")
def test_the_month_s_last_whole_week_counts_where_a_later_one_lacks_something() -> None:
    # 2.20.9: a week is reported with all four required categories; the last such week is shared.
    whole = week("2024-03-10", personnel=10, up_to_date=5)
    later = week("2024-03-31", personnel=10, up_to_date=9, categories=PERSONNEL[:3])
    found = row(vaccinate([*whole, *later]), "covid_vaccination", program="dfc")
    assert (found["numerator"], found["denominator"]) == (4 * 5, 4 * 10)
    assert row(vaccinate([*whole, *later]), "covid_vaccination")["numerator"] == 1


def test_a_week_over_the_month_s_end_is_of_the_month_in_which_it_ends() -> None:
    found = row(vaccinate(week("2024-04-03")), "covid_vaccination")
    items = vaccinate([*week("2024-03-31"), *week("2024-04-03")])
    assert found["numerator"] == 1
    assert row(items, "covid_vaccination")["numerator"] == 2


def test_nobody_in_a_category_is_a_report_all_the_same() -> None:
    nobody = week("2024-03-14", personnel=0, up_to_date=0, categories=PERSONNEL[3:])
    assert row(vaccinate([*THREE, *nobody]), "covid_vaccination")["numerator"] == 1


@pytest.mark.manual("2.20.8", "3.4")
def test_a_month_of_an_exception_is_neither_asked_for_nor_counted() -> None:
    found = row(vaccinate(EVERY_MONTH, places(excepted=[("A", "2024-05")])), "covid_vaccination")
    assert (found["numerator"], found["denominator"]) == (11, 11)


@pytest.mark.manual("2.20.8", "3.5")
def test_a_new_facility_reports_from_its_fourth_month_on() -> None:
    found = row(vaccinate(EVERY_MONTH, places(first="2024-06-01")), "covid_vaccination")
    assert (found["numerator"], found["denominator"]) == (7, 7)


def test_a_facility_with_no_eligible_month_is_not_reportable() -> None:
    found = row(vaccinate(EVERY_MONTH, places(first="2025-02-01")), "covid_vaccination")
    assert found["reason"] == "no_eligible_month"


@pytest.mark.manual("2.21.5", "2.21.6", "2.21.7", "2.21.8")
def test_coverage_is_of_the_last_week_of_each_month_without_the_contraindicated() -> None:
    weeks = [
        *week("2024-03-10", personnel=10, up_to_date=10),
        *week("2024-03-24", personnel=10, up_to_date=2, contraindicated=2),
        *week("2024-04-14", personnel=12, up_to_date=3),
    ]
    found = row(vaccinate(weeks), "covid_vaccination", program="dfc")
    assert (found["numerator"], found["denominator"]) == (4 * (2 + 3), 4 * (8 + 12))
    assert found["value"] == 25


def test_a_week_that_ends_outside_the_year_is_not_the_year_s() -> None:
    weeks = [*week("2024-12-15"), *week("2025-01-04", up_to_date=10)]
    assert row(vaccinate(weeks), "covid_vaccination", program="dfc")["value"] == 20


def test_of_a_week_under_two_numbers_the_facility_s_own_counts() -> None:
    other = [{**line, "ccn": "A9"} for line in week("2024-03-10", personnel=99, up_to_date=99)]
    found = row(vaccinate([*other, *week("2024-03-10")]), "covid_vaccination", program="dfc")
    assert (found["numerator"], found["denominator"]) == (8, 40)


def test_without_a_report_there_is_no_coverage() -> None:
    found = row(vaccinate(EVERY_MONTH), "covid_vaccination", "B", "dfc")
    assert found["reason"] == "no_month_reported"


def survey(
    *completed: tuple[int, int, float],
    small: bool = False,
    administered: bool = True,
) -> pd.DataFrame:
    """Surveys of facility A as number, completed surveys and top-box percent of every part."""
    given = pd.DataFrame(
        {
            "ccn": "A",
            "survey": number,
            "is_administered": administered,
            "is_attested_small": small,
            "completed_surveys": count,
            **dict.fromkeys(SURVEY_COMPONENTS, share),
        }
        for number, count, share in completed
    )
    return reporting.assess_surveys(YEAR, places(), given)


@pytest.mark.manual("2.17.5", "2.17.7")
def test_two_surveys_weigh_by_their_completed_ones() -> None:
    rows = survey((1, 30, 50.0), (2, 10, 70.0))
    assert row(rows, "ich_cahps_staff")["value"] == pytest.approx(0.55)
    found = row(rows, "ich_cahps")
    assert (found["unit_count"], found["numerator"], found["denominator"]) == (40, 2, 2)


@pytest.mark.manual("2.17.5", "4.1.2")
def test_a_share_at_a_half_of_the_published_precision_is_not_below_it() -> None:
    # 30 x 60.0 + 34 x 68.8 = 64 x 64.675 percent, which the QIP rounds up.
    value = row(survey((1, 30, 60.0), (2, 34, 68.8)), "ich_cahps_staff")["value"]
    assert value == 0.64675
    assert to_units(np.array([value]), precision=4).tolist() == [6468]


@pytest.mark.manual("2.17.6", "2.17.9")
def test_thirty_completed_surveys_are_asked_for() -> None:
    assert row(survey((1, 15, 50.0), (2, 15, 50.0)), "ich_cahps_facility")["reportable"]
    found = row(survey((1, 15, 50.0), (2, 14, 50.0)), "ich_cahps_facility")
    assert text_of(found) == "fewer than 30 surveys"


@pytest.mark.manual("2.17.9")
def test_one_survey_of_two_is_not_compliant() -> None:
    found = row(survey((1, 40, 50.0)), "ich_cahps")
    assert (found["numerator"], found["denominator"]) == (1, 2)


@pytest.mark.manual("2.17.9")
def test_who_neither_surveys_nor_attests_is_not_compliant() -> None:
    assert row(survey((1, 40, 50.0)), "ich_cahps", "B")["numerator"] == 0


@pytest.mark.manual("2.17.6")
def test_who_attests_fewer_than_thirty_patients_is_not_asked() -> None:
    rows = survey((1, 0, 50.0), (2, 0, 50.0), small=True, administered=False)
    found = row(rows, "ich_cahps")
    assert found["reason"] == "attested_too_few_patients"
    assert pd.isna(found["numerator"])
