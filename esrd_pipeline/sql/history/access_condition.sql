-- One row: a month of the year of one patient who had a condition of 2.2.14 on Medicare claims of
-- the twelve months before it. Manual 2.2.14, Table 2, footnotes 3 and 5; codes: sfr_condition.csv.
-- Readings: the prior 12 months are those before the reporting month, by a claim's last day; one
-- claim of any type is enough ("all Medicare Claims"), but a claim of a laboratory
-- (history.laboratory_claim) is not evidence of a condition; anemia in chronic kidney disease is
-- not included. Heart failure and other heart diseases are separate, as in Table 2 and Figure 2.
WITH
calendar AS (
    SELECT month FROM history.calendar_month WHERE performance_year = $performance_year
),

person AS (
    SELECT patient_id FROM linkage.patient WHERE performance_year = $performance_year
),

-- Codes by condition: about 1,500 of the 72,000 known ones.
listed AS (
    SELECT s.condition, d.code
    FROM parameter.sfr_condition AS s
    JOIN parameter.ccs_diagnosis AS d ON d.category = s.code
    WHERE s.system = 'ccs'
    UNION
    SELECT s.condition, d.code
    FROM parameter.sfr_condition AS s
    JOIN parameter.ccs_diagnosis AS d ON substring(d.code, 1, length(s.code)) = s.code
    WHERE s.system = 'icd-10 prefix' AND s.use = 'has'
),

meant AS (
    SELECT
        l.code,
        max(CASE WHEN l.condition = 'diabetes' THEN 1 ELSE 0 END) AS diabetes,
        max(CASE WHEN l.condition = 'heart failure' THEN 1 ELSE 0 END) AS heart_failure,
        max(CASE WHEN l.condition = 'other heart disease' THEN 1 ELSE 0 END) AS other_heart,
        max(CASE WHEN l.condition = 'peripheral vascular disease' THEN 1 ELSE 0 END) AS vascular,
        max(CASE WHEN l.condition = 'cerebrovascular disease' THEN 1 ELSE 0 END) AS cerebrovascular,
        max(CASE WHEN l.condition = 'chronic obstructive pulmonary disease' THEN 1 ELSE 0 END)
            AS pulmonary,
        max(CASE WHEN l.condition = 'anemia' THEN 1 ELSE 0 END) AS anemia,
        max(CASE WHEN l.condition = 'infection' THEN 1 ELSE 0 END) AS infection,
        max(CASE WHEN l.condition = 'drug dependence' THEN 1 ELSE 0 END) AS drug_dependence
    FROM listed AS l
    LEFT JOIN parameter.sfr_condition AS n
        ON n.use = 'not'
        AND n.condition = l.condition
        AND substring(l.code, 1, length(n.code)) = n.code
    WHERE n.code IS NULL
    GROUP BY l.code
),

coded AS (
    SELECT patient_id, last_date AS claim_day, code
    FROM shared.claim_diagnosis AS d
    WHERE NOT is_laboratory
),

-- Claims with these diagnoses, by month.
claimed AS (
    SELECT
        c.patient_id,
        date_part('year', c.claim_day) * 12 + date_part('month', c.claim_day) AS month_number,
        max(m.diabetes) AS diabetes,
        max(m.heart_failure) AS heart_failure,
        max(m.other_heart) AS other_heart,
        max(m.vascular) AS vascular,
        max(m.cerebrovascular) AS cerebrovascular,
        max(m.pulmonary) AS pulmonary,
        max(m.anemia) AS anemia,
        max(m.infection) AS infection,
        max(m.drug_dependence) AS drug_dependence
    FROM coded AS c
    JOIN meant AS m ON m.code = c.code
    JOIN person AS p ON p.patient_id = c.patient_id
    GROUP BY
        c.patient_id,
        date_part('year', c.claim_day) * 12 + date_part('month', c.claim_day)
),

-- The year's months together with those of claims, so that a window reads the months before each.
placed AS (
    SELECT
        patient_id, month_number, diabetes, heart_failure, other_heart, vascular,
        cerebrovascular, pulmonary, anemia, infection, drug_dependence, 0 AS asked
    FROM claimed
    UNION ALL
    SELECT
        p.patient_id, $performance_year * 12 + date_part('month', t.month),
        0, 0, 0, 0, 0, 0, 0, 0, 0, 1
    FROM (SELECT DISTINCT patient_id FROM claimed) AS p
    CROSS JOIN calendar AS t
),

prior AS (
    SELECT
        patient_id,
        month_number,
        asked,
        max(diabetes) OVER past AS diabetes,
        max(heart_failure) OVER past AS heart_failure,
        max(other_heart) OVER past AS other_heart,
        max(vascular) OVER past AS vascular,
        max(cerebrovascular) OVER past AS cerebrovascular,
        max(pulmonary) OVER past AS pulmonary,
        max(anemia) OVER past AS anemia,
        max(infection) OVER past AS infection,
        max(drug_dependence) OVER past AS drug_dependence
    FROM placed
    WINDOW past AS (
        PARTITION BY patient_id ORDER BY month_number RANGE BETWEEN 12 PRECEDING AND 1 PRECEDING
    )
)

SELECT
    patient_id,
    make_date($performance_year, CAST(month_number - $performance_year * 12 AS INTEGER), 1)
        AS month,
    $performance_year AS performance_year,
    diabetes = 1 AS has_diabetes,
    heart_failure = 1 AS has_heart_failure,
    other_heart = 1 AS has_other_heart_disease,
    vascular = 1 AS has_peripheral_vascular_disease,
    cerebrovascular = 1 AS has_cerebrovascular_disease,
    pulmonary = 1 AS has_chronic_obstructive_pulmonary_disease,
    anemia = 1 AS has_anemia,
    infection = 1 AS has_infection,
    drug_dependence = 1 AS has_drug_dependence
FROM prior
WHERE asked = 1
    AND diabetes + heart_failure + other_heart + vascular + cerebrovascular + pulmonary + anemia
        + infection + drug_dependence > 0
