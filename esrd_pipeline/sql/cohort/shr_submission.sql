-- One row: a person-period at risk by SHR's 2025 submission: one patient, facility, interval of
-- duration of ESRD, in or outside Medicare Advantage, with days at risk, admissions, and the facts
-- as of the period's first day. SHR submission, denominator and risk adjustment; reading 22.
-- Medicare Advantage is 0 or 1: a period ends where it changes.
WITH
-- An event on a day that is not at risk does not count.
period AS (
    SELECT
        program,
        patient_id,
        period,
        ccn,
        interval,
        min(start_date) AS start_date,
        sum(CASE WHEN reason IS NULL THEN days ELSE 0 END) AS days_at_risk,
        sum(CASE WHEN reason IS NULL AND is_ma THEN days ELSE 0 END) AS ma_days,
        sum(CASE WHEN reason IS NULL THEN events ELSE 0 END) AS event_count
    FROM cohort.shr_submission_days
    WHERE performance_year = $performance_year
    GROUP BY program, patient_id, period, ccn, interval
    HAVING sum(CASE WHEN reason IS NULL THEN days ELSE 0 END) > 0
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
    coalesce(c.months, 0) AS covered_months,
    f.nursing_home_days
FROM period AS p
JOIN shared.first_day_facts AS f
    ON f.patient_id = p.patient_id AND f.start_date = p.start_date
LEFT JOIN shared.observable_months AS c ON c.patient_id = p.patient_id
