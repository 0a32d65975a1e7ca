-- One row: a discharge of the year of one patient with ESRD, by one program's SRR rules: an index
-- discharge with its outcome and adjusters, or why not. Manual 2.10.8 to 2.10.11 (DFC), 2.11.7 to
-- 2.11.13 (QIP), Figures 11 and 12; reading 17.
-- Readings: the first rule that applies is the reason; of the stays joined by transfers only the
-- last is an index discharge. "After a patient's 12th admission in the calendar year" is a stay
-- that began in the year as the thirteenth or later; one that began the year before is no admission
-- of this (reading 146). A discharge whose 30 days the year's files do not cover
-- (history.claim_run_out) is not yet an index discharge. Days count from the day after discharge; a
-- stay elsewhere that begins on the day of discharge has day 0. Of events on one day a transplant
-- comes first, then an unplanned, a planned readmission, another hospital, death, withdrawal,
-- recovery or loss (a spell of history.treatment). After the year's end, where that history stops,
-- deaths and transplants are those the registers tell, withdrawal and recovery those by which EQRS
-- ends an admission; a loss cannot be known yet (reading 148). Stays in swing beds, and after the
-- third day stays that Medicare does not cover, are not hospitalisations here. The QIP ignores a
-- later stay that ends after the patient's death (2.11.11). Length of stay: first is up to the 25th
-- percentile of the index discharges' days, fourth beyond the 75th. Years of ESRD are linear; age
-- splines (DFC) have their knots at 14 and 60.
WITH
discharge AS (
    SELECT *
    FROM history.inpatient_discharge
    WHERE performance_year = $performance_year
),

patient AS (
    SELECT *
    FROM history.discharged_patient
    WHERE performance_year = $performance_year
        AND discharge_date BETWEEN make_date($performance_year, 1, 1)
            AND make_date($performance_year, 12, 31)
),

excepted AS (
    SELECT DISTINCT p.program, p.patient_id, p.stay
    FROM patient AS p
    JOIN history.exception_month AS e
        ON e.ccn = p.ccn
        AND e.performance_year = $performance_year
        AND e.month = make_date(year(p.discharge_date), month(p.discharge_date), 1)
    WHERE p.program = 'qip'
),

admission AS (
    SELECT
        patient_id,
        admit_date,
        coalesce(discharge_date, DATE '9999-12-31') AS discharge_date,
        CASE
            WHEN admit_reason NOT IN ('Transient', 'Dialysis in Support of Transplant', 'Acute')
                THEN discharge_reason
        END AS discharge_reason
    FROM raw.eqrs_admission
    WHERE performance_year = $performance_year AND coalesce(discharge_reason, 'none') <> 'Acute'
),

-- What the year's files know of the weeks after its end; the day of discharge is the last day
-- there, and an admission that began later goes on, as in history.dialysis_evidence.
left_after_year AS (
    SELECT DISTINCT a.patient_id, a.discharge_date + 1 AS start_date
    FROM admission AS a
    WHERE a.discharge_reason IN ('Discontinue', 'Recover Function')
        AND a.discharge_date BETWEEN make_date($performance_year, 12, 31)
            AND make_date($performance_year + 1, 1, 30)
        AND NOT EXISTS (
            SELECT 1
            FROM admission AS o
            WHERE o.patient_id = a.patient_id
                AND o.admit_date > a.admit_date
                AND o.admit_date <= a.discharge_date + 1
                AND o.discharge_date > a.discharge_date
        )
),

left_dialysis AS (
    SELECT program, patient_id, start_date
    FROM history.treatment
    WHERE performance_year = $performance_year AND state IN ('recovered', 'withdrawn', 'lost')
    UNION ALL
    SELECT 'dfc' AS program, patient_id, start_date
    FROM left_after_year
),

candidate AS (
    SELECT
        p.*,
        d.admit_date,
        d.episode_admit_date,
        d.episode,
        d.hospital_ccn,
        d.kind,
        d.is_cancer_hospital,
        d.is_covered,
        d.is_transferred,
        d.discharge_status,
        d.principal_category,
        d.is_rehabilitation,
        d.is_covid,
        d.order_in_year,
        datediff('day', d.episode_admit_date, d.discharge_date) AS length_of_stay
    FROM patient AS p
    JOIN discharge AS d ON d.patient_id = p.patient_id AND d.stay = p.stay
),

-- Events in the 30 days after.
event AS (
    SELECT
        c.program,
        c.patient_id,
        c.stay,
        a.admit_date AS event_date,
        CASE
            WHEN a.kind NOT IN ('acute', 'critical access') THEN 4
            WHEN a.is_planned THEN 3
            ELSE 2
        END AS rank
    FROM candidate AS c
    JOIN discharge AS a
        ON a.patient_id = c.patient_id
        AND a.admit_date BETWEEN c.discharge_date AND c.discharge_date + 30
        AND a.stay <> c.stay
    -- Within three days any hospitalisation excludes (2.10.8), covered or not.
    WHERE (
            (a.is_covered AND a.is_admission)
            OR (c.program = 'dfc' AND a.admit_date <= c.discharge_date + 3)
        )
        AND coalesce(a.episode, 0) <> coalesce(c.episode, -1)
        AND (
            (c.program = 'dfc' AND a.kind <> 'other')
            OR (
                c.program = 'qip'
                AND a.kind IN ('acute', 'critical access')
                AND coalesce(c.death_date >= a.discharge_date, TRUE)
            )
        )
    UNION ALL
    SELECT c.program, c.patient_id, c.stay, t.transplant_date, 1
    FROM candidate AS c
    JOIN linkage.transplant AS t
        ON t.program = c.program
        AND t.patient_id = c.patient_id
        AND t.performance_year = $performance_year
        AND t.transplant_date BETWEEN c.discharge_date + 1 AND c.discharge_date + 30
    WHERE c.program = 'dfc'
    UNION ALL
    SELECT program, patient_id, stay, death_date, 5
    FROM candidate
    WHERE program = 'dfc' AND death_date BETWEEN discharge_date + 1 AND discharge_date + 30
    UNION ALL
    SELECT c.program, c.patient_id, c.stay, s.start_date, 6
    FROM candidate AS c
    JOIN left_dialysis AS s
        ON s.program = c.program
        AND s.patient_id = c.patient_id
        AND s.start_date BETWEEN c.discharge_date + 1 AND c.discharge_date + 30
    WHERE c.program = 'dfc'
),

first_event AS (
    SELECT
        program,
        patient_id,
        stay,
        event_date,
        CASE rank
            WHEN 1 THEN 'transplant'
            WHEN 2 THEN 'unplanned readmission'
            WHEN 3 THEN 'planned readmission'
            WHEN 4 THEN 'other hospital'
            WHEN 5 THEN 'death'
            ELSE 'off dialysis'
        END AS event
    FROM (
        SELECT
            *,
            row_number() OVER (
                PARTITION BY program, patient_id, stay ORDER BY event_date, rank
            ) AS place
        FROM event
    ) AS ranked
    WHERE place = 1
),

run_out AS (
    SELECT last_date FROM history.claim_run_out WHERE performance_year = $performance_year
),

judged AS (
    SELECT
        c.*,
        f.event AS first_event,
        datediff('day', c.discharge_date, f.event_date) AS first_event_day,
        CASE
            WHEN c.kind NOT IN ('acute', 'critical access') THEN 'not_acute_care_hospital'
            WHEN c.is_cancer_hospital THEN 'cancer_hospital'
            WHEN NOT c.is_covered THEN 'not_covered_by_medicare'
            WHEN c.is_transferred THEN 'transferred_to_acute_care_hospital'
            WHEN c.discharge_status IN ('20', '40', '41', '42')
                OR coalesce(c.death_date <= c.discharge_date, FALSE)
                THEN 'died_in_hospital'
            WHEN c.discharge_status = '30' THEN 'still_in_hospital'
            WHEN c.discharge_status = '07' THEN 'left_against_medical_advice'
            WHEN x.category IS NOT NULL THEN 'excluded_principal_diagnosis'
            WHEN c.program = 'dfc' AND c.is_rehabilitation THEN 'rehabilitation_revenue_center'
            WHEN c.program = 'dfc' AND c.length_of_stay >= 365 THEN 'stay_of_365_days_or_longer'
            WHEN c.order_in_year > 12
                AND c.episode_admit_date >= make_date($performance_year, 1, 1)
                THEN 'after_twelfth_admission_of_year'
            WHEN c.program = 'qip' AND c.is_grafted THEN 'transplant'
            WHEN coalesce(c.state <> 'dialysis', TRUE) THEN 'not_on_dialysis_at_discharge'
            WHEN c.ccn IS NULL THEN 'facility_unknown'
            WHEN e.patient_id IS NOT NULL THEN 'extraordinary_circumstances_exception'
            WHEN c.age IS NULL THEN 'date_of_birth_unknown'
            WHEN c.program = 'dfc' AND datediff('day', c.discharge_date, f.event_date) <= 3
                THEN CASE f.event
                    WHEN 'transplant' THEN 'transplant_within_3_days'
                    WHEN 'death' THEN 'died_within_3_days'
                    WHEN 'off dialysis' THEN 'off_dialysis_within_3_days'
                    ELSE 'hospitalized_within_3_days'
                END
            WHEN f.event = 'unplanned readmission'
                AND datediff('day', c.discharge_date, f.event_date) <= 3
                THEN 'unplanned_readmission_within_3_days'
            WHEN c.program = 'qip'
                AND f.event IS NULL
                AND c.death_date <= c.discharge_date + 30
                THEN 'died_within_30_days_without_readmission'
            WHEN c.discharge_date + 30 > r.last_date
                THEN 'follow_up_incomplete'
        END AS reason
    FROM candidate AS c
    CROSS JOIN run_out AS r
    LEFT JOIN first_event AS f
        ON f.program = c.program AND f.patient_id = c.patient_id AND f.stay = c.stay
    LEFT JOIN excepted AS e
        ON e.program = c.program AND e.patient_id = c.patient_id AND e.stay = c.stay
    LEFT JOIN parameter.index_diagnosis_exclusion AS x
        ON CAST(x.category AS INTEGER) = c.principal_category
),

described AS (
    SELECT
        j.*,
        coalesce(j.age, 60) AS known_age,
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
        WHEN reason IS NULL AND coalesce(first_event = 'unplanned readmission', FALSE) THEN 1
        ELSE 0
    END AS is_event,
    first_event,
    first_event_day,
    length_of_stay,
    length_quarter,
    known_age AS age,
    greatest(esrd_day - 1, 0) / 365.25 AS years_of_esrd,
    coalesce(imputed_bmi, 30) AS bmi,
    shared.bmi_class(bmi) AS bmi_class,
    is_female,
    is_diabetes_cause,
    home_days AS nursing_home_days,
    is_ma,
    is_covid,
    is_high_risk
FROM described
