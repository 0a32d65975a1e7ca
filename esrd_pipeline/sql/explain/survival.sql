-- One row: a segment of days of one patient treated by or attributed to a facility, in the years of
-- a measure of times to an event: counted, in another's measure, or in none and why.
-- Manual 2.14.10 to 2.14.13, 2.15.10 to 2.15.13, 2.27.10 to 2.27.13. $ccn is the facility, $measure
-- smr, swr or smosr. Segments attributed to another facility are cut to the days of treatment here;
-- events of days that are not counted are reported separately.
WITH
-- SMR uses four years, the others three.
days AS (
    SELECT
        program,
        patient_id,
        start_date,
        end_date,
        ccn,
        reason,
        CASE WHEN reason IS NULL AND death = 'counted cause' THEN 1 ELSE 0 END AS observed,
        CASE WHEN death IS NOT NULL THEN 1 ELSE 0 END AS events
    FROM cohort.smr_days
    WHERE performance_year BETWEEN $performance_year - 3 AND $performance_year
        AND $measure = 'smr'
    UNION ALL
    SELECT
        program,
        patient_id,
        start_date,
        end_date,
        ccn,
        reason,
        CASE WHEN reason IS NULL THEN is_event ELSE 0 END AS observed,
        is_event AS events
    FROM cohort.swr
    WHERE performance_year BETWEEN $performance_year - 2 AND $performance_year
        AND $measure = 'swr'
    UNION ALL
    SELECT
        program,
        patient_id,
        start_date,
        end_date,
        ccn,
        reason,
        CASE WHEN reason IS NULL THEN is_event ELSE 0 END AS observed,
        is_event AS events
    FROM cohort.smosr
    WHERE performance_year BETWEEN $performance_year - 2 AND $performance_year
        AND $measure = 'smosr'
),

treated AS (
    SELECT program, patient_id, start_date, end_date
    FROM history.treatment
    WHERE performance_year = $performance_year AND ccn = $ccn AND state = 'dialysis'
),

expectation AS (
    SELECT program, patient_id, start_date, expected
    FROM cohort.smr_expected
    WHERE performance_year = $performance_year AND $measure = 'smr'
    UNION ALL
    SELECT program, patient_id, start_date, expected
    FROM cohort.swr_expected
    WHERE performance_year = $performance_year AND $measure = 'swr'
    UNION ALL
    SELECT program, patient_id, start_date, expected
    FROM cohort.smosr_expected
    WHERE performance_year = $performance_year AND $measure = 'smosr'
),

-- Days attributed to the facility, at whichever facility the patient was treated.
own AS (
    SELECT
        d.program,
        d.patient_id,
        d.start_date,
        d.end_date,
        d.reason,
        d.observed,
        d.events - d.observed AS uncounted,
        CASE WHEN d.reason IS NULL THEN e.expected END AS expected
    FROM days AS d
    LEFT JOIN expectation AS e
        ON e.program = d.program
        AND e.patient_id = d.patient_id
        AND e.start_date = d.start_date
    WHERE d.ccn = $ccn
),

-- Days it treated that are not attributed to it.
others AS (
    SELECT
        d.program,
        d.patient_id,
        greatest(d.start_date, t.start_date) AS start_date,
        least(d.end_date, t.end_date) AS end_date,
        coalesce(d.reason, 'attributed_to_another_facility') AS reason,
        0 AS observed,
        CASE WHEN d.end_date <= t.end_date THEN d.events ELSE 0 END AS uncounted,
        CAST(NULL AS DOUBLE) AS expected
    FROM days AS d
    JOIN treated AS t
        ON t.program = d.program
        AND t.patient_id = d.patient_id
        AND t.start_date <= d.end_date
        AND t.end_date >= d.start_date
    WHERE d.ccn IS NULL OR d.ccn <> $ccn
),

listed AS (
    SELECT * FROM own
    UNION ALL
    SELECT * FROM others
)

SELECT
    program,
    patient_id,
    start_date,
    end_date,
    $performance_year AS performance_year,
    $ccn AS ccn,
    $measure AS measure,
    datediff('day', start_date, end_date) + 1 AS days,
    reason,
    observed,
    expected,
    uncounted
FROM listed
