-- One row: an EQRS facility record by one program's rules: the number it reports under, its
-- second number, and whether the program lists it. Manual 3.3.2, 3.3.4 steps 3 and 5; QIP: 3.3.9,
-- 3.3.10. Readings: the dialysis number takes precedence over the hospital's in both programs; DFC
-- uses the directory as it is, QIP as of the last day of the performance year; a record without
-- provider type or certification date is listed once the helpdesk has them.
WITH
program AS (
    -- 3.3.4 step 3: F as last character is Veterans Affairs. 3.3.10: no letters in places 2 to 5.
    SELECT 'dfc' AS program, '^[0-9A-Z][0-9]{4}[0-9F]$' AS valid_number
    UNION ALL
    SELECT 'qip' AS program, '^[0-9A-Z][0-9]{4}[0-9A-Z]$' AS valid_number
),

rule AS (
    SELECT make_date($performance_year, 12, 31) AS last_day
),

type AS (
    SELECT middle_digits, facility_type FROM parameter.provider_number_type
),

-- 3.3.10 is as of the last day: later changes are ignored.
change_to_come AS (
    SELECT h.facilityid, min(h.effective_date) AS change_date
    FROM raw.eqrs_ccn_history AS h
    CROSS JOIN rule AS r
    WHERE h.performance_year = $performance_year
        AND h.effective_date > r.last_day
        AND h.change <> 'correction'
    GROUP BY h.facilityid
),

logged_before AS (
    SELECT
        h.facilityid,
        h.provnum,
        h.effective_date,
        h.change,
        lag(upper(trim(h.provnum))) OVER (PARTITION BY h.facilityid ORDER BY h.effective_date)
            AS number_before
    FROM raw.eqrs_ccn_history AS h
    JOIN change_to_come AS c ON c.facilityid = h.facilityid AND h.effective_date < c.change_date
    WHERE h.performance_year = $performance_year AND h.provnum IS NOT NULL
),

-- The number of then, and its first day: a sale or a correction that kept it begins nothing.
before_change AS (
    SELECT
        facilityid,
        arg_max(provnum, effective_date) AS provnum,
        max(CASE
            WHEN number_before IS NULL THEN effective_date
            WHEN change <> 'correction' AND number_before <> upper(trim(provnum))
                THEN effective_date
        END) AS effective_date
    FROM logged_before
    GROUP BY facilityid
),

directory AS (
    SELECT
        p.program,
        p.valid_number,
        r.last_day,
        f.facilityid,
        upper(trim(
            CASE WHEN p.program = 'qip' THEN coalesce(b.provnum, f.provnum) ELSE f.provnum END
        )) AS provnum,
        upper(trim(f.altprovnum)) AS altprovnum,
        upper(trim(f.provtype)) AS provtype,
        coalesce(upper(trim(f.factype)) = 'DIALYSIS', FALSE) AS is_dialysis,
        upper(trim(f.facility_name)) AS facility_name,
        upper(trim(f.address)) AS address,
        upper(trim(f.city)) AS city,
        upper(trim(f.state)) AS state,
        substr(trim(f.zip_code), 1, 5) AS zip_code,
        CASE
            WHEN p.program = 'qip' AND b.effective_date IS NOT NULL AND f.certdate > r.last_day
                THEN b.effective_date
            ELSE f.certdate
        END AS certification_date,
        f.dateclosed AS close_date
    FROM raw.eqrs_facility AS f
    CROSS JOIN program AS p
    CROSS JOIN rule AS r
    LEFT JOIN before_change AS b ON b.facilityid = f.facilityid
    WHERE f.performance_year = $performance_year
),

published AS (
    SELECT program, valid_number, facilityid, 1 AS place, provnum AS number FROM directory
    UNION ALL
    SELECT program, valid_number, facilityid, 2 AS place, altprovnum AS number
    FROM directory
    WHERE altprovnum <> coalesce(provnum, '')
),

-- 3.3.4 step 3.1: drop invalid numbers. Step 3.2: the dialysis unit's and the hospital's number.
valid AS (
    SELECT
        n.program,
        n.facilityid,
        n.number,
        coalesce(t.facility_type, 'other') AS facility_type,
        row_number() OVER (
            PARTITION BY n.program, n.facilityid
            ORDER BY
                CASE coalesce(t.facility_type, 'other')
                    WHEN 'hospital' THEN 2 WHEN 'other' THEN 3 ELSE 1
                END,
                n.place
        ) AS place,
        n.place AS printed_place
    FROM published AS n
    LEFT JOIN type AS t ON t.middle_digits = substr(n.number, 3, 2)
    WHERE regexp_matches(n.number, n.valid_number)
),

in_eqrs AS (
    SELECT number FROM published WHERE number IS NOT NULL
    UNION
    SELECT upper(trim(provnum)) AS number
    FROM raw.eqrs_ccn_history
    WHERE performance_year = $performance_year AND provnum IS NOT NULL
),

casper AS (
    SELECT
        upper(trim(prvdr_num)) AS number,
        upper(trim(related_provider_number)) AS related,
        upper(trim(fac_name)) AS facility_name,
        upper(trim(st_adr)) AS address,
        upper(trim(city_name)) AS city,
        upper(trim(state_cd)) AS state,
        substr(trim(zip_cd), 1, 5) AS zip_code
    FROM raw.provider_of_services
    WHERE performance_year = $performance_year
),

related AS (
    SELECT number, related FROM casper
    UNION
    SELECT related AS number, number AS related FROM casper WHERE related IS NOT NULL
),

-- 3.3.4 step 5.2: dialysis numbers of a hospital that only CASPER has.
casper_only AS (
    SELECT r.number, r.related AS hospital
    FROM related AS r
    JOIN type AS t
        ON t.middle_digits = substr(r.number, 3, 2)
        AND t.facility_type IN ('hospital based', 'hospital satellite')
    LEFT JOIN in_eqrs AS e ON e.number = r.number
    WHERE e.number IS NULL
),

candidate AS (
    SELECT
        v.program,
        v.facilityid,
        o.number,
        coalesce(
            d.facility_name = c.facility_name AND d.address = c.address AND d.city = c.city
            AND d.state = c.state AND d.zip_code = c.zip_code,
            FALSE
        ) AS is_exact
    FROM valid AS v
    JOIN directory AS d
        ON d.program = v.program AND d.facilityid = v.facilityid AND d.is_dialysis
    JOIN casper_only AS o ON o.hospital = v.number
    LEFT JOIN casper AS c ON c.number = o.number
    WHERE v.place = 1 AND v.facility_type = 'hospital' AND regexp_matches(o.number, d.valid_number)
),

search AS (
    SELECT
        program,
        facilityid,
        count(DISTINCT CASE WHEN is_exact THEN number END) AS exact_count,
        min(CASE WHEN is_exact THEN number END) AS exact_number
    FROM candidate
    GROUP BY program, facilityid
),

numbered AS (
    SELECT
        d.*,
        CASE WHEN s.exact_count = 1 THEN s.exact_number ELSE m.number END AS provider_number,
        CASE WHEN s.exact_count = 1 THEN m.number ELSE n.number END AS second_number,
        CASE
            WHEN m.number IS NULL AND (d.provnum IS NOT NULL OR d.altprovnum IS NOT NULL)
                THEN 'no valid number'
            WHEN m.number IS NULL THEN 'no number'
            WHEN s.exact_count = 1 THEN 'dialysis number found in CASPER'
            WHEN s.exact_count IS NOT NULL THEN 'hospital number: for manual review with CASPER'
            WHEN m.printed_place = 2 AND n.number IS NOT NULL THEN 'numbers turned round'
            WHEN m.printed_place = 2 THEN 'alternate number in place of none'
            ELSE 'as printed'
        END AS number_rule
    FROM directory AS d
    LEFT JOIN valid AS m
        ON m.program = d.program AND m.facilityid = d.facilityid AND m.place = 1
    LEFT JOIN valid AS n
        ON n.program = d.program AND n.facilityid = d.facilityid AND n.place = 2
    LEFT JOIN search AS s ON s.program = d.program AND s.facilityid = d.facilityid
),

judged AS (
    SELECT
        n.*,
        CASE
            WHEN n.provider_number IS NOT NULL THEN coalesce(t.facility_type, 'other')
        END AS facility_type,
        CASE
            WHEN n.number_rule = 'no number' THEN 'ccn_missing'
            WHEN n.provider_number IS NULL THEN 'ccn_not_valid'
            -- 3.3.4 step 3
            WHEN n.program = 'dfc' AND substr(n.provider_number, 6, 1) = 'F' THEN 'veterans_affairs'
            WHEN NOT n.is_dialysis THEN 'facility_type_not_dialysis'
            WHEN n.program = 'dfc' AND n.provtype NOT IN ('MEDICARE', 'OTHER', 'PENDING CERT', '')
                THEN 'provider_type_not_medicare_other_or_pending'
            WHEN n.program = 'dfc' AND t.facility_type IS NULL
                THEN 'ccn_middle_digits_not_dialysis'
            WHEN n.program = 'dfc' AND n.close_date IS NOT NULL THEN 'closed'
            WHEN n.program = 'dfc'
                AND coalesce(n.provtype, '') = ''
                AND n.certification_date IS NULL
                THEN 'provider_type_and_certification_date_missing'
            WHEN n.program = 'dfc' AND coalesce(n.provtype, '') = ''
                THEN 'provider_type_missing_for_helpdesk'
            WHEN n.program = 'dfc' AND n.certification_date IS NULL
                THEN 'certification_date_missing_for_helpdesk'
            -- 3.3.10
            WHEN n.program = 'qip' AND n.close_date <= n.last_day
                THEN 'closed_at_year_end'
            WHEN n.program = 'qip' AND n.certification_date IS NULL
                THEN 'certification_date_missing'
            WHEN n.program = 'qip' AND n.certification_date > n.last_day
                THEN 'certified_after_year_end'
            WHEN n.program = 'qip' AND coalesce(n.provtype, '') <> 'MEDICARE'
                THEN 'provider_type_not_medicare'
        END AS reason
    FROM numbered AS n
    LEFT JOIN type AS t ON t.middle_digits = substr(n.provider_number, 3, 2)
)

-- 3.3.4 step 3, 3.3.8: adult and paediatric, hemodialysis and peritoneal, transplant and dialysis,
-- permanent and temporary records of one number are one facility, described by one of them.
SELECT
    program,
    facilityid,
    $performance_year AS performance_year,
    provider_number,
    second_number,
    facility_type,
    number_rule,
    certification_date,
    close_date,
    is_dialysis,
    reason IS NULL AS is_listed,
    reason,
    provider_number IS NOT NULL AND row_number() OVER (
        PARTITION BY program, provider_number
        ORDER BY
            CASE WHEN reason IS NULL THEN 0 ELSE 1 END,
            CASE WHEN is_dialysis THEN 0 ELSE 1 END,
            CASE WHEN close_date IS NULL THEN 0 ELSE 1 END,
            coalesce(certification_date, DATE '9999-12-31'),
            facilityid
    ) = 1 AS is_primary
FROM judged
