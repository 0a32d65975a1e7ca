-- One row: a transfusion event of the year, of some patients, with the claims that show it.
-- Manual 2.12.11, 2.12.19, Table 8. A claim shows it as history.transfusion finds it: an inpatient
-- one on its first day, not before the admission, an outpatient one on the first day of a line with
-- a transfusion's HCPCS code within its days, else on its first day. $patients are the patients'
-- numbers.
WITH
event AS (
    SELECT patient_id, transfusion_date, is_inpatient
    FROM history.transfusion
    WHERE performance_year = $performance_year
        AND transfusion_date >= make_date($performance_year, 1, 1)
        AND patient_id IN (SELECT unnest($patients))
),

claim AS (
    SELECT patient_id, clm_id, claim_year, claim_type, from_date, admit_date, last_date
    FROM linkage.claim
    WHERE performance_year = $performance_year
        AND claim_type IN ('40', '60')
        AND patient_id IN (SELECT unnest($patients))
),

line AS (
    SELECT
        c.clm_id,
        c.claim_year,
        max(CASE WHEN t.kind = 'revenue center' THEN 1 ELSE 0 END) AS has_center,
        max(CASE WHEN t.kind = 'hcpcs' THEN 1 ELSE 0 END) AS has_hcpcs,
        min(CASE
            WHEN t.kind = 'hcpcs' AND l.rev_cntr_dt BETWEEN c.from_date AND c.last_date
                THEN l.rev_cntr_dt
        END) AS service_date
    FROM claim AS c
    JOIN raw.claim_revenue AS l ON l.clm_id = c.clm_id AND l.performance_year = c.claim_year
    JOIN parameter.transfusion_code AS t
        ON (t.kind = 'revenue center' AND t.code = l.rev_cntr)
        OR (t.kind = 'hcpcs' AND t.code = l.hcpcs_cd)
    WHERE l.performance_year BETWEEN $performance_year - 1 AND $performance_year
    GROUP BY c.clm_id, c.claim_year
),

furnished AS (
    SELECT DISTINCT c.clm_id, c.claim_year
    FROM claim AS c
    JOIN raw.claim_value AS v ON v.clm_id = c.clm_id AND v.performance_year = c.claim_year
    JOIN parameter.transfusion_code AS t ON t.kind = 'value code' AND t.code = v.clm_val_cd
    WHERE v.performance_year BETWEEN $performance_year - 1 AND $performance_year
        AND coalesce(v.clm_val_amt <> 0, true)
),

operated AS (
    SELECT DISTINCT c.clm_id, c.claim_year
    FROM claim AS c
    JOIN raw.claim AS r ON r.clm_id = c.clm_id AND r.performance_year = c.claim_year
    JOIN parameter.transfusion_code AS t
        ON t.kind = 'procedure'
        AND t.code IN (
            r.icd_prcdr_cd1, r.icd_prcdr_cd2, r.icd_prcdr_cd3, r.icd_prcdr_cd4, r.icd_prcdr_cd5,
            r.icd_prcdr_cd6, r.icd_prcdr_cd7, r.icd_prcdr_cd8, r.icd_prcdr_cd9, r.icd_prcdr_cd10,
            r.icd_prcdr_cd11, r.icd_prcdr_cd12, r.icd_prcdr_cd13, r.icd_prcdr_cd14,
            r.icd_prcdr_cd15, r.icd_prcdr_cd16, r.icd_prcdr_cd17, r.icd_prcdr_cd18,
            r.icd_prcdr_cd19, r.icd_prcdr_cd20, r.icd_prcdr_cd21, r.icd_prcdr_cd22,
            r.icd_prcdr_cd23, r.icd_prcdr_cd24, r.icd_prcdr_cd25
        )
    WHERE r.performance_year BETWEEN $performance_year - 1 AND $performance_year
),

shown AS (
    SELECT
        c.patient_id,
        c.clm_id,
        CASE
            WHEN c.claim_type <> '40' THEN greatest(c.from_date, c.admit_date)
            ELSE coalesce(l.service_date, c.from_date)
        END AS transfusion_date
    FROM claim AS c
    LEFT JOIN line AS l ON l.clm_id = c.clm_id AND l.claim_year = c.claim_year
    LEFT JOIN furnished AS f ON f.clm_id = c.clm_id AND f.claim_year = c.claim_year
    LEFT JOIN operated AS o ON o.clm_id = c.clm_id AND o.claim_year = c.claim_year
    WHERE f.clm_id IS NOT NULL
        OR (c.claim_type = '40' AND l.has_center = 1 AND l.has_hcpcs = 1)
        OR (c.claim_type = '60' AND (l.has_center = 1 OR o.clm_id IS NOT NULL))
),

-- A year's files may hold a claim that the next year's hold again.
provider AS (
    SELECT DISTINCT s.patient_id, s.transfusion_date, s.clm_id, r.prvdr_num
    FROM shown AS s
    LEFT JOIN raw.claim AS r
        ON r.clm_id = s.clm_id
        AND r.performance_year BETWEEN $performance_year - 1 AND $performance_year
)

SELECT
    e.patient_id,
    e.transfusion_date AS event_date,
    CAST(NULL AS DATE) AS end_date,
    max(p.prvdr_num) AS hospital,
    string_agg(
        DISTINCT CAST(p.clm_id AS VARCHAR), ' ' ORDER BY CAST(p.clm_id AS VARCHAR)
    ) AS claims
FROM event AS e
LEFT JOIN provider AS p
    ON p.patient_id = e.patient_id AND p.transfusion_date = e.transfusion_date
GROUP BY e.patient_id, e.transfusion_date
