-- One row: a spell of one patient in one state and, on dialysis, one facility and modality; spells
-- tile the days from the first service date to death or the year's end. Manual 2.13.10.
-- Readings: a later admission ends an earlier one the day before; the day of discharge is the last
-- day treated; Acute and Transient admissions are no chronic treatment there.
WITH
person AS (
    SELECT f.program, f.patient_id, f.first_service_date,
        least(coalesce(d.death_date, make_date($performance_year, 12, 31)), make_date($performance_year, 12, 31)) AS last_day
    FROM linkage.first_service AS f
    LEFT JOIN linkage.death AS d ON d.program = f.program AND d.patient_id = f.patient_id AND d.performance_year = $performance_year
    WHERE f.performance_year = $performance_year
),
admitted AS (
    SELECT a.patient_id, a.facilityid, a.admit_date, a.discharge_date, a.discharge_reason
    FROM raw.eqrs_admission AS a
    WHERE a.performance_year = $performance_year
        AND a.admit_reason NOT IN ('Transient', 'Acute') AND coalesce(a.discharge_reason, '') <> 'Acute'
),
-- One admission a day: of several, the one with the largest facility identifier.
daily AS (
    SELECT *, row_number() OVER (PARTITION BY patient_id, admit_date ORDER BY facilityid DESC) AS place FROM admitted
),
sequenced AS (
    SELECT *, lead(admit_date) OVER (PARTITION BY patient_id ORDER BY admit_date) AS next_admit FROM daily WHERE place = 1
),
bounded AS (
    SELECT patient_id, facilityid, admit_date,
        CASE WHEN discharge_date IS NULL THEN next_admit - 1
             WHEN next_admit IS NULL THEN discharge_date
             ELSE least(discharge_date, next_admit - 1) END AS last_date,
        CASE WHEN discharge_date IS NOT NULL AND (next_admit IS NULL OR discharge_date < next_admit) THEN discharge_reason END AS why,
        next_admit
    FROM sequenced
),
mine AS (
    SELECT p.program, p.patient_id, p.first_service_date, p.last_day, b.facilityid,
        greatest(b.admit_date, p.first_service_date) AS start_date,
        least(coalesce(b.last_date, p.last_day), p.last_day) AS end_date, b.why, b.next_admit
    FROM bounded AS b JOIN person AS p ON p.patient_id = b.patient_id
),
transplant AS (
    SELECT program, patient_id, transplant_date, failure_date FROM linkage.transplant WHERE performance_year = $performance_year
),
prescribed AS (
    SELECT patient_id, facilityid, start_date, treatment_type, setting FROM raw.eqrs_treatment WHERE performance_year = $performance_year
),
ccns AS (
    SELECT program, facilityid, start_date, coalesce(end_date, DATE '9999-12-31') AS end_date, ccn FROM linkage.facility_ccn WHERE performance_year = $performance_year
),
boundary AS (
    SELECT program, patient_id, first_service_date AS d FROM person WHERE first_service_date <= last_day
    UNION SELECT program, patient_id, start_date FROM mine WHERE start_date <= end_date
    UNION SELECT program, patient_id, end_date + 1 FROM mine WHERE start_date <= end_date AND end_date < last_day
    UNION SELECT m.program, m.patient_id, r.start_date FROM mine m JOIN prescribed r ON r.patient_id = m.patient_id AND r.facilityid = m.facilityid AND r.start_date > m.start_date AND r.start_date <= m.end_date
    UNION SELECT m.program, m.patient_id, c.start_date FROM mine m JOIN ccns c ON c.program = m.program AND c.facilityid = m.facilityid AND c.start_date > m.start_date AND c.start_date <= m.end_date
    UNION SELECT t.program, t.patient_id, t.transplant_date FROM transplant t JOIN person p ON p.program = t.program AND p.patient_id = t.patient_id AND t.transplant_date BETWEEN p.first_service_date AND p.last_day
    UNION SELECT t.program, t.patient_id, t.failure_date FROM transplant t JOIN person p ON p.program = t.program AND p.patient_id = t.patient_id AND t.failure_date BETWEEN p.first_service_date AND p.last_day
),
piece AS (
    SELECT b.program, b.patient_id, b.d AS start_date, coalesce(lead(b.d) OVER (PARTITION BY b.program, b.patient_id ORDER BY b.d) - 1, p.last_day) AS end_date
    FROM boundary b JOIN person p ON p.program = b.program AND p.patient_id = b.patient_id
),
grafted AS (
    SELECT DISTINCT q.program, q.patient_id, q.start_date
    FROM piece q JOIN transplant t ON t.program = q.program AND t.patient_id = q.patient_id
        AND q.start_date >= t.transplant_date AND q.start_date < coalesce(t.failure_date, DATE '9999-12-31')
),
-- Why the patient was no longer there: the last discharge before a day without an admission.
left_by AS (
    SELECT q.program, q.patient_id, q.start_date, m.why,
        row_number() OVER (PARTITION BY q.program, q.patient_id, q.start_date ORDER BY m.end_date DESC, m.start_date DESC) AS place
    FROM piece q JOIN mine m ON m.program = q.program AND m.patient_id = q.patient_id AND m.end_date < q.start_date
),
described AS (
    SELECT q.program, q.patient_id, q.start_date, q.end_date, m.facilityid,
        CASE WHEN g.start_date IS NOT NULL THEN 'transplant'
             WHEN m.facilityid IS NOT NULL THEN 'dialysis'
             WHEN l.why = 'Recover Function' THEN 'recovered'
             WHEN l.why = 'Discontinue' THEN 'withdrawn'
             WHEN l.why = 'Lost to Follow Up' THEN 'lost'
             ELSE 'untreated' END AS state,
        c.ccn, r.treatment_type, r.setting,
        row_number() OVER (PARTITION BY q.program, q.patient_id, q.start_date ORDER BY r.start_date DESC) AS place
    FROM piece q
    LEFT JOIN mine m ON m.program = q.program AND m.patient_id = q.patient_id AND q.start_date BETWEEN m.start_date AND m.end_date
    LEFT JOIN grafted g ON g.program = q.program AND g.patient_id = q.patient_id AND g.start_date = q.start_date
    LEFT JOIN left_by l ON l.program = q.program AND l.patient_id = q.patient_id AND l.start_date = q.start_date AND l.place = 1
    LEFT JOIN ccns c ON c.program = q.program AND c.facilityid = m.facilityid AND q.start_date BETWEEN c.start_date AND c.end_date
    LEFT JOIN prescribed r ON r.patient_id = q.patient_id AND r.facilityid = m.facilityid AND r.start_date <= q.start_date
)
SELECT program, patient_id, start_date, end_date, $performance_year AS performance_year, state,
    CASE WHEN state = 'dialysis' THEN ccn END AS ccn,
    CASE WHEN state <> 'dialysis' THEN NULL WHEN treatment_type IN ('CAPD', 'CCPD') THEN 'peritoneal' WHEN treatment_type = 'Hemodialysis' THEN 'hemodialysis' END AS modality,
    CASE WHEN state <> 'dialysis' THEN NULL WHEN setting = 'Home' THEN 'home' WHEN setting IS NOT NULL THEN 'in center' END AS setting,
    'eqrs' AS source
FROM described WHERE place = 1
