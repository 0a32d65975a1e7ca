-- One row: a facility of a program's list, eligible or not. Manual 3.3.4 steps 3 and 6, 3.3.8 to
-- 3.3.11; 3.5. Readings: the number's own record describes a facility, in preference to other
-- records that report under it; a number issued in a change of ownership is certified on its first
-- day where the directory still has an earlier one, and its predecessor closes the day before; EQRS
-- takes precedence over CASPER.
WITH
type AS (
    SELECT middle_digits, facility_type FROM parameter.provider_number_type
),

ccn_period AS (
    SELECT
        program,
        facilityid,
        start_date,
        end_date,
        ccn,
        row_number() OVER (PARTITION BY program, facilityid ORDER BY start_date DESC) AS place
    FROM linkage.facility_ccn
    WHERE performance_year = $performance_year
),

record AS (
    SELECT
        program, facilityid, provider_number, certification_date, close_date, is_dialysis,
        is_listed, reason
    FROM linkage.facility_record
    WHERE performance_year = $performance_year
),

directory AS (
    SELECT facilityid, facility_name, state, network, dialysis_organization
    FROM raw.eqrs_facility
    WHERE performance_year = $performance_year
),

owner AS (
    SELECT program, facilityid, effective_date, dialysis_organization
    FROM linkage.ccn_history
    WHERE performance_year = $performance_year
),

casper AS (
    SELECT
        upper(trim(prvdr_num)) AS ccn,
        fac_name,
        upper(trim(state_cd)) AS state,
        esrd_ntwrk_num AS network,
        orgnl_prtcptn_dt AS certification_date,
        trmntn_exprtn_dt AS close_date,
        row_number() OVER (PARTITION BY upper(trim(prvdr_num)) ORDER BY prvdr_num) AS place
    FROM raw.provider_of_services
    WHERE performance_year = $performance_year
),

-- Every CCN that days or claims can be attributed to.
listed AS (
    SELECT program, ccn FROM ccn_period
    UNION
    SELECT program, ccn FROM linkage.provider_number WHERE performance_year = $performance_year
),

held AS (
    SELECT
        s.program,
        s.ccn,
        r.facilityid,
        CASE
            WHEN s.start_date > r.certification_date AND s.start_date > DATE '1900-01-01'
                THEN s.start_date
            ELSE r.certification_date
        END AS certification_date,
        r.close_date,
        r.provider_number,
        r.is_dialysis,
        r.is_listed,
        r.reason
    FROM ccn_period AS s
    JOIN record AS r ON r.program = s.program AND r.facilityid = s.facilityid
    WHERE s.place = 1
),

-- The number's certification: a unit that takes the number of another makes no new facility of it,
-- also where the other is closed (3.3.4 step 3, 3.3.11).
certified AS (
    SELECT program, ccn, min(certification_date) AS certification_date
    FROM held
    WHERE is_dialysis
    GROUP BY program, ccn
),

-- One record per facility (3.3.4 step 6, 3.3.8): of several open ones the first under the number.
present AS (
    SELECT
        h.program,
        h.ccn,
        h.facilityid,
        CASE
            WHEN h.certification_date IS NULL OR NOT h.is_dialysis THEN h.certification_date
            ELSE c.certification_date
        END AS first_certification_date,
        h.close_date,
        h.is_listed,
        h.reason,
        row_number() OVER (
            PARTITION BY h.program, h.ccn
            ORDER BY
                CASE WHEN h.is_listed THEN 0 ELSE 1 END,
                CASE WHEN h.provider_number = h.ccn THEN 0 ELSE 1 END,
                CASE WHEN h.is_dialysis THEN 0 ELSE 1 END,
                CASE WHEN h.close_date IS NULL THEN 0 ELSE 1 END,
                coalesce(h.certification_date, DATE '9999-12-31'),
                h.facilityid
        ) AS place
    FROM held AS h
    LEFT JOIN certified AS c ON c.program = h.program AND c.ccn = h.ccn
),

-- The facility before it got a new number.
past AS (
    SELECT
        s.program,
        s.ccn,
        s.facilityid,
        s.start_date,
        s.end_date,
        row_number() OVER (
            PARTITION BY s.program, s.ccn ORDER BY s.end_date DESC, s.facilityid
        ) AS place
    FROM ccn_period AS s
    WHERE s.place > 1
),

last_owner AS (
    SELECT
        p.program,
        p.ccn,
        o.dialysis_organization,
        row_number() OVER (PARTITION BY p.program, p.ccn ORDER BY o.effective_date DESC) AS place
    FROM past AS p
    JOIN owner AS o
        ON o.program = p.program
        AND o.facilityid = p.facilityid
        AND o.effective_date <= p.end_date
    WHERE p.place = 1
)

SELECT
    l.program,
    l.ccn,
    $performance_year AS performance_year,
    CASE
        WHEN r.ccn IS NULL AND p.ccn IS NOT NULL THEN coalesce(c.fac_name, d.facility_name)
        ELSE coalesce(d.facility_name, c.fac_name)
    END AS facility_name,
    coalesce(d.state, c.state) AS state,
    coalesce(d.network, c.network) AS network,
    CASE
        WHEN r.ccn IS NULL AND p.ccn IS NOT NULL THEN w.dialysis_organization
        ELSE d.dialysis_organization
    END AS dialysis_organization,
    coalesce(y.facility_type, 'other') AS facility_type,
    CASE
        WHEN r.ccn IS NOT NULL THEN r.first_certification_date
        WHEN p.ccn IS NOT NULL AND p.start_date > DATE '1900-01-01' THEN p.start_date
        WHEN p.ccn IS NOT NULL AND e.certification_date <= p.end_date THEN e.certification_date
        ELSE c.certification_date
    END AS certification_date,
    CASE
        WHEN r.ccn IS NOT NULL THEN r.close_date
        WHEN p.ccn IS NOT NULL THEN p.end_date
        ELSE c.close_date
    END AS close_date,
    CASE
        WHEN l.program = 'qip' AND r.first_certification_date IS NOT NULL
            -- 3.5: the first day of the fourth month after that of the certification.
            THEN CAST(date_trunc('month', r.first_certification_date) + INTERVAL '4' MONTH AS DATE)
    END AS reporting_date,
    coalesce(r.is_listed, FALSE) AS is_eligible,
    CASE
        WHEN r.ccn IS NOT NULL THEN r.reason
        WHEN p.ccn IS NOT NULL AND l.program = 'dfc'
            THEN 'ccn_replaced_in_change_of_ownership'
        WHEN p.ccn IS NOT NULL THEN 'ccn_not_in_effect_at_year_end'
        ELSE 'not_in_eqrs_directory'
    END AS reason
FROM listed AS l
LEFT JOIN present AS r ON r.program = l.program AND r.ccn = l.ccn AND r.place = 1
LEFT JOIN past AS p ON p.program = l.program AND p.ccn = l.ccn AND p.place = 1
LEFT JOIN last_owner AS w ON w.program = l.program AND w.ccn = l.ccn AND w.place = 1
LEFT JOIN directory AS d ON d.facilityid = coalesce(r.facilityid, p.facilityid)
LEFT JOIN record AS e ON e.program = p.program AND e.facilityid = p.facilityid
LEFT JOIN casper AS c ON c.ccn = l.ccn AND c.place = 1
LEFT JOIN type AS y ON y.middle_digits = substr(l.ccn, 3, 2)
