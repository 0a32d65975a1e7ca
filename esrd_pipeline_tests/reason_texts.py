"""What people read of a row's reason: its code, number and unit in words."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from esrd_pipeline.parameters.reasons import describe_rows


def text_of(row: Mapping[Any, Any] | pd.Series) -> str | None:
    """The text of a row's reason; None where it has none."""
    (text,) = describe_rows(pd.DataFrame([dict(row)]))
    return text
