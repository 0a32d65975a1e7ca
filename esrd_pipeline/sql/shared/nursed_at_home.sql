-- One row: days of one patient in a nursing home on home hemodialysis. Manual 2.27.9; reading 124. Reads
-- `dialysed`: patient_id, start_date, end_date, setting, modality.
SELECT
    d.patient_id,
    greatest(d.start_date, h.start_date) AS start_date,
    least(d.end_date, h.end_date) AS end_date
FROM dialysed AS d
JOIN history.nursing_home AS h
    ON h.patient_id = d.patient_id
    AND h.start_date <= d.end_date
    AND h.end_date >= d.start_date
    AND h.performance_year = $performance_year
WHERE d.setting = 'home' AND d.modality = 'hemodialysis'
