"""Parameters of the nation: `synthetic_nation.csv`, conditions and principal diagnoses."""

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
    "catheter",
    "fistula",
    "adequacy",
)
"""Outcomes with true facility effects."""
YEAR_DAYS = 365.25
NEVER = 2**30
"""A day after all days."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One chronic condition: its frequency, effects and codes.

    `box` is the item of CMS-2728 that states it, if any; `codes` index `DIAGNOSES`. Claims list
    conditions of turn 1 before those of turn 2; conditions of turn 3 are on long claims only.
    Conditions of turn 2 are the oldest and are drawn from the original stream.
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
    turn: int


@cache
def load_figures() -> dict[str, float]:
    """Read the figures: name to number."""
    return {row["name"]: float(row["value"]) for row in load_rows("synthetic_nation")}


@cache
def load_diagnoses() -> Codes:
    """Return every diagnosis code of the claims; index 0 is end stage renal disease."""
    codes = ["N186", "Z992", "U071", "Z9115", "N179", "B9729", "J1282"]
    codes += [code for row in load_rows("synthetic_condition") for code in _split(row["codes"])]
    codes += [row["code"] for row in load_rows("synthetic_principal")]
    return Codes(tuple(dict.fromkeys(codes)))


@cache
def load_conditions() -> tuple[Condition, ...]:
    """Read the chronic conditions; those without a code are on CMS-2728 only."""
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
            turn=int(row["turn"]),
        )
        for row in load_rows("synthetic_condition")
    )


@cache
def load_death_causes() -> tuple[Codes, dict[str, np.ndarray], np.ndarray]:
    """Return the codes of CMS-2746, each kind's indexes into them, and the shares of a kind."""
    rows = load_rows("synthetic_death_cause")
    kinds = np.array([row["kind"] for row in rows])
    weight = np.array([float(row["weight"]) for row in rows])
    places = {str(kind): np.flatnonzero(kinds == kind) for kind in np.unique(kinds)}
    for of_kind in places.values():
        weight[of_kind] /= weight[of_kind].sum()
    return Codes(tuple(row["code"] for row in rows)), places, weight


@dataclass(frozen=True, slots=True)
class Principals:
    """Principal diagnoses of hospital stays, one array element each.

    Attributes:
        code: index in `DIAGNOSES`.
        drg: the diagnosis related group.
        share: share of the stays of its kind.
        procedure: index in `PROCEDURES`, -1 without one.
        kind: index in `PRINCIPAL_KINDS`.
    """

    code: np.ndarray
    drg: np.ndarray
    share: np.ndarray
    procedure: np.ndarray
    kind: np.ndarray

    def of(self, kind: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the indexes of a kind, and their shares."""
        places = np.flatnonzero(self.kind == PRINCIPAL_KINDS.index(kind))
        return places, self.share[places]

    @property
    def visits(self) -> np.ndarray:
        """Return the codes of emergency department visits without an admission."""
        words = load_diagnoses().words
        is_minor = [words[code][0] not in _NEVER_VISITS for code in self.code]
        return self.code[np.array(is_minor) & (self.kind == 0) & (self.procedure < 0)]


PRINCIPAL_KINDS = ("usual", "psychiatric", "rehabilitation")
_NEVER_VISITS = "CDFZ"
"""Chapters of ICD-10-CM: neoplasms, blood, mental disorders, factors of care."""


@cache
def load_procedures() -> Codes:
    """Return every procedure code of stays except transfusions and dialysis."""
    rows = load_rows("synthetic_principal")
    codes = [row["procedure"] for row in rows if row["procedure"]]
    return Codes(tuple(dict.fromkeys(codes)))


@cache
def load_principals() -> Principals:
    """Read the principal diagnoses."""
    words, procedures = load_diagnoses().words, load_procedures().words
    rows = load_rows("synthetic_principal")
    weight = np.array([float(row["weight"]) for row in rows])
    kind = np.array([PRINCIPAL_KINDS.index(row["kind"]) for row in rows])
    total = np.bincount(kind, weights=weight)
    return Principals(
        code=np.array([words.index(row["code"]) for row in rows], dtype=np.int16),
        drg=np.array([int(row["drg"]) for row in rows], dtype=np.int16),
        share=weight / total[kind],
        procedure=np.array(
            [procedures.index(row["procedure"]) if row["procedure"] else -1 for row in rows]
        ),
        kind=kind,
    )


def _split(codes: str) -> list[str]:
    return [code for code in codes.split("|") if code]
