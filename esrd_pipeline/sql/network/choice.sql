-- One row: an indicator of patients' choice in one month at one facility of the DFC list: first days
-- at home of incident and of prevalent patients, new waitlistings, transplants; the days they are
-- counted over are the denominator.
-- ESRD KHARES & 18 ESRD Networks: empower patient choice (home dialysis, transplant);
-- manual 2.13.10, 2.16.6, 2.27.11.
-- Reading 201: a day is a transition to home dialysis if the patient was at home on none of the 30
-- days before it; it is credited to the facility that treated the patient the day before, and to
-- that of the day where none did. Reading 202: a listing is new if the patient was on the list on
-- none of the 30 days before it; it is credited to the facility of the day, a kidney of any donor to
-- that of the day before.
WITH
rule AS (
    SELECT 90 AS incident_days, 30 AS gap_days, make_date($performance_year, 1, 1) AS first_day
),

treated AS (
    SELECT t.patient_id, t.start_date, t.end_date, t.ccn, t.setting
    FROM history.treatment AS t
    CROSS JOIN rule AS r
    WHERE t.performance_year = $performance_year
        AND t.program = 'dfc'
        AND t.state = 'dialysis'
        AND t.end_date >= r.first_day - r.gap_days
),

at_home AS (
    SELECT
        patient_id,
        ccn,
        start_date,
        max(end_date) OVER (
            PARTITION BY patient_id
            ORDER BY start_date
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS last_home_date
    FROM treated
    WHERE setting = 'home'
),

came_home AS (
    SELECT
        h.patient_id,
        coalesce(b.ccn, h.ccn) AS ccn,
        h.start_date AS event_date,
        CASE
            WHEN h.start_date < f.first_service_date + r.incident_days THEN 'home_start_incident'
            ELSE 'home_start_prevalent'
        END AS indicator
    FROM at_home AS h
    CROSS JOIN rule AS r
    JOIN linkage.first_service AS f
        ON f.patient_id = h.patient_id
        AND f.program = 'dfc'
        AND f.performance_year = $performance_year
    LEFT JOIN treated AS b
        ON b.patient_id = h.patient_id AND h.start_date - 1 BETWEEN b.start_date AND b.end_date
    WHERE h.start_date >= r.first_day
        AND coalesce(h.last_home_date < h.start_date - r.gap_days, TRUE)
),

listing AS (
    SELECT
        patient_id,
        start_date,
        lag(end_date) OVER (PARTITION BY patient_id ORDER BY start_date) AS last_listed_date
    FROM linkage.waitlist
    WHERE performance_year = $performance_year
),

-- The day whose facility an event is credited to.
placed AS (
    SELECT
        l.patient_id, l.start_date AS event_date, l.start_date AS day, 'waitlisting' AS indicator
    FROM listing AS l
    CROSS JOIN rule AS r
    WHERE l.start_date >= r.first_day
        AND coalesce(l.last_listed_date < l.start_date - r.gap_days, TRUE)
    UNION ALL
    SELECT
        t.patient_id,
        t.transplant_date AS event_date,
        t.transplant_date - 1 AS day,
        'transplant' AS indicator
    FROM linkage.transplant AS t
    CROSS JOIN rule AS r
    WHERE t.performance_year = $performance_year
        AND t.program = 'dfc'
        AND t.transplant_date >= r.first_day
),

event AS (
    SELECT ccn, event_date, indicator FROM came_home
    UNION ALL
    SELECT t.ccn, p.event_date, p.indicator
    FROM placed AS p
    JOIN treated AS t
        ON t.patient_id = p.patient_id AND p.day BETWEEN t.start_date AND t.end_date
),

happened AS (
    SELECT
        e.ccn,
        make_date(year(e.event_date), month(e.event_date), 1) AS month,
        e.indicator,
        count(*) AS numerator,
        0 AS denominator
    FROM event AS e
    WHERE year(e.event_date) = $performance_year
    GROUP BY e.ccn, make_date(year(e.event_date), month(e.event_date), 1), e.indicator
),

exposed AS (
    SELECT ccn, month, days, incident_days, prevalent_in_center_days
    FROM network.patient_month
    WHERE performance_year = $performance_year
),

counted AS (
    SELECT ccn, month, indicator, numerator, denominator FROM happened
    UNION ALL
    SELECT ccn, month, 'home_start_incident', 0, incident_days FROM exposed
    UNION ALL
    SELECT ccn, month, 'home_start_prevalent', 0, prevalent_in_center_days FROM exposed
    UNION ALL
    SELECT ccn, month, 'waitlisting', 0, days FROM exposed
    UNION ALL
    SELECT ccn, month, 'transplant', 0, days FROM exposed
)

SELECT * FROM shared.indicator_months AS i
