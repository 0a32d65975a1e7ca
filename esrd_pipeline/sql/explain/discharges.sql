-- One row: a discharge of one patient whom a facility treated on the day, by SRR's or ED30's rules:
-- counted, followed by the event or not, or excluded and why. Manual 2.10.9, 2.11.10, 2.26.9: the
-- list CMS shows a facility in a preview period. $ccn is the facility, $measure the measure.
WITH
listed AS (
    SELECT
        program,
        patient_id,
        stay,
        discharge_date,
        hospital_ccn,
        reason,
        is_event,
        first_event_day AS event_day
    FROM cohort.srr
    WHERE performance_year = $performance_year AND ccn = $ccn AND $measure = 'srr'
    UNION ALL
    SELECT
        program,
        patient_id,
        stay,
        discharge_date,
        hospital_ccn,
        reason,
        is_event,
        encounter_day AS event_day
    FROM cohort.ed30
    WHERE performance_year = $performance_year AND ccn = $ccn AND $measure = 'ed30'
),

expectation AS (
    SELECT program, patient_id, stay, expected
    FROM cohort.srr_expected
    WHERE performance_year = $performance_year AND $measure = 'srr'
    UNION ALL
    SELECT program, patient_id, stay, expected
    FROM cohort.ed30_expected
    WHERE performance_year = $performance_year AND $measure = 'ed30'
)

SELECT
    l.program,
    l.patient_id,
    l.stay,
    $performance_year AS performance_year,
    $ccn AS ccn,
    $measure AS measure,
    l.discharge_date,
    l.hospital_ccn,
    l.reason,
    CASE WHEN l.reason IS NULL THEN l.is_event = 1 END AS is_in_numerator,
    l.event_day,
    CASE WHEN l.reason IS NULL THEN e.expected END AS expected
FROM listed AS l
LEFT JOIN expectation AS e
    ON e.program = l.program AND e.patient_id = l.patient_id AND e.stay = l.stay
