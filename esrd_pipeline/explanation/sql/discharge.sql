-- One row: a stay of history.inpatient_discharge of some patients, with its claims. Manual 2.10.8,
-- 2.11.8, 2.26.10. $patients are the patients' numbers.
WITH
stay AS (
    SELECT patient_id, stay, admit_date, discharge_date, hospital_ccn
    FROM history.inpatient_discharge
    WHERE performance_year = $performance_year AND patient_id IN (SELECT unnest($patients))
),

claim AS (
    SELECT k.patient_id, k.clm_id, k.admit_date, r.prvdr_num
    FROM linkage.claim AS k
    JOIN raw.claim AS r
        ON r.clm_id = k.clm_id
        AND r.performance_year = k.claim_year
        AND r.performance_year BETWEEN $performance_year - 1 AND $performance_year
    WHERE k.performance_year = $performance_year
        AND k.claim_type = '60'
        AND k.patient_id IN (SELECT unnest($patients))
)

SELECT
    s.patient_id,
    s.stay,
    s.admit_date,
    s.discharge_date,
    s.hospital_ccn,
    string_agg(CAST(c.clm_id AS VARCHAR), ' ' ORDER BY c.clm_id) AS claims
FROM stay AS s
LEFT JOIN claim AS c
    ON c.patient_id = s.patient_id
    AND coalesce(c.prvdr_num, '') = s.hospital_ccn
    AND c.admit_date BETWEEN s.admit_date AND s.discharge_date
GROUP BY s.patient_id, s.stay, s.admit_date, s.discharge_date, s.hospital_ccn
