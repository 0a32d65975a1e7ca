-- One row: an emergency department encounter that did not end in a hospital, of the year or the one
-- before. Manual 2.25.10; revenue centers: emergency_revenue_center.csv. Outpatient claims whose
-- days overlap or are adjacent are one encounter; one that shares a day with an inpatient claim
-- does not count. Observation stays are kept.
-- Readings: claims are joined first and then compared with inpatient claims, as in Figure 27; an
-- inpatient claim's days of service are those from its first to its last, with the payment window.
WITH
emergency_line AS (
    SELECT DISTINCT l.clm_id, l.performance_year
    FROM raw.claim_revenue AS l
    JOIN parameter.emergency_revenue_center AS r ON r.rev_cntr = l.rev_cntr
    WHERE l.performance_year BETWEEN $performance_year - 1 AND $performance_year
),

part AS (
    SELECT
        k.patient_id,
        k.from_date AS start_date,
        max(k.last_date) AS end_date
    FROM linkage.claim AS k
    JOIN emergency_line AS l ON l.clm_id = k.clm_id AND l.performance_year = k.claim_year
    WHERE k.performance_year = $performance_year AND k.claim_type = '40'
    GROUP BY k.patient_id, k.from_date
),

encounter AS (
    SELECT patient_id, start_date, end_date FROM shared.joined_segments AS s
),

inpatient AS (
    SELECT
        patient_id,
        least(from_date, admit_date) AS start_date,
        last_date AS end_date
    FROM linkage.claim
    WHERE performance_year = $performance_year AND claim_type = '60'
),

admitted AS (
    SELECT DISTINCT e.patient_id, e.start_date
    FROM encounter AS e
    JOIN inpatient AS i
        ON i.patient_id = e.patient_id
        AND i.start_date <= e.end_date
        AND i.end_date >= e.start_date
)

SELECT
    e.patient_id,
    e.start_date,
    e.end_date,
    $performance_year AS performance_year
FROM encounter AS e
LEFT JOIN admitted AS a ON a.patient_id = e.patient_id AND a.start_date = e.start_date
WHERE a.patient_id IS NULL
