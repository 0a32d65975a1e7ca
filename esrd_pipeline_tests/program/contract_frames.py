"""Small facility tables for the tests of flags and stars."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from esrd_pipeline.tables.facility import NATIONAL, PUBLISHED, PUBLISHED_RESULT

YEAR = 2024
RATIOS = ("smr", "shr", "srr", "strr", "swr")
PERCENTS = ("sfr", "ltc", "ktv_adult_hd", "hypercalcemia", "pppw")
LOWER_IS_BETTER = ("smr", "shr", "srr", "strr", "ltc", "hypercalcemia")
LEVELS = {"smr": 22.0, "shr": 148.0, "srr": 27.0, "strr": 32.0, "swr": 1.0, "pppw": 16.0}


def make_contract(records: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    """Contract rows of program dfc; a row is reportable unless it gives a reason."""
    rows = [
        {"program": "dfc", "performance_year": YEAR, "reportable": "reason" not in record, **record}
        for record in records
    ]
    frame = pd.DataFrame(rows).reindex(columns=PUBLISHED.column_names)
    numbers = [
        "unit_count",
        "denominator",
        "value",
        "lower",
        "upper",
        "p_value",
        "z",
        "reason_number",
    ]
    return frame.astype(dict.fromkeys(numbers, "float64") | {"reportable": "boolean"})


def contract_of(values: pd.DataFrame) -> pd.DataFrame:
    """Contract rows of a frame of values: index ccn, columns measures, missing left out."""
    records = [
        {"ccn": ccn, "measure": measure, "value": value, "denominator": 100.0}
        for measure in values
        for ccn, value in values[measure].dropna().items()
    ]
    return make_contract(records)


def directory_of(
    values: pd.DataFrame,
    *,
    without_in_center: Sequence[str] = (),
    without_home_training: Sequence[str] = (),
) -> pd.DataFrame:
    """A directory of the facilities of `values`; what is not named is offered."""
    ccns = list(values.index)
    return pd.DataFrame(
        {
            "ccn": ccns,
            "has_in_center_hemodialysis": pd.array(
                [ccn not in without_in_center for ccn in ccns], dtype="boolean"
            ),
            "has_home_hemodialysis_training": pd.array(
                [ccn not in without_home_training for ccn in ccns], dtype="boolean"
            ),
        }
    )


def national_of(levels: Mapping[str, float] | None = None) -> pd.DataFrame:
    """facility.national with the given levels of DFC measures."""
    given = LEVELS if levels is None else levels
    return pd.DataFrame(
        {"program": "dfc", "measure": list(given), "national": list(given.values())}
    ).reindex(columns=NATIONAL.column_names)


def results_of(records: Sequence[Mapping[str, object]] = ()) -> pd.DataFrame:
    """facility.published_result rows of program dfc."""
    rows = [{"program": "dfc", "performance_year": YEAR, **record} for record in records]
    return pd.DataFrame(rows, columns=PUBLISHED_RESULT.column_names)


def draw_values(*, facility_count: int, seed: int, missing_share: float = 0.0) -> pd.DataFrame:
    """Values of every star measure, driven by one hidden quality a facility."""
    rng = np.random.default_rng(seed)
    quality = rng.normal(size=facility_count)
    columns: dict[str, np.ndarray] = {}
    for measure in RATIOS:
        sign = -1 if measure in LOWER_IS_BETTER else 1
        noise = rng.normal(size=facility_count)
        columns[measure] = np.round(np.exp(0.2 * (sign * quality + noise)), 2)
    for measure in PERCENTS:
        sign = -1 if measure in LOWER_IS_BETTER else 1
        noise = rng.normal(size=facility_count)
        columns[measure] = np.round(np.clip(50 + 8 * (sign * quality + noise), 0, 100), 1)
    index = pd.Index([f"{number:06d}" for number in range(1, facility_count + 1)], name="ccn")
    values = pd.DataFrame(columns, index=index)
    return values.mask(rng.random(values.shape) < missing_share)
