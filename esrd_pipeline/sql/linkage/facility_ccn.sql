-- One row: a facility identifier and a span of days under one CCN. Manual 3.3.7, 3.3.11.
WITH program AS (
    SELECT
        'dfc' AS program
    UNION ALL
    SELECT
        'qip'
), spans AS (
    SELECT
        facilityid,
        effective_date AS start_date,
        end_date,
        provnum AS ccn
    FROM raw.eqrs_ccn_history
    WHERE
        performance_year = $performance_year AND NOT provnum IS NULL
), bare AS (
    SELECT
        facilityid,
        CAST('1900-01-01' AS DATE) AS start_date,
        CAST(NULL AS DATE) AS end_date,
        provnum AS ccn
    FROM raw.eqrs_facility
    WHERE
        performance_year = $performance_year
        AND NOT provnum IS NULL
        AND NOT facilityid IN (
            SELECT
                facilityid
            FROM spans
        )
)
SELECT
    p.program,
    s.facilityid,
    s.start_date,
    s.end_date,
    $performance_year AS performance_year,
    s.ccn
FROM (
    SELECT
        *
    FROM spans
    UNION ALL
    SELECT
        *
    FROM bare
) AS s
CROSS JOIN program AS p
