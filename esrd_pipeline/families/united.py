"""One contract of all measures: those computed from raw files, and the others as published."""

from collections.abc import Sequence

import pandas as pd

from esrd_pipeline.tables.measured import CONTRACT

_MEASURE = ["program", "measure"]


def unite_contract(*, published: pd.DataFrame, computed: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of every measure, each measure of a program from one origin alone.

    A program's measure that has been computed takes no published row, not even of a facility it
    does not know.
    """
    own = [frame.assign(origin="computed") for frame in computed if not frame.empty]
    known = {tuple(row) for frame in own for row in frame[_MEASURE].drop_duplicates().to_numpy()}
    is_known = [tuple(row) in known for row in published[_MEASURE].to_numpy()]
    rest = published[~pd.Series(is_known, index=published.index, dtype=bool)]
    rows = pd.concat([*own, rest.assign(origin="published")], ignore_index=True)
    return rows[CONTRACT.column_names]
