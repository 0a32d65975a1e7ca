"""A nation computed once from its raw files, with every patient accounted for.

120 facilities, 2023 and 2024. Of 2023 only the tables that 2024 reads are computed. The generator's
own outliers of hospitalisation are too few to estimate a sensitivity: others replace them.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.dataset as ds
import pytest

from esrd_pipeline.definitions import defs
from esrd_pipeline.orchestration.launch import run_job
from esrd_pipeline.synthetic.nation import run
from esrd_pipeline.synthetic.nation.block import Span
from esrd_pipeline.synthetic.nation.facilities import draw_nation
from esrd_pipeline_tests.acceptance.raw_jobs import read_from

YEAR = 2024
FACILITIES = 120
SEED = 7
OUTLIERS = 12
OUTLYING = (0.5, -0.8, -0.5, 0.8)
"""Log rate ratios of the outliers, in turn; the other facilities' have a spread of 0.2."""
RAW, WAREHOUSE = "raw", "warehouse"
DAYS_PER_YEAR = 365.25
_FIRST, _LAST = pd.Timestamp(YEAR, 1, 1), pd.Timestamp(YEAR, 12, 31)


def plant_outliers(count: int, seed: int) -> pd.DataFrame:
    """Draw the nation, and let large facilities that are always open be outliers and no more."""
    frame = draw_nation(count, seed)
    steady = frame[(frame["closed"] == frame["closed"].max()) & ~frame["is_renumbered"]]
    chosen = steady.nlargest(5 * OUTLIERS, "size").index[::5]
    frame.loc[chosen, "hospitalisation"] = np.resize(OUTLYING, OUTLIERS)
    frame.loc[frame["outlier"] == "hospitalisation", "outlier"] = ""
    frame.loc[chosen, "outlier"] = "hospitalisation"
    return frame


@dataclass(frozen=True)
class MeasuredNation:
    """The raw files, the truth and the warehouse. Tests must not change a frame."""

    folder: Path
    warehouse: Path

    def raw(self, name: str, year: int = YEAR) -> pd.DataFrame:
        """Return a raw file, names in lower case, days as timestamps."""
        return _read(self.folder / str(year) / f"{name}.parquet")

    def truth(self, name: str) -> pd.DataFrame:
        """Return a table of the truth."""
        return _read(self.folder / "truth" / f"{name}.parquet")

    def table(self, name: str, program: str | None = None) -> pd.DataFrame:
        """Return a stored table of the year, of one program or all."""
        schema, _, table = name.partition(".")
        frame = _read(self.warehouse / schema / table / f"performance_year={YEAR}")
        return frame if program is None else frame[frame["program"] == program]

    def cohort(self, program: str, measure: str = "shr") -> pd.DataFrame:
        """Return the person-periods of one measure."""
        return self.table(f"cohort.{measure}", program)

    @cached_property
    def planted(self) -> pd.Series:
        """The planted log rate ratio of hospitalisation by the CCN of the year's last day."""
        return self.effects()["effect"]

    @cached_property
    def outliers(self) -> pd.Series:
        """Which facilities are planted outliers of hospitalisation."""
        return self.effects()["is_outlier"].astype(bool)

    def effects(self, outcome: str = "hospitalisation") -> pd.DataFrame:
        """Return what was planted of one outcome by the CCN of the year's last day.

        Columns: facilityid; effect, on the outcome's log rate or log odds; is_outlier.
        """
        effects = self.truth("facility_effect")
        effects = effects[effects["outcome"] == outcome]
        history = self.raw("eqrs_ccn_history").sort_values("effective_date")
        last = history.groupby("facilityid", as_index=False)["provnum"].last()
        return last.merge(effects, on="facilityid").set_index("provnum")


def measure_nation(folder: Path) -> None:
    """Write the raw files into `raw`, and measure the two years into `warehouse`."""
    raw = folder / RAW
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "draw_nation", plant_outliers)
        span = Span(seed=SEED, first_year=YEAR - 1, last_year=YEAR)
        run.synthesize_nation(run.Order(FACILITIES, span, raw, workers=1))
        read_from(raw, folder, patch)
        before = ("raw", "linkage", "history")
        run_job(defs, "measure", YEAR - 1, tags={}, run_config={}, layers=before)
        run_job(defs, "refresh", YEAR, tags={}, run_config={})


def compare_days(nation: MeasuredNation, program: str) -> pd.DataFrame:
    """Return the year's planted days beside what history.treatment says of them.

    Columns: planted and state (found, or absent), is_same_facility, is_same_modality, days.
    """
    planted = nation.truth("spell")
    planted = planted.assign(
        start=planted["start_date"].clip(lower=_FIRST),
        end=planted["end_date"].fillna(_LAST).clip(upper=_LAST),
    )
    planted = planted[planted["start"] <= planted["end"]]
    planted["days"] = (planted["end"] - planted["start"]).dt.days + 1
    found = nation.table("history.treatment", program)
    both = planted.drop(columns="days").merge(
        found, on="patient_id", suffixes=("_planted", "_found")
    )
    both["start"] = both[["start", "start_date_found"]].max(axis=1)
    both["end"] = both[["end", "end_date_found"]].min(axis=1)
    both = both[both["start"] <= both["end"]]
    numbers = nation.table("linkage.facility_ccn", program)
    numbers = numbers.assign(last=numbers["end_date"].fillna(pd.Timestamp.max.normalize()))
    own = both.reset_index().merge(numbers, on="facilityid", suffixes=("", "_of_number"))
    own = own[(own["start"] >= own["start_date"]) & (own["end"] <= own["last"])]
    is_same = own["ccn"] == own["ccn_of_number"]
    both["is_same_facility"] = both.index.isin(own.loc[is_same, "index"])
    both["is_same_modality"] = both["modality_planted"].map(_MODALITY).to_numpy() == (
        both["modality_found"] + ", " + both["setting"]
    )
    both["days"] = (both["end"] - both["start"]).dt.days + 1
    both = both.rename(columns={"state_planted": "planted", "state_found": "state"})
    keys = ["planted", "state", "is_same_facility", "is_same_modality"]
    table = both.groupby(keys, observed=True)["days"].sum().reset_index()
    absent = planted.groupby("state")["days"].sum() - table.groupby("planted")["days"].sum()
    nowhere = absent.rename_axis("planted").reset_index().assign(state="absent")
    return pd.concat([table, nowhere]).fillna(dict.fromkeys(keys[2:], False))


_MODALITY = {
    "in center": "hemodialysis, in center",
    "home hemodialysis": "hemodialysis, home",
    "peritoneal": "peritoneal, home",
}


def reconcile(nation: MeasuredNation, program: str) -> pd.DataFrame:
    """Return what went into each stage, came out, or was left out and why.

    Columns: stage, unit, reason (null for what goes on to the next stage), count. What goes in is
    counted in the stage before, never in the same table as what comes out.
    """
    stages = [
        _reconcile_register(nation),
        _reconcile_beneficiaries(nation),
        *_reconcile_people(nation, program),
        *_reconcile_days(nation, program),
        *_reconcile_stays(nation, program),
    ]
    return pd.concat(
        [
            pd.DataFrame(
                [
                    (name, unit, "in", None, entered),
                    *((name, unit, "left out", why, n) for why, n in sorted(left_out.items())),
                    (name, unit, "out", None, came_out),
                ],
                columns=["stage", "unit", "flow", "reason", "count"],
            )
            for name, unit, entered, left_out, came_out in stages
        ],
        ignore_index=True,
    )


Stage = tuple[str, str, int, dict[str, int], int]


def _reconcile_register(nation: MeasuredNation) -> Stage:
    raw = set(nation.raw("eqrs_patient")["patient_id"])
    kept = set(nation.table("linkage.patient")["patient_id"])
    return "EQRS register to linkage.patient", "patients", len(raw), {}, len(raw & kept)


def _reconcile_beneficiaries(nation: MeasuredNation) -> Stage:
    files = ("medicare_enrollment", "carrier_claim", *(f"{kind}_base" for kind in _CLAIMS))
    raw = set().union(*(set(nation.raw(name)["bene_id"]) for name in files))
    linked = nation.table("linkage.beneficiary")
    linked = linked[linked["bene_id"].isin(raw)]
    matched = set(linked.loc[linked["is_matched"].astype(bool), "patient_id"])
    known = matched & set(nation.raw("eqrs_patient")["patient_id"])
    found = linked["patient_id"].isin(known)
    return (
        "Medicare files to EQRS patients",
        "beneficiaries",
        len(raw),
        _count(linked.loc[~found, "reason"]),
        int(found.sum()),
    )


_CLAIMS = ("inpatient", "outpatient", "snf", "hha", "hospice")


def _follow(nation: MeasuredNation, program: str) -> pd.DataFrame:
    """Return every patient's first and last day in the year, or why there is none."""
    people = nation.table("linkage.patient")[["patient_id"]]
    first = nation.table("linkage.first_service", program)[["patient_id", "first_service_date"]]
    death = nation.table("linkage.death", program)[["patient_id", "death_date"]]
    people = people.merge(first, how="left").merge(death, how="left")
    began, died = people["first_service_date"], people["death_date"]
    people["start"] = began.clip(lower=_FIRST)
    people["end"] = died.fillna(_LAST).clip(upper=_LAST)
    people["reason"] = np.select(
        [
            began.isna(),
            began > _LAST,
            died < _FIRST,
            died < began,
        ],
        [
            "no date of first service",
            "first service after the year",
            "died before the year",
            "died before first service",
        ],
        "",
    )
    return people


def _reconcile_people(nation: MeasuredNation, program: str) -> list[Stage]:
    people = _follow(nation, program)
    days = nation.table("cohort.shr_days", program)
    cohort = nation.cohort(program)
    left = people[people["reason"] != ""]
    present = set(days["patient_id"])
    at_risk = set(days.loc[days["reason"].isna(), "patient_id"])
    return [
        (
            "linkage.patient to patients with days in the year",
            "patients",
            len(people),
            _count(left["reason"]),
            len(present & set(people.loc[people["reason"] == "", "patient_id"])),
        ),
        (
            "patients with days in the year to SHR's cohort",
            "patients",
            int((people["reason"] == "").sum()),
            {"every day has a reason (below)": len(present - at_risk)},
            cohort["patient_id"].nunique(),
        ),
    ]


def _reconcile_days(nation: MeasuredNation, program: str) -> list[Stage]:
    people = _follow(nation, program)
    present = people[people["reason"] == ""]
    entered = int(((present["end"] - present["start"]).dt.days + 1).sum())
    days = nation.table("cohort.shr_days", program)
    left = days[days["reason"].notna()].groupby("reason")["days"].sum()
    cohort = nation.cohort(program)
    at_risk = int(cohort["days_at_risk"].sum())
    facilities = nation.table("facility.shr", program)
    counted = round(DAYS_PER_YEAR * float(facilities["unit_count"].sum()), 6)
    return [
        (
            "days from first service to death to SHR's cohort",
            "days",
            entered,
            {str(why): int(n) for why, n in left.items()},
            at_risk,
        ),
        ("SHR's cohort to facility.shr", "days", at_risk, {}, counted),
    ]


def _reconcile_stays(nation: MeasuredNation, program: str) -> list[Stage]:
    stays = nation.table("history.hospital_stay")
    years = (YEAR - 1, YEAR)
    copies = pd.concat([nation.raw("inpatient_base", year) for year in years])
    claims = copies.drop_duplicates("clm_id")
    this = stays[stays["admit_date"] >= _FIRST]
    placed = this.merge(_follow(nation, program), how="left", on="patient_id")
    segments = nation.table("cohort.shr_days", program)
    inside = placed.merge(
        segments[["patient_id", "start_date", "end_date", "reason"]],
        on="patient_id",
        suffixes=("_of_patient", ""),
    )
    admitted = inside["admit_date"]
    inside = inside[(admitted >= inside["start_date"]) & (admitted <= inside["end_date"])]
    at_risk = inside[inside["reason"].isna()]
    index = at_risk["is_index_covid"].astype(bool)
    outside = placed.merge(inside[["patient_id", "admit_date"]], how="left", indicator=True)
    outside = outside[outside["_merge"] == "left_only"]
    why = np.select(
        [
            outside["reason"].isna(),
            outside["reason"] != "",
            outside["admit_date"] < outside["start"],
            outside["admit_date"] > outside["end"],
        ],
        [
            "not an EQRS patient, no dialysis claim",
            outside["reason"].fillna(""),
            "before first service",
            "after death",
        ],
        "lost",
    )
    left = _count(pd.Series(why, dtype=object))
    left |= _count(inside.loc[inside["reason"].notna(), "reason"])
    left["first stay with COVID-19 (2.13.11)"] = int(index.sum())
    counted = int(nation.cohort(program)["event_count"].sum())
    facilities = nation.table("facility.shr", program)
    return [
        (
            "inpatient claims of two years to history.hospital_stay",
            "claims",
            len(claims),
            {"of stays that begin after the year": _count_later_claims(nation, claims, stays)},
            int(stays["claim_count"].sum()),
        ),
        ("stays that began in the year to SHR's cohort", "stays", len(this), left, counted),
        ("SHR's cohort to facility.shr", "stays", counted, {}, int(facilities["numerator"].sum())),
    ]


def _count_later_claims(nation: MeasuredNation, claims: pd.DataFrame, stays: pd.DataFrame) -> int:
    """Return how many claims were admitted after the year and are part of none of its stays."""
    later = claims[claims["clm_admsn_dt"].fillna(claims["clm_from_dt"]) > _LAST]
    people = nation.table("linkage.beneficiary")[["bene_id", "patient_id"]]
    open_stays = stays.loc[stays["discharge_date"] > _LAST, ["patient_id", "discharge_date"]]
    both = later.merge(people, on="bene_id").merge(open_stays, on="patient_id", how="left")
    return int((~(both["clm_admsn_dt"] <= both["discharge_date"])).sum())


def _count(reasons: pd.Series) -> dict[str, int]:
    return {str(why): int(n) for why, n in reasons.value_counts().items()}


def _read(path: Path) -> pd.DataFrame:
    table = ds.dataset(path, exclude_invalid_files=True, partitioning=None).to_table()
    frame = table.to_pandas(date_as_object=False)
    return frame.rename(columns=str.lower)
