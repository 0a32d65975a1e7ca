"""Days within a year of a claim with a condition that STrR excludes: Figure 13, claim by claim."""

import pandas as pd
import pytest

from esrd_pipeline.parameters import load_parameters
from esrd_pipeline_tests.sql.recurrent_event_days import answers, at_risk, count, follow, left_out
from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

pytestmark = pytest.mark.manual("2.12.9")

REASON = "within_year_of_excluded_condition"
CONDITIONS = (
    "hemolytic and aplastic anemia",
    "solid organ cancer",
    "lymphoma",
    "carcinoma in situ",
    "coagulation disorders",
    "multiple myeloma",
    "myelodysplastic syndrome and myelofibrosis",
    "leukemia",
    "head and neck cancer",
    "other cancers",
    "metastatic cancer",
    "sickle cell anemia",
)


def claim(start: str, end: str = "", code: str = "C61", kind: str = "40", **more: object) -> Row:
    last = day(end or start)
    return {
        "bene_id": 9,
        "clm_id": last.toordinal(),
        "performance_year": last.year,
        "nch_clm_type_cd": kind,
        "clm_from_dt": day(start),
        "clm_thru_dt": last,
        "prncpal_dgns_cd": code,
        **more,
    }


def find(
    *claims: Row,
    carrier: tuple[Row, ...] = (),
    lines: tuple[Row, ...] = (),
    performance_year: int = 2024,
) -> Case:
    """The excluded spans of patient 1."""
    years = (performance_year - 1, performance_year)
    return case(
        "history.laboratory_claim",
        "history.transfusion_exclusion",
        performance_year=performance_year,
        tables={
            "linkage.beneficiary": [
                {"bene_id": 9, "patient_id": 1, "performance_year": y} for y in years
            ],
            "raw.claim": claims,
            "raw.carrier_claim": carrier,
            "raw.carrier_line": lines,
        },
    )


def spans(rows: pd.DataFrame) -> list[tuple[str, str]]:
    return [(str(a), str(b)) for a, b in zip(rows["start_date"], rows["end_date"], strict=True)]


@worked
def test_a_claim_excludes_its_own_days_and_the_year_after_its_last() -> Worked:
    rows = yield find(claim("2023-06-01", "2023-06-09"))
    assert spans(rows) == [("2023-06-01", "2024-06-08")]


@worked
def test_the_year_is_one_of_the_calendar_after_a_leap_day_too() -> Worked:
    rows = yield find(claim("2024-02-29"))
    assert spans(rows) == [("2024-02-29", "2025-02-27")]


@pytest.mark.parametrize("kind", ["10", "20", "30", "40", "50", "60"])
@worked
def test_institutional_claims_of_any_kind_exclude(kind: str) -> Worked:
    rows = yield find(claim("2024-03-01", kind=kind))
    assert len(rows) == 1


@worked
def test_physicians_and_suppliers_claims_exclude() -> Worked:
    row = claim("2024-03-01", code="D469")
    carrier = {k: v for k, v in row.items() if k != "nch_clm_type_cd"}
    rows = yield find(carrier=(carrier,))
    assert spans(rows) == [("2024-03-01", "2025-02-28")]


@pytest.mark.manual("2.12.17")
@worked
def test_a_laboratory_says_nothing_of_a_patient() -> Worked:
    row = {k: v for k, v in claim("2024-03-01").items() if k != "nch_clm_type_cd"}
    tested = {"clm_id": row["clm_id"], "line_num": 1, "prvdr_spclty": "69"}
    seen = {**tested, "line_num": 2, "prvdr_spclty": "39"}
    first, second = yield (
        find(carrier=(row,), lines=(tested,)),
        find(carrier=(row,), lines=(tested, seen)),
    )
    assert first.empty
    assert len(second) == 1


@worked
def test_a_hospitals_bill_for_tests_of_those_who_are_not_its_patients_says_nothing() -> Worked:
    bill = {"clm_fac_type_cd": "1", "clm_srvc_clsfctn_type_cd": "4"}
    first, second = yield (
        find(claim("2024-03-01", **bill)),
        find(claim("2024-03-01", **{**bill, "clm_srvc_clsfctn_type_cd": "3"})),
    )
    assert first.empty
    assert len(second) == 1


@pytest.mark.parametrize("place", [1, 12, 25])
@worked
def test_a_secondary_diagnosis_excludes(place: int) -> Worked:
    codes = {f"icd_dgns_cd{place}": "C9000"}
    rows = yield find(claim("2024-03-01", code="N186", **codes))
    assert len(rows) == 1


@pytest.mark.parametrize(
    ("code", "is_excluded"),
    [
        ("D5910", True),  # autoimmune hemolytic anemia
        ("D61818", True),  # pancytopenia
        ("D631", False),  # anemia in chronic kidney disease
        ("D649", False),  # anemia, unspecified
        ("C50911", True),  # breast
        ("C8331", True),  # lymphoma
        ("D0511", True),  # carcinoma in situ
        ("D6832", True),  # coagulation
        ("D696", False),  # thrombocytopenia
        ("D474", True),  # osteomyelofibrosis
        ("D473", False),  # essential thrombocythemia
        ("C9110", True),  # leukemia
        ("C329", True),  # larynx
        ("C4492", True),  # skin
        ("C7951", True),  # bone metastasis
        ("D571", True),  # sickle cell
        ("D573", False),  # sickle-cell trait
        ("D250", False),  # benign
        ("Z85038", False),  # history of cancer
    ],
)
@worked
def test_only_the_listed_conditions_exclude(code: str, *, is_excluded: bool) -> Worked:
    rows = yield find(claim("2024-03-01", code=code))
    assert bool(len(rows)) == is_excluded


def test_every_condition_of_the_manual_has_codes_and_every_code_is_one_of_icd_10() -> None:
    rows = load_parameters("transfusion_exclusion")
    assert set(rows["condition"]) == set(CONDITIONS)
    assert rows["icd_10_prefix"].is_unique
    assert rows["icd_10_prefix"].str.len().min() == 3
    known = load_parameters("ccs_diagnosis")["code"]
    for prefix in rows["icd_10_prefix"]:
        assert known.str.startswith(prefix).any(), prefix


@worked
def test_spans_that_overlap_or_touch_are_one_and_a_day_between_keeps_them_apart() -> Worked:
    first, second, third = yield (
        find(claim("2023-03-01"), claim("2024-02-29")),
        find(claim("2023-03-01"), claim("2024-03-01")),
        find(claim("2023-03-01"), claim("2024-03-02")),
    )
    assert spans(first) == [("2023-03-01", "2025-02-27")]
    assert spans(second) == [("2023-03-01", "2025-02-28")]
    assert spans(third) == [
        ("2023-03-01", "2024-02-29"),
        ("2024-03-02", "2025-03-01"),
    ]


@worked
def test_a_longer_claim_that_began_the_same_day_decides() -> Worked:
    rows = yield find(claim("2024-01-05"), claim("2024-01-05", "2024-01-20", kind="60"))
    assert spans(rows) == [("2024-01-05", "2025-01-19")]


@pytest.mark.parametrize(
    ("year", "days", "transfusions"), [(2008, 0, 0), (2009, 139, 0), (2010, 129, 0), (2011, 236, 1)]
)
def test_figure_13_leaves_two_inclusion_periods_and_counts_the_second_transfusion_alone(
    year: int, days: int, transfusions: int
) -> None:
    """At risk from 2008 to 2011; claims of 2007, 2008 and 2010, transfusions late 2008 and 2011.

    Inclusion 1 goes from 15 August 2009, a year after claim 2, to 9 May 2010, the day before claim
    3; inclusion 2 from 10 May 2011 on. The first transfusion falls in the year after claim 2.
    """
    claims = (claim("2007-10-01"), claim("2008-08-15"), claim("2010-05-10"))
    excluded = find(*claims, performance_year=year).run()
    rows = follow(
        "strr",
        answers("A", "2008-01-01", "2011-12-31"),
        first_service="2000-01-01",
        excluded=[{"start_date": a, "end_date": b} for a, b in excluded.iloc[:, 1:3].to_numpy()],
        transfused=tuple(t for t in ("2008-11-20", "2011-11-20") if t.startswith(str(year))),
        year=year,
    ).run()
    assert at_risk(rows) == days
    assert set(left_out(rows)) <= {REASON}
    assert count(rows) == transfusions
    assert rows.loc[rows["reason"].isna(), "period"].nunique() == (days > 0)
