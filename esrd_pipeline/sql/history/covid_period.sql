-- One row: a span of one patient's days of heightened risk after an inpatient diagnosis of
-- COVID-19, spans that touch joined. Manual 2.14.12: any of 25 diagnoses of an inpatient claim
-- (covid_diagnosis_code.csv), from 20 February 2020, until the patient has survived 90 days.
-- Readings: the diagnosis is dated by the admission; the span holds that day and the 90 after it.
WITH
beneficiary AS (
    SELECT bene_id, performance_year, patient_id
    FROM linkage.beneficiary
    WHERE performance_year BETWEEN $performance_year - 1 AND $performance_year
),

diagnosed AS (
    SELECT DISTINCT
        b.patient_id,
        coalesce(c.clm_admsn_dt, c.clm_from_dt) AS start_date
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
        AND c.nch_clm_type_cd = '60'
        AND coalesce(c.clm_admsn_dt, c.clm_from_dt) >= DATE '2020-02-20'
),

-- All spans are as long, so that the one before in order is the one that reaches furthest.
marked AS (
    SELECT
        *,
        CASE
            WHEN start_date <= lag(start_date) OVER (
                PARTITION BY patient_id ORDER BY start_date
            ) + 91 THEN 0
            ELSE 1
        END AS begins
    FROM diagnosed
),

numbered AS (
    SELECT
        *,
        sum(begins) OVER (
            PARTITION BY patient_id ORDER BY start_date ROWS UNBOUNDED PRECEDING
        ) AS span
    FROM marked
)

SELECT
    patient_id,
    min(start_date) AS start_date,
    max(start_date) + 90 AS end_date,
    $performance_year AS performance_year
FROM numbered
GROUP BY patient_id, span
