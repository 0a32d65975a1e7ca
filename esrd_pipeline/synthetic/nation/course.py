"""The current state and earlier spells of a market's patients while trajectories are drawn."""

from dataclasses import dataclass, field

import numpy as np

from esrd_pipeline.synthetic.nation.facilities import Market
from esrd_pipeline.synthetic.nation.figures import NEVER
from esrd_pipeline.synthetic.nation.people import People


@dataclass(slots=True)
class Course:
    """The current state of all patients while their trajectories are drawn."""

    market: Market
    people: People
    rng: np.random.Generator
    more: np.random.Generator
    horizon: int
    now: np.ndarray
    facility: np.ndarray
    modality: np.ndarray
    begin: np.ndarray
    reason: np.ndarray
    is_restless: np.ndarray
    is_failing: np.ndarray
    death: np.ndarray
    is_withdrawn: np.ndarray
    spells: list[tuple[np.ndarray, ...]] = field(default_factory=list)

    def close(
        self, who: np.ndarray, day: np.ndarray, discharged: np.ndarray | int, *, state: int = 0
    ) -> None:
        """Record the spell of `who` that ends on `day`."""
        reason = np.broadcast_to(discharged, who.shape)
        self.spells.append(
            (
                who,
                np.full(who.shape, state),
                self.facility[who],
                self.modality[who],
                self.begin[who],
                day,
                self.reason[who],
                reason,
            )
        )

    def open(self, who: np.ndarray, day: np.ndarray, reason: np.ndarray | int) -> None:
        """Begin a dialysis spell of `who` on `day`."""
        self.begin[who] = day
        self.now[who] = day
        self.reason[who] = reason

    def stop(self, who: np.ndarray) -> None:
        """Stop following `who`."""
        self.now[who] = NEVER
        self.is_failing[who] = False
