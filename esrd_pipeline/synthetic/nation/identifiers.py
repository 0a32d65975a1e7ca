"""Identifiers of synthetic people, which no real person has, and typing errors in them.

Social Security never issues numbers that begin with 9, and CMS reserves MBIs with S in the second
place for synthetic beneficiaries.
"""

from dataclasses import dataclass

import numpy as np

from esrd_pipeline.synthetic.nation.columns import Coded
from esrd_pipeline.synthetic.nation.figures import load_figures
from esrd_pipeline.synthetic.nation.people import People

_PRIME = 99_999_989
_STRIDE = 48_271
_ALPHA = np.frombuffer(b"ACDEFGHJKMNPQRTUVWXY", dtype=np.uint8)
_DIGITS = np.frombuffer(b"0123456789", dtype=np.uint8)
_FIRST = [
    "James",
    "Mary",
    "Robert",
    "Patricia",
    "John",
    "Jennifer",
    "Michael",
    "Linda",
    "David",
    "Elizabeth",
    "William",
    "Barbara",
    "Richard",
    "Susan",
    "Joseph",
    "Jessica",
    "Thomas",
    "Sarah",
    "Carlos",
    "Karen",
    "Luis",
    "Maria",
    "Kevin",
    "Angela",
]
_LAST = [
    "Example",
    "Sample",
    "Specimen",
    "Placeholder",
    "Pattern",
    "Model",
    "Instance",
    "Template",
    "Fixture",
    "Mockup",
    "Standin",
    "Proxy",
    "Dummy",
    "Figment",
    "Sketch",
    "Draft",
]
KINDS = ("mbi", "ssn", "date_of_birth")
"""Kinds of identifiers that can be mistyped."""


@dataclass(frozen=True, slots=True)
class Identifiers:
    """Each patient's identifiers; `typo` is -1 or the index in `KINDS` of the typing error."""

    ssn: np.ndarray
    mbi: np.ndarray
    earlier_mbi: np.ndarray
    hicn: np.ndarray
    typo: np.ndarray
    is_replaced: np.ndarray
    first_name: Coded
    last_name: Coded


def identify(people: People, rng: np.random.Generator) -> Identifiers:
    """Assign unique identifiers to every patient."""
    figures, count = load_figures(), len(people)
    luck = rng.random((2, count))
    number = people.patient_id.astype(np.int64)
    scrambled = number * _STRIDE % _PRIME
    ssn = np.char.add("9", np.char.zfill(scrambled.astype(str), 8))
    typo = np.where(luck[0] < figures["typo"], rng.integers(0, len(KINDS), count), -1)
    return Identifiers(
        ssn=ssn,
        mbi=_spell_mbi(scrambled, lead=1),
        earlier_mbi=_spell_mbi(scrambled, lead=2),
        hicn=np.char.add(ssn, "A"),
        typo=typo,
        is_replaced=luck[1] < figures["identifier_change"],
        first_name=Coded(rng.integers(0, len(_FIRST), count), tuple(_FIRST)),
        last_name=Coded(rng.integers(0, len(_LAST), count), tuple(_LAST)),
    )


def mistype(texts: np.ndarray, wrong: np.ndarray) -> np.ndarray:
    """Return the texts; where `wrong`, the last two characters are swapped or one is changed."""
    result = texts.copy()
    for row in np.flatnonzero(wrong):
        text = str(texts[row])
        swapped = text[:-2] + text[-1] + text[-2]
        last = "1" if text[-1] == "0" else "0"
        result[row] = swapped if swapped != text else text[:-1] + last
    return result


def _spell_mbi(number: np.ndarray, *, lead: int) -> np.ndarray:
    """Spell numbers under 10^8 as MBIs: 1S00A00AA00 with letters and digits in their places."""
    rest = number.copy()
    characters = np.empty((number.size, 11), dtype=np.uint8)
    characters[:, 0] = _DIGITS[lead]
    characters[:, 1] = ord("S")
    # Places 3 to 11: digit, digit, letter, digit, digit, letter, letter, digit, digit.
    for place, alphabet in zip(
        range(10, 1, -1),
        (_DIGITS, _DIGITS, _ALPHA, _ALPHA, _DIGITS, _DIGITS, _ALPHA, _DIGITS, _DIGITS),
        strict=True,
    ):
        characters[:, place] = alphabet[rest % alphabet.size]
        rest //= alphabet.size
    return characters.view("S11").reshape(-1).astype("U11")
