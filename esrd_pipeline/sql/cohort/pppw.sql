-- One row: a month of the year of one patient who is in a program's treatment history on the
-- month's last day: on the waitlist that day or not, or why the month is not counted; and age.
-- Manual 2.16.6 to 2.16.13; 3.4 (exceptions, QIP only). Not limited to Medicare, nor to 90 days.
-- Readings. The facility is the one that treats the patient on the last day, for the whole month;
-- any day of the month in a nursing home counts, and so does a hospice claim that overlaps it; at
-- incidence a patient is in a nursing home if the first CMS-2728 reports institutionalisation or
-- dialysis in a nursing home. The model's age is in years of 365.25 days; 75 means the birthday.
WITH
calendar AS (
    SELECT month, month_end FROM history.calendar_month WHERE performance_year = $performance_year
),

known AS (
    SELECT
        t.program,
        t.patient_id,
        t.start_date,
        t.end_date,
        t.state,
        t.ccn,
        p.date_of_birth,
        coalesce(i.is_institutionalised, false) AS is_institutionalised
    FROM history.treatment AS t
    LEFT JOIN linkage.patient AS p
        ON p.patient_id = t.patient_id AND p.performance_year = $performance_year
    LEFT JOIN history.patient_characteristics AS i
        ON i.patient_id = t.patient_id AND i.performance_year = $performance_year
    WHERE t.performance_year = $performance_year
        AND t.end_date >= make_date($performance_year, 1, 1)
        AND t.start_date <= make_date($performance_year, 12, 31)
),

-- Spells partition a patient's days: exactly one has the last day.
treated AS (
    SELECT
        k.program,
        k.patient_id,
        c.month,
        c.month_end,
        k.state,
        k.ccn,
        k.date_of_birth,
        k.is_institutionalised
    FROM known AS k
    JOIN calendar AS c ON c.month_end BETWEEN k.start_date AND k.end_date
),

exception AS (
    SELECT ccn, month FROM history.exception_month WHERE performance_year = $performance_year
),

-- Facts of a patient's month, the same for both programs; a month with two reasons is one row.
noted AS (
    SELECT h.patient_id, c.month, 1 AS is_in_home, 0 AS is_in_hospice, 0 AS is_listed
    FROM history.nursing_home AS h
    JOIN calendar AS c ON h.start_date <= c.month_end AND h.end_date >= c.month
    WHERE h.performance_year = $performance_year
    UNION ALL
    SELECT patient_id, month, 0 AS is_in_home, 1 AS is_in_hospice, 0 AS is_listed
    FROM history.limited_life
    WHERE performance_year = $performance_year AND is_hospice
    UNION ALL
    SELECT w.patient_id, c.month, 0 AS is_in_home, 0 AS is_in_hospice, 1 AS is_listed
    FROM linkage.waitlist AS w
    JOIN calendar AS c
        ON w.start_date <= c.month_end AND coalesce(w.end_date, c.month_end) >= c.month_end
    WHERE w.performance_year = $performance_year
),

month_note AS (
    SELECT
        patient_id,
        month,
        max(is_in_home) AS is_in_home,
        max(is_in_hospice) AS is_in_hospice,
        max(is_listed) AS is_listed
    FROM noted
    GROUP BY patient_id, month
),

described AS (
    SELECT
        t.program,
        t.patient_id,
        t.month,
        t.state,
        t.ccn,
        t.date_of_birth,
        t.is_institutionalised,
        CAST(date_diff('day', t.date_of_birth, t.month_end) AS DOUBLE) / 365.25 AS age,
        shared.completed_years(t.date_of_birth, t.month_end) AS birthdays,
        t.program = 'qip' AND e.ccn IS NOT NULL AS is_exception,
        coalesce(n.is_in_home, 0) = 1 AS is_in_home,
        coalesce(n.is_in_hospice, 0) = 1 AS is_in_hospice,
        coalesce(n.is_listed, 0) = 1 AS is_listed
    FROM treated AS t
    LEFT JOIN exception AS e ON e.ccn = t.ccn AND e.month = t.month
    LEFT JOIN month_note AS n ON n.patient_id = t.patient_id AND n.month = t.month
),

judged AS (
    SELECT
        *,
        CASE
            WHEN state = 'transplant' THEN 'transplant'
            WHEN state <> 'dialysis' THEN 'not_on_dialysis'
            WHEN ccn IS NULL THEN 'facility_unknown'
            WHEN is_exception THEN 'extraordinary_circumstances_exception'
            WHEN date_of_birth IS NULL THEN 'date_of_birth_unknown'
            WHEN birthdays >= 75 THEN 'age_75_or_older'
            WHEN is_in_home THEN 'nursing_home_in_month'
            WHEN is_in_hospice THEN 'hospice_in_month'
            WHEN is_institutionalised THEN 'nursing_home_at_incidence'
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
    age
FROM judged
