-- One row: a facility of a program's list. Manual 3.3.4, 3.3.10 (shortened).
WITH program AS (
    SELECT
        'dfc' AS program
    UNION ALL
    SELECT
        'qip'
), ccns AS (
    SELECT DISTINCT
        program,
        ccn
    FROM linkage.facility_ccn
    WHERE
        performance_year = $performance_year
), directory AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY provnum
            ORDER BY CASE WHEN upper(factype) = 'DIALYSIS' THEN 0 ELSE 1 END, facilityid
        ) AS place
    FROM raw.eqrs_facility
    WHERE
        performance_year = $performance_year
)
SELECT
    c.program,
    c.ccn,
    $performance_year AS performance_year,
    d.facility_name,
    d.state,
    d.network,
    d.dialysis_organization,
    CASE
        WHEN substring(c.ccn, 3, 2) BETWEEN '25' AND '29'
        THEN 'freestanding'
        WHEN substring(c.ccn, 3, 2) IN ('23', '24')
        THEN 'hospital based'
        WHEN substring(c.ccn, 3, 2) IN ('35', '36', '37')
        THEN 'hospital satellite'
        WHEN substring(c.ccn, 3, 2) < '09'
        THEN 'hospital'
        ELSE 'other'
    END AS facility_type,
    d.certdate AS certification_date,
    d.dateclosed AS close_date,
    coalesce(d.dateclosed IS NULL AND upper(d.factype) = 'DIALYSIS', FALSE) AS is_eligible,
    CASE
        WHEN d.provnum IS NULL
        THEN 'CCN no longer in use'
        WHEN NOT d.dateclosed IS NULL
        THEN 'closed'
        WHEN upper(d.factype) <> 'DIALYSIS'
        THEN 'not a dialysis facility'
    END AS reason
FROM ccns AS c
LEFT JOIN directory AS d
    ON d.provnum = c.ccn AND d.place = 1
