-- One row: a segment of a patient's days in the year in SHR, STrR or SEDR: at risk or why not, with the
-- events that began in it. Manual 2.12.9 to 2.12.11, 2.13.9 to 2.13.11, 2.25.9 to 2.25.11.
SELECT 'shr' AS measure, program, patient_id, start_date, end_date, ccn, reason, events
FROM cohort.shr_days
WHERE performance_year = $performance_year
UNION ALL
SELECT 'strr' AS measure, program, patient_id, start_date, end_date, ccn, reason, events
FROM cohort.strr_days
WHERE performance_year = $performance_year
UNION ALL
SELECT 'sedr' AS measure, program, patient_id, start_date, end_date, ccn, reason, events
FROM cohort.sedr_days
WHERE performance_year = $performance_year
