-- One row: a patient; conditions of the first CMS-2728. Manual 2.13.13, 2.2.14, 2.14.12, 2.15.9,
-- 2.16.9, Table 11; reading 17. Institutionalised: the form says so, or names a nursing home as the
-- place of dialysis. A BMI is in range from 10 to 70, of children under 18 on the form's day from 5.
WITH
form AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY patient_id
            ORDER BY coalesce(dialysis_began_date, signature_date), form_number
        ) AS place
    FROM raw.cms_2728
    WHERE performance_year = $performance_year
),

person AS (
    SELECT patient_id, primary_cause, date_of_birth
    FROM linkage.patient
    WHERE performance_year = $performance_year
),

diabetic AS (
    SELECT DISTINCT p.patient_id
    FROM person AS p
    JOIN parameter.diabetes_cause AS d ON starts_with(p.primary_cause, d.icd_10_prefix)
),

flagged AS (
    SELECT
        p.patient_id,
        f.patient_id IS NOT NULL AS has_form,
        CASE
            WHEN f.height_cm > 0
                THEN f.dry_weight_kg / (f.height_cm / 100 * f.height_cm / 100)
        END AS bmi,
        CASE
            WHEN p.date_of_birth + INTERVAL 18 YEAR
                > coalesce(f.dialysis_began_date, f.signature_date)
                THEN 5
            ELSE 10
        END AS least_bmi,
        p.primary_cause,
        d.patient_id IS NOT NULL AS is_diabetes_cause,
        coalesce(f.nephrologist_care = 'yes', false) AS has_nephrologist_care,
        coalesce(f.has_amputation, false) AS has_amputation,
        coalesce(f.has_needs_assistance, false) AS has_needs_assistance,
        coalesce(f.has_institutionalised, false)
        OR coalesce(f.setting = 'SNF/Long Term Care Facility', false) AS is_institutionalised,
        coalesce(f.has_alcohol_dependence, false) AS has_alcohol_dependence,
        coalesce(f.has_atherosclerotic_heart_disease, false) AS has_atherosclerotic_heart_disease,
        coalesce(f.has_cerebrovascular_disease, false) AS has_cerebrovascular_disease,
        coalesce(f.has_chronic_obstructive_pulmonary_disease, false)
            AS has_chronic_obstructive_pulmonary_disease,
        coalesce(f.has_congestive_heart_failure, false) AS has_congestive_heart_failure,
        coalesce(f.has_diabetes_on_insulin, false)
        OR coalesce(f.has_diabetes_on_oral_medications, false)
        OR coalesce(f.has_diabetes_without_medications, false)
        OR coalesce(f.has_diabetic_retinopathy, false) AS has_diabetes,
        coalesce(f.has_drug_dependence, false) AS has_drug_dependence,
        coalesce(f.has_inability_to_ambulate, false) AS has_inability_to_ambulate,
        coalesce(f.has_inability_to_transfer, false) AS has_inability_to_transfer,
        coalesce(f.has_malignant_neoplasm, false) AS has_malignant_neoplasm,
        coalesce(f.has_other_cardiac_disease, false) AS has_other_cardiac_disease,
        coalesce(f.has_peripheral_vascular_disease, false) AS has_peripheral_vascular_disease,
        coalesce(f.has_tobacco_use, false) AS has_tobacco_use
    FROM person AS p
    LEFT JOIN diabetic AS d ON d.patient_id = p.patient_id
    LEFT JOIN form AS f ON f.patient_id = p.patient_id AND f.place = 1
)

SELECT
    patient_id,
    $performance_year AS performance_year,
    has_form,
    CASE
        WHEN bmi IS NULL OR bmi < least_bmi OR bmi > 70 THEN '>=30'
        WHEN bmi < 18.5 THEN '<18.5'
        WHEN bmi < 25 THEN '18.5-25'
        WHEN bmi < 30 THEN '25-30'
        ELSE '>=30'
    END AS bmi_class,
    bmi IS NULL OR bmi < least_bmi OR bmi > 70 AS is_bmi_missing,
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
FROM flagged
