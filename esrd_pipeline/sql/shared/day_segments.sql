-- One row: a part of a segment of cohort.days, which begins where the segment does or where a fact
-- of a measure changes. Reads `days` (program, patient_id, start_date, end_date, reason) and
-- `change` (patient_id, change_date). Manual 2.12.12, 2.13.11.
-- Days that are not attributed count in no measure: they are not cut.
WITH
boundary AS (
    SELECT program, patient_id, start_date AS days_start, start_date
    FROM days
    UNION ALL
    SELECT d.program, d.patient_id, d.start_date AS days_start, c.change_date AS start_date
    FROM days AS d
    JOIN change AS c ON c.patient_id = d.patient_id
    WHERE d.reason IS NULL AND c.change_date > d.start_date AND c.change_date <= d.end_date
)

SELECT
    *,
    lead(start_date) OVER (
        PARTITION BY program, patient_id, days_start ORDER BY start_date
    ) AS next_start
FROM boundary
