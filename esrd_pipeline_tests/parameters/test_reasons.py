"""Reasons: a code in the tables, a text with its number for people."""

import numpy as np
import pytest

from esrd_pipeline.parameters.reasons import RowReasons, describe_reason, load_reasons
from esrd_pipeline.parameters.rows import load_rows


@pytest.mark.parametrize(
    ("code", "number", "unit", "text"),
    [
        ("below_minimum_units", 11.0, "patients", "fewer than 11 patients"),
        ("below_minimum_units", 5.5, "patient_years", "fewer than 5.5 patient-years"),
        ("below_minimum_units", 11.0, None, "fewer than 11 units"),
        ("certified_too_late", 20241001.0, None, "certified on or after 2024-10-01, too late"),
        ("no_patient_at_risk", None, None, "no patient at risk"),
    ],
)
def test_the_text_takes_the_number_beside_the_code(
    code: str, number: float | None, unit: str | None, text: str
) -> None:
    assert describe_reason(code, number, unit).startswith(text)


def test_an_unknown_code_and_a_missing_number_are_told() -> None:
    with pytest.raises(LookupError, match=r"reason\.csv has no code too_blue"):
        describe_reason("too_blue")
    with pytest.raises(LookupError, match="below_minimum_units takes a number"):
        describe_reason("below_minimum_units")


def test_no_row_takes_a_reason_without_a_code() -> None:
    reasons, where = RowReasons(2), np.array([True, False])
    with pytest.raises(LookupError, match=r"reason\.csv has no code too_blue"):
        reasons.add(where, "too_blue")
    of_rows = np.array(["no_value too_blue", "not looked at"], dtype=object)
    with pytest.raises(LookupError, match=r"reason\.csv has no code too_blue"):
        reasons.add(where, of_rows)
    of_rows[0] = "no_rate no_value"
    reasons.add(where, of_rows)
    assert reasons.code.tolist() == ["no_rate no_value", None]


def test_codes_stand_in_order_and_texts_name_no_size() -> None:
    codes = [row["code"] for row in load_rows("reason")]
    assert codes == sorted(set(codes))
    for reason in load_reasons().values():
        assert reason.code == reason.code.lower(), reason.code
        assert reason.code.isidentifier(), reason.code
        assert "fewer than 1" not in reason.text, reason.code
