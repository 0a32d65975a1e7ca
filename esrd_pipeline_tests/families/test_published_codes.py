"""Availability codes of facilities without a value, as in the facility file of April 2026."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from esrd_pipeline.families.published_codes import Why, explain_absence, list_codes

YEAR = 2024
FEW, NOBODY = "below_minimum_units", "nothing_in_denominator"


def code(
    measure: str,
    reason: str | None,
    *,
    certified: dt.date = dt.date(1999, 1, 1),
    in_center: bool | None = True,
    peritoneal: bool | None = True,
) -> str:
    facilities = {
        "certification_date": pd.Series([certified]),
        "has_in_center_hemodialysis": pd.Series([in_center], dtype="boolean"),
        "has_peritoneal_dialysis": pd.Series([peritoneal], dtype="boolean"),
    }
    given = None if reason is None else Why(reason, 11.0 if reason == FEW else np.nan)
    (why,) = explain_absence(measure, [given], facilities, YEAR)
    (found,) = list_codes("dfc_facility", measure, why)
    return found


@pytest.mark.parametrize(
    ("measure", "nobody", "expected"),
    [("shr", "no_patient_at_risk", "201"), ("srr", "no_index_discharge", "199")],
)
def test_no_patients_are_not_reported_and_some_are_too_few(
    measure: str, nobody: str, expected: str
) -> None:
    """Patients without a discharge are too few discharges: 28 facilities of the file in SRR."""
    assert code(measure, nobody) == expected
    assert code(measure, FEW) == "199"
    assert code(measure, nobody, in_center=False, peritoneal=False) == expected
    assert code(measure, None) == "001"


@pytest.mark.parametrize(
    ("measure", "without"), [("sfr", "256"), ("ltc", "256"), ("ktv_adult_hd", "256")]
)
def test_without_patients_or_hemodialysis_there_is_no_hemodialysis(
    measure: str, without: str
) -> None:
    assert code(measure, NOBODY, in_center=False) == without
    assert code(measure, NOBODY, in_center=True) == "201"
    # The directory does not say, or some are treated all the same: 140 facilities of the file.
    assert code(measure, NOBODY, in_center=None) == "201"
    assert code(measure, FEW, in_center=False) == "199"


def test_peritoneal_dialysis_and_children_have_codes_of_their_own() -> None:
    assert code("ktv_adult_pd", NOBODY, peritoneal=False) == "257"
    assert code("ktv_adult_pd", NOBODY, in_center=False) == "201"
    for measure in ("ktv_pediatric_hd", "ktv_pediatric_pd", "npcr"):
        assert code(measure, NOBODY) == "259"
        assert code(measure, FEW) == "199"


@pytest.mark.parametrize("reason", [FEW, NOBODY, "no_expected_events", "suppressed_small_count"])
def test_a_facility_certified_in_the_year_was_not_open_long_enough(reason: str) -> None:
    assert code("ltc", reason, certified=dt.date(2024, 1, 1)) == "258"
    assert code("ltc", reason, certified=dt.date(2023, 12, 31)) in {"199", "201"}
    assert code("ltc", None, certified=dt.date(2024, 1, 1)) == "001"
    # What it does not offer comes first: 43 of those with 257.
    assert code("ktv_adult_pd", NOBODY, certified=dt.date(2024, 1, 1), peritoneal=False) == "257"
    assert code("ltc", "nothing_reported", certified=dt.date(2024, 1, 1)) == "201"
