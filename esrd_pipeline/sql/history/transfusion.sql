-- One row: a transfusion event of one patient, at most one per day. Manual 2.12.11, 2.12.19: Figure
-- 15, Table 8; codes: transfusion_code.csv. An inpatient claim is one event if it has a
-- transfusion's procedure, revenue center or value code; an outpatient claim is one if it has a
-- transfusion's HCPCS code and a revenue center, or a value code; several events of a day are one.
-- Readings: a value code of 0 pints furnished nothing (reading 127); an outpatient claim's HCPCS
-- code and revenue center need not be on the same line; the event is on the claim's first day, not
-- before the admission, so that each bill of a long stay is an event of its own; an outpatient one is
-- on the day of the first line with a transfusion's HCPCS code, where it has one within the claim's
-- days (reading 52).
WITH
-- Lines of transfusions, few of all; a day outside the claim is a mistake.
line AS (
    SELECT
        l.clm_id,
        l.performance_year,
        l.rev_cntr_dt,
        CASE WHEN r.code IS NOT NULL THEN 1 ELSE 0 END AS is_center,
        CASE WHEN h.code IS NOT NULL THEN 1 ELSE 0 END AS is_hcpcs
    FROM raw.claim_revenue AS l
    LEFT JOIN parameter.transfusion_code AS r ON r.kind = 'revenue center' AND r.code = l.rev_cntr
    LEFT JOIN parameter.transfusion_code AS h ON h.kind = 'hcpcs' AND h.code = l.hcpcs_cd
    WHERE l.performance_year BETWEEN $performance_year - 1 AND $performance_year
        AND (r.code IS NOT NULL OR h.code IS NOT NULL)
),

billed AS (
    SELECT
        l.clm_id,
        l.performance_year,
        max(l.is_center) AS has_center,
        max(l.is_hcpcs) AS has_hcpcs,
        min(CASE
            WHEN l.is_hcpcs = 1 AND l.rev_cntr_dt BETWEEN k.from_date AND k.last_date
                THEN l.rev_cntr_dt
        END) AS service_date
    FROM line AS l
    JOIN linkage.claim AS k
        ON k.clm_id = l.clm_id
        AND k.claim_year = l.performance_year
        AND k.performance_year = $performance_year
        AND k.source = 'institutional'
    GROUP BY l.clm_id, l.performance_year
),

furnished AS (
    SELECT DISTINCT v.clm_id, v.performance_year
    FROM raw.claim_value AS v
    JOIN parameter.transfusion_code AS t ON t.kind = 'value code' AND t.code = v.clm_val_cd
    WHERE v.performance_year BETWEEN $performance_year - 1 AND $performance_year
        AND coalesce(v.clm_val_amt <> 0, true)
),

-- Only inpatient claims are asked for their procedures.
operated AS (
    SELECT DISTINCT p.clm_id, p.performance_year
    FROM (
        SELECT
            c.clm_id,
            c.performance_year,
            unnest([
                c.icd_prcdr_cd1, c.icd_prcdr_cd2, c.icd_prcdr_cd3, c.icd_prcdr_cd4,
                c.icd_prcdr_cd5, c.icd_prcdr_cd6, c.icd_prcdr_cd7, c.icd_prcdr_cd8,
                c.icd_prcdr_cd9, c.icd_prcdr_cd10, c.icd_prcdr_cd11, c.icd_prcdr_cd12,
                c.icd_prcdr_cd13, c.icd_prcdr_cd14, c.icd_prcdr_cd15, c.icd_prcdr_cd16,
                c.icd_prcdr_cd17, c.icd_prcdr_cd18, c.icd_prcdr_cd19, c.icd_prcdr_cd20,
                c.icd_prcdr_cd21, c.icd_prcdr_cd22, c.icd_prcdr_cd23, c.icd_prcdr_cd24,
                c.icd_prcdr_cd25
            ]) AS code
        FROM raw.claim AS c
        WHERE c.performance_year BETWEEN $performance_year - 1 AND $performance_year
            AND c.nch_clm_type_cd IN ('60', '61', '62', '63', '64')
    ) AS p
    JOIN parameter.transfusion_code AS t ON t.kind = 'procedure' AND t.code = p.code
),

event AS (
    SELECT
        k.patient_id,
        CASE
            WHEN k.claim_type <> '40' THEN greatest(k.from_date, k.admit_date)
            ELSE coalesce(l.service_date, k.from_date)
        END AS transfusion_date,
        CASE WHEN k.claim_type = '60' THEN 1 ELSE 0 END AS is_inpatient
    FROM linkage.claim AS k
    LEFT JOIN billed AS l ON l.clm_id = k.clm_id AND l.performance_year = k.claim_year
    LEFT JOIN furnished AS f ON f.clm_id = k.clm_id AND f.performance_year = k.claim_year
    LEFT JOIN operated AS o ON o.clm_id = k.clm_id AND o.performance_year = k.claim_year
    WHERE k.performance_year = $performance_year
        AND (
            (
                k.claim_type = '60'
                AND (l.has_center = 1 OR f.clm_id IS NOT NULL OR o.clm_id IS NOT NULL)
            )
            OR (
                k.claim_type = '40'
                AND ((l.has_center = 1 AND l.has_hcpcs = 1) OR f.clm_id IS NOT NULL)
            )
        )
)

SELECT
    patient_id,
    transfusion_date,
    $performance_year AS performance_year,
    max(is_inpatient) = 1 AS is_inpatient,
    count(*) AS claim_count
FROM event
WHERE transfusion_date BETWEEN make_date($performance_year, 1, 1)
    AND make_date($performance_year, 12, 31)
GROUP BY patient_id, transfusion_date
