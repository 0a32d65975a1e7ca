-- One row: a stretch of days of one patient whom a facility treated in the year, or answered for:
-- counted in the facility's SHR, in another's, or in no one's and why.
-- Manual 2.13.9, 2.13.10: what CMS shows a facility in a preview period. $ccn is the facility.
WITH
treated AS (
    SELECT
        program,
        patient_id,
        greatest(start_date, make_date($performance_year, 1, 1)) AS start_date,
        least(end_date, make_date($performance_year, 12, 31)) AS end_date
    FROM history.treatment
    WHERE performance_year = $performance_year
        AND ccn = $ccn
        AND state = 'dialysis'
        AND end_date >= make_date($performance_year, 1, 1)
        AND start_date <= make_date($performance_year, 12, 31)
),

days AS (
    SELECT *
    FROM cohort.shr_days
    WHERE performance_year = $performance_year
),

-- What the facility answers for, whoever treated the patient.
counted AS (
    SELECT
        program,
        patient_id,
        start_date,
        end_date,
        period,
        reason,
        admissions,
        covid_admissions
    FROM days
    WHERE ccn = $ccn
),

-- What it treated and does not answer for.
uncounted AS (
    SELECT
        d.program,
        d.patient_id,
        greatest(d.start_date, t.start_date) AS start_date,
        least(d.end_date, t.end_date) AS end_date,
        d.period,
        coalesce(d.reason, 'counted for the facility that answered before') AS reason,
        0 AS admissions,
        0 AS covid_admissions
    FROM days AS d
    JOIN treated AS t
        ON t.program = d.program
        AND t.patient_id = d.patient_id
        AND t.start_date <= d.end_date
        AND t.end_date >= d.start_date
    WHERE d.ccn IS NULL OR d.ccn <> $ccn
),

listed AS (
    SELECT * FROM counted
    UNION ALL
    SELECT * FROM uncounted
),

expectation AS (
    SELECT e.program, e.patient_id, e.period, e.expected / c.days_at_risk AS expected_a_day
    FROM cohort.shr_expected AS e
    JOIN cohort.shr AS c
        ON c.program = e.program
        AND c.patient_id = e.patient_id
        AND c.period = e.period
        AND c.performance_year = $performance_year
    WHERE e.performance_year = $performance_year
),

judged AS (
    SELECT
        *,
        CASE
            WHEN reason IS NOT NULL THEN 0
            WHEN $specification = 'manual' THEN admissions - covid_admissions
            ELSE admissions
        END AS observed
    FROM listed
)

SELECT
    j.program,
    j.patient_id,
    j.start_date,
    j.end_date,
    $performance_year AS performance_year,
    $ccn AS ccn,
    j.period,
    datediff('day', j.start_date, j.end_date) + 1 AS days,
    j.reason,
    j.observed,
    CASE
        WHEN j.reason IS NULL
            THEN (datediff('day', j.start_date, j.end_date) + 1) * e.expected_a_day
    END AS expected,
    j.admissions - j.observed AS uncounted
FROM judged AS j
LEFT JOIN expectation AS e
    ON e.program = j.program AND e.patient_id = j.patient_id AND e.period = j.period
