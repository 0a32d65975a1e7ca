-- One row: a stretch of one patient's days in the year, within one month, one period and one
-- program, with the facility that answers for them or the reason why they are in no one's SHR.
-- Every day from the first service date to death or the year's end is in exactly one row.
-- Manual 2.13.9 to 2.13.11, 3.4 (exceptions, QIP only); SHR submission, denominator. A period ends
-- where the facility changes, the duration of ESRD crosses a cut point, and where a COVID-19 stage
-- begins or ends ($specification = 'manual') or Medicare Advantage does ('submission').
WITH
-- The days of the year and who answers for them.
span AS (
    SELECT
        a.program,
        a.patient_id,
        a.ccn,
        a.reason,
        f.first_service_date,
        greatest(a.start_date, make_date($performance_year, 1, 1)) AS span_start,
        least(a.end_date, make_date($performance_year, 12, 31)) AS span_end
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

twelve AS (
    SELECT CAST(number AS INTEGER) AS month_number
    FROM (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12)) AS v (number)
),

calendar AS (
    SELECT
        make_date($performance_year, month_number, 1) AS month_start,
        last_day(make_date($performance_year, month_number, 1)) AS month_end
    FROM twelve
),

interval_start AS (
    SELECT CAST(interval AS INTEGER) AS interval, CAST(first_days AS INTEGER) AS first_days
    FROM parameter.esrd_interval
),

stage AS (
    SELECT patient_id, stage, start_date, end_date
    FROM history.covid_stage
    WHERE performance_year = $performance_year AND $specification = 'manual'
),

-- Days on which a stretch begins: a span's or month's first, a cut point, a change of stage.
boundary AS (
    SELECT s.program, s.patient_id, s.span_start, greatest(s.span_start, c.month_start) AS start_date
    FROM span AS s
    JOIN calendar AS c ON c.month_start <= s.span_end AND c.month_end >= s.span_start
    UNION
    SELECT s.program, s.patient_id, s.span_start, s.first_service_date + i.first_days AS start_date
    FROM span AS s
    CROSS JOIN interval_start AS i
    WHERE s.first_service_date + i.first_days > s.span_start
        AND s.first_service_date + i.first_days <= s.span_end
    UNION
    SELECT s.program, s.patient_id, s.span_start, g.start_date
    FROM span AS s
    JOIN stage AS g ON g.patient_id = s.patient_id
    WHERE g.start_date > s.span_start AND g.start_date <= s.span_end
    UNION
    SELECT s.program, s.patient_id, s.span_start, g.end_date + 1 AS start_date
    FROM span AS s
    JOIN stage AS g ON g.patient_id = s.patient_id
    WHERE g.end_date + 1 > s.span_start AND g.end_date + 1 <= s.span_end
),

stretch AS (
    SELECT
        program,
        patient_id,
        span_start,
        start_date,
        lead(start_date) OVER (PARTITION BY program, patient_id ORDER BY start_date) AS next_start
    FROM boundary
),

excepted_month AS (
    SELECT DISTINCT e.ccn, c.month_start
    FROM raw.ece_grant AS e
    JOIN calendar AS c ON c.month_start BETWEEN e.first_month AND e.last_month
    WHERE e.performance_year = $performance_year
),

medicare_month AS (
    SELECT patient_id, month, is_ma, is_observable
    FROM history.medicare_month
    WHERE performance_year = $performance_year
),

described AS (
    SELECT
        t.program,
        t.patient_id,
        t.span_start,
        t.start_date,
        least(s.span_end, coalesce(t.next_start - 1, s.span_end)) AS end_date,
        s.ccn,
        i.interval,
        coalesce(g.stage, 0) AS covid_stage,
        coalesce(m.is_ma, FALSE) AS is_ma,
        CASE
            WHEN s.reason IS NOT NULL THEN s.reason
            WHEN t.program = 'qip' AND e.ccn IS NOT NULL
                THEN 'extraordinary circumstances exception'
            WHEN NOT coalesce(m.is_observable, FALSE)
                THEN 'month not observable in Medicare claims'
        END AS reason
    FROM stretch AS t
    JOIN span AS s
        ON s.program = t.program AND s.patient_id = t.patient_id AND s.span_start = t.span_start
    LEFT JOIN interval_start AS i ON
        i.first_days = (
            SELECT max(j.first_days)
            FROM interval_start AS j
            WHERE s.first_service_date + j.first_days <= t.start_date
        )
    LEFT JOIN stage AS g
        ON g.patient_id = t.patient_id AND t.start_date BETWEEN g.start_date AND g.end_date
    LEFT JOIN medicare_month AS m
        ON m.patient_id = t.patient_id
        AND m.month = make_date(year(t.start_date), month(t.start_date), 1)
    LEFT JOIN excepted_month AS e
        ON e.ccn = s.ccn AND e.month_start = make_date(year(t.start_date), month(t.start_date), 1)
),

-- A period goes on while facility, interval, stage and (submission) Medicare Advantage do.
marked AS (
    SELECT
        *,
        CASE
            WHEN lag(span_start) OVER days = span_start
                AND coalesce(lag(interval) OVER days, -1) = coalesce(interval, -1)
                AND lag(covid_stage) OVER days = covid_stage
                AND (lag(is_ma) OVER days = is_ma OR $specification = 'manual')
                THEN 0
            ELSE 1
        END AS is_new
    FROM described
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
        count(*) AS admissions,
        sum(CASE WHEN s.is_index_covid THEN 1 ELSE 0 END) AS covid_admissions
    FROM stay AS s
    JOIN described AS d
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
    coalesce(a.admissions, 0) AS admissions,
    coalesce(a.covid_admissions, 0) AS covid_admissions
FROM marked AS k
LEFT JOIN admission AS a
    ON a.program = k.program AND a.patient_id = k.patient_id AND a.start_date = k.start_date
