"""Rows of a payment year that an operator supplies: a cell or a row that is not there is refused.

Each would otherwise score the nation by another rule: rates without decimals, a measure on which
everybody has 0, an exception that takes no facility out, a tier that costs half.
"""

import pandas as pd
import pytest

from esrd_pipeline.parameters import load_parameters
from esrd_pipeline.parameters.official import ParameterFileError
from esrd_pipeline.program.qip_rules import QipRules, build_rules

Frames = dict[str, pd.DataFrame]
KEYS = {
    "year": "payment_year",
    "domain": "domain",
    "measure": "measure",
    "reduction": "points_below_minimum",
    "standard": "measure",
    "step": "reported_at_least",
}


def build(frames: Frames, payment_year: int = 2027) -> QipRules:
    return build_rules(
        payment_year=payment_year,
        years=frames["year"],
        domains=frames["domain"],
        measures=frames["measure"],
        reductions=frames["reduction"],
        standards=frames["standard"],
        steps=frames["step"],
    )


def copies() -> Frames:
    return {name: load_parameters(f"qip_{name}").copy() for name in KEYS}


def rows_of(frames: Frames, table: str, key: str, payment_year: int) -> pd.Series:
    rows = frames[table]
    return (rows["payment_year"] == str(payment_year)) & (rows[KEYS[table]] == key)


@pytest.mark.parametrize(
    ("table", "key", "column", "cell", "rule"),
    [
        ("measure", "shr", "precision", None, "the cell is empty"),
        ("measure", "shr", "precision", "two", "'two' is not a whole number from 0 to 6"),
        ("measure", "shr", "small_facility_upper", "4", "4 is below the smallest size, 5"),
        ("measure", "shr", "weight", "a", "'a' is not a number or fraction"),
        ("measure", "shr", "weight", "-1/4", "-1/4 is not above 0"),
        ("measure", "shr", "role", "measures", "'measures' is not one of: measure, component"),
        ("measure", "shr", "parent", "ktv_topic", "'ktv_topic' is not one of: an empty cell"),
        ("measure", "ktv_adult_hd", "parent", None, "the cell is empty"),
        ("measure", "hypercalcemia", "reporting_multiplier", None, "the cell is empty"),
        ("measure", "hypercalcemia", "reporting_multiplier", "0", "0 is not from 1 on"),
        ("measure", "hypercalcemia", "reporting_subtrahend", None, "the cell is empty"),
        ("measure", "hypercalcemia", "certification_cutoff", "13-01", "'13-01' is not a day"),
        ("measure", "hypercalcemia", "certification_year_offset", None, "the cell is empty"),
        ("measure", "covid_vaccination", "eligible_months", "new", "'new' is not one of"),
        ("measure", "nhsn_bsi", "ece_rule", "facilty", "'facilty' is not one of: facility, months"),
        ("measure", "nhsn_bsi", "ece_rule", None, "'' is not one of: facility, months"),
        ("measure", "nhsn_bsi", "compliance_measure", "dialysis_event", "dialysis_event"),
        ("measure", "nhsn_bsi", "compliance_before_size", None, "'' is not one of: yes, no"),
        ("measure", "nhsn_bsi", "requires_in_center_hemodialysis", "Yes", "is not one of: yes, no"),
        ("year", "2027", "minimum_tps", "510", "510 is not from 0 to 100"),
        ("year", "2027", "minimum_tps", "51.5", "'51.5' is not a whole number"),
        ("year", "2027", "minimum_scored_domains", "6", "6 is not from 1 to 5"),
        ("year", "2027", "standards", "yes", "'yes' is not one of: computed, published"),
        ("year", "2027", "benchmark_percentile", "9", "15, 50, 9 do not rise"),
        ("year", "2027", "baseline_year", "2025", "2025 is not from 1 to 2024"),
        ("year", "2027", "performance_year", "2027", "2027 is not from 1 to 2026"),
        ("domain", "safety", "is_required", "Yes", "'Yes' is not one of: yes, no"),
        ("domain", "safety", "weight", None, "the cell is empty"),
        ("reduction", "0", "payment_reduction", "0.5", "a TPS at the minimum has no reduction"),
        ("reduction", "21", "payment_reduction", "0.5", "-0.5 more than the row before"),
        ("reduction", "31", "payment_reduction", "20", "18.5 more than the row before"),
        ("reduction", "21", "payment_reduction", "x", "'x' is not a number"),
        ("reduction", "21", "points_below_minimum", "11", "the payment year has the row twice"),
    ],
)
def test_a_cell_that_cannot_be_is_refused_with_its_place(
    table: str, key: str, column: str, cell: str | None, rule: str
) -> None:
    frames = copies()
    frames[table].loc[rows_of(frames, table, key, 2027), column] = cell
    named = cell if column == KEYS[table] and cell else key
    place = f"qip_{table}.csv, payment year 2027, row {named}, column '{column}': "
    with pytest.raises(ParameterFileError) as refused:
        build(frames)
    assert str(refused.value).startswith(place)
    assert rule in str(refused.value)


@pytest.mark.parametrize(
    ("tier", "message"),
    [
        ("0", "no payment reduction is given for a TPS at the minimum"),
        ("1", "row 11, column 'points_below_minimum': no row gives the reduction of one point"),
        ("11", "row 21, column 'payment_reduction': 1 more than the row before"),
        ("21", "row 31, column 'points_below_minimum': 20 points from the row before"),
        ("31", "row 21, column 'payment_reduction': the lowest scores would lose 1.5 percent"),
    ],
)
@pytest.mark.manual("4.3")
def test_a_tier_that_is_left_out_is_refused(tier: str, message: str) -> None:
    frames = copies()
    left_out = rows_of(frames, "reduction", tier, 2027)
    frames["reduction"] = frames["reduction"].loc[~left_out]
    with pytest.raises(ParameterFileError, match=message):
        build(frames)


def test_a_component_is_there_once_and_in_the_domain_of_its_topic() -> None:
    frames = copies()
    measures = frames["measure"]
    own = rows_of(frames, "measure", "ich_cahps_staff", 2027)
    with pytest.raises(ParameterFileError, match=r"row ich_cahps_staff, .* has the row twice"):
        build(frames | {"measure": pd.concat([measures, measures.loc[own]])})
    measures.loc[own, "domain"] = "safety"
    with pytest.raises(ValueError, match="component ich_cahps_staff has not its parent's domain"):
        build(frames)


def test_steps_are_scores() -> None:
    frames = copies()
    frames["step"].loc[rows_of(frames, "step", "6", 2026), "score"] = "20"
    with pytest.raises(ParameterFileError, match=r"row nhsn_dialysis_event 6, .* from 0 to 10"):
        build(frames, 2026)
