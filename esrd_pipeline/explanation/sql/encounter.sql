-- One row: an emergency department encounter that begins in the year, of some patients, with the
-- outpatient claims it is joined of. Manual 2.25.10. $patients are the patients' numbers.
WITH
encounter AS (
    SELECT patient_id, start_date, end_date
    FROM history.emergency_encounter
    WHERE performance_year = $performance_year
        AND start_date >= make_date($performance_year, 1, 1)
        AND patient_id IN (SELECT unnest($patients))
),

claim AS (
    SELECT DISTINCT k.patient_id, k.clm_id, k.claim_year, k.from_date
    FROM linkage.claim AS k
    JOIN raw.claim_revenue AS l
        ON l.clm_id = k.clm_id
        AND l.performance_year = k.claim_year
        AND l.performance_year BETWEEN $performance_year - 1 AND $performance_year
    JOIN parameter.emergency_revenue_center AS r ON r.rev_cntr = l.rev_cntr
    WHERE k.performance_year = $performance_year
        AND k.claim_type = '40'
        AND k.patient_id IN (SELECT unnest($patients))
),

billed AS (
    SELECT c.patient_id, c.clm_id, c.from_date, r.prvdr_num
    FROM claim AS c
    LEFT JOIN raw.claim AS r
        ON r.clm_id = c.clm_id
        AND r.performance_year = c.claim_year
        AND r.performance_year BETWEEN $performance_year - 1 AND $performance_year
)

SELECT
    e.patient_id,
    e.start_date AS event_date,
    e.end_date,
    max(b.prvdr_num) AS hospital,
    string_agg(CAST(b.clm_id AS VARCHAR), ' ' ORDER BY b.clm_id) AS claims
FROM encounter AS e
LEFT JOIN billed AS b
    ON b.patient_id = e.patient_id AND b.from_date BETWEEN e.start_date AND e.end_date
GROUP BY e.patient_id, e.start_date, e.end_date
