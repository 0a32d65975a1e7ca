-- One row: a claim in the files of the year or the one before that is not counted, and why. Manual
-- 2.1.10, 2.15.9 (final action claims); 2.13.11 and its like count what is submitted, once.
-- Readings: a year's files may hold claims of the months after it, which the next year's files hold
-- again: the later files' copy counts. Claims that belong into no folder of a year
-- (claim_window.csv, data/README.md) do not count from it, and stand in no other claim's place. A
-- replacement (frequency 7) or cancellation (8) stands in place of the claims of the same
-- beneficiary, provider, claim type, type of bill and first day; what is billed anew after a
-- cancellation counts (reading 295). Of several replacements the last counts, by its number: numbers
-- of identifiers that are text have no order in time, so that of two in one year's files one counts,
-- always the same.
WITH
folder AS (
    SELECT
        max(CASE WHEN limit_name = 'late' THEN CAST(months AS INTEGER) END) AS late_months,
        max(CASE WHEN limit_name = 'run_out' THEN CAST(months AS INTEGER) END) AS run_out_months
    FROM parameter.claim_window
),

institutional AS (
    SELECT
        performance_year AS claim_year,
        clm_id,
        (year(clm_thru_dt) - performance_year) * 12 + month(clm_thru_dt) AS last_month,
        bene_id,
        nch_clm_type_cd AS claim_type,
        coalesce(prvdr_num, '') AS prvdr_num,
        coalesce(clm_fac_type_cd, '') || coalesce(clm_srvc_clsfctn_type_cd, '') AS bill_type,
        clm_from_dt AS from_date,
        clm_freq_cd AS frequency,
        coalesce(upper(dml_ind), '') AS change,
        coalesce(upper(final_action), '') AS final_action
    FROM raw.claim
    WHERE performance_year BETWEEN $performance_year - 1 AND $performance_year
),

carrier AS (
    SELECT
        performance_year AS claim_year,
        clm_id,
        (year(clm_thru_dt) - performance_year) * 12 + month(clm_thru_dt) AS last_month,
        coalesce(upper(dml_ind), '') AS change,
        coalesce(upper(final_action), '') AS final_action
    FROM raw.carrier_claim
    WHERE performance_year BETWEEN $performance_year - 1 AND $performance_year
),

institutional_now AS (
    SELECT i.clm_id
    FROM institutional AS i
    JOIN folder AS f ON i.last_month BETWEEN 1 - f.late_months AND 12 + f.run_out_months
    WHERE i.claim_year = $performance_year
),

carrier_now AS (
    SELECT i.clm_id
    FROM carrier AS i
    JOIN folder AS f ON i.last_month BETWEEN 1 - f.late_months AND 12 + f.run_out_months
    WHERE i.claim_year = $performance_year
),

correction AS (
    SELECT i.*
    FROM institutional AS i
    JOIN folder AS f ON i.last_month BETWEEN 1 - f.late_months AND 12 + f.run_out_months
    WHERE i.frequency IN ('7', '8') AND i.change <> 'DELETE' AND i.final_action <> 'N'
),

-- The last cancellation of the claims it stands for. Where none of them has a lower number, numbers
-- do not tell what was billed anew, and it stands for all.
cancelling AS (
    SELECT bene_id, claim_type, prvdr_num, bill_type, from_date, max(clm_id) AS clm_id
    FROM correction
    WHERE frequency = '8'
    GROUP BY bene_id, claim_type, prvdr_num, bill_type, from_date
),

cancellation AS (
    SELECT
        c.bene_id,
        c.claim_type,
        c.prvdr_num,
        c.bill_type,
        c.from_date,
        c.clm_id,
        c.clm_id < 0 OR c.clm_id < min(i.clm_id) AS has_no_order
    FROM institutional AS i
    JOIN cancelling AS c
        ON c.bene_id = i.bene_id
        AND c.claim_type = i.claim_type
        AND c.prvdr_num = i.prvdr_num
        AND c.bill_type = i.bill_type
        AND c.from_date = i.from_date
    WHERE i.frequency <> '8'
    GROUP BY
        c.bene_id, c.claim_type, c.prvdr_num, c.bill_type, c.from_date, c.clm_id
),

-- The last replacement that no later cancellation takes away. Below zero numbers have no order.
replacement AS (
    SELECT
        i.bene_id,
        i.claim_type,
        i.prvdr_num,
        i.bill_type,
        i.from_date,
        i.clm_id,
        row_number() OVER (
            PARTITION BY i.bene_id, i.claim_type, i.prvdr_num, i.bill_type, i.from_date
            ORDER BY i.claim_year DESC, i.clm_id DESC
        ) AS place
    FROM correction AS i
    LEFT JOIN cancellation AS c
        ON c.bene_id = i.bene_id
        AND c.claim_type = i.claim_type
        AND c.prvdr_num = i.prvdr_num
        AND c.bill_type = i.bill_type
        AND c.from_date = i.from_date
        AND (c.clm_id > i.clm_id OR c.has_no_order)
    WHERE i.frequency = '7' AND c.clm_id IS NULL
),

judged AS (
    SELECT
        'institutional' AS source,
        i.claim_year,
        i.clm_id,
        CASE
            WHEN i.claim_year < $performance_year AND n.clm_id IS NOT NULL
                THEN 'claim_in_later_files'
            WHEN i.last_month < 1 - f.late_months THEN 'claim_before_folder'
            WHEN i.last_month > 12 + f.run_out_months THEN 'claim_after_folder'
            WHEN i.change = 'DELETE' THEN 'claim_deleted'
            WHEN i.final_action = 'N' THEN 'claim_not_final'
            WHEN i.frequency = '8' THEN 'claim_cancels_another'
            WHEN i.claim_type NOT IN ('10', '20', '30', '40', '50', '60', '61', '62', '63', '64')
                THEN 'claim_type_unknown'
            WHEN c.clm_id IS NOT NULL THEN 'claim_cancelled'
            WHEN r.clm_id <> i.clm_id THEN 'claim_replaced'
        END AS reason
    FROM institutional AS i
    CROSS JOIN folder AS f
    LEFT JOIN institutional_now AS n ON n.clm_id = i.clm_id
    LEFT JOIN cancellation AS c
        ON c.bene_id = i.bene_id
        AND c.claim_type = i.claim_type
        AND c.prvdr_num = i.prvdr_num
        AND c.bill_type = i.bill_type
        AND c.from_date = i.from_date
        AND (c.clm_id > i.clm_id OR c.has_no_order)
    LEFT JOIN replacement AS r
        ON r.place = 1
        AND r.bene_id = i.bene_id
        AND r.claim_type = i.claim_type
        AND r.prvdr_num = i.prvdr_num
        AND r.bill_type = i.bill_type
        AND r.from_date = i.from_date
    UNION ALL
    SELECT
        'carrier' AS source,
        i.claim_year,
        i.clm_id,
        CASE
            WHEN i.claim_year < $performance_year AND n.clm_id IS NOT NULL
                THEN 'claim_in_later_files'
            WHEN i.last_month < 1 - f.late_months THEN 'claim_before_folder'
            WHEN i.last_month > 12 + f.run_out_months THEN 'claim_after_folder'
            WHEN i.change = 'DELETE' THEN 'claim_deleted'
            WHEN i.final_action = 'N' THEN 'claim_not_final'
        END AS reason
    FROM carrier AS i
    CROSS JOIN folder AS f
    LEFT JOIN carrier_now AS n ON n.clm_id = i.clm_id
)

SELECT source, claim_year, clm_id, $performance_year AS performance_year, reason
FROM judged
WHERE reason IS NOT NULL
