-- One row: a hospital stay, or an emergency encounter, that begins 4 to 30 days after the patient's
-- last discharge from acute care, and why it is no event of SRR or ED30, or null where it is one.
-- Manual 2.10.10, 2.11.11, 2.26.10, 2.26.11. For report.event_account: what has no
-- reason here must be an event of the cohort.
-- Readings: the discharge is the last one before, of those that can be index discharges (acute,
-- covered, not transferred), because a later one is itself the first event after an earlier one, so
-- that a stay follows at most one discharge; the event belongs to the year of that discharge, and
-- is counted there (reading 141).
WITH
stay AS (
    SELECT *
    FROM history.inpatient_discharge
    WHERE performance_year = $performance_year
),

discharge AS (
    SELECT patient_id, stay, discharge_date, episode
    FROM stay
    WHERE kind IN ('acute', 'critical access') AND is_covered AND NOT is_transferred
),

-- Joined stays are one hospitalisation, which begins with its admission.
returned AS (
    SELECT
        'srr' AS measure,
        'readmission' AS kind,
        patient_id,
        stay AS return_stay,
        admit_date AS event_date,
        discharge_date AS return_end,
        episode,
        kind IN ('acute', 'critical access') AS is_acute,
        is_covered,
        is_planned
    FROM stay
    WHERE is_admission
    UNION ALL
    SELECT
        'ed30' AS measure,
        'emergency_after_discharge' AS kind,
        patient_id,
        0 AS return_stay,
        start_date AS event_date,
        end_date AS return_end,
        CAST(NULL AS INTEGER) AS episode,
        TRUE AS is_acute,
        TRUE AS is_covered,
        FALSE AS is_planned
    FROM history.emergency_encounter
    WHERE performance_year = $performance_year
),

last_discharge AS (
    SELECT
        r.measure,
        r.patient_id,
        r.return_stay,
        r.event_date,
        max(d.discharge_date) AS discharge_date
    FROM returned AS r
    JOIN discharge AS d
        ON d.patient_id = r.patient_id
        AND r.event_date BETWEEN d.discharge_date AND d.discharge_date + 30
        AND d.stay <> r.return_stay
        AND d.episode <> coalesce(r.episode, -1)
    GROUP BY r.measure, r.patient_id, r.return_stay, r.event_date
),

-- The discharges that a cohort holds, with what came first after them.
cohort AS (
    SELECT
        'srr' AS measure,
        s.program,
        s.patient_id,
        s.stay,
        s.reason,
        s.first_event_day AS first_day,
        s.first_event = 'transplant' AS is_first_a_transplant,
        CAST(NULL AS INTEGER) AS stay_day,
        p.death_date
    FROM cohort.srr AS s
    JOIN history.discharged_patient AS p
        ON p.program = s.program
        AND p.patient_id = s.patient_id
        AND p.stay = s.stay
        AND p.performance_year = $performance_year
    WHERE s.performance_year = $performance_year
    UNION ALL
    SELECT
        'ed30' AS measure,
        program,
        patient_id,
        stay,
        reason,
        encounter_day AS first_day,
        FALSE AS is_first_a_transplant,
        stay_day,
        CAST(NULL AS DATE) AS death_date
    FROM cohort.ed30
    WHERE performance_year = $performance_year
),

hospice AS (
    SELECT DISTINCT r.patient_id, r.event_date
    FROM returned AS r
    JOIN linkage.claim AS c
        ON c.patient_id = r.patient_id
        AND c.claim_type = '50'
        AND c.performance_year = $performance_year
        AND r.event_date BETWEEN make_date(year(c.from_date), month(c.from_date), 1)
            AND last_day(c.last_date)
    WHERE r.measure = 'ed30'
),

program AS (
    SELECT 'srr' AS measure, 'dfc' AS program
    UNION ALL
    SELECT 'srr' AS measure, 'qip' AS program
    UNION ALL
    SELECT 'ed30' AS measure, 'dfc' AS program
),

followed AS (
    SELECT
        r.*,
        p.program,
        d.stay,
        d.discharge_date,
        datediff('day', d.discharge_date, r.event_date) AS event_day
    FROM returned AS r
    JOIN last_discharge AS l
        ON l.measure = r.measure
        AND l.patient_id = r.patient_id
        AND l.return_stay = r.return_stay
        AND l.event_date = r.event_date
    JOIN discharge AS d ON d.patient_id = l.patient_id AND d.discharge_date = l.discharge_date
    JOIN program AS p ON p.measure = r.measure
    WHERE year(l.discharge_date) = $performance_year AND r.event_date >= l.discharge_date + 4
),

judged AS (
    SELECT
        f.*,
        CASE
            WHEN c.reason IS NOT NULL THEN c.reason
            WHEN NOT f.is_acute THEN 'not_acute_care_hospital'
            WHEN NOT f.is_covered THEN 'not_covered_by_medicare'
            WHEN h.patient_id IS NOT NULL THEN 'hospice_in_month'
            -- The QIP takes no stay that ends after the patient's death (2.11.11).
            WHEN f.program = 'qip' AND c.death_date < f.return_end THEN 'died_in_hospital'
            WHEN f.is_planned THEN 'planned_readmission'
            WHEN c.first_day < f.event_day
                OR c.stay_day <= f.event_day
                OR (c.is_first_a_transplant AND c.first_day = f.event_day)
                THEN 'after_first_event'
        END AS reason,
        c.patient_id IS NOT NULL AS is_known
    FROM followed AS f
    LEFT JOIN cohort AS c
        ON c.measure = f.measure
        AND c.program = f.program
        AND c.patient_id = f.patient_id
        AND c.stay = f.stay
    LEFT JOIN hospice AS h
        ON h.patient_id = f.patient_id AND h.event_date = f.event_date AND f.measure = 'ed30'
)

SELECT
    measure,
    program,
    patient_id,
    event_date,
    return_stay,
    $performance_year AS performance_year,
    kind,
    stay,
    discharge_date,
    CASE WHEN is_known THEN reason END AS reason,
    is_known AND reason IS NULL AS is_in_cohort
FROM judged
