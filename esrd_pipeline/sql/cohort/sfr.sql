-- One row: a month of the year of one patient at one facility of Dialysis Facility Measures that
-- treated or admitted them: whether a fistula alone was in use, or why the month is not counted;
-- and the adjusters. Manual 2.2.7 to 2.2.14.
-- Readings. The denominator (2.2.9 to 2.2.12) is the long-term catheter rate's of 2.1.8 to 2.1.11
-- word for word, and is taken from there. 2.2.8 repeats 2.1.7 on exceptions, but for Dialysis
-- Facility Measures there are none (3.4, Table 17). A month without any report of an access is in
-- the denominator alone. Duration of ESRD and age are those of the month's first day. Nursing home,
-- claims and coverage look at what came before the month: 365 days, and twelve months.
-- Conditions of CMS-2728 and of claims count alike, however long Medicare covered the patient.
WITH
counted AS (
    SELECT
        program,
        patient_id,
        month,
        ccn,
        month - CAST(esrd_day - 1 AS INTEGER) AS first_service_date,
        age,
        access_type,
        ltc_reason AS reason,
        date_part('year', month) * 12 + date_part('month', month) AS month_number
    FROM cohort.patient_months
    WHERE performance_year = $performance_year AND program = 'dfc'
),

asked AS (
    SELECT DISTINCT patient_id, month, month_number FROM counted
),

-- Days in nursing homes among the 365 before the month.
home_day AS (
    SELECT
        a.patient_id,
        a.month,
        sum(
            date_diff('day', greatest(h.start_date, a.month - 365), least(h.end_date, a.month - 1))
            + 1
        ) AS home_days
    FROM asked AS a
    JOIN history.nursing_home AS h
        ON h.patient_id = a.patient_id
        AND h.performance_year = $performance_year
        AND h.start_date < a.month
        AND h.end_date >= a.month - 365
    GROUP BY a.patient_id, a.month
),

placed AS (
    SELECT
        patient_id,
        date_part('year', month) * 12 + date_part('month', month) AS month_number,
        CASE WHEN is_covered THEN 1 ELSE 0 END AS covered,
        CASE WHEN is_ma THEN 1 ELSE 0 END AS advantage,
        0 AS is_asked
    FROM history.medicare_month
    WHERE performance_year = $performance_year
    UNION ALL
    SELECT patient_id, month_number, 0, 0, 1 FROM asked
),

prior AS (
    SELECT
        patient_id,
        month_number,
        is_asked,
        sum(covered) OVER past AS covered_months,
        sum(advantage) OVER past AS advantage_months
    FROM placed
    WINDOW past AS (
        PARTITION BY patient_id ORDER BY month_number RANGE BETWEEN 12 PRECEDING AND 1 PRECEDING
    )
),

-- At least six months of Medicare coverage, or one of Medicare Advantage.
seen AS (
    SELECT patient_id, month_number
    FROM prior
    WHERE is_asked = 1 AND (covered_months >= 6 OR advantage_months >= 1)
),

described AS (
    SELECT
        c.*,
        s.patient_id IS NOT NULL AS is_seen,
        coalesce(h.home_days, 0) AS home_days,
        i.bmi_class,
        coalesce(i.has_form, false) AS has_form,
        coalesce(i.has_nephrologist_care, false) AS has_nephrologist_care,
        coalesce(i.has_inability_to_ambulate OR i.has_inability_to_transfer, false) AS is_immobile,
        coalesce(i.is_diabetes_cause, false) AS is_diabetes_cause,
        coalesce(i.has_diabetes, false) OR coalesce(p.has_diabetes, false) AS has_diabetes,
        coalesce(i.has_congestive_heart_failure, false)
        OR coalesce(p.has_heart_failure, false) AS has_heart_failure,
        coalesce(i.has_atherosclerotic_heart_disease, false)
        OR coalesce(i.has_other_cardiac_disease, false)
        OR coalesce(p.has_other_heart_disease, false) AS has_other_heart_disease,
        coalesce(i.has_peripheral_vascular_disease, false)
        OR coalesce(p.has_peripheral_vascular_disease, false) AS has_peripheral_vascular_disease,
        coalesce(i.has_cerebrovascular_disease, false)
        OR coalesce(p.has_cerebrovascular_disease, false) AS has_cerebrovascular_disease,
        coalesce(i.has_chronic_obstructive_pulmonary_disease, false)
        OR coalesce(p.has_chronic_obstructive_pulmonary_disease, false)
            AS has_chronic_obstructive_pulmonary_disease,
        coalesce(p.has_anemia, false) AS has_anemia,
        coalesce(p.has_infection, false) AS has_infection,
        coalesce(i.has_drug_dependence, false)
        OR coalesce(p.has_drug_dependence, false) AS has_drug_dependence
    FROM counted AS c
    LEFT JOIN seen AS s ON s.patient_id = c.patient_id AND s.month_number = c.month_number
    LEFT JOIN home_day AS h ON h.patient_id = c.patient_id AND h.month = c.month
    LEFT JOIN history.patient_characteristics AS i
        ON i.patient_id = c.patient_id AND i.performance_year = $performance_year
    LEFT JOIN history.access_condition AS p
        ON p.patient_id = c.patient_id
        AND p.month = c.month
        AND p.performance_year = $performance_year
)

SELECT
    program,
    patient_id,
    month,
    ccn,
    $performance_year AS performance_year,
    access_type,
    reason,
    CASE
        WHEN reason IS NOT NULL THEN NULL
        WHEN access_type IN (
            'AV Fistula Only',
            'AV Fistula Only (with 2 Needles)',
            'AVFONLY',
            'AV Fistula single needle device',
            'AVFSINGLE'
        ) THEN 1
        ELSE 0
    END AS is_event,
    CASE WHEN age < 25 THEN 1 ELSE 0 END AS is_age_under_25,
    CASE WHEN age BETWEEN 60 AND 74 THEN 1 ELSE 0 END AS is_age_60_to_74,
    CASE WHEN age >= 75 THEN 1 ELSE 0 END AS is_age_over_74,
    CASE WHEN bmi_class = '<18.5' THEN 1 ELSE 0 END AS is_bmi_under_18,
    CASE WHEN bmi_class = '18.5-25' THEN 1 ELSE 0 END AS is_bmi_18_to_25,
    CASE WHEN bmi_class = '25-30' THEN 1 ELSE 0 END AS is_bmi_25_to_30,
    CASE WHEN home_days BETWEEN 1 AND 89 THEN 1 ELSE 0 END AS is_nursing_home_short,
    CASE WHEN home_days >= 90 THEN 1 ELSE 0 END AS is_nursing_home_long,
    CASE WHEN has_nephrologist_care THEN 1 ELSE 0 END AS has_nephrologist_care,
    CASE
        WHEN month > first_service_date + INTERVAL 1 YEAR
            AND month <= first_service_date + INTERVAL 5 YEAR
            THEN 1
        ELSE 0
    END AS is_esrd_1_to_5_years,
    CASE
        WHEN month > first_service_date + INTERVAL 5 YEAR
            AND month <= first_service_date + INTERVAL 9 YEAR
            THEN 1
        ELSE 0
    END AS is_esrd_5_to_9_years,
    CASE WHEN month > first_service_date + INTERVAL 9 YEAR THEN 1 ELSE 0 END
        AS is_esrd_over_9_years,
    CASE WHEN is_immobile THEN 1 ELSE 0 END AS is_immobile,
    CASE WHEN is_diabetes_cause THEN 1 ELSE 0 END AS is_diabetes_cause,
    CASE WHEN has_diabetes AND NOT is_diabetes_cause THEN 1 ELSE 0 END AS has_other_diabetes,
    CASE WHEN has_heart_failure THEN 1 ELSE 0 END AS has_heart_failure,
    CASE WHEN has_other_heart_disease THEN 1 ELSE 0 END AS has_other_heart_disease,
    CASE WHEN has_peripheral_vascular_disease THEN 1 ELSE 0 END AS has_peripheral_vascular_disease,
    CASE WHEN has_cerebrovascular_disease THEN 1 ELSE 0 END AS has_cerebrovascular_disease,
    CASE WHEN has_chronic_obstructive_pulmonary_disease THEN 1 ELSE 0 END
        AS has_chronic_obstructive_pulmonary_disease,
    CASE WHEN has_anemia THEN 1 ELSE 0 END AS has_anemia,
    CASE WHEN has_infection THEN 1 ELSE 0 END AS has_infection,
    CASE WHEN has_drug_dependence THEN 1 ELSE 0 END AS has_drug_dependence,
    CASE
        WHEN (has_diabetes AND NOT is_diabetes_cause)
            OR has_heart_failure
            OR has_other_heart_disease
            OR has_peripheral_vascular_disease
            OR has_cerebrovascular_disease
            OR has_chronic_obstructive_pulmonary_disease
            OR has_anemia
            OR has_infection
            OR has_drug_dependence
            THEN 1
        ELSE 0
    END AS has_any_condition,
    CASE WHEN has_form THEN 0 ELSE 1 END AS is_form_missing,
    CASE WHEN is_seen THEN 1 ELSE 0 END AS is_medicare_covered
FROM described
