-- One row: a group of conditions one patient had in the year before, by one specification.
-- Manual 2.13.13: any inpatient claim. SHR submission: one inpatient claim, or claims of other
-- types (outpatient, SNF, home health, hospice, carrier) on two days; Part C included.
WITH beneficiary AS (
    SELECT
        bene_id,
        patient_id
    FROM linkage.beneficiary
    WHERE
        performance_year = $performance_year - 1
), institutional AS (
    SELECT
        b.patient_id,
        c.clm_thru_dt AS day,
        CASE WHEN c.nch_clm_type_cd = '60' THEN 1 ELSE 0 END AS is_inpatient,
        c.*
    FROM raw.claim AS c
    JOIN beneficiary AS b
        ON b.bene_id = c.bene_id
    WHERE
        c.performance_year = $performance_year - 1
), carrier AS (
    SELECT
        b.patient_id,
        c.clm_thru_dt AS day,
        0 AS is_inpatient,
        c.*
    FROM raw.carrier_claim AS c
    JOIN beneficiary AS b
        ON b.bene_id = c.bene_id
    WHERE
        c.performance_year = $performance_year - 1
), diagnosis AS (
    SELECT
        patient_id,
        day,
        is_inpatient,
        prncpal_dgns_cd AS code
    FROM institutional
    UNION ALL
    SELECT
        patient_id,
        day,
        is_inpatient,
        icd_dgns_cd1 AS code
    FROM institutional
    UNION ALL
    SELECT
        patient_id,
        day,
        is_inpatient,
        icd_dgns_cd2 AS code
    FROM institutional
    UNION ALL
    SELECT
        patient_id,
        day,
        is_inpatient,
        icd_dgns_cd3 AS code
    FROM institutional
    UNION ALL
    SELECT
        patient_id,
        day,
        is_inpatient,
        icd_dgns_cd4 AS code
    FROM institutional
    UNION ALL
    SELECT
        patient_id,
        day,
        is_inpatient,
        icd_dgns_cd5 AS code
    FROM institutional
    UNION ALL
    SELECT
        patient_id,
        day,
        is_inpatient,
        icd_dgns_cd6 AS code
    FROM institutional
    UNION ALL
    SELECT
        patient_id,
        day,
        is_inpatient,
        icd_dgns_cd7 AS code
    FROM institutional
    UNION ALL
    SELECT
        patient_id,
        day,
        is_inpatient,
        icd_dgns_cd8 AS code
    FROM institutional
    UNION ALL
    SELECT
        patient_id,
        day,
        is_inpatient,
        icd_dgns_cd9 AS code
    FROM institutional
    UNION ALL
    SELECT
        patient_id,
        day,
        is_inpatient,
        icd_dgns_cd10 AS code
    FROM institutional
    UNION ALL
    SELECT
        patient_id,
        day,
        is_inpatient,
        icd_dgns_cd11 AS code
    FROM institutional
    UNION ALL
    SELECT
        patient_id,
        day,
        is_inpatient,
        icd_dgns_cd12 AS code
    FROM institutional
    UNION ALL
    SELECT
        patient_id,
        day,
        is_inpatient,
        icd_dgns_cd13 AS code
    FROM institutional
    UNION ALL
    SELECT
        patient_id,
        day,
        is_inpatient,
        icd_dgns_cd14 AS code
    FROM institutional
    UNION ALL
    SELECT
        patient_id,
        day,
        is_inpatient,
        icd_dgns_cd15 AS code
    FROM institutional
    UNION ALL
    SELECT
        patient_id,
        day,
        is_inpatient,
        icd_dgns_cd16 AS code
    FROM institutional
    UNION ALL
    SELECT
        patient_id,
        day,
        is_inpatient,
        icd_dgns_cd17 AS code
    FROM institutional
    UNION ALL
    SELECT
        patient_id,
        day,
        is_inpatient,
        icd_dgns_cd18 AS code
    FROM institutional
    UNION ALL
    SELECT
        patient_id,
        day,
        is_inpatient,
        icd_dgns_cd19 AS code
    FROM institutional
    UNION ALL
    SELECT
        patient_id,
        day,
        is_inpatient,
        icd_dgns_cd20 AS code
    FROM institutional
    UNION ALL
    SELECT
        patient_id,
        day,
        is_inpatient,
        icd_dgns_cd21 AS code
    FROM institutional
    UNION ALL
    SELECT
        patient_id,
        day,
        is_inpatient,
        icd_dgns_cd22 AS code
    FROM institutional
    UNION ALL
    SELECT
        patient_id,
        day,
        is_inpatient,
        icd_dgns_cd23 AS code
    FROM institutional
    UNION ALL
    SELECT
        patient_id,
        day,
        is_inpatient,
        icd_dgns_cd24 AS code
    FROM institutional
    UNION ALL
    SELECT
        patient_id,
        day,
        is_inpatient,
        icd_dgns_cd25 AS code
    FROM institutional
    UNION ALL
    SELECT
        patient_id,
        day,
        is_inpatient,
        prncpal_dgns_cd AS code
    FROM carrier
    UNION ALL
    SELECT
        patient_id,
        day,
        is_inpatient,
        icd_dgns_cd1 AS code
    FROM carrier
    UNION ALL
    SELECT
        patient_id,
        day,
        is_inpatient,
        icd_dgns_cd2 AS code
    FROM carrier
    UNION ALL
    SELECT
        patient_id,
        day,
        is_inpatient,
        icd_dgns_cd3 AS code
    FROM carrier
    UNION ALL
    SELECT
        patient_id,
        day,
        is_inpatient,
        icd_dgns_cd4 AS code
    FROM carrier
    UNION ALL
    SELECT
        patient_id,
        day,
        is_inpatient,
        icd_dgns_cd5 AS code
    FROM carrier
    UNION ALL
    SELECT
        patient_id,
        day,
        is_inpatient,
        icd_dgns_cd6 AS code
    FROM carrier
    UNION ALL
    SELECT
        patient_id,
        day,
        is_inpatient,
        icd_dgns_cd7 AS code
    FROM carrier
    UNION ALL
    SELECT
        patient_id,
        day,
        is_inpatient,
        icd_dgns_cd8 AS code
    FROM carrier
    UNION ALL
    SELECT
        patient_id,
        day,
        is_inpatient,
        icd_dgns_cd9 AS code
    FROM carrier
    UNION ALL
    SELECT
        patient_id,
        day,
        is_inpatient,
        icd_dgns_cd10 AS code
    FROM carrier
    UNION ALL
    SELECT
        patient_id,
        day,
        is_inpatient,
        icd_dgns_cd11 AS code
    FROM carrier
    UNION ALL
    SELECT
        patient_id,
        day,
        is_inpatient,
        icd_dgns_cd12 AS code
    FROM carrier
), distinct_diagnosis AS (
    SELECT DISTINCT
        patient_id,
        code,
        is_inpatient,
        CASE WHEN is_inpatient = 1 THEN NULL ELSE day END AS day
    FROM diagnosis
    WHERE
        NOT code IS NULL
), grouped AS (
    SELECT
        g.specification,
        d.patient_id,
        g.condition_group,
        max(d.is_inpatient) AS has_inpatient,
        count(DISTINCT d.day) AS days
    FROM distinct_diagnosis AS d
    JOIN parameter.ccs_diagnosis AS c
        ON c.code = d.code
    JOIN parameter.prevalent_condition_group AS g
        ON g.category = c.category
    GROUP BY
        g.specification,
        d.patient_id,
        g.condition_group
)
SELECT
    specification,
    patient_id,
    condition_group,
    $performance_year AS performance_year
FROM grouped
WHERE
    has_inpatient = 1 OR (
        specification = 'submission' AND days >= 2
    )
