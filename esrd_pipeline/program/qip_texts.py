"""Arrays of text beside the facilities: a reason, a source, or None."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from esrd_pipeline.program.qip_arithmetic import Bools

Texts = NDArray[np.object_]


def no_texts(count: int) -> Texts:
    """An array of as many Nones."""
    return np.full(count, None, dtype=object)


def is_silent(texts: Texts) -> Bools:
    """Where there is no text."""
    return np.asarray(pd.isna(texts), dtype=bool)


def text_where(where: Bools, text: str) -> Texts:
    """The text where it applies, None elsewhere."""
    texts = no_texts(len(where))
    texts[where] = text
    return texts
