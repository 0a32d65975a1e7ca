-- One row: a month of the year of one patient at one facility of Dialysis Facility Measures that
-- treated or admitted them: whether a fistula alone was in use, or why the month is not counted;
-- and the facts of the month used as adjusters. Manual 2.2.7 to 2.2.14.
-- Readings. The denominator (2.2.9 to 2.2.12) has the same text as that of the long-term catheter
-- rate (2.1.8 to 2.1.11) and is taken from there. 2.2.8 repeats 2.1.7 on exceptions, but Dialysis
-- Facility Measures have none (3.4, Table 17). A month without any report of an access is in the
-- denominator only. Duration of ESRD and age are those on the month's first day. Nursing home days
-- are those of the 365 days before the month, claims and coverage those of the twelve months
-- before. Conditions of CMS-2728 and of claims count alike, however long Medicare covered the
-- patient.
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

insured AS (
    SELECT
        patient_id,
        date_part('year', month) * 12 + date_part('month', month) AS month_number,
        is_covered,
        is_ma
    FROM history.medicare_month
    WHERE performance_year = $performance_year AND is_observable
),

-- At least six months of Medicare coverage, or one of Medicare Advantage, among the twelve before.
seen AS (
    SELECT a.patient_id, a.month_number
    FROM asked AS a
    JOIN insured AS i
        ON i.patient_id = a.patient_id
        AND i.month_number >= a.month_number - 12
        AND i.month_number < a.month_number
    GROUP BY a.patient_id, a.month_number
    HAVING sum(CASE WHEN i.is_covered THEN 1 ELSE 0 END) >= 6
        OR max(CASE WHEN i.is_ma THEN 1 ELSE 0 END) = 1
),

described AS (
    SELECT
        c.*,
        s.patient_id IS NOT NULL AS is_medicare_covered,
        coalesce(h.home_days, 0) AS nursing_home_days,
        coalesce(p.has_diabetes, false) AS has_diabetes_on_claims,
        coalesce(p.has_heart_failure, false) AS has_heart_failure_on_claims,
        coalesce(p.has_other_heart_disease, false) AS has_other_heart_disease_on_claims,
        coalesce(p.has_peripheral_vascular_disease, false)
            AS has_peripheral_vascular_disease_on_claims,
        coalesce(p.has_cerebrovascular_disease, false) AS has_cerebrovascular_disease_on_claims,
        coalesce(p.has_chronic_obstructive_pulmonary_disease, false)
            AS has_chronic_obstructive_pulmonary_disease_on_claims,
        coalesce(p.has_anemia, false) AS has_anemia_on_claims,
        coalesce(p.has_infection, false) AS has_infection_on_claims,
        coalesce(p.has_drug_dependence, false) AS has_drug_dependence_on_claims
    FROM counted AS c
    LEFT JOIN seen AS s ON s.patient_id = c.patient_id AND s.month_number = c.month_number
    LEFT JOIN home_day AS h ON h.patient_id = c.patient_id AND h.month = c.month
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
    age,
    CASE
        WHEN month > first_service_date + INTERVAL 9 YEAR THEN 9
        WHEN month > first_service_date + INTERVAL 5 YEAR THEN 5
        WHEN month > first_service_date + INTERVAL 1 YEAR THEN 1
        ELSE 0
    END AS esrd_years_over,
    nursing_home_days,
    is_medicare_covered,
    has_diabetes_on_claims,
    has_heart_failure_on_claims,
    has_other_heart_disease_on_claims,
    has_peripheral_vascular_disease_on_claims,
    has_cerebrovascular_disease_on_claims,
    has_chronic_obstructive_pulmonary_disease_on_claims,
    has_anemia_on_claims,
    has_infection_on_claims,
    has_drug_dependence_on_claims
FROM described
