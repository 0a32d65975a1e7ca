"""What a year's raw tables are asked together: small tables in, answers out."""

from collections.abc import Mapping, Sequence

import duckdb
import pandas as pd
import pytest

from esrd_pipeline.parameters.rows import load_rows
from esrd_pipeline.sources.intake.counting import COLUMNS, STORED, count_answers, count_files_again
from esrd_pipeline.sources.intake.judging import (
    FAILS,
    FEW_ROWS,
    INFORMATION,
    NO_YEAR_BEFORE,
    PASSES,
    WARNS,
    describe,
    find_limit,
    judge,
)
from esrd_pipeline.sources.intake.questions import TABLES, list_questions
from esrd_pipeline.tables.report import INTAKE, INTAKE_OUTCOMES
from esrd_pipeline_tests.sql.engine import to_arrow
from esrd_pipeline_tests.sql.worked import YEAR, Row, day

Given = Mapping[str, Sequence[Row]]
ROWS = {
    "raw.nhsn_bloodstream_infection": 800,
    "raw.eqrs_equity_attestation": 1_000,
    "raw.ich_cahps_survey": 0,
    "raw.eqrs_treatment": 9_000,
}
DIALYSIS: Row = {
    "nch_clm_type_cd": "40",
    "clm_fac_type_cd": "7",
    "clm_srvc_clsfctn_type_cd": "2",
    "prvdr_num": "012501",
}


def count(tables: Given) -> pd.DataFrame:
    """The answers of the tables that are given, asked of each other alone."""
    database = duckdb.connect()
    database.execute("CREATE SCHEMA raw")
    for name, rows in to_arrow(tables, YEAR).items():
        database.register("given", rows)
        database.execute(f"CREATE TABLE {name} AS FROM given")
    absent = {table.name for table in TABLES} - set(tables)
    return count_answers(
        lambda _, text: database.execute(text, {"performance_year": YEAR}).df(),
        STORED,
        absent=absent,
    )


def ask(tables: Given, *kinds: str) -> dict[tuple[str, ...], tuple[int, int]]:
    """Rows concerned and asked, by kind, setting and column, of answers that concern any."""
    rows = count(tables)
    rows = rows[rows["kind"].isin(kinds) & (rows["concerned_count"] > 0)]
    names = ["kind", "setting", "column_name"]
    return {
        tuple(row[name] for name in names): (row["concerned_count"], row["row_count"])
        for row in rows.to_dict("records")
    }


def claim(number: int, last: str, **other: object) -> Row:
    return {
        "clm_id": number,
        "bene_id": number,
        "nch_clm_type_cd": "60",
        "clm_from_dt": day(last),
        "clm_thru_dt": day(last),
        **other,
    }


def test_claims_are_told_apart_by_their_last_day() -> None:
    days = {
        "last_day_in_year": ("2024-01-01", "2024-12-31"),
        "last_day_in_run_out": ("2025-01-01", "2025-12-31"),
        "last_day_before_year": ("2023-01-01", "2023-12-31"),
        "last_day_far_before": ("2022-12-31",),
        "last_day_far_after": ("2026-01-01",),
    }
    listed = [when for each in days.values() for when in each]
    claims = [claim(number, when) for number, when in enumerate(listed, start=1)]
    assert ask({"raw.claim": claims}, *days) == {
        (kind, "inpatient", "clm_thru_dt"): (len(each), len(listed)) for kind, each in days.items()
    }


def test_a_claim_that_the_folder_of_the_year_before_holds_too_is_told() -> None:
    claims = [
        claim(1, "2024-01-10"),
        claim(2, "2024-02-10"),
        claim(1, "2024-01-10", performance_year=2023),
        claim(3, "2023-02-10", performance_year=2023),
    ]
    found = ask({"raw.claim": claims}, "claim_in_earlier_folder")
    assert found == {("claim_in_earlier_folder", "inpatient", "clm_id"): (1, 2)}


def test_a_claim_that_begins_after_its_end_is_told() -> None:
    claims = [claim(1, "2024-01-10"), claim(2, "2024-01-10", clm_from_dt=day("2024-01-11"))]
    found = ask({"raw.claim": claims}, "first_day_after_last")
    assert found == {("first_day_after_last", "inpatient", "clm_from_dt"): (1, 2)}


def test_lines_have_their_claims_setting_and_miss_claims_as_a_table() -> None:
    tables: Given = {
        "raw.claim": [
            claim(1, "2024-01-10"),
            claim(2, "2024-01-10", **DIALYSIS),
            claim(3, "2024-01-10", **DIALYSIS),
        ],
        "raw.claim_revenue": [
            {"clm_id": number, "clm_line_num": line, "rev_cntr": "0821"}
            for number, line in ((1, 1), (2, 1), (2, 2), (8, 1), (9, 1))
        ],
    }
    kinds = ("rows", "line_without_claim", "claim_without_line")
    rows = count(tables)
    rows = rows[(rows["table_name"] == "raw.claim_revenue") & rows["kind"].isin(kinds)]
    found = rows[["kind", "setting", "concerned_count", "row_count"]].itertuples(index=False)
    assert sorted(map(tuple, found)) == [
        ("claim_without_line", "dialysis", 1, 2),
        ("claim_without_line", "inpatient", 0, 1),
        ("line_without_claim", "", 2, 5),
        ("rows", "", 2, 2),
        ("rows", "dialysis", 2, 2),
        ("rows", "inpatient", 1, 1),
    ]


def test_claims_without_any_line_file_have_no_line() -> None:
    tables: Given = {"raw.carrier_claim": [claim_of_a_physician(1)], "raw.carrier_line": []}
    assert ask(tables, "claim_without_line", "table_empty") == {
        ("claim_without_line", "", "clm_id"): (1, 1),
        ("table_empty", "", ""): (1, 1),
    }


def claim_of_a_physician(number: int) -> Row:
    return {
        "clm_id": number,
        "bene_id": number,
        "clm_from_dt": day("2024-01-10"),
        "clm_thru_dt": day("2024-01-10"),
    }


def test_people_whom_their_list_does_not_know_are_told() -> None:
    tables: Given = {
        "raw.medicare_enrollment": [{"bene_id": 1}],
        "raw.claim": [claim(1, "2024-01-10"), claim(2, "2024-01-10")],
        "raw.eqrs_patient": [{"patient_id": 1}],
        "raw.eqrs_admission": [{"patient_id": n, "facilityid": 11} for n in (1, 2, 3)],
    }
    assert ask(tables, "person_not_enrolled", "patient_unknown") == {
        ("person_not_enrolled", "inpatient", "bene_id"): (1, 2),
        ("patient_unknown", "", "patient_id"): (2, 3),
    }


def test_facilities_are_known_by_any_number_a_list_has() -> None:
    numbers = ("012501", "012502", "012503", "012504", "012505", "012599")
    tables: Given = {
        "raw.eqrs_facility": [
            {"facilityid": 11, "provnum": "012501", "altprovnum": "012502"},
            {"facilityid": 12},
        ],
        "raw.eqrs_ccn_history": [{"facilityid": 11, "provnum": "012503"}],
        "raw.provider_of_services": [{"prvdr_num": "012504", "related_provider_number": "012505"}],
        "raw.eqrs_admission": [{"patient_id": 1, "facilityid": n} for n in (11, 12, 13)],
        "raw.claim": [
            *(
                claim(place, "2024-01-10", **{**DIALYSIS, "prvdr_num": number})
                for place, number in enumerate(numbers)
            ),
            claim(99, "2024-01-10", prvdr_num="010001"),
        ],
    }
    assert ask(tables, "facility_unknown") == {
        ("facility_unknown", "", "facilityid"): (1, 3),
        ("facility_unknown", "dialysis", "prvdr_num"): (1, 6),
    }


def test_codes_outside_their_list_are_told() -> None:
    months = {f"hmo_ind_{month:02}": "0" for month in range(1, 13)}
    tables: Given = {
        "raw.claim": [
            claim(n, "2024-01-10", ptnt_dschrg_stus_cd=code)
            for n, code in enumerate(("01", "20", "99", None))
        ],
        "raw.claim_revenue": [
            {"clm_id": 1, "clm_line_num": n, "rev_cntr": code}
            for n, code in enumerate(("0821", "0001", "8210"))
        ],
        "raw.eqrs_patient": [{"race": race} for race in ("White", "Asian", "W", None)],
        "raw.medicare_enrollment": [months, {**months, "hmo_ind_07": "9"}, {}],
    }
    assert ask(tables, "code_outside_list") == {
        ("code_outside_list", "inpatient", "ptnt_dschrg_stus_cd"): (1, 3),
        ("code_outside_list", "inpatient", "rev_cntr"): (1, 3),
        ("code_outside_list", "", "race"): (1, 3),
        ("code_outside_list", "", "hmo_ind"): (1, 2),
    }


def test_identifiers_of_another_form_are_told() -> None:
    tables: Given = {
        "raw.eqrs_patient": [
            {"mbi": "1EG4TE5MK73", "ssn": "900000001"},
            {"mbi": "900000001A", "ssn": "90000000"},
            {},
        ]
    }
    assert ask(tables, "code_of_another_form") == {
        ("code_of_another_form", "", "mbi"): (1, 2),
        ("code_of_another_form", "", "ssn"): (1, 2),
    }


def test_days_outside_the_year_and_outside_all_sense_are_told() -> None:
    months = ("2023-12-01", "2024-01-01", "2024-12-01", "2025-01-01")
    tables: Given = {
        "raw.eqrs_clinical_month": [{"month": day(when)} for when in months],
        "raw.eqrs_admission": [
            {"admit_date": day(when)} for when in ("1019-05-01", "2020-05-01", "2026-01-01")
        ],
        "raw.eqrs_treatment": [
            {"start_date": day("2023-05-01"), "setting": setting} for setting in ("Home", "Other")
        ],
        "raw.eqrs_patient": [
            {"date_of_birth": day(when)} for when in ("1899-12-31", "1950-01-01", "2025-01-01")
        ],
    }
    assert ask(tables, "date_outside_year", "date_far_outside", "ends_before_year") == {
        ("date_outside_year", "", "month"): (2, 4),
        ("date_far_outside", "", "admit_date"): (2, 3),
        ("date_far_outside", "", "date_of_birth"): (2, 3),
        ("ends_before_year", "", "start_date"): (2, 2),
    }


def test_recipients_that_were_no_candidates_are_told() -> None:
    tables: Given = {
        "raw.optn_transplant": [{"pers_id": n, "rec_tx_dt": day("2024-05-01")} for n in (1, 2, 3)],
        "raw.optn_waitlist": [{"pers_id": n, "can_listing_dt": day("2023-05-01")} for n in (1, 4)],
    }
    assert ask(tables, "recipient_not_listed") == {("recipient_not_listed", "", "pers_id"): (2, 3)}


def test_values_that_measures_need_are_told_where_they_are_missing() -> None:
    tables: Given = {
        "raw.claim": [
            claim(1, "2024-01-10", prvdr_num="010001", ptnt_dschrg_stus_cd="01"),
            claim(2, "2024-01-10"),
            claim(3, "2024-01-10", **DIALYSIS),
        ]
    }
    found = ask(tables, "value_missing", "has_value")
    assert found["value_missing", "inpatient", "prvdr_num"] == (1, 2)
    assert found["value_missing", "inpatient", "ptnt_dschrg_stus_cd"] == (1, 2)
    assert ("value_missing", "dialysis", "ptnt_dschrg_stus_cd") not in found
    # One of two and one of one: a column that a single setting lost is told there.
    assert found["has_value", "inpatient", "prvdr_num"] == (1, 2)
    assert found["has_value", "dialysis", "prvdr_num"] == (1, 1)
    assert not any(column == "clm_drg_cd" for _, _, column in found)


def test_a_measurement_of_zero_is_no_value() -> None:
    month: Row = {"month": day("2024-01-01"), "record_number": 1, "facilityid": 7}
    tables: Given = {
        "raw.eqrs_clinical_month": [
            {**month, "patient_id": 1, "ktv_value": 0.0, "calcium_value": 9.1},
            {**month, "patient_id": 2, "ktv_value": 1.4},
        ]
    }
    found = ask(tables, "value_missing")
    assert found["value_missing", "", "ktv_value"] == (1, 2)
    assert found["value_missing", "", "calcium_value"] == (1, 2)


@pytest.mark.parametrize(
    ("kinds", "absent"),
    [
        (("60", "40"), set()),
        (("40",), {"inpatient"}),
        (("60",), {"dialysis"}),
        (("62",), {"inpatient", "dialysis"}),
    ],
)
def test_a_year_without_hospital_stays_or_dialysis_bills_lacks_them(
    kinds: tuple[str, ...], absent: set[str]
) -> None:
    bill = {"clm_fac_type_cd": "7", "clm_srvc_clsfctn_type_cd": "2"}
    claims = [claim(n, "2024-01-10", **bill, nch_clm_type_cd=kind) for n, kind in enumerate(kinds)]
    found = ask({"raw.claim": claims}, "setting_absent")
    assert {setting for _, setting, _ in found} == absent
    assert all(counts == (len(kinds), len(kinds)) for counts in found.values())


def answer(kind: str, concerned: int, of: int, **other: str) -> dict[str, object]:
    return {
        "table_name": "raw.claim",
        "setting": "",
        "column_name": "",
        **other,
        "kind": kind,
        "row_count": of,
        "concerned_count": concerned,
    }


def weigh(
    now: list[dict[str, object]], before: list[dict[str, object]] | None = None
) -> dict[tuple[str, str], str]:
    """The outcomes by kind and setting."""
    rows = weigh_rows(now, before)
    return {(row["kind"], row["setting"]): row["outcome"] for row in rows.to_dict("records")}


def weigh_rows(
    now: list[dict[str, object]], before: list[dict[str, object]] | None = None
) -> pd.DataFrame:
    names = ["table_name", "setting", "kind", "column_name", "row_count", "concerned_count"]
    earlier = None
    if before is not None:
        earlier = judge(pd.DataFrame(before, columns=names), None, YEAR - 1)
    return judge(pd.DataFrame(now, columns=names), earlier, YEAR)


@pytest.mark.parametrize(
    ("concerned", "of", "outcome"),
    [(0, 1000, PASSES), (1, 1000, WARNS), (10, 1000, WARNS), (11, 1000, FAILS), (50, 99, WARNS)],
)
def test_a_share_beyond_its_limit_warns_or_fails_and_few_rows_never_fail(
    concerned: int, of: int, outcome: str
) -> None:
    kind = "last_day_far_before"
    assert weigh([answer(kind, concerned, of)])[kind, ""] == outcome


def test_few_rows_do_not_warn_of_a_share() -> None:
    kind = "code_outside_list"
    assert weigh([answer(kind, 50, 99)])[kind, ""] == FEW_ROWS


def test_a_setting_without_rows_is_never_like_the_year_before() -> None:
    def rows(**settings: int) -> list[dict[str, object]]:
        return [answer("rows", n, n, setting=name) for name, n in settings.items()]

    before = rows(inpatient=300, dialysis=9700, hospice=500, snf=50)
    found = weigh(rows(dialysis=9700, hospice=350, snf=10, hha=400), before)
    lost = {setting: outcome for (kind, setting), outcome in found.items() if kind == "rows_lost"}
    assert lost == {
        "inpatient": FAILS,
        "dialysis": PASSES,
        "hospice": WARNS,
        "snf": FEW_ROWS,
        "hha": FEW_ROWS,
    }
    assert found["rows_gained", "dialysis"] == PASSES
    assert found["rows", "dialysis"] == INFORMATION
    assert weigh(rows(dialysis=31_000), before)["rows_gained", "dialysis"] == FAILS


def test_without_a_year_before_nothing_is_compared() -> None:
    found = weigh([answer("rows", 5, 5), answer("has_value", 5, 5, column_name="clm_drg_cd")])
    assert found["rows_lost", ""] == NO_YEAR_BEFORE
    assert found["rows_gained", ""] == NO_YEAR_BEFORE
    assert found["has_value", ""] == NO_YEAR_BEFORE


@pytest.mark.parametrize(
    ("now", "outcome"), [(990, PASSES), (700, PASSES), (600, WARNS), (100, FAILS), (0, FAILS)]
)
def test_a_column_that_loses_its_values_is_seen_beside_the_year_before(
    now: int, outcome: str
) -> None:
    before = [answer("has_value", 990, 1000)]
    assert weigh([answer("has_value", now, 1000)], before)["has_value", ""] == outcome


def test_the_share_of_the_year_before_stands_beside_the_years() -> None:
    kind = "value_missing"
    rows = weigh_rows([answer(kind, 30, 100)], [answer(kind, 10, 100)])
    (row,) = rows[rows["kind"] == kind].to_dict("records")
    assert (row["share"], row["share_before"]) == (0.3, 0.1)
    assert rows.columns.tolist() == INTAKE.column_names
    assert set(rows["outcome"]) <= set(INTAKE_OUTCOMES)


def test_a_message_names_table_files_setting_column_rule_count_and_limits() -> None:
    rows = weigh_rows(
        [answer("last_day_far_before", 500, 1000, setting="inpatient", column_name="clm_thru_dt")]
    )
    files = {"raw.claim": ["inpatient_base.txt", "outpatient_base.txt"]}
    assert describe(rows, FAILS, files) == (
        "raw.claim (inpatient_base.txt), setting inpatient, column clm_thru_dt: claims end more"
        " than 12 months before the year, and are left out: 500 of 1,000 (50.0%), warn limit 0,"
        " fail limit 0.01"
    )
    assert describe(rows, WARNS, files) is None


def test_the_limit_of_a_column_goes_before_that_of_its_table_and_of_the_kind() -> None:
    column = find_limit("value_missing", "raw.claim", "prvdr_num")
    kind = find_limit("value_missing", "raw.claim", "icd_dgns_cd1")
    table = find_limit("ends_before_year", "raw.eqrs_admission", "admit_date")
    assert column is not None
    assert kind is not None
    assert table is not None
    assert (column.fails, kind.fails, table.fails) == (0.2, 0.8, 0.0)
    assert find_limit("last_day_in_year", "raw.claim", "clm_thru_dt") is None


def test_every_limit_is_of_a_question_that_is_asked_and_has_a_text() -> None:
    asked = {q.kind for table in TABLES for q in list_questions(table)}
    asked |= {"rows_lost", "rows_gained", "table_empty", "claim_without_line"}
    asked |= {"beneficiary_without_match", "file_of_year_before"}
    limited = {row["kind"] for row in load_rows("intake_limit")}
    assert limited <= asked
    assert asked - limited == {"last_day_in_year"}
    for kind in limited:
        rows = weigh_rows([answer(kind, 1, 2)], [answer(kind, 2, 2)])
        for outcome in INTAKE_OUTCOMES:
            describe(rows[rows["kind"] == kind], outcome)


def test_last_years_file_is_told_where_its_rows_name_no_day() -> None:
    answers = pd.DataFrame(
        [(table, "", "rows", "", rows, rows) for table, rows in ROWS.items()], columns=COLUMNS
    )
    extract = pd.DataFrame(
        [
            ("raw.nhsn_bloodstream_infection", "a"),
            ("raw.nhsn_bloodstream_infection", "b"),
            # As many facilities may attest the same again, and an empty file is every year's.
            ("raw.eqrs_equity_attestation", "c"),
            ("raw.ich_cahps_survey", "empty"),
            # A table with days of its own: they are asked for.
            ("raw.eqrs_treatment", "d"),
        ],
        columns=["table_name", "sha256"],
    )
    before = extract.assign(sha256=["a", "old", "c", "empty", "d"])
    counted = count_files_again(answers, extract, before)
    assert counted[["table_name", "row_count", "concerned_count"]].to_numpy().tolist() == [
        ["raw.eqrs_equity_attestation", 1, 1],
        ["raw.nhsn_bloodstream_infection", 2, 1],
    ]
    judged = judge(counted, None, YEAR)
    assert judged["outcome"].tolist() == [WARNS, FAILS]
    assert describe(judged, FAILS) == (
        "raw.nhsn_bloodstream_infection: files are files of the year before, byte for byte:"
        " 1 of 2 (50.0%), warn limit 0, fail limit 0"
    )
    assert count_files_again(answers, extract, None).empty
