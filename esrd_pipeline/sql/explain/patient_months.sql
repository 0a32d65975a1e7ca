-- One row: a month of one patient whom a facility treated or had admitted, by the rules of one
-- measure of patient-months: counted, in the numerator or not, or excluded and why.
-- Manual 2.1, 2.3 to 2.8, 2.19: the list CMS shows a facility in a preview period. $ccn is the
-- facility, $measure the measure.
SELECT
    program,
    patient_id,
    month,
    $performance_year AS performance_year,
    ccn,
    $measure AS measure,
    reason,
    is_in_numerator,
    is_whole,
    age,
    esrd_day,
    modality,
    frequency,
    ktv,
    ktv_source,
    access_type,
    catheter_months,
    calcium,
    sessions
FROM shared.measured_month AS m
WHERE measure = $measure
    AND ccn = $ccn
    AND coalesce(reason, '') <> 'not_a_measure_of_the_program'
