-- One row: a segment of cohort.days as STrR sees it: at risk or why not, in which of the patient's
-- periods, with the transfusions that fell in it. Manual 2.12.7 to 2.12.12, Figures 13 and 14, 3.4
-- (exceptions, QIP only).
-- Readings: 18 is the age of each day; a period ends where the facility changes, the duration of
-- ESRD crosses a cut point and a COVID-19 stage begins (2.12.12), and where the days stop or start
-- being eligible (Figure 14), so that its adjusters are those of a day at risk.
WITH
judged AS (
    SELECT
        program,
        patient_id,
        start_date,
        end_date,
        attribution_start,
        ccn,
        interval,
        covid_diagnosis_stage AS covid_stage,
        is_ma,
        CASE
            WHEN reason IS NOT NULL THEN reason
            WHEN is_exception THEN 'extraordinary_circumstances_exception'
            WHEN is_adult IS NULL THEN 'date_of_birth_unknown'
            WHEN NOT is_adult THEN 'under_18_years'
            WHEN is_ma THEN 'medicare_advantage'
            WHEN NOT is_covered THEN 'month_not_observable_in_claims'
            WHEN is_transfusion_excluded THEN 'within_year_of_excluded_condition'
        END AS reason
    FROM cohort.days
    WHERE performance_year = $performance_year
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

transfused AS (
    SELECT patient_id, transfusion_date
    FROM history.transfusion
    WHERE performance_year = $performance_year
),

event AS (
    SELECT d.program, d.patient_id, d.start_date, count(*) AS events
    FROM transfused AS t
    JOIN judged AS d
        ON d.patient_id = t.patient_id AND t.transfusion_date BETWEEN d.start_date AND d.end_date
    GROUP BY d.program, d.patient_id, d.start_date
)

SELECT
    k.program,
    k.patient_id,
    k.start_date,
    k.end_date,
    $performance_year AS performance_year,
    k.ccn,
    sum(k.is_new) OVER (
        PARTITION BY k.program, k.patient_id ORDER BY k.start_date ROWS UNBOUNDED PRECEDING
    ) AS period,
    k.interval,
    k.covid_stage,
    k.is_ma,
    datediff('day', k.start_date, k.end_date) + 1 AS days,
    k.reason,
    coalesce(e.events, 0) AS events,
    0 AS uncounted_events
FROM marked AS k
LEFT JOIN event AS e
    ON e.program = k.program AND e.patient_id = k.patient_id AND e.start_date = k.start_date
