"""Terms: the columns that they make of a few patients' facts, worked by hand."""

import numpy as np
import pytest

from esrd_pipeline.measures import shr, smosr
from esrd_pipeline.measures.terms import (
    Condition,
    Flag,
    Level,
    Number,
    Product,
    Spline,
    Term,
    Values,
)

FACTS = {
    "age": np.array([10, 14, 40, 61, 80]),
    "is_young": np.array([True, True, False, False, False]),
    "is_old": np.array([False, False, False, False, True]),
    "bmi_class": np.array(["<18.5", "25-30", "30+", "25-30", "<18.5"], dtype=object),
    "ma_share": np.array([0.0, 0.25, 0.5, 1.0, 0.1]),
    "days": np.array([0, 1, 89, 90, 365]),
    "ccs_098": np.array([1, 0, 1, 0, 1], dtype=np.uint8),
}


@pytest.mark.parametrize(
    ("term", "columns"),
    [
        (Number("age"), {"age": [10, 14, 40, 61, 80]}),
        (Number("age", "age_over_65", origin=65), {"age_over_65": [-55, -51, -25, -4, 15]}),
        (Number("age", "over_55", origin=55, least=0), {"over_55": [0, 0, 0, 6, 25]}),
        (Number("ma_share"), {"ma_share": [0.0, 0.25, 0.5, 1.0, 0.1]}),
        (Flag("is_old"), {"is_old": [0, 0, 0, 0, 1]}),
        (Flag("is_extreme", ("is_young", "is_old")), {"is_extreme": [1, 1, 0, 0, 1]}),
        (Flag("is_not_old", ("is_old",), negated=True), {"is_not_old": [1, 1, 1, 1, 0]}),
        (Level("is_short", "days", 1, 89), {"is_short": [0, 1, 1, 0, 0]}),
        (Level("is_long", "days", low=90), {"is_long": [0, 0, 0, 1, 1]}),
        (Level("is_thin", "bmi_class", values=("<18.5",)), {"is_thin": [1, 0, 0, 0, 1]}),
        (
            Spline("age", (14, 61), ("to_14", "14_to_61", "over_61")),
            {
                "to_14": [10, 14, 14, 14, 14],
                "14_to_61": [0, 0, 26, 47, 47],
                "over_61": [0, 0, 0, 0, 19],
            },
        ),
        # Nobody is younger than where the first segment begins.
        (
            Spline("age", (26, 36), ("to_26", "to_36", "over_36"), start=12),
            {
                "to_26": [0, 2, 14, 14, 14],
                "to_36": [0, 0, 10, 10, 10],
                "over_36": [0, 0, 4, 25, 44],
            },
        ),
        # Every column is 0 at the origin.
        (
            Spline("age", (14, 60), ("to_14", "to_60", "over_60"), origin=60),
            {
                "to_14": [-4, 0, 0, 0, 0],
                "to_60": [-46, -46, -20, 0, 0],
                "over_60": [0, 0, 0, 1, 20],
            },
        ),
        (Condition("ccs_098"), {"ccs_098": [1, 0, 1, 0, 1]}),
        (
            Product("old_x_thin", Flag("is_old"), Level("", "bmi_class", values=("<18.5",))),
            {"old_x_thin": [0, 0, 0, 0, 1]},
        ),
    ],
    ids=str,
)
def test_a_terms_columns(term: Term, columns: dict[str, list[float]]) -> None:
    built = term.build(FACTS, {})
    assert tuple(columns) == term.names
    assert {name: values.tolist() for name, values in built.items()} == columns


def test_a_product_takes_earlier_columns_by_name() -> None:
    columns = Number("age", "age_over_65", origin=65).build(FACTS, {})
    square = Product("squared", "age_over_65", "age_over_65").build(FACTS, columns)
    assert square["squared"].tolist() == [3025, 2601, 625, 16, 225]


def test_those_whose_conditions_could_not_be_seen_have_none() -> None:
    columns = {"is_unseen": np.array([0, 0, 1, 0, 0], dtype=np.uint8)}
    column = Condition("ccs_098", unless="is_unseen").build(FACTS, columns)["ccs_098"]
    assert column.tolist() == [1, 0, 0, 0, 1]


def test_bytes_do_not_go_round_below_zero() -> None:
    young = {"age": np.array([3, 200], dtype=np.uint8)}
    assert Number("age", "over", origin=65).build(young, {})["over"].tolist() == [-62, 135]
    (low, high) = Spline("age", (14,), ("low", "high"), origin=60).build(young, {}).values()
    assert (low.tolist(), high.tolist()) == ([-11, 0], [-46, 140])


def test_a_term_says_what_it_reads() -> None:
    assert Product("p", "earlier", Condition("ccs_098", unless="is_unseen")).facts == ("ccs_098",)
    assert Flag("is_extreme", ("is_young", "is_old")).facts == ("is_young", "is_old")
    assert Flag("is_old").facts == ("is_old",)


@pytest.mark.parametrize("terms", [smosr.TERMS, shr.TERMS["submission"]], ids=["smosr", "shr"])
@pytest.mark.parametrize(
    ("cause", "form", "other", "names_another", "is_any"),
    [
        # Cause E11.22 and diabetes on the form: one disease, told once.
        (True, True, 0, False, 0),
        (True, True, 0, True, 1),
        (False, True, 1, False, 1),
        (False, False, 0, False, 0),
    ],
)
def test_diabetes_is_a_comorbidity_only_where_it_is_not_the_cause(
    *,
    terms: tuple[Term, ...],
    cause: bool,
    form: bool,
    other: int,
    names_another: bool,
    is_any: int,
) -> None:
    known = {"is_diabetes_cause": cause, "has_diabetes": form, "has_tobacco_use": names_another}
    facts = {fact: np.array([known.get(fact, 0)]) for term in terms for fact in term.facts}
    columns: dict[str, Values] = {}
    for term in terms:
        columns |= term.build(facts, columns)
    assert columns["has_other_diabetes"].tolist() == [other]
    assert columns["has_any_condition"].tolist() == [is_any]
    assert "has_diabetes" not in columns
