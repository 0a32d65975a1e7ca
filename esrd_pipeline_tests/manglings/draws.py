"""Which manglings are tried: kinds in turn, files and places by chance, all by the seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from esrd_pipeline_tests.manglings.cells import CELLS
from esrd_pipeline_tests.manglings.files import File
from esrd_pipeline_tests.manglings.trial import Contents
from esrd_pipeline_tests.manglings.whole import WHOLE, Mangle

KINDS: Mapping[str, Mangle] = {**WHOLE, **CELLS}
"""By what is wrong."""


class Draw(Random):
    """A generator, with a number for what a whole mangling has in common."""

    def __init__(self, seed: str) -> None:
        """Begin with a seed."""
        super().__init__(seed)
        self.form = self.getrandbits(31)


@dataclass(frozen=True)
class Mangling:
    """One mangling, which its seed makes again."""

    kind: str
    seed: str
    files: Sequence[File]

    def contents(self) -> Contents:
        """Return what it puts into the folder; nothing where no file can be mangled so."""
        draw = Draw(self.seed)
        for file in draw.sample(self.files, len(self.files)):
            made = KINDS[self.kind](file, draw)
            if made is not None:
                return made
        raise LookupError(self.kind)

    def __str__(self) -> str:
        """Return what makes it again."""
        return f"[{self.seed}] {self.kind}"


def draw_manglings(
    files: Sequence[File], seed: int, count: int, *, kinds: Sequence[str] = tuple(KINDS)
) -> list[Mangling]:
    """Return manglings of each kind in turn; the first ones do not depend on how many are drawn."""
    return [
        Mangling(kind, f"{seed}.{place // len(kinds)}.{kind}", files)
        for place, kind in ((place, kinds[place % len(kinds)]) for place in range(count))
    ]
