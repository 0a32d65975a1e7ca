-- One row: a patient with the facts that do not change: birth, sex, race, ethnicity, cause of renal
-- failure, and the facts at incidence on the first CMS-2728. Manual 2.2.14, 2.10.11, 2.11.13,
-- 2.13.13, 2.14.12, 2.15.9, 2.16.9, 2.26.12, Table 11; reading 17.
-- Institutionalised: the form reports it, or a nursing home as the place of dialysis. A BMI is in
-- range from 10 to 70, and from 5 for children under 18 on the form's day; otherwise it is missing,
-- and imputed_bmi is the mean of patients with the same age group on the year's last day, race, sex
-- and diabetes as cause; without any, of the same age group and race; without any, of all.
WITH
form AS (
    SELECT
        *,
        coalesce(dialysis_began_date, signature_date) AS began_date,
        row_number() OVER (
            PARTITION BY patient_id
            ORDER BY coalesce(dialysis_began_date, signature_date), form_number
        ) AS place
    FROM raw.cms_2728
    WHERE performance_year = $performance_year
),

person AS (
    SELECT
        p.patient_id,
        p.primary_cause,
        p.date_of_birth,
        coalesce(p.sex, '') AS sex,
        coalesce(p.race, '') AS race,
        p.is_hispanic,
        coalesce(r.race_class, 'other') AS race_class,
        $performance_year - year(p.date_of_birth) AS age
    FROM linkage.patient AS p
    LEFT JOIN parameter.race_class AS r ON r.race = p.race
    WHERE p.performance_year = $performance_year
),

diabetic AS (
    SELECT DISTINCT p.patient_id
    FROM person AS p
    JOIN parameter.diabetes_cause AS d ON starts_with(p.primary_cause, d.icd_10_prefix)
),

flagged AS (
    SELECT
        p.*,
        CASE
            WHEN p.age < 18 THEN 0
            WHEN p.age < 25 THEN 1
            WHEN p.age < 45 THEN 2
            WHEN p.age < 60 THEN 3
            WHEN p.age < 75 THEN 4
            WHEN p.age >= 75 THEN 5
            ELSE 6
        END AS age_group,
        f.patient_id IS NOT NULL AS has_form,
        CASE
            WHEN f.height_cm > 0
                THEN round(f.dry_weight_kg / (f.height_cm / 100 * f.height_cm / 100) * 10000)
        END AS stated,
        CASE WHEN shared.completed_years(p.date_of_birth, f.began_date) < 18 THEN 5 ELSE 10 END
            AS least_bmi,
        d.patient_id IS NOT NULL AS is_diabetes_cause,
        coalesce(f.nephrologist_care = 'yes', FALSE) AS has_nephrologist_care,
        coalesce(f.has_amputation, FALSE) AS has_amputation,
        coalesce(f.has_needs_assistance, FALSE) AS has_needs_assistance,
        coalesce(f.has_institutionalised, FALSE)
        OR coalesce(f.setting = 'SNF/Long Term Care Facility', FALSE) AS is_institutionalised,
        coalesce(f.has_alcohol_dependence, FALSE) AS has_alcohol_dependence,
        coalesce(f.has_atherosclerotic_heart_disease, FALSE) AS has_atherosclerotic_heart_disease,
        coalesce(f.has_cerebrovascular_disease, FALSE) AS has_cerebrovascular_disease,
        coalesce(f.has_chronic_obstructive_pulmonary_disease, FALSE)
            AS has_chronic_obstructive_pulmonary_disease,
        coalesce(f.has_congestive_heart_failure, FALSE) AS has_congestive_heart_failure,
        coalesce(f.has_diabetes_on_insulin, FALSE)
        OR coalesce(f.has_diabetes_on_oral_medications, FALSE)
        OR coalesce(f.has_diabetes_without_medications, FALSE)
        OR coalesce(f.has_diabetic_retinopathy, FALSE) AS has_diabetes,
        coalesce(f.has_drug_dependence, FALSE) AS has_drug_dependence,
        coalesce(f.has_inability_to_ambulate, FALSE) AS has_inability_to_ambulate,
        coalesce(f.has_inability_to_transfer, FALSE) AS has_inability_to_transfer,
        coalesce(f.has_malignant_neoplasm, FALSE) AS has_malignant_neoplasm,
        coalesce(f.has_other_cardiac_disease, FALSE) AS has_other_cardiac_disease,
        coalesce(f.has_peripheral_vascular_disease, FALSE) AS has_peripheral_vascular_disease,
        coalesce(f.has_tobacco_use, FALSE) AS has_tobacco_use
    FROM person AS p
    LEFT JOIN diabetic AS d ON d.patient_id = p.patient_id
    LEFT JOIN form AS f ON f.patient_id = p.patient_id AND f.place = 1
),

-- Whole ten-thousandths: their sums are the same in any order, and a body mass index of exactly 18.5
-- is not below it.
plausible AS (
    SELECT
        *,
        CASE
            WHEN stated BETWEEN least_bmi * 10000 AND 700000 THEN CAST(stated AS BIGINT)
        END AS units
    FROM flagged
),

classed AS (
    SELECT *, units / 10000.0 AS bmi FROM plausible
),

meant AS (
    SELECT
        *,
        avg(units) OVER (PARTITION BY age_group, race, sex, is_diabetes_cause) AS matched,
        avg(units) OVER (PARTITION BY age_group, race) AS coarse,
        avg(units) OVER () AS nation
    FROM classed
)

SELECT
    patient_id,
    $performance_year AS performance_year,
    date_of_birth,
    sex = 'F' AS is_female,
    race_class,
    coalesce(is_hispanic, FALSE) AS is_hispanic,
    is_hispanic IS NULL AS is_ethnicity_unknown,
    has_form,
    shared.bmi_class(bmi) AS bmi_class,
    units IS NULL AS is_bmi_missing,
    bmi,
    coalesce(units, matched, coarse, nation) / 10000.0 AS imputed_bmi,
    is_diabetes_cause,
    primary_cause IS NULL AS is_cause_missing,
    has_nephrologist_care,
    has_amputation,
    has_needs_assistance,
    is_institutionalised,
    has_alcohol_dependence,
    has_atherosclerotic_heart_disease,
    has_cerebrovascular_disease,
    has_chronic_obstructive_pulmonary_disease,
    has_congestive_heart_failure,
    has_diabetes,
    has_drug_dependence,
    has_inability_to_ambulate,
    has_inability_to_transfer,
    has_malignant_neoplasm,
    has_other_cardiac_disease,
    has_peripheral_vascular_disease,
    has_tobacco_use,
    has_alcohol_dependence
    OR has_atherosclerotic_heart_disease
    OR has_cerebrovascular_disease
    OR has_chronic_obstructive_pulmonary_disease
    OR has_congestive_heart_failure
    OR has_diabetes
    OR has_drug_dependence
    OR has_inability_to_ambulate
    OR has_inability_to_transfer
    OR has_malignant_neoplasm
    OR has_other_cardiac_disease
    OR has_peripheral_vascular_disease
    OR has_tobacco_use AS has_any_condition
FROM meant
