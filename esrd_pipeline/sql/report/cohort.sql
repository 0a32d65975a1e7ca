-- One row: the patients of one class of one topic in the nation, a Network or a state, by one
-- program's rules: who began ESRD in the year, has it at its end, by which modality, for how long,
-- at home, on the waitlist; who was transplanted or died. Manual 2.13.10, 2.16.6, 3.1.2, 3.1.6.
-- Reading 199: a patient belongs to the last facility that treated them up to the year's end, also
-- with a transplant since, and without any to the group unknown; at the year's end is who lives
-- after its last day; a patient is under 90 days of ESRD before the 90th day after the first
-- service date. Who has ESRD in the year has a day of it in treatment history, in any state.
-- Networks and states add up to the nation, modalities and years of ESRD to their patients: the
-- table is not stored otherwise. Where a class of the nation has nobody of a group, it has 0.
WITH
spell AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY program, patient_id ORDER BY start_date DESC) AS place,
        row_number() OVER (
            PARTITION BY program, patient_id
            ORDER BY CASE WHEN ccn IS NULL THEN 1 ELSE 0 END, start_date DESC
        ) AS placed
    FROM history.treatment
    WHERE performance_year = $performance_year
        AND start_date <= make_date($performance_year, 12, 31)
),

-- Spells partition the days from the first service date to death or the year's last day.
last_spell AS (
    SELECT program, patient_id, end_date, state, modality, setting
    FROM spell
    WHERE place = 1 AND end_date >= make_date($performance_year, 1, 1)
),

last_facility AS (
    SELECT s.program, s.patient_id, f.network, f.state
    FROM spell AS s
    JOIN linkage.facility AS f
        ON f.program = s.program AND f.ccn = s.ccn AND f.performance_year = $performance_year
    WHERE s.placed = 1
),

-- A patient's first transplant of the year.
transplant AS (
    SELECT
        program,
        patient_id,
        coalesce(donor, 'unknown') AS donor,
        row_number() OVER (PARTITION BY program, patient_id ORDER BY transplant_date) AS place
    FROM linkage.transplant
    WHERE performance_year = $performance_year AND year(transplant_date) = $performance_year
),

listed AS (
    SELECT DISTINCT patient_id
    FROM linkage.waitlist
    WHERE performance_year = $performance_year
        AND start_date <= make_date($performance_year, 12, 31)
        AND coalesce(end_date, make_date($performance_year, 12, 31))
        >= make_date($performance_year, 12, 31)
),

known AS (
    SELECT
        s.program,
        s.patient_id,
        s.state,
        s.modality,
        s.setting,
        coalesce(CAST(p.network AS VARCHAR), 'unknown') AS network,
        coalesce(p.state, 'unknown') AS facility_state,
        f.first_service_date,
        datediff('day', f.first_service_date, make_date($performance_year, 12, 31)) AS esrd_days,
        year(d.death_date) = $performance_year AS has_died,
        t.donor,
        w.patient_id IS NOT NULL AS is_listed
    FROM last_spell AS s
    JOIN linkage.first_service AS f
        ON f.program = s.program
        AND f.patient_id = s.patient_id
        AND f.performance_year = $performance_year
    LEFT JOIN last_facility AS p ON p.program = s.program AND p.patient_id = s.patient_id
    LEFT JOIN linkage.death AS d
        ON d.program = s.program
        AND d.patient_id = s.patient_id
        AND d.performance_year = $performance_year
    LEFT JOIN transplant AS t
        ON t.program = s.program AND t.patient_id = s.patient_id AND t.place = 1
    LEFT JOIN listed AS w ON w.patient_id = s.patient_id
),

person AS (
    SELECT
        *,
        coalesce(has_died, FALSE) AS is_dead,
        state = 'dialysis' AND NOT coalesce(has_died, FALSE) AS is_on_dialysis,
        state = 'transplant' AND NOT coalesce(has_died, FALSE) AS has_graft,
        coalesce(modality = 'peritoneal' OR setting = 'home', FALSE) AS is_at_home
    FROM known
),

-- A row of a patient in each topic that concerns them; without a category they are only in its
-- base.
concerned AS (
    SELECT
        program,
        network,
        facility_state,
        'incident' AS topic,
        CASE WHEN year(first_service_date) = $performance_year THEN 'all' END AS category
    FROM person
    UNION ALL
    SELECT
        program,
        network,
        facility_state,
        'prevalent' AS topic,
        CASE WHEN is_on_dialysis OR has_graft THEN 'all' END AS category
    FROM person
    UNION ALL
    SELECT
        program,
        network,
        facility_state,
        'modality' AS topic,
        CASE
            WHEN has_graft THEN 'transplant'
            WHEN modality = 'peritoneal' THEN 'peritoneal dialysis'
            WHEN modality = 'hemodialysis' AND setting = 'home' THEN 'home hemodialysis'
            WHEN modality = 'hemodialysis' AND setting = 'in center' THEN 'in-center hemodialysis'
            ELSE 'unknown'
        END AS category
    FROM person
    WHERE is_on_dialysis OR has_graft
    UNION ALL
    SELECT
        program,
        network,
        facility_state,
        'years of ESRD' AS topic,
        CASE
            WHEN esrd_days < 90 THEN 'under 90 days'
            WHEN esrd_days < 365 THEN '90 days to 1 year'
            WHEN esrd_days < 2 * 365 THEN '1 year'
            WHEN esrd_days < 5 * 365 THEN '2-4 years'
            WHEN esrd_days < 10 * 365 THEN '5-9 years'
            ELSE '10 years and more'
        END AS category
    FROM person
    WHERE is_on_dialysis
    UNION ALL
    SELECT
        program,
        network,
        facility_state,
        CASE
            WHEN esrd_days < 90 THEN 'at home under 90 days'
            ELSE 'at home from 90 days'
        END AS topic,
        CASE WHEN is_at_home THEN 'all' END AS category
    FROM person
    WHERE is_on_dialysis
    UNION ALL
    SELECT
        program,
        network,
        facility_state,
        'waitlisted' AS topic,
        CASE WHEN is_listed THEN 'all' END AS category
    FROM person
    WHERE is_on_dialysis
    UNION ALL
    SELECT program, network, facility_state, 'transplanted' AS topic, donor AS category
    FROM person
    UNION ALL
    SELECT
        program,
        network,
        facility_state,
        'died' AS topic,
        CASE WHEN is_dead THEN state END AS category
    FROM person
),

cell AS (
    SELECT program, network, facility_state, topic, category, count(*) AS patients
    FROM concerned
    GROUP BY program, network, facility_state, topic, category
),

grouped AS (
    SELECT program, 'nation' AS level, 'nation' AS group_name, topic, category, patients
    FROM cell
    UNION ALL
    SELECT program, 'network', network, topic, category, patients
    FROM cell
    UNION ALL
    SELECT program, 'state', facility_state, topic, category, patients
    FROM cell
),

counted AS (
    SELECT program, level, group_name, topic, category, sum(patients) AS patients
    FROM grouped
    GROUP BY program, level, group_name, topic, category
),

base AS (
    SELECT program, level, group_name, topic, sum(patients) AS base_patients
    FROM counted
    GROUP BY program, level, group_name, topic
),

-- The nation's classes: a group has each of those of a topic that it has patients of.
class AS (
    SELECT DISTINCT program, topic, category
    FROM concerned
    WHERE category IS NOT NULL
)

SELECT
    b.program,
    b.level,
    b.group_name,
    c.topic,
    c.category,
    $performance_year AS performance_year,
    coalesce(n.patients, 0) AS patients,
    b.base_patients,
    CAST(coalesce(n.patients, 0) AS DOUBLE) / b.base_patients AS share
FROM base AS b
JOIN class AS c ON c.program = b.program AND c.topic = b.topic
LEFT JOIN counted AS n
    ON n.program = b.program
    AND n.level = b.level
    AND n.group_name = b.group_name
    AND n.topic = c.topic
    AND n.category = c.category
