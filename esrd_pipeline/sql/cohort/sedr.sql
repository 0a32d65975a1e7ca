-- One row: a person-period at risk in SEDR: one patient, facility and interval of duration of ESRD,
-- with days at risk, encounters, and the facts as of the period's first day. Manual 2.25.13,
-- 2.25.14.
-- Reading 23: Medicare sees the months that claims cover, without those of Medicare Advantage.
WITH
days AS (
    SELECT * FROM cohort.sedr_days WHERE performance_year = $performance_year
),

period AS (
    SELECT * FROM shared.person_period AS p
),

-- Months of the year before that Medicare could see.
covered AS (
    SELECT patient_id, count(*) AS months
    FROM history.medicare_month
    WHERE performance_year = $performance_year
        AND month < make_date($performance_year, 1, 1)
        AND is_covered
    GROUP BY patient_id
)

SELECT
    p.program,
    p.patient_id,
    p.period,
    $performance_year AS performance_year,
    p.ccn,
    p.start_date,
    p.interval,
    p.days_at_risk,
    p.event_count,
    f.age,
    coalesce(c.months, 0) AS covered_months,
    f.nursing_home_days
FROM period AS p
JOIN shared.first_day_facts AS f
    ON f.patient_id = p.patient_id AND f.start_date = p.start_date
LEFT JOIN covered AS c ON c.patient_id = p.patient_id
