-- One row: a person-period at risk in one measure: one patient, facility and interval of duration
-- of ESRD, with days at risk, events and adjusters as of the period's first day.
-- Manual 2.13.10.1, 2.13.11, 2.13.13 (SHR), 2.12.12, 2.12.13 (STrR), 2.25.13, 2.25.14 (SEDR); SHR
-- submission, risk adjustment. Medicare Advantage is the share of the period's days at risk, 0 or 1
-- where the period is split by it (SHR submission) and 0 where its months are left out.
-- Readings: SEDR's Medicare covered months are those that claims cover, SHR's those of Medicare
-- Advantage, too (reading 23); nursing homes are those of the 365 days before in STrR as well, not
-- of the calendar year before (2.12.13 against Table 7). A measure's model takes its own columns;
-- what stands in the others says nothing of it.
WITH
-- An event of a day that is not at risk is no one's.
segment AS (
    SELECT
        'shr' AS measure,
        program,
        patient_id,
        period,
        ccn,
        interval,
        covid_stage,
        start_date,
        CASE WHEN reason IS NULL THEN days ELSE 0 END AS days_at_risk,
        CASE WHEN reason IS NULL AND is_ma THEN days ELSE 0 END AS ma_days,
        CASE WHEN reason IS NULL THEN events - uncounted_events ELSE 0 END AS event_count
    FROM cohort.shr_days
    WHERE performance_year = $performance_year
    UNION ALL
    SELECT
        'strr' AS measure,
        program,
        patient_id,
        period,
        ccn,
        interval,
        covid_stage,
        start_date,
        CASE WHEN reason IS NULL THEN days ELSE 0 END AS days_at_risk,
        CASE WHEN reason IS NULL AND is_ma THEN days ELSE 0 END AS ma_days,
        CASE WHEN reason IS NULL THEN events - uncounted_events ELSE 0 END AS event_count
    FROM cohort.strr_days
    WHERE performance_year = $performance_year
    UNION ALL
    SELECT
        'sedr' AS measure,
        program,
        patient_id,
        period,
        ccn,
        interval,
        covid_stage,
        start_date,
        CASE WHEN reason IS NULL THEN days ELSE 0 END AS days_at_risk,
        CASE WHEN reason IS NULL AND is_ma THEN days ELSE 0 END AS ma_days,
        CASE WHEN reason IS NULL THEN events - uncounted_events ELSE 0 END AS event_count
    FROM cohort.sedr_days
    WHERE performance_year = $performance_year
),

period AS (
    SELECT
        measure,
        program,
        patient_id,
        period,
        ccn,
        interval,
        covid_stage,
        min(start_date) AS period_start,
        sum(days_at_risk) AS days_at_risk,
        sum(event_count) AS event_count,
        sum(ma_days) AS ma_days
    FROM segment
    GROUP BY measure, program, patient_id, period, ccn, interval, covid_stage
    HAVING sum(days_at_risk) > 0
),

patient AS (
    SELECT patient_id, date_of_birth, sex
    FROM linkage.patient
    WHERE performance_year = $performance_year
),

incident AS (
    SELECT *
    FROM history.patient_characteristics
    WHERE performance_year = $performance_year
),

period_first_day AS (
    SELECT DISTINCT patient_id, period_start FROM period
),

-- Days in nursing homes among the 365 before the period's first day.
home_day AS (
    SELECT
        p.patient_id,
        p.period_start,
        sum(
            datediff(
                'day',
                greatest(h.start_date, p.period_start - 365),
                least(h.end_date, p.period_start - 1)
            ) + 1
        ) AS home_days
    FROM period_first_day AS p
    JOIN history.nursing_home AS h
        ON h.patient_id = p.patient_id
        AND h.performance_year = $performance_year
        AND h.start_date <= p.period_start - 1
        AND h.end_date >= p.period_start - 365
    GROUP BY p.patient_id, p.period_start
),

covered AS (
    SELECT
        patient_id,
        sum(CASE WHEN is_observable THEN 1 ELSE 0 END) AS observable_months,
        sum(CASE WHEN is_covered THEN 1 ELSE 0 END) AS covered_months
    FROM history.medicare_month
    WHERE performance_year = $performance_year
        AND month < make_date($performance_year, 1, 1)
    GROUP BY patient_id
),

-- Completed years: a birthday on 29 February is kept on 1 March of other years.
aged AS (
    SELECT
        p.*,
        q.sex,
        year(p.period_start) - year(q.date_of_birth)
        - CASE
            WHEN month(p.period_start) * 100 + day(p.period_start)
                < month(q.date_of_birth) * 100 + day(q.date_of_birth)
                THEN 1
            ELSE 0
        END AS age
    FROM period AS p
    JOIN patient AS q ON q.patient_id = p.patient_id
)

SELECT
    a.measure,
    a.program,
    a.patient_id,
    a.period,
    $performance_year AS performance_year,
    a.ccn,
    a.period_start AS start_date,
    a.interval,
    a.days_at_risk,
    a.event_count,
    a.age - 65 AS age_over_65,
    (a.age - 65) * (a.age - 65) AS age_over_65_squared,
    CAST(a.ma_days AS DOUBLE) / a.days_at_risk AS ma_share,
    CASE WHEN i.is_diabetes_cause THEN a.age - 65 ELSE 0 END AS age_x_diabetes,
    CASE WHEN a.sex = 'F' THEN a.age - 65 ELSE 0 END AS age_x_female,
    CASE WHEN a.age BETWEEN 18 AND 24 THEN 1 ELSE 0 END AS is_age_18_to_24,
    CASE WHEN a.age BETWEEN 25 AND 44 THEN 1 ELSE 0 END AS is_age_25_to_44,
    CASE WHEN a.age BETWEEN 45 AND 59 THEN 1 ELSE 0 END AS is_age_45_to_59,
    CASE WHEN a.age >= 75 THEN 1 ELSE 0 END AS is_age_75_or_more,
    CASE WHEN a.age BETWEEN 18 AND 24 AND i.is_diabetes_cause THEN 1 ELSE 0 END
        AS age_18_to_24_x_diabetes,
    CASE WHEN a.age BETWEEN 25 AND 44 AND i.is_diabetes_cause THEN 1 ELSE 0 END
        AS age_25_to_44_x_diabetes,
    CASE WHEN a.age BETWEEN 45 AND 59 AND i.is_diabetes_cause THEN 1 ELSE 0 END
        AS age_45_to_59_x_diabetes,
    CASE WHEN a.age >= 75 AND i.is_diabetes_cause THEN 1 ELSE 0 END
        AS age_75_or_more_x_diabetes,
    CASE WHEN a.interval = 1 AND i.is_diabetes_cause THEN 1 ELSE 0 END AS interval_1_x_diabetes,
    CASE WHEN a.interval = 2 AND i.is_diabetes_cause THEN 1 ELSE 0 END AS interval_2_x_diabetes,
    CASE WHEN a.interval = 3 AND i.is_diabetes_cause THEN 1 ELSE 0 END AS interval_3_x_diabetes,
    CASE WHEN a.interval = 4 AND i.is_diabetes_cause THEN 1 ELSE 0 END AS interval_4_x_diabetes,
    CASE WHEN a.interval = 5 AND i.is_diabetes_cause THEN 1 ELSE 0 END AS interval_5_x_diabetes,
    CASE WHEN a.sex = 'F' THEN 1 ELSE 0 END AS is_female,
    CASE WHEN i.is_diabetes_cause THEN 1 ELSE 0 END AS is_diabetes_cause,
    CASE WHEN i.is_cause_missing THEN 1 ELSE 0 END AS is_cause_missing,
    CASE WHEN h.home_days BETWEEN 1 AND 89 THEN 1 ELSE 0 END AS is_nursing_home_short,
    CASE WHEN h.home_days >= 90 THEN 1 ELSE 0 END AS is_nursing_home_long,
    CASE WHEN i.bmi_class = '<18.5' THEN 1 ELSE 0 END AS is_bmi_under_18,
    CASE WHEN i.bmi_class = '18.5-25' THEN 1 ELSE 0 END AS is_bmi_18_to_25,
    CASE WHEN i.bmi_class = '25-30' THEN 1 ELSE 0 END AS is_bmi_25_to_30,
    CASE WHEN i.has_form THEN 0 ELSE 1 END AS is_form_missing,
    CASE
        WHEN CASE WHEN a.measure = 'shr' THEN c.observable_months ELSE c.covered_months END >= 6
            THEN 0
        ELSE 1
    END AS is_prevalent_missing,
    CASE WHEN a.covid_stage = 1 THEN 1 ELSE 0 END AS is_covid_1,
    CASE WHEN a.covid_stage = 2 THEN 1 ELSE 0 END AS is_covid_2,
    CASE WHEN a.covid_stage = 3 THEN 1 ELSE 0 END AS is_covid_3,
    CASE WHEN a.sex = 'F' AND i.is_diabetes_cause THEN 1 ELSE 0 END AS female_x_diabetes,
    CASE WHEN i.has_alcohol_dependence THEN 1 ELSE 0 END AS has_alcohol_dependence,
    CASE WHEN i.has_atherosclerotic_heart_disease THEN 1 ELSE 0 END
        AS has_atherosclerotic_heart_disease,
    CASE WHEN i.has_cerebrovascular_disease THEN 1 ELSE 0 END AS has_cerebrovascular_disease,
    CASE WHEN i.has_chronic_obstructive_pulmonary_disease THEN 1 ELSE 0 END
        AS has_chronic_obstructive_pulmonary_disease,
    CASE WHEN i.has_congestive_heart_failure THEN 1 ELSE 0 END AS has_congestive_heart_failure,
    CASE WHEN i.has_diabetes THEN 1 ELSE 0 END AS has_diabetes,
    CASE WHEN i.has_drug_dependence THEN 1 ELSE 0 END AS has_drug_dependence,
    CASE WHEN i.has_inability_to_ambulate THEN 1 ELSE 0 END AS has_inability_to_ambulate,
    CASE WHEN i.has_inability_to_transfer THEN 1 ELSE 0 END AS has_inability_to_transfer,
    CASE WHEN i.has_malignant_neoplasm THEN 1 ELSE 0 END AS has_malignant_neoplasm,
    CASE WHEN i.has_other_cardiac_disease THEN 1 ELSE 0 END AS has_other_cardiac_disease,
    CASE WHEN i.has_peripheral_vascular_disease THEN 1 ELSE 0 END
        AS has_peripheral_vascular_disease,
    CASE WHEN i.has_tobacco_use THEN 1 ELSE 0 END AS has_tobacco_use,
    CASE WHEN i.has_any_condition THEN 1 ELSE 0 END AS has_any_condition
FROM aged AS a
LEFT JOIN incident AS i ON i.patient_id = a.patient_id
LEFT JOIN home_day AS h ON h.patient_id = a.patient_id AND h.period_start = a.period_start
LEFT JOIN covered AS c ON c.patient_id = a.patient_id
