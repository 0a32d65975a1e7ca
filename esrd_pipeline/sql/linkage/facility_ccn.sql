-- One row: an EQRS facility and a segment of days under one CCN. Manual 3.3.3 issue 2 (DFC: all
-- days have the current number unless it came with a change of ownership), 3.3.7, 3.3.11 (QIP: the
-- CCN in effect on the day of care). Readings: the first number is in effect from the beginning, a
-- number until the day before the next; the last one has no end in DFC, and the end of EQRS in QIP.
-- A facility that is not dialysis keeps a hospital's number: its patients are not the unit's.
WITH
history AS (
    SELECT program, facilityid, run, effective_date, end_date, reported_number
    FROM linkage.ccn_history
    WHERE performance_year = $performance_year AND reported_number IS NOT NULL
),

record AS (
    SELECT program, facilityid, is_dialysis
    FROM linkage.facility_record
    WHERE performance_year = $performance_year
),

provider_number AS (
    SELECT program, provider_number, ccn, relation
    FROM linkage.provider_number
    WHERE performance_year = $performance_year
),

last_row AS (
    SELECT
        program,
        facilityid,
        run,
        CASE WHEN end_date >= effective_date THEN end_date END AS end_date,
        row_number() OVER (
            PARTITION BY program, facilityid, run ORDER BY effective_date DESC
        ) AS place
    FROM history
),

run AS (
    SELECT
        h.program,
        h.facilityid,
        h.run,
        h.reported_number,
        min(h.effective_date) AS effective_date,
        max(l.end_date) AS end_date
    FROM history AS h
    JOIN last_row AS l
        ON l.program = h.program AND l.facilityid = h.facilityid AND l.run = h.run AND l.place = 1
    GROUP BY h.program, h.facilityid, h.run, h.reported_number
),

named AS (
    SELECT
        r.program,
        r.facilityid,
        r.run,
        r.effective_date,
        r.end_date,
        CASE
            WHEN NOT coalesce(d.is_dialysis, TRUE) AND n.relation = 'hospital'
                THEN r.reported_number
            ELSE n.ccn
        END AS ccn
    FROM run AS r
    JOIN provider_number AS n
        ON n.program = r.program AND n.provider_number = r.reported_number
    LEFT JOIN record AS d ON d.program = r.program AND d.facilityid = r.facilityid
),

-- Numbers that CMS has linked across a change of ownership are joined to one segment.
marked AS (
    SELECT
        *,
        CASE
            WHEN ccn = lag(ccn) OVER (PARTITION BY program, facilityid ORDER BY run) THEN 0
            ELSE 1
        END AS begins
    FROM named
),

numbered AS (
    SELECT
        *,
        sum(begins) OVER (
            PARTITION BY program, facilityid ORDER BY run ROWS UNBOUNDED PRECEDING
        ) AS number
    FROM marked
),

latest AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY program, facilityid ORDER BY run DESC) AS place
    FROM named
),

ccn_period AS (
    SELECT
        program,
        facilityid,
        number,
        ccn,
        CASE WHEN number = 1 THEN DATE '1900-01-01' ELSE min(effective_date) END AS start_date
    FROM numbered
    GROUP BY program, facilityid, number, ccn
)

SELECT
    s.program,
    s.facilityid,
    s.start_date,
    coalesce(
        lead(s.start_date) OVER (PARTITION BY s.program, s.facilityid ORDER BY s.start_date) - 1,
        CASE WHEN s.program = 'qip' THEN l.end_date END
    ) AS end_date,
    $performance_year AS performance_year,
    s.ccn
FROM ccn_period AS s
JOIN latest AS l ON l.program = s.program AND l.facilityid = s.facilityid AND l.place = 1
