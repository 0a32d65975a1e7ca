-- One row: a segment of one patient's days in the year, in which nothing changes that SHR, STrR and
-- SEDR all use: program, the facility attributed to, month, interval of duration of ESRD, age of
-- majority. Each measure's own file cuts the days further by the facts that it alone uses.
-- Every day from the first service date to death or the year's end is in exactly one row.
-- Manual 2.12.9 to 2.12.13, 2.13.9 to 2.13.13, 2.25.9 to 2.25.13, 3.4 (exceptions, QIP only).
-- Reading: majority is reached on the 18th birthday, of those born on 29 February on 1 March.
WITH
-- The days of the year and the facility they are attributed to.
attribution AS (
    SELECT
        a.program,
        a.patient_id,
        a.ccn,
        a.reason,
        f.first_service_date,
        greatest(a.start_date, make_date($performance_year, 1, 1)) AS attribution_start,
        least(a.end_date, make_date($performance_year, 12, 31)) AS attribution_end
    FROM history.attribution AS a
    JOIN linkage.first_service AS f
        ON f.program = a.program
        AND f.patient_id = a.patient_id
        AND f.performance_year = $performance_year
    WHERE a.performance_year = $performance_year
        AND a.rule = 'standard'
        AND a.end_date >= make_date($performance_year, 1, 1)
        AND a.start_date <= make_date($performance_year, 12, 31)
),

calendar AS (
    SELECT month, month_end FROM history.calendar_month WHERE performance_year = $performance_year
),

interval_start AS (
    SELECT CAST(interval AS INTEGER) AS interval, CAST(first_days AS INTEGER) AS first_days
    FROM parameter.esrd_interval
),

majority AS (
    SELECT
        patient_id,
        CASE
            WHEN month(date_of_birth) = 2 AND day(date_of_birth) = 29
                THEN make_date(year(date_of_birth) + 18, 3, 1)
            ELSE make_date(year(date_of_birth) + 18, month(date_of_birth), day(date_of_birth))
        END AS majority_date
    FROM linkage.patient
    WHERE performance_year = $performance_year AND date_of_birth IS NOT NULL
),

attributed AS (
    SELECT * FROM attribution WHERE reason IS NULL
),

change AS (
    SELECT
        s.program,
        s.patient_id,
        s.attribution_start,
        greatest(s.attribution_start, c.month) AS start_date
    FROM attributed AS s
    JOIN calendar AS c ON c.month <= s.attribution_end AND c.month_end >= s.attribution_start
    UNION
    SELECT
        s.program,
        s.patient_id,
        s.attribution_start,
        s.first_service_date + i.first_days AS start_date
    FROM attributed AS s
    CROSS JOIN interval_start AS i
    WHERE s.first_service_date + i.first_days > s.attribution_start
        AND s.first_service_date + i.first_days <= s.attribution_end
    UNION
    SELECT s.program, s.patient_id, s.attribution_start, c.majority_date AS start_date
    FROM attributed AS s
    JOIN majority AS c ON c.patient_id = s.patient_id
    WHERE c.majority_date > s.attribution_start AND c.majority_date <= s.attribution_end
),

-- Days on which a segment begins: the first day of an attribution or month, a cut point, a change.
-- Days that are not attributed count in no measure and are not cut: they are half of all days.
boundary AS (
    SELECT program, patient_id, attribution_start, attribution_start AS start_date
    FROM attribution
    WHERE reason IS NOT NULL
    UNION ALL
    SELECT program, patient_id, attribution_start, start_date
    FROM change
),

segment AS (
    SELECT
        program,
        patient_id,
        attribution_start,
        start_date,
        lead(start_date) OVER (PARTITION BY program, patient_id ORDER BY start_date) AS next_start
    FROM boundary
),

-- The cut points as columns: a join by range would sort every segment.
cut AS (
    SELECT
        max(CASE WHEN interval = 0 THEN first_days END) AS first_0,
        max(CASE WHEN interval = 1 THEN first_days END) AS first_1,
        max(CASE WHEN interval = 2 THEN first_days END) AS first_2,
        max(CASE WHEN interval = 3 THEN first_days END) AS first_3,
        max(CASE WHEN interval = 4 THEN first_days END) AS first_4,
        max(CASE WHEN interval = 5 THEN first_days END) AS first_5
    FROM interval_start
),

exception AS (
    SELECT ccn, month FROM history.exception_month WHERE performance_year = $performance_year
),

medicare_month AS (
    SELECT patient_id, month, is_ma, is_covered, is_observable
    FROM history.medicare_month
    WHERE performance_year = $performance_year
        AND month >= make_date($performance_year, 1, 1)
)

SELECT
    t.program,
    t.patient_id,
    t.start_date,
    least(s.attribution_end, coalesce(t.next_start - 1, s.attribution_end)) AS end_date,
    $performance_year AS performance_year,
    t.attribution_start,
    s.ccn,
    s.reason,
    CASE
        WHEN datediff('day', s.first_service_date, t.start_date) >= i.first_5 THEN 5
        WHEN datediff('day', s.first_service_date, t.start_date) >= i.first_4 THEN 4
        WHEN datediff('day', s.first_service_date, t.start_date) >= i.first_3 THEN 3
        WHEN datediff('day', s.first_service_date, t.start_date) >= i.first_2 THEN 2
        WHEN datediff('day', s.first_service_date, t.start_date) >= i.first_1 THEN 1
        WHEN datediff('day', s.first_service_date, t.start_date) >= i.first_0 THEN 0
    END AS interval,
    t.start_date >= b.majority_date AS is_adult,
    coalesce(m.is_ma, FALSE) AS is_ma,
    coalesce(m.is_covered, FALSE) AS is_covered,
    coalesce(m.is_observable, FALSE) AS is_observable,
    t.program = 'qip' AND e.ccn IS NOT NULL AS is_exception
FROM segment AS t
JOIN attribution AS s
    ON s.program = t.program
    AND s.patient_id = t.patient_id
    AND s.attribution_start = t.attribution_start
CROSS JOIN cut AS i
LEFT JOIN majority AS b ON b.patient_id = t.patient_id
LEFT JOIN medicare_month AS m
    ON m.patient_id = t.patient_id
    AND m.month = make_date(year(t.start_date), month(t.start_date), 1)
LEFT JOIN exception AS e
    ON e.ccn = s.ccn AND e.month = make_date(year(t.start_date), month(t.start_date), 1)
