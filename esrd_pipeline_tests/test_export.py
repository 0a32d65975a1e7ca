"""What may not leave the house: cells that rest on one to ten patients."""

import pandas as pd

from esrd_pipeline.export import SUPPRESSED, suppress_small_counts


def test_a_remark_that_would_give_a_small_count_away_is_hidden_with_it() -> None:
    frame = pd.DataFrame(
        {
            "ccn": ["010001", "010002"],
            "unit": "patients",
            "unit_count": [7.0, 11.0],
            "numerator": 0.0,
            "reason": None,
            "remark": "no events: exact",
        }
    )
    small, large = suppress_small_counts(frame).to_dict("records")
    assert pd.isna(small["numerator"])
    assert pd.isna(small["remark"])
    assert small["reason"] == SUPPRESSED
    assert (large["numerator"], large["remark"]) == (0.0, "no events: exact")
