-- One row: a patient who has been in hospital with COVID-19, and the day of the first admission.
-- Manual 2.13.13: a patient has one index stay (ICovH), however long ago it was.
-- Readings: there is none before 20 February 2020; admissions before the year before are taken from
-- the table of the year before.
WITH
known AS (
    SELECT patient_id, admit_date
    FROM history.covid_claim
    WHERE performance_year = $performance_year
        AND claim_type = '60'
        AND admit_date >= DATE '2020-02-20'
    UNION ALL
    SELECT coalesce(m.patient_id, f.patient_id) AS patient_id, f.admit_date
    FROM history.first_covid_admission AS f
    LEFT JOIN linkage.earlier_patient AS m
        ON m.earlier_patient_id = f.patient_id AND m.performance_year = $performance_year
    WHERE f.performance_year = $performance_year - 1
        AND f.admit_date < make_date($performance_year - 1, 1, 1)
)

SELECT patient_id, min(admit_date) AS admit_date, $performance_year AS performance_year
FROM known
GROUP BY patient_id
