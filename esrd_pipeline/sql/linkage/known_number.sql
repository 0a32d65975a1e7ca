-- One row: a provider number that any source has, its standing, and how often it was used in the
-- year. Manual 3.3.4 steps 1 and 4. Standing, from the highest: 1 listed by the program, 2 an open
-- dialysis facility, 3 a closed one, 4 a facility that is not dialysis, 5 a facility that has since
-- got a new number, 6 an earlier number of one, 7 a second number, 8 in CASPER only, 9 related to
-- one of these.
WITH
program AS (SELECT 'dfc' AS program UNION ALL SELECT 'qip' AS program),

type AS (
    SELECT middle_digits, facility_type FROM parameter.provider_number_type
),

approved AS (
    SELECT program, provider_number, ccn FROM parameter.approved_link
),

record AS (
    SELECT program, provider_number, second_number, is_dialysis, is_listed, is_primary, close_date
    FROM linkage.facility_record
    WHERE performance_year = $performance_year AND provider_number IS NOT NULL
),

history AS (
    SELECT program, provider_number, reported_number
    FROM linkage.ccn_history
    WHERE performance_year = $performance_year
),

directory AS (
    SELECT facilityid, upper(trim(provnum)) AS provnum
    FROM raw.eqrs_facility
    WHERE performance_year = $performance_year
),

-- Step 1: how often each number was used in the year.
claim_usage AS (
    SELECT upper(trim(prvdr_num)) AS number, count(*) AS claim_count
    FROM raw.claim
    WHERE performance_year = $performance_year
        AND clm_fac_type_cd = '7'
        AND clm_srvc_clsfctn_type_cd = '2'
    GROUP BY upper(trim(prvdr_num))
),

event AS (
    SELECT facilityid, count(*) AS event_count
    FROM raw.cms_2728
    WHERE performance_year = $performance_year
        AND year(coalesce(facility_start_date, dialysis_began_date, signature_date))
        = $performance_year
    GROUP BY facilityid
    UNION ALL
    SELECT facilityid, count(*) AS event_count
    FROM raw.eqrs_admission
    WHERE performance_year = $performance_year AND year(admit_date) = $performance_year
    GROUP BY facilityid
    UNION ALL
    SELECT facilityid, count(*) AS event_count
    FROM raw.eqrs_admission
    WHERE performance_year = $performance_year AND year(discharge_date) = $performance_year
    GROUP BY facilityid
),

event_usage AS (
    SELECT d.provnum AS number, sum(e.event_count) AS event_count
    FROM event AS e
    JOIN directory AS d ON d.facilityid = e.facilityid
    GROUP BY d.provnum
),

-- Step 4: CASPER's provider of services, active and terminated.
casper AS (
    SELECT
        upper(trim(s.prvdr_num)) AS number,
        upper(trim(s.related_provider_number)) AS related,
        y.facility_type
    FROM raw.provider_of_services AS s
    JOIN type AS y ON y.middle_digits = substr(upper(trim(s.prvdr_num)), 3, 2)
    WHERE s.performance_year = $performance_year
        AND regexp_matches(upper(trim(s.prvdr_num)), '^[0-9A-Z][0-9]{4}[0-9F]$')
),

casper_pair AS (
    SELECT * FROM shared.casper_pair AS p
),

-- Every known number and its standing.
mention AS (
    SELECT
        program,
        provider_number AS number,
        CASE
            WHEN is_listed THEN 1
            WHEN NOT is_dialysis THEN 4
            WHEN close_date IS NULL THEN 2
            ELSE 3
        END AS standing
    FROM record
    WHERE is_primary
    UNION ALL
    SELECT program, provider_number AS number, 6 AS standing
    FROM history
    WHERE provider_number IS NOT NULL
    UNION ALL
    SELECT program, reported_number AS number, 5 AS standing
    FROM history
    WHERE reported_number IS NOT NULL
    UNION ALL
    SELECT program, second_number AS number, 7 AS standing
    FROM record
    WHERE second_number IS NOT NULL AND is_dialysis
    UNION ALL
    SELECT p.program, c.number, 8 AS standing
    FROM casper AS c
    CROSS JOIN program AS p
    WHERE c.facility_type <> 'hospital'
    UNION ALL
    SELECT program, number, 9 AS standing FROM casper_pair
    UNION ALL
    SELECT program, hospital AS number, 9 AS standing FROM casper_pair
    UNION ALL
    SELECT program, provider_number AS number, 9 AS standing FROM approved
    UNION ALL
    SELECT program, ccn AS number, 9 AS standing FROM approved
),

known AS (
    SELECT
        m.program,
        m.number,
        min(m.standing) AS standing,
        max(coalesce(y.facility_type, 'other')) AS facility_type
    FROM mention AS m
    LEFT JOIN type AS y ON y.middle_digits = substr(m.number, 3, 2)
    GROUP BY m.program, m.number
)

SELECT
    k.program,
    k.number AS provider_number,
    $performance_year AS performance_year,
    k.standing,
    k.facility_type,
    coalesce(c.claim_count, 0) AS claim_count,
    coalesce(e.event_count, 0) AS event_count
FROM known AS k
LEFT JOIN claim_usage AS c ON c.number = k.number
LEFT JOIN event_usage AS e ON e.number = k.number
