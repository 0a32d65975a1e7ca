-- One row: a segment of days on which one prescription of dialysis of one EQRS facility applies to
-- a patient: type, setting and sessions a week. Manual 3.1.1, 3.1.4. Reading 83: a prescription
-- applies until the facility's next for the patient. Where the next one is of a new stay it begins
-- with that stay, also if it is dated later; the first one also applies to the days before. An
-- admission discharged as Acute is no stay.
WITH
rule AS (
    SELECT make_date($performance_year, 12, 31) AS last_day
),

admission AS (
    SELECT
        a.patient_id,
        a.facilityid,
        a.admit_date,
        max(greatest(coalesce(a.discharge_date, DATE '9999-12-31'), a.admit_date)) OVER (
            PARTITION BY a.patient_id, a.facilityid
            ORDER BY a.admit_date, coalesce(a.discharge_date, DATE '9999-12-31')
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS end_before
    FROM raw.eqrs_admission AS a
    CROSS JOIN rule AS r
    WHERE a.performance_year = $performance_year
        AND coalesce(a.discharge_reason, 'none') <> 'Acute'
        AND a.admit_date <= r.last_day
),

given AS (
    SELECT
        patient_id,
        facilityid,
        start_date,
        lag(start_date) OVER facility AS date_before,
        treatment_type,
        setting,
        sessions_per_week
    FROM raw.eqrs_treatment
    WHERE performance_year = $performance_year
    WINDOW facility AS (PARTITION BY patient_id, facilityid ORDER BY start_date)
),

-- The stay in which a prescription begins, where the stay began after the prescription before.
begun AS (
    SELECT
        g.patient_id,
        g.facilityid,
        g.start_date,
        g.date_before,
        g.treatment_type,
        g.setting,
        g.sessions_per_week,
        max(a.admit_date) AS stay_start
    FROM given AS g
    LEFT JOIN admission AS a
        ON a.patient_id = g.patient_id
        AND a.facilityid = g.facilityid
        AND a.admit_date > g.date_before
        AND a.admit_date <= g.start_date
        AND a.end_before < a.admit_date - 1
    GROUP BY
        g.patient_id,
        g.facilityid,
        g.start_date,
        g.date_before,
        g.treatment_type,
        g.setting,
        g.sessions_per_week
),

dated AS (
    SELECT
        patient_id,
        facilityid,
        CASE
            WHEN date_before IS NULL THEN DATE '1900-01-01'
            ELSE coalesce(stay_start, start_date)
        END AS start_date,
        treatment_type,
        setting,
        sessions_per_week
    FROM begun
)

SELECT
    patient_id,
    facilityid,
    start_date,
    coalesce(
        lead(start_date) OVER (PARTITION BY patient_id, facilityid ORDER BY start_date) - 1,
        DATE '9999-12-31'
    ) AS end_date,
    $performance_year AS performance_year,
    treatment_type,
    setting,
    sessions_per_week
FROM dated
