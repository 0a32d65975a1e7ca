-- One row: a segment of a patient's days, of which those that overlap or are adjacent are one. Reads
-- `part`: patient_id, start_date, end_date.
WITH
ordered AS (
    SELECT
        patient_id,
        start_date,
        end_date,
        max(end_date) OVER (
            PARTITION BY patient_id
            ORDER BY start_date, end_date
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS end_before
    FROM part
),

numbered AS (
    SELECT
        patient_id,
        start_date,
        end_date,
        sum(CASE WHEN start_date - 1 <= end_before THEN 0 ELSE 1 END) OVER (
            PARTITION BY patient_id ORDER BY start_date, end_date ROWS UNBOUNDED PRECEDING
        ) AS segment
    FROM ordered
)

SELECT patient_id, min(start_date) AS start_date, max(end_date) AS end_date
FROM numbered
GROUP BY patient_id, segment
