-- One row: an institutional claim for acute kidney injury, of the year or the one before: condition
-- code 84.
SELECT DISTINCT clm_id, performance_year
FROM raw.claim_condition
WHERE performance_year BETWEEN $performance_year - 1 AND $performance_year
    AND clm_rlt_cond_cd = '84'
