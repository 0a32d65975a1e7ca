-- One row: a month of one patient whom a facility treated or had admitted (SFR), or treated on the
-- month's last day (PPPW): counted, in the numerator or not, or excluded and why. Manual 2.2, 2.16:
-- the list CMS shows a facility in a preview period. $ccn is the facility, $measure the measure.
WITH
fistula AS (
    SELECT
        program,
        patient_id,
        month,
        ccn,
        reason,
        is_event,
        access_type,
        CAST(NULL AS DOUBLE) AS age
    FROM cohort.sfr
    WHERE performance_year = $performance_year AND ccn = $ccn AND $measure = 'sfr'
),

waitlist AS (
    SELECT
        program,
        patient_id,
        month,
        ccn,
        reason,
        is_event,
        CAST(NULL AS VARCHAR) AS access_type,
        age
    FROM cohort.pppw
    WHERE performance_year = $performance_year AND ccn = $ccn AND $measure = 'pppw'
),

combined AS (
    SELECT * FROM fistula
    UNION ALL
    SELECT * FROM waitlist
)

SELECT
    program,
    patient_id,
    month,
    $performance_year AS performance_year,
    ccn,
    $measure AS measure,
    reason,
    CASE WHEN reason IS NULL THEN is_event = 1 END AS is_in_numerator,
    access_type,
    age
FROM combined
