-- One row: a segment of cohort.days as SHR sees it: at risk or why not, in which of the patient's
-- periods, with the stays that began then. Manual 2.13.9 to 2.13.11, 3.4 (exceptions, QIP only);
-- SHR submission, denominator. A period ends where the facility changes, the duration of ESRD
-- crosses a cut point, and where a COVID-19 stage begins or ends ($specification = 'manual') or
-- Medicare Advantage does ('submission'). Index COVID-19 stays are not counted by the manual.
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
        CASE WHEN $specification = 'manual' THEN covid_stage ELSE 0 END AS covid_stage,
        is_ma,
        CASE
            WHEN reason IS NOT NULL THEN reason
            WHEN is_exception THEN 'extraordinary_circumstances_exception'
            WHEN NOT is_observable THEN 'month_not_observable_in_claims'
        END AS reason
    FROM cohort.days
    WHERE performance_year = $performance_year
),

-- A period goes on while facility, interval, stage and (submission) Medicare Advantage do.
marked AS (
    SELECT
        *,
        CASE
            WHEN lag(attribution_start) OVER days = attribution_start
                AND coalesce(lag(interval) OVER days, -1) = coalesce(interval, -1)
                AND lag(covid_stage) OVER days = covid_stage
                AND (lag(is_ma) OVER days = is_ma OR $specification = 'manual')
                THEN 0
            ELSE 1
        END AS is_new
    FROM judged
    WINDOW days AS (PARTITION BY program, patient_id ORDER BY start_date)
),

-- Stays that began on a day of the year: overlaps and transfers are settled before.
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
        sum(CASE WHEN s.is_index_covid AND $specification = 'manual' THEN 1 ELSE 0 END)
            AS uncounted_events
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
