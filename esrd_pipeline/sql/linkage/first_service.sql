-- One row: a patient's first ESRD service date by one program's rules. Manual 3.1.2; revenue
-- centers of dialysis by 3.1.1, Table 15. A patient with no date has no row. The measures check
-- whether a claim is before the date.
-- Readings. DFC's CMS-2728 date is the earliest of any form: dialysis began, else the signature;
-- QIP's is that of the earliest completed form, by its signature. EQRS's own field "regular chronic
-- dialysis began" is not available: the first treatment record replaces it. An admission discharged
-- as Acute counts in neither program, nor one whose reason is Acute (reading 122); QIP admissions
-- exclude those to facilities of another type than dialysis in EQRS. Claims for acute kidney injury
-- (condition code 84) are not chronic dialysis. The 60 days begin with the claim's first day; a
-- line without a day has that day. The rules that move the date compare the first form, EQRS event,
-- transplant and claim; "earlier than any other" allows another on the same day, as for most first
-- claims; a year is 365 days.
WITH
rule AS (
    SELECT
        60 AS window_days,
        CAST(0.2 AS DECIMAL(3, 1)) AS codes_per_day,
        -- Form and EQRS event 30 days apart at most, more than 90 after the claim.
        30 AS agreement_days,
        90 AS gap_days,
        -- "New patient" more than a year after the form.
        365 AS new_patient_days,
        make_date($performance_year - 1, 1, 1) AS first_claim_day
),

program AS (
    SELECT 'dfc' AS program
    UNION ALL
    SELECT 'qip' AS program
),

-- QIP: the earliest of four other dates replaces a missing date of regular chronic dialysis.
form AS (
    SELECT
        patient_id,
        form_number,
        dialysis_began_date,
        signature_date,
        least(
            coalesce(signature_date, DATE '9999-12-31'),
            coalesce(dialysis_returned_date, DATE '9999-12-31'),
            coalesce(training_began_date, DATE '9999-12-31'),
            coalesce(transplant_date, DATE '9999-12-31')
        ) AS substitute_date
    FROM raw.cms_2728
    WHERE performance_year = $performance_year
),

form_by_completion AS (
    SELECT
        patient_id,
        CASE
            WHEN dialysis_began_date IS NOT NULL THEN dialysis_began_date
            WHEN substitute_date < DATE '9999-12-31' THEN substitute_date
        END AS form_date,
        row_number() OVER (
            PARTITION BY patient_id
            ORDER BY
                coalesce(signature_date, dialysis_began_date, substitute_date),
                form_number
        ) AS place
    FROM form
),

form_without_a_date AS (
    SELECT patient_id FROM form_by_completion WHERE place = 1 AND form_date IS NULL
),

medical_evidence AS (
    SELECT
        'dfc' AS program,
        patient_id,
        min(coalesce(dialysis_began_date, signature_date)) AS medical_evidence_date
    FROM form
    GROUP BY patient_id
    UNION ALL
    SELECT 'qip' AS program, patient_id, form_date AS medical_evidence_date
    FROM form_by_completion
    WHERE place = 1 AND form_date IS NOT NULL
    UNION ALL
    SELECT 'qip' AS program, t.patient_id, min(t.start_date) AS medical_evidence_date
    FROM raw.eqrs_treatment AS t
    JOIN form_without_a_date AS f ON f.patient_id = t.patient_id
    WHERE t.performance_year = $performance_year
    GROUP BY t.patient_id
),

chronic_admission AS (
    SELECT
        a.patient_id,
        a.admit_date,
        a.admit_reason,
        coalesce(upper(trim(f.factype)) = 'DIALYSIS', TRUE) AS is_at_dialysis_facility
    FROM raw.eqrs_admission AS a
    LEFT JOIN raw.eqrs_facility AS f
        ON f.facilityid = a.facilityid AND f.performance_year = $performance_year
    WHERE a.performance_year = $performance_year
        AND coalesce(a.discharge_reason, 'none') <> 'Acute'
        AND coalesce(a.admit_reason, 'none') <> 'Acute'
),

first_eqrs_event AS (
    SELECT
        p.program,
        a.patient_id,
        min(a.admit_date) AS eqrs_date,
        min(CASE WHEN a.admit_reason = 'New ESRD Patient' THEN a.admit_date END)
            AS new_patient_date
    FROM chronic_admission AS a
    CROSS JOIN program AS p
    WHERE p.program = 'dfc' OR a.is_at_dialysis_facility
    GROUP BY p.program, a.patient_id
),

date_of_a_register AS (
    SELECT
        program,
        patient_id,
        medical_evidence_date,
        CAST(NULL AS DATE) AS eqrs_date,
        CAST(NULL AS DATE) AS new_patient_date,
        CAST(NULL AS DATE) AS transplant_date
    FROM medical_evidence
    WHERE medical_evidence_date IS NOT NULL
    UNION ALL
    SELECT
        program,
        patient_id,
        CAST(NULL AS DATE) AS medical_evidence_date,
        eqrs_date,
        new_patient_date,
        CAST(NULL AS DATE) AS transplant_date
    FROM first_eqrs_event
    UNION ALL
    SELECT
        program,
        patient_id,
        CAST(NULL AS DATE) AS medical_evidence_date,
        CAST(NULL AS DATE) AS eqrs_date,
        CAST(NULL AS DATE) AS new_patient_date,
        transplant_date
    FROM linkage.transplant
    WHERE performance_year = $performance_year
),

known_from_registers AS (
    SELECT
        program,
        patient_id,
        min(medical_evidence_date) AS medical_evidence_date,
        min(eqrs_date) AS eqrs_date,
        min(new_patient_date) AS new_patient_date,
        min(transplant_date) AS transplant_date
    FROM date_of_a_register
    GROUP BY program, patient_id
),

-- The available claims cannot change the date of these patients in either program: the rules use a
-- claim only before the first EQRS event, or without one before the form and the transplant.
settled_patient AS (
    SELECT k.patient_id
    FROM known_from_registers AS k
    CROSS JOIN rule AS r
    WHERE coalesce(
            k.eqrs_date,
            least(
                coalesce(k.medical_evidence_date, k.transplant_date),
                coalesce(k.transplant_date, k.medical_evidence_date)
            )
        ) < r.first_claim_day
    GROUP BY k.patient_id
    HAVING count(*) = 2
),

claim AS (
    SELECT
        k.patient_id,
        c.clm_id,
        c.performance_year,
        c.clm_from_dt,
        k.claim_type IN ('40', '60') AS is_inpatient_or_outpatient,
        coalesce(c.clm_fac_type_cd = '7' AND c.clm_srvc_clsfctn_type_cd = '2', FALSE)
            AS is_of_dialysis_facility
    FROM linkage.claim AS k
    JOIN raw.claim AS c ON c.clm_id = k.clm_id AND c.performance_year = k.claim_year
    LEFT JOIN settled_patient AS s ON s.patient_id = k.patient_id
    LEFT JOIN shared.acute_claim AS a
        ON a.clm_id = c.clm_id AND a.performance_year = c.performance_year
    WHERE k.performance_year = $performance_year
        AND k.source = 'institutional'
        AND c.performance_year BETWEEN $performance_year - 1 AND $performance_year
        AND s.patient_id IS NULL
        AND a.clm_id IS NULL
),

dialysis_line AS (
    SELECT
        c.patient_id,
        c.clm_id,
        c.performance_year,
        coalesce(r.rev_cntr_dt, c.clm_from_dt) AS line_date,
        d.is_composite
    FROM raw.claim_revenue AS r
    JOIN parameter.dialysis_revenue_center AS d ON d.rev_cntr = r.rev_cntr
    JOIN claim AS c ON c.clm_id = r.clm_id AND c.performance_year = r.performance_year
    WHERE r.performance_year BETWEEN $performance_year - 1 AND $performance_year
),

claim_with_composite_code AS (
    SELECT DISTINCT clm_id, performance_year FROM dialysis_line WHERE is_composite = 'true'
),

claim_start AS (
    SELECT DISTINCT c.patient_id, c.clm_from_dt AS day
    FROM claim AS c
    LEFT JOIN claim_with_composite_code AS d
        ON d.clm_id = c.clm_id AND d.performance_year = c.performance_year
    WHERE c.is_inpatient_or_outpatient
        AND (c.is_of_dialysis_facility OR d.clm_id IS NOT NULL)
),

-- The codes of the rule's days, which include the claim's first day.
next_days AS (
    SELECT s.patient_id, s.day, count(*) AS code_count
    FROM claim_start AS s
    CROSS JOIN rule AS r
    JOIN dialysis_line AS l
        ON l.patient_id = s.patient_id
        AND l.line_date >= s.day
        AND l.line_date < s.day + r.window_days
    WHERE s.day <= make_date($performance_year, 12, 31)
    GROUP BY s.patient_id, s.day
),

-- Dates from claims that are no longer available. A beneficiary who has since been matched to an
-- EQRS patient keeps the date.
evidence_in_claims AS (
    SELECT n.patient_id, n.day AS claims_date
    FROM next_days AS n
    CROSS JOIN rule AS r
    WHERE n.code_count > r.codes_per_day * r.window_days
    UNION ALL
    SELECT coalesce(m.patient_id, f.patient_id) AS patient_id, f.claims_date
    FROM linkage.first_service AS f
    LEFT JOIN linkage.earlier_patient AS m
        ON m.earlier_patient_id = f.patient_id AND m.performance_year = $performance_year
    WHERE f.performance_year = $performance_year - 1 AND f.claims_date IS NOT NULL
),

first_claim AS (
    SELECT p.program, e.patient_id, min(e.claims_date) AS claims_date
    FROM evidence_in_claims AS e
    CROSS JOIN program AS p
    GROUP BY p.program, e.patient_id
),

every_date AS (
    SELECT
        coalesce(k.program, c.program) AS program,
        coalesce(k.patient_id, c.patient_id) AS patient_id,
        k.medical_evidence_date,
        k.eqrs_date,
        k.new_patient_date,
        c.claims_date,
        k.transplant_date,
        least(
            coalesce(k.medical_evidence_date, DATE '9999-12-31'),
            coalesce(k.eqrs_date, DATE '9999-12-31'),
            coalesce(c.claims_date, DATE '9999-12-31'),
            coalesce(k.transplant_date, DATE '9999-12-31')
        ) AS earliest_date
    FROM known_from_registers AS k
    FULL JOIN first_claim AS c ON c.program = k.program AND c.patient_id = k.patient_id
),

-- On one date medical evidence precedes EQRS, EQRS claims, and claims a transplant.
earliest_source AS (
    SELECT
        *,
        CASE
            WHEN medical_evidence_date = earliest_date THEN 'medical evidence'
            WHEN eqrs_date = earliest_date THEN 'eqrs'
            WHEN claims_date = earliest_date THEN 'claims'
            ELSE 'transplant'
        END AS earliest_is_of
    FROM every_date
),

moved AS (
    SELECT
        e.*,
        CASE
            WHEN e.earliest_is_of = 'claims'
                AND e.medical_evidence_date > e.claims_date + r.gap_days
                AND e.eqrs_date > e.claims_date + r.gap_days
                AND e.medical_evidence_date BETWEEN e.eqrs_date - r.agreement_days
                    AND e.eqrs_date + r.agreement_days
                AND (
                    e.transplant_date IS NULL
                    OR e.transplant_date > least(e.medical_evidence_date, e.eqrs_date)
                )
                THEN 'form and EQRS agree long after the claim'
            WHEN e.earliest_is_of = 'medical evidence'
                AND e.new_patient_date > e.medical_evidence_date + r.new_patient_days
                AND e.new_patient_date <= e.eqrs_date
                AND (e.claims_date IS NULL OR e.new_patient_date <= e.claims_date)
                AND (e.transplant_date IS NULL OR e.new_patient_date <= e.transplant_date)
                THEN 'new patient in EQRS long after the form'
        END AS moved_by
    FROM earliest_source AS e
    CROSS JOIN rule AS r
),

-- A beneficiary not in EQRS is a patient with dialysis claims of the year or of the one before.
patient AS (
    SELECT patient_id FROM linkage.patient WHERE performance_year = $performance_year
)

SELECT
    m.program,
    m.patient_id,
    $performance_year AS performance_year,
    CASE
        WHEN m.moved_by = 'form and EQRS agree long after the claim'
            THEN least(m.medical_evidence_date, m.eqrs_date)
        WHEN m.moved_by = 'new patient in EQRS long after the form' THEN m.new_patient_date
        ELSE m.earliest_date
    END AS first_service_date,
    CASE
        WHEN m.moved_by = 'form and EQRS agree long after the claim'
            AND m.medical_evidence_date <= m.eqrs_date
            THEN 'medical evidence'
        WHEN m.moved_by IS NOT NULL THEN 'eqrs'
        ELSE m.earliest_is_of
    END AS source,
    m.medical_evidence_date,
    m.eqrs_date,
    m.claims_date,
    m.transplant_date,
    m.moved_by
FROM moved AS m
LEFT JOIN patient AS p ON p.patient_id = m.patient_id
WHERE m.patient_id > 0 OR p.patient_id IS NOT NULL
