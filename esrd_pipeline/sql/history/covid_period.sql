-- One row: a segment of one patient's days of heightened risk after an inpatient diagnosis of
-- COVID-19, adjacent ones joined. Manual 2.14.12: any of 25 diagnoses of an inpatient claim
-- (history.covid_claim), from 20 February 2020, until the patient has survived 90 days.
-- Readings: the diagnosis is dated by the first bill of the stay that names it, by its first day and
-- not before the admission, which all bills of a stay share; the segment is that day and the 90
-- after it (reading 54).
WITH
diagnosed AS (
    SELECT patient_id, min(greatest(from_date, admit_date)) AS start_date
    FROM history.covid_claim
    WHERE performance_year = $performance_year
        AND claim_type = '60'
        AND greatest(from_date, admit_date) >= DATE '2020-02-20'
    GROUP BY patient_id, admit_date
),

-- All have the same length before joining, so that the previous one always ends last.
marked AS (
    SELECT
        *,
        CASE
            WHEN start_date <= lag(start_date) OVER (
                PARTITION BY patient_id ORDER BY start_date
            ) + 91 THEN 0
            ELSE 1
        END AS begins
    FROM diagnosed
),

numbered AS (
    SELECT
        *,
        sum(begins) OVER (
            PARTITION BY patient_id ORDER BY start_date ROWS UNBOUNDED PRECEDING
        ) AS segment_number
    FROM marked
)

SELECT
    patient_id,
    min(start_date) AS start_date,
    max(start_date) + 90 AS end_date,
    $performance_year AS performance_year
FROM numbered
GROUP BY patient_id, segment_number
