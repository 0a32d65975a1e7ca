-- One row: a segment of the year's days by one measure's rules, in which of the patient's periods,
-- with the events that began in it. Reads `judged` (program, patient_id, start_date, end_date, ccn,
-- interval, covid_stage, is_ma, reason), `marked` (the same, and is_new: 1 where a period begins)
-- and `happened` (patient_id, event_date, and is_uncounted: 1 of an event that does not count).
-- Manual 2.12.11, 2.13.11, 2.25.11.
WITH
event AS (
    SELECT
        d.program,
        d.patient_id,
        d.start_date,
        count(*) AS events,
        sum(h.is_uncounted) AS uncounted_events
    FROM judged AS d
    JOIN happened AS h
        ON h.patient_id = d.patient_id AND h.event_date BETWEEN d.start_date AND d.end_date
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
    coalesce(e.uncounted_events, 0) AS uncounted_events
FROM marked AS k
LEFT JOIN event AS e
    ON e.program = k.program AND e.patient_id = k.patient_id AND e.start_date = k.start_date
