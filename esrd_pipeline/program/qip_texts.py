"""Arrays with one text per facility: a reason, a source, or None."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from esrd_pipeline.program.qip_arithmetic import Bools

Texts = NDArray[np.object_]


def no_texts(count: int) -> Texts:
    """Return an array of `count` Nones."""
    return np.full(count, None, dtype=object)


def is_silent(texts: Texts) -> Bools:
    """Return where there is no text."""
    return np.asarray(pd.isna(texts), dtype=bool)


def text_where(where: Bools, text: str) -> Texts:
    """Return an array with the text where it applies and None elsewhere."""
    texts = no_texts(len(where))
    texts[where] = text
    return texts
