-- One row: a month of one patient at one facility of a program, as the facility billed it: the
-- primary modality by the seven steps. Manual 3.1.1, Table 15. A month with one claim has that
-- claim's modality; the lines of several claims are combined (step 2) and counted again.
-- Reading 91: claims that Medicare paid.
WITH
billed AS (
    SELECT *
    FROM history.dialysis_claim
    WHERE performance_year = $performance_year
        AND ccn IS NOT NULL
        AND is_paid
        AND month >= make_date($performance_year, 1, 1)
),

month_of_claims AS (
    SELECT
        program,
        patient_id,
        month,
        ccn,
        count(*) AS claim_count,
        min(modality) AS modality,
        min(sessions) AS sessions,
        max(CASE WHEN is_mixed THEN 1 ELSE 0 END) AS is_mixed,
        max(in_center_codes) AS most_codes
    FROM billed
    GROUP BY program, patient_id, month, ccn
),

-- Step 6b: the claim with most in-center codes decides whether at home; of several, all must be.
home_month AS (
    SELECT b.program, b.patient_id, b.month, b.ccn
    FROM billed AS b
    JOIN month_of_claims AS m
        ON m.program = b.program
        AND m.patient_id = b.patient_id
        AND m.month = b.month
        AND m.ccn = b.ccn
        AND m.most_codes = b.in_center_codes
    GROUP BY b.program, b.patient_id, b.month, b.ccn
    HAVING min(CASE WHEN b.is_home THEN 1 ELSE 0 END) = 1
),

several AS (
    SELECT b.program, b.patient_id, b.month, b.ccn, b.clm_id, b.claim_year
    FROM billed AS b
    JOIN month_of_claims AS m
        ON m.program = b.program
        AND m.patient_id = b.patient_id
        AND m.month = b.month
        AND m.ccn = b.ccn
    WHERE m.claim_count > 1
),

-- Table 15: each type of code once a day, over all claims of the month.
line_day AS (
    SELECT
        s.program,
        s.patient_id,
        s.month,
        s.ccn,
        l.rev_cntr_dt,
        CASE WHEN l.rev_cntr_dt IS NULL THEN l.clm_id ELSE 0 END AS line_claim,
        CASE WHEN l.rev_cntr_dt IS NULL THEN l.clm_line_num ELSE 0 END AS line_number,
        max(CASE WHEN t.is_composite = 'true' THEN 1 ELSE 0 END) AS is_composite,
        max(CASE WHEN t.is_composite = 'true' AND t.modality = 'in-center hemodialysis'
            THEN 1 ELSE 0 END) AS composite_hd,
        max(CASE WHEN t.is_composite = 'true' AND t.modality = 'peritoneal dialysis'
            THEN 1 ELSE 0 END) AS composite_pd,
        max(CASE WHEN t.is_composite = 'true' AND t.modality = 'other peritoneal dialysis'
            THEN 1 ELSE 0 END) AS composite_other,
        max(CASE WHEN t.modality = 'in-center hemodialysis' THEN 1 ELSE 0 END) AS any_in_center,
        max(CASE WHEN t.modality = 'home hemodialysis' THEN 1 ELSE 0 END) AS any_home,
        max(CASE WHEN t.modality = 'peritoneal dialysis' THEN 1 ELSE 0 END) AS any_pd,
        max(CASE WHEN t.modality = 'other peritoneal dialysis' THEN 1 ELSE 0 END) AS any_other,
        max(CASE WHEN t.modality = 'undetermined' THEN 1 ELSE 0 END) AS any_undetermined
    FROM several AS s
    JOIN raw.claim_revenue AS l
        ON l.clm_id = s.clm_id
        AND l.performance_year = s.claim_year
        AND l.performance_year BETWEEN $performance_year - 1 AND $performance_year
    JOIN parameter.dialysis_revenue_center AS t ON t.rev_cntr = l.rev_cntr
    GROUP BY
        s.program,
        s.patient_id,
        s.month,
        s.ccn,
        l.rev_cntr_dt,
        CASE WHEN l.rev_cntr_dt IS NULL THEN l.clm_id ELSE 0 END,
        CASE WHEN l.rev_cntr_dt IS NULL THEN l.clm_line_num ELSE 0 END
),

-- Step 2d: different types on one day do not count; composite codes take precedence.
counted AS (
    SELECT
        program,
        patient_id,
        month,
        ccn,
        max(is_composite) AS has_composite,
        sum(
            CASE WHEN composite_hd + composite_pd + composite_other = 1
                THEN composite_hd ELSE 0 END
        )
            AS composite_hd,
        sum(
            CASE WHEN composite_hd + composite_pd + composite_other = 1
                THEN composite_pd ELSE 0 END
        )
            AS composite_pd,
        sum(
            CASE WHEN composite_hd + composite_pd + composite_other = 1
                THEN composite_other ELSE 0 END
        ) AS composite_other,
        sum(
            CASE
                WHEN any_in_center + any_home + any_pd + any_other + any_undetermined = 1
                    THEN any_in_center + any_home
                ELSE 0
            END
        ) AS other_hd,
        sum(
            CASE
                WHEN any_in_center + any_home + any_pd + any_other + any_undetermined = 1
                    THEN any_pd + any_other
                ELSE 0
            END
        ) AS other_pd,
        max(greatest(any_in_center, any_home)) + max(greatest(any_pd, any_other)) > 1 AS is_mixed
    FROM line_day
    GROUP BY program, patient_id, month, ccn
)

SELECT
    m.program,
    m.patient_id,
    m.month,
    m.ccn,
    $performance_year AS performance_year,
    m.claim_count,
    CASE
        WHEN m.claim_count = 1 THEN m.modality
        WHEN j.modality = 'hemodialysis' AND h.ccn IS NOT NULL THEN 'home hemodialysis'
        WHEN j.modality = 'hemodialysis' THEN 'in-center hemodialysis'
        ELSE coalesce(j.modality, 'undetermined')
    END AS modality,
    CASE WHEN m.claim_count = 1 THEN m.is_mixed = 1 ELSE coalesce(j.is_mixed, false) END
        AS is_mixed,
    CASE
        WHEN m.claim_count = 1 THEN m.sessions
        WHEN j.modality = 'hemodialysis' THEN j.sessions
    END AS sessions
FROM month_of_claims AS m
LEFT JOIN shared.judged_dialysis AS j
    ON j.program = m.program
    AND j.patient_id = m.patient_id
    AND j.month = m.month
    AND j.ccn = m.ccn
LEFT JOIN home_month AS h
    ON h.program = m.program
    AND h.patient_id = m.patient_id
    AND h.month = m.month
    AND h.ccn = m.ccn
