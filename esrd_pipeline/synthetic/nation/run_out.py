"""Run-out: a year's files also hold the claims of the first months after it.

An agency cuts a year's extract when most of its claims have come in, some months later; by then the
extract holds the first claims of the next year, which the next year's files hold again. They are
of the people whom the year's enrollment file knows.
"""

from collections.abc import Mapping
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from esrd_pipeline.tables.medicare import PARTS, SETTINGS

MONTHS = 2
"""Months after the year whose claims its files hold."""


def add_run_out(
    now: Mapping[str, pa.Table], following: Mapping[str, pa.Table], year: int
) -> dict[str, pa.Table]:
    """Return a year's files with the next year's claims that end in its first months.

    Args:
        now: the year's rows by file.
        following: the next year's claims by file.
        year: the calendar year of `now`.
    """
    until = date(year + 1, MONTHS + 1, 1)
    extended, known = dict(now), now["medicare_enrollment"]["BENE_ID"].combine_chunks()
    bases = [
        *(
            (f"{setting}_base", [f"{setting}_{part}" for part in PARTS.values()])
            for setting in SETTINGS
        ),
        ("carrier_claim", ["carrier_claim", "carrier_line"]),
    ]
    for base, files in bases:
        claims = following[base]
        early = pc.call_function("less", [claims["CLM_THRU_DT"], pa.scalar(until, pa.date32())])
        theirs = pc.call_function("is_in", [claims["BENE_ID"]], pc.SetLookupOptions(known))
        numbers = claims["CLM_ID"].filter(pc.call_function("and", [early, theirs]))
        # A block without such lines has no such file.
        for name in set(files) & set(following):
            rows = following[name]
            belongs = pc.call_function(
                "is_in", [rows["CLM_ID"]], pc.SetLookupOptions(numbers.combine_chunks())
            )
            extended[name] = pa.concat_tables(
                [*(now[file] for file in (name,) if file in now), rows.filter(belongs)]
            )
    return extended
