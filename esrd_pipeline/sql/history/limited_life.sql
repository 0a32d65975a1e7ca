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

diagnosed AS (
    SELECT DISTINCT
        c.patient_id,
        make_date(date_part('year', c.last_date), date_part('month', c.last_date), 1) AS month,
        d.condition
    FROM shared.claim_diagnosis AS c
    -- The block first: three characters that a hash can join.
    JOIN parameter.limited_life_diagnosis AS d
        ON substring(d.icd_10_prefix, 1, 3) = substring(c.code, 1, 3)
        AND d.icd_10_prefix = substring(c.code, 1, length(d.icd_10_prefix))
    WHERE c.claim_type IN ('40', '60', 'carrier') AND NOT c.is_laboratory
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
