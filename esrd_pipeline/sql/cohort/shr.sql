-- One row: a person-period at risk in SHR: one patient, facility, interval of duration of ESRD and
-- stage of COVID-19, with days at risk, admissions, and the facts as of the period's first day.
-- Manual 2.13.10.1, 2.13.11, 2.13.13. Medicare Advantage is the share of the period's days at risk.
-- Reading 23: Medicare sees months of Medicare Advantage, too.
WITH
days AS (
    SELECT * FROM cohort.shr_days WHERE performance_year = $performance_year
),

period AS (
    SELECT * FROM shared.person_period AS p
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
    CAST(p.ma_days AS DOUBLE) / p.days_at_risk AS ma_share,
    p.covid_stage,
    coalesce(c.months, 0) AS covered_months,
    f.nursing_home_days
FROM period AS p
JOIN shared.first_day_facts AS f
    ON f.patient_id = p.patient_id AND f.start_date = p.start_date
LEFT JOIN shared.observable_months AS c ON c.patient_id = p.patient_id
