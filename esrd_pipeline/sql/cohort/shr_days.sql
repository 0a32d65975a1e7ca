-- One row: a segment of the year's days by SHR's rules: at risk or why not, in which of the
-- patient's periods, with the stays that began in it: one of cohort.days, or a part of one where a
-- COVID-19 stage begins or ends in it. Manual 2.13.9 to 2.13.11, 3.4 (exceptions, QIP only);
-- reading 22. A period ends where the facility changes, the duration of ESRD crosses a cut point,
-- or a COVID-19 stage begins or ends. Index COVID-19 stays are not counted.
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

-- Days that are not attributed count in no measure: they are not cut.
boundary AS (
    SELECT program, patient_id, start_date AS days_start, start_date
    FROM days
    UNION ALL
    SELECT d.program, d.patient_id, d.start_date AS days_start, c.change_date AS start_date
    FROM days AS d
    JOIN change AS c ON c.patient_id = d.patient_id
    WHERE d.reason IS NULL AND c.change_date > d.start_date AND c.change_date <= d.end_date
),

segment AS (
    SELECT
        *,
        lead(start_date) OVER (
            PARTITION BY program, patient_id, days_start ORDER BY start_date
        ) AS next_start
    FROM boundary
),

judged AS (
    SELECT
        d.program,
        d.patient_id,
        t.start_date,
        coalesce(t.next_start - 1, d.end_date) AS end_date,
        d.attribution_start,
        d.ccn,
        d.interval,
        coalesce(s.stage, 0) AS covid_stage,
        d.is_ma,
        CASE
            WHEN d.reason IS NOT NULL THEN d.reason
            WHEN d.is_exception THEN 'extraordinary_circumstances_exception'
            WHEN NOT d.is_observable THEN 'month_not_observable_in_claims'
        END AS reason
    FROM segment AS t
    JOIN days AS d
        ON d.program = t.program
        AND d.patient_id = t.patient_id
        AND d.start_date = t.days_start
    LEFT JOIN stage AS s
        ON s.patient_id = t.patient_id AND t.start_date BETWEEN s.start_date AND s.end_date
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
stay AS (
    SELECT patient_id, admit_date, is_index_covid
    FROM history.hospital_stay
    WHERE performance_year = $performance_year
        AND admit_date >= make_date($performance_year, 1, 1)
),

admission AS (
    SELECT
        d.program,
        d.patient_id,
        d.start_date,
        count(*) AS events,
        sum(CASE WHEN s.is_index_covid THEN 1 ELSE 0 END) AS uncounted_events
    FROM stay AS s
    JOIN judged AS d
        ON d.patient_id = s.patient_id AND s.admit_date BETWEEN d.start_date AND d.end_date
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
    coalesce(a.events, 0) AS events,
    coalesce(a.uncounted_events, 0) AS uncounted_events
FROM marked AS k
LEFT JOIN admission AS a
    ON a.program = k.program AND a.patient_id = k.patient_id AND a.start_date = k.start_date
