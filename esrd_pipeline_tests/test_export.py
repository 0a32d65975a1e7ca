"""What may not leave the house: cells that rest on one to ten patients."""

import pandas as pd

from esrd_pipeline.export import SUPPRESSED, find_small, suppress_small_counts


def contract(*rows: tuple[str, str, str, str, float, float]) -> pd.DataFrame:
    """Rows of ccn, program, measure, unit, unit_count, patients."""
    columns = ["ccn", "program", "measure", "unit", "unit_count", "patients"]
    return pd.DataFrame(rows, columns=columns).assign(
        numerator=0.0, reason=None, remark="no events: exact"
    )


NAN = float("nan")


def test_a_remark_that_would_give_a_small_count_away_is_hidden_with_it() -> None:
    rows = contract(
        ("010001", "dfc", "ltc", "patients", 7, NAN), ("010002", "dfc", "ltc", "patients", 11, NAN)
    )
    small, large = suppress_small_counts(rows, find_small(rows)).to_dict("records")
    assert pd.isna(small["numerator"])
    assert pd.isna(small["remark"])
    assert small["reason"] == SUPPRESSED
    assert (large["numerator"], large["remark"]) == (0.0, "no events: exact")


def test_twelve_patient_years_of_ten_patients_are_hidden() -> None:
    rows = contract(
        ("010001", "dfc", "shr", "patient_years", 12, 10),
        ("010002", "dfc", "shr", "patient_years", 12, 11),
    )
    small, large = suppress_small_counts(rows, find_small(rows)).to_dict("records")
    assert pd.isna(small["unit_count"])
    assert pd.isna(small["patients"])
    assert large["unit_count"] == 12


def test_months_whose_patients_nobody_told_are_published_as_cms_did() -> None:
    rows = contract(("010001", "dfc", "sfr", "patient_months", 8, NAN))
    assert find_small(rows).empty


def test_what_rests_on_nobody_is_no_small_count() -> None:
    rows = contract(("010001", "dfc", "shr", "patient_years", 0, 0))
    assert find_small(rows).empty


def test_a_flag_of_a_small_facility_hides_its_numbers_too() -> None:
    small = find_small(contract(("010001", "dfc", "shr", "patient_years", 12, 10)))
    flags = pd.DataFrame({"ccn": ["010001"], "measure": ["shr"], "value": [1.4], "reason": None})
    (row,) = suppress_small_counts(flags, small).to_dict("records")
    assert pd.isna(row["value"])
    assert row["reason"] == SUPPRESSED


def test_a_score_follows_the_qip_rows_and_not_those_of_dfc() -> None:
    rows = contract(
        ("010001", "dfc", "shr", "patient_years", 12, 10),
        ("010002", "qip", "shr", "patient_years", 12, 10),
    )
    scores = pd.DataFrame(
        {
            "ccn": ["010001", "010002"],
            "payment_year": 2026,
            "measure": "shr",
            "rate": [150.0, 160.0],
        }
    )
    hidden = suppress_small_counts(scores, find_small(rows))
    assert hidden["rate"].isna().tolist() == [False, True]


def test_a_published_row_of_few_patients_is_hidden_though_the_computed_one_has_more() -> None:
    computed = contract(("010001", "dfc", "ltc", "patients", 14, 14))
    printed = contract(("010001", "dfc", "ltc", "patients", 7, NAN)).drop(columns="patients")
    (row,) = suppress_small_counts(printed, find_small(computed)).to_dict("records")
    assert pd.isna(row["unit_count"])
    assert row["reason"] == SUPPRESSED
