-- One row: a stage after the index COVID-19 hospitalisation. Manual 2.13.13: days 1 to 30, 31 to 60
-- and 61 to 180 after the discharge date of the first inpatient claim with COVID-19, which other
-- care that is joined with it does not delay (reading 147).
WITH
indexed AS (
    SELECT patient_id, covid_discharge_date
    FROM history.hospital_stay
    WHERE performance_year = $performance_year AND is_index_covid
),

stage AS (
    SELECT 1 AS stage, 1 AS first_day, 30 AS last_day
    UNION ALL
    SELECT 2, 31, 60
    UNION ALL
    SELECT 3, 61, 180
)

SELECT
    i.patient_id,
    s.stage,
    i.covid_discharge_date + s.first_day AS start_date,
    i.covid_discharge_date + s.last_day AS end_date,
    $performance_year AS performance_year
FROM indexed AS i
CROSS JOIN stage AS s
