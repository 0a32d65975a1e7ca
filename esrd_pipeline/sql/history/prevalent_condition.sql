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

diagnosis AS (
    SELECT
        k.patient_id,
        k.last_date AS day,
        k.claim_type,
        k.clm_id,
        CASE WHEN l.clm_id IS NULL THEN 0 ELSE 1 END AS is_laboratory,
        CASE WHEN k.claim_type = '60' THEN 1 ELSE 0 END AS is_inpatient,
        unnest([
            c.prncpal_dgns_cd, c.icd_dgns_cd1, c.icd_dgns_cd2, c.icd_dgns_cd3, c.icd_dgns_cd4,
            c.icd_dgns_cd5, c.icd_dgns_cd6, c.icd_dgns_cd7, c.icd_dgns_cd8, c.icd_dgns_cd9,
            c.icd_dgns_cd10, c.icd_dgns_cd11, c.icd_dgns_cd12, c.icd_dgns_cd13,
            c.icd_dgns_cd14, c.icd_dgns_cd15, c.icd_dgns_cd16, c.icd_dgns_cd17,
            c.icd_dgns_cd18, c.icd_dgns_cd19, c.icd_dgns_cd20, c.icd_dgns_cd21,
            c.icd_dgns_cd22, c.icd_dgns_cd23, c.icd_dgns_cd24, c.icd_dgns_cd25
        ]) AS code
    FROM linkage.claim AS k
    JOIN raw.claim AS c ON c.clm_id = k.clm_id AND c.performance_year = k.claim_year
    LEFT JOIN laboratory AS l
        ON l.claim_type = k.claim_type AND l.clm_id = k.clm_id AND l.claim_year = k.claim_year
    WHERE k.performance_year = $performance_year
        AND k.source = 'institutional'
        AND k.last_date BETWEEN make_date($performance_year - 1, 1, 1)
            AND make_date($performance_year - 1, 12, 31)
        AND c.performance_year BETWEEN $performance_year - 1 AND $performance_year
    UNION ALL
    SELECT
        k.patient_id,
        k.last_date AS day,
        k.claim_type,
        k.clm_id,
        CASE WHEN l.clm_id IS NULL THEN 0 ELSE 1 END AS is_laboratory,
        0 AS is_inpatient,
        unnest([
            c.prncpal_dgns_cd, c.icd_dgns_cd1, c.icd_dgns_cd2, c.icd_dgns_cd3, c.icd_dgns_cd4,
            c.icd_dgns_cd5, c.icd_dgns_cd6, c.icd_dgns_cd7, c.icd_dgns_cd8, c.icd_dgns_cd9,
            c.icd_dgns_cd10, c.icd_dgns_cd11, c.icd_dgns_cd12
        ]) AS code
    FROM linkage.claim AS k
    JOIN raw.carrier_claim AS c ON c.clm_id = k.clm_id AND c.performance_year = k.claim_year
    LEFT JOIN laboratory AS l
        ON l.claim_type = 'carrier' AND l.clm_id = k.clm_id AND l.claim_year = k.claim_year
    WHERE k.performance_year = $performance_year
        AND k.source = 'carrier'
        AND k.last_date BETWEEN make_date($performance_year - 1, 1, 1)
            AND make_date($performance_year - 1, 12, 31)
        AND c.performance_year BETWEEN $performance_year - 1 AND $performance_year
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
