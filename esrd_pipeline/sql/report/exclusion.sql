-- One row: the patients of one facility with days, months or discharges that one measure leaves out
-- for one reason. Manual 2.1 to 2.16, 2.19, 2.22 to 2.27: exclusions. They are the patients of the
-- lists that a facility is shown in a preview period (explain.*): those it treated, or whose days
-- are attributed to it, in the year; of measures over several years, the year's own. A patient may
-- be left out for several reasons, each counted.
WITH
treated AS (
    SELECT
        program,
        patient_id,
        ccn,
        greatest(start_date, make_date($performance_year, 1, 1)) AS start_date,
        least(end_date, make_date($performance_year, 12, 31)) AS end_date
    FROM history.treatment
    WHERE performance_year = $performance_year
        AND state = 'dialysis'
        AND ccn IS NOT NULL
        AND end_date >= make_date($performance_year, 1, 1)
        AND start_date <= make_date($performance_year, 12, 31)
),

days AS (
    SELECT measure, program, patient_id, start_date, end_date, ccn, reason
    FROM shared.recurrent_event_days AS r
    UNION ALL
    SELECT 'smr' AS measure, program, patient_id, start_date, end_date, ccn, reason
    FROM cohort.smr_days
    WHERE performance_year = $performance_year
    UNION ALL
    SELECT 'swr' AS measure, program, patient_id, start_date, end_date, ccn, reason
    FROM cohort.swr
    WHERE performance_year = $performance_year
    UNION ALL
    SELECT 'smosr' AS measure, program, patient_id, start_date, end_date, ccn, reason
    FROM cohort.smosr
    WHERE performance_year = $performance_year
),

-- Days it treated that are not attributed to it, and those that are and do not count.
of_days AS (
    SELECT
        d.measure,
        d.program,
        t.ccn,
        d.patient_id,
        coalesce(d.reason, 'attributed_to_another_facility') AS reason
    FROM days AS d
    JOIN treated AS t
        ON t.program = d.program
        AND t.patient_id = d.patient_id
        AND t.start_date <= d.end_date
        AND t.end_date >= d.start_date
    WHERE d.ccn IS NULL OR d.ccn <> t.ccn
    UNION ALL
    SELECT measure, program, ccn, patient_id, reason
    FROM days
),

left_out AS (
    SELECT measure, program, ccn, patient_id, reason
    FROM of_days
    UNION ALL
    SELECT measure, program, ccn, patient_id, reason
    FROM shared.measured_month AS m
    UNION ALL
    SELECT measure, program, ccn, patient_id, reason
    FROM cohort.patient_year
    WHERE performance_year = $performance_year
    UNION ALL
    SELECT 'sfr' AS measure, program, ccn, patient_id, reason
    FROM cohort.sfr
    WHERE performance_year = $performance_year
    UNION ALL
    SELECT 'pppw' AS measure, program, ccn, patient_id, reason
    FROM cohort.pppw
    WHERE performance_year = $performance_year
    UNION ALL
    SELECT 'srr' AS measure, program, ccn, patient_id, reason
    FROM cohort.srr
    WHERE performance_year = $performance_year
    UNION ALL
    SELECT 'ed30' AS measure, program, ccn, patient_id, reason
    FROM cohort.ed30
    WHERE performance_year = $performance_year
)

SELECT
    ccn,
    program,
    measure,
    reason,
    $performance_year AS performance_year,
    count(DISTINCT patient_id) AS patients
FROM left_out
WHERE ccn IS NOT NULL
    AND reason IS NOT NULL
    AND reason <> 'not_a_measure_of_the_program'
GROUP BY ccn, program, measure, reason
