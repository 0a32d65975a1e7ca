"""The same claims cut into yearly folders in three ways give the same events, once each.

Manual 2.13.11 and its like count what is submitted, once; 2.26.10 follows a discharge into the next
year. A folder may hold the claims by their last day alone, with three months of run-out (which the
next folder holds again), or all of them (the last folder). Years 2023 and 2024 are computed from
what their folders hold, one after the other, as a refresh does.

What a cut cannot hold, and where results therefore differ rightly:

* by last day: a claim that ends in the next year lies in the next year's folder. The year it began
  in sees no stay, transfusion, encounter or Medicare-paid month of it, and no death that it alone
  tells; December's discharges are followed up incompletely. The next year's run sees all of it,
  except that 2025 is not computed here.
* all in the last folder: 2023 has no claims at all. 2024's run tells of both years.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from esrd_pipeline.sql import load_select
from esrd_pipeline_tests.sql import engine
from esrd_pipeline_tests.sql.worked import Row, day

pytestmark = pytest.mark.manual("2.13.11", "2.26.10")

MADE = (
    "history.calendar_month",
    "linkage.dropped_claim",
    "linkage.claim",
    "linkage.death",
    "linkage.transplant",
    "history.claim_run_out",
    "history.covid_claim",
    "history.first_covid_admission",
    "history.hospital_stay",
    "history.covid_stage",
    "history.covid_diagnosis",
    "history.inpatient_discharge",
    "history.transfusion",
    "history.laboratory_claim",
    "history.transfusion_exclusion",
    "history.emergency_encounter",
    "history.medicare_month",
    "history.limited_life",
    "history.dialysis_claim",
    "history.dialysis_evidence",
    "history.treatment",
    "history.attribution",
    "history.discharged_patient",
    "cohort.days",
    "cohort.shr_days",
    "cohort.strr_days",
    "cohort.sedr_days",
    "cohort.srr",
    "cohort.ed30",
)
"""Made of the claims, in this order; what says who and where is given."""
EVENTS = (
    "history.hospital_stay",
    "history.inpatient_discharge",
    "history.transfusion",
    "history.emergency_encounter",
    "history.medicare_month",
    "history.dialysis_evidence",
    "history.limited_life",
    "cohort.shr_days",
    "cohort.strr_days",
    "cohort.sedr_days",
    "cohort.srr",
    "cohort.ed30",
)
FOLLOWED = ("cohort.srr", "cohort.ed30")
OF_THE_NATION = "length_quarter"
"""What depends on the other discharges: those that one cut alone has, too."""
YEARS = (2023, 2024)
FACILITY, HOSPITAL, OTHER_HOSPITAL = "A", "100001", "100002"
LAST_DAY, RUN_OUT, LAST_FOLDER = "by last day", "with run-out", "all in the last folder"

TRANSFER, ACROSS, INTERIM, ENCOUNTERS, HOSPICE, REPLACED, LONGER, CARRIER = range(1, 9)
LAST_STAY, LAST_ENCOUNTER, DIED, CLAIMS_ALONE, FILLER = range(9, 14)
PEOPLE = range(1, 14)
INTO_2025 = {LAST_STAY, LAST_ENCOUNTER}
"""Patients with claims that end after the last folder's year, besides their monthly bills."""
INTO_2024 = {ACROSS, INTERIM, ENCOUNTERS, HOSPICE, LONGER, CARRIER, DIED, CLAIMS_ALONE}
"""Patients of whose 2023 a claim tells that ends in 2024."""

Folders = Callable[[Mapping[str, Any]], set[int]]
CUTS: Mapping[str, Folders] = {
    LAST_DAY: lambda claim: {claim["clm_thru_dt"].year},
    RUN_OUT: lambda claim: {
        claim["clm_thru_dt"].year,
        claim["clm_thru_dt"].year - (claim["clm_thru_dt"].month <= 3),
    },
    LAST_FOLDER: lambda _: {max(YEARS)},
}


def claim(patient: int, kind: str, start: str, end: str, **other: object) -> Row:
    return {
        "bene_id": patient,
        "nch_clm_type_cd": kind,
        "clm_from_dt": day(start),
        "clm_thru_dt": day(end),
        **other,
    }


def stay(patient: int, start: str, end: str, status: str = "01", **other: object) -> Row:
    return claim(
        patient,
        "60",
        start,
        end,
        **{
            "clm_admsn_dt": day(start),
            "prvdr_num": HOSPITAL,
            "ptnt_dschrg_stus_cd": status,
            "prncpal_dgns_cd": "I509",
            "clm_pmt_amt": 9000.0,
            **other,
        },
    )


def visit(patient: int, start: str, end: str) -> Row:
    """An outpatient claim of an emergency department: its line is added by `list_lines`."""
    return claim(patient, "40", start, end, prvdr_num=HOSPITAL, clm_pmt_amt=300.0)


def dialysis(patient: int, start: str, end: str) -> Row:
    return claim(
        patient,
        "40",
        start,
        end,
        clm_fac_type_cd="7",
        clm_srvc_clsfctn_type_cd="2",
        prvdr_num=FACILITY,
        clm_pmt_amt=2900.0,
    )


def list_bills() -> list[Row]:
    """A month's dialysis of every patient, from 2023 to March 2025."""
    return [
        dialysis(patient, f"{month}-01", f"{month.end_time:%Y-%m-%d}")
        for patient in PEOPLE
        if patient != CLAIMS_ALONE
        for month in pd.period_range("2023-01", "2025-03", freq="M")
        if patient != DIED or month <= pd.Period("2023-12")
    ]


def list_claims() -> list[Row]:
    """All institutional claims, numbered."""
    listed = [
        stay(TRANSFER, "2023-03-01", "2023-03-05", status="02"),
        stay(TRANSFER, "2023-03-06", "2023-03-09", prvdr_num=OTHER_HOSPITAL),
        stay(TRANSFER, "2023-12-10", "2023-12-20"),
        stay(TRANSFER, "2024-01-02", "2024-01-06"),
        stay(TRANSFER, "2024-11-01", "2024-11-06", icd_prcdr_cd1="30233N1"),
        stay(ACROSS, "2023-12-28", "2024-01-05", icd_dgns_cd2="U071", icd_prcdr_cd1="30233N1"),
        stay(ACROSS, "2024-01-12", "2024-01-15"),
        stay(INTERIM, "2023-12-20", "2023-12-31", status="30"),
        stay(INTERIM, "2024-01-01", "2024-01-09"),
        stay(ENCOUNTERS, "2023-12-01", "2023-12-10"),
        visit(ENCOUNTERS, "2023-12-30", "2024-01-01"),
        visit(ENCOUNTERS, "2024-01-02", "2024-01-02"),
        visit(ENCOUNTERS, "2024-06-10", "2024-06-10"),
        claim(HOSPICE, "50", "2023-12-20", "2024-01-10", clm_pmt_amt=5000.0),
        visit(HOSPICE, "2023-12-05", "2023-12-05"),
        visit(HOSPICE, "2024-01-25", "2024-01-25"),
        visit(HOSPICE, "2024-02-05", "2024-02-05"),
        stay(REPLACED, "2023-05-01", "2023-05-20", clm_freq_cd="1"),
        stay(REPLACED, "2023-05-01", "2023-05-05", clm_freq_cd="7"),
        # The claim that is replaced lies, by its last day, in a later folder than its replacement.
        stay(REPLACED, "2023-12-20", "2024-01-08", clm_freq_cd="1"),
        stay(REPLACED, "2023-12-20", "2023-12-28", clm_freq_cd="7"),
        stay(LONGER, "2023-12-20", "2023-12-28", clm_freq_cd="1"),
        stay(LONGER, "2023-12-20", "2024-01-08", clm_freq_cd="7"),
        stay(LAST_STAY, "2024-12-28", "2025-01-05", icd_prcdr_cd1="30233N1"),
        stay(LAST_ENCOUNTER, "2024-12-10", "2024-12-20"),
        visit(LAST_ENCOUNTER, "2025-01-05", "2025-01-05"),
        stay(DIED, "2023-12-20", "2024-01-03", status="20"),
        *(
            dialysis(CLAIMS_ALONE, f"{month}-16", f"{month + 1}-15")
            for month in pd.period_range("2023-01", "2025-02", freq="M")
        ),
        # As many outpatient claims each month as make the months of run-out months.
        *(
            claim(FILLER, "40", f"{month}-{number + 10}", f"{month}-{number + 10}", prvdr_num=None)
            for month in pd.period_range("2023-01", "2025-03", freq="M")
            for number in range(9)
        ),
        *list_bills(),
    ]
    return [{**row, "clm_id": number} for number, row in enumerate(listed, start=1)]


def list_lines(claims: list[Row]) -> list[Row]:
    """A line of the emergency department for a visit, of hemodialysis for a facility's claim."""
    return [
        {
            "clm_id": row["clm_id"],
            "clm_line_num": 1,
            "rev_cntr": {HOSPITAL: "0450", FACILITY: "0821"}[str(row["prvdr_num"])],
            "rev_cntr_dt": row["clm_from_dt"],
        }
        for row in claims
        if row["nch_clm_type_cd"] == "40" and row["prvdr_num"]
    ]


CARRIER_CLAIM: Row = {
    "bene_id": CARRIER,
    "clm_id": 1,
    "clm_from_dt": day("2023-12-30"),
    "clm_thru_dt": day("2024-01-02"),
    "prncpal_dgns_cd": "U071",
}


def know(year: int) -> dict[str, list[Row]]:
    """Who the patients are and where they are treated, as the registers of a year say."""
    return {
        "linkage.beneficiary": [
            {"bene_id": person, "patient_id": person, "is_matched": True} for person in PEOPLE
        ],
        "linkage.patient": [
            {"patient_id": person, "date_of_birth": day("1950-05-05"), "sex": "F"}
            for person in PEOPLE
        ],
        "linkage.first_service": [
            {"program": program, "patient_id": person, "first_service_date": day("2020-01-01")}
            for person in PEOPLE
            for program in ("dfc", "qip")
        ],
        "linkage.facility_ccn": [
            {
                "program": program,
                "facilityid": 1,
                "ccn": FACILITY,
                "start_date": day("1980-01-01"),
            }
            for program in ("dfc", "qip")
        ],
        "linkage.provider_number": [
            {"program": program, "provider_number": FACILITY, "ccn": FACILITY}
            for program in ("dfc", "qip")
        ],
        "raw.eqrs_admission": [
            {
                "patient_id": person,
                "facilityid": 1,
                "admit_date": day("2020-01-01"),
                "admit_reason": "New ESRD Patient",
                "performance_year": year,
            }
            for person in PEOPLE
            if person != CLAIMS_ALONE
        ],
        "history.exception_month": [],
    }


def file_claims(folders: Folders) -> dict[str, list[Row]]:
    """The claims and their lines, each in every folder that holds it."""
    claims = list_claims()
    by_number = {row["clm_id"]: row for row in claims}

    def file(rows: list[Row]) -> list[Row]:
        return [
            {**row, "performance_year": year}
            for row in rows
            for year in sorted(folders(by_number[row["clm_id"]]))
        ]

    return {
        "raw.claim": file(claims),
        "raw.claim_revenue": file(list_lines(claims)),
        "raw.carrier_claim": [
            {**CARRIER_CLAIM, "performance_year": year} for year in sorted(folders(CARRIER_CLAIM))
        ],
    }


@cache
def refresh(cut: str) -> dict[str, pa.Table]:
    """All tables after 2023 and 2024 have been computed, one after the other."""
    stored = engine.to_arrow(file_claims(CUTS[cut]), max(YEARS))
    for year in YEARS:
        for name, rows in engine.to_arrow(know(year), year).items():
            _add(stored, name, rows)
        for name in MADE:
            read_here = {source.table for source in load_select(name).sources}
            tables = {known: stored[known] for known in stored.keys() & read_here}
            _add(stored, name, engine.run([name], tables, {"performance_year": year}, {}))
    return stored


def _add(stored: dict[str, pa.Table], name: str, rows: pa.Table) -> None:
    if name in stored:
        rows = pa.concat_tables([stored[name], rows.cast(stored[name].schema)])
    stored[name] = rows


def read(cut: str, name: str, year: int, *, without: set[int] | None = None) -> pd.DataFrame:
    """The rows of one year, patients with what the cut cannot hold left out."""
    rows = refresh(cut)[name].to_pandas().drop(columns=OF_THE_NATION, errors="ignore")
    rows = rows[rows["performance_year"] == year]
    rows = rows.astype(object).where(rows.notna(), None)
    return rows[~rows["patient_id"].isin(without or set())].reset_index(drop=True)


def tell(first: pd.DataFrame, second: pd.DataFrame) -> str:
    """The rows that one has and the other has not."""
    either = first.merge(second, how="outer", indicator=True)
    return either[either["_merge"] != "both"].dropna(axis="columns", how="all").to_string()


def same(first: pd.DataFrame, second: pd.DataFrame) -> bool:
    return first.reset_index(drop=True).equals(second.reset_index(drop=True))


@pytest.mark.parametrize("name", EVENTS)
def test_2024_with_run_out_is_2024_of_one_folder(name: str) -> None:
    two, one = read(RUN_OUT, name, 2024), read(LAST_FOLDER, name, 2024)
    assert not two.empty
    assert same(two, one), tell(two, one)


@pytest.mark.parametrize("name", EVENTS)
def test_2024_by_last_day_is_the_same_for_all_whose_claims_end_in_it(name: str) -> None:
    cut = read(LAST_DAY, name, 2024, without=INTO_2025)
    held = read(RUN_OUT, name, 2024, without=INTO_2025)
    assert same(cut, held), tell(cut, held)


@pytest.mark.parametrize("name", EVENTS)
def test_2023_by_last_day_is_the_same_for_all_whose_claims_end_in_it(name: str) -> None:
    cut = read(LAST_DAY, name, 2023, without=INTO_2024)
    held = read(RUN_OUT, name, 2023, without=INTO_2024)
    if name == "history.inpatient_discharge":
        # What the run-out holds of the next year is that year's.
        held = held[held["discharge_date"] <= day("2023-12-31")]
    if name in FOLLOWED:
        # Without run-out December's discharges wait.
        late = cut["discharge_date"] > day("2023-12-01")
        assert set(cut["reason"][late]) == {"follow_up_incomplete"}
        assert set(held["reason"][late]) == {None}
        cut, held = cut[~late], held[~late]
    assert same(cut, held), tell(cut, held)


@pytest.mark.parametrize("name", ["history.hospital_stay", "history.emergency_encounter"])
def test_the_events_of_2023_are_the_same_a_year_later(name: str) -> None:
    """What 2023 with run-out says of its events, 2024 says whatever the cut."""

    def list_begun(cut: str, year: int) -> pd.DataFrame:
        rows = read(cut, name, year).drop(columns="performance_year")
        return rows[rows.iloc[:, 1] <= day("2023-12-31")]

    known = list_begun(RUN_OUT, 2023)
    for cut in CUTS:
        later = list_begun(cut, 2024)
        assert same(later, known), tell(later, known)


@pytest.mark.parametrize(
    ("name", "first_day", "count"),
    [
        ("history.hospital_stay", "admit_date", 14),
        ("history.emergency_encounter", "start_date", 5),
        ("history.transfusion", "transfusion_date", 3),
    ],
)
def test_with_run_out_every_event_is_one_years(name: str, first_day: str, count: int) -> None:
    """Each of the claims' events begins in one of the two years, and that year tells of it."""
    rows = refresh(RUN_OUT)[name].to_pandas()
    begun = pd.to_datetime(rows[first_day]).dt.year
    own = rows[begun == rows["performance_year"]]
    assert not own.duplicated(["patient_id", first_day]).any()
    assert len(own) == count


def count_events(cut: str, measure: str, year: int) -> dict[int, int]:
    """Events at risk in the Dialysis Facility Measures, by patient."""
    rows = read(cut, f"cohort.{measure}_days", year)
    rows = rows[(rows["program"] == "dfc") & rows["reason"].isna() & (rows["events"] > 0)]
    return rows.groupby("patient_id")["events"].sum().to_dict()


@pytest.mark.parametrize(
    ("measure", "year", "held", "cut"),
    [
        (
            "shr",
            2023,
            {
                TRANSFER: 2,
                ACROSS: 1,
                INTERIM: 1,
                ENCOUNTERS: 1,
                REPLACED: 2,
                LONGER: 1,
                DIED: 1,
            },
            {TRANSFER: 2, INTERIM: 1, ENCOUNTERS: 1, REPLACED: 2, LONGER: 1},
        ),
        (
            "shr",
            2024,
            {TRANSFER: 2, ACROSS: 1, LAST_STAY: 1, LAST_ENCOUNTER: 1},
            {TRANSFER: 2, ACROSS: 1, LAST_ENCOUNTER: 1},
        ),
        ("strr", 2023, {ACROSS: 1}, {}),
        ("strr", 2024, {TRANSFER: 1, LAST_STAY: 1}, {TRANSFER: 1}),
        # The hospice claim, too, ends in the next year: December is not yet one of hospice.
        ("sedr", 2023, {ENCOUNTERS: 1}, {HOSPICE: 1}),
        ("sedr", 2024, {ENCOUNTERS: 1, HOSPICE: 1}, {ENCOUNTERS: 1, HOSPICE: 1}),
    ],
)
def test_only_what_claims_that_end_in_the_next_year_tell_needs_the_run_out(
    measure: str, year: int, held: dict[int, int], cut: dict[int, int]
) -> None:
    assert count_events(RUN_OUT, measure, year) == held
    assert count_events(LAST_DAY, measure, year) == cut
    if year == max(YEARS):
        assert count_events(LAST_FOLDER, measure, year) == held


@pytest.mark.parametrize("name", FOLLOWED)
def test_the_discharges_at_the_end_of_the_last_year_are_followed_where_run_out_is(
    name: str,
) -> None:
    """An encounter of January follows a discharge of December, once that January is there."""
    found = {}
    for cut in CUTS:
        rows = read(cut, name, 2024)
        rows = rows[(rows["program"] == "dfc") & (rows["patient_id"] == LAST_ENCOUNTER)]
        ((found[cut],)) = rows[["reason", "is_event"]].to_numpy().tolist()
    event = int(name == "cohort.ed30")
    assert found == {
        LAST_DAY: ["follow_up_incomplete", 0],
        RUN_OUT: [None, event],
        LAST_FOLDER: [None, event],
    }


def test_the_days_before_death_are_at_risk_in_every_cut_that_holds_its_claim() -> None:
    for cut, year in ((RUN_OUT, 2023), (LAST_DAY, 2024), (RUN_OUT, 2024), (LAST_FOLDER, 2024)):
        deaths = read(cut, "linkage.death", year)
        assert deaths["patient_id"].tolist() == [DIED]
        assert deaths["death_date"].tolist() == [day("2024-01-03")]
    assert read(LAST_DAY, "linkage.death", 2023).empty
