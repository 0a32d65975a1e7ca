"""Codes that CMS's files print where a facility has no value, and for which reason.

The facility file of April 2026 has code 199 for facilities with 1 to 10 patients and 201 for those
without any; 256, 257 or 259 for those without any that do not offer what the measure is of; else
258 for those with too few that were certified since the measure's period began (reading 301).
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from esrd_pipeline.families.published_reasons import AVAILABLE
from esrd_pipeline.parameters.reasons import PUBLISHED_CODES, find_footnote, find_reason
from esrd_pipeline.sources.qip_footnotes import render_code

NO_ROW = "no_row"
SUPPRESSED = "suppressed_small_count"
SMALL = ("below_minimum_units", SUPPRESSED)
"""Reasons for which a count is rendered as below their number, e.g. "<11"."""
NO_CODE = "-"
"""In reason_footnote.csv: CMS's list says nothing of the kind."""
_NOBODY = ("no_eligible_patient_month", "no_patient_at_risk", "nothing_in_denominator")
_TOO_FEW = (
    *(*SMALL, *_NOBODY),
    "below_minimum_expected",
    "no_expected_events",
    "no_index_discharge",
)
_NOT_OFFERED = "service_not_offered"
_NEW = "opened_in_period"
_SERVICES = {
    "ktv_adult_hd": "has_in_center_hemodialysis",
    "ltc": "has_in_center_hemodialysis",
    "sfr": "has_in_center_hemodialysis",
    "ktv_adult_pd": "has_peritoneal_dialysis",
}
"""Column of the facility file that says whether a measure's patients are treated there."""
_OF_CHILDREN = ("ktv_pediatric_hd", "ktv_pediatric_pd", "npcr")
"""Of whom no column says whether they are treated."""


class Why(NamedTuple):
    """Why a row has no value: code and number of its reason."""

    reason: str
    number: float


def explain_absence(
    measure: str,
    reasons: Sequence[Why | None],
    facilities: Mapping[str, pd.Series],
    performance_year: int,
) -> list[Why | None]:
    """Return the reasons of a DFC measure's rows as the facility file tells them.

    `facilities` are the file's columns, in the order of `reasons`. Reasons other than too few
    patients stay as they are.
    """
    certified = pd.to_datetime(facilities["certification_date"]).to_numpy("datetime64[D]")
    is_new = certified >= np.datetime64(f"{performance_year}-01-01")
    lacks = np.full(len(reasons), fill_value=measure in _OF_CHILDREN)
    column = _SERVICES.get(measure)
    if column is not None and column in facilities:
        lacks = ~facilities[column].to_numpy(dtype=bool, na_value=True)
    return [
        Why(_NOT_OFFERED, np.nan)
        if why is not None and why.reason in _NOBODY and lack
        else Why(_NEW, np.nan)
        if why is not None and why.reason in _TOO_FEW and new
        else why
        for why, new, lack in zip(reasons, is_new, lacks, strict=True)
    ]


def list_codes(source: str, measure: str, why: Why | None) -> list[str]:
    """Return the availability code, or the footnotes, of a reason.

    CMS's own codes are kept; reason_footnote.csv has those of other reasons, and says of which
    ones CMS's list of footnotes has none.

    Raises:
        LookupError: a source that requires a code has none for the reason.
    """
    is_footnote = source == "qip_complete"
    if why is None:
        return [] if is_footnote else [AVAILABLE]
    own = PUBLISHED_CODES["qip_footnote" if is_footnote else "availability_code"]
    day = f"{why.number:.0f}"[4:] if find_reason(why.reason.split()[0]).takes_date else ""
    found = [
        render_code(part.removeprefix(own))
        if part.startswith(own)
        else find_footnote(source, measure, part, day)
        for part in why.reason.split()
    ]
    codes = list(dict.fromkeys(code for code in found if code not in (None, NO_CODE)))
    if not codes and not is_footnote:
        raise LookupError(f"reason_footnote.csv has no code of {source} for {why.reason}")
    return codes
