-- One row: a diagnosis of a claim of linkage.claim, institutional or carrier; null where a claim has
-- fewer. `is_laboratory`: the claim of a laboratory, which is not evidence of a condition (Table 7,
-- footnote 2; history.laboratory_claim). Manual 3.2.1.
WITH
laboratory AS (
    SELECT claim_year, claim_type, clm_id
    FROM history.laboratory_claim
    WHERE performance_year = $performance_year
)

SELECT
    k.patient_id,
    k.claim_type,
    k.clm_id,
    k.from_date,
    k.last_date,
    l.clm_id IS NOT NULL AS is_laboratory,
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
UNION ALL
SELECT
    k.patient_id,
    k.claim_type,
    k.clm_id,
    k.from_date,
    k.last_date,
    l.clm_id IS NOT NULL AS is_laboratory,
    unnest([
        c.prncpal_dgns_cd, c.icd_dgns_cd1, c.icd_dgns_cd2, c.icd_dgns_cd3, c.icd_dgns_cd4,
        c.icd_dgns_cd5, c.icd_dgns_cd6, c.icd_dgns_cd7, c.icd_dgns_cd8, c.icd_dgns_cd9,
        c.icd_dgns_cd10, c.icd_dgns_cd11, c.icd_dgns_cd12
    ]) AS code
FROM linkage.claim AS k
JOIN raw.carrier_claim AS c ON c.clm_id = k.clm_id AND c.performance_year = k.claim_year
LEFT JOIN laboratory AS l
    ON l.claim_type = k.claim_type AND l.clm_id = k.clm_id AND l.claim_year = k.claim_year
WHERE k.performance_year = $performance_year
    AND k.source = 'carrier'
    AND c.performance_year BETWEEN $performance_year - 1 AND $performance_year
