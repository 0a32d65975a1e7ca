"""Rank correlations of SHR with facilities' other measures."""

import numpy as np
import pandas as pd
import pytest

from esrd_pipeline.families.validity import correlate_with_shr
from esrd_pipeline.tables.facility import CONTRACT_COLUMNS
from esrd_pipeline.tables.report import SHR_VALIDITY

COLUMNS = [column.name for column in CONTRACT_COLUMNS]


def facilities(measure: str, *values: float, program: str = "dfc") -> pd.DataFrame:
    frame = pd.DataFrame({"value": values}).assign(
        ccn=[f"{number:06d}" for number in range(len(values))],
        program=program,
        measure=measure,
        reportable=True,
    )
    return frame.reindex(columns=COLUMNS)


def test_ranks_and_not_sizes_tell_how_two_measures_go_together() -> None:
    contract = pd.concat(
        [
            facilities("shr", 0.8, 0.9, 1.0, 1.6),
            facilities("smr", 0.1, 0.2, 0.3, 9.0),
            facilities("sfr", 70.0, 60.0, 50.0, 1.0),
            # The QIP's are not read.
            facilities("srr", 4.0, 3.0, 2.0, 1.0, program="qip"),
        ]
    )
    table = correlate_with_shr(2024, contract)
    assert table.columns.tolist() == SHR_VALIDITY.column_names
    rows = table.set_index("measure")
    assert rows.loc[["smr", "sfr"], "rho"].tolist() == [1.0, -1.0]
    assert rows.loc["smr", "facility_count"] == 4
    assert np.isnan(rows.loc["srr", "rho"])
    assert rows.loc["srr", "facility_count"] == 0


def test_a_facility_that_is_not_reported_is_not_compared() -> None:
    contract = pd.concat(
        [facilities("shr", 1.0, 2.0, 3.0, 4.0), facilities("ltc", 1.0, 3.0, 2.0, 0.0)]
    ).reset_index(drop=True)
    contract.loc[contract["ccn"] == "000003", "reportable"] = False
    row = correlate_with_shr(2024, contract).set_index("measure").loc["ltc"]
    # Ranks 1 2 3 against 1 3 2: 1 - 6 (0 + 1 + 1) / (3 x 8).
    assert row["rho"] == pytest.approx(0.5)
    assert row["facility_count"] == 3


def test_the_submissions_own_figures_stand_beside() -> None:
    rows = correlate_with_shr(2024, facilities("shr", 1.0, 2.0)).set_index("measure")
    assert rows["published_rho"].to_dict() == {
        "sfr": -0.18,
        "ktv_adult_hd": -0.24,
        "ltc": 0.18,
        "smr": 0.13,
        "srr": 0.42,
        "strr": 0.30,
    }
    assert (np.sign(rows["published_rho"]) == rows["expected_sign"]).all()
