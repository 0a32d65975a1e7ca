-- One row: a transplant procedure of an inpatient claim, with the claim's days and the procedure's own
-- day, where it has one. Manual 2.13.10; procedures: transplant_procedure.csv.
SELECT
    k.patient_id,
    k.admit_date AS admission_date,
    k.last_date,
    CASE p.icd_prcdr_cd
        WHEN c.icd_prcdr_cd1 THEN c.prcdr_dt1
        WHEN c.icd_prcdr_cd2 THEN c.prcdr_dt2
        WHEN c.icd_prcdr_cd3 THEN c.prcdr_dt3
        WHEN c.icd_prcdr_cd4 THEN c.prcdr_dt4
        WHEN c.icd_prcdr_cd5 THEN c.prcdr_dt5
        WHEN c.icd_prcdr_cd6 THEN c.prcdr_dt6
        WHEN c.icd_prcdr_cd7 THEN c.prcdr_dt7
        WHEN c.icd_prcdr_cd8 THEN c.prcdr_dt8
        WHEN c.icd_prcdr_cd9 THEN c.prcdr_dt9
        WHEN c.icd_prcdr_cd10 THEN c.prcdr_dt10
        WHEN c.icd_prcdr_cd11 THEN c.prcdr_dt11
        WHEN c.icd_prcdr_cd12 THEN c.prcdr_dt12
        WHEN c.icd_prcdr_cd13 THEN c.prcdr_dt13
        WHEN c.icd_prcdr_cd14 THEN c.prcdr_dt14
        WHEN c.icd_prcdr_cd15 THEN c.prcdr_dt15
        WHEN c.icd_prcdr_cd16 THEN c.prcdr_dt16
        WHEN c.icd_prcdr_cd17 THEN c.prcdr_dt17
        WHEN c.icd_prcdr_cd18 THEN c.prcdr_dt18
        WHEN c.icd_prcdr_cd19 THEN c.prcdr_dt19
        WHEN c.icd_prcdr_cd20 THEN c.prcdr_dt20
        WHEN c.icd_prcdr_cd21 THEN c.prcdr_dt21
        WHEN c.icd_prcdr_cd22 THEN c.prcdr_dt22
        WHEN c.icd_prcdr_cd23 THEN c.prcdr_dt23
        WHEN c.icd_prcdr_cd24 THEN c.prcdr_dt24
        WHEN c.icd_prcdr_cd25 THEN c.prcdr_dt25
    END AS procedure_date
FROM linkage.claim AS k
JOIN raw.claim AS c ON c.clm_id = k.clm_id AND c.performance_year = k.claim_year
JOIN parameter.transplant_procedure AS p
    ON p.icd_prcdr_cd IN (
        c.icd_prcdr_cd1, c.icd_prcdr_cd2, c.icd_prcdr_cd3, c.icd_prcdr_cd4, c.icd_prcdr_cd5,
        c.icd_prcdr_cd6, c.icd_prcdr_cd7, c.icd_prcdr_cd8, c.icd_prcdr_cd9, c.icd_prcdr_cd10,
        c.icd_prcdr_cd11, c.icd_prcdr_cd12, c.icd_prcdr_cd13, c.icd_prcdr_cd14, c.icd_prcdr_cd15,
        c.icd_prcdr_cd16, c.icd_prcdr_cd17, c.icd_prcdr_cd18, c.icd_prcdr_cd19, c.icd_prcdr_cd20,
        c.icd_prcdr_cd21, c.icd_prcdr_cd22, c.icd_prcdr_cd23, c.icd_prcdr_cd24, c.icd_prcdr_cd25
    )
WHERE k.performance_year = $performance_year
    AND k.source = 'institutional'
    AND k.claim_type = '60'
    AND c.performance_year BETWEEN $performance_year - 1 AND $performance_year
