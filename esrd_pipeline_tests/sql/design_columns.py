"""Add the columns of a model's design to the facts of a SELECT, so that a test sees both."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from esrd_pipeline.measures.terms import Columns, Term, Values
from esrd_pipeline_tests.sql.worked import Row


@dataclass(frozen=True)
class _Facts:
    rows: pd.DataFrame

    def __getitem__(self, name: str) -> Values:
        return self.rows[name].to_numpy()


def add_columns(
    rows: pd.DataFrame, terms: Sequence[Term], *, patients: Sequence[Row] = ()
) -> pd.DataFrame:
    """Return the rows with every column that `terms` make of their facts and of their patient's.

    Facts that neither a row nor its patient has are false, as they are of a patient of whom
    nothing is known.
    """
    known = pd.DataFrame(list(patients) or [{"patient_id": -1}])
    facts = rows.merge(
        known.drop(columns=[name for name in known if name in rows and name != "patient_id"]),
        on="patient_id",
        how="left",
        validate="many_to_one",
    )
    needed = {fact for term in terms for fact in term.facts}
    for name in needed:
        if name not in facts:
            facts[name] = False
        elif facts[name].dtype == object and name.startswith(("is_", "has_")):
            facts[name] = facts[name].eq(other=True)
    columns: Columns = {}
    for term in terms:
        columns |= term.build(_Facts(facts), columns)
    return rows.assign(**columns)
