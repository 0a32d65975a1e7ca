"""Hospital stays that a planted activity prevents."""

import numpy as np

from esrd_pipeline.synthetic.nation.facilities import Market
from esrd_pipeline.synthetic.nation.stays import GRAFT, Stays


def prevent_stays(stays: Stays, market: Market, rng: np.random.Generator) -> Stays:
    """Return the stays that happen in spite of activities.

    From its start on each of a facility's stays happens with the probability that is the activity's
    rate ratio, but those in which the patient dies or receives a graft happen all. Nothing else is
    drawn anew: the nation is the one without the activity less these stays.
    """
    start, ratio = market.numbers("activity_start"), market.numbers("activity_ratio")
    if (ratio == 1).all():
        return stays
    is_after = stays.admit >= start[stays.facility]
    is_lucky = rng.random(stays.admit.size) >= ratio[stays.facility]
    return stays.rows(~(is_after & is_lucky & ~stays.is_death & (stays.kind != GRAFT)))
