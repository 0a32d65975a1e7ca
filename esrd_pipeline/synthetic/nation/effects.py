"""The true effects of facilities and hospitals on their patients' outcomes."""

import numpy as np
import pandas as pd

from esrd_pipeline.synthetic.draws import FOR_GOOD, stream
from esrd_pipeline.synthetic.nation.figures import OUTCOMES, load_figures

_HOSPITAL_STREAM = (0, 1)
POOR = {
    "hospitalisation": 1,
    "mortality": 1,
    "readmission": 1,
    "transfusion": 1,
    "waitlist": -1,
    "emergency": 1,
    "modality_switch": -1,
    "catheter": 1,
    "fistula": -1,
    "adequacy": -1,
}
"""Sign of each outcome: whether it is more or less frequent if care is poor."""
EARLY = OUTCOMES[:7]
"""Outcomes drawn from the nation's original stream; the others have their own stream."""


def draw_effects(count: int, seed: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw normal effects with one common factor, and make some facilities outliers.

    An outcome's standard deviation is its figure's, for any share of the common factor.

    Args:
        count: number of facilities.
        seed: seed of the nation.
        rng: the nation's original stream.

    Returns:
        One row per facility: every outcome's effect, `quality` (the common factor, high if care
        is good) and `outlier`, the outcome on which it is an outlier, if any.
    """
    figures, more = load_figures(), stream(seed, FOR_GOOD, "nation effects")
    own = {name: rng.standard_normal(count) for name in EARLY}
    is_outlier = rng.random(count) < figures["outlier_share"]
    which = rng.integers(len(OUTCOMES), size=count)
    sign = np.where(rng.random(count) < 1 / 2, 1.0, -1.0)
    quality = more.standard_normal(count)
    own |= {name: more.standard_normal(count) for name in OUTCOMES if name not in own}
    shared = figures["effect_common"]
    effects: dict[str, np.ndarray] = {}
    for place, name in enumerate(OUTCOMES):
        drawn = np.sqrt(1 - shared**2) * own[name] - shared * POOR[name] * quality
        pushed = (is_outlier & (which == place)) * sign * figures["outlier_effect"]
        effects[name] = figures[f"effect_{name}"] * drawn + pushed
    names = np.array([*OUTCOMES, ""], dtype=object)
    outlier = names[np.where(is_outlier, which, len(OUTCOMES))]
    return pd.DataFrame({**effects, "quality": quality, "outlier": outlier})


def draw_hospital_effects(market: int, count: int, seed: int) -> np.ndarray:
    """Draw each hospital's effect on readmissions after its discharges: log odds."""
    rng = np.random.default_rng([*_HOSPITAL_STREAM, seed, market])
    return load_figures()["effect_hospital"] * rng.standard_normal(count)


def describe_effects(nation: pd.DataFrame) -> pd.DataFrame:
    """Return the true effects as one row per facility and outcome."""
    rows = nation.melt(
        id_vars=["facilityid", "number", "next_number", "market", "quality"],
        value_vars=list(OUTCOMES),
        var_name="outcome",
        value_name="effect",
    )
    outlier = dict(zip(nation["facilityid"], nation["outlier"], strict=True))
    rows["is_outlier"] = rows["facilityid"].map(outlier) == rows["outcome"]
    return rows.rename(columns={"number": "ccn", "next_number": "next_ccn"})
