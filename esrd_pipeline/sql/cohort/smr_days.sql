-- One row: a segment of one patient's days in the year within one patient-record: at risk in SMR,
-- or why not. Every day from the first service date to death or the year's end is in exactly one
-- row. Manual 2.14.10, 2.14.11. A record is a period of days attributed to one facility (or to
-- none): a new one begins with each facility and each year (2.14.10.4). A segment ends where
-- Medicare coverage of the month changes, or a COVID-19 period begins or ends.
-- Readings: a patient who returns to a facility after days attributed to another, or to none,
-- begins a new record; a month counts by reading 23, which includes Medicare Advantage; a death on
-- a day that is not at risk does not count; the cause of death is the primary one of the CMS-2746.
WITH
attribution AS (
    SELECT
        a.patient_id,
        a.ccn,
        CASE
            WHEN a.reason IS NULL AND p.date_of_birth IS NULL THEN 'date_of_birth_unknown'
            ELSE a.reason
        END AS reason,
        greatest(a.start_date, make_date($performance_year, 1, 1)) AS attribution_start,
        a.end_date AS attribution_end,
        row_number() OVER (PARTITION BY a.patient_id ORDER BY a.start_date) AS record
    FROM history.attribution AS a
    LEFT JOIN linkage.patient AS p
        ON p.patient_id = a.patient_id AND p.performance_year = $performance_year
    WHERE a.performance_year = $performance_year
        AND a.rule = 'smr'
        AND a.program = 'dfc'
        AND a.end_date >= make_date($performance_year, 1, 1)
),

calendar AS (
    SELECT month, month_end FROM history.calendar_month WHERE performance_year = $performance_year
),

covid AS (
    SELECT patient_id, start_date, end_date
    FROM history.covid_period
    WHERE performance_year = $performance_year
),

-- Days on which a segment begins: a record's or month's first, a change of the COVID-19 period.
boundary AS (
    SELECT s.patient_id, s.record, greatest(s.attribution_start, c.month) AS start_date
    FROM attribution AS s
    JOIN calendar AS c ON c.month <= s.attribution_end AND c.month_end >= s.attribution_start
    UNION
    SELECT s.patient_id, s.record, v.start_date
    FROM attribution AS s
    JOIN covid AS v ON v.patient_id = s.patient_id
    WHERE v.start_date > s.attribution_start AND v.start_date <= s.attribution_end
    UNION
    SELECT s.patient_id, s.record, v.end_date + 1 AS start_date
    FROM attribution AS s
    JOIN covid AS v ON v.patient_id = s.patient_id
    WHERE v.end_date + 1 > s.attribution_start AND v.end_date + 1 <= s.attribution_end
),

segment AS (
    SELECT
        patient_id,
        record,
        start_date,
        lead(start_date) OVER (PARTITION BY patient_id ORDER BY start_date) AS next_start
    FROM boundary
),

medicare_month AS (
    SELECT patient_id, month, is_ma, is_observable
    FROM history.medicare_month
    WHERE performance_year = $performance_year
),

described AS (
    SELECT
        t.patient_id,
        t.record,
        t.start_date,
        least(s.attribution_end, coalesce(t.next_start - 1, s.attribution_end)) AS end_date,
        s.ccn,
        v.patient_id IS NOT NULL AS is_covid,
        coalesce(m.is_ma, FALSE) AS is_ma,
        CASE
            WHEN s.reason IS NOT NULL THEN s.reason
            WHEN NOT coalesce(m.is_observable, FALSE)
                THEN 'month_not_observable_in_claims'
        END AS reason
    FROM segment AS t
    JOIN attribution AS s ON s.patient_id = t.patient_id AND s.record = t.record
    LEFT JOIN covid AS v
        ON v.patient_id = t.patient_id AND t.start_date BETWEEN v.start_date AND v.end_date
    LEFT JOIN medicare_month AS m
        ON m.patient_id = t.patient_id
        AND m.month = make_date(year(t.start_date), month(t.start_date), 1)
),

marked AS (
    SELECT
        *,
        CASE
            WHEN record = lag(record) OVER days
                AND is_covid = lag(is_covid) OVER days
                AND coalesce(reason, '') = coalesce(lag(reason) OVER days, '')
                THEN 0
            ELSE 1
        END AS begins
    FROM described
    WINDOW days AS (PARTITION BY patient_id ORDER BY start_date)
),

numbered AS (
    SELECT
        *,
        sum(begins) OVER (
            PARTITION BY patient_id ORDER BY start_date ROWS UNBOUNDED PRECEDING
        ) AS segment_number
    FROM marked
),

joined AS (
    SELECT
        patient_id,
        record,
        ccn,
        is_covid,
        reason,
        min(start_date) AS start_date,
        max(end_date) AS end_date,
        sum(CASE WHEN is_ma THEN datediff('day', start_date, end_date) + 1 ELSE 0 END) AS ma_days
    FROM numbered
    GROUP BY patient_id, segment_number, record, ccn, is_covid, reason
),

died AS (
    SELECT
        d.patient_id,
        d.death_date,
        CASE WHEN c.code IS NULL THEN 'counted cause' ELSE 'excluded cause' END AS death
    FROM linkage.death AS d
    LEFT JOIN parameter.excluded_death_cause AS c ON c.code = d.primary_cause
    WHERE d.performance_year = $performance_year
        AND d.program = 'dfc'
        AND d.death_date >= make_date($performance_year, 1, 1)
)

SELECT
    'dfc' AS program,
    j.patient_id,
    j.start_date,
    j.end_date,
    $performance_year AS performance_year,
    j.ccn,
    j.record,
    j.is_covid,
    datediff('day', j.start_date, j.end_date) + 1 AS days,
    j.ma_days,
    j.reason,
    d.death
FROM joined AS j
LEFT JOIN died AS d ON d.patient_id = j.patient_id AND d.death_date = j.end_date
