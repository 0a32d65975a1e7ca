-- One row: a part of a segment of cohort.days, with the segment's facts: it begins where the segment
-- does or where a fact of a measure changes. Reads `days` (cohort.days of the year) and `change`
-- (patient_id, change_date). Manual 2.12.12, 2.13.11.
-- Days that are not attributed count in no measure: they are not cut.
WITH
cut AS (
    SELECT d.program, d.patient_id, d.start_date AS days_start, c.change_date AS part_start
    FROM days AS d
    JOIN change AS c ON c.patient_id = d.patient_id
    WHERE d.reason IS NULL AND c.change_date > d.start_date AND c.change_date <= d.end_date
),

boundary AS (
    SELECT * FROM cut
    UNION
    SELECT program, patient_id, days_start, days_start AS part_start FROM cut
),

part AS (
    SELECT
        *,
        lead(part_start) OVER (
            PARTITION BY program, patient_id, days_start ORDER BY part_start
        ) AS next_start
    FROM boundary
)

-- Few segments are cut: only those are sorted, and the others only pass.
SELECT
    d.program,
    d.patient_id,
    coalesce(p.part_start, d.start_date) AS start_date,
    coalesce(p.next_start - 1, d.end_date) AS end_date,
    d.attribution_start,
    d.ccn,
    d.interval,
    d.is_ma,
    d.is_adult,
    d.is_exception,
    d.is_covered,
    d.is_observable,
    d.reason
FROM days AS d
LEFT JOIN part AS p
    ON p.program = d.program AND p.patient_id = d.patient_id AND p.days_start = d.start_date
