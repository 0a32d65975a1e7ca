-- One row: a claim in the files of the year or the one before with a diagnosis of COVID-19 in any
-- place: covid_diagnosis_code.csv. Manual 2.10.11, 2.11.13, 2.12.13, 2.13.13, 2.14.12; each measure
-- decides which claims count and from which day on. Reading: a claim without an admission date has
-- its first day as the day of admission.
WITH
named AS (
    SELECT DISTINCT
        c.performance_year AS claim_year, c.clm_id, 'institutional' AS source
    FROM raw.claim AS c
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
    UNION ALL
    SELECT DISTINCT
        c.performance_year AS claim_year, c.clm_id, 'carrier' AS source
    FROM raw.carrier_claim AS c
    JOIN parameter.covid_diagnosis_code AS d
        ON d.code IN (
            c.prncpal_dgns_cd, c.icd_dgns_cd1, c.icd_dgns_cd2, c.icd_dgns_cd3, c.icd_dgns_cd4,
            c.icd_dgns_cd5, c.icd_dgns_cd6, c.icd_dgns_cd7, c.icd_dgns_cd8, c.icd_dgns_cd9,
            c.icd_dgns_cd10, c.icd_dgns_cd11, c.icd_dgns_cd12
        )
    WHERE c.performance_year BETWEEN $performance_year - 1 AND $performance_year
)

SELECT
    k.patient_id,
    k.claim_year,
    k.claim_type,
    k.clm_id,
    k.from_date,
    k.admit_date,
    $performance_year AS performance_year
FROM linkage.claim AS k
JOIN named AS n
    ON n.source = k.source AND n.clm_id = k.clm_id AND n.claim_year = k.claim_year
WHERE k.performance_year = $performance_year
