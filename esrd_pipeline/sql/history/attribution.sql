-- One row: a segment of one patient's days and the facility they are attributed to by one rule, or
-- why none. Segments of a rule partition the days of history.treatment. Manual 2.13.10, 2.12.10,
-- 2.14.10, 2.25.12, 2.27.10; readings 20, 27, 28. parameters/attribution_rule.csv has the days of
-- continuous treatment before attribution begins, the days it continues after the patient left, the
-- first day of ESRD that can be attributed, the days before a transplant that are not, and (SMoSR)
-- the calendar years, including this one, in which ESRD must have begun: other patients have no
-- rows.
WITH
-- A rule of a program is a number here, which is quicker to compare than two texts.
rule AS (
    SELECT
        rule AS name,
        program,
        CAST(row_number() OVER (ORDER BY rule, program) AS UTINYINT) AS rule,
        CAST(treatment_days AS INTEGER) AS treatment_days,
        CAST(follow_days AS INTEGER) AS follow_days,
        CAST(first_day AS INTEGER) AS first_day,
        CAST(transplant_days AS INTEGER) AS transplant_days,
        make_date($performance_year + 1 - CAST(incident_years AS INTEGER), 1, 1) AS incident_since
    FROM parameter.attribution_rule
),

treatment AS (
    SELECT
        program,
        patient_id,
        start_date,
        end_date,
        state,
        ccn,
        min(start_date) OVER (PARTITION BY program, patient_id) AS first_service_date,
        max(end_date) OVER (PARTITION BY program, patient_id) AS last_day
    FROM history.treatment
    WHERE performance_year = $performance_year
),

spell AS (
    SELECT
        r.rule,
        t.patient_id,
        t.start_date,
        t.end_date,
        t.state,
        t.ccn,
        t.first_service_date,
        t.last_day
    FROM treatment AS t
    JOIN rule AS r ON r.program = t.program
    WHERE r.incident_since IS NULL OR t.first_service_date >= r.incident_since
),

patient AS (
    SELECT
        s.rule,
        r.program,
        s.patient_id,
        s.first_service_date + (r.first_day - 1) AS first_day,
        s.last_day,
        r.treatment_days,
        r.follow_days,
        r.transplant_days
    FROM spell AS s
    JOIN rule AS r ON r.rule = s.rule
    GROUP BY
        s.rule,
        r.program,
        s.patient_id,
        s.first_service_date,
        s.last_day,
        r.first_day,
        r.treatment_days,
        r.follow_days,
        r.transplant_days
),

-- Also known after the year's end: the days before a transplant may be in the year. Not after
-- death.
transplant AS (
    SELECT
        p.rule,
        p.patient_id,
        p.first_day,
        p.last_day,
        p.transplant_days,
        t.transplant_date
    FROM patient AS p
    JOIN linkage.transplant AS t
        ON t.program = p.program
        AND t.patient_id = p.patient_id
        AND t.performance_year = $performance_year
        AND (t.transplant_date <= p.last_day OR p.last_day = make_date($performance_year, 12, 31))
),

-- Continuous treatment at one facility: a change of modality, setting or source does not end it.
compared AS (
    SELECT
        program,
        patient_id,
        ccn,
        start_date,
        end_date,
        CASE
            WHEN ccn = lag(ccn) OVER days AND start_date = lag(end_date) OVER days + 1 THEN 0
            ELSE 1
        END AS begins
    FROM treatment
    WHERE state = 'dialysis' AND ccn IS NOT NULL
    WINDOW days AS (PARTITION BY program, patient_id ORDER BY start_date)
),

numbered AS (
    SELECT
        *,
        sum(begins) OVER (
            PARTITION BY program, patient_id ORDER BY start_date ROWS UNBOUNDED PRECEDING
        ) AS number
    FROM compared
),

treated AS (
    SELECT program, patient_id, ccn, min(start_date) AS start_date, max(end_date) AS end_date
    FROM numbered
    GROUP BY program, patient_id, ccn, number
),

-- Reading 27 (a), 28: from the day after the days of treatment, not before the first day; a patient
-- who left before that day is never attributed to the facility.
answering AS (
    SELECT
        p.rule,
        p.patient_id,
        t.ccn,
        t.start_date,
        t.end_date,
        greatest(t.start_date + p.treatment_days, p.first_day) AS from_date,
        p.last_day,
        p.follow_days
    FROM treated AS t
    JOIN patient AS p ON p.program = t.program AND p.patient_id = t.patient_id
    WHERE greatest(t.start_date + p.treatment_days, p.first_day) <= t.end_date + 1
),

-- Days that are not attributed, however short the time since the patient left.
barred AS (
    SELECT rule, patient_id, transplant_date AS event_date, transplant_days AS days
    FROM transplant
    UNION ALL
    SELECT rule, patient_id, start_date AS event_date, 0 AS days
    FROM spell
    WHERE state = 'lost'
),

next_barred AS (
    SELECT a.rule, a.patient_id, a.start_date, min(b.event_date - b.days) AS barred_date
    FROM answering AS a
    JOIN barred AS b
        ON b.rule = a.rule
        AND b.patient_id = a.patient_id
        AND b.event_date > a.start_date
    GROUP BY a.rule, a.patient_id, a.start_date
),

-- Reading 27 (b): attribution continues for some days after the last day there, unless another
-- facility has treated the patient long enough before.
answered AS (
    SELECT
        a.rule,
        a.patient_id,
        a.ccn,
        a.from_date,
        least(
            a.end_date + a.follow_days,
            a.last_day,
            coalesce(b.barred_date - 1, a.last_day),
            coalesce(
                lead(a.from_date) OVER (
                    PARTITION BY a.rule, a.patient_id ORDER BY a.start_date
                ) - 1,
                a.last_day
            )
        ) AS to_date,
        a.last_day
    FROM answering AS a
    LEFT JOIN next_barred AS b
        ON b.rule = a.rule
        AND b.patient_id = a.patient_id
        AND b.start_date = a.start_date
),

-- The days just before a transplant.
near AS (
    SELECT
        rule,
        patient_id,
        greatest(transplant_date - transplant_days, first_day) AS near_date,
        transplant_date,
        last_day
    FROM transplant
    WHERE greatest(transplant_date - transplant_days, first_day)
        < least(transplant_date, last_day + 1)
),

-- Days on which the state, the attribution or the closeness of a transplant changes.
change AS (
    SELECT
        rule,
        patient_id,
        start_date,
        CASE
            WHEN state = 'transplant' THEN 'transplant'
            WHEN state IN ('recovered', 'withdrawn') THEN 'after_withdrawal_or_recovery'
            WHEN state = 'lost' THEN 'lost_to_follow_up'
            WHEN state = 'untreated' THEN 'not_treated_by_any_facility'
            WHEN ccn IS NULL THEN 'facility_unknown'
            ELSE 'too_few_days_at_one_facility'
        END AS reason,
        CAST(NULL AS VARCHAR) AS ccn,
        CAST(NULL AS INTEGER) AS is_near
    FROM spell
    UNION ALL
    SELECT
        rule,
        patient_id,
        first_day AS start_date,
        CAST(NULL AS VARCHAR) AS reason,
        CAST(NULL AS VARCHAR) AS ccn,
        CAST(NULL AS INTEGER) AS is_near
    FROM patient
    WHERE first_day <= last_day
    UNION ALL
    SELECT
        rule,
        patient_id,
        from_date AS start_date,
        CAST(NULL AS VARCHAR) AS reason,
        ccn,
        CAST(NULL AS INTEGER) AS is_near
    FROM answered
    WHERE from_date <= to_date
    UNION ALL
    SELECT
        rule,
        patient_id,
        to_date + 1 AS start_date,
        CAST(NULL AS VARCHAR) AS reason,
        '' AS ccn,
        CAST(NULL AS INTEGER) AS is_near
    FROM answered
    WHERE from_date <= to_date AND to_date < last_day
    UNION ALL
    SELECT
        rule,
        patient_id,
        near_date AS start_date,
        CAST(NULL AS VARCHAR) AS reason,
        CAST(NULL AS VARCHAR) AS ccn,
        1 AS is_near
    FROM near
    UNION ALL
    SELECT
        rule,
        patient_id,
        transplant_date AS start_date,
        CAST(NULL AS VARCHAR) AS reason,
        CAST(NULL AS VARCHAR) AS ccn,
        0 AS is_near
    FROM near AS n
    -- Closeness continues where another transplant is close on the day of this one.
    WHERE transplant_date <= last_day
        AND NOT EXISTS (
            SELECT 1
            FROM near AS o
            WHERE o.rule = n.rule
                AND o.patient_id = n.patient_id
                AND o.near_date <= n.transplant_date
                AND o.transplant_date > n.transplant_date
        )
),

-- The beginning at one facility takes precedence over another's end on the same day.
dated AS (
    SELECT
        rule,
        patient_id,
        start_date,
        max(reason) AS reason,
        max(ccn) AS ccn,
        min(is_near) AS is_near
    FROM change
    GROUP BY rule, patient_id, start_date
),

carried AS (
    SELECT
        rule,
        patient_id,
        start_date,
        last_value(reason IGNORE NULLS) OVER days AS reason,
        last_value(ccn IGNORE NULLS) OVER days AS ccn,
        last_value(is_near IGNORE NULLS) OVER days AS is_near
    FROM dated
    WINDOW days AS (
        PARTITION BY rule, patient_id
        ORDER BY start_date
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
),

explained AS (
    SELECT
        c.rule,
        c.patient_id,
        c.start_date,
        p.last_day,
        CASE WHEN c.ccn <> '' THEN c.ccn END AS ccn,
        CASE
            WHEN c.ccn <> '' THEN NULL
            WHEN c.start_date < p.first_day THEN 'first_days_of_esrd'
            WHEN c.is_near = 1 THEN 'transplant'
            ELSE c.reason
        END AS reason
    FROM carried AS c
    JOIN patient AS p ON p.rule = c.rule AND p.patient_id = c.patient_id
),

-- Days on which the facility, or the reason for none, is another than before.
compared_days AS (
    SELECT
        *,
        lag(coalesce(ccn, reason), 1, '') OVER (
            PARTITION BY rule, patient_id ORDER BY start_date
        ) AS before
    FROM explained
),

begun AS (
    SELECT *
    FROM compared_days
    WHERE before IS DISTINCT FROM coalesce(ccn, reason)
)

SELECT
    r.name AS rule,
    r.program,
    b.patient_id,
    b.start_date,
    coalesce(
        lead(b.start_date) OVER (PARTITION BY b.rule, b.patient_id ORDER BY b.start_date) - 1,
        b.last_day
    ) AS end_date,
    $performance_year AS performance_year,
    b.ccn,
    b.reason
FROM begun AS b
JOIN rule AS r ON r.rule = b.rule
