"""Agreement with published results: what is counted, what is open, why results differ."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pytest

from esrd_pipeline.program.agreement import Agreement, Ours, compare_with_published
from esrd_pipeline.program.agreement_causes import is_same_in_print
from esrd_pipeline.tables import facility, program
from esrd_pipeline.tables.model import Table

YEAR = 2024
LEVELS = {"shr": 148.0, "strr": 32.5}


def fill(table: Table, records: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    frame = pd.DataFrame(records).reindex(columns=table.column_names)
    numbers = [column.name for column in table.columns if column.type in {"integer", "number"}]
    return frame.astype(dict.fromkeys(numbers, "float64"))


def flag(ccn: str, measure: str, category: str | None, **cells: object) -> dict[str, object]:
    return {
        "ccn": ccn,
        "measure": measure,
        "category": category,
        "method": "interval",
        "reference": 1.0,
        **cells,
    }


def score(ccn: str, **cells: object) -> dict[str, object]:
    """A catheter rate's score by achievement: lower is better, 0.20 is worth 0 and 0.10 is 10."""
    return {
        "ccn": ccn,
        "measure": "ltc",
        "role": "measure",
        "applied": "achievement",
        "unit_count": 40,
        **cells,
    }


def published(ccn: str, program_name: str, measure: str, **cells: object) -> dict[str, object]:
    file = "DFC_FACILITY.csv" if program_name == "dfc" else "QIP_COMPLETE.csv"
    return {
        "ccn": ccn,
        "program": program_name,
        "measure": measure,
        "file_name": file,
        **cells,
    }


def compare(
    theirs: Sequence[Mapping[str, object]],
    *,
    flags: Sequence[Mapping[str, object]] = (),
    scores: Sequence[Mapping[str, object]] = (),
    domains: Sequence[Mapping[str, object]] = (),
    tps: Sequence[Mapping[str, object]] = (),
    stars: Sequence[Mapping[str, object]] = (),
    periods: Mapping[str, str] | None = None,
    origin: str = "published",
    zeros: frozenset[str] = frozenset(),
) -> Agreement:
    levels = [
        {"program": "dfc", "measure": measure, "national": level}
        for measure, level in LEVELS.items()
    ]
    standard = {
        "measure": "ltc",
        "direction": "lower",
        "precision": 4,
        "achievement_threshold": 0.20,
        "benchmark": 0.10,
    }
    measures = [("dfc", row["measure"]) for row in flags] + [("qip", s["measure"]) for s in scores]
    return compare_with_published(
        performance_year=YEAR,
        published_results=fill(facility.PUBLISHED_RESULT, theirs),
        ours=Ours(
            flags=fill(program.FLAGS, flags),
            measure_scores=fill(program.QIP_MEASURE_SCORE, scores),
            domain_scores=fill(program.QIP_DOMAIN_SCORE, domains),
            tps=fill(program.QIP_TPS, tps),
            stars=fill(program.STARS, stars),
            levels=fill(facility.LEVEL, levels),
            standards=fill(program.QIP_STANDARD, [standard]),
            origins=pd.DataFrame(measures, columns=["program", "measure"]).assign(origin=origin),
            star_periods=None if periods is None else pd.DataFrame([periods]),
            zeros=zeros,
        ),
    )


def causes(agreement: Agreement) -> dict[tuple[str, str], str]:
    rows = agreement.differences
    return dict(zip(zip(rows["kind"], rows["ccn"], strict=True), rows["reason"], strict=True))


def counts(agreement: Agreement, measure: str, kind: str) -> dict[str, int]:
    rows = agreement.counts
    (found,) = rows[(rows["measure"] == measure) & (rows["kind"] == kind)].to_dict("records")
    return {
        str(name).removesuffix("_count"): value
        for name, value in found.items()
        if str(name).endswith("_count")
    }


@pytest.mark.parametrize(
    ("limits", "reference", "same"),
    [
        ([21.9, 22.2, 22.3], 22.2, [False, True, False]),
        ([16.3, 16.4, 16.5], 16.39, [False, True, False]),
        ([0.99, 1.0, 1.01], 1.0, [False, True, False]),
        ([0.987654321, 1.0, 1.012345678], 1.0, [False, False, False]),
    ],
)
def test_a_limit_is_the_reference_at_the_printed_digits(
    limits: list[float], reference: float, same: list[bool]
) -> None:
    """Numbers with more than four decimals are computed, not printed: none is open."""
    found = is_same_in_print(np.array(limits), np.full(3, reference))
    assert found.tolist() == same


def test_a_limit_printed_as_the_reference_leaves_the_category_open() -> None:
    flags = [
        flag("01", "shr", "as", value=0.8, lower=90.1 / 148, upper=1.0),
        flag("02", "shr", "as", value=0.8, lower=90.1 / 148, upper=1.0),
        flag("03", "shr", "better", value=0.8, lower=90.1 / 148, upper=147.0 / 148),
        flag("04", "shr", "worse", value=1.8, lower=150.0 / 148, upper=2.0),
    ]
    theirs = [
        published("01", "dfc", "shr", category="better"),
        published("02", "dfc", "shr", category="as"),
        published("03", "dfc", "shr", category="better"),
        published("04", "dfc", "shr", category="as"),
    ]
    agreement = compare(theirs, flags=flags)
    assert causes(agreement) == {
        ("flag", "01"): "limit_printed_as_reference",
        ("flag", "04"): "category_of_unprinted_test",
    }
    assert counts(agreement, "shr", "flag") == {
        "compared": 4,
        "equal": 2,
        "within_one": 4,
        "decided": 2,
        "decided_equal": 1,
        "only_ours": 0,
        "only_published": 0,
    }


def test_an_open_limit_does_not_explain_a_category_on_the_other_side() -> None:
    flags = [flag("01", "shr", "as", value=0.8, lower=90.1 / 148, upper=1.0)]
    theirs = [published("01", "dfc", "shr", category="worse")]
    assert causes(compare(theirs, flags=flags)) == {("flag", "01"): "difference_unexplained"}


def test_a_facility_without_events_has_no_interval_on_the_log_scale() -> None:
    flags = [flag("01", "strr", "better", value=0.0, lower=0.0, upper=30.5 / 32.5)]
    theirs = [published("01", "dfc", "strr", category="as")]
    assert causes(compare(theirs, flags=flags)) == {("flag", "01"): "no_events_seen"}


def test_what_is_computed_from_patients_is_not_open() -> None:
    flags = [flag("01", "shr", "as", value=0.8, lower=0.7, upper=1.0)]
    theirs = [published("01", "dfc", "shr", category="better")]
    agreement = compare(theirs, flags=flags, origin="computed")
    assert causes(agreement) == {("flag", "01"): "computed_from_patients"}
    assert counts(agreement, "shr", "flag")["decided"] == 1


def test_the_one_without_a_result_says_why() -> None:
    flags = [
        flag("01", "shr", None, reason="below_minimum_units", reason_number=5.0),
        flag("02", "shr", "as", value=1.0, lower=0.5, upper=1.5),
        flag("03", "shr", None, reason="no_value"),
    ]
    theirs = [
        published("01", "dfc", "shr", category="as"),
        published("02", "dfc", "shr", reason="availability_260"),
        published("03", "dfc", "shr", reason="availability_260"),
    ]
    agreement = compare(theirs, flags=flags)
    rows = agreement.differences.set_index("ccn")
    assert rows["reason"].to_dict() == {"01": "below_minimum_units", "02": "availability_260"}
    assert rows.loc["01", "reason_number"] == 5.0
    assert (rows.loc["01", "theirs"], rows.loc["02", "ours"]) == ("as", "as")
    assert rows["difference"].isna().all()


def test_a_rate_printed_rounded_leaves_a_score_open() -> None:
    """A catheter rate of 0.1889 is worth 1 and one of 0.1890 or 0.18894 is worth 0 or 1."""
    edge = {"rate": 0.1889, "achievement_score": 1, "score": 1}
    clear = {"rate": 0.1850, "achievement_score": 2, "score": 2}
    scores = [
        score("01", **edge),
        score("02", **clear),
        score("03", **clear | {"unit_count": None}),
        score("04", **clear),
    ]
    theirs = [
        published(ccn, "qip", "ltc", score=float(n))
        for ccn, n in zip(("01", "02", "03", "04"), (2, 1, 1, 2), strict=True)
    ]
    agreement = compare(theirs, scores=scores)
    assert causes(agreement) == {
        ("score", "01"): "rate_printed_rounded",
        ("score", "02"): "difference_unexplained",
        ("score", "03"): "size_not_printed",
    }
    assert counts(agreement, "ltc", "score")["decided"] == 3
    assert agreement.differences["difference"].tolist() == [-1.0, 1.0, 1.0]


def test_which_score_was_applied_is_compared_where_both_say_it() -> None:
    cells = {"rate": 0.15, "achievement_score": 5, "score": 5}
    earlier = {"improvement_rate": 0.2111, "improvement_score": 4}
    scores = [
        score("01", **cells),
        score("02", **cells | {"applied": "reporting"}),
        score("03", rate=0.1556, achievement_score=4, score=4, **earlier),
    ]
    theirs = [
        published(ccn, "qip", "ltc", score=5.0, score_applied="improvement")
        for ccn in ("01", "02", "03")
    ]
    theirs.append(published("04", "qip", "ltc", score_applied="achievement", reason="footnote_1"))
    agreement = compare(theirs, scores=scores)
    rows = agreement.differences[agreement.differences["kind"] == "applied"].set_index("ccn")
    assert rows["ours"].to_dict() == {"01": "achievement", "03": "achievement"}
    assert set(rows["theirs"]) == {"improvement"}
    # Of rates printed so, some have an improvement of 5 and an achievement of 4.
    assert rows["reason"].to_dict() == {
        "01": "difference_unexplained",
        "03": "rate_printed_rounded",
    }


def test_what_is_made_of_scores_differs_with_them_or_because_one_is_not_printed() -> None:
    cells = {"rate": 0.15, "achievement_score": 5, "score": 5}
    scores = [
        score("01", **cells),
        score("02", **cells),
        score("02", measure="ich_cahps", applied=None, reason="not_in_file"),
        score("03", **cells),
    ]
    theirs = [published("01", "qip", "ltc", score=6.0)]
    theirs += [published(ccn, "qip", "ltc", score=5.0) for ccn in ("02", "03")]
    theirs += [published(ccn, "qip", "tps", score=60.0) for ccn in ("01", "02", "03")]
    theirs += [published(ccn, "qip", "payment_reduction", score=0.5) for ccn in ("01", "02", "03")]
    tps = [{"ccn": ccn, "tps": 50, "payment_reduction": 0.5} for ccn in ("01", "02", "03")]
    agreement = compare(theirs, scores=scores, tps=tps)
    found = causes(agreement)
    assert found["tps", "01"] == "part_differs"
    assert found["tps", "02"] == "score_not_printed"
    assert found["tps", "03"] == "difference_unexplained"
    assert counts(agreement, "tps", "tps")["decided"] == 2
    assert counts(agreement, "payment_reduction", "reduction")["equal"] == 3


def test_a_zero_that_no_file_prints_accounts_for_a_lower_tps() -> None:
    scores = [score("01", rate=0.15, achievement_score=5, score=5)]
    theirs = [published("01", "qip", "ltc", score=5.0), published("01", "qip", "tps", score=41.0)]
    tps = [{"ccn": "01", "tps": 50, "payment_reduction": 0.5}]
    known = compare(theirs, scores=scores, tps=tps, zeros=frozenset({"01"}))
    assert causes(known) == {("tps", "01"): "zero_not_printed"}
    assert counts(known, "tps", "tps")["equal"] == 0, "told, not counted as equal"
    unknown = compare(theirs, scores=scores, tps=tps)
    assert causes(unknown) == {("tps", "01"): "difference_unexplained"}


def test_a_reduction_without_a_tps_is_not_compared() -> None:
    theirs = [
        published("01", "qip", "tps", reason="footnote_1"),
        published("01", "qip", "payment_reduction", score=0.0),
    ]
    tps = [{"ccn": "01", "tps": None, "payment_reduction": 0.0, "reason": "too_few_scored_domains"}]
    agreement = compare(theirs, tps=tps)
    assert agreement.differences.empty
    assert "payment_reduction" not in set(agreement.counts["measure"])


@pytest.mark.parametrize(
    ("eqrs", "cause"),
    [
        ("01Jul2024-30Jun2025", "star_values_of_other_months"),
        ("01Jan2024-31Dec2024", "difference_unexplained"),
        ("", "difference_unexplained"),
    ],
)
def test_stars_differ_where_the_file_has_values_of_later_months(eqrs: str, cause: str) -> None:
    periods = {
        "five_star_period": "01Jan2021-31Dec2024",
        "claims_period": "01Jan2024-31Dec2024",
        "eqrs_period": eqrs,
    }
    theirs = [published("01", "dfc", "star_rating", score=4.0)]
    agreement = compare(theirs, stars=[{"ccn": "01", "rating": 5}], periods=periods)
    assert causes(agreement) == {("star", "01"): cause}
    assert agreement.differences[["ours", "theirs"]].to_numpy().tolist() == [["5", "4"]]


def test_nothing_published_is_nothing_compared() -> None:
    agreement = compare([], flags=[flag("01", "shr", "as", value=1.0, lower=0.5, upper=1.5)])
    assert agreement.counts.empty
    assert agreement.differences.empty


def test_counts_are_by_file_measure_and_kind() -> None:
    """A result that only we have is counted in the file that has the measure."""
    agreement = compare(
        [
            published("012301", "dfc", "shr", category="as"),
            published("012301", "qip", "ltc", score=7, file_name="VAT_TOPIC.csv"),
        ],
        flags=[flag("012301", "shr", "as"), flag("012302", "shr", "better")],
        scores=[score("012301", score=7), score("012302", score=9)],
    )
    rows = agreement.counts.set_index(["measure", "kind"])
    assert rows["file_name"].to_dict() == {
        ("shr", "flag"): "DFC_FACILITY.csv",
        ("ltc", "score"): "VAT_TOPIC.csv",
    }
    assert rows["only_ours_count"].tolist() == [1, 1]
