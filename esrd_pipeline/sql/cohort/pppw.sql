-- One row: a month of the year of one patient whom a program's treatment history knows on the
-- month's last day: on the waitlist that day or not, or why the month is not counted; and age.
-- Manual 2.16.6 to 2.16.13; 3.4 (exceptions, QIP only). Not limited to Medicare, nor to 90 days.
-- Readings. The facility is the one that treats the patient on the last day, for the whole month;
-- any day of the month in a nursing home counts, and so does a hospice claim that touches it; at
-- incidence the first CMS-2728 speaks, as institutionalised or as dialysed in a nursing home. Age
-- is in years of 365.25 days in the model; 75 is a birthday.
WITH
twelve AS (
    SELECT CAST(number AS INTEGER) AS month_number
    FROM (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12)) AS v (number)
),

calendar AS (
    SELECT
        make_date($performance_year, month_number, 1) AS month,
        last_day(make_date($performance_year, month_number, 1)) AS month_end
    FROM twelve
),

-- Spells tile a patient's days: one has the last day.
treated AS (
    SELECT t.program, t.patient_id, c.month, c.month_end, t.state, t.ccn
    FROM history.treatment AS t
    JOIN calendar AS c ON c.month_end BETWEEN t.start_date AND t.end_date
    WHERE t.performance_year = $performance_year
        AND t.end_date >= make_date($performance_year, 1, 1)
),

-- Grants to a facility may overlap.
exception AS (
    SELECT DISTINCT e.ccn, c.month
    FROM raw.ece_grant AS e
    JOIN calendar AS c ON c.month BETWEEN e.first_month AND e.last_month
    WHERE e.performance_year = $performance_year
),

in_home AS (
    SELECT DISTINCT h.patient_id, c.month
    FROM history.nursing_home AS h
    JOIN calendar AS c ON h.start_date <= c.month_end AND h.end_date >= c.month
    WHERE h.performance_year = $performance_year
),

in_hospice AS (
    SELECT patient_id, month
    FROM history.limited_life
    WHERE performance_year = $performance_year AND is_hospice
),

-- One span of a patient has a day, if any has.
listed AS (
    SELECT w.patient_id, c.month
    FROM linkage.waitlist AS w
    JOIN calendar AS c
        ON w.start_date <= c.month_end AND coalesce(w.end_date, c.month_end) >= c.month_end
    WHERE w.performance_year = $performance_year
),

described AS (
    SELECT
        t.program,
        t.patient_id,
        t.month,
        t.state,
        t.ccn,
        p.date_of_birth,
        CAST(date_diff('day', p.date_of_birth, t.month_end) AS DOUBLE) / 365.25 AS age,
        date_part('year', t.month_end) - date_part('year', p.date_of_birth)
        - CASE
            WHEN date_part('month', t.month_end) * 100 + date_part('day', t.month_end)
                < date_part('month', p.date_of_birth) * 100 + date_part('day', p.date_of_birth)
                THEN 1
            ELSE 0
        END AS birthdays,
        t.program = 'qip' AND e.ccn IS NOT NULL AS is_exception,
        h.patient_id IS NOT NULL AS is_in_home,
        s.patient_id IS NOT NULL AS is_in_hospice,
        coalesce(i.is_institutionalised, false) AS is_institutionalised,
        w.patient_id IS NOT NULL AS is_listed
    FROM treated AS t
    LEFT JOIN linkage.patient AS p
        ON p.patient_id = t.patient_id AND p.performance_year = $performance_year
    LEFT JOIN exception AS e ON e.ccn = t.ccn AND e.month = t.month
    LEFT JOIN in_home AS h ON h.patient_id = t.patient_id AND h.month = t.month
    LEFT JOIN in_hospice AS s ON s.patient_id = t.patient_id AND s.month = t.month
    LEFT JOIN history.incident_comorbidity AS i
        ON i.patient_id = t.patient_id AND i.performance_year = $performance_year
    LEFT JOIN listed AS w ON w.patient_id = t.patient_id AND w.month = t.month
),

judged AS (
    SELECT
        *,
        CASE
            WHEN state = 'transplant' THEN 'transplant'
            WHEN state <> 'dialysis' THEN 'not on dialysis'
            WHEN ccn IS NULL THEN 'facility unknown'
            WHEN is_exception THEN 'extraordinary circumstances exception'
            WHEN date_of_birth IS NULL THEN 'date of birth unknown'
            WHEN birthdays >= 75 THEN '75 or older'
            WHEN is_in_home THEN 'nursing home in the month'
            WHEN is_in_hospice THEN 'hospice in the month'
            WHEN is_institutionalised THEN 'nursing home at incidence'
        END AS reason
    FROM described
)

SELECT
    program,
    patient_id,
    month,
    $performance_year AS performance_year,
    ccn,
    reason,
    CASE
        WHEN reason IS NOT NULL THEN NULL
        WHEN is_listed THEN 1
        ELSE 0
    END AS is_event,
    age,
    greatest(age - 15, 0) AS age_over_15,
    greatest(age - 55, 0) AS age_over_55,
    greatest(age - 70, 0) AS age_over_70
FROM judged
