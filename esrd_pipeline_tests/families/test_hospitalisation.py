"""Specifics of SHR: conditions of the cohort, programs' differences, facility lists."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from esrd_pipeline.families import recurrent_events
from esrd_pipeline.families.cohort import Cohort, read_cohort
from esrd_pipeline.families.combined import combine_contract, leave_computed
from esrd_pipeline.families.conditions import (
    add_conditions,
    list_conditions,
)
from esrd_pipeline.families.contract import Assessed
from esrd_pipeline.families.facility_list import finish
from esrd_pipeline.families.family import group_by_risk
from esrd_pipeline.families.hospitalisation import estimate_reliability
from esrd_pipeline.measures.shr import (
    TERMS,
    is_submission_listed,
    specify,
    specify_submission,
)
from esrd_pipeline.measures.specification import Program
from esrd_pipeline.measures.terms import Number
from esrd_pipeline.parameters import load_parameters
from esrd_pipeline.tables.facility import CONTRACT_COLUMNS
from esrd_pipeline_tests.families.recurrent_events_nation import SHR, make_cohort

YEAR = 2024
COHORT, EFFECTS = make_cohort(facility_count=60)


@cache
def get_read() -> Cohort:
    return read_cohort(SHR, COHORT)


@cache
def get_fit() -> pd.DataFrame:
    return recurrent_events.fit_measure(SHR, YEAR, get_read())


@cache
def get_assessed() -> Assessed:
    return recurrent_events.assess_facilities(SHR, YEAR, get_fit(), get_read())


CCNS = sorted(EFFECTS.index)


def facilities(
    *, left_out: dict[str, str] | None = None, more: tuple[str, ...] = ()
) -> pd.DataFrame:
    reasons = left_out or {}
    rows = [(ccn, reasons.get(ccn)) for ccn in (*CCNS, *more)]
    frame = pd.DataFrame(rows, columns=["ccn", "reason"])
    return frame.assign(is_eligible=frame["reason"].isna())


def finish_shr(program: Program, listed: pd.DataFrame) -> pd.DataFrame:
    specification = specify(program, YEAR)
    return finish(
        specification, YEAR, get_assessed().contract, listed, nothing="no_patient_at_risk"
    )


def test_conditions_become_one_indicator_a_group_and_missing_ones_are_none() -> None:
    cohort = pa.table(
        {
            "ccn": ["012501"] * 4,
            "patient_id": [7, -3, 7, 9],
            "is_prevalent_missing": [0, 0, 0, 1],
        }
    )
    conditions = pa.table(
        {"patient_id": [7, 9, -3, 7], "condition_group": ["ccs_108", "ccs_108", "ccs_050", "other"]}
    )
    seen = replace(SHR, terms=(Number("is_prevalent_missing"),))
    specification = add_conditions(seen, ["ccs_050", "ccs_108"])
    design = read_cohort(specification, cohort, conditions=conditions).design
    assert design.names[1:] == ("ccs_050", "ccs_108")
    assert design.matrix.T.tolist()[1:] == [[0, 1, 0, 0], [1, 0, 1, 0]]


@pytest.mark.parametrize("year", [2021, 2024, 2030])
def test_shr_is_the_manuals_in_every_year_and_the_submission_stands_beside(year: int) -> None:
    for program in ("dfc", "qip"):
        ours, beside = specify(program, year), specify_submission(program, year)
        assert (ours.measure, beside.measure) == ("shr", "shr_submission")
        assert (ours.terms, beside.terms) == (TERMS["manual"], TERMS["submission"])
        assert replace(beside.entry, measure="shr") == ours.entry
    with pytest.raises(LookupError, match="0 rows of shr of dfc for performance year 1999"):
        specify_submission("dfc", 1999)


def test_the_submission_is_computed_in_the_years_of_its_rows() -> None:
    assert [is_submission_listed(year) for year in (2021, 2024, 2025, 2030)] == [
        *(False, False, True, True),
    ]


def test_the_submission_has_no_covid_terms_no_missing_cause_and_both_have_91_groups() -> None:
    columns = {name: {t.names[0] for t in terms} for name, terms in TERMS.items()}
    assert columns["manual"] - columns["submission"] == {
        *("is_covid_1", "is_covid_2", "is_covid_3"),
        *("is_cause_missing", "has_diabetes"),
    }
    assert columns["submission"] - columns["manual"] == {"has_other_diabetes"}
    assert len(list_conditions("manual")) == len(list_conditions("submission")) == 91
    assert specify("qip", YEAR).minimum_units == 5


def test_every_group_is_a_category_of_the_ccs_2019() -> None:
    known = set(load_parameters("ccs_diagnosis")["category"])
    groups = load_parameters("prevalent_condition_group")
    assert set(groups["category"]) <= known
    assert len(load_parameters("ccs_diagnosis")) > 72_000


def test_a_diagnosis_is_grouped_as_ahrq_groups_it() -> None:
    categories = load_parameters("ccs_diagnosis").set_index("code")["category"]
    assert categories["I509"] == "108"  # congestive heart failure
    assert categories["E1122"] == "50"  # diabetes with complications
    assert categories["N186"] == "158"  # chronic kidney disease


@pytest.mark.manual("2.13.15")
def test_qip_has_no_test_no_limits_and_no_category() -> None:
    rows = finish_shr("qip", facilities())
    assert rows[["lower", "upper", "p_value", "z", "category"]].isna().all().all()
    assert rows.loc[rows["reportable"], "rate"].notna().all()


@pytest.mark.manual("2.13.12", "2.13.14")
def test_the_value_is_the_rate_in_the_qip_and_the_ratio_in_dfc() -> None:
    qip = finish_shr("qip", facilities()).set_index("ccn")
    dfc = finish_shr("dfc", facilities()).set_index("ccn")
    assert qip["value"].equals(qip["rate"])
    ratio = dfc["numerator"] / dfc["denominator"]
    pd.testing.assert_series_equal(dfc["value"], ratio, check_names=False)


def test_a_facility_the_list_leaves_out_keeps_its_numbers_and_the_lists_reason() -> None:
    rows = finish_shr("dfc", facilities(left_out={CCNS[0]: "closed"}))
    row = rows.set_index("ccn").loc[CCNS[0]]
    assert (row["reportable"], row["reason"]) == (False, "closed")
    assert pd.isna(row["category"])
    assert row["value"] > 0


def test_a_facility_that_is_not_on_the_list_says_so() -> None:
    listed = facilities()
    rows = finish_shr("dfc", listed[listed["ccn"] != CCNS[1]])
    assert rows.set_index("ccn").loc[CCNS[1], "reason"] == "not_on_facility_list"


def test_an_eligible_facility_without_anyone_at_risk_has_a_row_that_says_so() -> None:
    rows = finish_shr("dfc", facilities(more=("999999",)))
    (row,) = rows[rows["ccn"] == "999999"].to_dict("records")
    assert row["reason"] == "no_patient_at_risk"
    assert (row["unit_count"], row["numerator"]) == (0, 0)
    assert rows.columns.tolist() == [column.name for column in CONTRACT_COLUMNS]


def test_reliability_is_between_none_and_all_and_grows_with_the_spread_of_facilities() -> None:
    def iur(effect_sd: float) -> float:
        cohort, _ = make_cohort(facility_count=150, seed=3, effect_sd=effect_sd)
        fit = recurrent_events.fit_measure(SHR, YEAR, read_cohort(SHR, cohort))
        rows = estimate_reliability(SHR, YEAR, fit, read_cohort(SHR, cohort)).set_index(
            "statistic"
        )["value"]
        assert 0.5 < rows["c_statistic"] < 0.75
        return float(rows["iur"])

    low, high = iur(0.05), iur(0.4)
    assert low < 0.4
    assert 0.7 < high < 1


def test_deciles_of_risk_hold_a_tenth_of_the_rows_and_add_up() -> None:
    groups = group_by_risk(SHR, get_fit(), get_read())
    years = groups["exposure"]
    assert len(groups) == 10
    observed = (groups["observed"] * years).sum()
    assert observed == pytest.approx(COHORT["event_count"].to_numpy().sum())
    assert (groups["expected"] * years).sum() == pytest.approx(observed)
    assert groups["expected"].is_monotonic_increasing
    assert np.corrcoef(groups["expected"], groups["observed"])[0, 1] > 0.9


def test_a_computed_measure_takes_the_place_of_the_published_one_facility_by_facility() -> None:
    names = [column.name for column in CONTRACT_COLUMNS]
    published = pd.DataFrame(
        {"ccn": ["A", "B", "A"], "program": "dfc", "measure": ["shr", "shr", "smr"]}
    ).reindex(columns=names)
    computed = pd.DataFrame({"ccn": ["A"], "program": "dfc", "measure": "shr"}).reindex(
        columns=names
    )
    rows = combine_contract(
        performance_year=2024, published=published, computed=[computed, computed.iloc[:0]]
    )
    has_origin = rows["origin"] != "neither"
    assert rows.loc[has_origin, ["ccn", "measure", "origin"]].to_numpy().tolist() == [
        ["A", "shr", "computed"],
        ["A", "smr", "published"],
    ]
    assert rows.loc[rows["origin"] != "published", "is_adjusted"].eq(other=False).all()
    missing = rows[~has_origin]
    assert {"srr", "swr", "ed30", "ltc"} <= set(missing["measure"])
    assert not {"shr", "smr"} & set(missing["measure"])
    assert set(missing["ccn"]) == {"A"}
    assert set(missing["program"]) == {"dfc"}
    assert set(missing["reason"]) == {"not_computed"}
    assert not missing["reportable"].any()
    assert missing["value"].isna().all()


def test_every_row_names_the_unit_of_its_value() -> None:
    names = [column.name for column in CONTRACT_COLUMNS]
    units = {
        ("dfc", "shr"): ("ratio", "events per 100 patient-years"),
        ("qip", "shr"): ("events per 100 patient-years", "events per 100 patient-years"),
        ("qip", "srr"): ("events per 100 discharges", "events per 100 discharges"),
        ("dfc", "pppw"): ("percent", None),
        ("qip", "pppw"): ("fraction", None),
        ("qip", "nhsn_bsi"): ("ratio", None),
        ("dfc", "of_no_register"): (None, None),
    }
    published = pd.DataFrame(
        {"ccn": "A", "program": [of for of, _ in units], "measure": [name for _, name in units]}
    ).reindex(columns=names)
    rows = combine_contract(
        performance_year=2024, published=published, computed=[published.iloc[:0]]
    )
    found = zip(rows["value_unit"], rows["rate_unit"], strict=True)
    assert [tuple(None if pd.isna(unit) else unit for unit in pair) for pair in found] == list(
        units.values()
    )


def test_a_year_without_a_computed_measure_misses_none() -> None:
    names = [column.name for column in CONTRACT_COLUMNS]
    published = pd.DataFrame({"ccn": ["A"], "program": "dfc", "measure": ["smr"]})
    published = published.reindex(columns=names)
    rows = combine_contract(
        performance_year=2024, published=published, computed=[published.iloc[:0]]
    )
    assert rows[["measure", "origin"]].to_numpy().tolist() == [["smr", "published"]]


def test_a_measure_that_both_years_computed_improves_on_the_computed_rate() -> None:
    measures = ["shr", "srr", "ltc", "pppw"]
    printed = pd.DataFrame({"measure": measures, "value": [1.0, 2.0, 3.0, 4.0]})
    current = pd.DataFrame(
        {"measure": measures, "origin": ["computed", "published", "computed", "neither"]}
    )
    earlier = pd.DataFrame(
        {"measure": measures, "origin": ["computed", "computed", "published", "neither"]}
    )
    kept = leave_computed(printed, current=current, earlier=earlier)
    assert kept["measure"].tolist() == ["srr", "ltc", "pppw"]
    assert leave_computed(printed, current=current, earlier=None) is printed
