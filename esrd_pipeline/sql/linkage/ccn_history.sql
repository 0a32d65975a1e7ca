-- One row: a number in the history of an EQRS facility, and the number its days are reported
-- under. Manual 3.3.3 issue 2 (DFC: a new facility is a new number by a change of ownership),
-- 3.3.5 (its evidence), 3.3.7, 3.3.11 (QIP: the CCN in effect). Readings: a documented reason takes
-- precedence over evidence; a correction is not a change; EQRS's first number for a unit is its
-- dialysis number, whichever was reported; QIP ignores changes after the performance year.
WITH
program AS (
    -- As in linkage.facility_record: 3.3.4 step 3; 3.3.10.
    SELECT 'dfc' AS program, '^[0-9A-Z][0-9]{4}[0-9F]$' AS valid_number
    UNION ALL
    SELECT 'qip' AS program, '^[0-9A-Z][0-9]{4}[0-9A-Z]$' AS valid_number
),

type AS (
    SELECT middle_digits, facility_type FROM parameter.provider_number_type
),

record AS (
    SELECT program, facilityid, provider_number, facility_type, certification_date
    FROM linkage.facility_record
    WHERE performance_year = $performance_year
),

organization AS (
    SELECT facilityid, dialysis_organization
    FROM raw.eqrs_facility
    WHERE performance_year = $performance_year
),

change_to_come AS (
    SELECT facilityid, min(effective_date) AS change_date
    FROM raw.eqrs_ccn_history
    WHERE performance_year = $performance_year
        AND effective_date > make_date($performance_year, 12, 31)
        AND change <> 'correction'
    GROUP BY facilityid
),

logged AS (
    SELECT
        p.program,
        h.facilityid,
        h.effective_date,
        h.end_date,
        CASE
            WHEN regexp_matches(upper(trim(h.provnum)), p.valid_number) THEN upper(trim(h.provnum))
        END AS provider_number,
        h.dialysis_organization,
        h.change
    FROM raw.eqrs_ccn_history AS h
    CROSS JOIN program AS p
    LEFT JOIN change_to_come AS c ON c.facilityid = h.facilityid
    WHERE h.performance_year = $performance_year
        AND (p.program = 'dfc' OR c.change_date IS NULL OR h.effective_date < c.change_date)
),

combined AS (
    SELECT * FROM logged
    UNION ALL
    -- Nothing logged: the directory's number is in effect throughout.
    SELECT
        r.program,
        r.facilityid,
        DATE '1900-01-01' AS effective_date,
        CAST(NULL AS DATE) AS end_date,
        r.provider_number,
        o.dialysis_organization,
        'opened' AS change
    FROM record AS r
    JOIN organization AS o ON o.facilityid = r.facilityid
    LEFT JOIN (SELECT DISTINCT program, facilityid FROM logged) AS l
        ON l.program = r.program AND l.facilityid = r.facilityid
    WHERE l.facilityid IS NULL
),

step AS (
    SELECT
        t.program,
        t.facilityid,
        t.effective_date,
        t.provider_number,
        t.change,
        upper(trim(t.dialysis_organization)) AS owner,
        coalesce(y.facility_type, 'other') = 'hospital' AS is_hospital,
        lag(t.provider_number) OVER numbers AS number_before,
        lag(upper(trim(t.dialysis_organization))) OVER numbers AS owner_before,
        lag(coalesce(y.facility_type, 'other') = 'hospital') OVER numbers AS is_hospital_before,
        lead(t.effective_date) OVER numbers AS next_date
    FROM combined AS t
    LEFT JOIN type AS y ON y.middle_digits = substr(t.provider_number, 3, 2)
    WHERE t.provider_number IS NOT NULL
    WINDOW numbers AS (PARTITION BY t.program, t.facilityid ORDER BY t.effective_date)
),

-- 3.3.5: closed dates need two records; one record has only owner and certification date.
judged AS (
    SELECT
        s.program,
        s.facilityid,
        s.effective_date,
        CASE
            WHEN s.number_before IS NULL THEN 'first number'
            WHEN s.number_before = s.provider_number THEN 'number kept'
            WHEN s.change = 'correction' THEN 'number corrected'
            WHEN s.change = 'change of ownership' THEN 'new number: change of ownership'
            WHEN s.owner <> s.owner_before THEN 'new number: another organization'
            WHEN s.is_hospital <> s.is_hospital_before THEN 'the other number of a hospital unit'
            WHEN s.next_date IS NULL AND r.certification_date >= s.effective_date
                THEN 'new number: new certification date'
            ELSE 'new number: no change of ownership'
        END AS rule
    FROM step AS s
    LEFT JOIN record AS r ON r.program = s.program AND r.facilityid = s.facilityid
),

marked AS (
    SELECT
        t.*,
        coalesce(j.rule, 'no valid number: the one before holds') AS rule,
        CASE
            WHEN j.rule IN (
                'new number: change of ownership',
                'new number: another organization',
                'new number: new certification date'
            ) THEN 1
            WHEN t.program = 'qip' AND j.rule = 'new number: no change of ownership' THEN 1
            ELSE 0
        END AS begins
    FROM combined AS t
    LEFT JOIN judged AS j
        ON j.program = t.program
        AND j.facilityid = t.facilityid
        AND j.effective_date = t.effective_date
),

-- The periods of a facility, each from its opening or a new number to the next new number.
numbered AS (
    SELECT
        *,
        sum(begins) OVER (
            PARTITION BY program, facilityid ORDER BY effective_date ROWS UNBOUNDED PRECEDING
        ) AS run
    FROM marked
),

last_run AS (
    SELECT program, facilityid, max(run) AS run FROM numbered GROUP BY program, facilityid
),

-- The directory's number is the current one, unless the log has a later one.
current_number AS (
    SELECT r.program, r.facilityid, l.run, r.provider_number, r.facility_type
    FROM record AS r
    JOIN last_run AS l ON l.program = r.program AND l.facilityid = r.facilityid
    LEFT JOIN (
        SELECT program, facilityid, provider_number, max(run) AS run
        FROM numbered
        GROUP BY program, facilityid, provider_number
    ) AS n
        ON n.program = r.program
        AND n.facilityid = r.facilityid
        AND n.provider_number = r.provider_number
    WHERE r.provider_number IS NOT NULL AND coalesce(n.run, l.run) = l.run
),

reported AS (
    SELECT
        c.program,
        c.facilityid,
        c.run,
        c.number,
        row_number() OVER (
            PARTITION BY c.program, c.facilityid, c.run
            ORDER BY
                CASE coalesce(c.facility_type, 'other')
                    WHEN 'hospital' THEN 2 WHEN 'other' THEN 3 ELSE 1
                END,
                c.effective_date DESC
        ) AS place
    FROM (
        SELECT
            program, facilityid, run, provider_number AS number, facility_type,
            DATE '9999-12-31' AS effective_date
        FROM current_number
        UNION ALL
        SELECT
            n.program, n.facilityid, n.run, n.provider_number AS number, y.facility_type,
            n.effective_date
        FROM numbered AS n
        LEFT JOIN type AS y ON y.middle_digits = substr(n.provider_number, 3, 2)
        WHERE n.provider_number IS NOT NULL
    ) AS c
)

SELECT
    n.program,
    n.facilityid,
    n.effective_date,
    $performance_year AS performance_year,
    n.end_date,
    n.provider_number,
    n.dialysis_organization,
    n.run,
    r.number AS reported_number,
    n.begins = 1 AS is_new_facility,
    n.rule
FROM numbered AS n
LEFT JOIN reported AS r
    ON r.program = n.program AND r.facilityid = n.facilityid AND r.run = n.run AND r.place = 1
