-- One row: a provider number and the facility it stands for. Manual 3.3.2 to 3.3.5 (shortened).
WITH directory AS (
    SELECT
        provnum,
        altprovnum
    FROM raw.eqrs_facility
    WHERE
        performance_year = $performance_year AND upper(factype) = 'DIALYSIS'
), program AS (
    SELECT
        'dfc' AS program
    UNION ALL
    SELECT
        'qip'
), own AS (
    SELECT DISTINCT
        provnum AS provider_number,
        provnum AS ccn
    FROM directory
    WHERE
        NOT provnum IS NULL
), history AS (
    SELECT DISTINCT
        provnum AS provider_number,
        provnum AS ccn
    FROM raw.eqrs_ccn_history
    WHERE
        performance_year = $performance_year AND NOT provnum IS NULL
), alternate AS (
    SELECT
        altprovnum AS provider_number,
        min(provnum) AS ccn
    FROM directory
    WHERE
        NOT altprovnum IS NULL AND NOT provnum IS NULL
    GROUP BY
        altprovnum
), listed AS (
    SELECT
        provider_number,
        ccn,
        'own' AS relation
    FROM own
    UNION
    SELECT
        provider_number,
        ccn,
        'own'
    FROM history
    UNION
    SELECT
        provider_number,
        ccn,
        'alternate'
    FROM alternate
    WHERE
        NOT provider_number IN (
            SELECT
                provider_number
            FROM own
        )
        AND NOT provider_number IN (
            SELECT
                provider_number
            FROM history
        )
)
SELECT
    p.program,
    l.provider_number,
    $performance_year AS performance_year,
    l.ccn,
    l.relation,
    'directory' AS rule
FROM listed AS l
CROSS JOIN program AS p
