"""What the nation is told: `synthetic_nation.csv`, conditions and principal diagnoses.

Drawing from them does not belong here.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from esrd_pipeline.parameters.rows import load_rows
from esrd_pipeline.synthetic.nation.columns import Codes

OUTCOMES = (
    "hospitalisation",
    "mortality",
    "readmission",
    "transfusion",
    "waitlist",
    "emergency",
    "modality_switch",
)
"""Outcomes on which facilities have a planted effect."""
YEAR_DAYS = 365.25
NEVER = 2**30
"""A day after all days."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One chronic condition: how common it is, what it does, and how it is coded.

    `box` is the item of CMS-2728 that states it, if one does; `codes` index `DIAGNOSES`.
    """

    name: str
    box: str
    prevalence: float
    age_decade: float
    diabetes: float
    onset: float
    box_effect: float
    admission: float
    death: float
    codes: tuple[int, ...]


@cache
def load_figures() -> dict[str, float]:
    """Read the figures: name to number."""
    return {row["name"]: float(row["value"]) for row in load_rows("synthetic_nation")}


@cache
def load_diagnoses() -> Codes:
    """Return every diagnosis code a claim may carry; index 0 is end stage renal disease."""
    codes = ["N186", "Z992", "U071", "Z9115", "N179"]
    codes += [code for row in load_rows("synthetic_condition") for code in _split(row["codes"])]
    codes += [row["code"] for row in load_rows("synthetic_principal")]
    return Codes(tuple(dict.fromkeys(codes)))


@cache
def load_conditions() -> tuple[Condition, ...]:
    """Read the chronic conditions; those without a code stand on CMS-2728 only."""
    words = load_diagnoses().words
    return tuple(
        Condition(
            name=row["condition"],
            box=row["box"],
            **{
                name: float(row[name])
                for name in (
                    "prevalence",
                    "age_decade",
                    "diabetes",
                    "onset",
                    "box_effect",
                    "admission",
                    "death",
                )
            },
            codes=tuple(words.index(code) for code in _split(row["codes"])),
        )
        for row in load_rows("synthetic_condition")
    )


def load_principals() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return principal diagnoses (index in `DIAGNOSES`), their DRGs and their shares."""
    words = load_diagnoses().words
    rows = load_rows("synthetic_principal")
    weight = np.array([float(row["weight"]) for row in rows])
    return (
        np.array([words.index(row["code"]) for row in rows], dtype=np.int16),
        np.array([int(row["drg"]) for row in rows], dtype=np.int16),
        weight / weight.sum(),
    )


def _split(codes: str) -> list[str]:
    return [code for code in codes.split("|") if code]
