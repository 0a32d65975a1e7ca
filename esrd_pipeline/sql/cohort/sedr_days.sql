-- One row: a segment of cohort.days by SEDR's rules (Dialysis Facility Measures only): at risk or
-- why not, in which of the patient's periods, with the emergency department encounters that began
-- in it. Manual 2.25.9 to 2.25.13, Figure 27 (months with hospice).
-- Readings: 18 is the age on each day (2.25.9), not at the year's end as in Figure 27; an
-- inpatient claim of 2.25.11 is a hospital's or skilled nursing facility's, as for STrR and SHR
-- (2.12.11); an encounter counts where the patient was on its first day; a period ends where the
-- facility changes and the duration of ESRD crosses a cut point (2.25.13), and where the days stop
-- or start being eligible (Figure 27).
WITH
hospice_month AS (
    SELECT patient_id, month
    FROM history.limited_life
    WHERE performance_year = $performance_year AND is_hospice
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
        0 AS covid_stage,
        d.is_ma,
        CASE
            WHEN d.reason IS NOT NULL THEN d.reason
            WHEN d.is_adult IS NULL THEN 'date_of_birth_unknown'
            WHEN NOT d.is_adult THEN 'under_18_years'
            WHEN d.is_ma THEN 'medicare_advantage'
            WHEN NOT d.is_covered THEN 'month_not_observable_in_claims'
            WHEN h.patient_id IS NOT NULL THEN 'hospice_in_month'
        END AS reason
    FROM cohort.days AS d
    LEFT JOIN hospice_month AS h
        ON h.patient_id = d.patient_id
        AND h.month = make_date(year(d.start_date), month(d.start_date), 1)
    WHERE d.performance_year = $performance_year AND d.program = 'dfc'
),

marked AS (
    SELECT
        *,
        CASE
            WHEN lag(attribution_start) OVER days = attribution_start
                AND coalesce(lag(interval) OVER days, -1) = coalesce(interval, -1)
                AND (lag(reason) OVER days IS NULL) = (reason IS NULL)
                THEN 0
            ELSE 1
        END AS is_new
    FROM judged
    WINDOW days AS (PARTITION BY program, patient_id ORDER BY start_date)
),

happened AS (
    SELECT patient_id, start_date AS event_date, 0 AS is_uncounted
    FROM history.emergency_encounter
    WHERE performance_year = $performance_year
        AND start_date >= make_date($performance_year, 1, 1)
)

SELECT * FROM shared.days_in_periods AS d
