"""The project's own assumptions for emergencies: rows of `parameters/emergency_rule.csv`."""

from functools import cache

from esrd_pipeline.parameters.rows import load_rows


@cache
def find_rule(name: str) -> int:
    """Return the value of a rule.

    Raises:
        KeyError: there is no such row.
    """
    return {row["name"]: int(row["value"]) for row in load_rows("emergency_rule")}[name]
