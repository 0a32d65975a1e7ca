"""Hospitals other than short stay hospitals, by CMS's number ranges of types (manual 3.3.2)."""

WARDS = (
    "short stay hospital",
    "psychiatric hospital",
    "psychiatric unit",
    "rehabilitation hospital",
    "rehabilitation unit",
    "long-term hospital",
    "critical access hospital",
    "cancer hospital",
)
"""Kinds of wards; every market has one of each except the last."""
(
    ACUTE,
    PSYCHIATRIC,
    PSYCHIATRIC_UNIT,
    REHABILITATION,
    REHABILITATION_UNIT,
    LONG_TERM,
    CRITICAL_ACCESS,
    CANCER,
) = range(8)
CANCER_HOSPITALS = {
    "05": "050146",
    "10": "100079",
    "22": "220162",
    "33": "330154",
    "36": "360242",
    "39": "390196",
    "45": "450076",
    "50": "500138",
}
"""One hospital exempt from the prospective payment system for each state that has any
(42 CFR 412.23(f); CMS list of PPS-exempt cancer hospitals)."""


def name_special(hospitals: tuple[str, ...], place: int) -> tuple[str, ...]:
    """Return the numbers of a market's wards from the second on that exist.

    Args:
        hospitals: the market's short stay hospitals.
        place: index of the market in its state, from 0.
    """
    prefix = hospitals[0][:2]
    return (
        f"{prefix}{4000 + place % 500:04d}",
        f"{prefix}S{hospitals[0][3:]}",
        f"{prefix}{3025 + place % 75:04d}",
        f"{prefix}T{hospitals[1][3:]}",
        f"{prefix}{2000 + place % 300:04d}",
        f"{prefix}{1300 + place % 100:04d}",
        *(number for state, number in CANCER_HOSPITALS.items() if state == prefix),
    )
