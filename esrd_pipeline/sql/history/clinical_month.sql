-- One row: a month of one patient as one facility of a program reported it to EQRS: the year's
-- months and the five before, which a child's peritoneal Kt/V may come from. Manual 2.1.12, 2.3.12
-- to 2.8.12, 2.19.5. Readings: the last of several values is the one measured last, then the one
-- submitted last; a value without a day counts as of the month's first; a hemodialysis Kt/V dated
-- outside its month does not count; a peritoneal one keeps its day, because it may apply to later
-- months. Reading 84: of sessions delivered the last submission counts, and of a Kt/V the last of
-- its day; the sessions of EQRS facilities under one CCN add up. Reading 85: a calcium, and an
-- nPCR, is of the month in which it was taken: one dated outside the month does not count.
WITH
rule AS (
    -- 2.3.7, 2.4.7: in range up to 5.0 and 8.5. 3.1.4: 8.88 marks frequent dialysis.
    SELECT
        CAST(5.0 AS DOUBLE) AS most_hd,
        CAST(8.5 AS DOUBLE) AS most_pd,
        CAST(8.88 AS DOUBLE) AS frequent_ktv,
        -- 2.8.12: a calcium out of range is missing.
        CAST(0.1 AS DOUBLE) AS least_calcium,
        CAST(20 AS DOUBLE) AS most_calcium
),

-- 2.6.7: six months with the reporting month.
period AS (
    SELECT
        make_date($performance_year - 1, 8, 1) AS first_month,
        make_date($performance_year - 1, 1, 1) AS first_day
),

-- Facilities numbered in the order of their identifiers, which may have any number of digits: the
-- last report of a day is found by a whole number.
ccn_period AS (
    SELECT n.*, dense_rank() OVER (ORDER BY n.facilityid) AS place
    FROM shared.facility_number AS n
),

-- Records in the order of their days, then of their submission: a whole number, unique among the
-- records of a facility's month: where two numbers of EQRS turned out to be one patient, a record of
-- today's number goes before the other's of the same number. Days of two years and numbers of
-- submission up to the highest that a table holds, which may be times with seconds, go into one.
record AS (
    SELECT
        c.*,
        coalesce(m.patient_id, c.patient_id) AS patient_today,
        coalesce(c.ktv_date, c.month) AS ktv_day,
        coalesce(c.calcium_date, c.month) AS calcium_day,
        CAST(c.record_number AS BIGINT) * 2
        + CASE WHEN m.patient_id IS NULL THEN 1 ELSE 0 END AS submission,
        p.first_day,
        CASE WHEN c.ktv_value IS NOT NULL THEN c.record_number END AS ktv_number
    FROM raw.eqrs_clinical_month AS c
    CROSS JOIN period AS p
    LEFT JOIN linkage.earlier_patient AS m
        ON m.earlier_patient_id = c.patient_id AND m.performance_year = $performance_year
    WHERE c.performance_year BETWEEN $performance_year - 1 AND $performance_year
        AND c.month >= p.first_month
),

-- Days with a value that marks frequent dialysis, which are few, and the last record of each.
frequent AS (
    SELECT c.patient_today, c.facilityid, c.month, c.ktv_day, max(c.ktv_number) AS last_number
    FROM record AS c
    JOIN (
        SELECT DISTINCT d.patient_today, d.facilityid, d.month, d.ktv_day
        FROM record AS d
        CROSS JOIN rule AS r
        WHERE d.ktv_value = r.frequent_ktv
    ) AS f
        ON f.patient_today = c.patient_today
        AND f.facilityid = c.facilityid
        AND f.month = c.month
        AND f.ktv_day = c.ktv_day
    GROUP BY c.patient_today, c.facilityid, c.month, c.ktv_day
),

judged AS (
    SELECT
        c.*,
        c.ktv_value <= r.most_hd
        AND c.ktv_method IN ('UKM', 'Daugirdas II')
        AND c.ktv_day >= c.month
        AND c.ktv_day <= last_day(c.month) AS is_hd_ktv,
        c.ktv_value <= r.most_pd AS is_pd_ktv,
        -- A value corrected on a later record of the same day is none.
        c.ktv_value = r.frequent_ktv AND c.ktv_number = f.last_number AS is_frequent,
        c.calcium_value IS NOT NULL
        AND c.calcium_day >= c.month
        AND c.calcium_day <= last_day(c.month) AS is_calcium_reported,
        c.calcium_value >= r.least_calcium
        AND c.calcium_value <= r.most_calcium
        AND c.calcium_day >= c.month
        AND c.calcium_day <= last_day(c.month) AS is_calcium,
        greatest(least(CAST(date_diff('day', c.first_day, c.ktv_day) AS BIGINT), 800), 0)
        * 10000000000000000
        + c.submission AS ktv_order,
        greatest(least(CAST(date_diff('day', c.first_day, c.calcium_day) AS BIGINT), 800), 0)
        * 10000000000000000
        + c.submission AS calcium_order,
        (
            c.npcr_value IS NOT NULL
            AND c.npcr_date >= c.month
            AND c.npcr_date <= last_day(c.month)
        )
        OR (
            c.bun_pre IS NOT NULL
            AND c.bun_post IS NOT NULL
            AND c.weight_pre IS NOT NULL
            AND c.weight_pre_unit IS NOT NULL
            AND c.weight_post IS NOT NULL
            AND c.weight_post_unit IS NOT NULL
            AND c.delivered_minutes IS NOT NULL
            AND c.bun_date >= c.month
            AND c.bun_date <= last_day(c.month)
        ) AS has_npcr
    FROM record AS c
    CROSS JOIN rule AS r
    LEFT JOIN frequent AS f
        ON f.patient_today = c.patient_today
        AND f.facilityid = c.facilityid
        AND f.month = c.month
        AND f.ktv_day = c.ktv_day
),

clinical AS (
    SELECT
        patient_today AS patient_id,
        facilityid,
        month,
        arg_max(ktv_value, ktv_order) FILTER (WHERE is_hd_ktv) AS hd_ktv,
        max(ktv_day) FILTER (WHERE is_hd_ktv) AS hd_ktv_date,
        arg_max(ktv_value, ktv_order) FILTER (WHERE is_pd_ktv) AS pd_ktv,
        max(ktv_day) FILTER (WHERE is_pd_ktv) AS pd_ktv_date,
        max(CASE WHEN is_frequent THEN 1 ELSE 0 END) AS is_frequent,
        max(CASE WHEN is_calcium_reported THEN 1 ELSE 0 END) AS has_calcium,
        arg_max(calcium_value, calcium_order) FILTER (WHERE is_calcium) AS calcium,
        max(calcium_day) FILTER (WHERE is_calcium) AS calcium_date,
        max(CASE WHEN has_npcr THEN 1 ELSE 0 END) AS has_npcr,
        arg_max(sessions_delivered, submission) FILTER (WHERE sessions_delivered IS NOT NULL)
            AS sessions_delivered
    FROM judged
    GROUP BY patient_today, facilityid, month
),

-- 2.19.5: a day of the month, one of the six kinds of professional, and the name.
reconciled AS (
    SELECT DISTINCT coalesce(m.patient_id, r.patient_id) AS patient_id, r.facilityid, r.month
    FROM raw.eqrs_medication_reconciliation AS r
    LEFT JOIN linkage.earlier_patient AS m
        ON m.earlier_patient_id = r.patient_id AND m.performance_year = $performance_year
    WHERE r.performance_year BETWEEN $performance_year - 1 AND $performance_year
        AND r.month >= (SELECT first_month FROM period)
        AND r.reconciliation_date >= r.month
        AND r.reconciliation_date <= last_day(r.month)
        AND r.clinician_type <> 'other'
        AND trim(r.clinician_name) <> ''
),

-- 2.1.12: the last access type reported in the month. A record without a type does not count.
access AS (
    SELECT
        coalesce(m.patient_id, a.patient_id) AS patient_id,
        a.facilityid,
        a.month,
        arg_max(
            a.access_type,
            greatest(
                least(
                    CAST(
                        date_diff('day', p.first_day, coalesce(a.access_date, a.month)) AS BIGINT
                    ),
                    800
                ),
                0
            )
            * 10000000000000000
            + CAST(a.record_number AS BIGINT) * 2
            + CASE WHEN m.patient_id IS NULL THEN 1 ELSE 0 END
        ) AS access_type,
        max(coalesce(a.access_date, a.month)) AS access_date
    FROM raw.eqrs_vascular_access AS a
    CROSS JOIN period AS p
    LEFT JOIN linkage.earlier_patient AS m
        ON m.earlier_patient_id = a.patient_id AND m.performance_year = $performance_year
    WHERE a.performance_year BETWEEN $performance_year - 1 AND $performance_year
        AND a.month >= p.first_month
        AND a.access_type IS NOT NULL
    GROUP BY coalesce(m.patient_id, a.patient_id), a.facilityid, a.month
),

-- Everything a facility reported for a month.
reported AS (
    SELECT
        coalesce(c.patient_id, a.patient_id, m.patient_id) AS patient_id,
        coalesce(c.facilityid, a.facilityid, m.facilityid) AS facilityid,
        coalesce(c.month, a.month, m.month) AS month,
        c.hd_ktv,
        c.hd_ktv_date,
        c.pd_ktv,
        c.pd_ktv_date,
        coalesce(c.is_frequent, 0) AS is_frequent,
        coalesce(c.has_calcium, 0) AS has_calcium,
        c.calcium,
        c.calcium_date,
        coalesce(c.has_npcr, 0) AS has_npcr,
        CASE WHEN m.patient_id IS NULL THEN 0 ELSE 1 END AS is_reconciled,
        c.sessions_delivered,
        a.access_type,
        a.access_date
    FROM clinical AS c
    FULL JOIN access AS a
        ON a.patient_id = c.patient_id AND a.facilityid = c.facilityid AND a.month = c.month
    FULL JOIN reconciled AS m
        ON m.patient_id = coalesce(c.patient_id, a.patient_id)
        AND m.facilityid = coalesce(c.facilityid, a.facilityid)
        AND m.month = coalesce(c.month, a.month)
),

-- Two EQRS facilities may share one CCN. Only these have to be combined.
shared AS (
    SELECT program, ccn
    FROM ccn_period
    GROUP BY program, ccn
    HAVING count(DISTINCT facilityid) > 1
),

placed AS (
    SELECT
        s.program,
        s.ccn,
        h.ccn IS NOT NULL AS is_shared,
        s.place,
        p.*
    FROM reported AS p
    JOIN ccn_period AS s
        ON s.facilityid = p.facilityid AND s.start_date <= p.month AND s.end_date >= p.month
    LEFT JOIN shared AS h ON h.program = s.program AND h.ccn = s.ccn
),

ordered AS (
    SELECT
        *,
        CAST(date_diff('day', DATE '2000-01-01', hd_ktv_date) AS BIGINT) * 1000000000
        + place AS hd_order,
        CAST(date_diff('day', DATE '2000-01-01', pd_ktv_date) AS BIGINT) * 1000000000
        + place AS pd_order,
        CAST(date_diff('day', DATE '2000-01-01', calcium_date) AS BIGINT) * 1000000000
        + place AS calcium_order,
        CAST(date_diff('day', DATE '2000-01-01', access_date) AS BIGINT) * 1000000000
        + place AS access_order
    FROM placed
    WHERE is_shared
)

SELECT
    program,
    patient_id,
    month,
    ccn,
    $performance_year AS performance_year,
    hd_ktv,
    hd_ktv_date,
    pd_ktv,
    pd_ktv_date,
    is_frequent = 1 AS is_frequent,
    has_calcium = 1 AS has_calcium,
    calcium,
    calcium_date,
    has_npcr = 1 AS has_npcr,
    is_reconciled = 1 AS has_reconciliation,
    sessions_delivered,
    access_type,
    access_date
FROM placed
WHERE NOT is_shared
UNION ALL
SELECT
    program,
    patient_id,
    month,
    ccn,
    $performance_year AS performance_year,
    arg_max(hd_ktv, hd_order) FILTER (WHERE hd_ktv IS NOT NULL) AS hd_ktv,
    max(hd_ktv_date) AS hd_ktv_date,
    arg_max(pd_ktv, pd_order) FILTER (WHERE pd_ktv IS NOT NULL) AS pd_ktv,
    max(pd_ktv_date) AS pd_ktv_date,
    max(is_frequent) = 1 AS is_frequent,
    max(has_calcium) = 1 AS has_calcium,
    arg_max(calcium, calcium_order) FILTER (WHERE calcium IS NOT NULL) AS calcium,
    max(calcium_date) AS calcium_date,
    max(has_npcr) = 1 AS has_npcr,
    max(is_reconciled) = 1 AS has_reconciliation,
    CAST(sum(sessions_delivered) AS BIGINT) AS sessions_delivered,
    arg_max(access_type, access_order) FILTER (WHERE access_type IS NOT NULL) AS access_type,
    max(access_date) AS access_date
FROM ordered
GROUP BY program, patient_id, month, ccn
