-- One row: a group of conditions one patient had in the year before, by one specification.
-- Manual 2.13.13 and 2.25.14 (SEDR): any inpatient claim. SHR submission: one inpatient claim, or
-- two claims of other types (outpatient, SNF, home health, hospice, carrier), whatever their days;
-- Part C included. SMR: claims of other types on two days, those of laboratories not counted
-- (2.14.12, Table 10, footnote 3).
WITH
-- The year's claims. Which claim and which day it is counts only of other types than inpatient.
diagnosis AS (
    SELECT
        patient_id,
        CASE WHEN claim_type = '60' THEN 1 ELSE 0 END AS is_inpatient,
        CASE WHEN claim_type <> '60' THEN claim_type END AS claim_type,
        CASE WHEN claim_type <> '60' THEN clm_id END AS clm_id,
        CASE WHEN claim_type <> '60' AND NOT is_laboratory THEN last_date END AS day,
        code
    FROM shared.claim_diagnosis AS d
    WHERE last_date BETWEEN make_date($performance_year - 1, 1, 1)
        AND make_date($performance_year - 1, 12, 31)
),

-- Two claims or days are there where the first and the last differ.
categorised AS (
    SELECT
        d.patient_id,
        c.category,
        max(d.is_inpatient) AS is_inpatient,
        min(d.claim_type) AS first_type,
        max(d.claim_type) AS last_type,
        min(d.clm_id) AS first_claim,
        max(d.clm_id) AS last_claim,
        min(d.day) AS first_day,
        max(d.day) AS last_day
    FROM diagnosis AS d
    JOIN parameter.ccs_diagnosis AS c ON c.code = d.code
    GROUP BY d.patient_id, c.category
),

grouped AS (
    SELECT
        g.specification,
        d.patient_id,
        g.condition_group,
        max(d.is_inpatient) AS has_inpatient,
        min(d.first_claim) < max(d.last_claim) OR min(d.first_type) < max(d.last_type)
            AS has_two_claims,
        min(d.first_day) < max(d.last_day) AS has_two_days
    FROM categorised AS d
    JOIN parameter.prevalent_condition_group AS g ON g.category = d.category
    GROUP BY g.specification, d.patient_id, g.condition_group
)

SELECT
    specification,
    patient_id,
    condition_group,
    $performance_year AS performance_year
FROM grouped
WHERE has_inpatient = 1
    OR (specification = 'submission' AND has_two_claims)
    OR (specification = 'smr' AND has_two_days)
