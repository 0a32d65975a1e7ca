-- One row: a death, a waitlisting (or living donor's kidney) or an arrival at home after dialysis
-- in center, as the histories hold it, and why it does not count in SMR, SWR or SMoSR, or null
-- where it does. Manual 2.14.11, 2.15.6, 2.15.9, 2.15.11, 2.27.9 to 2.27.11. For
-- report.event_account. An event that is not outside by a rule here must be among the cohort's.
-- Readings: a death belongs to the year of its day. SWR and SMoSR judge the whole first year of
-- dialysis in the partition after the year in which it began: its events belong to that year, all
-- others to the year of their day, so that each event is in exactly one year (reading 140). An
-- arrival at home is the first day of consecutive days at home, or the first day at home after home
-- hemodialysis in a nursing home (reading 124).
WITH
first_service AS (
    SELECT patient_id, first_service_date
    FROM linkage.first_service
    WHERE performance_year = $performance_year AND program = 'dfc'
),

death AS (
    SELECT patient_id, death_date
    FROM linkage.death
    WHERE performance_year = $performance_year AND program = 'dfc'
),

died AS (
    SELECT
        d.patient_id,
        d.death_date AS event_date,
        CASE
            WHEN s.reason IS NOT NULL THEN s.reason
            WHEN s.death = 'excluded cause' THEN 'excluded_cause_of_death'
        END AS reason,
        coalesce(f.first_service_date <= d.death_date, FALSE) AS is_in_cohort
    FROM death AS d
    LEFT JOIN first_service AS f ON f.patient_id = d.patient_id
    LEFT JOIN cohort.smr_days AS s
        ON s.patient_id = d.patient_id
        AND d.death_date BETWEEN s.start_date AND s.end_date
        AND s.performance_year = $performance_year
    WHERE year(d.death_date) = $performance_year
),

transplant AS (
    SELECT patient_id, transplant_date, donor
    FROM linkage.transplant
    WHERE performance_year = $performance_year AND program = 'dfc'
),

-- A kidney on the day of a listing is one event with it.
listed AS (
    SELECT patient_id, event_date, max(is_listing) AS is_listing
    FROM (
        SELECT patient_id, start_date AS event_date, 1 AS is_listing
        FROM linkage.waitlist
        WHERE performance_year = $performance_year
        UNION ALL
        SELECT patient_id, transplant_date AS event_date, 0 AS is_listing
        FROM transplant
        WHERE donor = 'living'
    ) AS l
    GROUP BY patient_id, event_date
),

dialysed AS (
    SELECT
        patient_id,
        start_date,
        end_date,
        setting,
        modality,
        min(CASE WHEN setting = 'in center' THEN start_date END) OVER (
            PARTITION BY patient_id
        ) AS in_center_date
    FROM history.treatment
    WHERE performance_year = $performance_year AND program = 'dfc' AND state = 'dialysis'
),

numbered AS (
    SELECT
        *,
        sum(begins) OVER (
            PARTITION BY patient_id ORDER BY start_date ROWS UNBOUNDED PRECEDING
        ) AS stay
    FROM (
        SELECT
            *,
            CASE
                WHEN start_date = lag(end_date) OVER (
                    PARTITION BY patient_id ORDER BY start_date
                ) + 1 THEN 0
                ELSE 1
            END AS begins
        FROM dialysed
        WHERE setting = 'home' AND in_center_date IS NOT NULL
    ) AS compared
),

at_home AS (
    SELECT patient_id, in_center_date, min(start_date) AS start_date, max(end_date) AS end_date
    FROM numbered
    GROUP BY patient_id, in_center_date, stay
),

nursed AS (
    SELECT * FROM shared.nursed_at_home AS n
),

arrived AS (
    SELECT patient_id, in_center_date, start_date AS event_date, end_date FROM at_home
    UNION
    SELECT h.patient_id, h.in_center_date, n.end_date + 1 AS event_date, h.end_date
    FROM at_home AS h
    JOIN nursed AS n
        ON n.patient_id = h.patient_id AND n.end_date >= h.start_date AND n.end_date < h.end_date
    LEFT JOIN nursed AS o
        ON o.patient_id = n.patient_id AND n.end_date + 1 BETWEEN o.start_date AND o.end_date
    WHERE o.patient_id IS NULL
),

-- Could it be the measure's event, were it the first in the first year?
found AS (
    SELECT
        'swr' AS measure,
        'waitlisting' AS kind,
        l.patient_id,
        l.event_date,
        f.first_service_date,
        -- A kidney on the first day came before dialysis, a listing did not.
        l.event_date + l.is_listing > f.first_service_date AS is_after_start,
        CASE
            WHEN coalesce(l.event_date + l.is_listing > f.first_service_date, TRUE) THEN NULL
            WHEN l.is_listing = 1 THEN 'waitlisted_before_dialysis'
            WHEN l.is_listing = 0 THEN 'transplanted_before_dialysis'
        END AS rule_reason
    FROM listed AS l
    LEFT JOIN first_service AS f ON f.patient_id = l.patient_id
    UNION ALL
    SELECT
        'smosr' AS measure,
        'switch' AS kind,
        a.patient_id,
        a.event_date,
        f.first_service_date,
        TRUE AS is_after_start,
        CASE
            WHEN n.patient_id IS NOT NULL THEN 'home_hemodialysis_in_nursing_home'
            WHEN datediff('day', a.event_date, a.end_date) + 1 >= 30 THEN NULL
            WHEN a.end_date = make_date($performance_year, 12, 31) THEN 'follow_up_incomplete'
            ELSE 'home_under_30_days'
        END AS rule_reason
    FROM arrived AS a
    JOIN first_service AS f ON f.patient_id = a.patient_id
    LEFT JOIN nursed AS n
        ON n.patient_id = a.patient_id AND a.event_date BETWEEN n.start_date AND n.end_date
    WHERE a.event_date > a.in_center_date
),

timed AS (
    SELECT
        *,
        coalesce(is_after_start AND event_date <= first_service_date + 364, FALSE)
            AS is_first_year
    FROM found
),

grafted AS (
    SELECT f.patient_id, min(t.transplant_date) AS graft_date
    FROM first_service AS f
    JOIN transplant AS t
        ON t.patient_id = f.patient_id AND t.transplant_date > f.first_service_date
    GROUP BY f.patient_id
),

-- Events of the year, and whether one before has ended the follow-up.
placed AS (
    SELECT
        t.*,
        g.graft_date,
        d.death_date,
        coalesce(
            max(CASE WHEN t.is_first_year AND t.rule_reason IS NULL THEN 1 ELSE 0 END) OVER (
                PARTITION BY t.measure, t.patient_id
                ORDER BY t.event_date
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ),
            0
        ) AS is_later
    FROM timed AS t
    LEFT JOIN grafted AS g ON g.patient_id = t.patient_id AND t.measure = 'swr'
    LEFT JOIN death AS d ON d.patient_id = t.patient_id
    WHERE CASE WHEN t.is_first_year THEN year(t.first_service_date) + 1 ELSE year(t.event_date) END
        = $performance_year
),

ruled AS (
    SELECT
        measure,
        kind,
        patient_id,
        event_date,
        CASE
            WHEN NOT is_after_start THEN rule_reason
            WHEN is_after_start AND NOT is_first_year THEN 'after_first_year'
            WHEN rule_reason IS NOT NULL THEN rule_reason
            WHEN graft_date < event_date AND is_later = 0 THEN 'transplant'
            WHEN is_later = 1 THEN 'after_first_event'
        END AS reason,
        first_service_date IS NOT NULL
        AND coalesce(death_date >= event_date, TRUE) AS is_patient
    FROM placed
),

segment AS (
    SELECT 'swr' AS measure, patient_id, start_date, end_date, reason
    FROM cohort.swr
    WHERE performance_year = $performance_year
    UNION ALL
    SELECT 'smosr' AS measure, patient_id, start_date, end_date, reason
    FROM cohort.smosr
    WHERE performance_year = $performance_year
)

SELECT
    'smr' AS measure,
    'dfc' AS program,
    patient_id,
    event_date,
    $performance_year AS performance_year,
    'death' AS kind,
    reason,
    is_in_cohort
FROM died
UNION ALL
SELECT
    r.measure,
    'dfc' AS program,
    r.patient_id,
    r.event_date,
    $performance_year AS performance_year,
    r.kind,
    coalesce(r.reason, s.reason) AS reason,
    r.is_patient AND r.reason IS NULL AS is_in_cohort
FROM ruled AS r
LEFT JOIN segment AS s
    ON s.measure = r.measure
    AND s.patient_id = r.patient_id
    AND r.event_date BETWEEN s.start_date AND s.end_date
    AND r.reason IS NULL
