-- One row: what became of the events of one kind that began in one month, for one measure and
-- program: counted, or why not. Manual 2.10.8, 2.10.10, 2.11.8, 2.11.11, 2.12.11, 2.13.11, 2.14.11,
-- 2.15.11, 2.25.10, 2.26.10, 2.26.11, 2.27.11. The year's events in the histories, and those the
-- cohorts hold or that fall outside them, are as many; the table is not stored otherwise (its
-- rule).
-- Readings: a stay counts on the day of admission, a discharge on the day of discharge, what
-- follows a discharge in its month (reading 141); SWR and SMoSR judge the first year of dialysis,
-- which reaches back into the year before (reading 140). Who has no day in a program's cohort is no
-- patient with ESRD there, or died before the event. PPPW has no events: it counts months spent on
-- the waitlist (reading 142). The usual month is the year's mean by days; months of two years count
-- as one, because over both of them a first year of dialysis has every month once.
WITH
judging AS (
    SELECT measure, kind, program
    FROM (
        VALUES
        ('shr', 'admission', 'dfc'),
        ('shr', 'admission', 'qip'),
        ('strr', 'transfusion', 'dfc'),
        ('strr', 'transfusion', 'qip'),
        ('sedr', 'emergency_encounter', 'dfc'),
        ('srr', 'discharge', 'dfc'),
        ('srr', 'discharge', 'qip'),
        ('ed30', 'discharge', 'dfc')
    ) AS v (measure, kind, program)
),

history_event AS (
    SELECT 'admission' AS kind, patient_id, admit_date AS day, 0 AS stay, is_index_covid
    FROM history.hospital_stay
    WHERE performance_year = $performance_year
    UNION ALL
    SELECT 'transfusion' AS kind, patient_id, transfusion_date, 0 AS stay, FALSE AS is_index_covid
    FROM history.transfusion
    WHERE performance_year = $performance_year
    UNION ALL
    SELECT 'emergency_encounter' AS kind, patient_id, start_date, 0 AS stay, FALSE AS is_index_covid
    FROM history.emergency_encounter
    WHERE performance_year = $performance_year
    UNION ALL
    SELECT 'discharge' AS kind, patient_id, discharge_date, stay, FALSE AS is_index_covid
    FROM history.inpatient_discharge
    WHERE performance_year = $performance_year
),

event AS (
    SELECT j.measure, j.program, e.*
    FROM history_event AS e
    JOIN judging AS j ON j.kind = e.kind
    WHERE year(e.day) = $performance_year
),

-- Events whose tables hold what became of them.
followed AS (
    SELECT
        measure,
        kind,
        program,
        day,
        CASE
            WHEN is_in_cohort OR reason IS NOT NULL THEN coalesce(reason, 'counted')
            ELSE 'not_in_cohort'
        END AS outcome,
        NOT is_in_cohort AS is_outside
    FROM (
        SELECT measure, kind, program, event_date AS day, reason, is_in_cohort
        FROM cohort.followed_event
        WHERE performance_year = $performance_year
        UNION ALL
        SELECT measure, kind, program, discharge_date AS day, reason, is_in_cohort
        FROM cohort.return_event
        WHERE performance_year = $performance_year
    ) AS t
),

found AS (
    SELECT measure, kind, program, count(*) AS found_count
    FROM event
    GROUP BY measure, kind, program
    UNION ALL
    SELECT measure, kind, program, count(*) AS found_count
    FROM followed
    GROUP BY measure, kind, program
),

discharge AS (
    SELECT 'srr' AS measure, program, patient_id, stay, reason, is_event
    FROM cohort.srr
    WHERE performance_year = $performance_year
    UNION ALL
    SELECT 'ed30' AS measure, program, patient_id, stay, reason, is_event
    FROM cohort.ed30
    WHERE performance_year = $performance_year
        AND discharge_date >= make_date($performance_year, 1, 1)
),

-- The segments of the days of events. There are many times as many segments as events, so that they
-- stand first.
eventful AS (
    SELECT DISTINCT s.measure, s.program, s.patient_id, e.day, s.reason
    FROM shared.recurrent_event_days AS s
    JOIN event AS e
        ON e.measure = s.measure
        AND e.program = s.program
        AND e.patient_id = s.patient_id
        AND e.day BETWEEN s.start_date AND s.end_date
),

-- Each event with what became of it: the segment of days, or the discharge, that it falls into.
judged AS (
    SELECT
        e.measure,
        e.kind,
        e.program,
        e.day,
        CASE
            WHEN s.patient_id IS NULL AND d.patient_id IS NULL THEN 'not_in_cohort'
            WHEN e.is_index_covid AND s.reason IS NULL THEN 'index_covid_stay'
            ELSE coalesce(s.reason, d.reason, 'counted')
        END AS outcome,
        s.patient_id IS NULL AND d.patient_id IS NULL AS is_outside
    FROM event AS e
    LEFT JOIN eventful AS s
        ON s.measure = e.measure
        AND s.program = e.program
        AND s.patient_id = e.patient_id
        AND s.day = e.day
    LEFT JOIN discharge AS d
        ON d.measure = e.measure
        AND d.program = e.program
        AND d.patient_id = e.patient_id
        AND d.stay = e.stay
    UNION ALL
    SELECT measure, kind, program, day, outcome, is_outside
    FROM followed
),

outcome AS (
    SELECT
        measure,
        kind,
        program,
        make_date(year(day), month(day), 1) AS month,
        outcome,
        count(*) AS event_count,
        sum(CASE WHEN is_outside THEN 1 ELSE 0 END) AS outside_count
    FROM judged
    GROUP BY measure, kind, program, make_date(year(day), month(day), 1), outcome
),

-- What the cohorts themselves hold, and what is in none of them.
held AS (
    SELECT j.measure, j.kind, j.program, s.events
    FROM shared.recurrent_event_days AS s
    JOIN judging AS j ON j.measure = s.measure AND j.program = s.program
    UNION ALL
    SELECT measure, 'discharge' AS kind, program, 1 AS events
    FROM discharge
    UNION ALL
    SELECT
        measure,
        CASE measure WHEN 'srr' THEN 'readmission' ELSE 'emergency_after_discharge' END AS kind,
        program,
        is_event AS events
    FROM discharge
    UNION ALL
    SELECT 'smr' AS measure, 'death' AS kind, program, is_event AS events
    FROM cohort.smr
    WHERE performance_year = $performance_year
    UNION ALL
    SELECT 'smr' AS measure, 'death' AS kind, program, 1 AS events
    FROM cohort.smr_days
    WHERE performance_year = $performance_year
        AND (death = 'excluded cause' OR (death IS NOT NULL AND reason IS NOT NULL))
    UNION ALL
    SELECT 'swr' AS measure, 'waitlisting' AS kind, program, is_event AS events
    FROM cohort.swr
    WHERE performance_year = $performance_year
    UNION ALL
    SELECT 'smosr' AS measure, 'switch' AS kind, program, is_event AS events
    FROM cohort.smosr
    WHERE performance_year = $performance_year
    UNION ALL
    SELECT measure, kind, program, outside_count AS events
    FROM outcome
),

accounted AS (
    SELECT measure, kind, program, sum(events) AS accounted_count
    FROM held
    GROUP BY measure, kind, program
    HAVING sum(events) > 0
),

sums AS (
    SELECT
        coalesce(f.measure, a.measure) AS measure,
        coalesce(f.kind, a.kind) AS kind,
        coalesce(f.program, a.program) AS program,
        coalesce(f.found_count, 0) AS found_count,
        coalesce(a.accounted_count, 0) AS accounted_count
    FROM found AS f
    FULL JOIN accounted AS a
        ON a.measure = f.measure AND a.kind = f.kind AND a.program = f.program
)

-- Events that a cohort holds and no history has are a row of January, that breaks the rule.
SELECT
    s.measure,
    s.program,
    s.kind,
    coalesce(o.month, make_date($performance_year, 1, 1)) AS month,
    coalesce(o.outcome, 'counted') AS outcome,
    $performance_year AS performance_year,
    coalesce(o.event_count, 0) AS event_count,
    s.found_count,
    s.accounted_count,
    1.0 * sum(o.event_count) OVER (PARTITION BY s.measure, s.kind, s.program, month(o.month))
    * (datediff('day', make_date($performance_year, 1, 1), make_date($performance_year, 12, 31)) + 1)
    / (s.found_count * day(last_day(make_date($performance_year, month(o.month), 1))))
        AS share_of_usual
FROM sums AS s
LEFT JOIN outcome AS o
    ON o.measure = s.measure AND o.kind = s.kind AND o.program = s.program
