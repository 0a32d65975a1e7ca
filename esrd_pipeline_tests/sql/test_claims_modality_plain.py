"""Modality and sessions a week of random claims against plain loops: manual 3.1.1, 3.1.4, Table 15.

One facility and one month a patient, with one to three claims.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from random import Random

import pandas as pd
import pytest

from esrd_pipeline_tests.sql.months import CENTER, HOME, PERITONEAL
from esrd_pipeline_tests.sql.worked import Row, run

PATIENTS = 300
DAY = timedelta(days=1)
FIRST = date(2024, 3, 1)
HD, HHD, PD, OPD, NONE = "hd", "home", "pd", "other pd", "none"
COMPOSITE = {"0821": HD, "0881": HD, "0831": OPD, "0841": PD, "0851": PD}
OTHER = {
    **dict.fromkeys(("0801", "0820", "0824", "0825", "0829"), HD),
    **dict.fromkeys(("0822", "0823", "0882"), HHD),
    **dict.fromkeys(("0803", "0804", "0840", "0842", "0850", "0859"), PD),
    **dict.fromkeys(("0802", "0830", "0839"), OPD),
    **dict.fromkeys(("0800", "0809", "0880", "0889"), NONE),
}
KINDS = {**COMPOSITE, **OTHER}
POOLS: tuple[Sequence[str], ...] = (
    ["0821"],
    ["0821", "0881", "0831"],
    ["0841", "0851", "0831"],
    ["0821", "0841"],
    ["0820", "0822"],
    ["0840", "0830", "0820"],
    ["0800", "0820", "0821"],
    [*COMPOSITE],
    [*OTHER],
    [*KINDS],
)
PARTS = ([(0, 30)], [(0, 6)], [(0, 7)], [(0, 14), (15, 30)], [(0, 9), (10, 19), (20, 30)])
Lines = list[tuple[str, date | None]]
Verdict = tuple[str, int | None]


@dataclass
class Claim:
    """A claim's lines, and whether it has condition code 74."""

    number: int
    start: date
    end: date
    lines: Lines
    is_home: bool
    ktv: float | None

    def count(self, *kinds: str) -> int:
        """Lines of these kinds."""
        return sum(KINDS[code] in kinds for code, _ in self.lines)

    def judge(self) -> tuple[str, int | None, str | None]:
        """Modality and sessions of the claim alone, and its frequency."""
        kind, sessions = judge_month([self])
        return kind, sessions, self._frequency() if kind in (CENTER, HOME) else None

    def _frequency(self) -> str:
        days, codes = (self.end - self.start).days + 1, self.count(HD, HHD)
        if self.ktv == 8.88:
            return "frequent"
        if days <= 7:
            return "frequent" if codes >= 4 else "usual"
        weekly = Fraction(7 * codes, days)
        return "frequent" if weekly >= 4 else "infrequent" if weekly <= 2 else "usual"


def judge_lines(lines: Lines) -> Verdict:
    """Steps 1 to 5: the primary modality, hemodialysis as in center, and its sessions."""
    composite = [line for line in lines if line[0] in COMPOSITE]
    used = composite or lines
    counts = Counter(KINDS[code] for code, day in used if day is None)
    for day in {day for _, day in used if day is not None}:
        kinds = {KINDS[code] for code, other in used if other == day}
        # Of one day the same kind counts once, and different kinds not at all.
        counts.update(kinds if len(kinds) == 1 else ())
    sessions = counts[HD] + counts[HHD]
    peritoneal = Fraction(3 * (counts[PD] + counts[OPD]), 7)
    if sessions > peritoneal:
        return CENTER, sessions
    if sessions == peritoneal or (composite and counts[PD] == counts[OPD]):
        return "undetermined", None
    is_other = composite and counts[OPD] > counts[PD]
    return ("other peritoneal dialysis" if is_other else PERITONEAL), None


def judge_month(claims: Sequence[Claim]) -> Verdict:
    """Steps 1 to 7 of all claims of the month."""
    kind, sessions = judge_lines([line for claim in claims for line in claim.lines])
    most = max(claim.count(HD) for claim in claims)
    if kind == CENTER and all(c.is_home for c in claims if c.count(HD) == most):
        kind = HOME
    return kind, sessions


def draw_claims(draw: Random, patient: int) -> list[Claim]:
    """A patient's claims of March."""
    pool = draw.choice(POOLS)
    claims = []
    for place, (first, last) in enumerate(draw.choice(PARTS), start=1):
        days = [FIRST + number * DAY for number in range(first, last + 1)]
        times = min(draw.choice([0, 1, 2, 3, 4, 6, 9, 12, 13, 14, 17, 18]), 2 * len(days))
        lines: Lines = [
            (draw.choice(pool), None if draw.random() < 0.05 else draw.choice(days))
            for _ in range(times)
        ]
        if draw.random() < 0.4:
            lines = [(draw.choice(pool), days[number % len(days)]) for number in range(times)]
        ktv = draw.choice([None, None, 1.3, 8.88, 9.99])
        number = patient * 10 + place
        claims.append(Claim(number, days[0], days[-1], lines, draw.random() < 0.4, ktv))
    return claims


def list_tables(people: dict[int, list[Claim]]) -> dict[str, list[Row]]:
    """The claims' files."""
    claims = [(patient, claim) for patient, own in people.items() for claim in own]
    return {
        "linkage.beneficiary": [{"bene_id": number, "patient_id": number} for number in people],
        "linkage.provider_number": [
            {"program": program, "provider_number": "A", "ccn": "A"} for program in ("dfc", "qip")
        ],
        "raw.claim": [
            {
                "bene_id": patient,
                "clm_id": claim.number,
                "clm_from_dt": claim.start,
                "clm_thru_dt": claim.end,
                "prvdr_num": "A",
                "clm_fac_type_cd": "7",
                "clm_srvc_clsfctn_type_cd": "2",
                "clm_pmt_amt": 2900.0,
            }
            for patient, claim in claims
        ],
        "raw.claim_revenue": [
            {"clm_id": claim.number, "clm_line_num": place, "rev_cntr": code, "rev_cntr_dt": day}
            for _, claim in claims
            for place, (code, day) in enumerate(claim.lines, start=1)
        ],
        "raw.claim_condition": [
            {
                "clm_id": claim.number,
                "rlt_cond_cd_seq": 1,
                "clm_rlt_cond_cd": "74" if claim.is_home else "71",
            }
            for _, claim in claims
        ],
        "raw.claim_value": [
            {
                "clm_id": claim.number,
                "rlt_val_cd_seq": 1,
                "clm_val_cd": "D5",
                "clm_val_amt": claim.ktv,
            }
            for _, claim in claims
            if claim.ktv
        ],
    }


@pytest.mark.manual("3.1.1", "3.1.4")
def test_modality_and_frequency_of_claims_are_those_of_plain_loops() -> None:
    draw = Random(3)  # noqa: S311
    people = {patient: draw_claims(draw, patient) for patient in range(1, PATIENTS + 1)}
    tables = list_tables(people)
    single = run("history.dialysis_claim", tables=tables)
    joined = run("history.dialysis_claim", "history.claims_modality", tables=tables)

    def read(rows: pd.DataFrame, key: str, *names: str) -> dict[int, tuple[object, ...]]:
        rows = rows[rows["program"] == "dfc"].set_index(key)[list(names)].astype(object)
        return {
            int(str(number)): tuple(values)
            for number, *values in rows.where(rows.notna(), None).itertuples(name=None)
        }

    of_claims = read(single, "clm_id", "modality", "sessions", "frequency")
    of_months = read(joined, "patient_id", "modality", "sessions")
    for patient, claims in people.items():
        assert of_months[patient] == judge_month(claims), str(claims)
        for claim in claims:
            assert of_claims[claim.number] == claim.judge(), str(claim)
