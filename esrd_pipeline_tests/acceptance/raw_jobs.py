"""Jobs on a nation's raw files in this process, without what no test here reads."""

from pathlib import Path

import pandas as pd
import pytest

from esrd_pipeline.families import cross_check
from esrd_pipeline.measures.specification import Specification
from esrd_pipeline.orchestration import pictures
from esrd_pipeline.statistics.fit import FitError
from esrd_pipeline_tests.session import keep_events_in_memory

RESET = 2022
"""The first of the four years."""


def read_from(raw: Path, folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Let jobs read these raw files and store below the folder."""
    patch.setenv("ESRD_DATA_DIR", str(folder))
    patch.setenv("ESRD_PATIENT_DIR", str(raw))
    # Its lists of granted exceptions, and no published file.
    patch.setenv("ESRD_PUBLISHED_DIR", str(raw))
    keep_events_in_memory(patch)
    patch.setattr(cross_check, "compare_fit", _compare_in_first_year)


def leave_out_pictures(patch: pytest.MonkeyPatch) -> None:
    """Store empty pictures: those of the measured nation are drawn, and `test_pictures` has all."""
    patch.setattr(pictures, "render", lambda *_: b"")


_compare_fit = cross_check.compare_fit


def _compare_in_first_year(
    specification: Specification, performance_year: int, *rows: object, **drawn: object
) -> pd.DataFrame:
    """Ask the other library once, not in every year: it takes as long as the fit."""
    if performance_year != RESET:
        raise FitError("another library is asked in the first year only")
    return _compare_fit(specification, performance_year, *rows, **drawn)
