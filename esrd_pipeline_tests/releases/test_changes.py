"""CHANGES.md says in words what differs."""

import pandas as pd

from esrd_pipeline.releases.changes import Heading, describe
from esrd_pipeline.releases.gate import Answer

NAN = float("nan")
HEADING = Heading(
    name="2026Q4",
    performance_year=2025,
    quarter="2026Q4",
    cutoff="2026-10-15",
    maker="Ada Lovelace",
    before="release 2026Q3",
)
ANSWERS = [Answer("every table of the year is stored", "passes", "171 tables")]


def rows(
    kind: str, measure: str, *cells: tuple[str, object, object, object, object]
) -> pd.DataFrame:
    """Rows of ccn, before, after and their texts."""
    columns = ["ccn", "before", "after", "before_text", "after_text"]
    frame = pd.DataFrame(cells, columns=columns)
    change = frame["after"].astype(float) - frame["before"].astype(float)
    return frame.assign(
        program="dfc",
        kind=kind,
        measure=measure,
        change=change,
        rank=change.abs().rank(ascending=False),
    )


def test_movers_and_flags_gained_and_lost_are_named_by_measure() -> None:
    changes = pd.concat(
        [
            rows(
                "value",
                "shr",
                ("012501", 1.0, 1.25, None, None),
                ("012502", 1.0, 0.5, None, None),
                ("012503", NAN, 0.9, "below_minimum_units", None),
                ("012504", 0.8, NAN, None, "below_minimum_units"),
            ),
            rows(
                "flag",
                "shr",
                ("012501", 0.0, -1.0, "as", "worse"),
                ("012502", -1.0, 1.0, "worse", "better"),
                ("012505", NAN, 0.0, "no_value", "as"),
            ),
        ],
        ignore_index=True,
    )
    text = describe(HEADING, ANSWERS, changes, ["Files that are others: cms_2746."])
    assert "7 results are other than in release 2026Q3" in text
    assert "- Files that are others: cms_2746." in text
    flags, values = text.split("### DFC: ")[1:]
    assert flags.startswith("3 flags of shr")
    assert "- 1 gained *better*: 012502" in flags
    assert "- 1 gained *worse*: 012501" in flags
    assert "- 1 lost *worse*: 012502" in flags
    assert "- 1 from or to *as expected*" in flags
    assert values.startswith("4 values of shr")
    assert "- 1 are new" in values
    assert "- 1 are gone" in values
    first, second = [line for line in values.splitlines() if line.startswith("  - ")]
    assert first == "  - 012502: 1 to 0.5 (-0.5)"
    assert second == "  - 012501: 1 to 1.25 (+0.25)"


def test_a_release_without_one_before_or_without_a_difference_says_so() -> None:
    assert "This is the first release" in describe(HEADING, ANSWERS, None, [])
    nothing = rows("value", "shr")
    text = describe(HEADING, ANSWERS, nothing, [])
    assert "No result is other than in release 2026Q3." in text
    assert "- every table of the year is stored: **passes**. 171 tables." in text
