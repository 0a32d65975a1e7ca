-- One row: a hospital stay that begins in the year, of some patients, with the claims it is joined
-- of. Manual 2.13.11. $patients are the patients' numbers.
WITH
stay AS (
    SELECT patient_id, admit_date, discharge_date, hospital, claim_count, is_index_covid
    FROM history.hospital_stay
    WHERE performance_year = $performance_year
        AND admit_date >= make_date($performance_year, 1, 1)
        AND patient_id IN (SELECT unnest($patients))
),

claim AS (
    SELECT patient_id, clm_id, admit_date
    FROM linkage.claim
    WHERE performance_year = $performance_year
        AND claim_type = '60'
        AND patient_id IN (SELECT unnest($patients))
)

SELECT
    s.patient_id,
    s.admit_date AS event_date,
    s.discharge_date AS end_date,
    s.hospital,
    s.is_index_covid,
    string_agg(CAST(c.clm_id AS VARCHAR), ' ' ORDER BY c.clm_id) AS claims
FROM stay AS s
LEFT JOIN claim AS c
    ON c.patient_id = s.patient_id AND c.admit_date BETWEEN s.admit_date AND s.discharge_date
GROUP BY s.patient_id, s.admit_date, s.discharge_date, s.hospital, s.is_index_covid
