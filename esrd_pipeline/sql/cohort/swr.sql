-- One row: a segment of days at one facility of a patient who began dialysis in the year before,
-- within the first year of dialysis: at risk of waitlisting or a living donor's kidney, or why not.
-- Manual 2.15.6 to 2.15.13, Figure 18, Table 11.
-- Readings. A reporting year is the year in which patients begin dialysis (Figure 18: "incident
-- during the reporting year"; DFC publishes 2021 to 2023 with an SHR of 2024), so that the first
-- year is completely observed: the partition of 2024 holds patients who began in 2023. Time counts
-- from the first dialysis; days are attributed to the facility that treats the patient, without the
-- 60 days of other measures (2.15.10 names none), with delayed entry after treatment elsewhere.
-- The first year is days 1 to 365. A listing on the first day of dialysis is an event; an earlier
-- listing, active or ended, or a transplant up to that day, makes a patient preemptive. Any
-- transplant ends the follow-up; only a living donor's is an event; it is attributed to the
-- facility that treated the patient the day before. Hospice: a hospice claim includes the first
-- day. SNF: by CMS-2728, or an MDS stay that began before the first day and had not ended. The
-- manual does not exclude patients without a form.
WITH
began AS (
    SELECT patient_id, first_service_date
    FROM linkage.first_service
    WHERE performance_year = $performance_year
        AND program = 'dfc'
        AND first_service_date
        BETWEEN make_date($performance_year - 1, 1, 1) AND make_date($performance_year - 1, 12, 31)
),

listing AS (
    SELECT
        b.patient_id,
        max(CASE WHEN w.start_date < b.first_service_date THEN 1 ELSE 0 END) AS is_before,
        min(CASE WHEN w.start_date >= b.first_service_date THEN w.start_date END) AS listed_date
    FROM began AS b
    JOIN linkage.waitlist AS w
        ON w.patient_id = b.patient_id AND w.performance_year = $performance_year
    GROUP BY b.patient_id
),

graft AS (
    SELECT
        b.patient_id,
        max(CASE WHEN t.transplant_date <= b.first_service_date THEN 1 ELSE 0 END) AS is_before,
        min(CASE WHEN t.transplant_date > b.first_service_date THEN t.transplant_date END)
            AS transplant_date,
        min(
            CASE
                WHEN t.transplant_date > b.first_service_date AND t.donor = 'living'
                    THEN t.transplant_date
            END
        ) AS living_date
    FROM began AS b
    JOIN linkage.transplant AS t
        ON t.patient_id = b.patient_id
        AND t.program = 'dfc'
        AND t.performance_year = $performance_year
    GROUP BY b.patient_id
),

hospice AS (
    SELECT DISTINCT b.patient_id
    FROM linkage.claim AS c
    JOIN began AS b
        ON b.patient_id = c.patient_id
        AND b.first_service_date BETWEEN c.from_date AND c.last_date
    WHERE c.performance_year = $performance_year AND c.claim_type = '50'
),

nursing_home AS (
    SELECT DISTINCT b.patient_id
    FROM history.nursing_home AS h
    JOIN began AS b
        ON b.patient_id = h.patient_id
        AND h.start_date < b.first_service_date
        AND h.end_date >= b.first_service_date
    WHERE h.performance_year = $performance_year
),

incident AS (
    SELECT patient_id, is_institutionalised
    FROM history.patient_characteristics
    WHERE performance_year = $performance_year
),

person AS (
    SELECT
        b.patient_id,
        b.first_service_date,
        shared.completed_years(p.date_of_birth, b.first_service_date) AS age,
        coalesce(l.is_before, 0) AS is_listed_before,
        l.listed_date,
        coalesce(g.is_before, 0) AS is_transplanted_before,
        g.transplant_date,
        g.living_date,
        d.death_date,
        s.patient_id IS NOT NULL AS is_hospice,
        coalesce(i.is_institutionalised, FALSE) OR n.patient_id IS NOT NULL AS is_snf
    FROM began AS b
    LEFT JOIN linkage.patient AS p
        ON p.patient_id = b.patient_id AND p.performance_year = $performance_year
    LEFT JOIN linkage.death AS d
        ON d.patient_id = b.patient_id
        AND d.program = 'dfc'
        AND d.performance_year = $performance_year
    LEFT JOIN listing AS l ON l.patient_id = b.patient_id
    LEFT JOIN graft AS g ON g.patient_id = b.patient_id
    LEFT JOIN hospice AS s ON s.patient_id = b.patient_id
    LEFT JOIN nursing_home AS n ON n.patient_id = b.patient_id
    LEFT JOIN incident AS i ON i.patient_id = b.patient_id
),

-- The earliest of listing, transplant, death and the first year's end.
followed AS (
    SELECT
        patient_id,
        first_service_date,
        age,
        CASE
            WHEN age IS NULL THEN 'date_of_birth_unknown'
            WHEN age >= 75 THEN 'age_75_or_older'
            WHEN is_snf THEN 'in_nursing_home_at_first_dialysis'
            WHEN is_hospice THEN 'in_hospice_at_first_dialysis'
            WHEN is_listed_before = 1 THEN 'waitlisted_before_dialysis'
            WHEN is_transplanted_before = 1 THEN 'transplanted_before_dialysis'
        END AS reason,
        transplant_date,
        least(coalesce(listed_date, living_date), coalesce(living_date, listed_date)) AS event_date,
        least(
            first_service_date + 364,
            coalesce(listed_date, first_service_date + 364),
            coalesce(transplant_date, first_service_date + 364),
            coalesce(death_date, first_service_date + 364)
        ) AS last_date
    FROM person
),

spell AS (
    SELECT
        f.patient_id,
        f.first_service_date,
        f.event_date,
        f.last_date,
        t.start_date,
        CASE
            WHEN t.end_date = f.last_date - 1 AND f.last_date = f.transplant_date THEN f.last_date
            ELSE least(t.end_date, f.last_date)
        END AS end_date,
        CASE WHEN t.state = 'dialysis' THEN t.ccn END AS ccn,
        CASE
            WHEN f.reason IS NOT NULL THEN f.reason
            WHEN t.state = 'transplant' THEN 'transplant'
            WHEN t.state IN ('recovered', 'withdrawn') THEN 'after_withdrawal_or_recovery'
            WHEN t.state = 'lost' THEN 'lost_to_follow_up'
            WHEN t.state = 'untreated' THEN 'not_treated_by_any_facility'
            WHEN t.ccn IS NULL THEN 'facility_unknown'
        END AS reason
    FROM followed AS f
    JOIN history.treatment AS t
        ON t.patient_id = f.patient_id
        AND t.program = 'dfc'
        AND t.performance_year = $performance_year
        AND t.start_date <= f.last_date
    -- The day of the transplant is part of the spell before.
    WHERE t.start_date < f.last_date
        OR f.transplant_date IS NULL
        OR f.last_date <> f.transplant_date
),

-- A change of modality or source does not end a record.
marked AS (
    SELECT
        *,
        CASE
            WHEN coalesce(ccn, '') = coalesce(lag(ccn) OVER days, '')
                AND coalesce(reason, '') = coalesce(lag(reason) OVER days, '')
                AND start_date = lag(end_date) OVER days + 1
                THEN 0
            ELSE 1
        END AS begins
    FROM spell
    WINDOW days AS (PARTITION BY patient_id ORDER BY start_date)
),

numbered AS (
    SELECT
        *,
        sum(begins) OVER (
            PARTITION BY patient_id ORDER BY start_date ROWS UNBOUNDED PRECEDING
        ) AS record
    FROM marked
),

joined AS (
    SELECT
        patient_id,
        first_service_date,
        ccn,
        reason,
        min(start_date) AS start_date,
        max(end_date) AS end_date,
        max(CASE WHEN event_date = last_date AND end_date = event_date THEN 1 ELSE 0 END)
            AS is_event
    FROM numbered
    GROUP BY patient_id, record, first_service_date, ccn, reason
)

SELECT
    'dfc' AS program,
    j.patient_id,
    j.start_date,
    j.end_date,
    $performance_year AS performance_year,
    j.ccn,
    j.reason,
    datediff('day', j.first_service_date, j.start_date) AS start_day,
    datediff('day', j.first_service_date, j.end_date) + 1 AS stop_day,
    j.is_event,
    f.age
FROM joined AS j
JOIN followed AS f ON f.patient_id = j.patient_id
