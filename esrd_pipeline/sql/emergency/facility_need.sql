-- One row: the patients of one facility and modality on the day of emergency.patient_need.
SELECT
    ccn,
    modality,
    $performance_year AS performance_year,
    min(day) AS day,
    count(*) AS patients,
    count(*) FILTER (WHERE next_due <= day) AS due_by_day,
    count(*) FILTER (WHERE next_due = day + 1) AS due_next_day,
    count(*) FILTER (WHERE modality <> 'peritoneal dialysis' AND next_due IS NULL) AS due_unknown,
    count(*) FILTER (WHERE is_in_nursing_home) AS in_nursing_home,
    max(last_treatment) AS last_treatment
FROM emergency.patient_need
WHERE performance_year = $performance_year
GROUP BY ccn, modality
