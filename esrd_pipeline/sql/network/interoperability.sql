-- One row: an indicator of exchange of data in one month at one facility of the DFC list: forms of
-- new patients signed in time, deaths with a form, months reported to NHSN, and patients' months
-- reported to EQRS in full.
-- ESRD KHARES & 18 ESRD Networks: enhance data interoperability; manual 2.3.12, 2.8.12,
-- 2.18.6, 2.18.10, 3.1.2.
-- Reading 204: a form is of the month in which it was due, and of the facility that treated the
-- patient on the first day of ESRD, or of death. A CMS-2728 is in time if its physician signed it
-- within 45 days of the first service date, because the day of filing is in no file; for the same
-- reason the 14 days of a CMS-2746 is not known, only whether there is one. NHSN reports quarters:
-- the last month of one holds its three, of facilities that treat in center. A patient's month is
-- complete with a Kt/V and a calcium.
WITH
rule AS (
    SELECT
        45 AS evidence_days,
        14 AS death_days,
        3 AS quarter_months,
        make_date($performance_year, 1, 1) AS first_day
),

signed AS (
    SELECT patient_id, min(signature_date) AS signature_date
    FROM raw.cms_2728
    WHERE performance_year = $performance_year
    GROUP BY patient_id
),

-- Who began dialysis, or died, with the day whose facility is asked, and the day the form was due.
person AS (
    SELECT
        f.patient_id,
        f.first_service_date AS day,
        f.first_service_date + r.evidence_days AS due_date,
        'form_2728_in_45_days' AS indicator,
        coalesce(s.signature_date <= f.first_service_date + r.evidence_days, FALSE) AS is_met
    FROM linkage.first_service AS f
    CROSS JOIN rule AS r
    LEFT JOIN signed AS s ON s.patient_id = f.patient_id
    WHERE f.performance_year = $performance_year AND f.program = 'dfc'
    UNION ALL
    SELECT
        d.patient_id,
        d.death_date AS day,
        d.death_date + r.death_days AS due_date,
        'form_2746_filed' AS indicator,
        n.patient_id IS NOT NULL AS is_met
    FROM linkage.death AS d
    CROSS JOIN rule AS r
    LEFT JOIN raw.cms_2746 AS n
        ON n.patient_id = d.patient_id AND n.performance_year = $performance_year
    WHERE d.performance_year = $performance_year AND d.program = 'dfc'
),

treated_person AS (
    SELECT
        t.ccn,
        make_date(year(p.due_date), month(p.due_date), 1) AS month,
        p.indicator,
        CASE WHEN p.is_met THEN 1 ELSE 0 END AS numerator,
        1 AS denominator
    FROM person AS p
    JOIN history.treatment AS t
        ON t.patient_id = p.patient_id
        AND p.day BETWEEN t.start_date AND t.end_date
        AND t.performance_year = $performance_year
    WHERE t.program = 'dfc'
        AND t.state = 'dialysis'
        AND year(p.due_date) = $performance_year
),

care AS (
    SELECT patient_id, ccn, month, days, is_whole, modality, quarter(month) AS quarter
    FROM history.care_month
    WHERE performance_year = $performance_year AND program = 'dfc'
),

in_center AS (
    SELECT DISTINCT c.ccn, c.quarter
    FROM care AS c
    CROSS JOIN rule AS r
    WHERE c.modality IN ('in-center hemodialysis', 'in-center and home hemodialysis')
        AND c.days > 0
        AND c.month >= r.first_day
),

reported_quarter AS (
    SELECT n.ccn, q.quarter, sum(q.months_reported) AS months_reported
    FROM raw.nhsn_bloodstream_infection AS q
    JOIN linkage.provider_number AS n
        ON n.provider_number = q.ccn
        AND n.program = 'dfc'
        AND n.performance_year = $performance_year
    WHERE q.performance_year = $performance_year
    GROUP BY n.ccn, q.quarter
),

patient_month AS (
    SELECT
        c.ccn,
        c.month,
        CASE
            WHEN coalesce(m.has_calcium, FALSE)
                AND (m.hd_ktv IS NOT NULL OR m.pd_ktv IS NOT NULL OR m.is_frequent)
                THEN 1
            ELSE 0
        END AS is_complete
    FROM care AS c
    CROSS JOIN rule AS r
    LEFT JOIN history.clinical_month AS m
        ON m.patient_id = c.patient_id
        AND m.month = c.month
        AND m.ccn = c.ccn
        AND m.program = 'dfc'
        AND m.performance_year = $performance_year
    WHERE c.is_whole AND c.month >= r.first_day
),

counted AS (
    SELECT ccn, month, indicator, numerator, denominator FROM treated_person
    UNION ALL
    SELECT
        i.ccn,
        make_date($performance_year, i.quarter * r.quarter_months, 1) AS month,
        'nhsn_month_reported' AS indicator,
        least(coalesce(q.months_reported, 0), r.quarter_months) AS numerator,
        r.quarter_months AS denominator
    FROM in_center AS i
    CROSS JOIN rule AS r
    LEFT JOIN reported_quarter AS q ON q.ccn = i.ccn AND q.quarter = i.quarter
    UNION ALL
    SELECT ccn, month, 'eqrs_month_complete' AS indicator, is_complete, 1 AS denominator
    FROM patient_month
)

SELECT * FROM shared.indicator_months AS i
