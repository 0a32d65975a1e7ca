-- One row: a segment of one patient's days on the kidney or kidney-pancreas transplant waitlist.
-- Manual 2.16.6, 2.16.11, 2.27.11; Table 12, footnote 2: UNOS (QIP) and OPTN (Dialysis Facility
-- Measures). One file serves both: UNOS runs OPTN's registry.
-- Readings. A registration lasts to the day before its removal, but at least its first day; one
-- removed before it was listed is ignored. Registrations that overlap or are adjacent, in any
-- center and under any OPTN person of the patient, are joined.
WITH
-- With one typing error at most (reading 149).
optn_person AS (
    SELECT ssn, date_of_birth, patient_id
    FROM linkage.register_match
    WHERE performance_year = $performance_year AND register = 'optn'
),

part AS (
    SELECT
        p.patient_id,
        w.can_listing_dt AS start_date,
        greatest(coalesce(w.can_rem_dt - 1, DATE '9999-12-31'), w.can_listing_dt) AS end_date
    FROM (
        SELECT pers_ssn, pers_birth_dt, can_listing_dt, can_rem_dt
        FROM raw.optn_waitlist
        WHERE performance_year = $performance_year
            AND can_listing_dt <= make_date($performance_year, 12, 31)
            AND (can_rem_dt IS NULL OR can_rem_dt >= can_listing_dt)
    ) AS w
    JOIN optn_person AS p ON p.ssn = w.pers_ssn AND p.date_of_birth = w.pers_birth_dt
)

SELECT
    patient_id,
    start_date,
    CASE WHEN end_date < DATE '9999-12-31' THEN end_date END AS end_date,
    $performance_year AS performance_year
FROM shared.joined_segments AS s
