-- One row: a patient's first ESRD service date (shortened: claims evidence left out). Manual 3.1.2.
WITH program AS (
    SELECT
        'dfc' AS program
    UNION ALL
    SELECT
        'qip'
), form AS (
    SELECT
        patient_id,
        min(coalesce(dialysis_began_date, signature_date)) AS d
    FROM raw.cms_2728
    WHERE
        performance_year = $performance_year
    GROUP BY
        patient_id
), eqrs AS (
    SELECT
        patient_id,
        min(admit_date) AS d
    FROM raw.eqrs_admission
    WHERE
        performance_year = $performance_year AND coalesce(discharge_reason, '') <> 'Acute'
    GROUP BY
        patient_id
), tx AS (
    SELECT
        program,
        patient_id,
        min(transplant_date) AS d
    FROM linkage.transplant
    WHERE
        performance_year = $performance_year
    GROUP BY
        program,
        patient_id
), who AS (
    SELECT
        patient_id
    FROM form
    UNION
    SELECT
        patient_id
    FROM eqrs
    UNION
    SELECT
        patient_id
    FROM tx
), dated AS (
    SELECT
        p.program,
        w.patient_id,
        f.d AS fd,
        e.d AS ed,
        t.d AS td
    FROM who AS w
    CROSS JOIN program AS p
    LEFT JOIN form AS f
        ON f.patient_id = w.patient_id
    LEFT JOIN eqrs AS e
        ON e.patient_id = w.patient_id
    LEFT JOIN tx AS t
        ON t.program = p.program AND t.patient_id = w.patient_id
)
SELECT
    program,
    patient_id,
    $performance_year AS performance_year,
    least(
        coalesce(fd, CAST('2999-01-01' AS DATE)),
        coalesce(ed, CAST('2999-01-01' AS DATE)),
        coalesce(td, CAST('2999-01-01' AS DATE))
    ) AS first_service_date,
    CASE
        WHEN fd <= least(coalesce(ed, fd), coalesce(td, fd))
        THEN 'medical evidence'
        WHEN ed <= coalesce(td, ed)
        THEN 'eqrs'
        ELSE 'transplant'
    END AS source,
    fd AS medical_evidence_date,
    ed AS eqrs_date,
    CAST(NULL AS DATE) AS claims_date,
    td AS transplant_date,
    CAST(NULL AS TEXT) AS moved_by
FROM dated
