-- One row: a patient. Manual 2.13.13, Table 9, footnote 1; 3.1.3. A beneficiary whom EQRS does not
-- know is a patient with dialysis claims of the year or of the one before, whose claims and
-- discharges other tables of the year hold.
WITH
eqrs AS (
    SELECT * FROM raw.eqrs_patient WHERE performance_year = $performance_year
),

forms AS (
    SELECT
        patient_id,
        primary_cause,
        row_number() OVER (
            PARTITION BY patient_id
            ORDER BY coalesce(dialysis_began_date, signature_date), form_number
        ) AS place
    FROM raw.cms_2728
    WHERE performance_year = $performance_year
),

dialysed AS (
    SELECT DISTINCT bene_id
    FROM raw.claim
    WHERE performance_year BETWEEN $performance_year - 1 AND $performance_year
        AND clm_fac_type_cd = '7'
        AND clm_srvc_clsfctn_type_cd = '2'
),

beneficiary AS (
    SELECT bene_id, patient_id, is_matched
    FROM linkage.beneficiary
    WHERE performance_year = $performance_year
),

ranked_enrollment AS (
    SELECT
        bene_id,
        bene_birth_dt,
        sex_ident_cd,
        bene_race_cd,
        row_number() OVER (PARTITION BY bene_id ORDER BY performance_year DESC) AS place
    FROM raw.medicare_enrollment
    WHERE performance_year BETWEEN $performance_year - 1 AND $performance_year
),

enrolled AS (
    SELECT bene_id, bene_birth_dt, sex_ident_cd, bene_race_cd
    FROM ranked_enrollment
    WHERE place = 1
)

SELECT
    e.patient_id,
    $performance_year AS performance_year,
    e.date_of_birth,
    e.sex,
    e.race,
    coalesce(f.primary_cause, e.primary_cause) AS primary_cause,
    f.patient_id IS NOT NULL AS has_cms_2728
FROM eqrs AS e
LEFT JOIN forms AS f ON f.patient_id = e.patient_id AND f.place = 1
UNION ALL
SELECT
    b.patient_id,
    $performance_year,
    m.bene_birth_dt,
    CASE m.sex_ident_cd WHEN '1' THEN 'M' WHEN '2' THEN 'F' END,
    m.bene_race_cd,
    NULL,
    false
FROM beneficiary AS b
JOIN dialysed AS d ON d.bene_id = b.bene_id
LEFT JOIN enrolled AS m ON m.bene_id = b.bene_id
WHERE NOT b.is_matched
