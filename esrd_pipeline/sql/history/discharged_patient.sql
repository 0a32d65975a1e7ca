-- One row: a discharge of one patient with ESRD, with one program's facts as of that day: the
-- facility that treats the patient, and the adjusters of SRR and ED30. Manual 2.10.9, 2.10.11,
-- 2.11.10, 2.11.13, 2.26.9.
-- Readings: the facility is the one that treats the patient on the day of discharge by the
-- treatment history, with the CCN of that day; one that admits the patient on that day is it, one
-- that does so a day later is not, and of joined stays the day is that of the last (reading 145);
-- ages are completed years; nursing home days are
-- those of the 365 before the day; Medicare Advantage is that of the month; the day of ESRD counts
-- from 1; a high-risk condition is that of the principal diagnosis (reading 129).
WITH
discharge AS (
    SELECT patient_id, stay, discharge_date, principal_category
    FROM history.inpatient_discharge
    WHERE performance_year = $performance_year
),

known AS (
    SELECT
        f.program,
        d.patient_id,
        d.stay,
        d.discharge_date,
        d.principal_category,
        f.first_service_date,
        datediff('day', f.first_service_date, d.discharge_date) + 1 AS esrd_day
    FROM discharge AS d
    JOIN linkage.first_service AS f
        ON f.patient_id = d.patient_id AND f.performance_year = $performance_year
),

person AS (
    SELECT patient_id, sex
    FROM linkage.patient
    WHERE performance_year = $performance_year
),

treated AS (
    SELECT k.program, k.patient_id, k.stay, t.state, t.ccn
    FROM history.treatment AS t
    JOIN known AS k
        ON k.program = t.program
        AND k.patient_id = t.patient_id
        AND k.discharge_date BETWEEN t.start_date AND t.end_date
    WHERE t.performance_year = $performance_year
),

-- A graft that fails on the day of discharge counts as functioning that day (2.11.9).
failing AS (
    SELECT DISTINCT k.program, k.patient_id, k.stay
    FROM known AS k
    JOIN linkage.transplant AS t
        ON t.program = k.program
        AND t.patient_id = k.patient_id
        AND t.performance_year = $performance_year
        AND t.failure_date = k.discharge_date
),

period AS (
    SELECT patient_id, discharge_date AS start_date FROM known
),

enrolled AS (
    SELECT patient_id, month
    FROM history.medicare_month
    WHERE performance_year = $performance_year AND is_ma
),

incident AS (
    SELECT patient_id, is_diabetes_cause
    FROM history.patient_characteristics
    WHERE performance_year = $performance_year
),

body AS (
    SELECT patient_id, bmi, imputed_bmi
    FROM history.patient_characteristics
    WHERE performance_year = $performance_year
),

death AS (
    SELECT program, patient_id, death_date
    FROM linkage.death
    WHERE performance_year = $performance_year
)

SELECT
    k.program,
    k.patient_id,
    k.stay,
    $performance_year AS performance_year,
    k.discharge_date,
    t.ccn,
    t.state,
    coalesce(t.state = 'transplant', FALSE) OR f.patient_id IS NOT NULL AS is_grafted,
    d.death_date,
    k.esrd_day,
    h.age,
    coalesce(p.sex = 'F', FALSE) AS is_female,
    coalesce(i.is_diabetes_cause, FALSE) AS is_diabetes_cause,
    b.bmi,
    b.imputed_bmi,
    coalesce(h.nursing_home_days, 0) AS home_days,
    e.patient_id IS NOT NULL AS is_ma,
    r.category IS NOT NULL AS is_high_risk
FROM known AS k
LEFT JOIN person AS p ON p.patient_id = k.patient_id
LEFT JOIN treated AS t
    ON t.program = k.program AND t.patient_id = k.patient_id AND t.stay = k.stay
LEFT JOIN failing AS f
    ON f.program = k.program AND f.patient_id = k.patient_id AND f.stay = k.stay
LEFT JOIN shared.first_day_facts AS h
    ON h.patient_id = k.patient_id AND h.start_date = k.discharge_date
LEFT JOIN enrolled AS e
    ON e.patient_id = k.patient_id
    AND e.month = make_date(year(k.discharge_date), month(k.discharge_date), 1)
LEFT JOIN incident AS i ON i.patient_id = k.patient_id
LEFT JOIN body AS b ON b.patient_id = k.patient_id
LEFT JOIN death AS d ON d.program = k.program AND d.patient_id = k.patient_id
LEFT JOIN parameter.high_risk_diagnosis AS r
    ON CAST(r.category AS INTEGER) = k.principal_category
