-- One row: a kidney transplant, by one program's sources.
-- Manual 2.13.10: OPTN (Dialysis Facility Measures only) and others; 3.1.2: "constructed from
-- multiple sources"; Table 3, footnote 1: EQRS, CMS-2728, Medicare claims, OPTN.
-- Readings. Every transplant of OPTN counts. A report of EQRS, CMS-2728 or a claim within 30 days
-- of it is the same transplant; without OPTN so are reports each within 30 days of the one before,
-- with the date of EQRS before CMS-2728 before claims. An inpatient claim counts whether or not
-- Medicare paid it. A transplant known from claims alone is kept when its claim is no longer
-- available.
WITH
rule AS (
    SELECT 30 AS same_transplant_days
),

program AS (
    SELECT 'dfc' AS program
    UNION ALL
    SELECT 'qip' AS program
),

-- With one typing error at most (reading 149).
optn_person AS (
    SELECT ssn, date_of_birth, patient_id
    FROM linkage.register_match
    WHERE performance_year = $performance_year AND register = 'optn'
),

-- Two OPTN persons may be one patient.
optn_transplant AS (
    SELECT
        'dfc' AS program,
        p.patient_id,
        t.rec_tx_dt AS transplant_date,
        min(CASE WHEN t.tfl_graft_dt >= t.rec_tx_dt THEN t.tfl_graft_dt END) AS graft_failed_date,
        min(CASE t.don_ty WHEN 'L' THEN 'living' WHEN 'C' THEN 'deceased' END) AS donor,
        'optn' AS source
    FROM raw.optn_transplant AS t
    JOIN optn_person AS p ON p.ssn = t.pers_ssn AND p.date_of_birth = t.pers_birth_dt
    WHERE t.performance_year = $performance_year
    GROUP BY p.patient_id, t.rec_tx_dt
),

-- A procedure without a day, or with one outside its stay, is dated by the admission.
claimed_transplant AS (
    SELECT
        c.patient_id,
        CASE
            WHEN c.procedure_date BETWEEN c.admission_date AND c.last_date THEN c.procedure_date
            ELSE c.admission_date
        END AS transplant_date
    FROM shared.transplant_claim AS c
    WHERE c.admission_date <= make_date($performance_year, 12, 31)
),

-- A beneficiary who has since been matched to an EQRS patient keeps the date.
remembered_transplant AS (
    SELECT
        t.program,
        coalesce(m.patient_id, t.patient_id) AS patient_id,
        t.transplant_date
    FROM linkage.transplant AS t
    LEFT JOIN linkage.earlier_patient AS m
        ON m.earlier_patient_id = t.patient_id AND m.performance_year = $performance_year
    WHERE t.performance_year = $performance_year - 1 AND t.source = 'claim'
),

reported_to_both AS (
    SELECT patient_id, discharge_date AS transplant_date, 1 AS place, 'eqrs' AS source
    FROM raw.eqrs_admission
    WHERE performance_year = $performance_year
        AND discharge_reason = 'Transplant'
        AND discharge_date IS NOT NULL
    UNION ALL
    SELECT patient_id, transplant_date, 2 AS place, 'cms_2728' AS source
    FROM raw.cms_2728
    WHERE performance_year = $performance_year AND transplant_date IS NOT NULL
    UNION ALL
    SELECT patient_id, transplant_date, 3 AS place, 'claim' AS source
    FROM claimed_transplant
),

other_report AS (
    SELECT p.program, r.patient_id, r.transplant_date, r.place, r.source
    FROM reported_to_both AS r
    CROSS JOIN program AS p
    UNION
    SELECT program, patient_id, transplant_date, 3 AS place, 'claim' AS source
    FROM remembered_transplant
),

not_in_optn AS (
    SELECT r.program, r.patient_id, r.transplant_date, r.place, r.source
    FROM other_report AS r
    CROSS JOIN rule
    LEFT JOIN optn_transplant AS o
        ON o.program = r.program
        AND o.patient_id = r.patient_id
        AND o.transplant_date BETWEEN r.transplant_date - rule.same_transplant_days
            AND r.transplant_date + rule.same_transplant_days
    WHERE o.patient_id IS NULL
),

beside_report_before AS (
    SELECT
        *,
        lag(transplant_date) OVER (
            PARTITION BY program, patient_id ORDER BY transplant_date, place
        ) AS report_before
    FROM not_in_optn
),

same_transplant AS (
    SELECT
        b.program,
        b.patient_id,
        b.transplant_date,
        b.place,
        b.source,
        sum(
            CASE
                WHEN b.transplant_date <= b.report_before + rule.same_transplant_days THEN 0
                ELSE 1
            END
        ) OVER (
            PARTITION BY b.program, b.patient_id
            ORDER BY b.transplant_date, b.place
            ROWS UNBOUNDED PRECEDING
        ) AS transplant_number
    FROM beside_report_before AS b
    CROSS JOIN rule
),

ranked_report AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY program, patient_id, transplant_number ORDER BY place, transplant_date
        ) AS report_rank
    FROM same_transplant
),

transplant AS (
    SELECT program, patient_id, transplant_date, graft_failed_date, donor, source
    FROM optn_transplant
    UNION ALL
    SELECT
        program,
        patient_id,
        transplant_date,
        CAST(NULL AS DATE) AS graft_failed_date,
        CAST(NULL AS VARCHAR) AS donor,
        source
    FROM ranked_report
    WHERE report_rank = 1
),

before_next_transplant AS (
    SELECT
        *,
        coalesce(
            lead(transplant_date) OVER (
                PARTITION BY program, patient_id ORDER BY transplant_date
            ),
            DATE '9999-12-31'
        ) AS next_date
    FROM transplant
),

return_to_dialysis AS (
    SELECT patient_id, admit_date AS return_date
    FROM raw.eqrs_admission
    WHERE performance_year = $performance_year
        AND admit_reason = 'Dialysis After Transplant Failed'
    UNION ALL
    SELECT patient_id, dialysis_returned_date AS return_date
    FROM raw.cms_2728
    WHERE performance_year = $performance_year AND dialysis_returned_date IS NOT NULL
),

-- A return to dialysis is a failure of the last transplant before it.
returned AS (
    SELECT t.program, t.patient_id, t.transplant_date, min(r.return_date) AS return_date
    FROM before_next_transplant AS t
    JOIN return_to_dialysis AS r
        ON r.patient_id = t.patient_id
        AND r.return_date > t.transplant_date
        AND r.return_date <= t.next_date
    GROUP BY t.program, t.patient_id, t.transplant_date
)

SELECT
    t.program,
    t.patient_id,
    $performance_year AS performance_year,
    t.transplant_date,
    least(
        coalesce(t.graft_failed_date, r.return_date), coalesce(r.return_date, t.graft_failed_date)
    ) AS failure_date,
    t.donor,
    t.source
FROM transplant AS t
LEFT JOIN returned AS r
    ON r.program = t.program
    AND r.patient_id = t.patient_id
    AND r.transplant_date = t.transplant_date
