-- One row: a month of the year at one facility of the DFC list: the days on which it treated
-- patients with dialysis, by what the Networks' indicators are counted over. Days are whole
-- numbers, so that sums of them do not depend on an order.
-- ESRD KHARES & 18 ESRD Networks, the four priorities; manual 2.13.10, 2.13.10.1, 2.25.11.
-- Reading 200: the facility is the one that treats the patient by the treatment history, from the
-- first day of ESRD on, not the one the day is attributed to. Reading 201: incident is who is in the
-- first 90 days of ESRD; who is at home needs no transition. Reading 203: hospital use is seen in
-- months observable in claims, emergency visits in those without Medicare Advantage.
WITH
rule AS (
    SELECT 90 AS incident_days
),

began AS (
    SELECT f.patient_id, f.first_service_date + r.incident_days AS prevalent_date
    FROM linkage.first_service AS f
    CROSS JOIN rule AS r
    WHERE f.performance_year = $performance_year AND f.program = 'dfc'
),

treated AS (
    SELECT
        t.patient_id,
        t.ccn,
        c.month,
        coalesce(t.setting, 'unknown') = 'home' AS is_home,
        greatest(t.start_date, c.month) AS start_date,
        least(t.end_date, c.month_end) AS end_date
    FROM history.treatment AS t
    JOIN shared.listed_facility AS l ON l.ccn = t.ccn
    JOIN history.calendar_month AS c
        ON c.month <= t.end_date
        AND c.month_end >= t.start_date
        AND c.performance_year = $performance_year
    WHERE t.performance_year = $performance_year
        AND t.program = 'dfc'
        AND t.state = 'dialysis'
        AND t.end_date >= make_date($performance_year, 1, 1)
),

counted AS (
    SELECT
        t.ccn,
        t.month,
        t.is_home,
        date_diff('day', t.start_date, t.end_date) + 1 AS days,
        greatest(
            date_diff('day', t.start_date, least(t.end_date, b.prevalent_date - 1)) + 1, 0
        ) AS incident_days,
        coalesce(m.is_observable, FALSE) AS is_observable,
        coalesce(m.is_covered AND NOT m.is_ma, FALSE) AS is_visible
    FROM treated AS t
    JOIN began AS b ON b.patient_id = t.patient_id
    LEFT JOIN history.medicare_month AS m
        ON m.patient_id = t.patient_id
        AND m.month = t.month
        AND m.performance_year = $performance_year
)

SELECT
    ccn,
    month,
    $performance_year AS performance_year,
    CAST(sum(days) AS BIGINT) AS days,
    CAST(sum(incident_days) AS BIGINT) AS incident_days,
    CAST(sum(CASE WHEN is_home THEN 0 ELSE days - incident_days END) AS BIGINT)
        AS prevalent_in_center_days,
    CAST(sum(CASE WHEN is_observable THEN days ELSE 0 END) AS BIGINT) AS observable_days,
    CAST(sum(CASE WHEN is_visible THEN days ELSE 0 END) AS BIGINT) AS emergency_days
FROM counted
GROUP BY ccn, month
