-- One row: one month of one facility in one measure of events (Dialysis Facility Measures): events
-- counted, and expected by the measure's fit. Manual 2.10 to 2.14, 2.25, 2.26; reading 210.
-- Months add up to the facility: the table is not stored otherwise.
-- SHR, STrR and SEDR: events that began in the month; what a period expects is divided by its days
-- at risk, for its rate is the same on each of them. SMR: the month of death; what a segment expects
-- is divided by the baseline's cumulative hazard over the days of the record's clock. SRR and ED30:
-- the month of the discharge. SMR has the months of its four years, ED30 those of two, by one fit.
-- Patients and facilities of earlier years of SMR have today's numbers (reading 101).
-- Expected events, each under 8,192, are added up in whole numbers of 2^-50: sums of them depend
-- neither on the order of rows nor on how an engine makes a decimal of a double.
WITH
days AS (
    SELECT 'shr' AS measure, patient_id, period, ccn, start_date, days, events - uncounted_events AS observed
    FROM cohort.shr_days
    WHERE performance_year = $performance_year AND program = 'dfc' AND reason IS NULL
    UNION ALL
    SELECT 'strr' AS measure, patient_id, period, ccn, start_date, days, events - uncounted_events AS observed
    FROM cohort.strr_days
    WHERE performance_year = $performance_year AND program = 'dfc' AND reason IS NULL
    UNION ALL
    SELECT 'sedr' AS measure, patient_id, period, ccn, start_date, days, events - uncounted_events AS observed
    FROM cohort.sedr_days
    WHERE performance_year = $performance_year AND program = 'dfc' AND reason IS NULL
),

period_expected AS (
    SELECT 'shr' AS measure, patient_id, period, expected
    FROM cohort.shr_expected
    WHERE performance_year = $performance_year AND program = 'dfc'
    UNION ALL
    SELECT 'strr' AS measure, patient_id, period, expected
    FROM cohort.strr_expected
    WHERE performance_year = $performance_year AND program = 'dfc'
    UNION ALL
    SELECT 'sedr' AS measure, patient_id, period, expected
    FROM cohort.sedr_expected
    WHERE performance_year = $performance_year AND program = 'dfc'
),

period_days AS (
    SELECT measure, patient_id, period, sum(days) AS days_at_risk
    FROM days
    GROUP BY measure, patient_id, period
),

daily_rate AS (
    SELECT e.measure, e.patient_id, e.period, e.expected / d.days_at_risk AS expected_a_day
    FROM period_expected AS e
    JOIN period_days AS d
        ON d.measure = e.measure AND d.patient_id = e.patient_id AND d.period = e.period
),

-- A segment of days is within a month.
recurrent AS (
    SELECT
        d.measure,
        d.ccn,
        make_date(year(d.start_date), month(d.start_date), 1) AS month,
        d.observed,
        d.days * r.expected_a_day AS expected
    FROM days AS d
    JOIN daily_rate AS r
        ON r.measure = d.measure AND r.patient_id = d.patient_id AND r.period = d.period
),

discharge AS (
    SELECT 'srr' AS measure, patient_id, stay, ccn, discharge_date
    FROM cohort.srr
    WHERE performance_year = $performance_year AND program = 'dfc' AND reason IS NULL
    UNION ALL
    SELECT 'ed30' AS measure, patient_id, stay, ccn, discharge_date
    FROM cohort.ed30
    WHERE performance_year = $performance_year AND program = 'dfc' AND reason IS NULL
),

discharge_expected AS (
    SELECT 'srr' AS measure, patient_id, stay, observed, expected
    FROM cohort.srr_expected
    WHERE performance_year = $performance_year AND program = 'dfc'
    UNION ALL
    SELECT 'ed30' AS measure, patient_id, stay, observed, expected
    FROM cohort.ed30_expected
    WHERE performance_year = $performance_year AND program = 'dfc'
),

discharged AS (
    SELECT
        d.measure,
        d.ccn,
        make_date(year(d.discharge_date), month(d.discharge_date), 1) AS month,
        e.observed,
        e.expected
    FROM discharge AS d
    JOIN discharge_expected AS e
        ON e.measure = d.measure AND e.patient_id = d.patient_id AND e.stay = d.stay
),

record AS (
    SELECT
        s.performance_year AS cohort_year,
        coalesce(m.patient_id, s.patient_id) AS patient_id,
        m.earlier_patient_id AS number,
        m.earlier_patient_id IS NULL AS is_own,
        coalesce(n.ccn, s.ccn) AS ccn,
        s.start_date,
        s.start_day,
        s.stop_day,
        s.is_event
    FROM cohort.smr AS s
    LEFT JOIN linkage.earlier_patient AS m
        ON m.earlier_patient_id = s.patient_id
        AND m.performance_year = $performance_year
        AND s.performance_year < $performance_year
    LEFT JOIN linkage.provider_number AS n
        ON n.program = s.program
        AND n.provider_number = s.ccn
        AND n.performance_year = $performance_year
        AND s.performance_year < $performance_year
    WHERE s.performance_year BETWEEN $performance_year - 3 AND $performance_year
        AND s.program = 'dfc'
),

-- Of two numbers that a person had in one year, the rows of one are in the fit (reading 101).
kept_number AS (
    SELECT
        cohort_year,
        patient_id,
        number,
        row_number() OVER (
            PARTITION BY cohort_year, patient_id ORDER BY is_own DESC, number DESC
        ) AS place
    FROM (SELECT DISTINCT cohort_year, patient_id, number, is_own FROM record) AS r
),

followed AS (
    SELECT
        r.ccn,
        r.start_date,
        r.start_day,
        r.stop_day,
        e.observed,
        e.expected
    FROM record AS r
    JOIN kept_number AS k
        ON k.cohort_year = r.cohort_year
        AND k.patient_id = r.patient_id
        AND k.number IS NOT DISTINCT FROM r.number
        AND k.place = 1
    JOIN cohort.smr_expected AS e
        ON e.patient_id = r.patient_id
        AND e.start_date = r.start_date
        AND e.program = 'dfc'
        AND e.performance_year = $performance_year
),

-- A segment's days are consecutive: its clock runs with the calendar.
followed_moment AS (
    SELECT
        *,
        unnest(
            generate_series(
                make_date(year(start_date), month(start_date), 1),
                start_date + CAST(stop_day - start_day - 1 AS INTEGER),
                INTERVAL 1 MONTH
            )
        ) AS moment
    FROM followed
),

followed_month AS (
    SELECT
        *,
        CAST(moment AS DATE) AS month
    FROM followed_moment
),

part AS (
    SELECT
        *,
        start_day + greatest(datediff('day', start_date, month), 0) AS first_day,
        least(start_day + datediff('day', start_date, last_day(month)) + 1, stop_day) AS last_day
    FROM followed_month
),

step AS (
    SELECT "at" AS clock, estimate AS cumulative
    FROM fit.smr
    WHERE performance_year = $performance_year
        AND program = 'dfc'
        AND stage = 3
        AND element = 'baseline'
),

moment AS (
    SELECT first_day AS clock FROM part
    UNION
    SELECT last_day AS clock FROM part
    UNION
    SELECT start_day AS clock FROM part
    UNION
    SELECT stop_day AS clock FROM part
),

hazard AS (
    SELECT m.clock, coalesce(max(s.cumulative), 0) AS cumulative
    FROM moment AS m
    LEFT JOIN step AS s ON s.clock <= m.clock
    GROUP BY m.clock
),

died AS (
    SELECT
        'smr' AS measure,
        p.ccn,
        p.month,
        CASE WHEN p.last_day = p.stop_day THEN p.observed ELSE 0 END AS observed,
        CASE
            WHEN z.cumulative > a.cumulative
                THEN p.expected * (t.cumulative - f.cumulative) / (z.cumulative - a.cumulative)
            ELSE 0
        END AS expected
    FROM part AS p
    JOIN hazard AS a ON a.clock = p.start_day
    JOIN hazard AS z ON z.clock = p.stop_day
    JOIN hazard AS f ON f.clock = p.first_day
    JOIN hazard AS t ON t.clock = p.last_day
),

happened AS (
    SELECT measure, ccn, month, observed, expected FROM recurrent
    UNION ALL
    SELECT measure, ccn, month, observed, expected FROM discharged
    UNION ALL
    SELECT measure, ccn, month, observed, expected FROM died
),

counted AS (
    SELECT
        measure,
        ccn,
        month,
        CAST(sum(observed) AS BIGINT) AS observed,
        CAST(
            sum(CAST(CAST(floor(expected * 1125899906842624) AS BIGINT) AS DECIMAL(38, 0))) AS DOUBLE
        ) / 1125899906842624 AS expected
    FROM happened
    GROUP BY measure, ccn, month
),

facility_row AS (
    SELECT * FROM facility.shr WHERE performance_year = $performance_year
    UNION ALL BY NAME
    SELECT * FROM facility.smr WHERE performance_year = $performance_year
    UNION ALL BY NAME
    SELECT * FROM facility.sedr WHERE performance_year = $performance_year
    UNION ALL BY NAME
    SELECT * FROM facility.strr WHERE performance_year = $performance_year
    UNION ALL BY NAME
    SELECT * FROM facility.srr WHERE performance_year = $performance_year
    UNION ALL BY NAME
    SELECT * FROM facility.ed30 WHERE performance_year = $performance_year
),

whole AS (
    SELECT measure, ccn, patients, numerator, denominator
    FROM facility_row
    WHERE program = 'dfc' AND patients > 0
)

-- A facility without months, or months without a facility, leave a required column empty.
SELECT
    coalesce(c.ccn, w.ccn) AS ccn,
    coalesce(c.measure, w.measure) AS measure,
    c.month,
    $performance_year AS performance_year,
    c.observed,
    c.expected,
    w.numerator AS facility_observed,
    w.denominator AS facility_expected,
    w.patients AS facility_patients
FROM counted AS c
FULL JOIN whole AS w ON w.ccn = c.ccn AND w.measure = c.measure
