-- One row: a segment of the year's days by STrR's rules: at risk or why not, in which of the
-- patient's periods, with the transfusions in it: one of cohort.days, or a part of one where a
-- COVID-19 stage or a segment with an excluded condition begins or ends in it. Manual 2.12.7 to
-- 2.12.12, Figures 13 and 14, 3.4 (exceptions, QIP only).
-- Readings: 18 is the age on each day; a period ends where the facility changes, the duration of
-- ESRD crosses a cut point and a COVID-19 stage begins (2.12.12), and where the days stop or start
-- being eligible (Figure 14), so that its adjusters are those of a day at risk.
WITH
days AS (
    SELECT * FROM cohort.days WHERE performance_year = $performance_year
),

diagnosis AS (
    SELECT patient_id, diagnosis_date
    FROM history.covid_diagnosis
    WHERE performance_year = $performance_year
),

excluded AS (
    SELECT patient_id, start_date, end_date
    FROM history.transfusion_exclusion
    WHERE performance_year = $performance_year
),

change AS (
    SELECT patient_id, diagnosis_date + 1 AS change_date FROM diagnosis
    UNION
    SELECT patient_id, diagnosis_date + 31 AS change_date FROM diagnosis
    UNION
    SELECT patient_id, diagnosis_date + 61 AS change_date FROM diagnosis
    UNION
    SELECT patient_id, start_date AS change_date FROM excluded
    UNION
    SELECT patient_id, end_date + 1 AS change_date FROM excluded
),

judged AS (
    SELECT
        d.program,
        d.patient_id,
        d.start_date,
        d.end_date,
        d.attribution_start,
        d.ccn,
        d.interval,
        CASE
            WHEN d.start_date > v.diagnosis_date + 60 THEN 3
            WHEN d.start_date > v.diagnosis_date + 30 THEN 2
            WHEN d.start_date > v.diagnosis_date THEN 1
            ELSE 0
        END AS covid_stage,
        d.is_ma,
        CASE
            WHEN d.reason IS NOT NULL THEN d.reason
            WHEN d.is_exception THEN 'extraordinary_circumstances_exception'
            WHEN d.is_adult IS NULL THEN 'date_of_birth_unknown'
            WHEN NOT d.is_adult THEN 'under_18_years'
            WHEN d.is_ma THEN 'medicare_advantage'
            WHEN NOT d.is_covered THEN 'month_not_observable_in_claims'
            WHEN x.patient_id IS NOT NULL THEN 'within_year_of_excluded_condition'
        END AS reason
    FROM shared.day_segments AS d
    LEFT JOIN diagnosis AS v ON v.patient_id = d.patient_id
    LEFT JOIN excluded AS x
        ON x.patient_id = d.patient_id AND d.start_date BETWEEN x.start_date AND x.end_date
),

marked AS (
    SELECT
        *,
        CASE
            WHEN lag(attribution_start) OVER days = attribution_start
                AND coalesce(lag(interval) OVER days, -1) = coalesce(interval, -1)
                AND lag(covid_stage) OVER days = covid_stage
                AND (lag(reason) OVER days IS NULL) = (reason IS NULL)
                THEN 0
            ELSE 1
        END AS is_new
    FROM judged
    WINDOW days AS (PARTITION BY program, patient_id ORDER BY start_date)
),

happened AS (
    SELECT patient_id, transfusion_date AS event_date, 0 AS is_uncounted
    FROM history.transfusion
    WHERE performance_year = $performance_year
)

SELECT * FROM shared.days_in_periods AS d
