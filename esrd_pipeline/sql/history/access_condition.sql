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
    -- The first character is compared on its own: it tells most codes apart at once.
    JOIN parameter.ccs_diagnosis AS d
        ON substring(d.code, 1, 1) = substring(s.code, 1, 1)
        AND substring(d.code, 1, length(s.code)) = s.code
    WHERE s.system = 'icd-10 prefix' AND s.use = 'has'
),

-- Each condition is a bit, so that one number holds those of a code, a claim or a month.
bit (condition, bit) AS (
    VALUES
    ('diabetes', 1),
    ('heart failure', 2),
    ('other heart disease', 4),
    ('peripheral vascular disease', 8),
    ('cerebrovascular disease', 16),
    ('chronic obstructive pulmonary disease', 32),
    ('anemia', 64),
    ('infection', 128),
    ('drug dependence', 256)
),

meant AS (
    SELECT l.code, bit_or(b.bit) AS conditions
    FROM listed AS l
    JOIN bit AS b ON b.condition = l.condition
    LEFT JOIN parameter.sfr_condition AS n
        ON n.use = 'not'
        AND n.condition = l.condition
        AND substring(l.code, 1, length(n.code)) = n.code
    WHERE n.code IS NULL
    GROUP BY l.code
),

coded AS (
    SELECT d.patient_id, d.last_date AS claim_day, d.code
    FROM shared.claim_diagnosis AS d
    JOIN person AS p ON p.patient_id = d.patient_id
    WHERE NOT d.is_laboratory
),

-- Claims with these diagnoses, by month.
claimed AS (
    SELECT
        c.patient_id,
        date_trunc('month', c.claim_day) AS month,
        bit_or(m.conditions) AS conditions
    FROM coded AS c
    JOIN meant AS m ON m.code = c.code
    GROUP BY c.patient_id, date_trunc('month', c.claim_day)
),

-- Every month of the year that has a claim's month among the twelve before it.
prior AS (
    SELECT c.patient_id, t.month, bit_or(c.conditions) AS conditions
    FROM claimed AS c
    JOIN calendar AS t ON t.month > c.month AND t.month <= c.month + INTERVAL 12 MONTH
    GROUP BY c.patient_id, t.month
)

SELECT
    patient_id,
    month,
    $performance_year AS performance_year,
    (conditions & 1) > 0 AS has_diabetes,
    (conditions & 2) > 0 AS has_heart_failure,
    (conditions & 4) > 0 AS has_other_heart_disease,
    (conditions & 8) > 0 AS has_peripheral_vascular_disease,
    (conditions & 16) > 0 AS has_cerebrovascular_disease,
    (conditions & 32) > 0 AS has_chronic_obstructive_pulmonary_disease,
    (conditions & 64) > 0 AS has_anemia,
    (conditions & 128) > 0 AS has_infection,
    (conditions & 256) > 0 AS has_drug_dependence
FROM prior
