-- One row: a month in which one patient on hemodialysis was at one facility of a program all month
-- with a catheter, and for how many consecutive months, at most three. Manual 2.1.10 to 2.1.12; 3.4
-- (QIP only).
-- Readings: a month without a report of an access counts as a catheter; a month of an exception
-- does not; in all three months the patient is on hemodialysis at the facility; November and
-- December before come from the tables of the year before, less what an exception granted since
-- covers.
WITH
exception AS (
    SELECT ccn, month FROM history.exception_month WHERE performance_year = $performance_year
),

cared AS (
    SELECT
        c.program,
        c.patient_id,
        c.month,
        c.ccn,
        r.access_type,
        -- 3.1.1: EQRS is the only source of the QIP's EQRS-based measures.
        CASE
            WHEN c.program = 'qip' THEN c.modality
            ELSE coalesce(k.modality, c.modality)
        END AS modality
    FROM history.care_month AS c
    JOIN history.reported_month AS r
        ON r.program = c.program
        AND r.patient_id = c.patient_id
        AND r.month = c.month
        AND r.ccn = c.ccn
        AND r.performance_year = $performance_year
    LEFT JOIN history.month_modality AS k
        ON k.program = c.program
        AND k.patient_id = c.patient_id
        AND k.month = c.month
        AND k.ccn = c.ccn
        AND k.performance_year = $performance_year
    LEFT JOIN exception AS e
        ON c.program = 'qip'
        AND e.ccn = c.ccn
        AND e.month = c.month
    WHERE c.performance_year = $performance_year AND c.is_whole AND e.ccn IS NULL
),

catheter AS (
    SELECT
        program,
        patient_id,
        month,
        ccn,
        date_diff('month', DATE '2000-01-01', month) AS month_number
    FROM cared
    WHERE modality IN (
            'in-center hemodialysis',
            'home hemodialysis',
            'in-center and home hemodialysis'
        )
        AND coalesce(
            access_type NOT IN (
                'AV Fistula Only',
                'AVFONLY',
                'AV Fistula Only (with 2 Needles)',
                'AV Fistula single needle device',
                'AVFSINGLE',
                'AV Graft Only',
                'AVGONLY'
            ),
            true
        )
    UNION ALL
    SELECT DISTINCT
        c.program,
        coalesce(m.patient_id, c.patient_id) AS patient_id,
        c.month,
        coalesce(n.ccn, c.ccn) AS ccn,
        date_diff('month', DATE '2000-01-01', c.month) AS month_number
    FROM history.catheter_month AS c
    LEFT JOIN linkage.earlier_patient AS m
        ON m.earlier_patient_id = c.patient_id AND m.performance_year = $performance_year
    LEFT JOIN linkage.provider_number AS n
        ON n.program = c.program
        AND n.provider_number = c.ccn
        AND n.performance_year = $performance_year
    LEFT JOIN exception AS e
        ON c.program = 'qip'
        AND e.ccn = coalesce(n.ccn, c.ccn)
        AND e.month = c.month
    WHERE c.performance_year = $performance_year - 1
        AND c.month >= make_date($performance_year - 1, 11, 1)
        AND e.ccn IS NULL
),

preceded AS (
    SELECT
        *,
        coalesce(lag(month_number) OVER stay, 0) AS one_before,
        coalesce(lag(month_number, 2) OVER stay, 0) AS two_before
    FROM catheter
    WINDOW stay AS (PARTITION BY program, patient_id, ccn ORDER BY month_number)
)

SELECT
    program,
    patient_id,
    month,
    ccn,
    $performance_year AS performance_year,
    CASE
        WHEN one_before <> month_number - 1 THEN 1
        WHEN two_before <> month_number - 2 THEN 2
        ELSE 3
    END AS months
FROM preceded
WHERE month >= make_date($performance_year, 1, 1)
