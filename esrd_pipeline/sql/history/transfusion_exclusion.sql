-- One row: a segment of one patient's days within a year of a claim with a condition that STrR
-- excludes. Manual 2.12.9, Figures 13 and 14; conditions: transfusion_exclusion.csv. Claims of any
-- kind: inpatient, skilled nursing, home health, hospice, outpatient, physician and supplier.
-- Readings: a segment begins with its claim, the claim's days included, and ends the day before
-- the anniversary of the claim's last day; overlapping or adjacent segments are joined; claims of
-- laboratories are not evidence of a condition (Table 7, footnote 2; history.laboratory_claim).
WITH
laboratory AS (
    SELECT claim_year, claim_type, clm_id
    FROM history.laboratory_claim
    WHERE performance_year = $performance_year
),

diagnosis AS (
    SELECT
        k.patient_id,
        k.from_date,
        k.last_date,
        unnest([
            c.prncpal_dgns_cd, c.icd_dgns_cd1, c.icd_dgns_cd2, c.icd_dgns_cd3, c.icd_dgns_cd4,
            c.icd_dgns_cd5, c.icd_dgns_cd6, c.icd_dgns_cd7, c.icd_dgns_cd8, c.icd_dgns_cd9,
            c.icd_dgns_cd10, c.icd_dgns_cd11, c.icd_dgns_cd12, c.icd_dgns_cd13,
            c.icd_dgns_cd14, c.icd_dgns_cd15, c.icd_dgns_cd16, c.icd_dgns_cd17,
            c.icd_dgns_cd18, c.icd_dgns_cd19, c.icd_dgns_cd20, c.icd_dgns_cd21,
            c.icd_dgns_cd22, c.icd_dgns_cd23, c.icd_dgns_cd24, c.icd_dgns_cd25
        ]) AS code
    FROM linkage.claim AS k
    JOIN raw.claim AS c ON c.clm_id = k.clm_id AND c.performance_year = k.claim_year
    LEFT JOIN laboratory AS l
        ON l.claim_type = k.claim_type AND l.clm_id = k.clm_id AND l.claim_year = k.claim_year
    WHERE k.performance_year = $performance_year
        AND k.source = 'institutional'
        AND c.performance_year BETWEEN $performance_year - 1 AND $performance_year
        AND l.clm_id IS NULL
    UNION ALL
    SELECT
        k.patient_id,
        k.from_date,
        k.last_date,
        unnest([
            c.prncpal_dgns_cd, c.icd_dgns_cd1, c.icd_dgns_cd2, c.icd_dgns_cd3, c.icd_dgns_cd4,
            c.icd_dgns_cd5, c.icd_dgns_cd6, c.icd_dgns_cd7, c.icd_dgns_cd8, c.icd_dgns_cd9,
            c.icd_dgns_cd10, c.icd_dgns_cd11, c.icd_dgns_cd12
        ]) AS code
    FROM linkage.claim AS k
    JOIN raw.carrier_claim AS c ON c.clm_id = k.clm_id AND c.performance_year = k.claim_year
    LEFT JOIN laboratory AS l
        ON l.claim_type = 'carrier' AND l.clm_id = k.clm_id AND l.claim_year = k.claim_year
    WHERE k.performance_year = $performance_year
        AND k.source = 'carrier'
        AND c.performance_year BETWEEN $performance_year - 1 AND $performance_year
        AND l.clm_id IS NULL
),

flagged AS (
    SELECT d.patient_id, d.from_date, d.last_date
    FROM diagnosis AS d
    -- The block first: three characters that a hash can join.
    JOIN parameter.transfusion_exclusion AS x
        ON substring(x.icd_10_prefix, 1, 3) = substring(d.code, 1, 3)
        AND x.icd_10_prefix = substring(d.code, 1, length(x.icd_10_prefix))
    GROUP BY d.patient_id, d.from_date, d.last_date
),

excluded AS (
    SELECT
        patient_id,
        from_date AS start_date,
        max(CAST(last_date + INTERVAL 1 YEAR AS DATE) - 1) AS end_date
    FROM flagged
    GROUP BY patient_id, from_date
),

ordered AS (
    SELECT
        *,
        max(end_date) OVER (
            PARTITION BY patient_id
            ORDER BY start_date
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS before_end
    FROM excluded
),

numbered AS (
    SELECT
        patient_id,
        start_date,
        end_date,
        sum(CASE WHEN start_date <= before_end + 1 THEN 0 ELSE 1 END) OVER (
            PARTITION BY patient_id ORDER BY start_date ROWS UNBOUNDED PRECEDING
        ) AS span
    FROM ordered
)

SELECT
    patient_id,
    min(start_date) AS start_date,
    max(end_date) AS end_date,
    $performance_year AS performance_year
FROM numbered
GROUP BY patient_id, span
