-- One row: a claim of the year or the one before from a laboratory, with the diagnosis tested for.
-- Manual 2.1.10, 2.2.11, Tables 1, 2, 7 and 10, footnote on Medicare claims.
-- Readings: a carrier claim whose lines are all of specialty 69 (clinical laboratory), and a
-- hospital's outpatient bill for specimens of people who are not its patients (type of bill 14).
SELECT
    performance_year AS claim_year,
    nch_clm_type_cd AS claim_type,
    clm_id,
    $performance_year AS performance_year
FROM raw.claim
WHERE performance_year BETWEEN $performance_year - 1 AND $performance_year
    AND nch_clm_type_cd = '40'
    AND clm_fac_type_cd = '1'
    AND clm_srvc_clsfctn_type_cd = '4'
UNION ALL
SELECT
    performance_year AS claim_year,
    'carrier' AS claim_type,
    clm_id,
    $performance_year AS performance_year
FROM raw.carrier_line
WHERE performance_year BETWEEN $performance_year - 1 AND $performance_year
GROUP BY performance_year, clm_id
HAVING min(CASE WHEN prvdr_spclty = '69' THEN 1 ELSE 0 END) = 1
