"""Shares of strata at facilities that move, with small counts hidden."""

import pandas as pd
import pytest

from esrd_pipeline.what_if.strata import count_strata

MOVED = pd.DataFrame(
    {
        "ccn": ["A", "B"],
        "payment_reduction_before": [0.0, 1.0],
        "payment_reduction_after": [0.5, 0.5],
    }
)


def strata(*rows: tuple[str, str, int]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["ccn", "stratum", "patients"])
    return frame.assign(dimension="race")


def test_shares_are_of_the_stratum_by_direction() -> None:
    """Of 100 black patients 30 are at A, whose reduction rises, and 20 at B, whose falls."""
    found = count_strata(
        MOVED,
        strata(
            *(("A", "black", 30), ("B", "black", 20), ("C", "black", 50)),
            *(("A", "white", 40), ("B", "white", 60), ("C", "white", 100)),
        ),
    ).set_index("stratum")
    assert list(found.loc["black", ["higher", "lower"]]) == pytest.approx([0.3, 0.2])
    assert list(found.loc["white", ["higher", "lower"]]) == pytest.approx([0.2, 0.3])


def test_a_small_count_is_hidden_with_the_next_smallest() -> None:
    found = count_strata(
        MOVED,
        strata(
            *(("A", "asian", 3), ("C", "asian", 90), ("A", "black", 30), ("C", "black", 50)),
            *(("A", "white", 40), ("C", "white", 100)),
        ),
    ).set_index("stratum")
    assert found["higher"].isna().to_dict() == {"asian": True, "black": True, "white": False}
    assert found["lower"].tolist() == [0, 0, 0]


def test_nearly_all_of_a_stratum_is_hidden_too() -> None:
    rows = (("A", "black", 95), ("C", "black", 5), ("A", "white", 40), ("C", "white", 100))
    assert count_strata(MOVED, strata(*rows))["higher"].isna().all()


@pytest.mark.parametrize("native", [0, 2])
def test_what_is_hidden_of_a_dimension_comes_to_eleven_together(native: int) -> None:
    """A stratum of nobody hides nothing, and 3 and 2 are 5 by subtraction."""
    found = count_strata(
        MOVED,
        strata(
            *(("A", "asian", 3), ("C", "asian", 90), ("A", "native", native), ("C", "native", 60)),
            *(("A", "black", 30), ("C", "black", 50), ("A", "white", 40), ("C", "white", 100)),
        ),
    ).set_index("stratum")
    hidden = {"asian": True, "black": True, "native": native > 0, "white": False}
    assert found["higher"].isna().to_dict() == hidden
