-- One row: a kidney transplant, as one program knows it. Manual 2.13.10, 3.1.2.
WITH finder AS (
    SELECT
        patient_id,
        ssn,
        date_of_birth
    FROM raw.eqrs_patient
    WHERE
        performance_year = $performance_year
), optn AS (
    SELECT
        f.patient_id,
        t.rec_tx_dt AS d,
        t.tfl_graft_dt AS failed,
        CASE t.don_ty WHEN 'L' THEN 'living' WHEN 'C' THEN 'deceased' END AS donor,
        1 AS place,
        'optn' AS source
    FROM raw.optn_transplant AS t
    JOIN finder AS f
        ON f.ssn = t.pers_ssn AND f.date_of_birth = t.pers_birth_dt
    WHERE
        t.performance_year = $performance_year
), eqrs AS (
    SELECT
        patient_id,
        discharge_date AS d,
        CAST(NULL AS DATE) AS failed,
        CAST(NULL AS TEXT) AS donor,
        2 AS place,
        'eqrs' AS source
    FROM raw.eqrs_admission
    WHERE
        performance_year = $performance_year AND discharge_reason = 'Transplant'
), form AS (
    SELECT
        patient_id,
        transplant_date AS d,
        dialysis_returned_date AS failed,
        CAST(NULL AS TEXT) AS donor,
        3 AS place,
        'cms_2728' AS source
    FROM raw.cms_2728
    WHERE
        performance_year = $performance_year AND NOT transplant_date IS NULL
), every AS (
    SELECT
        'dfc' AS program,
        *
    FROM optn
    UNION ALL
    SELECT
        'dfc',
        *
    FROM eqrs
    UNION ALL
    SELECT
        'dfc',
        *
    FROM form
    UNION ALL
    SELECT
        'qip',
        *
    FROM eqrs
    UNION ALL
    SELECT
        'qip',
        *
    FROM form
), told AS (
    SELECT
        program,
        patient_id,
        d,
        max(failed) AS failed,
        max(donor) AS donor,
        place,
        source
    FROM every
    GROUP BY
        program,
        patient_id,
        d,
        place,
        source
), ordered AS (
    SELECT
        *,
        lag(d) OVER (PARTITION BY program, patient_id ORDER BY d, place) AS before
    FROM told
), grouped AS (
    SELECT
        *,
        sum(CASE WHEN before IS NULL OR d > before + 30 THEN 1 ELSE 0 END) OVER (
            PARTITION BY program, patient_id
            ORDER BY d, place
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS g
    FROM ordered
), chosen AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY program, patient_id, g ORDER BY place, d) AS n,
        max(failed) OVER (PARTITION BY program, patient_id, g) AS any_failed,
        max(donor) OVER (PARTITION BY program, patient_id, g) AS any_donor
    FROM grouped
), back AS (
    SELECT
        patient_id,
        admit_date
    FROM raw.eqrs_admission
    WHERE
        performance_year = $performance_year AND admit_reason = 'Dialysis After Transplant Failed'
), returned AS (
    SELECT
        c.program,
        c.patient_id,
        c.d,
        min(b.admit_date) AS r
    FROM chosen AS c
    JOIN back AS b
        ON b.patient_id = c.patient_id AND b.admit_date > c.d
    WHERE
        c.n = 1
    GROUP BY
        c.program,
        c.patient_id,
        c.d
)
SELECT
    c.program,
    c.patient_id,
    $performance_year AS performance_year,
    c.d AS transplant_date,
    least(coalesce(c.any_failed, r.r), coalesce(r.r, c.any_failed)) AS failure_date,
    c.any_donor AS donor,
    c.source
FROM chosen AS c
LEFT JOIN returned AS r
    ON r.program = c.program AND r.patient_id = c.patient_id AND r.d = c.d
WHERE
    c.n = 1
