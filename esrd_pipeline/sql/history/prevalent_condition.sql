-- One row: a group of conditions one patient had in the year before, by one specification.
-- Manual 2.13.13 and 2.25.14 (SEDR): any inpatient claim. SHR submission: one inpatient claim, or
-- two claims of other types (outpatient, SNF, home health, hospice, carrier), whatever their days;
-- Part C included. SMR: claims of other types on two days, those of laboratories not counted
-- (2.14.12, Table 10, footnote 3).
WITH
laboratory AS (
    SELECT claim_year, claim_type, clm_id
    FROM history.laboratory_claim
    WHERE performance_year = $performance_year
),

-- The year's claims. Which claim and which day it is counts only of other types than inpatient.
claim AS MATERIALIZED (
    SELECT
        k.clm_id,
        k.claim_year,
        k.source,
        k.patient_id,
        CASE WHEN k.claim_type = '60' THEN 1 ELSE 0 END AS is_inpatient,
        CASE WHEN k.claim_type <> '60' THEN concat(k.claim_type, ' ', k.clm_id) END AS claim,
        CASE WHEN k.claim_type <> '60' AND l.clm_id IS NULL THEN k.last_date END AS day
    FROM linkage.claim AS k
    LEFT JOIN laboratory AS l
        ON l.claim_type = k.claim_type AND l.clm_id = k.clm_id AND l.claim_year = k.claim_year
    WHERE k.performance_year = $performance_year
        AND k.last_date BETWEEN make_date($performance_year - 1, 1, 1)
            AND make_date($performance_year - 1, 12, 31)
),

diagnosis AS (
    SELECT
        k.patient_id,
        k.is_inpatient,
        k.claim,
        k.day,
        unnest([
            c.prncpal_dgns_cd, c.icd_dgns_cd1, c.icd_dgns_cd2, c.icd_dgns_cd3, c.icd_dgns_cd4,
            c.icd_dgns_cd5, c.icd_dgns_cd6, c.icd_dgns_cd7, c.icd_dgns_cd8, c.icd_dgns_cd9,
            c.icd_dgns_cd10, c.icd_dgns_cd11, c.icd_dgns_cd12, c.icd_dgns_cd13,
            c.icd_dgns_cd14, c.icd_dgns_cd15, c.icd_dgns_cd16, c.icd_dgns_cd17,
            c.icd_dgns_cd18, c.icd_dgns_cd19, c.icd_dgns_cd20, c.icd_dgns_cd21,
            c.icd_dgns_cd22, c.icd_dgns_cd23, c.icd_dgns_cd24, c.icd_dgns_cd25
        ]) AS code
    FROM claim AS k
    JOIN raw.claim AS c ON c.clm_id = k.clm_id AND c.performance_year = k.claim_year
    WHERE k.source = 'institutional'
        AND c.performance_year BETWEEN $performance_year - 1 AND $performance_year
    UNION ALL
    SELECT
        k.patient_id,
        k.is_inpatient,
        k.claim,
        k.day,
        unnest([
            c.prncpal_dgns_cd, c.icd_dgns_cd1, c.icd_dgns_cd2, c.icd_dgns_cd3, c.icd_dgns_cd4,
            c.icd_dgns_cd5, c.icd_dgns_cd6, c.icd_dgns_cd7, c.icd_dgns_cd8, c.icd_dgns_cd9,
            c.icd_dgns_cd10, c.icd_dgns_cd11, c.icd_dgns_cd12
        ]) AS code
    FROM claim AS k
    JOIN raw.carrier_claim AS c ON c.clm_id = k.clm_id AND c.performance_year = k.claim_year
    WHERE k.source = 'carrier'
        AND c.performance_year BETWEEN $performance_year - 1 AND $performance_year
),

-- Two claims or days are there where the first and the last differ.
categorised AS (
    SELECT
        d.patient_id,
        c.category,
        max(d.is_inpatient) AS is_inpatient,
        min(d.claim) AS first_claim,
        max(d.claim) AS last_claim,
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
        min(d.first_claim) < max(d.last_claim) AS has_two_claims,
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
