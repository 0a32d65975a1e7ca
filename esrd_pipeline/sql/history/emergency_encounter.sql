-- One row: an emergency department encounter that did not end in a hospital, of the year or the one
-- before. Manual 2.25.10; revenue centers: emergency_revenue_center.csv. Outpatient claims whose
-- days overlap or are adjacent are one encounter; one that shares a day with an inpatient claim
-- does not count. Observation stays are kept.
-- Readings: claims are joined first and then compared with inpatient claims, as in Figure 27; an
-- inpatient claim's days of service are those from its first to its last, with the payment window.
WITH
beneficiary AS (
    SELECT bene_id, performance_year, patient_id
    FROM linkage.beneficiary
    WHERE performance_year BETWEEN $performance_year - 1 AND $performance_year
),

emergency_line AS (
    SELECT DISTINCT l.clm_id, l.performance_year
    FROM raw.claim_revenue AS l
    JOIN parameter.emergency_revenue_center AS r ON r.rev_cntr = l.rev_cntr
    WHERE l.performance_year BETWEEN $performance_year - 1 AND $performance_year
),

visit AS (
    SELECT
        b.patient_id,
        c.clm_from_dt AS start_date,
        max(c.clm_thru_dt) AS end_date
    FROM raw.claim AS c
    JOIN emergency_line AS l ON l.clm_id = c.clm_id AND l.performance_year = c.performance_year
    JOIN beneficiary AS b ON b.bene_id = c.bene_id AND b.performance_year = c.performance_year
    WHERE c.performance_year BETWEEN $performance_year - 1 AND $performance_year
        AND c.nch_clm_type_cd = '40'
    GROUP BY b.patient_id, c.clm_from_dt
),

ordered AS (
    SELECT
        *,
        max(end_date) OVER (
            PARTITION BY patient_id
            ORDER BY start_date
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS before_end
    FROM visit
),

numbered AS (
    SELECT
        patient_id,
        start_date,
        end_date,
        sum(CASE WHEN start_date <= before_end + 1 THEN 0 ELSE 1 END) OVER (
            PARTITION BY patient_id ORDER BY start_date ROWS UNBOUNDED PRECEDING
        ) AS encounter
    FROM ordered
),

encounter AS (
    SELECT
        patient_id,
        min(start_date) AS start_date,
        max(end_date) AS end_date
    FROM numbered
    GROUP BY patient_id, encounter
),

inpatient AS (
    SELECT
        b.patient_id,
        least(c.clm_from_dt, coalesce(c.clm_admsn_dt, c.clm_from_dt)) AS start_date,
        c.clm_thru_dt AS end_date
    FROM raw.claim AS c
    JOIN beneficiary AS b ON b.bene_id = c.bene_id AND b.performance_year = c.performance_year
    WHERE c.performance_year BETWEEN $performance_year - 1 AND $performance_year
        AND c.nch_clm_type_cd = '60'
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
