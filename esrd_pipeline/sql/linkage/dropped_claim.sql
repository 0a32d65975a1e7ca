-- One row: a claim in the files of the year or the one before that is not counted, and why. Manual
-- 2.1.10, 2.15.9 (final action claims); 2.13.11 and its like count what is submitted, once.
-- Readings: a year's files may hold claims of the months after it, which the next year's files hold
-- again: the later files' copy counts. A replacement (frequency 7) or cancellation (8) stands in
-- place of the claims of the same beneficiary, provider, claim type and first day; of several
-- replacements the last counts, by its number: numbers of identifiers that are text have no order in
-- time, so that of two in one year's files one counts, always the same.
WITH
institutional AS (
    SELECT
        performance_year AS claim_year,
        clm_id,
        bene_id,
        nch_clm_type_cd AS claim_type,
        coalesce(prvdr_num, '') AS prvdr_num,
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
        coalesce(upper(dml_ind), '') AS change,
        coalesce(upper(final_action), '') AS final_action
    FROM raw.carrier_claim
    WHERE performance_year BETWEEN $performance_year - 1 AND $performance_year
),

institutional_now AS (
    SELECT clm_id FROM institutional WHERE claim_year = $performance_year
),

carrier_now AS (
    SELECT clm_id FROM carrier WHERE claim_year = $performance_year
),

-- The last replacement or cancellation of the claims it stands for.
correction AS (
    SELECT
        bene_id,
        claim_type,
        prvdr_num,
        from_date,
        clm_id,
        frequency,
        row_number() OVER (
            PARTITION BY bene_id, claim_type, prvdr_num, from_date
            ORDER BY frequency DESC, claim_year DESC, clm_id DESC
        ) AS place
    FROM institutional
    WHERE frequency IN ('7', '8') AND change <> 'DELETE' AND final_action <> 'N'
),

judged AS (
    SELECT
        'institutional' AS source,
        i.claim_year,
        i.clm_id,
        CASE
            WHEN i.claim_year < $performance_year AND n.clm_id IS NOT NULL
                THEN 'claim_in_later_files'
            WHEN i.change = 'DELETE' THEN 'claim_deleted'
            WHEN i.final_action = 'N' THEN 'claim_not_final'
            WHEN i.frequency = '8' THEN 'claim_cancels_another'
            WHEN i.claim_type NOT IN ('10', '20', '30', '40', '50', '60', '61', '62', '63', '64')
                THEN 'claim_type_unknown'
            WHEN r.clm_id <> i.clm_id AND r.frequency = '8' THEN 'claim_cancelled'
            WHEN r.clm_id <> i.clm_id THEN 'claim_replaced'
        END AS reason
    FROM institutional AS i
    LEFT JOIN institutional_now AS n ON n.clm_id = i.clm_id
    LEFT JOIN correction AS r
        ON r.place = 1
        AND r.bene_id = i.bene_id
        AND r.claim_type = i.claim_type
        AND r.prvdr_num = i.prvdr_num
        AND r.from_date = i.from_date
    UNION ALL
    SELECT
        'carrier' AS source,
        i.claim_year,
        i.clm_id,
        CASE
            WHEN i.claim_year < $performance_year AND n.clm_id IS NOT NULL
                THEN 'claim_in_later_files'
            WHEN i.change = 'DELETE' THEN 'claim_deleted'
            WHEN i.final_action = 'N' THEN 'claim_not_final'
        END AS reason
    FROM carrier AS i
    LEFT JOIN carrier_now AS n ON n.clm_id = i.clm_id
)

SELECT source, claim_year, clm_id, $performance_year AS performance_year, reason
FROM judged
WHERE reason IS NOT NULL
