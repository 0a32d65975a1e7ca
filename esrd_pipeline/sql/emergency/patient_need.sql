-- One row: a patient on dialysis on a day ($day), at the facility that treats them then, with the last
-- hemodialysis session known before the day and when the next one is due.
-- Readings: 240, whose patient it is: the DFC treatment history of the day. 241, the last treatment:
-- the latest line day of hemodialysis on any institutional claim in the two weeks before it; claims come
-- weeks later, so that while an emergency goes on there may be none. 242, the next treatment is due
-- after the longest gap that the prescription leaves: seven days by its sessions, rounded up; three
-- sessions a week where none is prescribed.
WITH
rule AS (
    SELECT 3 AS usual_sessions
),

-- Reading 276: on a day after the stored year, patients are where they were on its last.
known AS (
    SELECT least($day, make_date($performance_year, 12, 31)) AS known_day
),

treated AS (
    SELECT
        t.patient_id,
        t.ccn,
        CASE
            WHEN t.modality = 'peritoneal' THEN 'peritoneal dialysis'
            WHEN t.setting = 'home' THEN 'home hemodialysis'
            ELSE 'in-center hemodialysis'
        END AS modality
    FROM history.treatment AS t
    CROSS JOIN known AS d
    WHERE t.performance_year = $performance_year
        AND t.program = 'dfc'
        AND t.state = 'dialysis'
        AND t.ccn IS NOT NULL
        AND t.start_date <= d.known_day
        AND t.end_date >= d.known_day
),

-- The fourteen days stand as a number, so that DuckDB reads only their part of the claim lines.
billed AS (
    SELECT k.patient_id, max(l.rev_cntr_dt) AS last_treatment
    FROM linkage.claim AS k
    JOIN shared.dialysis_line AS l
        ON l.clm_id = k.clm_id AND l.performance_year = k.claim_year
    WHERE k.performance_year = $performance_year
        AND k.source = 'institutional'
        AND k.last_date >= $day - 14
        AND k.from_date < $day
        AND l.rev_cntr_dt >= $day - 14
        AND l.rev_cntr_dt < $day
        AND l.any_in_center + l.any_home > 0
    GROUP BY k.patient_id
),

-- Where units share the CCN (3.3.8; reading 296), by the unit that has the patient, if it prescribes
-- any: an officer plans with what the other unit last prescribed rather than with nothing.
prescribed AS (
    SELECT
        t.patient_id,
        coalesce(
            max(CASE WHEN e.patient_id IS NOT NULL THEN nullif(p.sessions_per_week, 0) END),
            max(nullif(p.sessions_per_week, 0))
        ) AS sessions_per_week
    FROM treated AS t
    CROSS JOIN known AS d
    JOIN history.prescription AS p
        ON p.patient_id = t.patient_id AND p.start_date <= d.known_day AND p.end_date >= d.known_day
    JOIN linkage.facility_ccn AS f
        ON f.facilityid = p.facilityid
        AND f.ccn = t.ccn
        AND f.start_date <= d.known_day
        AND coalesce(f.end_date, d.known_day) >= d.known_day
    LEFT JOIN history.dialysis_evidence AS e
        ON e.patient_id = p.patient_id
        AND e.facilityid = p.facilityid
        AND e.start_date <= d.known_day
        AND e.end_date >= d.known_day
        AND e.performance_year = $performance_year
    WHERE p.performance_year = $performance_year
        AND f.performance_year = $performance_year
        AND f.program = 'dfc'
    GROUP BY t.patient_id
),

nursed AS (
    SELECT DISTINCT h.patient_id
    FROM history.nursing_home AS h
    CROSS JOIN known AS d
    WHERE h.performance_year = $performance_year
        AND h.start_date <= d.known_day
        AND h.end_date >= d.known_day
)

SELECT
    t.patient_id,
    $performance_year AS performance_year,
    $day AS day,
    t.ccn,
    t.modality,
    coalesce(p.sessions_per_week, r.usual_sessions) AS sessions_per_week,
    b.last_treatment,
    CASE
        WHEN t.modality <> 'peritoneal dialysis'
            THEN b.last_treatment
                + CAST(ceil(7.0 / coalesce(p.sessions_per_week, r.usual_sessions)) AS INTEGER)
    END AS next_due,
    n.patient_id IS NOT NULL AS is_in_nursing_home
FROM treated AS t
CROSS JOIN rule AS r
LEFT JOIN billed AS b ON b.patient_id = t.patient_id AND t.modality <> 'peritoneal dialysis'
LEFT JOIN prescribed AS p ON p.patient_id = t.patient_id
LEFT JOIN nursed AS n ON n.patient_id = t.patient_id
