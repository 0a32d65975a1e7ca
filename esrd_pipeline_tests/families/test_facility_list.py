"""The facility list decides who is reported, after the nation's models are fitted."""

import pandas as pd
import pytest

from esrd_pipeline.families.facility_list import list_facilities
from esrd_pipeline.measures import smr

pytestmark = pytest.mark.manual("3.3.4", "3.3.10")

YEAR = 2024
ROWS = pd.DataFrame(
    {
        "ccn": ["012501", "012502"],
        "numerator": [12.0, 9.0],
        "denominator": [10.0, 11.0],
        "value": [1.2, 9 / 11],
        "reportable": [True, True],
        "reason": [None, None],
        "reason_number": [None, None],
        "category": ["as", "as"],
    }
)


def list_rows(eligible: bool) -> pd.DataFrame:  # noqa: FBT001
    facilities = pd.DataFrame(
        {
            "ccn": ["012501", "012502"],
            "is_eligible": [True, eligible],
            "reason": [None, None if eligible else "not_active"],
        }
    )
    rows = list_facilities(smr.specify(YEAR), YEAR, ROWS, facilities, nothing="no_patients")
    return rows.set_index("ccn")


def test_a_facility_that_the_list_leaves_out_keeps_its_part_of_the_nation() -> None:
    both, one = list_rows(True), list_rows(False)  # noqa: FBT003
    # The numbers of both are those of the national fit; the list only takes the report away.
    assert one[["numerator", "denominator", "value"]].equals(
        both[["numerator", "denominator", "value"]]
    )
    assert one.loc["012501"].equals(both.loc["012501"])
    assert not one.loc["012502", "reportable"]
    assert one.loc["012502", "reason"] == "not_active"
    assert pd.isna(one.loc["012502", "category"])
