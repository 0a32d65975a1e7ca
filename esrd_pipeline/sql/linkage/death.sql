-- One row: a death, as one program dates it. Manual 2.13.10, 3.1.6.
WITH program AS (
    SELECT
        'dfc' AS program
    UNION ALL
    SELECT
        'qip'
), finder AS (
    SELECT
        patient_id,
        ssn,
        date_of_birth,
        date_of_death
    FROM raw.eqrs_patient
    WHERE
        performance_year = $performance_year
), form AS (
    SELECT
        patient_id,
        death_date,
        primary_cause
    FROM raw.cms_2746
    WHERE
        performance_year = $performance_year
), enrolled AS (
    SELECT
        bene_id,
        bene_death_dt
    FROM raw.medicare_enrollment
    WHERE
        performance_year = $performance_year AND NOT bene_death_dt IS NULL
), beneficiary AS (
    SELECT
        bene_id,
        patient_id
    FROM linkage.beneficiary
    WHERE
        performance_year = $performance_year
), ssa AS (
    SELECT
        ssn,
        date_of_birth,
        date_of_death
    FROM raw.ssa_death
    WHERE
        performance_year = $performance_year
), told AS (
    SELECT
        patient_id,
        death_date,
        1 AS place,
        'cms_2746' AS source
    FROM form
    UNION ALL
    SELECT
        patient_id,
        date_of_death,
        2,
        'eqrs'
    FROM finder
    WHERE
        NOT date_of_death IS NULL
    UNION ALL
    SELECT
        b.patient_id,
        e.bene_death_dt,
        3,
        'enrollment'
    FROM enrolled AS e
    JOIN beneficiary AS b
        ON b.bene_id = e.bene_id
    UNION ALL
    SELECT
        f.patient_id,
        s.date_of_death,
        4,
        'ssa'
    FROM ssa AS s
    JOIN finder AS f
        ON f.ssn = s.ssn AND f.date_of_birth = s.date_of_birth
), mine AS (
    SELECT
        p.program,
        t.*
    FROM told AS t
    CROSS JOIN program AS p
    WHERE
        p.program = 'dfc' OR t.source <> 'ssa'
), ranked AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY program, patient_id ORDER BY place, death_date) AS n,
        count(*) OVER (PARTITION BY program, patient_id) AS source_count,
        min(death_date) OVER (PARTITION BY program, patient_id) AS first_date,
        max(death_date) OVER (PARTITION BY program, patient_id) AS last_date
    FROM mine
)
SELECT
    r.program,
    r.patient_id,
    $performance_year AS performance_year,
    r.death_date,
    r.source,
    r.source_count,
    r.first_date <> r.last_date AS is_conflicting,
    f.primary_cause
FROM ranked AS r
LEFT JOIN form AS f
    ON f.patient_id = r.patient_id
WHERE
    r.n = 1
