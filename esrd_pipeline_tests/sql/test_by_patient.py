"""Which SELECTs are by patient: read from their texts, and in doubt none."""

import pytest

from esrd_pipeline.sql import load_select
from esrd_pipeline.sql.by_patient import is_by_patient
from esrd_pipeline.tables.catalog import TABLES_BY_NAME

TABLES = {"history.stay", "history.death"}
"""Tables of patients; `history.facility` has none."""

BY_PATIENT = {
    "rows": "SELECT * FROM history.stay",
    "joined by equal patients": """
        SELECT s.patient_id, d.day FROM history.stay AS s
        LEFT JOIN history.death AS d ON d.patient_id = s.patient_id AND d.day >= s.day""",
    "equal in WHERE": """
        SELECT s.patient_id FROM history.stay AS s, history.death AS d
        WHERE d.patient_id = s.patient_id""",
    "beside rows of nobody": """
        WITH f AS (SELECT ccn, rank() OVER (ORDER BY ccn) AS place FROM history.facility)
        SELECT s.patient_id, f.place FROM history.stay AS s LEFT JOIN f ON f.ccn = s.ccn""",
    "grouped": "SELECT patient_id, ccn, count(*) AS n FROM history.stay GROUP BY patient_id, ccn",
    "numbered": """
        SELECT patient_id, row_number() OVER (PARTITION BY patient_id ORDER BY day) AS n,
            lag(day) OVER days AS before
        FROM history.stay WINDOW days AS (PARTITION BY patient_id, ccn ORDER BY day)""",
    "of both sides": """
        SELECT coalesce(s.patient_id, d.patient_id) AS patient_id FROM history.stay AS s
        FULL JOIN history.death AS d ON d.patient_id = s.patient_id""",
    "united": """
        WITH one AS (SELECT patient_id, day FROM history.stay)
        SELECT * FROM one UNION SELECT patient_id, day FROM history.death""",
    "asked whether there are any": """
        SELECT s.patient_id FROM history.stay AS s WHERE NOT EXISTS (
            SELECT 1 FROM history.death AS d WHERE d.patient_id = s.patient_id)""",
}
OF_SEVERAL = {
    "joined by another column": """
        SELECT s.patient_id FROM history.stay AS s JOIN history.death AS d ON d.ccn = s.ccn""",
    "an outer join that WHERE makes equal": """
        SELECT s.patient_id FROM history.stay AS s LEFT JOIN history.death AS d ON d.day = s.day
        WHERE d.patient_id = s.patient_id""",
    "another patient's number in the patient's place": """
        SELECT coalesce(d.earlier_id, s.patient_id) AS patient_id FROM history.stay AS s
        LEFT JOIN history.death AS d ON d.patient_id = s.patient_id""",
    "a number that an outer join leaves out": """
        SELECT d.patient_id FROM history.stay AS s
        LEFT JOIN history.death AS d ON d.patient_id = s.patient_id""",
    "grouped by facility": "SELECT ccn, count(*) AS n FROM history.stay GROUP BY ccn",
    "counted": "SELECT max(patient_id) AS patient_id FROM history.stay",
    "divided by all": """
        SELECT patient_id, 1 / (SELECT count(*) FROM history.stay) AS share FROM history.stay""",
    "numbered through all": """
        SELECT patient_id, row_number() OVER (ORDER BY day) AS n FROM history.stay""",
    "numbered by facility": """
        SELECT patient_id, sum(1) OVER (PARTITION BY ccn) AS n FROM history.stay""",
    "distinct facilities beside the rows": """
        WITH f AS (SELECT DISTINCT ccn FROM history.stay)
        SELECT s.patient_id FROM history.stay AS s JOIN f ON f.ccn = s.ccn""",
    "rows of nobody that stay": """
        SELECT s.patient_id FROM history.facility AS f LEFT JOIN history.stay AS s
        ON s.ccn = f.ccn""",
    "rows of nobody and of patients": """
        SELECT patient_id FROM history.stay UNION ALL SELECT 0 AS patient_id
        FROM history.facility""",
    "united in another order": """
        SELECT patient_id, day FROM history.stay UNION ALL SELECT day, patient_id
        FROM history.death""",
    "the first rows": "SELECT patient_id FROM history.stay ORDER BY day LIMIT 9",
    "any other's death": """
        SELECT s.patient_id FROM history.stay AS s WHERE EXISTS (
            SELECT 1 FROM history.death AS d WHERE d.day = s.day)""",
    "columns under other names": """
        SELECT s.patient_id
        FROM (SELECT day, patient_id FROM history.stay) AS s (patient_id, day)""",
    "without the patient": "SELECT day FROM history.stay",
    "nobody": "SELECT ccn FROM history.facility",
}


@pytest.mark.parametrize("text", BY_PATIENT.values(), ids=list(BY_PATIENT))
def test_rows_of_one_patient_make_the_patients_rows(text: str) -> None:
    assert is_by_patient(text, TABLES)


@pytest.mark.parametrize("text", OF_SEVERAL.values(), ids=list(OF_SEVERAL))
def test_where_several_patients_may_meet_a_select_is_not_by_patient(text: str) -> None:
    assert not is_by_patient(text, TABLES)


OURS = {
    "history.care_month": True,
    "cohort.shr_days": True,
    # A month may be reported under an earlier number of the patient.
    "history.ktv_month": False,
    # Lengths of stay are counted over the nation.
    "cohort.srr": False,
    "linkage.register_match": False,
}


def test_our_own() -> None:
    of_patients = {name for name, one in TABLES_BY_NAME.items() if "patient_id" in one.column_names}
    found = {table: is_by_patient(load_select(table).text, of_patients) for table in OURS}
    assert found == OURS
