"""Numbers CMS republishes, as CSV files with a citation in every row.

What a number means is said where it is used; how it is computed does not belong here. Each file
is read once a process, as text, so that nothing is rounded or guessed on the way in.
"""

from functools import cache
from importlib import resources

import pandas as pd

from esrd_pipeline.parameters.ccs import load_diagnoses, load_procedures


@cache
def load_parameters(name: str) -> pd.DataFrame:
    """Read `parameters/<name>.csv` as text columns; an empty cell is a missing value.

    `ccs_diagnosis` and `ccs_procedure` are read from the package that carries them.

    Raises:
        FileNotFoundError: there is no such file in this room.
        ValueError: a row has no citation.
    """
    if name == "ccs_diagnosis":
        return load_diagnoses()
    if name == "ccs_procedure":
        return load_procedures()
    source = resources.files("esrd_pipeline.parameters").joinpath(f"{name}.csv")
    with source.open(encoding="utf-8") as lines:
        table = pd.read_csv(lines, dtype="string", comment="#")
    if table["citation"].isna().any():
        row = int(table["citation"].isna().to_numpy().argmax()) + 2
        raise ValueError(f"parameters/{name}.csv row {row}: a number without a citation")
    return table
