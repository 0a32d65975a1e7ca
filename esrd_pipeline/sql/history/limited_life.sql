-- One row: a month of the year of one patient with limited life expectancy: hospice in it, or a
-- diagnosis on claims in the past 12 months. Manual 2.1.9, 2.1.10; codes:
-- limited_life_diagnosis.csv.
-- Readings: by a claim's last day. Reading 89: the past 12 months are the twelve before the
-- reporting month, as in history.access_condition; hospice alone is of the "current" one. A claim
-- of a laboratory (history.laboratory_claim) is not evidence of a condition.
WITH
calendar AS (
    SELECT month FROM history.calendar_month WHERE performance_year = $performance_year
),

person AS (
    SELECT patient_id FROM linkage.patient WHERE performance_year = $performance_year
),

laboratory AS (
    SELECT claim_year, claim_type, clm_id
    FROM history.laboratory_claim
    WHERE performance_year = $performance_year
),

coded AS (
    SELECT
        k.patient_id,
        k.last_date AS claim_day,
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
        AND c.performance_year BETWEEN $performance_year - 1 AND $performance_year
        AND k.claim_type IN ('40', '60')
        AND l.clm_id IS NULL
    UNION ALL
    SELECT
        k.patient_id,
        k.last_date AS claim_day,
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
        AND c.performance_year BETWEEN $performance_year - 1 AND $performance_year
        AND l.clm_id IS NULL
),

diagnosed AS (
    SELECT DISTINCT
        c.patient_id,
        make_date(date_part('year', c.claim_day), date_part('month', c.claim_day), 1) AS month,
        d.condition
    FROM coded AS c
    -- The block first: three characters that a hash can join.
    JOIN parameter.limited_life_diagnosis AS d
        ON substring(d.icd_10_prefix, 1, 3) = substring(c.code, 1, 3)
        AND d.icd_10_prefix = substring(c.code, 1, length(d.icd_10_prefix))
),

evidence AS (
    SELECT d.patient_id, c.month, d.condition
    FROM diagnosed AS d
    JOIN person AS p ON p.patient_id = d.patient_id
    JOIN calendar AS c ON c.month > d.month AND c.month <= d.month + INTERVAL 12 MONTH
    UNION ALL
    SELECT h.patient_id, c.month, 'hospice' AS condition
    FROM linkage.claim AS h
    JOIN person AS p ON p.patient_id = h.patient_id
    JOIN calendar AS c ON c.month <= h.last_date AND last_day(c.month) >= h.from_date
    WHERE h.performance_year = $performance_year AND h.claim_type = '50'
)

SELECT
    patient_id,
    month,
    $performance_year AS performance_year,
    max(CASE WHEN condition = 'hospice' THEN 1 ELSE 0 END) = 1 AS is_hospice,
    max(CASE WHEN condition = 'metastatic cancer' THEN 1 ELSE 0 END) = 1 AS has_metastatic_cancer,
    max(CASE WHEN condition = 'end-stage liver disease' THEN 1 ELSE 0 END) = 1
        AS has_end_stage_liver,
    max(CASE WHEN condition = 'coma or anoxic brain injury' THEN 1 ELSE 0 END) = 1 AS has_coma
FROM evidence
GROUP BY patient_id, month
