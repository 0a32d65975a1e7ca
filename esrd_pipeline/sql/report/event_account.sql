-- One row: what became of the events of one kind that began in one month, for one measure and
-- program: counted, or why not. Manual 2.10.8, 2.11.8, 2.12.11, 2.13.11, 2.25.10, 2.26.11. The
-- events that the histories hold and those that the measures account for agree, month by month; the
-- table is not stored otherwise (its rule).
-- Readings: a stay counts on the day of admission, a discharge on the day of discharge; who has no
-- day in a program's cohort is no patient with ESRD there, or died before the event.
WITH
program AS (
    SELECT 'dfc' AS program
    UNION ALL
    SELECT 'qip' AS program
),

event AS (
    SELECT 'shr' AS measure, p.program, s.patient_id, s.admit_date AS day, 0 AS stay
    FROM history.hospital_stay AS s
    CROSS JOIN program AS p
    WHERE s.performance_year = $performance_year
        AND s.admit_date >= make_date($performance_year, 1, 1)
    UNION ALL
    SELECT 'strr' AS measure, p.program, t.patient_id, t.transfusion_date AS day, 0 AS stay
    FROM history.transfusion AS t
    CROSS JOIN program AS p
    WHERE t.performance_year = $performance_year
    UNION ALL
    SELECT 'sedr' AS measure, 'dfc' AS program, e.patient_id, e.start_date AS day, 0 AS stay
    FROM history.emergency_encounter AS e
    WHERE e.performance_year = $performance_year
        AND e.start_date BETWEEN make_date($performance_year, 1, 1)
            AND make_date($performance_year, 12, 31)
    UNION ALL
    SELECT 'srr' AS measure, p.program, d.patient_id, d.discharge_date AS day, d.stay
    FROM history.inpatient_discharge AS d
    CROSS JOIN program AS p
    WHERE d.performance_year = $performance_year
        AND d.discharge_date BETWEEN make_date($performance_year, 1, 1)
            AND make_date($performance_year, 12, 31)
    UNION ALL
    SELECT 'ed30' AS measure, 'dfc' AS program, d.patient_id, d.discharge_date AS day, d.stay
    FROM history.inpatient_discharge AS d
    WHERE d.performance_year = $performance_year
        AND d.discharge_date BETWEEN make_date($performance_year, 1, 1)
            AND make_date($performance_year, 12, 31)
),

found AS (
    SELECT
        measure,
        program,
        make_date(year(day), month(day), 1) AS month,
        count(*) AS found_count
    FROM event
    GROUP BY measure, program, make_date(year(day), month(day), 1)
),

segment AS (
    SELECT
        'shr' AS measure, program, patient_id, start_date, end_date, reason, events,
        uncounted_events
    FROM cohort.shr_days
    WHERE performance_year = $performance_year
    UNION ALL
    SELECT
        'strr' AS measure, program, patient_id, start_date, end_date, reason, events,
        uncounted_events
    FROM cohort.strr_days
    WHERE performance_year = $performance_year
    UNION ALL
    SELECT
        'sedr' AS measure, program, patient_id, start_date, end_date, reason, events,
        uncounted_events
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

-- Events of people who are in no cohort on that day.
outside AS (
    SELECT e.measure, e.program, e.day
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
    WHERE s.patient_id IS NULL AND d.patient_id IS NULL
),

judged AS (
    SELECT
        measure,
        program,
        start_date AS day,
        coalesce(reason, 'counted') AS outcome,
        events - uncounted_events AS events
    FROM segment
    WHERE events > uncounted_events
    UNION ALL
    SELECT
        measure,
        program,
        start_date AS day,
        coalesce(reason, 'index_covid_stay') AS outcome,
        uncounted_events AS events
    FROM segment
    WHERE uncounted_events > 0
    UNION ALL
    SELECT
        measure,
        program,
        discharge_date AS day,
        coalesce(reason, 'counted') AS outcome,
        1 AS events
    FROM discharge
    UNION ALL
    SELECT measure, program, day, 'not_in_cohort' AS outcome, 1 AS events
    FROM outside
),

outcome AS (
    SELECT
        measure,
        program,
        make_date(year(day), month(day), 1) AS month,
        outcome,
        sum(events) AS event_count
    FROM judged
    GROUP BY measure, program, make_date(year(day), month(day), 1), outcome
),

accounted AS (
    SELECT measure, program, month, sum(event_count) AS accounted_count
    FROM outcome
    GROUP BY measure, program, month
),

usual AS (
    SELECT measure, program, sum(found_count) / 12.0 AS usual_count
    FROM found
    GROUP BY measure, program
)

SELECT
    o.measure,
    o.program,
    o.month,
    o.outcome,
    $performance_year AS performance_year,
    o.event_count,
    coalesce(f.found_count, 0) AS found_count,
    a.accounted_count,
    coalesce(f.found_count, 0) / u.usual_count AS share_of_usual
FROM outcome AS o
JOIN accounted AS a
    ON a.measure = o.measure AND a.program = o.program AND a.month = o.month
LEFT JOIN found AS f
    ON f.measure = o.measure AND f.program = o.program AND f.month = o.month
LEFT JOIN usual AS u ON u.measure = o.measure AND u.program = o.program
