"""When patients join the waitlist: at a hazard that falls with time and follows the facility."""

from dataclasses import dataclass

import numpy as np

from esrd_pipeline.synthetic.nation.facilities import Market
from esrd_pipeline.synthetic.nation.figures import NEVER, load_figures


@dataclass(slots=True)
class Need:
    """How much each patient still needs to be listed; shapes are (patients,).

    Time is told as the share of the hazard of all years that is spent, from 0 on the first day
    to 1; a facility's effect multiplies what each moment counts for.

    Attributes:
        left: what is missing, in moments of a facility without an effect.
        since: the time at which that held.
        stay: days on the waitlist until removal for other reasons.
        can: false for those too old and those listed before their first dialysis.
    """

    left: np.ndarray
    since: np.ndarray
    stay: np.ndarray
    can: np.ndarray


def spend(days: np.ndarray) -> np.ndarray:
    """Return the share of the hazard of all years that is spent after some days."""
    return -np.expm1(-np.maximum(days, 0) / load_figures()["listing_delay_days"])


def list_days(
    need: Need, who: np.ndarray, effect: np.ndarray, start: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the days on which `who` join and leave the waitlist if they stay where they are.

    Args:
        need: the patients'.
        who: of them.
        effect: log hazard ratio of each one's facility.
        start: each one's first day.

    Returns:
        First days and days of removal, `NEVER` for those never listed.
    """
    time = need.since[who] + need.left[who] * np.exp(-effect)
    is_listed = need.can[who] & (time < 1)
    delay = -load_figures()["listing_delay_days"] * np.log1p(-np.minimum(time, 1 - 1e-9))
    listed = np.where(is_listed, start + delay, NEVER)
    removed = np.where(is_listed, np.minimum(listed + need.stay[who], NEVER), NEVER)
    return listed.astype(np.int32), removed.astype(np.int32)


def follow_move(
    market: Market,
    need: Need,
    who: np.ndarray,
    *,
    before: np.ndarray,
    now: np.ndarray,
    start: np.ndarray,
) -> None:
    """Take what the time at a facility counted for off the need of those who leave it.

    Args:
        market: theirs.
        need: theirs; changed.
        who: leave a facility.
        before: that facility.
        now: the day.
        start: each one's first day.
    """
    time = np.maximum(spend(now - start), need.since[who])
    counted = (time - need.since[who]) * np.exp(market.numbers("waitlist")[before])
    need.left[who] = np.maximum(need.left[who] - counted, 0)
    need.since[who] = time
