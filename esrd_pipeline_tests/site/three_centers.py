"""Tables of three centers: two in New York, one far from them in Los Angeles."""

import math

import pandas as pd

from esrd_pipeline.site.data import SiteData
from esrd_pipeline.tables.model import Table

YEAR = 2024
NEAR, BESIDE, FAR = "332500", "332501", "052500"


def _directory() -> pd.DataFrame:
    rows = [
        (NEAR, "MIDTOWN DIALYSIS", "NEW YORK", "NY", "10001", 24, True, True),
        (BESIDE, "BROOKLYN <HOME>", "BROOKLYN", "NY", "11201", None, None, True),
        (FAR, "LA DIALYSIS", "LOS ANGELES", "CA", "90011", 12, True, False),
    ]
    names = ("ccn", "facility_name", "city", "state", "zip_code", "station_count")
    offers = ("has_in_center_hemodialysis", "has_peritoneal_dialysis")
    frame = pd.DataFrame(rows, columns=[*names, *offers])
    return frame.assign(
        performance_year=YEAR,
        network="2",
        chain_organization=None,
        has_home_hemodialysis_training=False,
    )


def _contract() -> pd.DataFrame:
    rows = [
        (NEAR, "dfc", "shr", 1.4, 100.0),
        (NEAR, "dfc", "ltc", 7.0, 40.0),
        (BESIDE, "dfc", "shr", 0.9, 80.0),
        (BESIDE, "dfc", "ltc", 0.4, 50.0),
        (FAR, "dfc", "ltc", 30.0, 5.0),  # fewer than 11 patients
    ]
    frame = pd.DataFrame(rows, columns=["ccn", "program", "measure", "value", "unit_count"])
    return frame.assign(
        performance_year=YEAR,
        unit="patients",
        patients=frame["unit_count"],
        numerator=math.nan,
        denominator=math.nan,
        lower=math.nan,
        upper=math.nan,
        reportable=True,
        reason=None,
        reason_number=math.nan,
    )


def _flags() -> pd.DataFrame:
    rows = [(NEAR, "shr", 100.0, 1.4, "worse"), (BESIDE, "shr", 80.0, 0.9, "as")]
    frame = pd.DataFrame(rows, columns=["ccn", "measure", "unit_count", "value", "category"])
    return frame.assign(performance_year=YEAR, unit="patients", lower=0.5, upper=1.5, reason=None)


def _scores() -> pd.DataFrame:
    rows = [(NEAR, "shr", 4), (BESIDE, "shr", 8), (NEAR, "ltc", 7), (BESIDE, "ltc", 7)]
    frame = pd.DataFrame(rows, columns=["ccn", "measure", "score"])
    return frame.assign(
        performance_year=YEAR,
        payment_year=YEAR + 2,
        domain="care_coordination",
        role="measure",
        parent=None,
        unit="patients",
        unit_count=100.0,
        **dict.fromkeys(("rate", "adjusted_rate", "improvement_rate", "benchmark"), 0.5),
        **dict.fromkeys(("achievement_threshold", "weight_in_domain", "weight_in_parent"), 0.5),
        **dict.fromkeys(("achievement_score", "improvement_score", "reason_number"), math.nan),
        **dict.fromkeys(("applied", "reason"), None),
    )


def _tps() -> pd.DataFrame:
    rows = [(NEAR, 40, 1.0), (BESIDE, 70, 0.0), (FAR, None, 0.0)]
    frame = pd.DataFrame(rows, columns=["ccn", "tps", "payment_reduction"])
    return frame.assign(performance_year=YEAR, payment_year=YEAR + 2, minimum_tps=53, reason=None)


def make_frames() -> dict[str, pd.DataFrame]:
    """Return the stored tables by name."""
    return {
        "facility.directory": _directory(),
        "facility.contract": _contract(),
        "facility.level": pd.DataFrame(
            {"program": "dfc", "measure": ["shr", "ltc"], "national": [1.0, 19.0]}
        ).assign(performance_year=YEAR, facility_count=3),
        "program.flags": _flags(),
        "program.stars": pd.DataFrame({"ccn": [NEAR], "rating": [4], "published_rating": [3]}),
        "program.qip_measure_score": _scores(),
        "program.qip_tps": _tps(),
        "raw.dfc_facility": pd.DataFrame(
            {
                "ccn": [NEAR, BESIDE],
                "address_line_1": ["1 MAIN ST", "2 MAIN ST"],
                "address_line_2": [None, "FLOOR 2"],
                "telephone_number": ["(212) 555-0100", None],
                "has_late_shift": [True, False],
                "five_star": [2.0, 5.0],
            }
        ),
    }


def make_data(frames: dict[str, pd.DataFrame] | None = None) -> SiteData:
    """Return what the pages are made from; by default of make_frames."""
    stored = make_frames() if frames is None else frames

    def read(table: Table, year: int) -> pd.DataFrame | None:
        return stored.get(table.name) if year == YEAR else None

    return SiteData(read, YEAR)
