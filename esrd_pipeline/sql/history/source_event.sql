-- One row: a death, transplant or first service in the year, by the rules of the Dialysis Facility
-- Measures, with the facility it belongs to and the sources that have it. Manual 2.13.10, 3.1.2, 3.1.6.
-- Reading 206: an event belongs to the facility that treated the patient last within the 60 days of
-- 2.13.10 before it, or first within the 60 days after a first service; null where none did.
-- Reading 207: two sources agree if deaths and transplants are of one day, and if first services are
-- at most the 30 days apart that 3.1.2 allows form and EQRS.
WITH
rule AS (
    SELECT 60 AS treated_days, 30 AS same_days
),

beneficiary AS (
    SELECT bene_id, patient_id
    FROM linkage.beneficiary
    WHERE performance_year = $performance_year
),

-- 3.1.6. The date that counts is linkage.death's; here each source's own.
death AS (
    SELECT patient_id, death_date AS day
    FROM linkage.death
    WHERE performance_year = $performance_year
        AND program = 'dfc'
        AND year(death_date) = $performance_year
),

reported_death AS (
    SELECT patient_id, 'eqrs' AS source, 1 AS place, death_date AS day
    FROM raw.cms_2746
    WHERE performance_year = $performance_year
    UNION ALL
    SELECT patient_id, 'eqrs' AS source, 2 AS place, discharge_date AS day
    FROM raw.eqrs_admission
    WHERE performance_year = $performance_year
        AND discharge_reason = 'Death'
        AND discharge_date IS NOT NULL
    UNION ALL
    SELECT patient_id, 'eqrs' AS source, 3 AS place, date_of_death AS day
    FROM raw.eqrs_patient
    WHERE performance_year = $performance_year AND date_of_death IS NOT NULL
    UNION ALL
    SELECT b.patient_id, 'claims' AS source, 1 AS place, e.bene_death_dt AS day
    FROM shared.ranked_enrollment AS e
    JOIN beneficiary AS b ON b.bene_id = e.bene_id
    WHERE e.place = 1 AND e.bene_death_dt IS NOT NULL
    UNION ALL
    SELECT patient_id, 'claims' AS source, 2 AS place, death_date AS day
    FROM shared.claimed_death AS c
    UNION ALL
    SELECT p.patient_id, 'ssa' AS source, 1 AS place, s.date_of_death AS day
    FROM raw.ssa_death AS s
    JOIN linkage.register_match AS p
        ON p.ssn = s.ssn
        AND p.date_of_birth = s.date_of_birth
        AND p.register = 'ssa'
        AND p.performance_year = $performance_year
    WHERE s.performance_year = $performance_year
),

dated_death AS (
    SELECT
        patient_id,
        arg_min(day, place * 10000000 + date_diff('day', DATE '1900-01-01', day))
            FILTER (WHERE source = 'eqrs') AS eqrs_day,
        arg_min(day, place * 10000000 + date_diff('day', DATE '1900-01-01', day))
            FILTER (WHERE source = 'claims') AS claims_day,
        min(day) FILTER (WHERE source = 'ssa') AS third_day
    FROM reported_death
    GROUP BY patient_id
),

-- 2.13.10, 3.1.2: the sources of transplants, each near the one that counts.
transplant AS (
    SELECT patient_id, transplant_date AS day, source
    FROM linkage.transplant
    WHERE performance_year = $performance_year
        AND program = 'dfc'
        AND year(transplant_date) = $performance_year
),

reported_transplant AS (
    SELECT patient_id, 'eqrs' AS source, discharge_date AS day, discharge_date AS last_day
    FROM raw.eqrs_admission
    WHERE performance_year = $performance_year
        AND discharge_reason = 'Transplant'
        AND discharge_date IS NOT NULL
    UNION ALL
    SELECT patient_id, 'eqrs' AS source, transplant_date AS day, transplant_date AS last_day
    FROM raw.cms_2728
    WHERE performance_year = $performance_year AND transplant_date IS NOT NULL
    UNION ALL
    SELECT patient_id, 'claims' AS source, admission_date AS day, last_date AS last_day
    FROM shared.transplant_claim AS c
),

-- A stay with the transplant has its day; how far a report of EQRS is from it, in days.
dated_transplant AS (
    SELECT
        t.patient_id,
        t.day,
        max(t.source) AS found_in,
        min(abs(date_diff('day', t.day, s.day))) FILTER (WHERE s.source = 'eqrs') AS eqrs_days,
        min(
            CASE
                WHEN t.day BETWEEN s.day AND s.last_day THEN 0
                ELSE abs(date_diff('day', t.day, s.day))
            END
        ) FILTER (WHERE s.source = 'claims') AS claims_days
    FROM transplant AS t
    CROSS JOIN rule AS r
    LEFT JOIN reported_transplant AS s
        ON s.patient_id = t.patient_id
        AND s.day <= t.day + r.same_days
        AND s.last_day >= t.day - r.same_days
    GROUP BY t.patient_id, t.day
),

first_service AS (
    SELECT
        patient_id,
        first_service_date AS day,
        CASE
            WHEN medical_evidence_date IS NOT NULL OR eqrs_date IS NOT NULL
                THEN least(
                    coalesce(medical_evidence_date, eqrs_date),
                    coalesce(eqrs_date, medical_evidence_date)
                )
        END AS eqrs_day,
        claims_date AS claims_day
    FROM linkage.first_service
    WHERE performance_year = $performance_year
        AND program = 'dfc'
        AND year(first_service_date) = $performance_year
),

event AS (
    SELECT
        'deaths' AS kind,
        e.patient_id,
        e.day,
        d.eqrs_day IS NOT NULL AS in_eqrs,
        d.claims_day IS NOT NULL AS in_claims,
        d.third_day IS NOT NULL AS in_third,
        d.eqrs_day = d.claims_day AS is_equal
    FROM death AS e
    LEFT JOIN dated_death AS d ON d.patient_id = e.patient_id
    UNION ALL
    SELECT
        'transplants' AS kind,
        patient_id,
        day,
        eqrs_days IS NOT NULL AS in_eqrs,
        claims_days IS NOT NULL AS in_claims,
        found_in = 'optn' AS in_third,
        eqrs_days = 0 AND claims_days = 0 AS is_equal
    FROM dated_transplant
    UNION ALL
    SELECT
        'first_services' AS kind,
        f.patient_id,
        f.day,
        f.eqrs_day IS NOT NULL AS in_eqrs,
        f.claims_day IS NOT NULL AS in_claims,
        FALSE AS in_third,
        abs(date_diff('day', f.eqrs_day, f.claims_day)) <= r.same_days AS is_equal
    FROM first_service AS f
    CROSS JOIN rule AS r
),

spell AS (
    SELECT patient_id, start_date, end_date, ccn
    FROM history.treatment
    WHERE performance_year = $performance_year AND program = 'dfc' AND ccn IS NOT NULL
),

-- The nearest spell: the last before a death or transplant, the first after a first service.
beside AS (
    SELECT
        e.kind,
        e.patient_id,
        e.day,
        s.ccn,
        row_number() OVER (
            PARTITION BY e.kind, e.patient_id, e.day
            ORDER BY
                CASE
                    WHEN e.kind = 'first_services' THEN date_diff('day', e.day, s.start_date)
                    ELSE date_diff('day', s.start_date, e.day)
                END,
                s.ccn
        ) AS place
    FROM event AS e
    CROSS JOIN rule AS r
    JOIN spell AS s
        ON s.patient_id = e.patient_id
        AND CASE
            WHEN e.kind = 'first_services'
                THEN s.start_date BETWEEN e.day AND e.day + r.treated_days
            ELSE s.start_date <= e.day AND s.end_date >= e.day - r.treated_days
        END
)

SELECT
    e.kind,
    e.patient_id,
    e.day AS event_date,
    b.ccn,
    $performance_year AS performance_year,
    e.in_eqrs,
    e.in_claims,
    coalesce(e.in_third, FALSE) AS in_third,
    coalesce(e.is_equal, FALSE) AS is_equal
FROM event AS e
LEFT JOIN beside AS b
    ON b.kind = e.kind AND b.patient_id = e.patient_id AND b.day = e.day AND b.place = 1
