-- One row: a segment of the year's days by the rules of SHR's 2025 submission: one of cohort.days,
-- at risk or why not, in which of the patient's periods, with the stays that began in it.
-- SHR submission, denominator and exclusions; manual 3.4 (exceptions, QIP only); reading 22.
-- A period ends where the facility changes, the duration of ESRD crosses a cut point, or Medicare
-- Advantage begins or ends. Patients under 18 are left out; every stay counts, the first with
-- COVID-19 too. There are no rows in a year for which the submission is not chosen ($is_chosen).
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
        0 AS covid_stage,
        is_ma,
        CASE
            WHEN reason IS NOT NULL THEN reason
            WHEN is_exception THEN 'extraordinary_circumstances_exception'
            WHEN is_adult IS NULL THEN 'date_of_birth_unknown'
            WHEN NOT is_adult THEN 'under_18_years'
            WHEN NOT is_observable THEN 'month_not_observable_in_claims'
        END AS reason
    FROM cohort.days
    WHERE performance_year = $performance_year AND $is_chosen
),

-- A period continues while facility, interval and Medicare Advantage are the same.
marked AS (
    SELECT
        *,
        CASE
            WHEN lag(attribution_start) OVER days = attribution_start
                AND coalesce(lag(interval) OVER days, -1) = coalesce(interval, -1)
                AND lag(is_ma) OVER days = is_ma
                THEN 0
            ELSE 1
        END AS is_new
    FROM judged
    WINDOW days AS (PARTITION BY program, patient_id ORDER BY start_date)
),

-- Stays that began on a day of the year: overlaps and transfers are already joined.
happened AS (
    SELECT patient_id, admit_date AS event_date, 0 AS is_uncounted
    FROM history.hospital_stay
    WHERE performance_year = $performance_year
        AND admit_date >= make_date($performance_year, 1, 1)
)

SELECT * FROM shared.days_in_periods AS d
