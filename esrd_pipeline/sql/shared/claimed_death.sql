-- One row: an institutional claim that tells of a death by its discharge status, and the day: the
-- discharge, else the claim's last day. Manual 3.1.6; reading 105.
SELECT k.patient_id, coalesce(c.nch_bene_dschrg_dt, c.clm_thru_dt) AS death_date
FROM linkage.claim AS k
JOIN raw.claim AS c ON c.clm_id = k.clm_id AND c.performance_year = k.claim_year
JOIN parameter.death_discharge_status AS d
    ON d.nch_clm_type_cd = k.claim_type AND d.ptnt_dschrg_stus_cd = c.ptnt_dschrg_stus_cd
WHERE k.performance_year = $performance_year
    AND k.source = 'institutional'
    AND c.performance_year BETWEEN $performance_year - 1 AND $performance_year
