"""Waitlist entry of patients, with a hazard that falls with time and depends on the facility."""

from dataclasses import dataclass

import numpy as np

from esrd_pipeline.synthetic.nation.facilities import Market
from esrd_pipeline.synthetic.nation.figures import NEVER, load_figures


@dataclass(slots=True)
class Need:
    """The remaining cumulative hazard until each patient is listed; shapes are (patients,).

    Time is measured as the share of the hazard of all years that has passed, from 0 on the first
    day to 1; a facility's effect multiplies the hazard.

    Attributes:
        left: remaining hazard, in units of a facility without an effect.
        since: the time at which `left` was computed.
        stay: days on the waitlist until removal for other reasons.
        can: false for patients who are too old or were listed before their first dialysis.
    """

    left: np.ndarray
    since: np.ndarray
    stay: np.ndarray
    can: np.ndarray


def spend(days: np.ndarray) -> np.ndarray:
    """Return the share of the hazard of all years that has passed after some days."""
    return -np.expm1(-np.maximum(days, 0) / load_figures()["listing_delay_days"])


def list_days(
    need: Need, who: np.ndarray, effect: np.ndarray, start: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the days on which `who` join and leave the waitlist if they stay at their facility.

    Args:
        need: remaining hazards of all patients.
        who: the patients to list.
        effect: log hazard ratio of each one's facility.
        start: each one's first day.

    Returns:
        First days and days of removal, `NEVER` for patients who are never listed.
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
    """Subtract the hazard at a facility from the remaining hazard of patients who leave it.

    Args:
        market: the patients' market.
        need: remaining hazards, modified in place.
        who: the patients who leave a facility.
        before: the facility that each one leaves.
        now: the day.
        start: each one's first day.
    """
    time = np.maximum(spend(now - start), need.since[who])
    counted = (time - need.since[who]) * np.exp(market.numbers("waitlist")[before])
    need.left[who] = np.maximum(need.left[who] - counted, 0)
    need.since[who] = time
