-- One row: a patient with COVID-19, and the day of the first diagnosis. Manual 2.12.13.
-- Sources: Part A and Part B claims of any kind, by their first day; the cause of renal failure of
-- CMS-2728, by the day dialysis began or else it was signed; the causes of death of CMS-2746.
-- Readings: there is no diagnosis before 20 February 2020; a claim of a laboratory counts, since
-- footnote 2 of Table 7 is not given at this row; claims of the year and the one before are
-- available, and earlier diagnoses are taken from the table of the year before.
WITH
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
    SELECT coalesce(m.patient_id, d.patient_id) AS patient_id, d.diagnosis_date, d.source
    FROM history.covid_diagnosis AS d
    LEFT JOIN linkage.earlier_patient AS m
        ON m.earlier_patient_id = d.patient_id AND m.performance_year = $performance_year
    WHERE d.performance_year = $performance_year - 1
        AND d.diagnosis_date < make_date($performance_year - 1, 1, 1)
),

diagnosed AS (
    SELECT patient_id, from_date AS diagnosis_date, 'claims' AS source
    FROM history.covid_claim
    WHERE performance_year = $performance_year
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
