-- One row: a group of codes of one value set, and how often its codes are on institutional claims
-- of the year; each value set also has one row for the codes on claims that are in none of its
-- groups. Manual 2.1.10, 2.2.14, 2.12.9, 2.13.13, Tables 3 and 8: code lists published outside the
-- manual.
-- Readings: a group's known codes are those of CCS's ICD-10-CM 2019.1, the later ones of
-- later_code.csv and newer ones on claims. Value sets that go by CCS or by condition categories
-- have a row "younger than the map": codes on claims that the map does not hold, those of
-- later_code.csv that took their ancestor's group (reading 121; they are counted in it too) and
-- those that no list knows. "No group" is then left to codes the map knows and the value set does
-- not want. To add a list, add one SELECT to `listed`. Counts of 1 to 10 claims are null.
WITH
-- The principal diagnosis may be repeated as the first of the others.
named AS (
    SELECT
        unnest([
            CASE
                WHEN icd_dgns_cd1 IS NULL OR icd_dgns_cd1 <> prncpal_dgns_cd THEN prncpal_dgns_cd
            END,
            icd_dgns_cd1, icd_dgns_cd2, icd_dgns_cd3, icd_dgns_cd4, icd_dgns_cd5,
            icd_dgns_cd6, icd_dgns_cd7, icd_dgns_cd8, icd_dgns_cd9, icd_dgns_cd10,
            icd_dgns_cd11, icd_dgns_cd12, icd_dgns_cd13, icd_dgns_cd14, icd_dgns_cd15,
            icd_dgns_cd16, icd_dgns_cd17, icd_dgns_cd18, icd_dgns_cd19, icd_dgns_cd20,
            icd_dgns_cd21, icd_dgns_cd22, icd_dgns_cd23, icd_dgns_cd24, icd_dgns_cd25
        ]) AS code
    FROM raw.claim
    WHERE performance_year = $performance_year
),

seen AS (
    SELECT code, count(*) AS claim_count FROM named WHERE code IS NOT NULL GROUP BY code
),

operated AS (
    SELECT
        unnest([
            icd_prcdr_cd1, icd_prcdr_cd2, icd_prcdr_cd3, icd_prcdr_cd4, icd_prcdr_cd5,
            icd_prcdr_cd6, icd_prcdr_cd7, icd_prcdr_cd8, icd_prcdr_cd9, icd_prcdr_cd10,
            icd_prcdr_cd11, icd_prcdr_cd12, icd_prcdr_cd13, icd_prcdr_cd14, icd_prcdr_cd15,
            icd_prcdr_cd16, icd_prcdr_cd17, icd_prcdr_cd18, icd_prcdr_cd19, icd_prcdr_cd20,
            icd_prcdr_cd21, icd_prcdr_cd22, icd_prcdr_cd23, icd_prcdr_cd24, icd_prcdr_cd25
        ]) AS code
    FROM raw.claim
    WHERE performance_year = $performance_year
),

seen_operation AS (
    SELECT code, count(*) AS claim_count FROM operated WHERE code IS NOT NULL GROUP BY code
),

listed AS (
    SELECT
        'prevalent_condition_group, ' || specification AS value_set,
        condition_group || ': ' || label AS code_group,
        'ccs' AS system,
        category AS code,
        'has' AS use
    FROM parameter.prevalent_condition_group
    UNION ALL
    SELECT 'sfr_condition', condition, system, code, use FROM parameter.sfr_condition
    UNION ALL
    SELECT 'limited_life_diagnosis', condition, 'icd-10 prefix', icd_10_prefix, 'has'
    FROM parameter.limited_life_diagnosis
    UNION ALL
    SELECT 'transfusion_exclusion', condition, 'icd-10 prefix', icd_10_prefix, 'has'
    FROM parameter.transfusion_exclusion
    UNION ALL
    SELECT 'covid_diagnosis_code', 'COVID-19', 'icd-10 prefix', code, 'has'
    FROM parameter.covid_diagnosis_code
    UNION ALL
    SELECT
        'discharge_condition_group, ' || specification,
        condition_group || ': ' || label,
        'ccs',
        category,
        'has'
    FROM parameter.discharge_condition_group
    WHERE system = 'ccs'
    UNION ALL
    SELECT 'condition_category', 'category ' || category, 'icd-10 prefix', icd_10_prefix, 'has'
    FROM parameter.condition_category
    -- Rows without a category are exceptions to a shorter prefix.
    WHERE category IS NOT NULL
    UNION ALL
    SELECT 'index_diagnosis_exclusion', kind, 'ccs', category, 'has'
    FROM parameter.index_diagnosis_exclusion
    UNION ALL
    SELECT 'high_risk_diagnosis', label, 'ccs', category, 'has'
    FROM parameter.high_risk_diagnosis
    UNION ALL
    SELECT 'planned_readmission, diagnoses', role, 'ccs', category, 'has'
    FROM parameter.planned_readmission_category
    WHERE role LIKE '%diagnosis'
    UNION ALL
    SELECT 'planned_readmission, diagnoses', role, 'icd-10 prefix', code_prefix, 'has'
    FROM parameter.planned_readmission_code
    WHERE role LIKE '%diagnosis'
    UNION ALL
    SELECT 'planned_readmission, procedures', c.role, 'icd-10-pcs', p.code, 'has'
    FROM parameter.planned_readmission_category AS c
    JOIN parameter.ccs_procedure AS p ON p.category = c.category
    WHERE c.role LIKE '%procedure'
    UNION ALL
    SELECT 'transfusion_code', 'transfusion', 'icd-10-pcs', code, 'has'
    FROM parameter.transfusion_code
    WHERE kind = 'procedure'
    UNION ALL
    SELECT 'transplant_procedure', 'kidney transplant', 'icd-10-pcs', icd_prcdr_cd, 'has'
    FROM parameter.transplant_procedure
),

-- Every code, of procedures and diagnoses.
universe AS (
    SELECT
        CASE WHEN d.code IS NULL THEN s.code ELSE d.code END AS code,
        d.category,
        'diagnosis' AS kind,
        d.code IS NULL OR l.code IS NOT NULL AS is_younger,
        coalesce(s.claim_count, 0) AS claim_count
    FROM parameter.ccs_diagnosis AS d
    FULL JOIN seen AS s ON s.code = d.code
    LEFT JOIN parameter.later_code AS l ON l.kind = 'diagnosis' AND l.code = d.code
    UNION ALL
    SELECT
        CASE WHEN p.code IS NULL THEN s.code ELSE p.code END AS code,
        CAST(NULL AS VARCHAR) AS category,
        'procedure' AS kind,
        m.code IS NULL OR l.code IS NOT NULL AS is_younger,
        coalesce(s.claim_count, 0) AS claim_count
    FROM (SELECT DISTINCT code FROM listed WHERE system = 'icd-10-pcs') AS p
    FULL JOIN seen_operation AS s ON s.code = p.code
    LEFT JOIN parameter.ccs_procedure AS m ON m.code = s.code
    LEFT JOIN parameter.later_code AS l ON l.kind = 'procedure' AND l.code = s.code
),

grouped AS (
    SELECT l.value_set, l.code_group, u.kind, u.code, u.claim_count
    FROM listed AS l
    JOIN universe AS u ON u.kind = 'diagnosis' AND u.category = l.code
    WHERE l.system = 'ccs' AND l.use = 'has'
    UNION
    SELECT l.value_set, l.code_group, u.kind, u.code, u.claim_count
    FROM listed AS l
    -- The first character is compared on its own: it tells most codes apart at once.
    JOIN universe AS u
        ON u.kind = 'diagnosis'
        AND substring(u.code, 1, 1) = substring(l.code, 1, 1)
        AND substring(u.code, 1, length(l.code)) = l.code
    WHERE l.system = 'icd-10 prefix' AND l.use = 'has'
    UNION
    SELECT l.value_set, l.code_group, u.kind, u.code, u.claim_count
    FROM listed AS l
    JOIN universe AS u ON u.kind = 'procedure' AND u.code = l.code
    WHERE l.system = 'icd-10-pcs'
),

meant AS (
    SELECT g.value_set, g.code_group, g.kind, g.code, g.claim_count
    FROM grouped AS g
    LEFT JOIN listed AS n
        ON n.use = 'not'
        AND n.value_set = g.value_set
        AND n.code_group = g.code_group
        AND substring(g.code, 1, length(n.code)) = n.code
    WHERE n.code IS NULL
),

known AS (
    SELECT DISTINCT value_set, kind, code FROM meant
),

value_set AS (
    SELECT
        value_set,
        CASE WHEN system = 'icd-10-pcs' THEN 'procedure' ELSE 'diagnosis' END AS kind,
        max(
            CASE
                WHEN system = 'ccs' THEN 1
                WHEN value_set IN ('condition_category', 'planned_readmission, procedures') THEN 1
                ELSE 0
            END
        ) = 1 AS has_map
    FROM listed
    GROUP BY value_set, CASE WHEN system = 'icd-10-pcs' THEN 'procedure' ELSE 'diagnosis' END
),

described AS (
    SELECT
        value_set,
        code_group,
        kind,
        count(*) AS code_count,
        count(CASE WHEN claim_count > 0 THEN 1 END) AS seen_count,
        sum(claim_count) AS claim_count
    FROM meant
    GROUP BY value_set, code_group, kind
    UNION ALL
    SELECT
        v.value_set,
        'no group' AS code_group,
        v.kind,
        CAST(NULL AS BIGINT) AS code_count,
        count(*) AS seen_count,
        sum(u.claim_count) AS claim_count
    FROM value_set AS v
    JOIN universe AS u ON u.kind = v.kind AND u.claim_count > 0
    LEFT JOIN known AS k
        ON k.value_set = v.value_set AND k.kind = v.kind AND k.code = u.code
    WHERE k.code IS NULL AND NOT (v.has_map AND u.is_younger)
    GROUP BY v.value_set, v.kind
    UNION ALL
    SELECT
        v.value_set,
        'younger than the map' AS code_group,
        v.kind,
        CAST(NULL AS BIGINT) AS code_count,
        count(*) AS seen_count,
        sum(u.claim_count) AS claim_count
    FROM value_set AS v
    JOIN universe AS u ON u.kind = v.kind AND u.claim_count > 0
    WHERE v.has_map AND u.is_younger
    GROUP BY v.value_set, v.kind
)

SELECT
    value_set,
    code_group,
    $performance_year AS performance_year,
    kind,
    code_count,
    seen_count,
    CASE WHEN claim_count = 0 OR claim_count > 10 THEN claim_count END AS claim_count
FROM described
WHERE EXISTS (SELECT code FROM seen)
