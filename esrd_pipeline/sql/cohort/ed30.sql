-- One row: a discharge of the year or the year before of one patient with ESRD, by ED30's rules: an
-- index discharge with its outcome and adjusters, or why not. Manual 2.26.8 to 2.26.12, Figure 28;
-- readings 17, 20.
-- Readings: a discharge is defined as for SRR (acute, Medicare-covered, transfers joined, alive,
-- treated by a facility); SRR's clinical exclusions and its PPS-exempt cancer hospitals are not
-- among those of 2.26.11, and what is not excluded there is an index discharge (2.26.10, reading
-- 130). The flowchart's footnote is followed literally: a hospitalisation on days 1 to 4 excludes
-- the discharge, as does one elsewhere on the day of discharge. An encounter in a month of hospice
-- is ignored; one after another inpatient stay, in any hospital, does not follow this discharge.
-- The 30 days after the last discharges of a year extend into the next; where the files do not hold
-- its claims (history.claim_run_out), these discharges wait; only another stay stands between a
-- discharge and an encounter, in January too (reading 148). First 90 days of ESRD: days 1 to 90.
-- Length of stay: first is up to the 25th percentile of the index discharges' days, fourth beyond
-- the 75th. Years of dialysis are years since the first service date, linear.
WITH
discharge AS (
    SELECT *
    FROM history.inpatient_discharge
    WHERE performance_year = $performance_year
),

hospice_day AS (
    SELECT
        patient_id,
        make_date(year(from_date), month(from_date), 1) AS from_date,
        last_day(last_date) AS to_date
    FROM linkage.claim
    WHERE performance_year = $performance_year AND claim_type = '50'
),

encounter AS (
    SELECT e.patient_id, e.start_date
    FROM history.emergency_encounter AS e
    WHERE e.performance_year = $performance_year
        AND NOT EXISTS (
            SELECT 1
            FROM hospice_day AS h
            WHERE h.patient_id = e.patient_id
                AND e.start_date BETWEEN h.from_date AND h.to_date
        )
),

candidate AS (
    SELECT
        p.*,
        d.episode,
        d.hospital_ccn,
        d.kind,
        d.is_covered,
        d.is_transferred,
        d.discharge_status,
        datediff('day', d.episode_admit_date, d.discharge_date) AS length_of_stay
    FROM history.discharged_patient AS p
    JOIN discharge AS d ON d.patient_id = p.patient_id AND d.stay = p.stay
    WHERE p.performance_year = $performance_year
        AND p.program = 'dfc'
        AND p.discharge_date BETWEEN make_date($performance_year - 1, 1, 1)
            AND make_date($performance_year, 12, 31)
),

in_hospice AS (
    SELECT DISTINCT c.patient_id, c.stay
    FROM candidate AS c
    JOIN hospice_day AS h
        ON h.patient_id = c.patient_id
        AND c.discharge_date BETWEEN h.from_date AND h.to_date
),

next_stay AS (
    SELECT c.patient_id, c.stay, min(a.admit_date) AS admit_date
    FROM candidate AS c
    JOIN discharge AS a
        ON a.patient_id = c.patient_id
        AND a.admit_date BETWEEN c.discharge_date AND c.discharge_date + 30
        AND a.stay <> c.stay
        AND coalesce(a.episode, 0) <> coalesce(c.episode, -1)
    GROUP BY c.patient_id, c.stay
),

next_encounter AS (
    SELECT c.patient_id, c.stay, min(e.start_date) AS start_date
    FROM candidate AS c
    JOIN encounter AS e
        ON e.patient_id = c.patient_id
        AND e.start_date BETWEEN c.discharge_date + 4 AND c.discharge_date + 30
    GROUP BY c.patient_id, c.stay
),

run_out AS (
    SELECT last_date FROM history.claim_run_out WHERE performance_year = $performance_year
),

judged AS (
    SELECT
        c.*,
        datediff('day', c.discharge_date, n.admit_date) AS stay_day,
        datediff('day', c.discharge_date, e.start_date) AS encounter_day,
        CASE
            WHEN c.kind NOT IN ('acute', 'critical access') THEN 'not_acute_care_hospital'
            WHEN NOT c.is_covered THEN 'not_covered_by_medicare'
            WHEN c.is_transferred THEN 'transferred_to_acute_care_hospital'
            WHEN c.discharge_status IN ('20', '40', '41', '42')
                OR coalesce(c.death_date <= c.discharge_date, FALSE)
                THEN 'died_in_hospital'
            WHEN c.discharge_status = '30' THEN 'still_in_hospital'
            WHEN coalesce(c.state <> 'dialysis', TRUE) THEN 'not_on_dialysis_at_discharge'
            WHEN c.ccn IS NULL THEN 'facility_unknown'
            WHEN c.is_ma THEN 'medicare_advantage'
            WHEN c.esrd_day <= 90 THEN 'first_days_of_esrd'
            WHEN c.age IS NULL THEN 'date_of_birth_unknown'
            WHEN c.age < 18 THEN 'under_18_years'
            WHEN h.patient_id IS NOT NULL THEN 'hospice_in_month'
            WHEN datediff('day', c.discharge_date, n.admit_date) <= 4
                THEN 'hospitalized_within_4_days'
            WHEN c.discharge_date + 30 > r.last_date
                THEN 'follow_up_incomplete'
        END AS reason
    FROM candidate AS c
    CROSS JOIN run_out AS r
    LEFT JOIN in_hospice AS h ON h.patient_id = c.patient_id AND h.stay = c.stay
    LEFT JOIN next_stay AS n ON n.patient_id = c.patient_id AND n.stay = c.stay
    LEFT JOIN next_encounter AS e ON e.patient_id = c.patient_id AND e.stay = c.stay
),

described AS (
    SELECT
        j.*,
        q.length_quarter
    FROM judged AS j
    LEFT JOIN shared.length_quarter AS q
        ON q.program = j.program AND q.length_of_stay IS NOT DISTINCT FROM j.length_of_stay
)

SELECT
    program,
    patient_id,
    stay,
    $performance_year AS performance_year,
    discharge_date,
    ccn,
    hospital_ccn,
    reason,
    CASE
        WHEN reason IS NULL
            AND encounter_day IS NOT NULL
            AND coalesce(stay_day > encounter_day, TRUE)
            THEN 1
        ELSE 0
    END AS is_event,
    stay_day,
    encounter_day,
    length_of_stay,
    length_quarter,
    greatest(esrd_day - 1, 0) / 365.25 AS years_of_dialysis,
    age,
    shared.bmi_class(bmi) AS bmi_class,
    is_female,
    is_diabetes_cause,
    home_days AS nursing_home_days
FROM described
