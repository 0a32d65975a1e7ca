-- One row: a month of one patient whom a facility treated or had admitted (SFR), or treated on the
-- month's last day (PPPW): counted, in the numerator or not, or left out and why, and what the
-- measure adjusts for. Manual 2.2, 2.16: what CMS shows a facility in a preview period. $ccn is the
-- facility, $measure the measure.
WITH
fistula AS (
    SELECT
        program,
        patient_id,
        month,
        ccn,
        reason,
        is_event,
        access_type,
        CAST(NULL AS DOUBLE) AS age,
        concat_ws(
            ', ',
            CASE WHEN is_age_under_25 = 1 THEN '18 to 24 years' END,
            CASE WHEN is_age_60_to_74 = 1 THEN '60 to 74 years' END,
            CASE WHEN is_age_over_74 = 1 THEN '75 years or older' END,
            CASE WHEN is_bmi_under_18 = 1 THEN 'BMI below 18.5' END,
            CASE WHEN is_bmi_18_to_25 = 1 THEN 'BMI 18.5 to 25' END,
            CASE WHEN is_bmi_25_to_30 = 1 THEN 'BMI 25 to 30' END,
            CASE WHEN is_nursing_home_short = 1 THEN '1 to 89 days in nursing homes' END,
            CASE WHEN is_nursing_home_long = 1 THEN '90 days or more in nursing homes' END,
            CASE WHEN has_nephrologist_care = 1 THEN 'nephrologist before ESRD' END,
            CASE WHEN is_esrd_1_to_5_years = 1 THEN 'ESRD for 1 to 5 years' END,
            CASE WHEN is_esrd_5_to_9_years = 1 THEN 'ESRD for 5 to 9 years' END,
            CASE WHEN is_esrd_over_9_years = 1 THEN 'ESRD for more than 9 years' END,
            CASE WHEN is_immobile = 1 THEN 'unable to ambulate or transfer' END,
            CASE WHEN is_diabetes_cause = 1 THEN 'diabetes as cause' END,
            CASE WHEN has_other_diabetes = 1 THEN 'diabetes' END,
            CASE WHEN has_heart_failure = 1 THEN 'heart failure' END,
            CASE WHEN has_other_heart_disease = 1 THEN 'other heart disease' END,
            CASE WHEN has_peripheral_vascular_disease = 1 THEN 'peripheral vascular disease' END,
            CASE WHEN has_cerebrovascular_disease = 1 THEN 'cerebrovascular disease' END,
            CASE
                WHEN has_chronic_obstructive_pulmonary_disease = 1
                    THEN 'chronic obstructive pulmonary disease'
            END,
            CASE WHEN has_anemia = 1 THEN 'anemia' END,
            CASE WHEN has_infection = 1 THEN 'infection' END,
            CASE WHEN has_drug_dependence = 1 THEN 'drug dependence' END,
            CASE WHEN is_form_missing = 1 THEN 'no CMS-2728' END,
            CASE WHEN is_medicare_covered = 1 THEN 'Medicare coverage' END
        ) AS adjusters
    FROM cohort.sfr
    WHERE performance_year = $performance_year AND ccn = $ccn AND $measure = 'sfr'
),

waitlist AS (
    SELECT
        program,
        patient_id,
        month,
        ccn,
        reason,
        is_event,
        CAST(NULL AS VARCHAR) AS access_type,
        age,
        CAST(NULL AS VARCHAR) AS adjusters
    FROM cohort.pppw
    WHERE performance_year = $performance_year AND ccn = $ccn AND $measure = 'pppw'
),

told AS (
    SELECT * FROM fistula
    UNION ALL
    SELECT * FROM waitlist
)

SELECT
    program,
    patient_id,
    month,
    $performance_year AS performance_year,
    ccn,
    $measure AS measure,
    reason,
    CASE WHEN reason IS NULL THEN is_event = 1 END AS is_met,
    access_type,
    age,
    adjusters
FROM told
