-- One row: a patient and the months of the year before that Medicare could see. Manual 2.13.13,
-- Table 10: with six of them prevalent conditions are observable.
SELECT patient_id, count(*) AS months
FROM history.medicare_month
WHERE performance_year = $performance_year
    AND month < make_date($performance_year, 1, 1)
    AND is_observable
GROUP BY patient_id
