-- One row: a group of conditions of one index discharge, by one measure's specification.
-- Manual 2.10.11, Table 4 (srr_dfc: inpatient claims, CCS); 2.11.13, Table 6 (srr_qip: inpatient,
-- outpatient, SNF, hospice and home health claims, condition categories); 2.26.12, 2.26.16, Table
-- 13 (ed30: the same types, CCS).
-- Readings: claims count if their last day is the day of discharge or one of the 364 before it,
-- including those of the index stay; SNF claims include swing beds (types 20, 30); claims of
-- managed care count. A condition category is that of the longest prefix of condition_category.csv;
-- the row of an injury states whether it is for initial encounters (seventh character A, B, C) or
-- later ones.
WITH
discharge AS (
    SELECT 'srr_' || program AS specification, patient_id, stay, discharge_date
    FROM cohort.srr
    WHERE performance_year = $performance_year AND reason IS NULL
    UNION ALL
    SELECT 'ed30' AS specification, patient_id, stay, discharge_date
    FROM cohort.ed30
    WHERE performance_year = $performance_year AND reason IS NULL
),

-- The days whose claims any discharge of the patient asks for.
discharged AS (
    SELECT
        patient_id,
        min(discharge_date) - 364 AS first_day,
        max(discharge_date) AS last_day
    FROM discharge
    GROUP BY patient_id
),

beneficiary AS (
    SELECT b.bene_id, b.patient_id, d.first_day, d.last_day
    FROM linkage.beneficiary AS b
    JOIN discharged AS d ON d.patient_id = b.patient_id
    WHERE b.performance_year = $performance_year
),

dropped AS (
    SELECT DISTINCT claim_year, clm_id
    FROM linkage.dropped_claim
    WHERE performance_year BETWEEN $performance_year - 1 AND $performance_year
        AND source = 'institutional'
),

-- Claims are read twice, so that the diagnoses of all claims are never in memory together: first to
-- find the codes, then to find the patients.
coded AS (
    SELECT
        unnest([
            c.prncpal_dgns_cd, c.icd_dgns_cd1, c.icd_dgns_cd2, c.icd_dgns_cd3, c.icd_dgns_cd4,
            c.icd_dgns_cd5, c.icd_dgns_cd6, c.icd_dgns_cd7, c.icd_dgns_cd8, c.icd_dgns_cd9,
            c.icd_dgns_cd10, c.icd_dgns_cd11, c.icd_dgns_cd12, c.icd_dgns_cd13,
            c.icd_dgns_cd14, c.icd_dgns_cd15, c.icd_dgns_cd16, c.icd_dgns_cd17,
            c.icd_dgns_cd18, c.icd_dgns_cd19, c.icd_dgns_cd20, c.icd_dgns_cd21,
            c.icd_dgns_cd22, c.icd_dgns_cd23, c.icd_dgns_cd24, c.icd_dgns_cd25
        ]) AS code
    FROM raw.claim AS c
    WHERE c.performance_year BETWEEN $performance_year - 2 AND $performance_year
),

code AS (
    SELECT DISTINCT
        code,
        CASE
            WHEN length(code) < 7 OR substring(code, 1, 1) NOT IN ('M', 'S', 'T') THEN 'none'
            WHEN substring(code, 7, 1) IN ('A', 'B', 'C') THEN 'initial'
            ELSE 'later'
        END AS encounter
    FROM coded
    WHERE code IS NOT NULL
),

prefixed AS (
    SELECT
        c.code,
        p.category,
        row_number() OVER (
            PARTITION BY c.code ORDER BY length(p.icd_10_prefix) DESC, p.icd_10_prefix
        ) AS place
    FROM code AS c
    JOIN parameter.condition_category AS p
        ON p.encounter = c.encounter AND starts_with(c.code, p.icd_10_prefix)
),

code_group AS (
    SELECT DISTINCT g.specification, g.condition_group, c.code
    FROM code AS c
    JOIN parameter.ccs_diagnosis AS s ON s.code = c.code
    JOIN parameter.discharge_condition_group AS g ON g.system = 'ccs' AND g.category = s.category
    UNION
    SELECT DISTINCT g.specification, g.condition_group, p.code
    FROM prefixed AS p
    JOIN parameter.discharge_condition_group AS g ON g.system = 'cc' AND g.category = p.category
    WHERE p.place = 1
),

diagnosis AS (
    SELECT
        b.patient_id,
        c.clm_thru_dt AS day,
        c.nch_clm_type_cd IN ('60', '61', '62', '63', '64') AS is_inpatient,
        unnest([
            c.prncpal_dgns_cd, c.icd_dgns_cd1, c.icd_dgns_cd2, c.icd_dgns_cd3, c.icd_dgns_cd4,
            c.icd_dgns_cd5, c.icd_dgns_cd6, c.icd_dgns_cd7, c.icd_dgns_cd8, c.icd_dgns_cd9,
            c.icd_dgns_cd10, c.icd_dgns_cd11, c.icd_dgns_cd12, c.icd_dgns_cd13,
            c.icd_dgns_cd14, c.icd_dgns_cd15, c.icd_dgns_cd16, c.icd_dgns_cd17,
            c.icd_dgns_cd18, c.icd_dgns_cd19, c.icd_dgns_cd20, c.icd_dgns_cd21,
            c.icd_dgns_cd22, c.icd_dgns_cd23, c.icd_dgns_cd24, c.icd_dgns_cd25
        ]) AS code
    FROM raw.claim AS c
    JOIN beneficiary AS b ON b.bene_id = c.bene_id
    LEFT JOIN dropped AS x ON x.claim_year = c.performance_year AND x.clm_id = c.clm_id
    WHERE c.performance_year BETWEEN $performance_year - 2 AND $performance_year
        AND c.clm_thru_dt BETWEEN b.first_day AND b.last_day
        AND x.clm_id IS NULL
),

grouped AS (
    SELECT DISTINCT g.specification, k.patient_id, k.day, g.condition_group
    FROM diagnosis AS k
    JOIN code_group AS g ON g.code = k.code
    WHERE k.is_inpatient OR g.specification <> 'srr_dfc'
)

SELECT DISTINCT
    d.specification,
    d.patient_id,
    d.stay,
    k.condition_group,
    $performance_year AS performance_year
FROM grouped AS k
JOIN discharge AS d
    ON d.specification = k.specification
    AND d.patient_id = k.patient_id
    AND k.day BETWEEN d.discharge_date - 364 AND d.discharge_date
