-- One row: a month of the year of one patient at the facility of a program that treated the patient
-- on every day of it: the modality that counts, age and day of ESRD as of the day that counts, and
-- sessions a week by EQRS. Manual 2.3.10 to 2.6.10, 3.1.1, 3.1.3, 3.1.4, Table 17
-- (exceptions, QIP only).
-- Reading: modality comes from claims where EQRS has none, and then age and duration of ESRD are
-- those of the first claim's first day. Reading 93: in DFC the CMS-2728 of the facility tells it
-- where neither does (2.1.10), for a year from the day it says the patient came there; the QIP has
-- no such source (3.1.1).
WITH
-- 3.4: reports for a month of an exception are not used.
exception AS (
    SELECT ccn, month FROM history.exception_month WHERE performance_year = $performance_year
),

first_claim AS (
    SELECT d.program, d.patient_id, d.month, d.ccn, min(d.from_date) AS from_date
    FROM history.dialysis_claim AS d
    LEFT JOIN exception AS e
        ON d.program = 'qip'
        AND e.ccn = d.ccn
        AND e.month = d.month
    WHERE d.performance_year = $performance_year
        AND d.ccn IS NOT NULL
        AND d.is_paid
        AND e.ccn IS NULL
    GROUP BY d.program, d.patient_id, d.month, d.ccn
),

form AS (
    SELECT
        s.program,
        f.patient_id,
        s.ccn,
        f.facility_start_date,
        -- Of several the last, and of one day the last filed.
        CAST(date_diff('day', DATE '1970-01-01', f.facility_start_date) AS BIGINT) * 1000000000000
        + f.form_number AS place,
        CASE
            WHEN f.treatment_type = 'Hemodialysis' AND f.setting = 'Dialysis Facility/Center'
                THEN 'in-center hemodialysis'
            WHEN f.treatment_type = 'Hemodialysis' AND f.setting IS NOT NULL
                THEN 'home hemodialysis'
            WHEN f.treatment_type IN ('CAPD', 'CCPD') THEN 'peritoneal dialysis'
            WHEN f.treatment_type = 'Other' THEN 'other'
        END AS modality
    FROM raw.cms_2728 AS f
    JOIN linkage.facility_ccn AS s
        ON s.program = 'dfc'
        AND s.facilityid = f.facilityid
        AND s.start_date <= f.facility_start_date
        AND coalesce(s.end_date, DATE '9999-12-31') >= f.facility_start_date
        AND s.performance_year = $performance_year
    WHERE f.performance_year = $performance_year
),

form_month AS (
    SELECT c.program, c.patient_id, c.month, c.ccn, arg_max(f.modality, f.place) AS modality
    FROM history.care_month AS c
    JOIN form AS f
        ON f.program = c.program
        AND f.patient_id = c.patient_id
        AND f.ccn = c.ccn
        AND f.facility_start_date <= c.month
        AND f.facility_start_date > c.month - INTERVAL 1 YEAR
    WHERE c.performance_year = $performance_year
        AND c.is_whole
        AND c.modality IS NULL
        AND f.modality IS NOT NULL
    GROUP BY c.program, c.patient_id, c.month, c.ccn
),

-- 3.1.1: EQRS first; from claims, the QIP keeps a mix of modalities as mixed.
cared AS (
    SELECT
        c.program,
        c.patient_id,
        c.month,
        c.ccn,
        c.frequency,
        c.frequency_source,
        CASE
            WHEN c.modality IS NOT NULL THEN c.modality
            WHEN c.program = 'qip' AND m.is_mixed THEN 'mixed'
            WHEN m.modality IN ('peritoneal dialysis', 'other peritoneal dialysis')
                THEN 'peritoneal dialysis'
            WHEN m.modality <> 'undetermined' THEN m.modality
            ELSE w.modality
        END AS modality,
        CASE
            WHEN c.modality IS NOT NULL THEN 'eqrs'
            WHEN m.modality <> 'undetermined' OR (c.program = 'qip' AND m.is_mixed) THEN 'claims'
            WHEN w.modality IS NOT NULL THEN 'cms_2728'
        END AS modality_source,
        CASE
            WHEN c.modality IS NULL AND m.modality IS NOT NULL THEN coalesce(b.from_date, c.month)
            ELSE c.month
        END AS as_of_date
    FROM history.care_month AS c
    LEFT JOIN history.claims_modality AS m
        ON m.program = c.program
        AND m.patient_id = c.patient_id
        AND m.month = c.month
        AND m.ccn = c.ccn
        AND m.performance_year = $performance_year
    LEFT JOIN first_claim AS b
        ON b.program = c.program
        AND b.patient_id = c.patient_id
        AND b.month = c.month
        AND b.ccn = c.ccn
    LEFT JOIN form_month AS w
        ON w.program = c.program
        AND w.patient_id = c.patient_id
        AND w.month = c.month
        AND w.ccn = c.ccn
    WHERE c.performance_year = $performance_year
        AND c.is_whole
)

SELECT
    c.program,
    c.patient_id,
    c.month,
    c.ccn,
    $performance_year AS performance_year,
    c.modality,
    CASE WHEN c.modality IS NOT NULL THEN c.modality_source END AS modality_source,
    c.as_of_date,
    shared.completed_years(p.date_of_birth, c.as_of_date) AS age,
    date_diff('day', f.first_service_date, c.as_of_date) + 1 AS esrd_day,
    c.frequency,
    c.frequency_source
FROM cared AS c
JOIN linkage.patient AS p
    ON p.patient_id = c.patient_id AND p.performance_year = $performance_year
JOIN linkage.first_service AS f
    ON f.program = c.program
    AND f.patient_id = c.patient_id
    AND f.performance_year = $performance_year
