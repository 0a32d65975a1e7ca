"""Random streams, so that each year can be drawn without drawing earlier years.

Every stream is seeded by the generator's seed, a year (0 for permanent properties of a facility)
and a purpose, so that adding a draw for one purpose changes no other.
"""

import zlib

import numpy as np

from esrd_pipeline.synthetic.figures import load_figures

FOR_GOOD = 0
"""The year of a stream for permanent properties."""


def stream(seed: int, year: int, purpose: str) -> np.random.Generator:
    """Return the random stream of one purpose in one year."""
    return np.random.default_rng([seed, year, zlib.crc32(purpose.encode())])


def draw_lasting(*, seed: int, year: int, purpose: str, count: int) -> np.ndarray:
    """Draw a standard normal value for each facility that changes slowly over the years.

    The value is a permanent part plus an autoregressive part, computed as a weighted sum of a
    short window of yearly innovations, so that no year needs the state of another.
    """
    figures = load_figures()
    memory, window = figures["yearly_memory"], int(figures["memory_years"])
    weights = memory ** np.arange(window + 1)
    weights /= np.sqrt(np.sum(weights**2))
    yearly = sum(
        weight * stream(seed, year - lag, purpose).standard_normal(count)
        for lag, weight in enumerate(weights)
    )
    kept = figures["persistent_variance"]
    lasting = stream(seed, FOR_GOOD, purpose).standard_normal(count)
    return np.sqrt(kept) * lasting + np.sqrt(1 - kept) * yearly
