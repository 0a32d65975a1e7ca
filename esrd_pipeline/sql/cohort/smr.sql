-- One row: a segment of days at risk of one patient-record, with the patient's adjusters as of the
-- record's first day. Manual 2.14.10.4, 2.14.12, 2.14.13.
-- Readings: the clock of a record counts days at risk from zero, so that months that do not count
-- do not move it; "as of the period start date" is the record's first day in the year; age is in
-- completed years, its slope changes at 14 and 61; duration is in years of 365 days (reading 21);
-- prevalent conditions are observable with 6 Medicare-covered months in the year before (Table 10);
-- race is White, Black, Asian/Pacific Islander, or Native American or other; without a race, or
-- with another, the state's rate is that of all races. Hispanic by EQRS, else by enrollment.
WITH
days AS (
    SELECT
        patient_id,
        start_date,
        ccn,
        record,
        min(start_date) OVER (PARTITION BY patient_id, record) AS record_start,
        is_covid,
        days,
        ma_days,
        reason,
        death
    FROM cohort.smr_days
    WHERE performance_year = $performance_year
),

run AS (
    SELECT
        patient_id,
        start_date,
        ccn,
        record,
        record_start,
        is_covid,
        days,
        sum(days) OVER (
            PARTITION BY patient_id, record ORDER BY start_date ROWS UNBOUNDED PRECEDING
        ) AS stop_day,
        sum(ma_days) OVER (PARTITION BY patient_id, record) AS record_ma_days,
        sum(days) OVER (PARTITION BY patient_id, record) AS record_days,
        coalesce(death = 'counted cause', FALSE) AS is_event
    FROM days
    WHERE reason IS NULL
),

first_service AS (
    SELECT patient_id, first_service_date
    FROM linkage.first_service
    WHERE performance_year = $performance_year AND program = 'dfc'
),

patient AS (
    SELECT
        p.patient_id,
        p.date_of_birth,
        p.sex,
        coalesce(r.race_class, 'other') AS race_class,
        p.race
    FROM linkage.patient AS p
    LEFT JOIN parameter.race_class AS r ON r.race = p.race
    WHERE p.performance_year = $performance_year
),

ethnicity AS (
    SELECT patient_id, is_hispanic
    FROM raw.eqrs_patient
    WHERE performance_year = $performance_year
),

incident AS (
    SELECT *
    FROM history.patient_characteristics
    WHERE performance_year = $performance_year
),

record AS (
    SELECT DISTINCT patient_id, record, record_start FROM run
),

-- Days in nursing homes among the 365 before the record's first day.
home_day AS (
    SELECT
        r.patient_id,
        r.record,
        sum(
            datediff(
                'day',
                greatest(h.start_date, r.record_start - 365),
                least(h.end_date, r.record_start - 1)
            ) + 1
        ) AS home_days
    FROM record AS r
    JOIN history.nursing_home AS h
        ON h.patient_id = r.patient_id
        AND h.performance_year = $performance_year
        AND h.start_date <= r.record_start - 1
        AND h.end_date >= r.record_start - 365
    GROUP BY r.patient_id, r.record
),

covered AS (
    SELECT patient_id, count(*) AS months
    FROM history.medicare_month
    WHERE performance_year = $performance_year
        AND month < make_date($performance_year, 1, 1)
        AND is_observable
    GROUP BY patient_id
),

facility AS (
    SELECT ccn, state
    FROM linkage.facility
    WHERE performance_year = $performance_year AND program = 'dfc'
),

described AS (
    SELECT
        r.*,
        year(r.record_start) - year(p.date_of_birth)
        - CASE
            WHEN month(r.record_start) * 100 + day(r.record_start)
                < month(p.date_of_birth) * 100 + day(p.date_of_birth)
                THEN 1
            ELSE 0
        END AS age,
        datediff('day', f.first_service_date, r.record_start) AS esrd_days,
        p.race_class,
        CASE WHEN p.sex = 'F' THEN 1 ELSE 0 END AS is_female,
        CASE WHEN p.race_class = 'black' THEN 1 ELSE 0 END AS is_black,
        CASE WHEN p.race_class = 'asian or pacific islander' THEN 1 ELSE 0 END AS is_asian,
        CASE WHEN p.race_class IN ('native american', 'other') THEN 1 ELSE 0 END
            AS is_native_or_other,
        CASE WHEN e.is_hispanic OR p.race = '5' THEN 1 ELSE 0 END AS is_hispanic,
        CASE WHEN e.is_hispanic IS NULL AND coalesce(p.race, '') <> '5' THEN 1 ELSE 0 END
            AS is_ethnicity_unknown,
        CASE WHEN i.is_diabetes_cause THEN 1 ELSE 0 END AS is_diabetes_cause
    FROM run AS r
    JOIN first_service AS f ON f.patient_id = r.patient_id
    JOIN patient AS p ON p.patient_id = r.patient_id
    LEFT JOIN ethnicity AS e ON e.patient_id = r.patient_id
    LEFT JOIN incident AS i ON i.patient_id = r.patient_id
),

classed AS (
    SELECT
        *,
        greatest(0, least(age, 61) - 14) AS age_14_to_61,
        greatest(0, age - 61) AS age_over_61,
        CASE WHEN esrd_days < 365 THEN 1 ELSE 0 END AS is_under_1_year,
        CASE WHEN esrd_days BETWEEN 365 AND 729 THEN 1 ELSE 0 END AS is_1_to_2_years,
        CASE WHEN esrd_days BETWEEN 730 AND 1094 THEN 1 ELSE 0 END AS is_2_to_3_years
    FROM described
)

SELECT
    'dfc' AS program,
    c.patient_id,
    c.start_date,
    $performance_year AS performance_year,
    c.ccn,
    c.record,
    c.stop_day - c.days AS start_day,
    c.stop_day,
    CASE WHEN c.is_event THEN 1 ELSE 0 END AS is_event,
    ln(CAST(coalesce(s.deaths_per_100000, n.deaths_per_100000) AS DOUBLE)) AS log_state_death_rate,
    least(c.age, 14) AS age_to_14,
    c.age_14_to_61,
    c.age_over_61,
    CAST(c.record_ma_days AS DOUBLE) / c.record_days AS ma_share,
    c.is_black * c.age_14_to_61 AS black_x_age_14_to_61,
    c.is_black * c.age_over_61 AS black_x_age_over_61,
    c.is_female,
    c.is_black,
    c.is_asian,
    c.is_native_or_other,
    c.is_hispanic,
    c.is_ethnicity_unknown,
    c.is_diabetes_cause,
    CASE WHEN i.is_cause_missing THEN 1 ELSE 0 END AS is_cause_missing,
    c.is_under_1_year,
    c.is_1_to_2_years,
    c.is_2_to_3_years,
    CASE WHEN h.home_days BETWEEN 1 AND 89 THEN 1 ELSE 0 END AS is_nursing_home_short,
    CASE WHEN h.home_days >= 90 THEN 1 ELSE 0 END AS is_nursing_home_long,
    CASE WHEN i.bmi_class = '<18.5' THEN 1 ELSE 0 END AS is_bmi_under_18,
    CASE WHEN i.bmi_class = '18.5-25' THEN 1 ELSE 0 END AS is_bmi_18_to_25,
    CASE WHEN i.bmi_class = '25-30' THEN 1 ELSE 0 END AS is_bmi_25_to_30,
    CASE WHEN i.is_bmi_missing THEN 1 ELSE 0 END AS is_bmi_missing,
    CASE WHEN i.has_form THEN 0 ELSE 1 END AS is_form_missing,
    CASE WHEN coalesce(v.months, 0) < 6 THEN 1 ELSE 0 END AS is_prevalent_missing,
    CASE WHEN c.is_covid THEN 1 ELSE 0 END AS is_covid,
    c.is_hispanic * (c.is_black + c.is_asian + c.is_native_or_other) AS hispanic_x_nonwhite,
    c.is_diabetes_cause * c.is_black AS diabetes_x_black,
    c.is_diabetes_cause * c.is_asian AS diabetes_x_asian,
    c.is_diabetes_cause * c.is_native_or_other AS diabetes_x_native_or_other,
    c.is_diabetes_cause * c.is_under_1_year AS diabetes_x_under_1_year,
    c.is_diabetes_cause * c.is_1_to_2_years AS diabetes_x_1_to_2_years,
    c.is_diabetes_cause * c.is_2_to_3_years AS diabetes_x_2_to_3_years,
    c.is_under_1_year * c.is_black AS under_1_year_x_black,
    c.is_under_1_year * c.is_asian AS under_1_year_x_asian,
    c.is_under_1_year * c.is_native_or_other AS under_1_year_x_native_or_other,
    c.is_female * c.is_black AS female_x_black,
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
FROM classed AS c
LEFT JOIN incident AS i ON i.patient_id = c.patient_id
LEFT JOIN home_day AS h ON h.patient_id = c.patient_id AND h.record = c.record
LEFT JOIN covered AS v ON v.patient_id = c.patient_id
LEFT JOIN facility AS f ON f.ccn = c.ccn
LEFT JOIN parameter.state_death_rate AS s
    ON s.state = f.state
    AND s.race_class = CASE WHEN c.race_class = 'other' THEN 'all' ELSE c.race_class END
LEFT JOIN parameter.state_death_rate AS n
    ON n.state = 'US'
    AND n.race_class = CASE WHEN c.race_class = 'other' THEN 'all' ELSE c.race_class END
