-- One row: an indicator of whole health in one month at one facility of the DFC list: personnel up
-- to date with COVID-19 vaccines, patients screened for depression and for social needs, and
-- screened patients with a need.
-- ESRD KHARES & 18 ESRD Networks: promote whole health; manual 2.9, 2.20.9, 2.21.5,
-- 2.23, 2.24. No raw table holds vaccination of patients.
-- Reading 204: screening is of the year, so a month asks whether it was reported by the month's
-- end; its patients are those whom the facility treated on every day of the month, of 12 years and
-- more for depression and 18 for social needs; who opted out or is unable is left out, as in 2.23.
-- Reading 94: a month's personnel are those of its last whole week.
WITH
rule AS (
    SELECT
        12 AS depression_age,
        18 AS adult_age,
        make_date($performance_year, 1, 1) AS first_day,
        make_date($performance_year, 12, 31) AS last_day
),

calendar AS (
    SELECT month, month_end FROM history.calendar_month WHERE performance_year = $performance_year
),

-- Of a week under two numbers of one facility its own counts.
numbered_week AS (
    SELECT
        n.ccn,
        w.week_end_date,
        w.personnel_category,
        w.up_to_date,
        greatest(w.personnel - coalesce(w.contraindicated, 0), 0) AS eligible,
        row_number() OVER (
            PARTITION BY n.ccn, w.week_end_date, w.personnel_category
            ORDER BY CASE WHEN n.provider_number = n.ccn THEN 0 ELSE 1 END, n.provider_number
        ) AS place
    FROM raw.nhsn_vaccination AS w
    JOIN linkage.provider_number AS n
        ON n.provider_number = w.ccn
        AND n.program = 'dfc'
        AND n.performance_year = $performance_year
    WHERE w.performance_year = $performance_year
        AND year(w.week_end_date) = $performance_year
        AND w.personnel IS NOT NULL
        AND w.up_to_date IS NOT NULL
),

week AS (
    SELECT
        ccn,
        make_date(year(week_end_date), month(week_end_date), 1) AS month,
        sum(least(up_to_date, eligible)) AS numerator,
        sum(eligible) AS denominator,
        row_number() OVER (
            PARTITION BY ccn, year(week_end_date), month(week_end_date)
            ORDER BY week_end_date DESC
        ) AS place
    FROM numbered_week
    WHERE place = 1
    GROUP BY ccn, week_end_date
    HAVING count(DISTINCT personnel_category) = 4
),

ccn_period AS (
    SELECT facilityid, ccn, start_date, coalesce(end_date, DATE '9999-12-31') AS end_date
    FROM linkage.facility_ccn
    WHERE performance_year = $performance_year AND program = 'dfc'
),

-- A report without a day counts from the year's last one.
depression AS (
    SELECT d.patient_id, s.ccn, min(coalesce(d.assessment_date, r.last_day)) AS screened_date
    FROM raw.eqrs_depression_screening AS d
    CROSS JOIN rule AS r
    JOIN ccn_period AS s
        ON s.facilityid = d.facilityid
        AND coalesce(d.assessment_date, r.last_day) BETWEEN s.start_date AND s.end_date
    WHERE d.performance_year = $performance_year
        AND d.condition IN (1, 2, 4, 5)
        AND coalesce(d.assessment_date, r.last_day) BETWEEN r.first_day AND r.last_day
    GROUP BY d.patient_id, s.ccn
),

social_report AS (
    SELECT d.*, s.ccn, coalesce(d.screening_date, r.last_day) AS day
    FROM raw.eqrs_social_screening AS d
    CROSS JOIN rule AS r
    JOIN ccn_period AS s
        ON s.facilityid = d.facilityid
        AND coalesce(d.screening_date, r.last_day) BETWEEN s.start_date AND s.end_date
    WHERE d.performance_year = $performance_year
        AND coalesce(d.screening_date, r.last_day) BETWEEN r.first_day AND r.last_day
),

-- The first day on which each need had been asked about, and one was found.
social AS (
    SELECT
        patient_id,
        ccn,
        min(CASE WHEN is_opted_out OR is_unable THEN day END) AS excused_date,
        min(CASE WHEN is_screened_food THEN day END) AS food_date,
        min(CASE WHEN is_screened_housing THEN day END) AS housing_date,
        min(CASE WHEN is_screened_transportation THEN day END) AS transportation_date,
        min(CASE WHEN is_screened_utilities THEN day END) AS utilities_date,
        min(CASE WHEN is_screened_safety THEN day END) AS safety_date,
        min(CASE
            WHEN 'yes' IN (
                result_food, result_housing, result_transportation, result_utilities, result_safety
            ) THEN day
        END) AS need_date
    FROM social_report
    GROUP BY patient_id, ccn
),

present AS (
    SELECT
        m.patient_id,
        m.ccn,
        m.month,
        c.month_end,
        shared.completed_years(p.date_of_birth, c.month_end) >= r.depression_age
            AS is_of_depression_age,
        shared.completed_years(p.date_of_birth, c.month_end) >= r.adult_age AS is_adult,
        coalesce(d.screened_date <= c.month_end, FALSE) AS is_depression_screened,
        coalesce(
            o.food_date <= c.month_end
            AND o.housing_date <= c.month_end
            AND o.transportation_date <= c.month_end
            AND o.utilities_date <= c.month_end
            AND o.safety_date <= c.month_end,
            FALSE
        ) AS is_social_screened,
        coalesce(o.excused_date <= c.month_end, FALSE) AS is_excused,
        coalesce(o.need_date <= c.month_end, FALSE) AS has_need
    FROM history.care_month AS m
    CROSS JOIN rule AS r
    JOIN calendar AS c ON c.month = m.month
    JOIN linkage.patient AS p
        ON p.patient_id = m.patient_id AND p.performance_year = $performance_year
    LEFT JOIN depression AS d ON d.patient_id = m.patient_id AND d.ccn = m.ccn
    LEFT JOIN social AS o ON o.patient_id = m.patient_id AND o.ccn = m.ccn
    WHERE m.performance_year = $performance_year AND m.program = 'dfc' AND m.is_whole
),

counted AS (
    SELECT
        ccn,
        month,
        'depression_screened' AS indicator,
        CASE WHEN is_depression_screened THEN 1 ELSE 0 END AS numerator,
        1 AS denominator
    FROM present
    WHERE is_of_depression_age
    UNION ALL
    SELECT
        ccn,
        month,
        'social_need_screened' AS indicator,
        CASE WHEN is_social_screened THEN 1 ELSE 0 END AS numerator,
        1 AS denominator
    FROM present
    WHERE is_adult AND (is_social_screened OR NOT is_excused)
    UNION ALL
    SELECT
        ccn,
        month,
        'social_need_found' AS indicator,
        CASE WHEN has_need THEN 1 ELSE 0 END AS numerator,
        1 AS denominator
    FROM present
    WHERE is_adult AND is_social_screened
    UNION ALL
    SELECT ccn, month, 'personnel_vaccinated' AS indicator, numerator, denominator
    FROM week
    WHERE place = 1
)

SELECT * FROM shared.indicator_months AS i
