-- One row: a group of conditions one patient had in the year before, by one specification.
-- Manual 2.13.13 and 2.25.14 (SEDR): any inpatient claim. SHR submission: one inpatient claim, or
-- two claims of other types (outpatient, SNF, home health, hospice, carrier), whatever their days;
-- Part C included. SMR: claims of other types on two days, those of laboratories not counted
-- (2.14.12, Table 10, footnote 3).
WITH
diagnosis AS (
    SELECT
        patient_id,
        last_date AS day,
        claim_type,
        clm_id,
        CASE WHEN is_laboratory THEN 1 ELSE 0 END AS is_laboratory,
        CASE WHEN claim_type = '60' THEN 1 ELSE 0 END AS is_inpatient,
        code
    FROM shared.claim_diagnosis AS d
    WHERE last_date BETWEEN make_date($performance_year - 1, 1, 1)
        AND make_date($performance_year - 1, 12, 31)
),

distinct_diagnosis AS (
    SELECT DISTINCT
        patient_id,
        code,
        is_laboratory,
        is_inpatient,
        CASE WHEN is_inpatient = 1 THEN NULL ELSE day END AS day,
        CASE WHEN is_inpatient = 1 THEN NULL ELSE concat(claim_type, ' ', clm_id) END AS claim
    FROM diagnosis
    WHERE code IS NOT NULL
),

grouped AS (
    SELECT
        g.specification,
        d.patient_id,
        g.condition_group,
        max(d.is_inpatient) AS has_inpatient,
        count(DISTINCT d.claim) AS claims,
        count(DISTINCT CASE WHEN d.is_laboratory = 0 THEN d.day END) AS days_seen
    FROM distinct_diagnosis AS d
    JOIN parameter.ccs_diagnosis AS c ON c.code = d.code
    JOIN parameter.prevalent_condition_group AS g ON g.category = c.category
    GROUP BY g.specification, d.patient_id, g.condition_group
)

SELECT
    specification,
    patient_id,
    condition_group,
    $performance_year AS performance_year
FROM grouped
WHERE has_inpatient = 1
    OR (specification = 'submission' AND claims >= 2)
    OR (specification = 'smr' AND days_seen >= 2)
