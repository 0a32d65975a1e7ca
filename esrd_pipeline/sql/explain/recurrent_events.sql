-- One row: a segment of days in the year of one patient treated by or attributed to a facility:
-- counted in the facility's SHR, STrR or SEDR, in another's, or in none and why.
-- Manual 2.12.9, 2.13.9, 2.25.9: the list CMS shows a facility in a preview period. $ccn is the
-- facility, $measure one of shr, strr, sedr.
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

attributed AS (
    SELECT patient_id
    FROM cohort.shr_days
    WHERE performance_year = $performance_year
        AND $measure = 'shr'
        AND ccn = $ccn
    UNION ALL
    SELECT patient_id
    FROM cohort.strr_days
    WHERE performance_year = $performance_year
        AND $measure = 'strr'
        AND ccn = $ccn
    UNION ALL
    SELECT patient_id
    FROM cohort.sedr_days
    WHERE performance_year = $performance_year
        AND $measure = 'sedr'
        AND ccn = $ccn
),

-- Whose rows are read: a nation's others are left where they are.
mine AS (
    SELECT patient_id FROM treated
    UNION
    SELECT patient_id FROM attributed
),

days AS (
    SELECT *
    FROM cohort.shr_days
    WHERE performance_year = $performance_year
        AND $measure = 'shr'
        AND patient_id IN (SELECT patient_id FROM mine)
    UNION ALL
    SELECT *
    FROM cohort.strr_days
    WHERE performance_year = $performance_year
        AND $measure = 'strr'
        AND patient_id IN (SELECT patient_id FROM mine)
    UNION ALL
    SELECT *
    FROM cohort.sedr_days
    WHERE performance_year = $performance_year
        AND $measure = 'sedr'
        AND patient_id IN (SELECT patient_id FROM mine)
),

-- Days attributed to the facility, at whichever facility the patient was treated.
counted AS (
    SELECT
        program,
        patient_id,
        start_date,
        end_date,
        period,
        reason,
        events,
        CASE WHEN reason IS NULL THEN events - uncounted_events ELSE 0 END AS observed
    FROM days
    WHERE ccn = $ccn
),

-- Days it treated that are not attributed to it.
uncounted AS (
    SELECT
        d.program,
        d.patient_id,
        greatest(d.start_date, t.start_date) AS start_date,
        least(d.end_date, t.end_date) AS end_date,
        d.period,
        coalesce(d.reason, 'attributed_to_another_facility') AS reason
    FROM days AS d
    JOIN treated AS t
        ON t.program = d.program
        AND t.patient_id = d.patient_id
        AND t.start_date <= d.end_date
        AND t.end_date >= d.start_date
    WHERE d.ccn IS NULL OR d.ccn <> $ccn
),

-- Every event of the measure's kind: a stretch that begins or ends with the facility's days has
-- those of these days alone.
happened AS (
    SELECT patient_id, admit_date AS event_date
    FROM history.hospital_stay
    WHERE performance_year = $performance_year
        AND $measure = 'shr'
        AND patient_id IN (SELECT patient_id FROM mine)
    UNION ALL
    SELECT patient_id, transfusion_date AS event_date
    FROM history.transfusion
    WHERE performance_year = $performance_year
        AND $measure = 'strr'
        AND patient_id IN (SELECT patient_id FROM mine)
    UNION ALL
    SELECT patient_id, start_date AS event_date
    FROM history.emergency_encounter
    WHERE performance_year = $performance_year
        AND $measure = 'sedr'
        AND patient_id IN (SELECT patient_id FROM mine)
),

elsewhere AS (
    SELECT u.program, u.patient_id, u.start_date, count(*) AS events
    FROM uncounted AS u
    JOIN happened AS h
        ON h.patient_id = u.patient_id AND h.event_date BETWEEN u.start_date AND u.end_date
    GROUP BY u.program, u.patient_id, u.start_date
),

listed AS (
    SELECT * FROM counted
    UNION ALL
    SELECT
        u.program,
        u.patient_id,
        u.start_date,
        u.end_date,
        u.period,
        u.reason,
        coalesce(e.events, 0) AS events,
        0 AS observed
    FROM uncounted AS u
    LEFT JOIN elsewhere AS e
        ON e.program = u.program AND e.patient_id = u.patient_id AND e.start_date = u.start_date
),

expected AS (
    SELECT program, patient_id, period, expected
    FROM cohort.shr_expected
    WHERE performance_year = $performance_year
        AND $measure = 'shr'
        AND patient_id IN (SELECT patient_id FROM mine)
    UNION ALL
    SELECT program, patient_id, period, expected
    FROM cohort.strr_expected
    WHERE performance_year = $performance_year
        AND $measure = 'strr'
        AND patient_id IN (SELECT patient_id FROM mine)
    UNION ALL
    SELECT program, patient_id, period, expected
    FROM cohort.sedr_expected
    WHERE performance_year = $performance_year
        AND $measure = 'sedr'
        AND patient_id IN (SELECT patient_id FROM mine)
),

period AS (
    SELECT program, patient_id, period, days_at_risk
    FROM cohort.shr
    WHERE performance_year = $performance_year
        AND $measure = 'shr'
        AND patient_id IN (SELECT patient_id FROM mine)
    UNION ALL
    SELECT program, patient_id, period, days_at_risk
    FROM cohort.strr
    WHERE performance_year = $performance_year
        AND $measure = 'strr'
        AND patient_id IN (SELECT patient_id FROM mine)
    UNION ALL
    SELECT program, patient_id, period, days_at_risk
    FROM cohort.sedr
    WHERE performance_year = $performance_year
        AND $measure = 'sedr'
        AND patient_id IN (SELECT patient_id FROM mine)
),

expectation AS (
    SELECT e.program, e.patient_id, e.period, e.expected / c.days_at_risk AS expected_a_day
    FROM expected AS e
    JOIN period AS c
        ON c.program = e.program AND c.patient_id = e.patient_id AND c.period = e.period
)

SELECT
    j.program,
    j.patient_id,
    j.start_date,
    j.end_date,
    $performance_year AS performance_year,
    $ccn AS ccn,
    $measure AS measure,
    j.period,
    datediff('day', j.start_date, j.end_date) + 1 AS days,
    j.reason,
    j.observed,
    CASE
        WHEN j.reason IS NULL
            THEN (datediff('day', j.start_date, j.end_date) + 1) * e.expected_a_day
    END AS expected,
    j.events - j.observed AS uncounted
FROM listed AS j
LEFT JOIN expectation AS e
    ON e.program = j.program AND e.patient_id = j.patient_id AND e.period = j.period
