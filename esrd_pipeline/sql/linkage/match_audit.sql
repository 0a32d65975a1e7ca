-- One row: one comparison tried for one beneficiary, in the order of the look-ups. Manual 3.2.1.
-- A look-up is tried only if no earlier one matched.
-- Beneficiaries of earlier years' folders are matched too, with the EQRS patients known today and
-- with their newest enrollment record (reading 100).
WITH
ranked_enrollment AS (
    SELECT
        bene_id,
        mbi_num AS mbi,
        bene_crnt_hic_num AS hicn,
        bene_ssn_num AS ssn,
        bene_birth_dt,
        row_number() OVER (PARTITION BY bene_id ORDER BY performance_year DESC) AS place
    FROM raw.medicare_enrollment
    WHERE performance_year BETWEEN $performance_year - 3 AND $performance_year
),

enrolled AS (
    SELECT bene_id, mbi, hicn, ssn, bene_birth_dt FROM ranked_enrollment WHERE place = 1
),

finder AS (
    SELECT patient_id, mbi, hicn, ssn, date_of_birth
    FROM raw.eqrs_patient
    WHERE performance_year = $performance_year
),

history AS (
    SELECT h.patient_id, h.mbi, h.hicn, f.date_of_birth
    FROM raw.eqrs_identifier AS h
    JOIN finder AS f ON f.patient_id = h.patient_id
    WHERE h.performance_year = $performance_year
),

wanted AS (
    SELECT
        bene_id,
        1 AS lookup,
        'mbi' AS identifier,
        'finder' AS looked_in,
        mbi AS value,
        bene_birth_dt
    FROM enrolled
    UNION ALL
    SELECT bene_id, 2, 'mbi', 'history', mbi, bene_birth_dt
    FROM enrolled
    UNION ALL
    SELECT bene_id, 3, 'hicn', 'finder', hicn, bene_birth_dt
    FROM enrolled
    UNION ALL
    SELECT bene_id, 4, 'hicn', 'history', hicn, bene_birth_dt
    FROM enrolled
    UNION ALL
    SELECT bene_id, 5, 'ssn', 'finder', ssn, bene_birth_dt
    FROM enrolled
),

known AS (
    SELECT 1 AS lookup, mbi AS value, date_of_birth, patient_id
    FROM finder
    WHERE mbi IS NOT NULL
    UNION
    SELECT 2, mbi, date_of_birth, patient_id
    FROM history
    WHERE mbi IS NOT NULL
    UNION
    SELECT 3, hicn, date_of_birth, patient_id
    FROM finder
    WHERE hicn IS NOT NULL
    UNION
    SELECT 4, hicn, date_of_birth, patient_id
    FROM history
    WHERE hicn IS NOT NULL
    UNION
    SELECT 5, ssn, date_of_birth, patient_id
    FROM finder
    WHERE ssn IS NOT NULL
),

found AS (
    SELECT
        w.bene_id,
        w.lookup,
        count(DISTINCT k.patient_id) AS patients
    FROM wanted AS w
    JOIN known AS k
        ON k.lookup = w.lookup AND k.value = w.value AND k.date_of_birth = w.bene_birth_dt
    GROUP BY w.bene_id, w.lookup
),

judged AS (
    SELECT
        w.bene_id,
        w.lookup,
        w.identifier,
        w.looked_in,
        CASE
            WHEN w.value IS NULL OR w.bene_birth_dt IS NULL THEN 'no identifier'
            WHEN f.patients = 1 THEN 'match'
            WHEN f.patients > 1 THEN 'several patients'
            ELSE 'no match'
        END AS result
    FROM wanted AS w
    LEFT JOIN found AS f ON f.bene_id = w.bene_id AND f.lookup = w.lookup
),

first_match AS (
    SELECT
        bene_id,
        min(lookup) AS lookup
    FROM judged
    WHERE result = 'match'
    GROUP BY bene_id
)

SELECT
    j.bene_id,
    $performance_year AS performance_year,
    j.lookup,
    j.identifier,
    j.looked_in,
    j.result
FROM judged AS j
LEFT JOIN first_match AS m ON m.bene_id = j.bene_id
WHERE m.lookup IS NULL OR j.lookup <= m.lookup
