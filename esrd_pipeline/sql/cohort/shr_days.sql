-- One row: a segment of the year's days by SHR's rules: at risk or why not, in which of the
-- patient's periods, with the stays that began in it: one of cohort.days, or a part of one where a
-- COVID-19 stage begins or ends in it. Manual 2.13.9 to 2.13.11, 3.4 (exceptions, QIP only);
-- reading 22. A period ends where the facility changes, the duration of ESRD crosses a cut point,
-- or a COVID-19 stage begins or ends. Index COVID-19 stays are not counted. Children are not left out,
-- but a patient whose birth is unknown has no age to adjust for (2.13.13).
WITH
days AS (
    SELECT * FROM cohort.days WHERE performance_year = $performance_year
),

stage AS (
    SELECT patient_id, stage, start_date, end_date
    FROM history.covid_stage
    WHERE performance_year = $performance_year
),

change AS (
    SELECT patient_id, start_date AS change_date FROM stage
    UNION
    SELECT patient_id, end_date + 1 AS change_date FROM stage
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
        coalesce(s.stage, 0) AS covid_stage,
        d.is_ma,
        CASE
            WHEN d.reason IS NOT NULL THEN d.reason
            WHEN d.is_exception THEN 'extraordinary_circumstances_exception'
            WHEN d.is_adult IS NULL THEN 'date_of_birth_unknown'
            WHEN NOT d.is_observable THEN 'month_not_observable_in_claims'
        END AS reason
    FROM shared.day_segments AS d
    LEFT JOIN stage AS s
        ON s.patient_id = d.patient_id AND d.start_date BETWEEN s.start_date AND s.end_date
),

-- A period continues while facility, interval and stage are the same.
marked AS (
    SELECT
        *,
        CASE
            WHEN lag(attribution_start) OVER days = attribution_start
                AND coalesce(lag(interval) OVER days, -1) = coalesce(interval, -1)
                AND lag(covid_stage) OVER days = covid_stage
                THEN 0
            ELSE 1
        END AS is_new
    FROM judged
    WINDOW days AS (PARTITION BY program, patient_id ORDER BY start_date)
),

-- Stays that began on a day of the year: overlaps and transfers are already joined.
happened AS (
    SELECT
        patient_id,
        admit_date AS event_date,
        CASE WHEN is_index_covid THEN 1 ELSE 0 END AS is_uncounted
    FROM history.hospital_stay
    WHERE performance_year = $performance_year
        AND admit_date >= make_date($performance_year, 1, 1)
)

SELECT * FROM shared.days_in_periods AS d
