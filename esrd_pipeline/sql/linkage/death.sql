-- One row: a death, with its date by one program's rules.
-- Manual 3.1.6. Dialysis Facility Measures: 1 CMS-2746, 2 Medicare enrollment, 3 EQRS events,
-- 6 EQRS patient list, 7 institutional claims, 8 Social Security. ESRD QIP: the EQRS patient
-- repository, and where it has no date the CMS-2746 (2.13.10 names it for both programs).
-- Not available: 4 SRTR transplant data, 5 CMS-2728 before 2005, and SRTR's own patient list in 6.
-- Readings. Any kind of institutional claim tells of a death by its discharge status: a stay's, and
-- an outpatient, dialysis or home health claim's, by its last day (reading 105). Two dates of one
-- source: the earlier. The enrollment record of the latest year counts:
-- one without a death withdraws the death of an earlier year's. Enrollment and claims are of single
-- years; a date from them is kept when they are no longer available.
WITH
source_rank AS (
    SELECT 'dfc' AS program, 'cms_2746' AS source, 1 AS place
    UNION ALL
    SELECT 'dfc' AS program, 'enrollment' AS source, 2 AS place
    UNION ALL
    SELECT 'dfc' AS program, 'eqrs_event' AS source, 3 AS place
    UNION ALL
    SELECT 'dfc' AS program, 'eqrs' AS source, 6 AS place
    UNION ALL
    SELECT 'dfc' AS program, 'claims' AS source, 7 AS place
    UNION ALL
    SELECT 'dfc' AS program, 'ssa' AS source, 8 AS place
    UNION ALL
    SELECT 'qip' AS program, 'eqrs' AS source, 1 AS place
    UNION ALL
    SELECT 'qip' AS program, 'cms_2746' AS source, 2 AS place
),

eqrs_person AS (
    SELECT patient_id, date_of_death
    FROM raw.eqrs_patient
    WHERE performance_year = $performance_year
),

-- With one typing error in the birth date at most (reading 149).
social_security_person AS (
    SELECT ssn, date_of_birth, patient_id
    FROM linkage.register_match
    WHERE performance_year = $performance_year AND register = 'ssa'
),

death_form AS (
    SELECT patient_id, death_date, primary_cause
    FROM raw.cms_2746
    WHERE performance_year = $performance_year
),

beneficiary AS (
    SELECT bene_id, patient_id
    FROM linkage.beneficiary
    WHERE performance_year = $performance_year
),

latest_enrollment AS (
    SELECT l.patient_id, e.bene_death_dt
    FROM shared.ranked_enrollment AS e
    JOIN beneficiary AS l ON l.bene_id = e.bene_id
    WHERE e.place = 1
),

-- A beneficiary who has since been matched to an EQRS patient keeps the date.
remembered_death AS (
    SELECT coalesce(m.patient_id, d.patient_id) AS patient_id, d.death_date, d.source
    FROM linkage.death AS d
    LEFT JOIN linkage.earlier_patient AS m
        ON m.earlier_patient_id = d.patient_id AND m.performance_year = $performance_year
    WHERE d.performance_year = $performance_year - 1
        AND d.program = 'dfc'
        AND d.source IN ('enrollment', 'claims')
),

enrolled_since AS (
    SELECT DISTINCT patient_id FROM latest_enrollment
),

reported_death AS (
    SELECT patient_id, death_date, 'cms_2746' AS source FROM death_form
    UNION ALL
    SELECT patient_id, bene_death_dt AS death_date, 'enrollment' AS source
    FROM latest_enrollment
    WHERE bene_death_dt IS NOT NULL
    UNION ALL
    SELECT patient_id, discharge_date AS death_date, 'eqrs_event' AS source
    FROM raw.eqrs_admission
    WHERE performance_year = $performance_year
        AND discharge_reason = 'Death'
        AND discharge_date IS NOT NULL
    UNION ALL
    SELECT patient_id, date_of_death AS death_date, 'eqrs' AS source
    FROM eqrs_person
    WHERE date_of_death IS NOT NULL
    UNION ALL
    SELECT patient_id, death_date, 'claims' AS source
    FROM shared.claimed_death AS c
    UNION ALL
    SELECT r.patient_id, r.death_date, r.source
    FROM remembered_death AS r
    LEFT JOIN enrolled_since AS e ON e.patient_id = r.patient_id
    WHERE r.source = 'claims' OR e.patient_id IS NULL
    UNION ALL
    SELECT p.patient_id, s.date_of_death AS death_date, 'ssa' AS source
    FROM raw.ssa_death AS s
    JOIN social_security_person AS p ON p.ssn = s.ssn AND p.date_of_birth = s.date_of_birth
    WHERE s.performance_year = $performance_year
),

death_by_source AS (
    SELECT
        k.program,
        r.patient_id,
        k.place,
        r.source,
        min(r.death_date) AS death_date,
        max(r.death_date) AS latest_date
    FROM reported_death AS r
    JOIN source_rank AS k ON k.source = r.source
    GROUP BY k.program, r.patient_id, k.place, r.source
),

ranked_source AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY program, patient_id ORDER BY place) AS source_order,
        count(*) OVER (PARTITION BY program, patient_id) AS source_count,
        min(death_date) OVER (PARTITION BY program, patient_id) AS first_date,
        max(latest_date) OVER (PARTITION BY program, patient_id) AS last_date
    FROM death_by_source
)

SELECT
    r.program,
    r.patient_id,
    $performance_year AS performance_year,
    r.death_date,
    r.source,
    r.source_count,
    r.first_date <> r.last_date AS is_conflicting,
    f.primary_cause
FROM ranked_source AS r
LEFT JOIN death_form AS f ON f.patient_id = r.patient_id
WHERE r.source_order = 1
