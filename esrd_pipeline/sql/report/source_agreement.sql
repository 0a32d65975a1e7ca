-- One row: a facility, a month and a kind of fact, and how many of these facts EQRS knows, Medicare's
-- claims and enrollment know, and a third source where there is one. Manual 2.3.12, 2.8.12, 3.1.1,
-- 3.1.2, 3.1.6, 3.2.1 name the sources; section 2.18.10 NHSN's. Facilities by the rules of the
-- Dialysis Facility Measures.
-- Reading 205: a fact that claims cannot hold is not missing from them. In a month that Medicare
-- does not cover by 2.13.10.1, or that is Medicare Advantage's, nothing is expected of claims; nor
-- is a death of who is no beneficiary.
-- Reading 206: deaths, transplants and first services (history.source_event) are those of a facility
-- that treated the patient near the day.
-- Reading 207: two sources agree if sessions are as many, if Kt/V is the same to the two decimals of
-- a claim, and if the access is of one class (V5 a catheter, alone or not, V6 a graft, V7 a fistula:
-- the modifier of the last hemodialysis line that has one).
-- Reading 208: NHSN names no patient. It counts in the kind `reporting` alone, as one fact a
-- facility and month: a quarter of three accurate months, or of none, tells of each of its months.
WITH
rule AS (
    SELECT
        CAST(8.5 AS DOUBLE) AS most_ktv,
        make_date($performance_year, 1, 1) AS first_day,
        make_date($performance_year, 12, 31) AS last_day
),

calendar AS (
    SELECT month, month_end
    FROM history.calendar_month
    WHERE performance_year = $performance_year
),

expected AS (
    SELECT patient_id, month
    FROM history.medicare_month
    WHERE performance_year = $performance_year AND is_covered AND NOT is_ma
),

beneficiary AS (
    SELECT DISTINCT patient_id
    FROM linkage.beneficiary
    WHERE performance_year = $performance_year
),

claim AS (
    SELECT
        d.clm_id,
        d.claim_year,
        d.patient_id,
        d.ccn,
        d.month,
        CASE WHEN d.ktv_value <= r.most_ktv THEN CAST(round(100 * d.ktv_value) AS BIGINT) END
            AS ktv,
        date_diff('day', DATE '2000-01-01', d.thru_date) AS thru_day
    FROM history.dialysis_claim AS d
    CROSS JOIN rule AS r
    WHERE d.performance_year = $performance_year
        AND d.program = 'dfc'
        AND d.ccn IS NOT NULL
        AND d.month BETWEEN r.first_day AND r.last_day
),

clinical AS (
    SELECT
        c.patient_id,
        c.month,
        c.ccn,
        c.sessions_delivered AS sessions,
        CAST(round(100 * c.hd_ktv) AS BIGINT) AS hd_ktv,
        CAST(round(100 * c.pd_ktv) AS BIGINT) AS pd_ktv,
        CASE
            WHEN c.access_type IN (
                'AV Fistula Only',
                'AVFONLY',
                'AV Fistula Only (with 2 Needles)',
                'AV Fistula single needle device',
                'AVFSINGLE'
            ) THEN 'V7'
            WHEN c.access_type IN ('AV Graft Only', 'AVGONLY') THEN 'V6'
            WHEN c.access_type NOT IN ('Other/Unknown', 'OTHERUNKNOWN') THEN 'V5'
        END AS access
    FROM history.clinical_month AS c
    CROSS JOIN rule AS r
    WHERE c.performance_year = $performance_year
        AND c.program = 'dfc'
        AND c.month BETWEEN r.first_day AND r.last_day
),

eqrs_patient AS (
    SELECT DISTINCT a.patient_id, m.month, a.ccn, TRUE AS in_eqrs
    FROM history.admitted AS a
    JOIN calendar AS m ON a.start_date <= m.month_end AND a.end_date >= m.month
    WHERE a.performance_year = $performance_year AND a.program = 'dfc'
),

claim_patient AS (
    SELECT
        patient_id,
        month,
        ccn,
        TRUE AS in_claims,
        arg_max(ktv, thru_day * 1000 + ktv) FILTER (WHERE ktv IS NOT NULL) AS claims_ktv
    FROM claim
    GROUP BY patient_id, month, ccn
),

claim_sessions AS (
    SELECT patient_id, month, ccn, sessions AS claims_sessions
    FROM history.claims_modality
    WHERE performance_year = $performance_year AND program = 'dfc' AND sessions IS NOT NULL
),

claim_access AS (
    SELECT
        c.patient_id,
        c.month,
        c.ccn,
        arg_max(
            l.hcpcs_1st_mdfr_cd,
            (
                date_diff('day', DATE '2000-01-01', coalesce(l.rev_cntr_dt, c.month)) * 10000000
                + l.clm_line_num
            ) * 10 + CAST(substr(l.hcpcs_1st_mdfr_cd, 2, 1) AS BIGINT)
        ) AS claims_access
    FROM raw.claim_revenue AS l
    JOIN claim AS c ON c.clm_id = l.clm_id AND c.claim_year = l.performance_year
    WHERE l.performance_year BETWEEN $performance_year - 1 AND $performance_year
        AND l.hcpcs_1st_mdfr_cd IN ('V5', 'V6', 'V7')
    GROUP BY c.patient_id, c.month, c.ccn
),

-- Facts of patients' months, each known to EQRS, claims or both. Amounts are sessions.
monthly AS (
    SELECT
        'patients' AS kind,
        patient_id,
        month,
        ccn,
        in_eqrs IS NOT NULL AS in_eqrs,
        in_claims IS NOT NULL AS in_claims,
        TRUE AS is_equal,
        CAST(NULL AS BIGINT) AS eqrs_amount,
        CAST(NULL AS BIGINT) AS claims_amount
    FROM eqrs_patient
    FULL JOIN claim_patient USING (patient_id, month, ccn)
    UNION ALL
    SELECT
        'sessions' AS kind,
        patient_id,
        month,
        ccn,
        sessions IS NOT NULL AS in_eqrs,
        claims_sessions IS NOT NULL AS in_claims,
        sessions = claims_sessions AS is_equal,
        sessions AS eqrs_amount,
        claims_sessions AS claims_amount
    FROM (SELECT * FROM clinical WHERE sessions IS NOT NULL) AS e
    FULL JOIN claim_sessions USING (patient_id, month, ccn)
    UNION ALL
    SELECT
        'ktv' AS kind,
        patient_id,
        month,
        ccn,
        coalesce(hd_ktv, pd_ktv) IS NOT NULL AS in_eqrs,
        claims_ktv IS NOT NULL AS in_claims,
        coalesce(hd_ktv = claims_ktv, FALSE) OR coalesce(pd_ktv = claims_ktv, FALSE) AS is_equal,
        CAST(NULL AS BIGINT) AS eqrs_amount,
        CAST(NULL AS BIGINT) AS claims_amount
    FROM (SELECT * FROM clinical WHERE coalesce(hd_ktv, pd_ktv) IS NOT NULL) AS e
    FULL JOIN (SELECT * FROM claim_patient WHERE claims_ktv IS NOT NULL) AS c
        USING (patient_id, month, ccn)
    UNION ALL
    SELECT
        'vascular_access' AS kind,
        patient_id,
        month,
        ccn,
        access IS NOT NULL AS in_eqrs,
        claims_access IS NOT NULL AS in_claims,
        access = claims_access AS is_equal,
        CAST(NULL AS BIGINT) AS eqrs_amount,
        CAST(NULL AS BIGINT) AS claims_amount
    FROM (SELECT * FROM clinical WHERE access IS NOT NULL) AS e
    FULL JOIN claim_access USING (patient_id, month, ccn)
),

fact AS (
    SELECT
        m.kind,
        m.month,
        m.ccn,
        m.in_eqrs,
        m.in_claims,
        FALSE AS in_third,
        coalesce(m.is_equal, FALSE) AS is_equal,
        x.patient_id IS NOT NULL AS is_expected,
        m.eqrs_amount,
        m.claims_amount
    FROM monthly AS m
    LEFT JOIN expected AS x ON x.patient_id = m.patient_id AND x.month = m.month
    UNION ALL
    SELECT
        e.kind,
        make_date(year(e.event_date), month(e.event_date), 1) AS month,
        e.ccn,
        e.in_eqrs,
        e.in_claims,
        e.in_third,
        e.is_equal,
        CASE
            WHEN e.kind = 'deaths' THEN n.patient_id IS NOT NULL
            ELSE x.patient_id IS NOT NULL
        END AS is_expected,
        CAST(NULL AS BIGINT) AS eqrs_amount,
        CAST(NULL AS BIGINT) AS claims_amount
    FROM history.source_event AS e
    LEFT JOIN expected AS x
        ON x.patient_id = e.patient_id
        AND x.month = make_date(year(e.event_date), month(e.event_date), 1)
    LEFT JOIN beneficiary AS n ON n.patient_id = e.patient_id
    WHERE e.performance_year = $performance_year AND e.ccn IS NOT NULL
),

judged AS (
    SELECT
        *,
        in_eqrs AND in_claims AS in_both,
        in_eqrs AND NOT in_claims AND is_expected AS in_eqrs_only,
        in_eqrs AND NOT in_claims AND NOT is_expected AS is_beyond
    FROM fact
),

counted AS (
    SELECT
        ccn,
        month,
        kind,
        count_if(in_eqrs) AS eqrs_count,
        count_if(in_claims) AS claims_count,
        count_if(in_both) AS both_count,
        count_if(in_both AND is_equal) AS equal_count,
        count_if(in_eqrs_only) AS eqrs_only_count,
        count_if(in_claims AND NOT in_eqrs) AS claims_only_count,
        count_if(is_beyond) AS not_expected_count,
        count_if(in_third) AS third_count,
        count_if(in_third AND NOT in_eqrs AND NOT in_claims) AS third_only_count,
        sum(CASE WHEN in_both THEN eqrs_amount END) AS eqrs_amount,
        sum(CASE WHEN in_both THEN claims_amount END) AS claims_amount
    FROM judged
    GROUP BY ccn, month, kind
),

nhsn AS (
    SELECT
        n.ccn,
        m.month,
        CASE
            WHEN n.months_reported = 3 THEN 1
            WHEN n.months_reported = 0 THEN 0
        END AS is_reported
    FROM raw.nhsn_bloodstream_infection AS n
    JOIN calendar AS m ON date_part('quarter', m.month) = n.quarter
    WHERE n.performance_year = $performance_year
),

reporting AS (
    SELECT
        ccn,
        month,
        max(in_eqrs) AS in_eqrs,
        max(in_claims) AS in_claims,
        max(in_nhsn) AS in_nhsn
    FROM (
        SELECT ccn, month, 1 AS in_eqrs, 0 AS in_claims, CAST(NULL AS INTEGER) AS in_nhsn
        FROM clinical
        UNION ALL
        SELECT ccn, month, 0 AS in_eqrs, 1 AS in_claims, CAST(NULL AS INTEGER) AS in_nhsn
        FROM claim
        UNION ALL
        SELECT ccn, month, 0 AS in_eqrs, 0 AS in_claims, is_reported AS in_nhsn
        FROM nhsn
    ) AS t
    GROUP BY ccn, month
)

SELECT
    ccn,
    month,
    kind,
    $performance_year AS performance_year,
    'patients' AS unit,
    eqrs_count,
    claims_count,
    both_count,
    equal_count,
    eqrs_only_count,
    claims_only_count,
    not_expected_count,
    CASE kind WHEN 'deaths' THEN 'ssa' WHEN 'transplants' THEN 'optn' END AS third_source,
    CASE WHEN kind IN ('deaths', 'transplants') THEN third_count END AS third_count,
    CASE WHEN kind IN ('deaths', 'transplants') THEN third_only_count END AS third_only_count,
    eqrs_amount,
    claims_amount
FROM counted
UNION ALL
SELECT
    ccn,
    month,
    'reporting' AS kind,
    $performance_year AS performance_year,
    'facilities' AS unit,
    in_eqrs AS eqrs_count,
    in_claims AS claims_count,
    in_eqrs * in_claims AS both_count,
    in_eqrs * in_claims AS equal_count,
    in_eqrs * (1 - in_claims) AS eqrs_only_count,
    in_claims * (1 - in_eqrs) AS claims_only_count,
    0 AS not_expected_count,
    'nhsn' AS third_source,
    in_nhsn AS third_count,
    in_nhsn * (1 - in_eqrs) * (1 - in_claims) AS third_only_count,
    CAST(NULL AS BIGINT) AS eqrs_amount,
    CAST(NULL AS BIGINT) AS claims_amount
FROM reporting
