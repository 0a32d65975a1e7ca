-- One row: a patient whom a facility treated in the year, by the rules of one measure of patients:
-- met or not, or excluded and why. Manual 2.9, 2.18.6, 2.22 to 2.24: the list CMS shows a facility
-- in a preview period. $ccn is the facility, $measure the measure.
SELECT
    program,
    patient_id,
    $performance_year AS performance_year,
    ccn,
    measure,
    reason,
    CASE WHEN denominator = 1 THEN numerator = 1 END AS is_in_numerator,
    days
FROM cohort.patient_year
WHERE performance_year = $performance_year AND ccn = $ccn AND measure = $measure
