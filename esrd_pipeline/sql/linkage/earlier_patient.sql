-- One row: a number under which tables of earlier years hold a patient who has another one today.
-- Manual 3.2.1. Whoever reads a patient of an earlier year's table asks here for today's number.
-- Reading 101: a beneficiary whom EQRS did not know then and knows now, or an EQRS number that EQRS
-- no longer has, whose beneficiary is matched to another one. A number that is still someone's
-- keeps its rows. Changes of earlier years are carried forward, through those that followed.
WITH
today AS (
    SELECT bene_id, patient_id, is_matched
    FROM linkage.beneficiary
    WHERE performance_year = $performance_year
),

-- Every number that is somebody's today.
known AS (
    SELECT patient_id FROM raw.eqrs_patient WHERE performance_year = $performance_year
    UNION
    SELECT patient_id FROM today WHERE NOT is_matched
),

changed AS (
    SELECT t.patient_id AS earlier_patient_id, min(n.patient_id) AS patient_id
    FROM linkage.beneficiary AS t
    JOIN today AS n ON n.bene_id = t.bene_id
    LEFT JOIN known AS k ON k.patient_id = t.patient_id
    WHERE t.performance_year BETWEEN $performance_year - 3 AND $performance_year - 1
        AND n.is_matched
        AND n.patient_id <> t.patient_id
        AND k.patient_id IS NULL
    GROUP BY t.patient_id
),

carried AS (
    SELECT e.earlier_patient_id, coalesce(c.patient_id, e.patient_id) AS patient_id
    FROM linkage.earlier_patient AS e
    LEFT JOIN changed AS c ON c.earlier_patient_id = e.patient_id
    LEFT JOIN known AS k ON k.patient_id = e.earlier_patient_id
    WHERE e.performance_year = $performance_year - 1 AND k.patient_id IS NULL
)

SELECT earlier_patient_id, patient_id, $performance_year AS performance_year FROM changed
UNION ALL
SELECT r.earlier_patient_id, r.patient_id, $performance_year AS performance_year
FROM carried AS r
LEFT JOIN changed AS c ON c.earlier_patient_id = r.earlier_patient_id
WHERE c.earlier_patient_id IS NULL AND r.patient_id <> r.earlier_patient_id
