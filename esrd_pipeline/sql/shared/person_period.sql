-- One row: a person-period at risk: one patient and facility, one interval of duration of ESRD, and what
-- else ends a period of the measure. Reads `days`, the year's rows of the measure's days. Manual
-- 2.12.11, 2.13.11, 2.25.11. An event on a day that is not at risk does not count.
SELECT
    program,
    patient_id,
    period,
    ccn,
    interval,
    covid_stage,
    min(start_date) AS start_date,
    sum(CASE WHEN reason IS NULL THEN days ELSE 0 END) AS days_at_risk,
    sum(CASE WHEN reason IS NULL AND is_ma THEN days ELSE 0 END) AS ma_days,
    sum(CASE WHEN reason IS NULL THEN events - uncounted_events ELSE 0 END) AS event_count
FROM days
GROUP BY program, patient_id, period, ccn, interval, covid_stage
HAVING sum(CASE WHEN reason IS NULL THEN days ELSE 0 END) > 0
