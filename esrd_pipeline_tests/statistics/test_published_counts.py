"""CMS's printed limits of SMR, SWR, SMoSR and the infection ratio are those of whole counts.

Neither observed nor expected events are printed. A facility fits if one whole number of events and
one number of expected events give its value and both limits at the printed digits.
"""

import numpy as np
import pandas as pd
import pytest

from esrd_pipeline.statistics.design import FloatArray
from esrd_pipeline.statistics.poisson_test import find_exact_limits, find_null_limits
from esrd_pipeline_tests.shared_files import CMS_PUBLIC, needs_cms_public

pytestmark = needs_cms_public

COLUMNS = {
    "smr": (
        "Mortality Rate (Facility)",
        "Mortality Rate: Upper Confidence Limit (97.5%)",
        "Mortality Rate: Lower Confidence Limit (2.5%)",
        "Number of Patients included in survival summary",
    ),
    "swr": (
        "First Year Standardized Kidney Transplant Waitlist Ratio",
        "95% C.I. (upper limit) for FYSWR",
        "95% C.I. (lower limit) for FYSWR",
        "Number of patients in this facility for FYSWR",
    ),
    "smosr": (
        "SMoSR: Standardized Modality Switch Ratio (FACILITY)",
        "SMoSR: Upper Confidence Limit (FACILITY)",
        "SMoSR: Lower Confidence Limit (FACILITY)",
        "SMoSR: Number of Eligible patients (FACILITY)",
    ),
    "nhsn_bsi": (
        "Standard Infection Ratio",
        "SIR: Upper Confidence Limit (97.5%)",
        "SIR: Lower Confidence Limit (2.5%)",
        "Standard Infection Ratio",
    ),
}
EVENTS = np.arange(201.0)
ROUNDING = 1e-9


def read(measure: str) -> FloatArray:
    """Return value, upper and lower limit and patients of the facilities with a value."""
    names = list(COLUMNS[measure])
    path = CMS_PUBLIC / "DFC_FACILITY_2026-04.csv"
    rows = pd.read_csv(path, dtype=str, usecols=names).apply(pd.to_numeric, errors="coerce")
    return rows.dropna(subset=names[:1])[names].to_numpy(float).T


def fit_counts(
    printed: FloatArray, limits: tuple[FloatArray, FloatArray], *, half: float
) -> tuple[np.ndarray, FloatArray]:
    """Return which facilities fit, and the fewest value units of expected events of each.

    `limits` are those of EVENTS for one expected event; a lower limit that is not printed fits any.
    """
    lower, upper = limits
    least, most = np.zeros((2, printed.shape[1], EVENTS.size))
    most += np.inf
    for shown, counts in zip(printed[:3], (EVENTS, upper, lower), strict=True):
        known = ~np.isnan(shown)
        least[known] = np.maximum(least[known], counts / (shown[known, None] + half))
        low = shown[known, None] - half
        beyond = np.divide(counts, low, out=np.full(least[known].shape, np.inf), where=low > 0)
        most[known] = np.minimum(most[known], beyond)
    has_value = (EVENTS > 0) | (printed[0][:, None] < half)
    fits = (least <= most * (1 + ROUNDING)) & has_value
    return fits.any(axis=1), np.where(fits, (least + most) / 2, np.inf).min(axis=1)


def find_mid_limits(mean: float = 0.0, deviation: float = 1.0) -> tuple[FloatArray, FloatArray]:
    one = np.ones(EVENTS.size)
    return find_null_limits(EVENTS, one, mean=mean * one, deviation=deviation * one)


@pytest.mark.manual("2.15.14", "2.27.14")
@pytest.mark.parametrize(
    ("measure", "count", "fewest", "most_by_mid"),
    [("swr", 4379, 2.0, 0.13), ("smosr", 6581, 1.0, 0.13)],
)
def test_every_published_waiting_and_switch_ratio_has_exact_limits(
    measure: str, count: int, fewest: float, most_by_mid: float
) -> None:
    printed = read(measure)
    printed = printed[:, printed[1] != 10]  # where the file's upper limits of SMoSR stop
    fits, due = fit_counts(printed, find_exact_limits(EVENTS, np.ones(EVENTS.size)), half=0.005)
    assert fits.sum() == fits.size == count
    assert due.min() == pytest.approx(fewest, abs=0.02)
    fits, _ = fit_counts(printed, find_mid_limits(), half=0.005)
    assert fits.mean() < most_by_mid


def test_every_published_infection_ratio_has_mid_p_limits_rounded_twice() -> None:
    printed = read("nhsn_bsi")
    fits, _ = fit_counts(printed, find_mid_limits(), half=0.0055)
    assert fits.sum() == fits.size == 6479
    fits, _ = fit_counts(printed, find_mid_limits(), half=0.005)
    assert fits.sum() == 6369


@pytest.mark.manual("2.14.14")
def test_published_mortality_has_mid_p_limits_under_a_null_of_its_quartile() -> None:
    """The null's mean and deviation, of the first quartile, were found by trying (reading 291)."""
    printed = read("smr")
    printed = printed[:, (printed[3] < 130) & (printed[0] > 0)]
    fits, due = fit_counts(printed, find_mid_limits(-0.021, 1.204), half=0.05)
    assert (fits.size, fits.mean() > 0.99) == (985, True)
    national = 22.2
    assert due.min() * national == pytest.approx(3, abs=0.02)
    for mean, deviation in ((0.0, 1.0), (-0.021, 1.25), (-0.06, 1.204)):
        fits, _ = fit_counts(printed, find_mid_limits(mean, deviation), half=0.05)
        assert fits.mean() < 0.6
