-- One row: a claim that counts, from the files of the year and the one before, whose it is by the
-- newest linkage, and its days. Manual 3.2.1. A claim is here once, whatever files hold it
-- (linkage.dropped_claim has the others).
-- Readings: whose a claim is follows from what is known at the calculation, not from what was known
-- when its year was first computed; claims of managed care that hospitals submit (types 61 to 64)
-- are inpatient claims, as the manual wants of Medicare Advantage.
WITH
beneficiary AS (
    SELECT bene_id, patient_id
    FROM linkage.beneficiary
    WHERE performance_year = $performance_year
),

dropped AS (
    SELECT source, claim_year, clm_id
    FROM linkage.dropped_claim
    WHERE performance_year = $performance_year
)

SELECT
    'institutional' AS source,
    c.clm_id,
    c.performance_year AS claim_year,
    CASE
        WHEN c.nch_clm_type_cd IN ('61', '62', '63', '64') THEN '60' ELSE c.nch_clm_type_cd
    END AS claim_type,
    b.patient_id,
    c.clm_from_dt AS from_date,
    coalesce(c.clm_admsn_dt, c.clm_from_dt) AS admit_date,
    c.clm_thru_dt AS last_date,
    coalesce(c.clm_mco_pd_sw, '0') = '1'
    OR c.nch_clm_type_cd IN ('61', '62', '63', '64') AS is_managed_care,
    $performance_year AS performance_year
FROM raw.claim AS c
JOIN beneficiary AS b ON b.bene_id = c.bene_id
LEFT JOIN dropped AS d
    ON d.source = 'institutional' AND d.claim_year = c.performance_year AND d.clm_id = c.clm_id
WHERE c.performance_year BETWEEN $performance_year - 1 AND $performance_year
    AND d.clm_id IS NULL
UNION ALL
SELECT
    'carrier' AS source,
    c.clm_id,
    c.performance_year AS claim_year,
    'carrier' AS claim_type,
    b.patient_id,
    c.clm_from_dt AS from_date,
    c.clm_from_dt AS admit_date,
    c.clm_thru_dt AS last_date,
    FALSE AS is_managed_care,
    $performance_year AS performance_year
FROM raw.carrier_claim AS c
JOIN beneficiary AS b ON b.bene_id = c.bene_id
LEFT JOIN dropped AS d
    ON d.source = 'carrier' AND d.claim_year = c.performance_year AND d.clm_id = c.clm_id
WHERE c.performance_year BETWEEN $performance_year - 1 AND $performance_year
    AND d.clm_id IS NULL
