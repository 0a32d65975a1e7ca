-- One row: a segment of days at risk of one patient-record, with the facts that adjust as of the
-- record's first day. Manual 2.14.10.4, 2.14.12, 2.14.13.
-- Readings: the clock of a record counts days at risk from zero, so that months that do not count
-- do not move it; "as of the period start date" is the record's first day in the year; age is in
-- completed years; prevalent conditions are observable with 6 Medicare-covered months in the year
-- before (Table 10); without a race, or with another, the state's rate is that of all races.
WITH
days AS (
    SELECT
        patient_id,
        start_date,
        ccn,
        record,
        min(start_date) OVER (PARTITION BY patient_id, record) AS record_start,
        is_covid,
        days,
        ma_days,
        reason,
        death
    FROM cohort.smr_days
    WHERE performance_year = $performance_year
),

at_risk AS (
    SELECT
        patient_id,
        start_date,
        ccn,
        record,
        record_start,
        is_covid,
        days,
        sum(days) OVER (
            PARTITION BY patient_id, record ORDER BY start_date ROWS UNBOUNDED PRECEDING
        ) AS stop_day,
        sum(ma_days) OVER (PARTITION BY patient_id, record) AS record_ma_days,
        sum(days) OVER (PARTITION BY patient_id, record) AS record_days,
        coalesce(death = 'counted cause', FALSE) AS is_event
    FROM days
    WHERE reason IS NULL
),

first_service AS (
    SELECT patient_id, first_service_date
    FROM linkage.first_service
    WHERE performance_year = $performance_year AND program = 'dfc'
),

patient AS (
    SELECT patient_id, race_class
    FROM history.patient_characteristics
    WHERE performance_year = $performance_year
),

period AS (
    SELECT patient_id, record_start AS start_date FROM at_risk
),

facility AS (
    SELECT ccn, state
    FROM linkage.facility
    WHERE performance_year = $performance_year AND program = 'dfc'
),

described AS (
    SELECT
        r.*,
        d.age,
        d.nursing_home_days,
        datediff('day', f.first_service_date, r.record_start) AS esrd_days,
        CASE WHEN p.race_class = 'other' THEN 'all' ELSE p.race_class END AS state_race
    FROM at_risk AS r
    JOIN first_service AS f ON f.patient_id = r.patient_id
    JOIN patient AS p ON p.patient_id = r.patient_id
    JOIN shared.first_day_facts AS d
        ON d.patient_id = r.patient_id AND d.start_date = r.record_start
)

SELECT
    'dfc' AS program,
    c.patient_id,
    c.start_date,
    $performance_year AS performance_year,
    c.ccn,
    c.record,
    c.stop_day - c.days AS start_day,
    c.stop_day,
    CASE WHEN c.is_event THEN 1 ELSE 0 END AS is_event,
    -- Rounded, because engines differ in the last place of a logarithm.
    round(
        ln(CAST(coalesce(s.deaths_per_100000, n.deaths_per_100000) AS DOUBLE)), 10
    ) AS log_state_death_rate,
    c.age,
    c.esrd_days,
    c.nursing_home_days,
    CAST(c.record_ma_days AS DOUBLE) / c.record_days AS ma_share,
    coalesce(v.months, 0) < 6 AS is_prevalent_missing,
    c.is_covid
FROM described AS c
LEFT JOIN shared.observable_months AS v ON v.patient_id = c.patient_id
LEFT JOIN facility AS f ON f.ccn = c.ccn
LEFT JOIN parameter.state_death_rate AS s ON s.state = f.state AND s.race_class = c.state_race
LEFT JOIN parameter.state_death_rate AS n ON n.state = 'US' AND n.race_class = c.state_race
