"""Strata of patients in each measure, that add up to the measure's facilities."""

from collections.abc import Sequence

import pandas as pd
import pytest

from esrd_pipeline.reports.sums_check import find_open_strata
from esrd_pipeline.reports.suppression import suppress
from esrd_pipeline.tables.trend import STRATUM
from esrd_pipeline_tests.sql.worked import Case, Row, Tables, Worked, case, day, worked

pytestmark = pytest.mark.manual("2.13.13, 2.14.12")

ANN: Row = {
    "patient_id": 1,
    "date_of_birth": day("1980-05-01"),
    "sex": "F",
    "race": "White",
    "is_hispanic": True,
}
BEN: Row = {"patient_id": 2, "date_of_birth": day("1949-12-31"), "sex": "M", "race": None}
FACTS: Sequence[Row] = (
    {
        "patient_id": 1,
        "race_class": "white",
        "is_hispanic": True,
        "is_ethnicity_unknown": False,
    },
    {
        "patient_id": 2,
        "race_class": "other",
        "is_hispanic": False,
        "is_ethnicity_unknown": True,
    },
)


def period(patient: int, observed: float, expected: float, **other: object) -> Row:
    row = {"program": "dfc", "patient_id": patient, "observed": observed, "expected": expected}
    return {**row, **(other or {"period": 1})}


def total(measure: str, top: float, bottom: float, **other: object) -> Row:
    row = {"ccn": "A", "program": "dfc", "measure": measure}
    return {**row, "numerator": top, "denominator": bottom, **other}


def divide(tables: Tables, *, measure: str = "shr", dimension: str | None = None) -> Case:
    def read(rows: pd.DataFrame) -> pd.DataFrame:
        rows = rows[rows["measure"] == measure]
        if dimension is None:
            return rows
        return rows[rows["dimension"] == dimension].set_index("stratum")

    people: Tables = {"linkage.patient": (ANN, BEN), "history.patient_characteristics": FACTS}
    # Alone: every row depends on all patients of its measure.
    return case("report.stratum", tables={**people, **tables}, alone=True).read(read)


TWO: dict[str, Sequence[Row]] = {
    "cohort.shr_expected": (
        period(1, 2.0, 1.0),
        period(1, 1.0, 0.5, period=2),
        period(2, 0.0, 1.5),
    ),
    "facility.shr": (total("shr", 3.0, 3.0),),
}


@worked
def test_each_dimension_adds_up_to_the_facilities() -> Worked:
    rows = yield divide(TWO)
    assert set(rows["dimension"]) == {
        *("all", "age", "sex", "race", "ethnicity", "dual_eligibility", "nursing_home")
    }
    sums = rows.groupby("dimension")[["patients", "observed", "expected"]].sum()
    assert (sums == [2, 3.0, 3.0]).all(axis=None)
    whole = rows[rows["dimension"] == "all"]
    assert whole["facilities_observed"].item() == whole["facilities_expected"].item() == 3.0
    assert rows.loc[rows["dimension"] != "all", "facilities_observed"].isna().all()
    assert find_open_strata(rows) is None


@worked
def test_strata_that_lack_a_patient_are_told() -> Worked:
    rows = yield divide(TWO)
    lacking = rows[rows["stratum"] != "male"]
    assert find_open_strata(lacking) == "strata do not add up: dfc shr sex"
    assert find_open_strata(rows.iloc[:0]) is None


@worked
def test_a_stratum_is_a_ratio_of_sums() -> Worked:
    rows = yield divide(TWO, dimension="sex")
    assert rows.loc["female", ["patients", "observed", "expected"]].tolist() == [1, 3.0, 1.5]
    assert rows.loc["female", "value"] == 2.0
    assert rows.loc["male", "value"] == 0.0
    assert (rows["kind"] == "ratio").all()


@worked
def test_what_is_not_known_is_a_stratum() -> Worked:
    made = yield {
        "race": divide(TWO, dimension="race"),
        "ethnicity": divide(TWO, dimension="ethnicity"),
        "stranger": divide(
            {"cohort.shr_expected": (period(9, 1.0, 1.0),), "linkage.patient": ()}, dimension="age"
        ),
    }
    assert sorted(made["race"].index) == ["unknown", "white"]
    assert sorted(made["ethnicity"].index) == ["hispanic", "unknown"]
    assert made["stranger"].index.tolist() == ["unknown"]


@worked
def test_age_is_the_one_reached_in_the_year() -> Worked:
    rows = yield divide(TWO, dimension="age")
    # Born on the last day of 1949: 75 on the last day of 2024.
    assert sorted(rows.index) == ["18-44", "75 and over"]


@worked
def test_smr_divides_by_the_year_of_its_days() -> Worked:
    rows = yield divide(
        {
            "cohort.smr_expected": (
                period(2, 0.0, 0.1, start_date=day("2023-01-01")),
                period(2, 1.0, 0.2, start_date=day("2024-01-01")),
            ),
            "facility.smr": (total("smr", 1.0, 0.3),),
        },
        measure="smr",
        dimension="age",
    )
    assert rows.loc["65-74", ["patients", "observed"]].tolist() == [1, 0.0]
    assert rows.loc["75 and over", ["patients", "observed"]].tolist() == [1, 1.0]


@worked
def test_swr_divides_by_the_year_in_which_follow_up_began() -> Worked:
    rows = yield divide(
        {
            "cohort.swr_expected": (
                period(2, 0.0, 0.1, start_date=day("2023-09-01")),
                period(2, 1.0, 0.2, start_date=day("2024-01-01")),
            ),
        },
        measure="swr",
        dimension="age",
    )
    assert rows.loc["65-74", ["patients", "observed"]].tolist() == [1, 1.0]


@worked
def test_nursing_home_is_that_of_the_year_before() -> Worked:
    stays = (
        # 31 + 29 days of 2023 at its end, and the whole of 2024.
        {"patient_id": 1, "start_date": day("2023-11-02"), "end_date": day("2024-12-31")},
        # A stay of the year itself does not count.
        {"patient_id": 2, "start_date": day("2024-02-01"), "end_date": day("2024-12-31")},
    )
    long_stay = ({"patient_id": 1, "start_date": day("2022-11-02"), "end_date": day("2023-03-31")},)
    made = yield {
        "short": divide(TWO | {"history.nursing_home": stays}, dimension="nursing_home"),
        "long": divide(TWO | {"history.nursing_home": long_stay}, dimension="nursing_home"),
    }
    assert sorted(made["short"].index) == ["1-89 days", "none"]
    # 90 days from January to March 2023.
    assert sorted(made["long"].index) == ["90 days and more", "none"]


@pytest.mark.parametrize(
    ("months", "stratum"),
    [
        ({"01": "C"}, "state pays a premium"),
        ({"01": "0", "02": "3", "03": "C"}, "state pays no premium"),
        ({"04": "B"}, "state pays a premium"),
        ({"01": "0"}, "not in Medicare"),
        (None, "unknown"),
    ],
)
@worked
def test_dual_eligibility_is_that_of_the_first_month_in_medicare(
    months: dict[str, str] | None, stratum: str
) -> Worked:
    enrollment: tuple[Row, ...] = ()
    if months is not None:
        enrollment = (
            {"bene_id": 7, **{f"mdcr_entlmt_buyin_ind_{m}": c for m, c in months.items()}},
        )
    rows = yield divide(
        {
            "cohort.shr_expected": (period(1, 1.0, 1.0),),
            "raw.medicare_enrollment": enrollment,
            "linkage.beneficiary": ({"bene_id": 7, "patient_id": 1},),
        },
        dimension="dual_eligibility",
    )
    assert rows.index.tolist() == [stratum]


@worked
def test_a_percentage_counts_months() -> Worked:
    rows = yield divide(
        {
            "cohort.monthly": [
                {
                    "program": "dfc",
                    "measure": "ltc",
                    "ccn": ccn,
                    "patient_id": 1,
                    "numerator": 1,
                    "denominator": 4,
                }
                for ccn in ("A", "B")
            ],
            "facility.monthly": (total("ltc", 2.0, 8.0),),
        },
        measure="ltc",
        dimension="all",
    )
    assert rows.loc["all", ["patients", "observed", "expected", "value"]].tolist() == [1, 2, 8, 25]
    assert rows.loc["all", "kind"] == "percentage"
    assert rows.loc["all", "facilities_expected"] == 8


@worked
def test_excluded_months_are_in_no_stratum() -> Worked:
    months = [
        {"program": "dfc", "patient_id": 1, "month": day(f"2024-0{n}-01"), "ccn": "A", **found}
        for n, found in enumerate(
            ({"is_event": 1}, {"is_event": 0}, {"reason": "hospice_in_month"}), start=1
        )
    ]
    rows = yield divide(
        {"cohort.pppw": months, "facility.pppw": (total("pppw", 1.0, 2.0),)},
        measure="pppw",
        dimension="all",
    )
    assert rows.loc["all", ["observed", "expected", "value"]].tolist() == [1, 2, 50]
    assert rows.loc["all", "facilities_observed"] == 1


@worked
def test_a_sum_of_expected_events_does_not_depend_on_the_order_of_rows() -> Worked:
    # As binary fractions 0.1 + 0.2 + 0.3 is 0.6000000000000001, and 0.3 + 0.2 + 0.1 is 0.6.
    amounts = (0.1, 0.2, 0.3)
    rows = [
        tuple(period(1, 0.0, amount, period=number + 1) for number, amount in enumerate(order))
        for order in (amounts, amounts[::-1])
    ]
    whole = (total("shr", 0.0, 0.6),)
    found = yield [
        divide({"cohort.shr_expected": one, "facility.shr": whole}, dimension="all") for one in rows
    ]
    assert [one["expected"].item() for one in found] == [0.6, 0.6]


@worked
def test_events_that_no_facility_has_break_a_rule() -> Worked:
    rows = yield divide(TWO | {"facility.shr": (total("shr", 2.0, 3.0),)}, dimension="all")
    assert abs(rows["observed"] - rows["facilities_observed"]).item() == 1.0
    assert any("observed - facilities_observed" in rule.predicate for rule in STRATUM.rules)


@worked
def test_a_small_stratum_is_shown_to_nobody_and_cannot_be_computed() -> Worked:
    people = [
        {"patient_id": n, "sex": "F" if n <= 5 else "M", "date_of_birth": day("1950-01-01")}
        for n in range(1, 41)
    ]
    rows = yield divide(
        {
            "linkage.patient": people,
            "history.patient_characteristics": (),
            "cohort.shr_expected": [period(n, 1.0, 1.0) for n in range(1, 41)],
        },
    )
    shown = suppress(STRATUM, rows)
    sexes = shown[shown["dimension"] == "sex"]
    assert sexes[["patients", "observed", "value"]].isna().all(axis=None)
    assert shown.loc[shown["dimension"] == "all", "patients"].item() == 40


LISTS: Tables = {
    "raw.ruca_zip": [
        {"zip_code": zip_code, "ruca1": code}
        for zip_code, code in (
            ("10001", 1),
            ("10003", 3),
            ("50004", 4),
            ("60009", 9),
            ("70010", 10),
            ("90099", 99),
        )
    ],
    "raw.svi_zcta": [
        {"fips": fips, "rpl_themes": rank}
        for fips, rank in (
            ("10001", 0.0),
            ("10003", 0.25),
            ("50004", 0.2501),
            ("60009", 0.75),
            ("70010", 1.0),
            ("90099", -999.0),
        )
    ],
}


def at(patient: int, zip_code: str | None) -> Row:
    return {"patient_id": patient, "zip_code": zip_code}


def settle(*zip_codes: str | None, **other: Sequence[Row]) -> dict[str, Sequence[Row]]:
    """Patients 1, 2 ... of these ZIP codes; the first has 1 event of 1 expected, and so on."""
    numbers = range(1, len(zip_codes) + 1)
    return {
        "linkage.patient": [{"patient_id": n} for n in numbers],
        "history.patient_characteristics": (),
        "raw.eqrs_patient": [at(n, code) for n, code in zip(numbers, zip_codes, strict=True)],
        "cohort.shr_expected": [period(n, float(n), 2.0 * n) for n in numbers],
        **LISTS,
        **other,
    }


SIX = ("10001", "10003-1234", "50004", "60009", "70010", "90099")


@worked
def test_rurality_is_the_primary_code_of_the_zip_code() -> Worked:
    rows = yield divide(settle(*SIX), dimension="rurality")
    # 10003-1234 lies in 10003; the code 99 says nothing.
    assert rows[["patients", "observed", "expected"]].to_dict("index") == {
        "urban, metropolitan": {"patients": 2, "observed": 1.0 + 2.0, "expected": 6.0},
        "rural, micropolitan": {"patients": 1, "observed": 3.0, "expected": 6.0},
        "rural, small town": {"patients": 1, "observed": 4.0, "expected": 8.0},
        "rural, outside towns": {"patients": 1, "observed": 5.0, "expected": 10.0},
        "unknown": {"patients": 1, "observed": 6.0, "expected": 12.0},
    }
    assert rows.loc["urban, metropolitan", "value"] == 0.5


@worked
def test_vulnerability_is_the_quartile_of_the_rank_of_the_zip_code() -> Worked:
    rows = yield divide(settle(*SIX), dimension="social_vulnerability")
    # 0 and 0.25 are of the first; 0.75 is of the third; -999 is no rank.
    assert rows["observed"].to_dict() == {
        "quartile 1, least vulnerable": 1.0 + 2.0,
        "quartile 2": 3.0,
        "quartile 3": 4.0,
        "quartile 4, most vulnerable": 5.0,
        "unknown": 6.0,
    }


@worked
def test_zip_codes_that_are_missing_odd_or_not_listed_are_unknown() -> Worked:
    rows = yield divide(settle(None, "10001", "1000", "H3Z2Y7", "99999"))
    for dimension in ("rurality", "social_vulnerability"):
        unknown = rows[(rows["dimension"] == dimension) & (rows["stratum"] == "unknown")]
        assert unknown[["patients", "observed"]].to_numpy().tolist() == [[4, 1 + 3 + 4 + 5]]
    assert find_open_strata(rows) is None


@worked
def test_a_dimension_without_its_file_has_no_rows() -> Worked:
    made = yield {
        "neither": divide(settle(*SIX, **{"raw.ruca_zip": (), "raw.svi_zcta": ()})),
        "rural": divide(settle(*SIX, **{"raw.svi_zcta": ()})),
        "only codes that say nothing": divide(
            settle(*SIX, **{"raw.ruca_zip": [{"zip_code": "10001", "ruca1": 99}]})
        ),
    }
    both = {"rurality", "social_vulnerability"}
    assert not both & set(made["neither"]["dimension"])
    assert both & set(made["rural"]["dimension"]) == {"rurality"}
    text = made["only codes that say nothing"]
    assert text.loc[text["dimension"] == "rurality", "stratum"].tolist() == ["unknown"]
    for rows in made.values():
        assert find_open_strata(rows) is None
        assert not rows.duplicated(list(STRATUM.key)).any()


@worked
def test_the_zip_code_of_the_year_is_medicare_s_and_else_eqrs_s() -> Worked:
    beneficiary = {"linkage.beneficiary": ({"bene_id": 7, "patient_id": 1},)}
    enrolled = [
        {"bene_id": 7, "performance_year": year, "zip_cd": zip_code}
        for year, zip_code in ((2022, "10001"), (2023, "70010"), (2024, None))
    ]
    rows = yield divide(
        settle(
            "50004",
            **beneficiary,
            **{
                "raw.medicare_enrollment": enrolled,
                "cohort.smr_expected": [
                    period(1, observed, 0.1, start_date=day(f"{year}-03-01"))
                    for year, observed in ((2021, 0.0), (2022, 1.0), (2023, 2.0), (2024, 4.0))
                ],
            },
        ),
        measure="smr",
        dimension="rurality",
    )
    # 2021 has no record and 2024 no ZIP code: EQRS's.
    assert rows["observed"].to_dict() == {
        "urban, metropolitan": 1.0,
        "rural, outside towns": 2.0,
        "rural, micropolitan": 0.0 + 4.0,
    }
