-- One row: a segment of days of one patient treated by or attributed to a facility, in the years of
-- a measure of times to an event: counted, in another's measure, or in none and why.
-- Manual 2.14.10 to 2.14.13, 2.15.10 to 2.15.13, 2.27.10 to 2.27.13. $ccn is the facility, $measure
-- smr, swr or smosr. Segments attributed to another facility are cut to the days of treatment here;
-- events of days that are not counted are reported separately. Patients and facilities of earlier
-- years are shown under today's numbers; of two numbers that a person had in one year, one is
-- shown (reading 101).
WITH
-- SMR uses four years, the others three.
every_days AS (
    SELECT
        s.program,
        s.performance_year AS cohort_year,
        coalesce(m.patient_id, s.patient_id) AS patient_id,
        m.earlier_patient_id,
        s.start_date,
        s.end_date,
        coalesce(n.ccn, s.ccn) AS ccn,
        s.reason,
        CASE WHEN s.reason IS NULL AND s.death = 'counted cause' THEN 1 ELSE 0 END AS observed,
        CASE WHEN s.death IS NOT NULL THEN 1 ELSE 0 END AS events
    FROM cohort.smr_days AS s
    LEFT JOIN linkage.earlier_patient AS m
        ON m.earlier_patient_id = s.patient_id
        AND m.performance_year = $performance_year
        AND s.performance_year < $performance_year
    LEFT JOIN linkage.provider_number AS n
        ON n.program = s.program
        AND n.provider_number = s.ccn
        AND n.performance_year = $performance_year
        AND s.performance_year < $performance_year
    WHERE s.performance_year BETWEEN $performance_year - 3 AND $performance_year
        AND $measure = 'smr'
    UNION ALL
    SELECT
        s.program,
        s.performance_year AS cohort_year,
        coalesce(m.patient_id, s.patient_id) AS patient_id,
        m.earlier_patient_id,
        s.start_date,
        s.end_date,
        coalesce(n.ccn, s.ccn) AS ccn,
        s.reason,
        CASE WHEN s.reason IS NULL THEN s.is_event ELSE 0 END AS observed,
        s.is_event AS events
    FROM cohort.swr AS s
    LEFT JOIN linkage.earlier_patient AS m
        ON m.earlier_patient_id = s.patient_id
        AND m.performance_year = $performance_year
        AND s.performance_year < $performance_year
    LEFT JOIN linkage.provider_number AS n
        ON n.program = s.program
        AND n.provider_number = s.ccn
        AND n.performance_year = $performance_year
        AND s.performance_year < $performance_year
    WHERE s.performance_year BETWEEN $performance_year - 2 AND $performance_year
        AND $measure = 'swr'
    UNION ALL
    SELECT
        s.program,
        s.performance_year AS cohort_year,
        coalesce(m.patient_id, s.patient_id) AS patient_id,
        m.earlier_patient_id,
        s.start_date,
        s.end_date,
        coalesce(n.ccn, s.ccn) AS ccn,
        s.reason,
        CASE WHEN s.reason IS NULL THEN s.is_event ELSE 0 END AS observed,
        s.is_event AS events
    FROM cohort.smosr AS s
    LEFT JOIN linkage.earlier_patient AS m
        ON m.earlier_patient_id = s.patient_id
        AND m.performance_year = $performance_year
        AND s.performance_year < $performance_year
    LEFT JOIN linkage.provider_number AS n
        ON n.program = s.program
        AND n.provider_number = s.ccn
        AND n.performance_year = $performance_year
        AND s.performance_year < $performance_year
    WHERE s.performance_year BETWEEN $performance_year - 2 AND $performance_year
        AND $measure = 'smosr'
),

mine AS (
    SELECT patient_id FROM every_days WHERE ccn = $ccn
    UNION
    SELECT patient_id
    FROM history.treatment
    WHERE performance_year = $performance_year AND ccn = $ccn AND state = 'dialysis'
),

-- The rows of the facility's patients: a nation's others are left where they are.
stored AS (
    SELECT * FROM every_days WHERE patient_id IN (SELECT patient_id FROM mine)
),

number_of_year AS (
    SELECT
        program,
        cohort_year,
        patient_id,
        coalesce(earlier_patient_id, patient_id) AS number,
        max(CASE WHEN reason IS NULL THEN 1 ELSE 0 END) AS is_counted,
        max(CASE WHEN earlier_patient_id IS NULL THEN 1 ELSE 0 END) AS is_own
    FROM stored
    GROUP BY program, cohort_year, patient_id, coalesce(earlier_patient_id, patient_id)
),

ranked_number AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY program, cohort_year, patient_id
            ORDER BY is_counted DESC, is_own DESC, number DESC
        ) AS place
    FROM number_of_year
),

days AS (
    SELECT s.*
    FROM stored AS s
    JOIN ranked_number AS r
        ON r.program = s.program
        AND r.cohort_year = s.cohort_year
        AND r.patient_id = s.patient_id
        AND r.number = coalesce(s.earlier_patient_id, s.patient_id)
        AND r.place = 1
),

treated AS (
    SELECT program, patient_id, start_date, end_date
    FROM history.treatment
    WHERE performance_year = $performance_year AND ccn = $ccn AND state = 'dialysis'
),

expectation AS (
    SELECT program, patient_id, start_date, expected
    FROM cohort.smr_expected
    WHERE performance_year = $performance_year
        AND $measure = 'smr'
        AND patient_id IN (SELECT patient_id FROM mine)
    UNION ALL
    SELECT program, patient_id, start_date, expected
    FROM cohort.swr_expected
    WHERE performance_year = $performance_year
        AND $measure = 'swr'
        AND patient_id IN (SELECT patient_id FROM mine)
    UNION ALL
    SELECT program, patient_id, start_date, expected
    FROM cohort.smosr_expected
    WHERE performance_year = $performance_year
        AND $measure = 'smosr'
        AND patient_id IN (SELECT patient_id FROM mine)
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
