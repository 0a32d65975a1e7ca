-- One row: what became of the events of one kind that began in one month, for one measure and
-- program: counted, or why not. Manual 2.10.8, 2.11.8, 2.12.11, 2.13.11, 2.25.10, 2.26.11. The
-- year's events in the histories, and those the cohorts hold or that fall outside them, are as
-- many; the table is not stored otherwise (its rule).
-- Readings: a stay counts on the day of admission, a discharge on the day of discharge; who has no
-- day in a program's cohort is no patient with ESRD there, or died before the event.
WITH
program AS (
    SELECT 'dfc' AS program
    UNION ALL
    SELECT 'qip' AS program
),

event AS (
    SELECT 'shr' AS measure, p.program, s.patient_id, s.admit_date AS day, 0 AS stay,
        s.is_index_covid
    FROM history.hospital_stay AS s
    CROSS JOIN program AS p
    WHERE s.performance_year = $performance_year
        AND s.admit_date >= make_date($performance_year, 1, 1)
    UNION ALL
    SELECT 'strr' AS measure, p.program, t.patient_id, t.transfusion_date AS day, 0 AS stay,
        FALSE AS is_index_covid
    FROM history.transfusion AS t
    CROSS JOIN program AS p
    WHERE t.performance_year = $performance_year
    UNION ALL
    SELECT 'sedr' AS measure, 'dfc' AS program, e.patient_id, e.start_date AS day, 0 AS stay,
        FALSE AS is_index_covid
    FROM history.emergency_encounter AS e
    WHERE e.performance_year = $performance_year
        AND e.start_date BETWEEN make_date($performance_year, 1, 1)
            AND make_date($performance_year, 12, 31)
    UNION ALL
    SELECT 'srr' AS measure, p.program, d.patient_id, d.discharge_date AS day, d.stay,
        FALSE AS is_index_covid
    FROM history.inpatient_discharge AS d
    CROSS JOIN program AS p
    WHERE d.performance_year = $performance_year
        AND d.discharge_date BETWEEN make_date($performance_year, 1, 1)
            AND make_date($performance_year, 12, 31)
    UNION ALL
    SELECT 'ed30' AS measure, 'dfc' AS program, d.patient_id, d.discharge_date AS day, d.stay,
        FALSE AS is_index_covid
    FROM history.inpatient_discharge AS d
    WHERE d.performance_year = $performance_year
        AND d.discharge_date BETWEEN make_date($performance_year, 1, 1)
            AND make_date($performance_year, 12, 31)
),

found AS (
    SELECT measure, program, count(*) AS found_count
    FROM event
    GROUP BY measure, program
),

segment AS (
    SELECT 'shr' AS measure, program, patient_id, start_date, end_date, reason, events
    FROM cohort.shr_days
    WHERE performance_year = $performance_year
    UNION ALL
    SELECT 'strr' AS measure, program, patient_id, start_date, end_date, reason, events
    FROM cohort.strr_days
    WHERE performance_year = $performance_year
    UNION ALL
    SELECT 'sedr' AS measure, program, patient_id, start_date, end_date, reason, events
    FROM cohort.sedr_days
    WHERE performance_year = $performance_year
),

discharge AS (
    SELECT 'srr' AS measure, program, patient_id, stay, discharge_date, reason
    FROM cohort.srr
    WHERE performance_year = $performance_year
    UNION ALL
    SELECT 'ed30' AS measure, program, patient_id, stay, discharge_date, reason
    FROM cohort.ed30
    WHERE performance_year = $performance_year
        AND discharge_date >= make_date($performance_year, 1, 1)
),

-- Each event with what became of it: the segment of days, or the discharge, that it falls into.
judged AS (
    SELECT
        e.measure,
        e.program,
        make_date(year(e.day), month(e.day), 1) AS month,
        CASE
            WHEN s.patient_id IS NULL AND d.patient_id IS NULL THEN 'not_in_cohort'
            WHEN e.is_index_covid AND s.reason IS NULL THEN 'index_covid_stay'
            ELSE coalesce(s.reason, d.reason, 'counted')
        END AS outcome,
        s.patient_id IS NULL AND d.patient_id IS NULL AS is_outside
    FROM event AS e
    LEFT JOIN segment AS s
        ON s.measure = e.measure
        AND s.program = e.program
        AND s.patient_id = e.patient_id
        AND e.day BETWEEN s.start_date AND s.end_date
    LEFT JOIN discharge AS d
        ON d.measure = e.measure
        AND d.program = e.program
        AND d.patient_id = e.patient_id
        AND d.stay = e.stay
),

outcome AS (
    SELECT measure, program, month, outcome, count(*) AS event_count
    FROM judged
    GROUP BY measure, program, month, outcome
),

-- What the cohorts themselves hold, and what is in none of them.
held AS (
    SELECT measure, program, sum(events) AS events FROM segment GROUP BY measure, program
    UNION ALL
    SELECT measure, program, count(*) AS events FROM discharge GROUP BY measure, program
    UNION ALL
    SELECT measure, program, count(*) AS events
    FROM judged
    WHERE is_outside
    GROUP BY measure, program
),

accounted AS (
    SELECT measure, program, sum(events) AS accounted_count FROM held GROUP BY measure, program
)

SELECT
    o.measure,
    o.program,
    o.month,
    o.outcome,
    $performance_year AS performance_year,
    o.event_count,
    f.found_count,
    a.accounted_count,
    12.0 * sum(o.event_count) OVER (PARTITION BY o.measure, o.program, o.month) / f.found_count
        AS share_of_usual
FROM outcome AS o
JOIN found AS f ON f.measure = o.measure AND f.program = o.program
JOIN accounted AS a ON a.measure = o.measure AND a.program = o.program
