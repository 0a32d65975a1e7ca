"""Expected measures of a patient-month from its true status and data defects.

Only months in which the patient stayed at one facility on one modality are included; worked
patients test the rules of the others.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from esrd_pipeline_tests.acceptance.shr_nation import YEAR, MeasuredNation

_KEY = ["patient_id", "facilityid", "month"]
_EQRS_KTV = ("Kt/V out of range", "Kt/V of another month", "Kt/V by another method")
_NO_RECORD = "no clinical record of a month"


@dataclass(frozen=True)
class Compared:
    """How many months were compared, how many of them have a data defect, and those that differ."""

    months: int
    defective: int
    different: int


def list_months(nation: MeasuredNation) -> pd.DataFrame:
    """Return the planted months of the year, whole and alone, with a column a kind of trouble."""
    months = nation.truth("month")
    months = months[months["start_date"].dt.year == YEAR]
    months["month"] = months["start_date"].dt.to_period("M").dt.to_timestamp()
    whole = (months["start_date"] == months["month"]) & (
        months["end_date"] == months["month"] + pd.offsets.MonthEnd()
    )
    months = months[whole].reset_index(drop=True)
    defects = nation.truth("data_defects")
    for kind in (*_EQRS_KTV, _NO_RECORD, *_OTHERS):
        rows = defects[defects["kind"] == kind]
        struck = pd.MultiIndex.from_arrays([rows["patient_id"], rows["facilityid"], rows["day"]])
        months[kind] = pd.MultiIndex.from_frame(months[_KEY]).isin(struck)
    return months


_OTHERS = ("calcium out of range", "no access type", "no kind of clinician", "record sent twice")


def compare_ktv(nation: MeasuredNation, months: pd.DataFrame) -> Compared:
    """Adult hemodialysis: EQRS's value, else a claim's of usual sessions (2.3.12)."""
    claims = nation.table("history.dialysis_claim", "dfc")
    claims = claims[claims["frequency"] == "usual"]
    is_of_month = claims["ktv_date"].dt.to_period("M") == claims["month"].dt.to_period("M")
    is_of_claim = claims["ktv_date"] <= claims["thru_date"]
    usable = claims[(claims["ktv_value"] <= 5) & is_of_month & is_of_claim]
    is_billed = pd.MultiIndex.from_frame(months[["patient_id", "month"]]).isin(
        pd.MultiIndex.from_frame(usable[["patient_id", "month"]])
    )
    lost = months[[*_EQRS_KTV, _NO_RECORD]].any(axis=1)
    # Of two records the one that was not meant is in range where the other is not.
    superseded = months["record sent twice"] & months["Kt/V out of range"]
    expected = (months["ktv"] >= 1.2) & (~lost | is_billed) & ~superseded
    return _compare(nation, "dfc", "ktv_adult_hd", _describe(months, expected, lost))


def compare_catheters(nation: MeasuredNation, months: pd.DataFrame) -> Compared:
    """Three months on end there with a catheter, or with no report of an access (2.1.10)."""
    lost = months[["no access type", _NO_RECORD]].any(axis=1)
    is_catheter = (months["access"] == "Catheter Only") | (months["access"].notna() & lost)
    run = months[_KEY].assign(is_catheter=is_catheter, lost=lost)
    expected, touched = is_catheter.copy(), lost.copy()
    present = months["month"] >= f"{YEAR}-03-01"
    for back in (1, 2):
        before = run.assign(month=run["month"] + pd.DateOffset(months=back))
        found = months[_KEY].merge(before, how="left", on=_KEY)
        present &= found["is_catheter"].notna().to_numpy()
        expected &= found["is_catheter"].eq(other=True).to_numpy()
        touched |= found["lost"].eq(other=True).to_numpy()
    return _compare(nation, "dfc", "ltc", _describe(months, expected, touched)[present])


def compare_calcium(nation: MeasuredNation, months: pd.DataFrame) -> Compared:
    """The mean of three months' calcium above 10.2, or none at all (2.8.12)."""
    lost = months[["calcium out of range", _NO_RECORD]].any(axis=1)
    known = months["calcium"].where(~lost)
    tenths = (10 * known).round()
    sums, counts = tenths.fillna(0).to_numpy(), known.notna().to_numpy().astype(int)
    present, touched = np.ones(len(months), dtype=bool), lost.to_numpy().copy()
    held = months[["patient_id", "month"]].assign(tenths=tenths, lost=lost)
    for back in (1, 2):
        before = held.assign(month=held["month"] + pd.DateOffset(months=back))
        found = months[["patient_id", "month"]].merge(
            before, how="left", on=["patient_id", "month"], indicator=True
        )
        present &= (found["_merge"] == "both").to_numpy()
        sums = sums + found["tenths"].fillna(0).to_numpy()
        counts = counts + found["tenths"].notna().to_numpy()
        touched |= found["lost"].eq(other=True).to_numpy()
    expected = pd.Series((counts == 0) | (sums > 102 * counts), index=months.index)
    late = present & (months["month"] >= f"{YEAR}-03-01").to_numpy()
    defective = pd.Series(touched, index=months.index)
    shown = _describe(months, expected, defective)[late]
    return _compare(nation, "dfc", "hypercalcemia", shown)


def compare_fistulas(nation: MeasuredNation, months: pd.DataFrame) -> Compared:
    """A fistula alone, and a report of it (2.2.13)."""
    lost = months[["no access type", _NO_RECORD]].any(axis=1)
    expected = (months["access"] == "AV Fistula Only") & ~lost
    return _compare(nation, "dfc", "sfr", _describe(months, expected, lost))


def compare_reconciliations(nation: MeasuredNation, months: pd.DataFrame) -> Compared:
    """Day, kind of professional and name, or it was not done (2.19.5)."""
    lost = months[["no kind of clinician", _NO_RECORD]].any(axis=1)
    expected = months["is_reconciled"].astype(bool) & ~lost
    found = _describe(months, expected, lost)
    return _compare(nation, "qip", "medication_reconciliation", found)


def _describe(months: pd.DataFrame, expected: pd.Series, defective: pd.Series) -> pd.DataFrame:
    return months[_KEY].assign(expected=expected.astype(bool), defective=defective.astype(bool))


def _compare(
    nation: MeasuredNation, program: str, measure: str, estimated: pd.DataFrame
) -> Compared:
    numbers = nation.table("linkage.facility_ccn", program)
    own = estimated.merge(numbers, on="facilityid")
    last = own["end_date"].fillna(pd.Timestamp.max.normalize())
    own = own[(own["start_date"] <= own["month"]) & (last >= own["month"])]
    if measure == "sfr":
        names = {"reason": "sfr_reason", "is_event": "is_sfr"}
        counted = nation.table("cohort.sfr", program).rename(columns=names)
    else:
        counted = nation.table("cohort.patient_months", program)
    counted = counted[counted[f"{measure}_reason"].isna()]
    both = own.merge(counted, on=["patient_id", "month", "ccn"])
    # An exception takes reports of its months away, and with them those of the months after.
    excepted = nation.table("cohort.patient_months", "qip")
    excepted = excepted[excepted["is_exception"].astype(bool)]
    both = both[~both["ccn"].isin(excepted["ccn"])]
    found = both[f"is_{measure}"].astype(bool)
    differs = found != both["expected"]
    return Compared(len(both), int(both["defective"].sum()), int(differs.sum()))
