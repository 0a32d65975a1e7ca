-- One row: a patient with COVID-19, and the day of the first diagnosis. Manual 2.12.13.
-- Sources: Part A and Part B claims of any kind, by their first day; the cause of renal failure of
-- CMS-2728, by the day dialysis began or else it was signed; the causes of death of CMS-2746.
-- Readings: nothing before 20 February 2020 is a diagnosis; a claim of a laboratory counts, since
-- footnote 2 of Table 7 is not printed at this row; of claims the year and the one before are at
-- hand, and a diagnosis of before is remembered from the table of the year before.
WITH
beneficiary AS (
    SELECT bene_id, performance_year, patient_id
    FROM linkage.beneficiary
    WHERE performance_year BETWEEN $performance_year - 1 AND $performance_year
),

institutional AS (
    SELECT b.patient_id, c.clm_from_dt AS diagnosis_date
    FROM raw.claim AS c
    JOIN beneficiary AS b ON b.bene_id = c.bene_id AND b.performance_year = c.performance_year
    JOIN parameter.covid_diagnosis_code AS d
        ON d.code IN (
            c.prncpal_dgns_cd, c.icd_dgns_cd1, c.icd_dgns_cd2, c.icd_dgns_cd3, c.icd_dgns_cd4,
            c.icd_dgns_cd5, c.icd_dgns_cd6, c.icd_dgns_cd7, c.icd_dgns_cd8, c.icd_dgns_cd9,
            c.icd_dgns_cd10, c.icd_dgns_cd11, c.icd_dgns_cd12, c.icd_dgns_cd13,
            c.icd_dgns_cd14, c.icd_dgns_cd15, c.icd_dgns_cd16, c.icd_dgns_cd17,
            c.icd_dgns_cd18, c.icd_dgns_cd19, c.icd_dgns_cd20, c.icd_dgns_cd21,
            c.icd_dgns_cd22, c.icd_dgns_cd23, c.icd_dgns_cd24, c.icd_dgns_cd25
        )
    WHERE c.performance_year BETWEEN $performance_year - 1 AND $performance_year
),

physician AS (
    SELECT b.patient_id, c.clm_from_dt AS diagnosis_date
    FROM raw.carrier_claim AS c
    JOIN beneficiary AS b ON b.bene_id = c.bene_id AND b.performance_year = c.performance_year
    JOIN parameter.covid_diagnosis_code AS d
        ON d.code IN (
            c.prncpal_dgns_cd, c.icd_dgns_cd1, c.icd_dgns_cd2, c.icd_dgns_cd3, c.icd_dgns_cd4,
            c.icd_dgns_cd5, c.icd_dgns_cd6, c.icd_dgns_cd7, c.icd_dgns_cd8, c.icd_dgns_cd9,
            c.icd_dgns_cd10, c.icd_dgns_cd11, c.icd_dgns_cd12
        )
    WHERE c.performance_year BETWEEN $performance_year - 1 AND $performance_year
),

evidence_form AS (
    SELECT f.patient_id, coalesce(f.dialysis_began_date, f.signature_date) AS diagnosis_date
    FROM raw.cms_2728 AS f
    JOIN parameter.covid_diagnosis_code AS d ON d.code = f.primary_cause
    WHERE f.performance_year = $performance_year
),

death_form AS (
    SELECT f.patient_id, f.death_date AS diagnosis_date
    FROM raw.cms_2746 AS f
    JOIN parameter.covid_diagnosis_code AS d ON d.code IN (f.primary_cause, f.secondary_cause)
    WHERE f.performance_year = $performance_year
),

remembered AS (
    SELECT patient_id, diagnosis_date, source
    FROM history.covid_diagnosis
    WHERE performance_year = $performance_year - 1
        AND diagnosis_date < make_date($performance_year - 1, 1, 1)
),

diagnosed AS (
    SELECT patient_id, diagnosis_date, 'claims' AS source FROM institutional
    UNION ALL
    SELECT patient_id, diagnosis_date, 'claims' AS source FROM physician
    UNION ALL
    SELECT patient_id, diagnosis_date, 'cms_2728' AS source FROM evidence_form
    UNION ALL
    SELECT patient_id, diagnosis_date, 'cms_2746' AS source FROM death_form
    UNION ALL
    SELECT patient_id, diagnosis_date, source FROM remembered
),

ranked AS (
    SELECT
        patient_id,
        diagnosis_date,
        source,
        row_number() OVER (PARTITION BY patient_id ORDER BY diagnosis_date, source) AS place
    FROM diagnosed
    WHERE diagnosis_date >= DATE '2020-02-20'
)

SELECT patient_id, diagnosis_date, $performance_year AS performance_year, source
FROM ranked
WHERE place = 1
