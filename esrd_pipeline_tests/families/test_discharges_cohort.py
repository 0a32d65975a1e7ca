"""SRR's and ED30's index discharges with their conditions, and the specifications."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from esrd_pipeline.families import discharges as family
from esrd_pipeline.families.cohort import read_cohort
from esrd_pipeline.families.discharges_cohort import (
    list_conditions,
    name_conditions,
    prepare,
)
from esrd_pipeline.families.facility_list import finish
from esrd_pipeline.families.fits import read_regression
from esrd_pipeline.measures import ed30, srr
from esrd_pipeline.measures.specification import ThreeStageSpecification
from esrd_pipeline.measures.terms import Condition
from esrd_pipeline.tables import discharges
from esrd_pipeline_tests.families.discharges_nation import make_nation
from esrd_pipeline_tests.reason_texts import text_of

YEAR = 2024
ED30 = ed30.specify(YEAR)
SRR_DFC, SRR_QIP = srr.specify("dfc", YEAR), srr.specify("qip", YEAR)
VARIANTS = (SRR_DFC, SRR_QIP, ED30)


def make_cohort(specification: ThreeStageSpecification, seed: int = 5) -> tuple[pa.Table, pa.Table]:
    """A planted nation with the measure's columns, drawn at random, and conditions of some."""
    nation = make_nation(facility_count=80, seed=seed)
    rows = nation.cohort.select(["ccn", "patient_id", "hospital_ccn", "is_event"]).to_pandas()
    generator = np.random.default_rng(seed)
    for name in specification.facts:
        rows[name] = _draw_fact(name, generator, len(rows))
    rows["stay"] = rows.groupby("patient_id").cumcount() + 1
    rows["reason"] = pd.Series([None] * len(rows), dtype=object)
    groups = list_conditions(name_conditions(specification))[:3]
    who = generator.random((len(rows), len(groups))) < 0.3
    conditions = pd.concat(
        rows.loc[who[:, place], ["patient_id", "stay"]].assign(condition_group=group)
        for place, group in enumerate(groups)
    )
    return (
        pa.Table.from_pandas(rows, preserve_index=False),
        pa.Table.from_pandas(conditions, preserve_index=False),
    )


def _draw_fact(name: str, generator: np.random.Generator, count: int) -> np.ndarray:
    if name.startswith("is_"):
        return generator.integers(0, 2, count).astype(bool)
    match name:
        case "bmi_class":
            return generator.choice(["<18.5", "18.5-25", "25-30", ">=30"], count)
        case "length_quarter":
            return generator.integers(1, 5, count)
        case "nursing_home_days":
            return generator.choice([0, 30, 200], count)
        case "age":
            return generator.integers(5, 95, count)
        case _:
            return generator.normal(size=count)


@pytest.mark.manual("2.10.11", "2.11.13", "2.26.12")
def test_the_specifications_read_like_their_chapters() -> None:
    dfc, qip = SRR_DFC, SRR_QIP
    assert {s.minimum_units for s in VARIANTS} == {11}
    assert {s.unit for s in VARIANTS} == {"discharges"}
    assert {s.rate_scale for s in VARIANTS} == {100}
    # Medicare Advantage, nursing homes and age splines are DFC's alone (2.10.11, 2.11.13).
    only_dfc = {"is_ma", "is_nursing_home_short", "is_nursing_home_long", "age_over_60"}
    assert only_dfc <= set(dfc.adjusters)
    assert not only_dfc & set(qip.adjusters)
    assert {"bmi", "age"} <= set(qip.adjusters)
    assert {"is_high_risk", "is_covid"} <= set(dfc.adjusters) & set(qip.adjusters)
    assert not {"is_high_risk", "is_covid", "is_ma"} & set(ED30.adjusters)
    # 2.26.13: too small facilities take no part in the model; 2.10, 2.11 say nothing of it.
    assert (dfc.minimum_modelled, qip.minimum_modelled, ED30.minimum_modelled) == (None, None, 11)


@pytest.mark.parametrize("specification", VARIANTS)
def test_every_fact_is_a_column_of_the_cohort(specification: ThreeStageSpecification) -> None:
    table = discharges.ED30 if specification is ED30 else discharges.SRR
    assert set(specification.facts) <= set(table.column_names)


def read_conditions(cohort: pa.Table, conditions: pa.Table, groups: list[str]) -> list[list[float]]:
    """Return the columns of a cohort's conditions."""
    specification = replace(ED30, terms=tuple(Condition(group) for group in groups))
    rows = cohort.append_column("ccn", pa.array(["012501"] * cohort.num_rows))
    return read_cohort(specification, rows, conditions=conditions).design.matrix.T.tolist()


def test_conditions_are_a_discharges_own() -> None:
    cohort = pa.table({"patient_id": [-1, -1, 7], "stay": [1, 2, 1]})
    conditions = pa.table(
        {
            "patient_id": [-1, 7, 7, 8],
            "stay": [2, 1, 1, 1],
            "condition_group": ["ccs_006", "ccs_006", "ccs_010", "ccs_006"],
        }
    )
    columns = read_conditions(cohort, conditions, ["ccs_006", "ccs_042"])
    assert columns == [[0, 1, 1], [0, 0, 0]]


def test_no_discharge_needs_to_have_a_condition() -> None:
    cohort = pa.table({"patient_id": [1], "stay": [1]})
    none = pa.table(
        {
            "patient_id": pa.array([], pa.int64()),
            "stay": pa.array([], pa.int64()),
            "condition_group": pa.array([], pa.string()),
        }
    )
    assert read_conditions(cohort, none, ["ccs_006"]) == [[0]]


@pytest.mark.parametrize("specification", VARIANTS)
def test_excluded_discharges_and_what_nobody_has_are_left_out(
    specification: ThreeStageSpecification,
) -> None:
    cohort, conditions = make_cohort(specification)
    at = cohort.column_names.index("reason")
    reasons = ["left"] * 10 + [None] * (cohort.num_rows - 10)
    cohort = cohort.set_column(at, "reason", pa.array(reasons, pa.string()))
    rare = np.zeros(cohort.num_rows, dtype=np.int64)
    rare[[3, 20]] = 1
    place = cohort.column_names.index("is_female")
    cohort = cohort.set_column(place, "is_female", pa.array(rare))
    _, read = prepare(specification, cohort, conditions)
    assert read.table.num_rows == cohort.num_rows - 10
    # One woman is left among the counted, and only three groups have anybody.
    base = [name for name in specification.adjusters if name != "is_female"]
    groups = list_conditions(name_conditions(specification))[:3]
    assert read.design.names == (*base, *groups)


@pytest.mark.parametrize("measure", VARIANTS)
def test_from_the_cohort_to_the_contract(measure: ThreeStageSpecification) -> None:
    specification, cohort = prepare(measure, *make_cohort(measure))
    fit = family.fit_measure(specification, YEAR, cohort)
    assert set(read_regression(fit, stage=1).names) == set(cohort.design.names)
    assessed = family.assess_facilities(specification, YEAR, fit, cohort)
    rows = cohort.table
    ccns = assessed.contract["ccn"].tolist()
    facilities = pd.DataFrame({"ccn": [*ccns, "999999"], "is_eligible": True, "reason": None})
    contract = finish(
        specification, YEAR, assessed.contract, facilities, nothing="no_index_discharge"
    ).set_index("ccn")
    assert contract.loc["999999", "reason"] == "no_index_discharge"
    assert text_of(contract.loc["030004"]) == "fewer than 11 discharges"
    counted = rows.to_pandas().groupby("ccn").size()
    assert contract.loc[counted.index, "unit_count"].to_numpy().tolist() == counted.tolist()
    shown = contract[contract["reportable"].astype(bool)]
    national = 100 * rows.column("is_event").to_numpy().mean()
    ratio = shown["numerator"] / shown["denominator"]
    # Reading 10: the QIP's value is the rate per 100 discharges; DFC's is the ratio.
    scale = national if measure.program == "qip" else 1.0
    assert shown["value"].to_numpy() == pytest.approx((ratio * scale).to_numpy())
    assert shown["category"].isna().all() == (measure.program == "qip")
