-- One row: a day of one patient, as the first of a person-period: age, and days in nursing homes among
-- the 365 before. Reads `period`: patient_id, start_date. Manual 2.10.11, 2.12.13, 2.13.13, 2.14.12,
-- 2.25.14.
-- Reading: nursing homes are those of the 365 days before, not of the calendar year before (2.12.13
-- against Table 7).
WITH
first_day AS (
    SELECT DISTINCT patient_id, start_date FROM period
),

born AS (
    SELECT patient_id, date_of_birth
    FROM linkage.patient
    WHERE performance_year = $performance_year
),

home AS (
    SELECT
        p.patient_id,
        p.start_date,
        sum(
            datediff(
                'day',
                greatest(h.start_date, p.start_date - 365),
                least(h.end_date, p.start_date - 1)
            ) + 1
        ) AS home_days
    FROM first_day AS p
    JOIN history.nursing_home AS h
        ON h.patient_id = p.patient_id
        AND h.performance_year = $performance_year
        AND h.start_date <= p.start_date - 1
        AND h.end_date >= p.start_date - 365
    GROUP BY p.patient_id, p.start_date
)

SELECT
    p.patient_id,
    p.start_date,
    shared.completed_years(q.date_of_birth, p.start_date) AS age,
    coalesce(h.home_days, 0) AS nursing_home_days
FROM first_day AS p
JOIN born AS q ON q.patient_id = p.patient_id
LEFT JOIN home AS h ON h.patient_id = p.patient_id AND h.start_date = p.start_date
