-- One row: two provider numbers that may be one facility, and whether they are linked: the pairs
-- for review of 3.3.4 step 5. Manual 3.3.4 step 5, 3.3.5; QIP: 3.3.7. The number of lower standing
-- is linked to the one of higher standing (linkage.known_number).
-- Readings: "reported on Dialysis Facility Measures" is listed in linkage.facility_record (in QIP:
-- eligible); a change documented in EQRS takes precedence over evidence; usage is dialysis claims
-- first, then forms and patient events; a hospital's number goes to an open unit before a closed
-- one; a pair that the manual leaves to a reviewer is not linked, and `rule` states so.
WITH
program AS (SELECT 'dfc' AS program UNION ALL SELECT 'qip' AS program),

type AS (
    SELECT middle_digits, facility_type FROM parameter.provider_number_type
),

record AS (
    SELECT *
    FROM linkage.facility_record
    WHERE performance_year = $performance_year AND provider_number IS NOT NULL
),

history AS (
    SELECT program, facilityid, run, provider_number, reported_number, is_new_facility, rule
    FROM linkage.ccn_history
    WHERE performance_year = $performance_year
),

directory AS (
    SELECT
        facilityid,
        upper(trim(facility_name)) AS facility_name,
        upper(trim(address)) || '|' || upper(trim(city)) || '|' || upper(trim(state)) || '|'
            || substr(trim(zip_code), 1, 5) AS place,
        upper(trim(dialysis_organization)) AS organization
    FROM raw.eqrs_facility
    WHERE performance_year = $performance_year
),

-- Step 4: CASPER's provider of services, active and terminated.
casper AS (
    SELECT
        upper(trim(s.prvdr_num)) AS number,
        upper(trim(s.related_provider_number)) AS related,
        y.facility_type,
        upper(trim(s.fac_name)) AS facility_name,
        upper(trim(s.st_adr)) || '|' || upper(trim(s.city_name)) || '|' || upper(trim(s.state_cd))
            || '|' || substr(trim(s.zip_cd), 1, 5) AS place,
        s.orgnl_prtcptn_dt AS certification_date,
        s.trmntn_exprtn_dt AS close_date
    FROM raw.provider_of_services AS s
    JOIN type AS y ON y.middle_digits = substr(upper(trim(s.prvdr_num)), 3, 2)
    WHERE s.performance_year = $performance_year
        AND regexp_matches(upper(trim(s.prvdr_num)), '^[0-9A-Z][0-9]{4}[0-9F]$')
),

-- One key of program and number: a join by two columns may first pair all numbers of a program.
known AS (
    SELECT
        program || provider_number AS key,
        program,
        provider_number AS number,
        standing,
        facility_type,
        claim_count,
        event_count
    FROM linkage.known_number
    WHERE performance_year = $performance_year
),

-- One record describes each number (3.3.4 step 3, 3.3.8).
main AS (
    SELECT
        r.program || r.provider_number AS key,
        r.program, r.provider_number AS number, r.facility_type, r.is_dialysis, r.is_listed,
        r.certification_date, r.close_date, d.facility_name, d.place, d.organization
    FROM record AS r
    JOIN directory AS d ON d.facilityid = r.facilityid
    WHERE r.is_primary
),

second AS (
    SELECT
        r.program,
        r.provider_number AS main_number,
        r.second_number AS number,
        coalesce(y.facility_type, 'other') = 'hospital' AND r.facility_type <> 'hospital'
            AS is_hospital
    FROM record AS r
    LEFT JOIN type AS y ON y.middle_digits = substr(r.second_number, 3, 2)
    WHERE r.second_number IS NOT NULL AND r.is_dialysis
),

-- Issue 1, by facility identifier: the numbers of a facility, and those before and after a new
-- owner.
identifier_pair AS (
    SELECT DISTINCT
        program,
        provider_number AS one,
        reported_number AS other,
        'issue 1: one facility identifier' AS rule,
        FALSE AS is_refused
    FROM history
    WHERE provider_number <> reported_number
    UNION
    SELECT
        n.program,
        b.reported_number AS one,
        n.reported_number AS other,
        CASE n.program WHEN 'dfc' THEN 'issue 1: ' ELSE '3.3.11: ' END || n.rule AS rule,
        TRUE AS is_refused
    FROM history AS n
    JOIN (SELECT DISTINCT program, facilityid, run, reported_number FROM history) AS b
        ON b.program = n.program AND b.facilityid = n.facilityid AND b.run = n.run - 1
    WHERE n.is_new_facility AND b.reported_number <> n.reported_number
),

-- Two records at one address, or one naming the other as its alternate, and the evidence of a
-- change of ownership between them (3.3.5).
beside AS (
    SELECT a.program, a.number AS one, b.number AS other
    FROM main AS a
    JOIN main AS b ON b.program = a.program AND b.place = a.place
    WHERE a.number <> b.number
    UNION
    SELECT program, main_number AS one, number AS other FROM second
),

compared AS (
    SELECT
        p.program,
        p.one,
        p.other,
        coalesce(a.place = b.place, FALSE) AS is_same_place,
        coalesce(a.facility_name = b.facility_name, FALSE) AS is_same_name,
        CASE
            WHEN a.is_listed AND b.is_listed THEN 'both numbers are listed'
            WHEN a.close_date IS NOT NULL OR b.close_date IS NOT NULL
                THEN 'change of ownership: closed date'
            WHEN a.certification_date <> b.certification_date
                THEN 'change of ownership: new certification date'
            WHEN a.organization <> b.organization
                THEN 'change of ownership: another organization'
        END AS evidence
    FROM beside AS p
    JOIN main AS a ON a.key = p.program || p.one
    JOIN main AS b ON b.key = p.program || p.other
    WHERE a.is_dialysis AND b.is_dialysis
),

-- Issue 1, by name and address.
likeness_pair AS (
    SELECT
        program,
        one,
        other,
        'issue 1: ' || CASE
            WHEN evidence IS NOT NULL THEN evidence
            WHEN is_same_name THEN 'one name and address'
            ELSE 'one address, two names: for manual review'
        END AS rule,
        evidence IS NOT NULL OR NOT is_same_name AS is_refused
    FROM compared
    WHERE is_same_place
),

organization AS (
    SELECT DISTINCT organization FROM directory WHERE organization <> 'INDEPENDENT'
),

-- A name in CASPER with another organization's name in it.
renamed AS (
    SELECT DISTINCT m.program, m.number AS one, c.number AS other
    FROM main AS m
    JOIN casper AS c ON c.place = m.place AND c.facility_name <> m.facility_name
    JOIN organization AS o
        ON o.organization <> m.organization AND strpos(c.facility_name, o.organization) > 0
),

-- Issue 2: a number that only CASPER has, at an EQRS facility's address.
casper_likeness AS (
    SELECT
        m.program,
        m.number AS one,
        c.number AS other,
        CASE
            WHEN u.claim_count > 0 OR v.claim_count = 0
                THEN 'claims are not all under the number of CASPER'
            WHEN m.close_date IS NOT NULL OR c.close_date IS NOT NULL
                THEN 'change of ownership: closed date'
            WHEN m.certification_date <> c.certification_date
                THEN 'change of ownership: new certification date'
            WHEN r.other IS NOT NULL THEN 'change of ownership: another organization'
            WHEN coalesce(c.facility_name <> m.facility_name, TRUE)
                THEN 'one address, two names: for manual review'
        END AS evidence
    FROM main AS m
    JOIN casper AS c ON c.place = m.place AND c.facility_type <> 'hospital'
    JOIN known AS u ON u.key = m.program || m.number
    JOIN known AS v ON v.key = m.program || c.number AND v.standing = 8
    LEFT JOIN renamed AS r
        ON r.program = m.program AND r.one = m.number AND r.other = c.number
    WHERE m.is_dialysis AND m.facility_type <> 'hospital'
),

-- Issue 3, cases 1 and 2: a second number that is not a hospital's.
extra AS (
    SELECT DISTINCT program, main_number, number FROM second WHERE NOT is_hospital
),

extra_sharing AS (
    SELECT program, number, count(*) AS main_count FROM extra GROUP BY program, number
),

extra_pair AS (
    SELECT
        x.program,
        x.main_number AS one,
        x.number AS other,
        CASE
            WHEN c.evidence IS NOT NULL THEN 'issue 3 case 2: ' || c.evidence
            WHEN c.one IS NOT NULL THEN 'issue 3 case 2: no change of ownership'
            WHEN s.main_count > 1
                THEN 'issue 3: alternate number of several facilities: for manual review'
            ELSE 'issue 3 case 1'
        END AS rule,
        c.evidence IS NOT NULL OR (c.one IS NULL AND s.main_count > 1) AS is_refused
    FROM extra AS x
    JOIN extra_sharing AS s ON s.program = x.program AND s.number = x.number
    LEFT JOIN compared AS c
        ON c.program = x.program AND c.one = x.main_number AND c.other = x.number
),

-- Issue 3 case 3 and issue 4: all units of a hospital's number, from every source.
unit AS (
    SELECT program, number AS hospital, main_number AS number FROM second WHERE is_hospital
    UNION
    SELECT program, hospital, number FROM shared.casper_pair AS p
    UNION
    SELECT h.program, h.provider_number AS hospital, h.reported_number AS number
    FROM history AS h
    JOIN type AS y
        ON y.middle_digits = substr(h.provider_number, 3, 2) AND y.facility_type = 'hospital'
    WHERE h.provider_number <> h.reported_number
    UNION
    SELECT c.program, c.other AS hospital, c.one AS number
    FROM compared AS c
    JOIN type AS y ON y.middle_digits = substr(c.other, 3, 2) AND y.facility_type = 'hospital'
    WHERE c.is_same_place AND c.is_same_name AND c.evidence IS NULL
),

competing AS (
    SELECT
        u.program,
        u.hospital,
        u.number,
        CASE k.facility_type
            WHEN 'hospital based' THEN 1 WHEN 'hospital satellite' THEN 2 ELSE 3
        END AS kind,
        CASE WHEN k.standing <= 2 THEN 0 ELSE 1 END AS is_not_open,
        k.claim_count,
        k.event_count
    FROM unit AS u
    JOIN known AS k ON k.program = u.program AND k.number = u.number
    WHERE k.facility_type IN ('hospital based', 'hospital satellite', 'freestanding')
),

ranked AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY program, hospital
            ORDER BY
                CASE kind WHEN 3 THEN 1 ELSE 0 END,
                is_not_open,
                kind,
                claim_count,
                event_count,
                number
        ) AS place,
        count(*) OVER (PARTITION BY program, hospital) AS unit_count,
        count(*) OVER (
            PARTITION BY program, hospital, is_not_open, CASE kind WHEN 3 THEN 1 ELSE 0 END
        ) AS open_count,
        count(*) OVER (PARTITION BY program, hospital, is_not_open, kind) AS like_count,
        count(CASE WHEN kind < 3 THEN number END) OVER (PARTITION BY program, hospital)
            AS hospital_unit_count
    FROM competing
),

hospital_pair AS (
    SELECT
        r.program,
        r.hospital,
        r.number,
        CASE
            WHEN k.standing = 1 AND r.kind = 3
                THEN 'issue 3 case 3a: the hospital number is listed'
            WHEN k.standing = 1 THEN 'the hospital number is listed'
            WHEN r.unit_count = 1 AND r.kind = 3 THEN 'issue 3 case 3c'
            WHEN r.unit_count = 1 THEN 'hospital number of its unit'
            WHEN r.kind = 3 THEN 'issue 3 case 3c: least usage'
            WHEN r.like_count > 1 AND r.kind = 1 THEN 'issue 4 case 2: least usage'
            WHEN r.like_count > 1 THEN 'issue 4 case 3: least usage'
            WHEN r.open_count > 1 THEN 'issue 4 case 1: hospital based'
            WHEN r.hospital_unit_count > 1 THEN 'issue 4: the open unit'
            WHEN r.kind = 1 THEN 'issue 4 case 1: hospital based'
            ELSE 'issue 3 case 3b: hospital satellite'
        END AS rule,
        k.standing = 1 AS is_refused
    FROM ranked AS r
    JOIN known AS k ON k.program = r.program AND k.number = r.hospital
    WHERE r.place = 1
),

pair AS (
    SELECT program, one, other, rule, is_refused, 'identifier' AS issue FROM identifier_pair
    UNION ALL
    SELECT program, one, other, rule, is_refused, 'second number' AS issue FROM extra_pair
    UNION ALL
    SELECT program, one, other, rule, is_refused, 'likeness' AS issue FROM likeness_pair
    UNION ALL
    SELECT
        program,
        one,
        other,
        'issue 2: ' || coalesce(evidence, 'all claims are under it') AS rule,
        evidence IS NOT NULL AS is_refused, 'casper' AS issue
    FROM casper_likeness
),

-- The number of higher standing is kept; of two with the same standing, the lower number.
verdict AS (
    SELECT
        p.program,
        CASE
            WHEN a.standing < b.standing OR (a.standing = b.standing AND a.number < b.number)
                THEN b.number
            ELSE a.number
        END AS number,
        CASE
            WHEN a.standing < b.standing OR (a.standing = b.standing AND a.number < b.number)
                THEN a.number
            ELSE b.number
        END AS parent,
        'alternate' AS relation,
        -- No two numbers are linked if both are listed.
        CASE
            WHEN a.standing = 1 AND b.standing = 1 AND NOT p.is_refused
                THEN 'issue 1: both numbers are listed'
            ELSE p.rule
        END AS rule,
        p.is_refused OR (a.standing = 1 AND b.standing = 1) AS is_refused,
        p.issue
    FROM pair AS p
    JOIN known AS a ON a.key = p.program || p.one
    JOIN known AS b ON b.key = p.program || p.other
    WHERE a.facility_type <> 'hospital' AND b.facility_type <> 'hospital'
    UNION ALL
    SELECT
        program, hospital AS number, number AS parent,
        'hospital' AS relation, rule, is_refused, 'hospital' AS issue
    FROM hospital_pair
)

-- Two facilities' records can report the same pair.
SELECT
    program,
    number AS provider_number,
    parent AS higher_number,
    issue,
    $performance_year AS performance_year,
    relation,
    NOT is_refused AS is_linked,
    rule
FROM (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY program, number, parent, issue ORDER BY is_refused, rule
        ) AS place
    FROM verdict
) AS v
WHERE place = 1
