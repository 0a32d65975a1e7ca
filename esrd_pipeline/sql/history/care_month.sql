-- One row: a month of one patient at one facility of a program that treated the patient by the
-- treatment history or has them admitted in EQRS.
-- Manual 2.1.11, 2.3.11, 2.8.11 (whole months), 3.1.1 (modality by EQRS), 3.1.4 (prescribed
-- sessions). Readings: where EQRS has no treatment record for a part of the month, the modality is
-- unknown; a prescription applies until the facility's next for the patient, its first also to the
-- days before; the facility's CCN on the day counts.
WITH
rule AS (
    -- 3.1.4: more than two and fewer than four sessions a week.
    SELECT
        2 AS infrequent_sessions,
        4 AS frequent_sessions,
        make_date($performance_year, 1, 1) AS first_day,
        make_date($performance_year, 12, 31) AS last_day
),

calendar AS (
    SELECT month, month_end FROM history.calendar_month WHERE performance_year = $performance_year
),

-- 3.1.1: type and setting of treatment; dialysis in a nursing home is home hemodialysis.
treated AS (
    SELECT
        t.program,
        t.patient_id,
        t.ccn,
        c.month,
        c.month_end,
        greatest(t.start_date, c.month) AS start_date,
        least(t.end_date, c.month_end) AS end_date,
        CASE
            WHEN t.source <> 'eqrs' OR t.setting IS NULL THEN 'unknown'
            WHEN t.modality = 'hemodialysis' AND t.setting = 'in center' THEN 'in center'
            WHEN t.modality = 'hemodialysis' THEN 'home'
            WHEN t.modality = 'peritoneal' THEN 'peritoneal'
            ELSE 'other'
        END AS kind
    FROM history.treatment AS t
    CROSS JOIN rule AS r
    JOIN calendar AS c ON c.month <= t.end_date AND c.month_end >= t.start_date
    WHERE t.performance_year = $performance_year
        AND t.state = 'dialysis'
        AND t.ccn IS NOT NULL
        AND t.end_date >= r.first_day
),

treated_month AS (
    SELECT
        program,
        patient_id,
        month,
        ccn,
        CAST(sum(date_diff('day', start_date, end_date) + 1) AS INTEGER) AS days,
        date_diff('day', month, max(month_end)) + 1 AS month_days,
        min(start_date) AS start_date,
        max(end_date) AS end_date,
        max(CASE WHEN kind = 'unknown' THEN 1 ELSE 0 END) AS has_unknown,
        max(CASE WHEN kind = 'in center' THEN 1 ELSE 0 END) AS has_in_center,
        max(CASE WHEN kind = 'home' THEN 1 ELSE 0 END) AS has_home,
        max(CASE WHEN kind = 'peritoneal' THEN 1 ELSE 0 END) AS has_peritoneal,
        max(CASE WHEN kind = 'other' THEN 1 ELSE 0 END) AS has_other
    FROM treated
    GROUP BY program, patient_id, month, ccn
),

ccn_span AS (
    SELECT
        program,
        facilityid,
        ccn,
        start_date,
        coalesce(end_date, DATE '9999-12-31') AS end_date
    FROM linkage.facility_ccn
    WHERE performance_year = $performance_year
),

admitted_month AS (
    SELECT s.program, s.patient_id, c.month, s.ccn
    FROM history.admitted AS s
    JOIN calendar AS c ON c.month >= s.start_date AND c.month_end <= s.end_date
    WHERE s.performance_year = $performance_year
),

prescription AS (
    SELECT
        patient_id,
        facilityid,
        CASE
            WHEN lag(start_date) OVER given IS NULL THEN DATE '1900-01-01'
            ELSE start_date
        END AS start_date,
        coalesce(lead(start_date) OVER given - 1, DATE '9999-12-31') AS end_date,
        treatment_type,
        sessions_per_week
    FROM raw.eqrs_treatment
    WHERE performance_year = $performance_year
    WINDOW given AS (PARTITION BY patient_id, facilityid ORDER BY start_date)
),

-- 3.1.4: any prescription of hemodialysis in effect on a day the patient was treated there.
prescribed AS (
    SELECT
        m.program,
        m.patient_id,
        m.month,
        m.ccn,
        min(p.sessions_per_week) AS fewest,
        max(p.sessions_per_week) AS most
    FROM treated_month AS m
    JOIN ccn_span AS s
        ON s.program = m.program
        AND s.ccn = m.ccn
        AND s.start_date <= m.end_date
        AND s.end_date >= m.start_date
    JOIN prescription AS p
        ON p.patient_id = m.patient_id
        AND p.facilityid = s.facilityid
        AND p.start_date <= m.end_date
        AND p.end_date >= m.start_date
    WHERE p.treatment_type = 'Hemodialysis' AND p.sessions_per_week IS NOT NULL
    GROUP BY m.program, m.patient_id, m.month, m.ccn
),

anywhere AS (
    SELECT program, patient_id, month, min(fewest) AS fewest, max(most) AS most
    FROM prescribed
    GROUP BY program, patient_id, month
),

place AS (
    SELECT program, patient_id, month, ccn FROM treated_month
    UNION
    SELECT program, patient_id, month, ccn FROM admitted_month
),

joined AS (
    SELECT
        p.program,
        p.patient_id,
        p.month,
        p.ccn,
        coalesce(t.days, 0) AS days,
        coalesce(t.days = t.month_days, false) AS is_whole,
        a.ccn IS NOT NULL AS is_admitted,
        CASE
            WHEN t.ccn IS NULL OR t.has_unknown = 1 THEN NULL
            WHEN t.has_other + t.has_peritoneal + greatest(t.has_in_center, t.has_home) > 1
                THEN 'mixed'
            WHEN t.has_other = 1 THEN 'other'
            WHEN t.has_peritoneal = 1 THEN 'peritoneal dialysis'
            WHEN t.has_home + t.has_in_center = 2 THEN 'in-center and home hemodialysis'
            WHEN t.has_home = 1 THEN 'home hemodialysis'
            ELSE 'in-center hemodialysis'
        END AS modality,
        coalesce(o.most, e.most) AS most,
        coalesce(o.fewest, e.fewest) AS fewest,
        CASE
            WHEN o.ccn IS NOT NULL THEN 'own facility'
            WHEN e.patient_id IS NOT NULL THEN 'other facility'
        END AS frequency_source
    FROM place AS p
    LEFT JOIN treated_month AS t
        ON t.program = p.program
        AND t.patient_id = p.patient_id
        AND t.month = p.month
        AND t.ccn = p.ccn
    LEFT JOIN admitted_month AS a
        ON a.program = p.program
        AND a.patient_id = p.patient_id
        AND a.month = p.month
        AND a.ccn = p.ccn
    LEFT JOIN prescribed AS o
        ON o.program = p.program
        AND o.patient_id = p.patient_id
        AND o.month = p.month
        AND o.ccn = p.ccn
    LEFT JOIN anywhere AS e
        ON e.program = p.program AND e.patient_id = p.patient_id AND e.month = p.month
)

SELECT
    j.program,
    j.patient_id,
    j.month,
    j.ccn,
    $performance_year AS performance_year,
    j.days,
    j.is_whole,
    j.is_admitted,
    j.modality,
    CASE
        WHEN j.most >= r.frequent_sessions THEN 'frequent'
        WHEN j.fewest <= r.infrequent_sessions THEN 'infrequent'
        WHEN j.most IS NOT NULL THEN 'usual'
    END AS frequency,
    j.frequency_source
FROM joined AS j
CROSS JOIN rule AS r
