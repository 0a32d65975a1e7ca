"""What moved between two years or releases, on numbers that a reader can check."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from esrd_pipeline.reports.change import Results, find_changes, list_changed_makers, list_files
from esrd_pipeline.reports.releases import find_newest_release, read_results
from esrd_pipeline.tables import measured, program
from esrd_pipeline.tables.change import CHANGE

YEAR = 2025
NAN = float("nan")


def contract(*rows: tuple[str, str, float, float, float | None, float]) -> pd.DataFrame:
    """Rows of ccn, measure, numerator, denominator, value, patients; of DFC."""
    columns = ["ccn", "measure", "numerator", "denominator", "value", "patients"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.assign(
        program="dfc",
        unit="patients",
        unit_count=frame["patients"],
        reportable=frame["value"].notna(),
        reason=frame["value"].isna().map({True: "below_minimum_units", False: None}),
    )


def flags(*rows: tuple[str, str, str | None], reference: float = 1.0) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["ccn", "measure", "category"])
    return frame.assign(
        reference=reference, method="interval", reason=frame["category"].isna().map({True: "x"})
    )


def scores(*rows: tuple[str, str, float], threshold: float = 0.1) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["ccn", "measure", "score"]).assign(
        reason=None,
        achievement_threshold=threshold,
        benchmark=0.2,
        small_facility_benchmark=NAN,
    )


def tps(*rows: tuple[str, float, float], minimum: float = 55) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["ccn", "tps", "payment_reduction"]).assign(
        reason=None, rule_set="default", minimum_tps=minimum
    )


def stars(*rows: tuple[str, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["ccn", "rating"]).assign(
        reason=None, baseline_year=2024, measure_set="2023-10"
    )


NOTHING = Results(
    contract=contract(), flags=flags(), scores=scores(), tps=tps(), stars=stars(), files={}
)


def compare(before: Results, after: Results, basis: str = "year") -> pd.DataFrame:
    rows = find_changes(performance_year=YEAR, basis=basis, before=before, after=after)
    assert list(rows.columns) == CHANGE.column_names
    assert not rows.duplicated(list(CHANGE.key)).any()
    return rows.set_index(["kind", "ccn"])


def test_a_values_change_is_split_between_numerator_and_denominator() -> None:
    rows = compare(
        replace(NOTHING, contract=contract(("A", "ltc", 10, 50, 20.0, 50))),
        replace(NOTHING, contract=contract(("A", "ltc", 12, 40, 30.0, 40))),
    )
    row = rows.loc[("value", "A")]
    assert row["change"] == 10
    # 2 events more at the mean of 1/50 and 1/40: 4.5; the smaller denominator makes the rest.
    assert row["by_numerator"] == pytest.approx(4.5)
    assert row["by_denominator"] == pytest.approx(5.5)
    assert row["moved_cohort"]
    assert row["rank"] == 1


def test_a_value_that_is_no_quotient_is_not_split() -> None:
    rows = compare(
        replace(NOTHING, contract=contract(("A", "srr", 10, 50, 1.1, 50))),
        replace(NOTHING, contract=contract(("A", "srr", 12, 40, 1.3, 40))),
    )
    assert pd.isna(rows.loc[("value", "A"), "by_numerator"])


def test_the_largest_change_is_first_and_what_did_not_change_is_no_row() -> None:
    before = contract(
        ("A", "ltc", 1, 10, 10.0, 10), ("B", "ltc", 2, 10, 20.0, 10), ("C", "ltc", 3, 10, 30.0, 10)
    )
    after = before.assign(value=[12.0, 20.0, 25.0])
    rows = compare(replace(NOTHING, contract=before), replace(NOTHING, contract=after))
    assert rows["rank"].to_dict() == {("value", "C"): 1, ("value", "A"): 2}
    # The standard deviation of 12, 20 and 25 is 5.354.
    assert rows.loc[("value", "C"), "size"] == pytest.approx(5 / 5.354, abs=1e-3)


def test_equal_changes_rank_by_facility_whatever_the_order_of_rows() -> None:
    before = contract(("A", "ltc", 1, 10, 10.0, 10), ("B", "ltc", 2, 10, 20.0, 10))
    after = before.assign(value=[11.0, 21.0])
    rows = compare(replace(NOTHING, contract=before.iloc[::-1]), replace(NOTHING, contract=after))
    assert rows["rank"].to_dict() == {("value", "A"): 1, ("value", "B"): 2}


def test_a_value_that_is_no_longer_reportable_tells_its_reason() -> None:
    rows = compare(
        replace(NOTHING, contract=contract(("A", "ltc", 10, 50, 20.0, 50))),
        replace(NOTHING, contract=contract(("A", "ltc", 1, 5, None, 5))),
    )
    row = rows.loc[("value", "A")]
    assert (row["before"], row["after_text"]) == (20.0, "below_minimum_units")
    assert pd.isna(row["after"])
    assert pd.isna(row["rank"])


def test_a_flag_that_moves_with_its_reference_was_moved_by_parameters() -> None:
    same = contract(("A", "sfr", 10, 50, 20.0, 50))
    rows = compare(
        replace(NOTHING, contract=same, flags=flags(("A", "sfr", "as"), reference=20.5)),
        replace(NOTHING, contract=same, flags=flags(("A", "sfr", "worse"), reference=30.0)),
    )
    row = rows.loc[("flag", "A")]
    assert (row["before_text"], row["after_text"], row["change"]) == ("as", "worse", -1)
    assert row["moved_parameters"]
    assert not row["moved_cohort"]
    assert pd.isna(row["moved_code"])


def test_scores_tps_reductions_and_stars_are_compared() -> None:
    rows = compare(
        replace(
            NOTHING,
            scores=scores(("A", "shr", 4)),
            tps=tps(("A", 50, 0.5)),
            stars=stars(("A", 3), ("B", 2)),
        ),
        replace(
            NOTHING,
            scores=scores(("A", "shr", 7), threshold=0.3),
            tps=tps(("A", 60, 0.0)),
            stars=stars(("A", 4), ("B", 2)),
        ),
    )
    assert rows["change"].to_dict() == {
        ("score", "A"): 3,
        ("tps", "A"): 10,
        ("reduction", "A"): -0.5,
        ("star", "A"): 1,
    }
    assert rows.loc[("score", "A"), "moved_parameters"]
    assert rows.loc[("star", "A"), "measure"] == "stars"


MAKERS = {
    "facility.contract": {
        "facility.contract": ["c1 p1"],
        "fit.shr": ["c2 p2"],
        "fit.srr": ["c3 p3"],
    },
    "facility.shr": {"fit.shr": ["c2 p2"], "facility.shr": ["c4 p4"]},
    "facility.srr": {"fit.srr": ["c3 p3"], "facility.srr": ["c5 p5"]},
}


def test_code_and_parameters_are_told_apart_and_by_measure() -> None:
    changed = {
        **MAKERS,
        "facility.shr": {"fit.shr": ["c9 p2"], "facility.shr": ["c4 p4"]},
        "facility.srr": {"fit.srr": ["c3 p9"], "facility.srr": ["c5 p5"]},
    }
    before = contract(("A", "shr", 10, 10, 1.0, 50), ("A", "srr", 10, 10, 1.0, 50))
    after = before.assign(value=[1.2, 1.3])
    some = replace(NOTHING, contract=before, makers=MAKERS, files={"raw.claim": "1"})
    others = replace(NOTHING, contract=after, makers=changed, files={"raw.claim": "1"})
    rows = compare(some, others, "release").reset_index().set_index("measure")
    assert rows["moved_code"].to_dict() == {"shr": True, "srr": False}
    assert rows["moved_parameters"].to_dict() == {"shr": False, "srr": True}
    assert not rows["moved_data"].any()
    assert not rows["moved_cohort"].any()
    assert list_changed_makers(some, others) == ["fit.shr", "fit.srr"]


def test_what_a_release_does_not_show_is_no_change() -> None:
    now = contract(("A", "ltc", 1, 5, 20.0, 5), ("B", "ltc", 10, 50, 20.0, 50))
    hidden = now.assign(value=[NAN, 19.0], reason=["suppressed_small_count", None])
    found = scores(("A", "ltc", 4)).assign(reason="suppressed_small_count")
    rows = compare(
        replace(NOTHING, contract=hidden, scores=found),
        replace(NOTHING, contract=now, scores=scores(("A", "ltc", 4))),
        "release",
    )
    assert list(rows.index) == [("value", "B")]


def test_files_are_told_by_what_is_read_from_them_and_not_by_name() -> None:
    release = pd.DataFrame(
        {
            "source": ["dfc_facility", "dfc_national"],
            "file_name": ["DFC.csv", None],
            "sha256": ["1", None],
        }
    )
    extract = pd.DataFrame(
        {"table_name": "raw.claim", "file_name": ["b", "a"], "sha256": ["3", "2"]}
    )
    assert list_files(release, None) == {"dfc_facility": "1"}
    assert list_files(release, extract) == {"dfc_facility": "1", "raw.claim": "2 3"}


def test_years_without_a_result_in_common_and_empty_years_give_no_error() -> None:
    assert compare(NOTHING, NOTHING).empty


def test_the_newest_release_is_read_back(tmp_path: Path) -> None:
    assert find_newest_release(tmp_path / "2025") is None
    for name in ("first", "second"):
        folder = tmp_path / "2025" / name
        folder.mkdir(parents=True)
        (folder / "README.txt").write_text("A release.")
    newest = find_newest_release(tmp_path / "2025")
    assert newest is not None
    assert newest.name == "second"
    rows = contract(("012501", "ltc", 10, 50, 20.0, 50)).reindex(
        columns=measured.CONTRACT.column_names
    )
    rows.to_csv(newest / f"{measured.CONTRACT.name}.csv", index=False)
    stars(("012501", 4)).to_csv(newest / f"{program.STARS.name}.csv", index=False)
    results = read_results(newest)
    assert results.files is None
    now = contract(("012501", "ltc", 10, 50, 25.0, 50))
    changes = compare(results, replace(NOTHING, contract=now), "release")
    assert changes.loc[("value", "012501"), "change"] == 5
    assert pd.isna(changes.loc[("value", "012501"), "moved_data"])
    assert changes.loc[("star", "012501"), "before"] == 4
