"""The rule sets of a payment year: its own rows, and those rows with the changes of a later rule.

`parameters/qip_rule_set.csv` names the changed sets and `parameters/qip_amendment.csv` lists what
each changes in the rows of the other `qip_*.csv`. A set other than the default is used only where
it is named.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from esrd_pipeline.parameters import load_parameters
from esrd_pipeline.parameters.rows import load_rows

DEFAULT = "default"
"""The payment year's own rows, without a change."""
_KEYS = {
    "qip_year": "payment_year",
    "qip_domain": "domain",
    "qip_measure": "measure",
    "qip_reduction": "points_below_minimum",
    "qip_standard": "measure",
}
"""By table: the column that tells the rows of a payment year apart."""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A rule set that has to be chosen: what it is, and what must be known before it is used."""

    payment_year: int
    name: str
    title: str
    note: str
    citation: str


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one row of `parameters/<table>.csv`.

    A row without a `column` is left out; otherwise the column gets the value.
    """

    table: str
    row: str
    column: str | None
    value: str
    citation: str


def list_rule_sets(payment_year: int) -> tuple[str, ...]:
    """List the names of a payment year's rule sets, the default first."""
    named = (
        row["rule_set"]
        for row in load_rows("qip_rule_set")
        if row["payment_year"] == str(payment_year)
    )
    return (DEFAULT, *named)


def find_rule_set(payment_year: int, name: str) -> RuleSet | None:
    """Return what there is to know of a rule set, or None of the default.

    Raises:
        LookupError: the payment year has no such rule set; the message lists those it has.
    """
    found = _find(payment_year, name)
    if found is None and name != DEFAULT:
        known = ", ".join(list_rule_sets(payment_year))
        raise LookupError(f"payment year {payment_year} has no rule set {name}; it has: {known}")
    return found


def describe_rule_set(payment_year: int, name: str) -> str:
    """Say in a sentence which rule set something was made by, and what must be known of it."""
    found = _find(payment_year, name)
    sentence = f"payment year {payment_year}, rule set {name}"
    return f"{sentence}: {found.title}. {found.note}" if found else sentence


def describe_stored(tps: pd.DataFrame) -> list[str]:
    """Say in a sentence which rule set stored TPS were made by; none where there were no rules."""
    made_by = tps[["payment_year", "rule_set"]].dropna().drop_duplicates()
    return [
        describe_rule_set(int(payment_year), str(name))
        for payment_year, name in zip(
            made_by["payment_year"].tolist(), made_by["rule_set"].tolist(), strict=True
        )
    ]


def list_changes(payment_year: int, name: str) -> tuple[Change, ...]:
    """List what a rule set changes in the payment year's own rows.

    Raises:
        ValueError: a change is neither `leave_out` nor `set`.
    """
    return tuple(
        _read(row)
        for row in load_rows("qip_amendment")
        if (row["payment_year"], row["rule_set"]) == (str(payment_year), name)
    )


def load_tables(payment_year: int, name: str = DEFAULT) -> dict[str, pd.DataFrame]:
    """Read the rows of the `qip_*.csv` as a rule set of a payment year has them, by table.

    Raises:
        LookupError: the payment year has no such rule set.
        ValueError: a change is of a row or column that is not there.
    """
    tables = {
        "qip_year": load_parameters("qip_year"),
        "qip_domain": load_parameters("qip_domain"),
        "qip_measure": load_parameters("qip_measure"),
        "qip_reduction": load_parameters("qip_reduction"),
        "qip_standard": load_parameters("qip_standard"),
    }
    if str(payment_year) not in set(tables["qip_year"]["payment_year"]):
        # Whoever builds rules from them says which payment years there are.
        return tables
    if find_rule_set(payment_year, name) is None:
        return tables
    return apply_changes(tables, payment_year, list_changes(payment_year, name))


def apply_changes(
    tables: Mapping[str, pd.DataFrame], payment_year: int, changes: tuple[Change, ...]
) -> dict[str, pd.DataFrame]:
    """Change rows of one payment year; a changed row cites the change beside its own source.

    Raises:
        ValueError: a change is of a row or column that is not there.
    """
    changed = {name: table.copy() for name, table in tables.items()}
    for change in changes:
        where = f"qip_amendment.csv, payment year {payment_year}"
        if change.table not in changed:
            raise ValueError(f"{where}: there is no table {change.table}")
        table = changed[change.table]
        if change.column is not None and change.column not in table.columns:
            raise ValueError(f"{where}: {change.table} has no column {change.column}")
        at = (table["payment_year"] == str(payment_year)) & (
            table[_KEYS[change.table]] == change.row
        )
        if at.sum() != 1:
            raise ValueError(f"{where}: {change.table} has no row {change.row}")
        if change.column is None:
            changed[change.table] = table.loc[~at].reset_index(drop=True)
            continue
        table.loc[at, change.column] = change.value or pd.NA
        table.loc[at, "citation"] += f"; {change.citation}"
    return changed


def _find(payment_year: int, name: str) -> RuleSet | None:
    for row in load_rows("qip_rule_set"):
        if (row["payment_year"], row["rule_set"]) == (str(payment_year), name):
            return RuleSet(payment_year, name, row["title"], row["note"], row["citation"])
    return None


def _read(row: Mapping[str, str]) -> Change:
    if row["change"] not in {"leave_out", "set"} or (row["change"] == "set") != bool(row["column"]):
        raise ValueError(
            f"qip_amendment.csv, payment year {row['payment_year']}: row {row['row']} is left out"
            " without a column, or has a column set"
        )
    return Change(row["table"], row["row"], row["column"] or None, row["value"], row["citation"])
