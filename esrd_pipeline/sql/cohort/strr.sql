-- One row: a person-period at risk in STrR: one patient, facility, interval of duration of ESRD and
-- stage of COVID-19, with days at risk, transfusions, and the facts as of the period's first day.
-- Manual 2.12.12, 2.12.13.
-- Reading: nursing homes are those of the 365 days before, not of the calendar year before (2.12.13
-- against Table 7).
WITH
days AS (
    SELECT * FROM cohort.strr_days WHERE performance_year = $performance_year
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
    p.covid_stage,
    f.nursing_home_days
FROM period AS p
JOIN shared.first_day_facts AS f
    ON f.patient_id = p.patient_id AND f.start_date = p.start_date
