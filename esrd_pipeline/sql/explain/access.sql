-- One row: a month of one patient whom a facility treated or had admitted (SFR), or treated on the
-- month's last day (PPPW): counted, in the numerator or not, or excluded and why, with the
-- adjusters of the measure. Manual 2.2, 2.16: the list CMS shows a facility in a preview period.
-- $ccn is the facility, $measure the measure.
WITH
fistula AS (
    SELECT
        c.program,
        c.patient_id,
        c.month,
        c.ccn,
        c.reason,
        c.is_event,
        c.access_type,
        CAST(NULL AS DOUBLE) AS age,
        concat_ws(
            ', ',
            CASE WHEN c.age < 25 THEN '18 to 24 years' END,
            CASE WHEN c.age BETWEEN 60 AND 74 THEN '60 to 74 years' END,
            CASE WHEN c.age >= 75 THEN '75 years or older' END,
            CASE WHEN p.bmi_class = '<18.5' THEN 'BMI below 18.5' END,
            CASE WHEN p.bmi_class = '18.5-25' THEN 'BMI 18.5 to 25' END,
            CASE WHEN p.bmi_class = '25-30' THEN 'BMI 25 to 30' END,
            CASE
                WHEN c.nursing_home_days BETWEEN 1 AND 89 THEN '1 to 89 days in nursing homes'
            END,
            CASE WHEN c.nursing_home_days >= 90 THEN '90 days or more in nursing homes' END,
            CASE WHEN p.has_nephrologist_care THEN 'nephrologist before ESRD' END,
            CASE WHEN c.esrd_years_over = 1 THEN 'ESRD for 1 to 5 years' END,
            CASE WHEN c.esrd_years_over = 5 THEN 'ESRD for 5 to 9 years' END,
            CASE WHEN c.esrd_years_over = 9 THEN 'ESRD for more than 9 years' END,
            CASE
                WHEN p.has_inability_to_ambulate OR p.has_inability_to_transfer
                    THEN 'unable to ambulate or transfer'
            END,
            CASE WHEN p.is_diabetes_cause THEN 'diabetes as cause' END,
            CASE
                WHEN NOT p.is_diabetes_cause AND (p.has_diabetes OR c.has_diabetes_on_claims)
                    THEN 'diabetes'
            END,
            CASE
                WHEN p.has_congestive_heart_failure
                    OR c.has_heart_failure_on_claims
                    THEN 'heart failure'
            END,
            CASE
                WHEN p.has_atherosclerotic_heart_disease
                    OR p.has_other_cardiac_disease
                    OR c.has_other_heart_disease_on_claims
                    THEN 'other heart disease'
            END,
            CASE
                WHEN p.has_peripheral_vascular_disease
                    OR c.has_peripheral_vascular_disease_on_claims
                    THEN 'peripheral vascular disease'
            END,
            CASE
                WHEN p.has_cerebrovascular_disease
                    OR c.has_cerebrovascular_disease_on_claims
                    THEN 'cerebrovascular disease'
            END,
            CASE
                WHEN p.has_chronic_obstructive_pulmonary_disease
                    OR c.has_chronic_obstructive_pulmonary_disease_on_claims
                    THEN 'chronic obstructive pulmonary disease'
            END,
            CASE WHEN c.has_anemia_on_claims THEN 'anemia' END,
            CASE WHEN c.has_infection_on_claims THEN 'infection' END,
            CASE
                WHEN p.has_drug_dependence
                    OR c.has_drug_dependence_on_claims
                    THEN 'drug dependence'
            END,
            CASE WHEN NOT p.has_form THEN 'no CMS-2728' END,
            CASE WHEN c.is_medicare_covered THEN 'Medicare coverage' END
        ) AS adjusters
    FROM cohort.sfr AS c
    JOIN history.patient_characteristics AS p
        ON p.patient_id = c.patient_id AND p.performance_year = $performance_year
    WHERE c.performance_year = $performance_year AND c.ccn = $ccn AND $measure = 'sfr'
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
