"""How facilities' SHR goes with their other measures, as SHR's 2025 submission tests it."""

import numpy as np
import pandas as pd

from esrd_pipeline.parameters.rows import load_rows
from esrd_pipeline.statistics.reliability import correlate_ranks
from esrd_pipeline.tables.report import SHR_VALIDITY


def correlate_with_shr(performance_year: int, contract: pd.DataFrame) -> pd.DataFrame:
    """Return report.shr_validity from the facility contract: reportable values of DFC alone.

    Spearman's correlation over the facilities that have both measures; none below three of them.
    """
    rows = contract[(contract["program"] == "dfc") & contract["reportable"].astype(bool)]
    listed = load_rows("shr_validity")
    names = ["shr", *(row["measure"] for row in listed)]
    values = (
        rows[rows["measure"].isin(names)]
        .pivot_table(index="ccn", columns="measure", values="value", sort=True)
        .reindex(columns=names)
    )
    found = correlate_ranks(
        measure=values["shr"].to_numpy(dtype=np.float64, na_value=np.nan),
        others={
            name: values[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in names[1:]
        },
    )
    frame = pd.DataFrame(
        {
            "measure": names[1:],
            "performance_year": performance_year,
            "rho": [one.rho for one in found],
            "p_value": [one.p_value for one in found],
            "facility_count": [one.pairs for one in found],
            "expected_sign": [int(row["expected_sign"]) for row in listed],
            "published_rho": [float(row["published_rho"]) for row in listed],
        }
    )
    return frame[SHR_VALIDITY.column_names]
