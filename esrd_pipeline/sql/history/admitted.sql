-- One row: a segment of days of the year on which one patient is admitted at one facility of a
-- program in EQRS. Manual 2.8.11, 3.1.5: from admission to discharge, or to death where that comes
-- first or no discharge is known. Readings: admissions discharged as Acute do not count; one whose
-- reason is Acute counts from the first ESRD service on, if there is one (reading 122); an
-- admission continues under the facility's next CCN. Reading 88: an admission that nobody closed
-- does not go on while the treatment history has the patient transplanted, recovered or withdrawn;
-- it goes on when dialysis does. The day of the transplant is the last one, as a discharge's is.
WITH
rule AS (
    SELECT
        make_date($performance_year, 1, 1) AS first_day,
        make_date($performance_year, 12, 31) AS last_day
),

admission AS (
    SELECT
        s.program,
        a.patient_id,
        s.ccn,
        greatest(
            a.admit_date,
            s.start_date,
            r.first_day,
            CASE WHEN a.admit_reason = 'Acute' THEN f.first_service_date ELSE a.admit_date END
        ) AS start_date,
        least(
            coalesce(a.discharge_date, r.last_day),
            coalesce(d.death_date, r.last_day),
            s.end_date,
            r.last_day
        ) AS end_date
    FROM raw.eqrs_admission AS a
    CROSS JOIN rule AS r
    JOIN shared.facility_number AS s ON s.facilityid = a.facilityid
    LEFT JOIN linkage.death AS d
        ON d.program = s.program
        AND d.patient_id = a.patient_id
        AND d.performance_year = $performance_year
    LEFT JOIN linkage.first_service AS f
        ON f.program = s.program
        AND f.patient_id = a.patient_id
        AND f.performance_year = $performance_year
    WHERE a.performance_year = $performance_year
        AND coalesce(a.discharge_reason, 'none') <> 'Acute'
        AND (coalesce(a.admit_reason, 'none') <> 'Acute' OR f.patient_id IS NOT NULL)
        AND a.admit_date <= r.last_day
        AND coalesce(a.discharge_date, r.last_day) >= r.first_day
),

off AS (
    SELECT
        program,
        patient_id,
        CASE WHEN state = 'transplant' THEN start_date + 1 ELSE start_date END AS start_date,
        end_date
    FROM history.treatment
    WHERE performance_year = $performance_year
        AND state IN ('transplant', 'recovered', 'withdrawn')
),

last_off AS (
    SELECT program, patient_id, max(end_date) AS end_date
    FROM off
    GROUP BY program, patient_id
),

-- The days between them, of patients who have any.
between_off AS (
    SELECT
        program,
        patient_id,
        coalesce(
            lag(end_date) OVER (PARTITION BY program, patient_id ORDER BY start_date) + 1,
            DATE '1900-01-01'
        ) AS start_date,
        start_date - 1 AS end_date
    FROM off
    UNION ALL
    SELECT program, patient_id, end_date + 1 AS start_date, DATE '9999-12-31' AS end_date
    FROM last_off
),

dialysed AS (
    SELECT
        a.program,
        a.patient_id,
        a.ccn,
        greatest(a.start_date, coalesce(b.start_date, a.start_date)) AS start_date,
        least(a.end_date, coalesce(b.end_date, a.end_date)) AS end_date
    FROM admission AS a
    LEFT JOIN last_off AS o ON o.program = a.program AND o.patient_id = a.patient_id
    LEFT JOIN between_off AS b
        ON b.program = a.program
        AND b.patient_id = a.patient_id
        AND b.start_date <= a.end_date
        AND b.end_date >= a.start_date
    WHERE o.patient_id IS NULL OR b.patient_id IS NOT NULL
),

reached AS (
    SELECT
        *,
        max(end_date) OVER (
            PARTITION BY program, patient_id, ccn
            ORDER BY start_date, end_date
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS end_before
    FROM dialysed
    WHERE start_date <= end_date
),

island AS (
    SELECT
        *,
        sum(CASE WHEN end_before >= start_date - 1 THEN 0 ELSE 1 END) OVER (
            PARTITION BY program, patient_id, ccn
            ORDER BY start_date, end_date
            ROWS UNBOUNDED PRECEDING
        ) AS number
    FROM reached
)

SELECT
    program,
    patient_id,
    ccn,
    min(start_date) AS start_date,
    max(end_date) AS end_date,
    $performance_year AS performance_year
FROM island
GROUP BY program, patient_id, ccn, number
