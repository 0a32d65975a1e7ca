"""Pages of measures: what they say is what the register, the SQL and the stored fit say."""

import re
from pathlib import Path

import pandas as pd
import pytest

from esrd_pipeline.parameters.measure_definitions import find_definition
from esrd_pipeline.parameters.reasons import load_reasons
from esrd_pipeline.parameters.register import find_measure, list_measures
from esrd_pipeline.site import method_page, writing
from esrd_pipeline.site.method_rules import (
    describe_flag,
    describe_minimum,
    list_exclusions,
    list_readings,
    list_sections,
)
from esrd_pipeline.site.method_terms import find_specification, list_adjusters, write_term
from esrd_pipeline.tables.catalog import TABLES_BY_NAME
from esrd_pipeline.tables.measured import MODELLED, SHR_RELIABILITY
from esrd_pipeline.tables.patient_months import MONTHLY_REASONS_OF, YEARLY_REASONS_OF
from esrd_pipeline.tables.trend import STRATUM
from esrd_pipeline_tests.site.small import YEAR, Row, fill, make_data

SQL = Path(method_page.__file__).parents[1] / "sql" / "cohort"
YEARS = (2022, 2024, 2025)
LARGEST_PAGE = 150_000


def read_codes(text: str) -> set[str]:
    """Codes of reason.csv that stand in quotes."""
    return set(re.findall(r"'([a-z0-9_]+)'", text)) & load_reasons().keys()


def find_monthly_codes(sql: str, measure: str) -> set[str]:
    """The codes of a measure's column of cohort.patient_months, shared rules included."""
    ends = {found[1]: found for found in re.finditer(r"(?:END|\)) AS (\w+_reason)\b", sql)}

    def expand(name: str) -> set[str]:
        end = ends[name].start()
        # The expression is as deep as its end: it begins at the last line of that indentation.
        line = sql[sql.rindex("\n", 0, end) + 1 : end]
        depth = len(line) - len(line.lstrip())
        opener = rf"\n {{{depth}}}(?:coalesce\(|CASE)"
        start = [found.start() for found in re.finditer(opener, sql[: end + 1])][-1]
        body = sql[start:end]
        parts = set(re.findall(r"a\.(\w+_reason)\b", body))
        return read_codes(body).union(*(expand(part) for part in parts))

    return expand(f"{measure}_reason")


@pytest.mark.parametrize("measure", MONTHLY_REASONS_OF)
def test_the_exclusions_of_patient_months_are_those_of_the_sql(measure: str) -> None:
    sql = (SQL / "patient_months.sql").read_text(encoding="utf-8")
    assert set(MONTHLY_REASONS_OF[measure]) == find_monthly_codes(sql, measure)


def test_the_exclusions_of_a_years_patients_are_those_of_the_sql() -> None:
    sql = (SQL / "patient_year.sql").read_text(encoding="utf-8")
    shared = {
        name: read_codes(body)
        for body, name in re.findall(r"(CASE(?:(?!CASE).)*?END)\s+AS (\w+_reason)", sql, re.DOTALL)
    }
    judged = sql[sql.index("judged AS (") :]
    for measure, codes in YEARLY_REASONS_OF.items():
        part = judged[judged.index(f"'{measure}'") :].partition("FROM shared")[0]
        names = re.findall(r"\w+_reason\b", part)
        found = read_codes(part).union(*(shared[name] for name in names))
        assert found == set(codes), measure


@pytest.mark.parametrize("year", YEARS)
def test_every_measure_of_the_register_has_numerator_and_denominator(year: int) -> None:
    for entry in (*list_measures("dfc", year), *list_measures("qip", year)):
        definition = find_definition(entry.measure, entry.program)
        assert definition.numerator
        assert definition.denominator
        assert not definition.numerator.endswith(".")


def test_exclusions_name_stored_tables_and_whose_rule_it_is() -> None:
    (months,) = list_exclusions("hypercalcemia")
    assert months.table == "cohort.patient_months"
    programs = {exclusion.text: exclusion.program for exclusion in months.exclusions}
    assert programs["Younger than 18 years two months before"] == "dfc"
    assert programs["Younger than 18 years"] == "qip"
    assert programs["Extraordinary circumstances exception"] == "qip"
    assert programs["Died before the month's last day"] is None
    rows, events = list_exclusions("srr")
    assert (rows.table, events.table) == ("cohort.srr", "cohort.return_event")
    assert "Planned readmission" in {exclusion.text for exclusion in events.exclusions}
    assert list_exclusions("phosphorus_above_7_0") == []
    assert {one.table for one in list_exclusions("smr")} == {
        "cohort.smr_days",
        "cohort.followed_event",
    }


@pytest.mark.parametrize("year", YEARS)
def test_whatever_is_excluded_is_of_a_table_with_a_page(year: int) -> None:
    measures = {e.measure for program in ("dfc", "qip") for e in list_measures(program, year)}
    for measure in measures:
        for excluded in list_exclusions(measure):
            assert excluded.table in TABLES_BY_NAME
            assert all(exclusion.citation for exclusion in excluded.exclusions)


def test_register_in_words() -> None:
    shr = find_measure("shr", "dfc", YEAR)
    assert describe_minimum(shr) == "at least 5 patient-years"
    assert describe_flag(shr.flag) == (
        "better or worse where the whole 95% interval lies on one side of 1; else as expected"
    )
    swr = find_measure("swr", "dfc", YEAR)
    assert describe_minimum(swr) == "at least 11 patients; at least 2 expected events"
    assert "two-sided p-value against 1 is below 0.05" in describe_flag(swr.flag)
    assert "against the national level" in describe_flag(find_measure("pppw", "dfc", YEAR).flag)
    assert describe_flag(find_measure("shr", "qip", YEAR).flag) == "not flagged"


def test_sections_and_readings_are_the_measures_own() -> None:
    numbers = [number for number, *_ in list_sections("shr")]
    assert numbers[0] == "2.13"
    assert "2.13.10.1" in numbers
    assert all(number == "2.13" or number.startswith("2.13.") for number in numbers)
    readings = {reading.number for reading in list_readings("shr")}
    assert {21, 22, 23} <= readings
    assert not {1, 12} & readings


def test_a_measure_made_of_others_has_their_chapters_and_readings() -> None:
    numbers = {number for number, *_ in list_sections("ktv_comprehensive")}
    assert {"2.3", "2.4", "2.5", "2.6"} <= numbers
    assert {18, 19} <= {reading.number for reading in list_readings("ktv_topic")}


def test_texts_of_readings_keep_code_and_emphasis() -> None:
    assert method_page.mark_up("of `a.csv`: *rate* < 2 * 3") == (
        "of <code>a.csv</code>: <em>rate</em> &lt; 2 * 3"
    )


@pytest.mark.parametrize("measure", MODELLED)
def test_the_adjusters_of_a_model_are_named_once(measure: str) -> None:
    specification = find_specification(measure, "dfc", YEAR)
    assert specification is not None
    names = [adjuster.term for adjuster in list_adjusters(specification)]
    assert len(names) == len(set(names)) > 3
    assert set(specification.adjusters) <= set(names)


def test_terms_in_words() -> None:
    assert write_term("is_bmi_under_18") == "BMI under 18"
    assert write_term("female_x_diabetes") == "female times diabetes"
    assert write_term("is_covid") == "COVID-19"
    assert write_term("is_covid_2") == "COVID-19, stage 2"
    assert write_term("ma_share") == "Medicare Advantage share"


def fit_of_shr(rows: float, events: float) -> pd.DataFrame:
    shared = {"program": "dfc", "measure": "shr", "stage": 1}
    return fill(
        MODELLED["shr"].fit,
        {
            **shared,
            "element": "coefficient",
            "position": 0,
            "term": "is_female",
            "estimate": 0.03115,
            "standard_error": 0.06505,
        },
        {
            **shared,
            "element": "coefficient",
            "position": 1,
            "term": "ccs_002",
            "estimate": 0.5,
            "standard_error": 0.1,
        },
        {
            **shared,
            "element": "summary",
            "position": 0,
            "term": "row_count",
            "estimate": rows,
        },
        {
            **shared,
            "element": "summary",
            "position": 1,
            "term": "event_count",
            "estimate": events,
        },
    )


def check_of_shr(other: float) -> pd.DataFrame:
    return fill(
        MODELLED["shr"].cross_check,
        {
            "program": "dfc",
            "measure": "shr",
            "term": "is_female",
            "estimate": 0.5,
            "other_estimate": other,
            "standard_error": 0.1,
            "other_standard_error": 0.1,
            "library": "statsmodels GLM, Poisson",
            "facility_count": 25,
        },
    )


def render(measure: str, data: method_page.SiteData) -> str:
    page = method_page.place_measure(measure)
    return writing.render("measure.html", page, method_page.describe_measure(data, measure))


def test_a_fitted_year_shows_coefficients_and_what_they_are() -> None:
    reliability = fill(
        SHR_RELIABILITY,
        {
            "program": "dfc",
            "measure": "shr",
            "statistic": "iur",
            "value": 0.5237,
            "facilities": 56,
            "patients": 3824,
            "definition": "bootstrap of patients",
        },
    )
    data = make_data(
        [
            (MODELLED["shr"].fit, fit_of_shr(6218, 3933)),
            (MODELLED["shr"].cross_check, check_of_shr(0.5000001)),
            (SHR_RELIABILITY, reliability),
        ]
    )
    text = render("shr", data)
    assert "fitted to 6,218 rows and 3,933 events" in text
    for shown in ("0.0312", "0.0650", "Septicemia (except in labor)", "2.0e-07", "Agrees", "0.524"):
        assert shown in text, shown
    # The QIP has no fit in this year: its adjusters stand there without.
    assert "QIP: no fit of 2024 is stored" in text
    assert len(text.encode()) < LARGEST_PAGE


def stratum(dimension: str, name: str, patients: int, observed: int, expected: float) -> Row:
    return {
        "program": "dfc",
        "measure": "shr",
        "dimension": dimension,
        "stratum": name,
        "patients": patients,
        "observed": observed,
        "expected": expected,
        "kind": "ratio",
        "value": observed / expected,
    }


def test_calibration_is_the_nations_by_group_and_hides_few_patients() -> None:
    strata = fill(
        STRATUM,
        stratum("all", "all", 10_000, 5_000, 5_000.0),
        stratum("age", "18 to 44", 2_000, 1_001, 1_100.0),
        stratum("age", "45 to 64", 4_000, 2_000, 1_600.0),
        stratum("age", "65 and over", 3_995, 1_998, 1_997.0),
        stratum("age", "unknown", 5, 2, 2.2),
    )
    rows = method_page.describe_measure(make_data([(STRATUM, strata)]), "shr")["calibration"]
    shown = {row["stratum"]: row["value"] for row in rows}
    assert shown["45 to 64"] == pytest.approx(1.25)
    assert shown["unknown"] is None
    # Another is hidden beside it, or the whole would give it away.
    assert sum(value is None for value in shown.values()) == 2
    assert "1.25" in render("shr", make_data([(STRATUM, strata)]))


def test_a_difference_of_two_fits_is_told() -> None:
    data = make_data([(MODELLED["shr"].cross_check, check_of_shr(0.6))])
    assert "Differs" in render("shr", data)


def test_small_numbers_of_a_model_are_not_told() -> None:
    data = make_data([(MODELLED["shr"].fit, fit_of_shr(9, 3))])
    text = render("shr", data)
    assert "was fitted to" not in text
    assert "0.0312" in text


def test_pages_of_every_measure() -> None:
    data = make_data()
    measures = method_page.list_measures(data)
    assert {"shr", "sfr", "ktv_topic", "phosphorus_above_7_0"} <= set(measures)
    for measure in measures:
        text = render(measure, data)
        assert text.count("<h1>") == 1
        assert len(text.encode()) < LARGEST_PAGE
        links = set(re.findall(r'href="\.\./dictionary/([\w.]+)\.html"', text)) - {"index"}
        assert links <= TABLES_BY_NAME.keys(), measure
    index = writing.render("measures.html", "measures/index.html", method_page.describe_index(data))
    assert set(re.findall(r'href="(\w+)\.html"', index)) == set(measures)
