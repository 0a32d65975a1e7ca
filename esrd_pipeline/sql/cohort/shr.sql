-- One row: a person-period at risk in SHR: one patient, facility, interval of duration of ESRD and
-- stage of COVID-19, with days at risk, admissions, and the facts as of the period's first day.
-- Manual 2.13.10.1, 2.13.11, 2.13.13. Medicare Advantage is the share of the period's days at risk.
-- Reading 23: Medicare sees months of Medicare Advantage, too.
WITH
-- An event on a day that is not at risk does not count.
period AS (
    SELECT
        program,
        patient_id,
        period,
        ccn,
        interval,
        covid_stage,
        min(start_date) AS start_date,
        sum(CASE WHEN reason IS NULL THEN days ELSE 0 END) AS days_at_risk,
        sum(CASE WHEN reason IS NULL AND is_ma THEN days ELSE 0 END) AS ma_days,
        sum(CASE WHEN reason IS NULL THEN events - uncounted_events ELSE 0 END) AS event_count
    FROM cohort.shr_days
    WHERE performance_year = $performance_year
    GROUP BY program, patient_id, period, ccn, interval, covid_stage
    HAVING sum(CASE WHEN reason IS NULL THEN days ELSE 0 END) > 0
),

patient AS (
    SELECT patient_id, date_of_birth
    FROM linkage.patient
    WHERE performance_year = $performance_year
),

first_day AS (
    SELECT DISTINCT patient_id, start_date FROM period
),

-- Days in nursing homes among the 365 before the period's first day.
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
),

-- Months of the year before that Medicare could see.
covered AS (
    SELECT patient_id, count(*) AS months
    FROM history.medicare_month
    WHERE performance_year = $performance_year
        AND month < make_date($performance_year, 1, 1)
        AND is_observable
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
    -- Completed years: a birthday on 29 February is kept on 1 March of other years.
    year(p.start_date) - year(q.date_of_birth)
    - CASE
        WHEN month(p.start_date) * 100 + day(p.start_date)
            < month(q.date_of_birth) * 100 + day(q.date_of_birth)
            THEN 1
        ELSE 0
    END AS age,
    CAST(p.ma_days AS DOUBLE) / p.days_at_risk AS ma_share,
    p.covid_stage,
    coalesce(c.months, 0) AS covered_months,
    coalesce(h.home_days, 0) AS nursing_home_days
FROM period AS p
JOIN patient AS q ON q.patient_id = p.patient_id
LEFT JOIN home AS h ON h.patient_id = p.patient_id AND h.start_date = p.start_date
LEFT JOIN covered AS c ON c.patient_id = p.patient_id
