-- One row: a claim of a dialysis facility (type of bill 72x) with days in the year, or of earlier
-- days in the year's files (it came late, and the year before did not see it), with its facility by
-- one program's rules: the modality of this claim alone, Kt/V, and how often the patient dialysed.
-- Manual 3.1.1 (the steps for a single claim, Table 15), 3.1.4, 2.3.14.
-- Readings: a claim counts unless Medicare refused it (a reason of non-payment but P, "payment
-- requested") or it is for acute kidney injury. Reading 91: one that Medicare accepted and paid
-- nothing for, say because another insurer paid, is evidence of Kt/V and sessions; for modality and
-- place claims are "Medicare-paid" (reading 125). Reading 92: home codes without condition code 74
-- or 75 are in center (step 6; "condition codes used to identify home HD"). Lines without a day are
-- each a day of their own; for 3.1.4 every hemodialysis code of the claim is counted; of several
-- Kt/V values or days the last in the claim's order counts.
WITH
rule AS (
    -- 3.1.4, without rounding; 8.88 marks frequent dialysis.
    SELECT
        7 AS short_days,
        4 AS frequent_codes,
        2 AS infrequent_codes,
        CAST(8.88 AS DOUBLE) AS frequent_ktv
),

claim AS (
    SELECT
        k.clm_id,
        k.claim_year,
        k.patient_id,
        c.prvdr_num,
        k.from_date,
        k.last_date AS thru_date,
        coalesce(c.clm_pmt_amt > 0, false) AND coalesce(c.clm_mco_pd_sw, '0') <> '1' AS is_paid
    FROM linkage.claim AS k
    JOIN raw.claim AS c ON c.clm_id = k.clm_id AND c.performance_year = k.claim_year
    LEFT JOIN shared.acute_claim AS a ON a.clm_id = k.clm_id AND a.performance_year = k.claim_year
    WHERE k.performance_year = $performance_year
        AND k.source = 'institutional'
        AND k.from_date <= make_date($performance_year, 12, 31)
        AND (
            k.last_date >= make_date($performance_year, 1, 1)
            OR k.claim_year = $performance_year
        )
        AND c.performance_year BETWEEN $performance_year - 1 AND $performance_year
        AND c.clm_fac_type_cd = '7'
        AND c.clm_srvc_clsfctn_type_cd = '2'
        AND coalesce(c.clm_mdcr_non_pmt_rsn_cd, 'P') = 'P'
        AND k.from_date <= k.last_date
        AND a.clm_id IS NULL
),

-- Table 15: each type of code once a day, and how many of them.
line_day AS (
    SELECT
        l.clm_id,
        l.rev_cntr_dt,
        CASE WHEN l.rev_cntr_dt IS NULL THEN l.clm_line_num ELSE 0 END AS line_number,
        max(l.is_composite) AS is_composite,
        max(l.composite_hd) AS composite_hd,
        max(l.composite_pd) AS composite_pd,
        max(l.composite_other) AS composite_other,
        max(l.any_in_center) AS any_in_center,
        max(l.any_home) AS any_home,
        max(l.any_pd) AS any_pd,
        max(l.any_other) AS any_other,
        max(l.any_undetermined) AS any_undetermined,
        sum(l.any_in_center) AS in_center_codes,
        sum(l.any_home) AS home_codes
    FROM shared.dialysis_line AS l
    JOIN claim AS c ON c.clm_id = l.clm_id AND c.claim_year = l.performance_year
    GROUP BY
        l.clm_id,
        l.rev_cntr_dt,
        CASE WHEN l.rev_cntr_dt IS NULL THEN l.clm_line_num ELSE 0 END
),

-- Step 1c: different types on one day do not count; composite codes take precedence.
counted AS (
    SELECT
        clm_id,
        max(is_composite) AS has_composite,
        sum(counted_hd) AS composite_hd,
        sum(counted_pd) AS composite_pd,
        sum(counted_other) AS composite_other,
        sum(counted_any_hd) AS other_hd,
        sum(counted_any_pd) AS other_pd,
        max(greatest(any_in_center, any_home)) + max(greatest(any_pd, any_other)) > 1 AS is_mixed,
        sum(in_center_codes) AS in_center_codes,
        sum(in_center_codes + home_codes) AS hemodialysis_codes
    FROM shared.counted_day AS d
    GROUP BY clm_id
),

-- Step 6: 74 is home, 75 is home with the patient's own machine.
home_claim AS (
    SELECT DISTINCT clm_id, performance_year
    FROM raw.claim_condition
    WHERE performance_year BETWEEN $performance_year - 1 AND $performance_year
        AND clm_rlt_cond_cd IN ('74', '75')
),

reading AS (
    SELECT clm_id, performance_year, arg_max(clm_val_amt, rlt_val_cd_seq) AS ktv_value
    FROM raw.claim_value
    WHERE performance_year BETWEEN $performance_year - 1 AND $performance_year
        AND clm_val_cd = 'D5'
        AND clm_val_amt IS NOT NULL
    GROUP BY clm_id, performance_year
),

reading_day AS (
    SELECT clm_id, performance_year, arg_max(clm_rlt_ocrnc_dt, rlt_ocrnc_cd_seq) AS ktv_date
    FROM raw.claim_occurrence
    WHERE performance_year BETWEEN $performance_year - 1 AND $performance_year
        AND clm_rlt_ocrnc_cd = '51'
        AND clm_rlt_ocrnc_dt IS NOT NULL
    GROUP BY clm_id, performance_year
),

classified AS (
    SELECT
        c.clm_id,
        c.claim_year,
        c.patient_id,
        c.prvdr_num,
        c.from_date,
        c.thru_date,
        c.is_paid,
        CASE
            WHEN j.modality = 'hemodialysis' AND h.clm_id IS NOT NULL THEN 'home hemodialysis'
            WHEN j.modality = 'hemodialysis' THEN 'in-center hemodialysis'
            ELSE coalesce(j.modality, 'undetermined')
        END AS modality,
        CASE WHEN j.modality = 'hemodialysis' THEN j.sessions END AS sessions,
        coalesce(j.is_mixed, false) AS is_mixed,
        h.clm_id IS NOT NULL AS is_home,
        coalesce(j.hemodialysis_codes, 0) AS hemodialysis_codes,
        coalesce(j.in_center_codes, 0) AS in_center_codes,
        v.ktv_value,
        o.ktv_date,
        date_diff('day', c.from_date, c.thru_date) + 1 AS days
    FROM claim AS c
    LEFT JOIN shared.judged_dialysis AS j ON j.clm_id = c.clm_id
    LEFT JOIN home_claim AS h ON h.clm_id = c.clm_id AND h.performance_year = c.claim_year
    LEFT JOIN reading AS v ON v.clm_id = c.clm_id AND v.performance_year = c.claim_year
    LEFT JOIN reading_day AS o ON o.clm_id = c.clm_id AND o.performance_year = c.claim_year
),

program AS (
    SELECT 'dfc' AS program
    UNION ALL
    SELECT 'qip' AS program
)

SELECT
    p.program,
    t.clm_id,
    t.claim_year,
    t.patient_id,
    n.ccn,
    t.from_date,
    t.thru_date,
    make_date(date_part('year', t.from_date), date_part('month', t.from_date), 1) AS month,
    $performance_year AS performance_year,
    t.is_paid,
    t.modality,
    t.is_mixed,
    t.is_home,
    t.sessions,
    t.hemodialysis_codes,
    t.in_center_codes,
    t.ktv_value,
    t.ktv_date,
    CASE
        WHEN t.modality NOT IN ('in-center hemodialysis', 'home hemodialysis') THEN NULL
        WHEN t.ktv_value = r.frequent_ktv THEN 'frequent'
        WHEN t.days <= r.short_days AND t.hemodialysis_codes >= r.frequent_codes THEN 'frequent'
        WHEN t.days <= r.short_days THEN 'usual'
        WHEN 7 * t.hemodialysis_codes >= r.frequent_codes * t.days THEN 'frequent'
        WHEN 7 * t.hemodialysis_codes <= r.infrequent_codes * t.days THEN 'infrequent'
        ELSE 'usual'
    END AS frequency
FROM classified AS t
CROSS JOIN rule AS r
CROSS JOIN program AS p
LEFT JOIN linkage.provider_number AS n
    ON n.program = p.program
    AND n.provider_number = t.prvdr_num
    AND n.performance_year = $performance_year
