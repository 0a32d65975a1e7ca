"""Each event of a facility's patients: date, hospital, claims, and whether it counts or why not.

Manual 2.10.10, 2.11.11, 2.12.11, 2.13.11, 2.14.11, 2.15.11, 2.25.10, 2.26.10, 2.27.11.
"""

from functools import cache

import numpy as np
import pandas as pd

from esrd_pipeline.explanation.document import COUNTED
from esrd_pipeline.explanation.identities import name_hospitals
from esrd_pipeline.explanation.request import Request, list_patients
from esrd_pipeline.families.cohort import PATIENT
from esrd_pipeline.parameters.manual import find_chapters
from esrd_pipeline.parameters.reasons import find_reason
from esrd_pipeline.tables import discharges, linkage, survival

COLUMNS = (
    PATIENT,
    "event",
    "event_date",
    "end_date",
    "hospital_number",
    "hospital_name",
    "claims",
    "counts",
    "why",
    "manual",
)
_KINDS = {
    "shr": ("stay", "hospital admission"),
    "strr": ("transfusion", "transfusion"),
    "sedr": ("encounter", "emergency department visit"),
}
_MANUAL = "Manual v10.1 "
_INDEX_COVID = "index_covid_stay"
_WORDS = {
    "death": "death",
    "waitlisting": "waitlisting or living donor's kidney",
    "switch": "arrival at home dialysis",
    "readmission": "readmission",
    "emergency_after_discharge": "emergency department visit",
}


def list_claimed(request: Request, lines: pd.DataFrame, citation: str) -> pd.DataFrame:
    """Return the events of SHR, STrR or SEDR that fall on a line, in COLUMNS.

    Args:
        request: the facility and measure.
        lines: segments of days with reason, null where at risk here.
        citation: where the manual says that the counted ones count.
    """
    name, words = _KINDS[request.measure]
    found = request.select(name, list_patients(lines))
    placed = _place(found, lines)
    reason = placed["reason"].astype(object)
    if "is_index_covid" in placed:
        is_index = placed["is_index_covid"].astype(bool) & reason.isna()
        reason = reason.where(~is_index, _INDEX_COVID)
    return _finish(request, placed.assign(event=words, reason=reason), citation)


def list_followed(request: Request, lines: pd.DataFrame, citation: str) -> pd.DataFrame:
    """Return the deaths, waitlistings or arrivals at home that fall on a line, in COLUMNS."""
    today = list_patients(lines)
    known = request.read(linkage.EARLIER_PATIENT)
    parts = []
    for year in request.warehouse.years(survival.FOLLOWED_EVENT):
        if not request.year - 3 <= year <= request.year:
            continue
        now = dict(zip(known["earlier_patient_id"], known[PATIENT], strict=True))
        then = [earlier for earlier, number in now.items() if number in set(today)]
        rows = request.read(
            survival.FOLLOWED_EVENT,
            year,
            where={"measure": request.measure, PATIENT: [*today, *map(int, then)]},
        )
        if year < request.year:
            rows = rows.assign(**{PATIENT: rows[PATIENT].map(lambda n, m=now: m.get(n, n))})
        parts.append(rows)
    columns = [PATIENT, "event_date", "kind", "reason", "is_in_cohort"]
    found = pd.concat(
        [part[columns] for part in parts if not part.empty] or [pd.DataFrame(columns=columns)]
    )
    # Two years' tables may hold one event; two numbers of a person have it once.
    found = found.drop_duplicates([PATIENT, "event_date"]).rename(columns={"reason": "own_reason"})
    placed = _place(found, lines)
    reason = placed["reason"].astype(object)
    reason = reason.where(reason.notna(), placed["own_reason"].astype(object))
    placed = placed.assign(event=placed["kind"].map(_WORDS), reason=reason)
    return _finish(request, placed, citation)


def list_returns(request: Request, lines: pd.DataFrame, citation: str) -> pd.DataFrame:
    """Return the readmissions or emergency visits after a facility's discharges, in COLUMNS."""
    people = list_patients(lines)
    found = request.read(
        discharges.RETURN_EVENT,
        where={"measure": request.measure, "program": request.program, PATIENT: people},
    )
    stays = request.select("discharge", people)
    returned = found.merge(
        stays[[PATIENT, "stay", "hospital_ccn", "claims", "discharge_date"]].rename(
            columns={
                "stay": "return_stay",
                "discharge_date": "end_date",
                "hospital_ccn": "hospital",
            }
        ),
        on=[PATIENT, "return_stay"],
        how="left",
    )
    if request.measure == "ed30" and not returned.empty:
        visits = request.select("encounter", people).drop(columns="end_date")
        returned, visits = (
            rows.assign(event_date=pd.to_datetime(rows["event_date"]))
            for rows in (returned, visits)
        )
        returned = returned.drop(columns=["claims", "hospital"]).merge(
            visits, on=[PATIENT, "event_date"], how="left"
        )
    own = lines[[PATIENT, "stay", "reason"]].rename(columns={"reason": "discharge_reason"})
    returned = returned.merge(own, on=[PATIENT, "stay"], how="inner")
    reason = returned["reason"].astype(object)
    reason = reason.where(reason.notna(), returned["discharge_reason"].astype(object))
    return _finish(
        request, returned.assign(event=returned["kind"].map(_WORDS), reason=reason), citation
    )


def describe_counting(measure: str, reason: pd.Series, counted: str, citation: str) -> pd.DataFrame:
    """Return counts (yes or no), why in words, and the manual's section, of codes of reasons.

    Of a rule that several measures share, the section is the measure's own.
    """
    codes = [None if pd.isna(code) else str(code) for code in reason]
    known = [None if code is None else find_reason(code) for code in codes]
    return pd.DataFrame(
        {
            "counts": ["yes" if one is None else "no" for one in known],
            "why": [counted if one is None else one.text for one in known],
            "manual": [citation if one is None else cite(measure, one.citation) for one in known],
        },
        index=reason.index,
    )


@cache
def cite(measure: str, citation: str) -> str:
    """Return a citation's sections of the measure's own chapters; all where it has none of them."""
    chapters = find_chapters(measure)
    before, _, sections = citation.partition(_MANUAL)
    if before or not sections:
        return citation
    own = [
        part
        for part in sections.split("; ")
        if any(part.startswith((f"{chapter}.", f"{chapter} ")) for chapter in chapters)
        or part in chapters
    ]
    return f"{_MANUAL}{'; '.join(own)}" if own else citation


def _place(events: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """Return the events that fall on a line, with the line's reason."""
    spans = lines[[PATIENT, "start_date", "end_date", "reason"]].rename(
        columns={"start_date": "line_start", "end_date": "line_end"}
    )
    joined = events.assign(event_date=pd.to_datetime(events["event_date"])).merge(spans, on=PATIENT)
    inside = (joined["event_date"] >= pd.to_datetime(joined["line_start"])) & (
        joined["event_date"] <= pd.to_datetime(joined["line_end"])
    )
    return joined[inside].drop_duplicates([PATIENT, "event_date"]).reset_index(drop=True)


def _finish(request: Request, events: pd.DataFrame, citation: str) -> pd.DataFrame:
    hospitals = events.get("hospital", pd.Series(None, index=events.index, dtype=object))
    names = name_hospitals(request, hospitals.tolist())
    described = pd.DataFrame(
        {
            PATIENT: events[PATIENT],
            "event": events["event"],
            "event_date": pd.to_datetime(events["event_date"]).dt.date,
            "end_date": _days(events.get("end_date"), events.index),
            "hospital_number": hospitals.where(hospitals.notna(), None),
            "hospital_name": hospitals.map(names),
            "claims": events.get("claims", pd.Series(None, index=events.index, dtype=object)),
        }
    )
    counting = describe_counting(
        request.measure, events["reason"], f"{COUNTED}: the measure's event", citation
    )
    described = pd.concat([described, counting], axis=1)
    return described.sort_values([PATIENT, "event_date"], ignore_index=True)[list(COLUMNS)]


def _days(days: pd.Series | None, index: pd.Index) -> pd.Series:
    if days is None:
        return pd.Series(None, index=index, dtype=object)
    return pd.to_datetime(days).dt.date.astype(object).where(days.notna(), None)


def count_counted(events: pd.DataFrame) -> int:
    """Return how many of the events count."""
    return int(np.count_nonzero(events["counts"] == "yes"))


def count_uncounted(events: pd.DataFrame, lines: pd.DataFrame) -> pd.Series:
    """Return how many events that do not count fall on each line."""
    left = events.loc[events["counts"] == "no", [PATIENT, "event_date"]]
    spans = lines[[PATIENT, "start_date", "end_date"]].reset_index(names="line")
    joined = left.reset_index(names="event").merge(spans, on=PATIENT)
    inside = (joined["event_date"] >= joined["start_date"]) & (
        joined["event_date"] <= joined["end_date"]
    )
    placed = joined[inside].drop_duplicates("event")
    return placed.groupby("line").size().reindex(lines.index, fill_value=0)
