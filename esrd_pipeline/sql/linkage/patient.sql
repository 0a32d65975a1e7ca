-- One row: a patient. Manual 2.13.13, Table 9, footnote 1; 3.1.3. A beneficiary whom EQRS does not
-- know is a patient with dialysis claims of the year or of the one before, whose claims and
-- discharges other tables of the year hold. What EQRS does not know of sex, race and ethnicity is
-- taken from Medicare enrollment (2.14.12, 2.13.13; reading 104); its race 5 is Hispanic.
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
    SELECT DISTINCT k.patient_id
    FROM linkage.claim AS k
    JOIN raw.claim AS c ON c.clm_id = k.clm_id AND c.performance_year = k.claim_year
    WHERE k.performance_year = $performance_year
        AND k.source = 'institutional'
        AND k.from_date <= make_date($performance_year, 12, 31)
        AND c.performance_year BETWEEN $performance_year - 1 AND $performance_year
        AND c.clm_fac_type_cd = '7'
        AND c.clm_srvc_clsfctn_type_cd = '2'
),

-- The newest enrollment record of each person.
ranked_enrollment AS (
    SELECT
        b.patient_id,
        e.bene_birth_dt AS date_of_birth,
        CASE e.sex_ident_cd WHEN '1' THEN 'M' WHEN '2' THEN 'F' END AS sex,
        e.bene_race_cd AS race,
        row_number() OVER (
            PARTITION BY b.patient_id ORDER BY e.performance_year DESC, b.bene_id
        ) AS place
    FROM linkage.beneficiary AS b
    JOIN raw.medicare_enrollment AS e ON e.bene_id = b.bene_id
    WHERE b.performance_year = $performance_year
        AND e.performance_year BETWEEN $performance_year - 1 AND $performance_year
),

enrolled AS (
    SELECT patient_id, date_of_birth, sex, race
    FROM ranked_enrollment
    WHERE place = 1
)

SELECT
    e.patient_id,
    $performance_year AS performance_year,
    e.date_of_birth,
    coalesce(e.sex, m.sex) AS sex,
    CASE
        WHEN lower(coalesce(e.race, 'unknown')) <> 'unknown' THEN e.race
        WHEN m.race NOT IN ('0', '5') THEN m.race
        ELSE e.race
    END AS race,
    coalesce(e.is_hispanic, CASE WHEN m.race = '5' THEN TRUE END) AS is_hispanic,
    coalesce(f.primary_cause, e.primary_cause) AS primary_cause,
    f.patient_id IS NOT NULL AS has_cms_2728
FROM eqrs AS e
LEFT JOIN forms AS f ON f.patient_id = e.patient_id AND f.place = 1
LEFT JOIN enrolled AS m ON m.patient_id = e.patient_id
UNION ALL
SELECT
    d.patient_id,
    $performance_year AS performance_year,
    m.date_of_birth,
    m.sex,
    m.race,
    CASE WHEN m.race = '5' THEN TRUE END AS is_hispanic,
    CAST(NULL AS VARCHAR) AS primary_cause,
    FALSE AS has_cms_2728
FROM dialysed AS d
LEFT JOIN enrolled AS m ON m.patient_id = d.patient_id
WHERE d.patient_id < 0
