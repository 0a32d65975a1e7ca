"""Numbers as Dagster's pages show them."""

import numpy as np
import pandas as pd

from esrd_pipeline.orchestration.modelled_measure import as_whole
from esrd_pipeline.orchestration.star_baseline_assets import write_cutoffs


def test_a_baselines_cutoffs_are_the_scores_in_the_order_of_stars() -> None:
    """Cut-offs are stored as scores; the column `value` is that of the measures' scales."""
    baseline = pd.DataFrame(
        {
            "element": ["probit", "cutoff", "cutoff", "national"],
            "position": [1, 3, 2, None],
            "value": [7.0, None, None, 8.0],
            "score": [0.1, -0.23095, -0.5409164, None],
        }
    )
    assert write_cutoffs(baseline) == "-0.5409, -0.2310"


def test_a_count_that_is_kept_as_a_float_has_no_decimals() -> None:
    assert [repr(as_whole(number)) for number in (329.0, 0.0, 2.5)] == ["329", "0", "2.5"]
    assert as_whole(float(np.inf)) == np.inf
