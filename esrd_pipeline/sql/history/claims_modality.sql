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
        max(l.is_composite) AS is_composite,
        max(l.composite_hd) AS composite_hd,
        max(l.composite_pd) AS composite_pd,
        max(l.composite_other) AS composite_other,
        max(l.any_in_center) AS any_in_center,
        max(l.any_home) AS any_home,
        max(l.any_pd) AS any_pd,
        max(l.any_other) AS any_other,
        max(l.any_undetermined) AS any_undetermined
    FROM several AS s
    JOIN shared.dialysis_line AS l
        ON l.clm_id = s.clm_id AND l.performance_year = s.claim_year
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
        sum(counted_hd) AS composite_hd,
        sum(counted_pd) AS composite_pd,
        sum(counted_other) AS composite_other,
        sum(counted_any_hd) AS other_hd,
        sum(counted_any_pd) AS other_pd,
        max(greatest(any_in_center, any_home)) + max(greatest(any_pd, any_other)) > 1 AS is_mixed
    FROM shared.counted_day AS d
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
