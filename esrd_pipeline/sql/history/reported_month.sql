-- One row: a month of one patient at one facility of a program, with its facts from the first
-- source that has them: the facility's own report, then others', then claims.
-- Manual 2.1.12, 2.7.12, 2.8.12, 2.19.5; 3.4 (QIP only: reports for a month of an exception are not
-- used).
-- Readings: calcium and nPCR come from any facility; of several facilities' calcium or access the
-- last counts; unknown sessions delivered stay unknown.
WITH
exception AS (
    SELECT ccn, month FROM history.exception_month WHERE performance_year = $performance_year
),

-- Facilities numbered in the order of their CCNs: the last report of a day is found by a whole
-- number.
facility AS (
    SELECT ccn, row_number() OVER (ORDER BY ccn) AS place
    FROM (SELECT DISTINCT ccn FROM linkage.facility_ccn WHERE performance_year = $performance_year)
),

reported AS (
    SELECT
        c.program,
        c.patient_id,
        c.month,
        c.ccn,
        c.has_calcium,
        CAST(c.calcium AS DECIMAL(8, 6)) AS calcium,
        c.has_npcr,
        c.has_reconciliation,
        c.sessions_delivered,
        c.access_type,
        date_diff('day', DATE '2000-01-01', c.calcium_date) * 1000000 + f.place AS calcium_order,
        date_diff('day', DATE '2000-01-01', c.access_date) * 1000000 + f.place AS access_order
    FROM history.clinical_month AS c
    JOIN facility AS f ON f.ccn = c.ccn
    LEFT JOIN exception AS e
        ON c.program = 'qip'
        AND e.ccn = c.ccn
        AND e.month = c.month
    WHERE c.performance_year = $performance_year
        AND c.month >= make_date($performance_year - 1, 11, 1)
        AND e.ccn IS NULL
),

anywhere AS (
    SELECT
        program,
        patient_id,
        month,
        date_diff('month', DATE '2000-01-01', month) AS month_number,
        arg_max(calcium, calcium_order) FILTER (WHERE calcium IS NOT NULL) AS calcium,
        arg_max(access_type, access_order) FILTER (WHERE access_type IS NOT NULL) AS access_type,
        max(CASE WHEN has_npcr THEN 1 ELSE 0 END) AS has_npcr
    FROM reported
    GROUP BY program, patient_id, month
)

SELECT
    c.program,
    c.patient_id,
    c.month,
    c.ccn,
    $performance_year AS performance_year,
    coalesce(o.has_calcium, false) AS has_calcium,
    coalesce(o.has_reconciliation, false) AS has_reconciliation,
    coalesce(o.sessions_delivered, m.sessions) AS sessions,
    coalesce(o.access_type, a.access_type) AS access_type,
    coalesce(a.has_npcr, 0) = 1 AS has_npcr,
    -- 2.8.12: the month and the two before it.
    CASE
        WHEN coalesce(a.calcium, b.calcium, d.calcium) IS NOT NULL
            THEN coalesce(a.calcium, 0) + coalesce(b.calcium, 0) + coalesce(d.calcium, 0)
    END AS calcium_sum,
    CASE WHEN a.calcium IS NULL THEN 0 ELSE 1 END
    + CASE WHEN b.calcium IS NULL THEN 0 ELSE 1 END
    + CASE WHEN d.calcium IS NULL THEN 0 ELSE 1 END AS calcium_months
FROM history.care_month AS c
LEFT JOIN anywhere AS a
    ON a.program = c.program
    AND a.patient_id = c.patient_id
    AND a.month_number = date_diff('month', DATE '2000-01-01', c.month)
LEFT JOIN anywhere AS b
    ON b.program = c.program
    AND b.patient_id = c.patient_id
    AND b.month_number = date_diff('month', DATE '2000-01-01', c.month) - 1
LEFT JOIN anywhere AS d
    ON d.program = c.program
    AND d.patient_id = c.patient_id
    AND d.month_number = date_diff('month', DATE '2000-01-01', c.month) - 2
LEFT JOIN reported AS o
    ON o.program = c.program
    AND o.patient_id = c.patient_id
    AND o.month = c.month
    AND o.ccn = c.ccn
LEFT JOIN history.claims_modality AS m
    ON m.program = c.program
    AND m.patient_id = c.patient_id
    AND m.month = c.month
    AND m.ccn = c.ccn
    AND m.performance_year = $performance_year
WHERE c.performance_year = $performance_year
