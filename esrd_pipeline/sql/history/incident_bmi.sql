-- One row: a patient's body mass index at incidence. Manual 2.10.11, 2.11.13, 2.26.12.
-- Readings: the first CMS-2728, as for conditions at incidence; a child's (under 18 on the day the
-- form says dialysis began) lies in 5 to 70, an adult's in 10 to 70, otherwise it is missing. Where
-- it is missing, imputed_bmi is the mean of those of the same age group on the year's last day,
-- race, sex and diabetes as cause; failing these, of age group and race; failing these, of all.
WITH
form AS (
    SELECT
        patient_id,
        coalesce(dialysis_began_date, signature_date) AS began_date,
        height_cm,
        dry_weight_kg,
        row_number() OVER (
            PARTITION BY patient_id
            ORDER BY coalesce(dialysis_began_date, signature_date), form_number
        ) AS place
    FROM raw.cms_2728
    WHERE performance_year = $performance_year
),

person AS (
    SELECT
        patient_id,
        date_of_birth,
        coalesce(race, '') AS race,
        coalesce(sex, '') AS sex,
        $performance_year - year(date_of_birth) AS age
    FROM linkage.patient
    WHERE performance_year = $performance_year
),

cause AS (
    SELECT patient_id, is_diabetes_cause
    FROM history.incident_comorbidity
    WHERE performance_year = $performance_year
),

calculated AS (
    SELECT
        p.*,
        i.is_diabetes_cause,
        CASE
            WHEN p.age < 18 THEN 0
            WHEN p.age < 25 THEN 1
            WHEN p.age < 45 THEN 2
            WHEN p.age < 60 THEN 3
            WHEN p.age < 75 THEN 4
            WHEN p.age >= 75 THEN 5
            ELSE 6
        END AS age_group,
        CASE
            WHEN f.height_cm > 0
                THEN f.dry_weight_kg / (f.height_cm / 100 * f.height_cm / 100)
        END AS bmi,
        coalesce(p.date_of_birth + INTERVAL 18 YEAR > f.began_date, FALSE) AS is_child
    FROM person AS p
    LEFT JOIN form AS f ON f.patient_id = p.patient_id AND f.place = 1
    LEFT JOIN cause AS i ON i.patient_id = p.patient_id
),

-- Whole ten-thousandths: their sums are the same in any order.
plausible AS (
    SELECT
        *,
        CASE
            WHEN bmi BETWEEN CASE WHEN is_child THEN 5 ELSE 10 END AND 70
                THEN CAST(round(bmi * 10000) AS BIGINT)
        END AS units
    FROM calculated
),

meant AS (
    SELECT
        patient_id,
        units,
        avg(units) OVER (PARTITION BY age_group, race, sex, is_diabetes_cause) AS matched,
        avg(units) OVER (PARTITION BY age_group, race) AS coarse,
        avg(units) OVER () AS nation
    FROM plausible
)

SELECT
    patient_id,
    $performance_year AS performance_year,
    units / 10000.0 AS bmi,
    coalesce(units, matched, coarse, nation) / 10000.0 AS imputed_bmi
FROM meant
