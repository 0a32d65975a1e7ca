-- One row: a month of one patient at one facility of a program that treated the patient by the
-- treatment history or has them admitted in EQRS.
-- Manual 2.1.11, 2.3.11, 2.8.11 (whole months), 3.1.1 (modality by EQRS), 3.1.4 (prescribed
-- sessions). Readings: where EQRS has no treatment record for a part of the month, the modality is
-- unknown; the facility's CCN on the day counts. Reading 81: a discharge on the month's last day
-- is a departure in the month, unless the facility has the patient back the next day. Reading 82:
-- where the facility has no treatment record for the month, those of other facilities that had the
-- patient admitted in it count, and so do their prescribed sessions where it tells none. The days
-- of a prescription are those of history.prescription (reading 83).
WITH
rule AS (
    -- 3.1.4: more than two and fewer than four sessions a week.
    SELECT
        2 AS infrequent_sessions,
        4 AS frequent_sessions,
        make_date($performance_year, 1, 1) AS first_day,
        make_date($performance_year, 12, 31) AS last_day
),

calendar AS (
    SELECT month, month_end FROM history.calendar_month WHERE performance_year = $performance_year
),

-- 3.1.1: type and setting of treatment; dialysis in a nursing home is home hemodialysis. Kinds add
-- up to one number: 1 in center, 2 at home, 4 peritoneal, 8 other; 0 is not known.
treated AS (
    SELECT
        t.program,
        t.patient_id,
        t.ccn,
        c.month,
        c.month_end,
        greatest(t.start_date, c.month) AS start_date,
        least(t.end_date, c.month_end) AS end_date,
        CASE
            WHEN t.source <> 'eqrs' OR t.setting IS NULL THEN 0
            WHEN t.modality = 'hemodialysis' AND t.setting = 'in center' THEN 1
            WHEN t.modality = 'hemodialysis' THEN 2
            WHEN t.modality = 'peritoneal' THEN 4
            ELSE 8
        END AS kind
    FROM history.treatment AS t
    CROSS JOIN rule AS r
    JOIN calendar AS c ON c.month <= t.end_date AND c.month_end >= t.start_date
    WHERE t.performance_year = $performance_year
        AND t.state = 'dialysis'
        AND t.ccn IS NOT NULL
        AND t.end_date >= r.first_day
),

treated_month AS (
    SELECT
        program,
        patient_id,
        month,
        ccn,
        CAST(sum(date_diff('day', start_date, end_date) + 1) AS INTEGER) AS days,
        date_diff('day', month, max(month_end)) + 1 AS month_days,
        min(start_date) AS start_date,
        max(end_date) AS end_date,
        min(kind) = 0 AS has_unknown,
        CAST(sum(DISTINCT kind) AS INTEGER) AS kinds
    FROM treated
    GROUP BY program, patient_id, month, ccn
),

ccn_period AS (
    SELECT * FROM shared.facility_number AS n
),

admitted_month AS (
    SELECT s.program, s.patient_id, c.month, s.ccn
    FROM history.admitted AS s
    JOIN calendar AS c ON c.month >= s.start_date AND c.month_end <= s.end_date
    WHERE s.performance_year = $performance_year
),

admission AS (
    SELECT a.*, coalesce(a.discharge_date, DATE '9999-12-31') AS end_date
    FROM raw.eqrs_admission AS a
    CROSS JOIN rule AS r
    WHERE a.performance_year = $performance_year
        AND coalesce(a.discharge_reason, 'none') <> 'Acute'
        AND a.admit_date <= r.last_day
),

prescription AS (
    SELECT
        *,
        CASE
            WHEN treatment_type = 'Hemodialysis' AND setting = 'Dialysis Facility/Center' THEN 1
            WHEN treatment_type = 'Hemodialysis' THEN 2
            WHEN treatment_type IN ('CAPD', 'CCPD') THEN 4
            ELSE 8
        END AS kind
    FROM history.prescription
    WHERE performance_year = $performance_year
),

shared AS (
    SELECT program, ccn
    FROM ccn_period
    GROUP BY program, ccn
    HAVING count(DISTINCT facilityid) > 1
),

-- Of several units under one number, the days on which each has the patient (reading 296).
unit_days AS (
    SELECT
        h.program,
        h.ccn,
        e.patient_id,
        e.facilityid,
        greatest(e.start_date, s.start_date) AS start_date,
        least(e.end_date, s.end_date) AS end_date
    FROM history.dialysis_evidence AS e
    JOIN ccn_period AS s
        ON s.facilityid = e.facilityid
        AND s.start_date <= e.end_date
        AND s.end_date >= e.start_date
    JOIN shared AS h ON h.program = s.program AND h.ccn = s.ccn
    WHERE e.performance_year = $performance_year AND e.source = 'eqrs'
),

-- Prescriptions of every facility that had the patient admitted in the month, on the days of it; of
-- a unit that shares its number, where the patient has not gone on to another.
recorded_month AS (
    SELECT
        p.patient_id,
        c.month,
        p.facilityid,
        p.sessions_per_week,
        p.kind
    FROM prescription AS p
    JOIN admission AS a ON a.patient_id = p.patient_id AND a.facilityid = p.facilityid
    JOIN calendar AS c
        ON c.month <= least(p.end_date, a.end_date)
        AND c.month_end >= greatest(p.start_date, a.admit_date)
    LEFT JOIN (
        SELECT DISTINCT s.facilityid
        FROM ccn_period AS s
        JOIN shared AS h ON h.program = s.program AND h.ccn = s.ccn
    ) AS q ON q.facilityid = p.facilityid
    LEFT JOIN unit_days AS u
        ON u.facilityid = q.facilityid
        AND u.patient_id = p.patient_id
        AND u.start_date <= c.month_end
        AND u.end_date >= c.month
    WHERE p.start_date <= a.end_date
        AND p.end_date >= a.admit_date
        AND (q.facilityid IS NULL OR u.patient_id IS NOT NULL)
),

-- 3.1.1, of months for which the facility itself has no treatment record.
recorded AS (
    SELECT
        patient_id,
        month,
        CAST(sum(DISTINCT kind) AS INTEGER) AS kinds,
        min(CASE WHEN kind IN (1, 2) THEN sessions_per_week END) AS fewest,
        max(CASE WHEN kind IN (1, 2) THEN sessions_per_week END) AS most
    FROM recorded_month
    GROUP BY patient_id, month
),

-- Months in which one of them has the patient.
held AS (
    SELECT DISTINCT m.program, m.patient_id, m.month, m.ccn
    FROM treated_month AS m
    JOIN unit_days AS u
        ON u.program = m.program
        AND u.patient_id = m.patient_id
        AND u.ccn = m.ccn
        AND u.start_date <= m.end_date
        AND u.end_date >= m.start_date
),

-- 3.1.4: any prescription of hemodialysis in effect on a day the patient was treated there.
-- Reading 305: of several units under one number those that have the patient tell it; one that the
-- patient has left or has not entered yet tells it only where none has.
prescribed AS (
    SELECT
        m.program,
        m.patient_id,
        m.month,
        m.ccn,
        min(p.sessions_per_week) AS fewest,
        max(p.sessions_per_week) AS most
    FROM treated_month AS m
    JOIN ccn_period AS s
        ON s.program = m.program
        AND s.ccn = m.ccn
        AND s.start_date <= m.end_date
        AND s.end_date >= m.start_date
    JOIN prescription AS p
        ON p.patient_id = m.patient_id
        AND p.facilityid = s.facilityid
        AND p.start_date <= m.end_date
        AND p.end_date >= m.start_date
    LEFT JOIN held AS h
        ON h.program = m.program
        AND h.patient_id = m.patient_id
        AND h.month = m.month
        AND h.ccn = m.ccn
    LEFT JOIN unit_days AS u
        ON u.program = h.program
        AND u.ccn = h.ccn
        AND u.patient_id = p.patient_id
        AND u.facilityid = p.facilityid
        AND u.start_date <= least(p.end_date, m.end_date)
        AND u.end_date >= greatest(p.start_date, m.start_date)
    WHERE p.kind IN (1, 2)
        AND p.sessions_per_week IS NOT NULL
        AND (h.ccn IS NULL OR u.patient_id IS NOT NULL)
    GROUP BY m.program, m.patient_id, m.month, m.ccn
),

-- 2.3.11: what ends a patient's time at every facility in the month; the first place counts.
ended AS (
    SELECT program, patient_id, month, min(place) AS place
    FROM (
        SELECT program, patient_id, c.month, 1 AS place
        FROM linkage.death AS d
        JOIN calendar AS c ON d.death_date BETWEEN c.month AND c.month_end
        WHERE d.performance_year = $performance_year
        UNION ALL
        SELECT
            s.program,
            a.patient_id,
            c.month,
            CASE WHEN a.discharge_reason = 'Recover Function' THEN 2 ELSE 3 END AS place
        FROM admission AS a
        JOIN calendar AS c ON a.discharge_date BETWEEN c.month AND c.month_end
        CROSS JOIN (SELECT DISTINCT program FROM ccn_period) AS s
        WHERE a.discharge_reason IN ('Recover Function', 'Discontinue')
            AND a.admit_reason NOT IN ('Transient', 'Dialysis in Support of Transplant')
    )
    GROUP BY program, patient_id, month
),

-- Discharged on the month's last day, and not back the next day: in the unit, under whatever number,
-- or in another under the same number, which HD and PD units may share (3.3.8).
discharged AS (
    SELECT DISTINCT s.program, a.patient_id, c.month, s.ccn
    FROM admission AS a
    JOIN calendar AS c ON c.month_end = a.discharge_date
    JOIN ccn_period AS s
        ON s.facilityid = a.facilityid
        AND s.start_date <= a.discharge_date
        AND s.end_date >= a.discharge_date
    LEFT JOIN admission AS n
        ON n.patient_id = a.patient_id
        AND n.facilityid = a.facilityid
        AND n.admit_date <= a.discharge_date + 1
        AND n.end_date > a.discharge_date
    LEFT JOIN unit_days AS u
        ON u.program = s.program
        AND u.ccn = s.ccn
        AND u.patient_id = a.patient_id
        AND u.start_date <= a.discharge_date + 1
        AND u.end_date > a.discharge_date
    WHERE n.patient_id IS NULL AND u.patient_id IS NULL
),

placed AS (
    SELECT
        coalesce(t.program, a.program) AS program,
        coalesce(t.patient_id, a.patient_id) AS patient_id,
        coalesce(t.month, a.month) AS month,
        coalesce(t.ccn, a.ccn) AS ccn,
        t.ccn IS NOT NULL AS is_treated,
        a.ccn IS NOT NULL AS is_admitted,
        t.days,
        t.month_days,
        t.has_unknown,
        t.kinds
    FROM treated_month AS t
    FULL JOIN admitted_month AS a
        ON a.program = t.program
        AND a.patient_id = t.patient_id
        AND a.month = t.month
        AND a.ccn = t.ccn
),

-- Reading 306: of a month at a facility that has the patient admitted while another treats them,
-- the facility's own treatment records tell the modality, before those of others.
admitted_record AS (
    SELECT
        m.program,
        m.patient_id,
        m.month,
        m.ccn,
        CAST(sum(DISTINCT p.kind) AS INTEGER) AS kinds
    FROM placed AS m
    JOIN ccn_period AS s
        ON s.program = m.program
        AND s.ccn = m.ccn
        AND s.start_date <= last_day(m.month)
        AND s.end_date >= m.month
    JOIN recorded_month AS p
        ON p.patient_id = m.patient_id AND p.month = m.month AND p.facilityid = s.facilityid
    WHERE NOT m.is_treated
    GROUP BY m.program, m.patient_id, m.month, m.ccn
),

owned AS (
    SELECT
        p.*,
        k.kinds AS admitted_kinds,
        o.ccn IS NOT NULL AS is_own,
        o.most,
        o.fewest
    FROM placed AS p
    LEFT JOIN admitted_record AS k
        ON k.program = p.program
        AND k.patient_id = p.patient_id
        AND k.month = p.month
        AND k.ccn = p.ccn
    LEFT JOIN prescribed AS o
        ON o.program = p.program
        AND o.patient_id = p.patient_id
        AND o.month = p.month
        AND o.ccn = p.ccn
),

-- Prescriptions of other facilities, for the months in which one tells none.
lacking AS (
    SELECT DISTINCT program, patient_id, month FROM owned WHERE NOT is_own
),

anywhere AS (
    SELECT program, patient_id, month, min(fewest) AS fewest, max(most) AS most
    FROM (
        SELECT p.program, p.patient_id, p.month, p.fewest, p.most
        FROM prescribed AS p
        JOIN lacking AS l
            ON l.program = p.program AND l.patient_id = p.patient_id AND l.month = p.month
        UNION ALL
        SELECT l.program, l.patient_id, l.month, t.fewest, t.most
        FROM recorded AS t
        JOIN lacking AS l ON l.patient_id = t.patient_id AND l.month = t.month
        WHERE t.most IS NOT NULL
            AND EXISTS (
                SELECT 1
                FROM treated_month AS m
                WHERE m.program = l.program
                    AND m.patient_id = l.patient_id
                    AND m.month = l.month
            )
    )
    GROUP BY program, patient_id, month
),

joined AS (
    SELECT
        p.program,
        p.patient_id,
        p.month,
        p.ccn,
        coalesce(p.days, 0) AS days,
        coalesce(p.days = p.month_days, false) AS is_whole,
        p.is_admitted,
        CASE
            WHEN g.place = 1 THEN 'death'
            WHEN g.place = 2 THEN 'recovery'
            WHEN g.place = 3 THEN 'withdrawal'
            WHEN d.ccn IS NOT NULL THEN 'discharge'
        END AS departure,
        CASE
            WHEN NOT p.is_treated THEN coalesce(p.admitted_kinds, w.kinds)
            WHEN p.kinds = 0 THEN w.kinds
            WHEN NOT p.has_unknown THEN p.kinds
        END AS kinds,
        coalesce(p.most, e.most) AS most,
        coalesce(p.fewest, e.fewest) AS fewest,
        CASE
            WHEN p.is_own THEN 'own facility'
            WHEN e.patient_id IS NOT NULL THEN 'other facility'
        END AS frequency_source
    FROM owned AS p
    LEFT JOIN recorded AS w ON w.patient_id = p.patient_id AND w.month = p.month
    LEFT JOIN ended AS g
        ON g.program = p.program AND g.patient_id = p.patient_id AND g.month = p.month
    LEFT JOIN discharged AS d
        ON d.program = p.program
        AND d.patient_id = p.patient_id
        AND d.month = p.month
        AND d.ccn = p.ccn
    LEFT JOIN anywhere AS e
        ON e.program = p.program AND e.patient_id = p.patient_id AND e.month = p.month
)

SELECT
    j.program,
    j.patient_id,
    j.month,
    j.ccn,
    $performance_year AS performance_year,
    j.days,
    j.is_whole,
    j.is_admitted,
    j.departure,
    CASE
        WHEN j.kinds = 1 THEN 'in-center hemodialysis'
        WHEN j.kinds = 2 THEN 'home hemodialysis'
        WHEN j.kinds = 3 THEN 'in-center and home hemodialysis'
        WHEN j.kinds = 4 THEN 'peritoneal dialysis'
        WHEN j.kinds = 8 THEN 'other'
        WHEN j.kinds IS NOT NULL THEN 'mixed'
    END AS modality,
    CASE
        WHEN j.most >= r.frequent_sessions THEN 'frequent'
        WHEN j.fewest <= r.infrequent_sessions THEN 'infrequent'
        WHEN j.most IS NOT NULL THEN 'usual'
    END AS frequency,
    j.frequency_source
FROM joined AS j
CROSS JOIN rule AS r
