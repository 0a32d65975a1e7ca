-- One row: a spell of one patient's days by one program's rules: one state and, on dialysis, one
-- facility and modality. Spells partition the days from the first service date to death or the
-- year's last day. Manual 2.13.10, 2.14.10.3; CCN by program: 3.3.3, 3.3.11.
-- Readings: days between a discharge and the next admission are untreated, for 365 days, then lost;
-- recovery and withdrawal last until dialysis begins again; a transplant ends with its reported
-- failure or with a chronic admission after it, not with claims alone. Who is treated for acute
-- kidney injury alone has no first service date and no spells (section 4; reading 122).
WITH
rule AS (
    -- 2.13.10: lost to follow-up once a year has passed without evidence of dialysis.
    SELECT 365 AS evidence_days
),

-- The death day is at risk.
lifetime AS (
    SELECT
        f.program,
        f.patient_id,
        f.first_service_date,
        least(
            coalesce(d.death_date, make_date($performance_year, 12, 31)),
            make_date($performance_year, 12, 31)
        ) AS last_day
    FROM linkage.first_service AS f
    LEFT JOIN linkage.death AS d
        ON d.program = f.program
        AND d.patient_id = f.patient_id
        AND d.performance_year = $performance_year
    WHERE f.performance_year = $performance_year
),

followed AS (
    SELECT * FROM lifetime WHERE first_service_date <= last_day
),

evidence AS (
    SELECT *
    FROM history.dialysis_evidence
    WHERE performance_year = $performance_year
),

transplant AS (
    SELECT
        f.program,
        f.patient_id,
        f.first_service_date,
        f.last_day,
        greatest(t.transplant_date, f.first_service_date) AS start_date,
        t.failure_date,
        lead(t.transplant_date) OVER (
            PARTITION BY t.program, t.patient_id ORDER BY t.transplant_date
        ) AS next_date
    FROM followed AS f
    JOIN linkage.transplant AS t
        ON t.program = f.program
        AND t.patient_id = f.patient_id
        AND t.performance_year = $performance_year
        AND t.transplant_date <= f.last_day
),

-- A chronic admission after the transplant is a return to dialysis, failure reported or not.
returned AS (
    SELECT t.program, t.patient_id, t.start_date, min(e.start_date) AS return_date
    FROM transplant AS t
    JOIN evidence AS e
        ON e.patient_id = t.patient_id AND e.start_date > t.start_date AND e.is_new
    GROUP BY t.program, t.patient_id, t.start_date
),

-- From the day of the transplant to the day before failure, return or the next transplant.
graft AS (
    SELECT
        t.program,
        t.patient_id,
        t.first_service_date,
        t.start_date,
        greatest(
            t.start_date,
            least(
                t.last_day,
                coalesce(t.failure_date - 1, t.last_day),
                coalesce(r.return_date - 1, t.last_day),
                coalesce(t.next_date - 1, t.last_day)
            )
        ) AS end_date
    FROM transplant AS t
    LEFT JOIN returned AS r
        ON r.program = t.program AND r.patient_id = t.patient_id AND r.start_date = t.start_date
    WHERE t.next_date IS NULL OR t.next_date > t.start_date
),

last_graft AS (
    SELECT program, patient_id, max(end_date) AS end_date
    FROM graft
    GROUP BY program, patient_id
),

-- Days without a functioning graft.
free AS (
    SELECT
        program,
        patient_id,
        coalesce(
            lag(end_date) OVER (PARTITION BY program, patient_id ORDER BY start_date) + 1,
            first_service_date
        ) AS start_date,
        start_date - 1 AS end_date
    FROM graft
    UNION ALL
    SELECT
        f.program,
        f.patient_id,
        coalesce(g.end_date + 1, f.first_service_date) AS start_date,
        f.last_day AS end_date
    FROM followed AS f
    LEFT JOIN last_graft AS g ON g.program = f.program AND g.patient_id = f.patient_id
),

ccn_known AS (
    SELECT * FROM shared.facility_number AS n
),

-- Every day at a facility has one CCN, or an unknown one.
ccn_period AS (
    SELECT program, facilityid, ccn, start_date, end_date FROM ccn_known
    UNION ALL
    SELECT
        program,
        facilityid,
        CAST(NULL AS VARCHAR) AS ccn,
        coalesce(
            lag(end_date) OVER (PARTITION BY program, facilityid ORDER BY start_date) + 1,
            DATE '1900-01-01'
        ) AS start_date,
        start_date - 1 AS end_date
    FROM ccn_known
    UNION ALL
    SELECT
        program,
        facilityid,
        CAST(NULL AS VARCHAR) AS ccn,
        max(end_date) + 1 AS start_date,
        DATE '9999-12-31' AS end_date
    FROM ccn_known
    GROUP BY program, facilityid
    HAVING max(end_date) < DATE '9999-12-31'
),

provider_number AS (
    SELECT program, provider_number, ccn
    FROM linkage.provider_number
    WHERE performance_year = $performance_year
),

placed AS (
    SELECT
        f.program,
        e.patient_id,
        greatest(e.start_date, f.start_date) AS start_date,
        least(e.end_date, f.end_date) AS end_date,
        e.source,
        e.facilityid,
        e.provider_number,
        e.modality,
        e.setting,
        e.ended_by
    FROM evidence AS e
    JOIN free AS f
        ON f.patient_id = e.patient_id
        AND f.start_date <= e.end_date
        AND f.end_date >= e.start_date
        AND f.start_date <= f.end_date
),

-- A new CCN is a new facility from its first day (2.13.10 with 3.3.3, 3.3.11).
dialysed AS (
    SELECT
        p.program,
        p.patient_id,
        greatest(p.start_date, coalesce(c.start_date, p.start_date)) AS start_date,
        least(p.end_date, coalesce(c.end_date, p.end_date)) AS end_date,
        coalesce(c.ccn, n.ccn) AS ccn,
        p.modality,
        p.setting,
        p.source,
        p.ended_by
    FROM placed AS p
    LEFT JOIN ccn_period AS c
        ON c.program = p.program
        AND c.facilityid = p.facilityid
        AND c.start_date <= p.end_date
        AND c.end_date >= p.start_date
        AND c.start_date <= c.end_date
    LEFT JOIN provider_number AS n
        ON n.program = p.program AND n.provider_number = p.provider_number
),

-- All evidence in order; the first service itself comes first and has no days.
known AS (
    SELECT
        program,
        patient_id,
        first_service_date AS start_date,
        first_service_date - 1 AS end_date,
        'untreated' AS state,
        CAST(NULL AS VARCHAR) AS ccn,
        CAST(NULL AS VARCHAR) AS modality,
        CAST(NULL AS VARCHAR) AS setting,
        'first service' AS source,
        CAST(NULL AS VARCHAR) AS ended_by
    FROM followed
    UNION ALL
    SELECT
        program, patient_id, start_date, end_date, 'dialysis' AS state, ccn, modality, setting,
        source, ended_by
    FROM dialysed
    UNION ALL
    SELECT
        program,
        patient_id,
        start_date,
        end_date,
        'transplant' AS state,
        CAST(NULL AS VARCHAR) AS ccn,
        CAST(NULL AS VARCHAR) AS modality,
        CAST(NULL AS VARCHAR) AS setting,
        'transplant' AS source,
        CAST(NULL AS VARCHAR) AS ended_by
    FROM graft
),

followed_by AS (
    SELECT
        k.*,
        k.end_date + 1 AS gap_start,
        coalesce(
            lead(k.start_date) OVER (
                PARTITION BY k.program, k.patient_id ORDER BY k.start_date, k.end_date
            ) - 1,
            f.last_day
        ) AS gap_end
    FROM known AS k
    JOIN followed AS f ON f.program = k.program AND f.patient_id = k.patient_id
),

-- Days without a place: recovered and withdrawn last until dialysis begins again; otherwise
-- untreated for a year after the last day with evidence, then lost. (The first service date is
-- evidence of its own day.)
gap AS (
    SELECT
        b.program,
        b.patient_id,
        b.gap_start,
        b.gap_end,
        b.source,
        CASE
            WHEN b.ended_by = 'Recover Function' THEN 'recovered'
            WHEN b.ended_by = 'Discontinue' THEN 'withdrawn'
            ELSE 'untreated'
        END AS state,
        CASE
            WHEN b.ended_by IN ('Recover Function', 'Discontinue') THEN b.gap_end + 1
            WHEN b.ended_by = 'a year without evidence' THEN b.gap_start
            WHEN b.source = 'first service' THEN b.gap_start + r.evidence_days + 1
            ELSE b.gap_start + r.evidence_days
        END AS lost_date
    FROM followed_by AS b
    CROSS JOIN rule AS r
    WHERE b.gap_start <= b.gap_end
),

spell AS (
    SELECT program, patient_id, start_date, end_date, state, ccn, modality, setting, source
    FROM known
    WHERE start_date <= end_date
    UNION ALL
    SELECT
        program,
        patient_id,
        gap_start AS start_date,
        least(gap_end, lost_date - 1) AS end_date,
        state,
        CAST(NULL AS VARCHAR) AS ccn,
        CAST(NULL AS VARCHAR) AS modality,
        CAST(NULL AS VARCHAR) AS setting,
        source
    FROM gap
    WHERE gap_start < lost_date
    UNION ALL
    SELECT
        program,
        patient_id,
        greatest(gap_start, lost_date) AS start_date,
        gap_end AS end_date,
        'lost' AS state,
        CAST(NULL AS VARCHAR) AS ccn,
        CAST(NULL AS VARCHAR) AS modality,
        CAST(NULL AS VARCHAR) AS setting,
        source
    FROM gap
    WHERE lost_date <= gap_end
),

marked AS (
    SELECT
        *,
        CASE
            WHEN state = lag(state) OVER days
                AND coalesce(ccn, '') = coalesce(lag(ccn) OVER days, '')
                AND coalesce(modality, '') = coalesce(lag(modality) OVER days, '')
                AND coalesce(setting, '') = coalesce(lag(setting) OVER days, '')
                AND source = lag(source) OVER days
                THEN 0
            ELSE 1
        END AS begins
    FROM spell
    WINDOW days AS (PARTITION BY program, patient_id ORDER BY start_date)
),

numbered AS (
    SELECT
        *,
        sum(begins) OVER (
            PARTITION BY program, patient_id ORDER BY start_date ROWS UNBOUNDED PRECEDING
        ) AS number
    FROM marked
)

SELECT
    program,
    patient_id,
    min(start_date) AS start_date,
    max(end_date) AS end_date,
    $performance_year AS performance_year,
    state,
    ccn,
    modality,
    setting,
    source
FROM numbered
GROUP BY program, patient_id, number, state, ccn, modality, setting, source
