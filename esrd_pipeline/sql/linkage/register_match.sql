-- One row: a Social Security number and birth date in OPTN's or Social Security's register, and an
-- EQRS patient whose they are. Manual 2.2.15, Table 2, footnote 1 and its like ("to ensure that
-- minor typos and misspellings do not cause a patient record to fall out of their history"), which
-- name OPTN (Table 14 also the Death Master File) among the sources; 3.2.1 is about claims.
-- Reading 149: both agree; or, where neither the person nor the patient has such a match in the
-- register and nobody else comes into question, one typing error. Either the number agrees and the
-- birth date is wrong in one of year, month and day, the year by one keystroke or by one, or has
-- day and month exchanged; or, in OPTN's register alone, the birth date agrees and the number is
-- wrong by one character or two neighbours exchanged, but not by one in its last digit, as twins'
-- numbers are (reading 299). The registers have no names and no sex. A placeholder is nobody's
-- number (reading 102).
WITH
patient AS (
    SELECT p.patient_id, p.ssn, p.date_of_birth
    FROM raw.eqrs_patient AS p
    LEFT JOIN parameter.placeholder_number AS h ON h.number = p.ssn
    WHERE p.performance_year = $performance_year AND p.ssn IS NOT NULL AND h.number IS NULL
),

listed AS (
    SELECT 'optn' AS register, pers_ssn AS ssn, pers_birth_dt AS date_of_birth
    FROM raw.optn_transplant
    WHERE performance_year = $performance_year
    UNION
    SELECT 'optn' AS register, pers_ssn AS ssn, pers_birth_dt AS date_of_birth
    FROM raw.optn_waitlist
    WHERE performance_year = $performance_year
    UNION
    SELECT 'ssa' AS register, ssn, date_of_birth
    FROM raw.ssa_death
    WHERE performance_year = $performance_year
),

person AS (
    SELECT l.register, l.ssn, l.date_of_birth
    FROM listed AS l
    LEFT JOIN parameter.placeholder_number AS h ON h.number = l.ssn
    WHERE l.ssn IS NOT NULL AND l.date_of_birth IS NOT NULL AND h.number IS NULL
),

exact AS (
    SELECT r.register, r.ssn, r.date_of_birth, p.patient_id
    FROM person AS r
    JOIN patient AS p ON p.ssn = r.ssn AND p.date_of_birth = r.date_of_birth
),

-- Who is left on both sides.
free_person AS (
    SELECT r.register, r.ssn, r.date_of_birth
    FROM person AS r
    LEFT JOIN exact AS x
        ON x.register = r.register AND x.ssn = r.ssn AND x.date_of_birth = r.date_of_birth
    WHERE x.patient_id IS NULL
),

register AS (
    SELECT 'optn' AS register
    UNION ALL
    SELECT 'ssa' AS register
),

free_patient AS (
    SELECT g.register, p.patient_id, p.ssn, p.date_of_birth
    FROM patient AS p
    CROSS JOIN register AS g
    LEFT JOIN exact AS x ON x.register = g.register AND x.patient_id = p.patient_id
    WHERE x.patient_id IS NULL
),

wrong_birth AS (
    SELECT r.register, r.ssn, r.date_of_birth, p.patient_id, 'date of birth' AS error_in
    FROM free_person AS r
    JOIN free_patient AS p ON p.register = r.register AND p.ssn = r.ssn
    WHERE (
            month(r.date_of_birth) = month(p.date_of_birth)
            AND day(r.date_of_birth) = day(p.date_of_birth)
            AND (
                abs(year(r.date_of_birth) - year(p.date_of_birth)) = 1
                OR levenshtein(
                    CAST(year(r.date_of_birth) AS VARCHAR), CAST(year(p.date_of_birth) AS VARCHAR)
                ) = 1
            )
        )
        OR (
            year(r.date_of_birth) = year(p.date_of_birth)
            AND (
                month(r.date_of_birth) = month(p.date_of_birth)
                OR day(r.date_of_birth) = day(p.date_of_birth)
                OR (
                    month(r.date_of_birth) = day(p.date_of_birth)
                    AND day(r.date_of_birth) = month(p.date_of_birth)
                )
            )
        )
),

-- The places of a number's characters.
place AS (
    SELECT unnest([1, 2, 3, 4, 5, 6, 7, 8]) AS place
),

wrong_number AS (
    SELECT r.register, r.ssn, r.date_of_birth, p.patient_id, 'ssn' AS error_in
    FROM free_person AS r
    JOIN free_patient AS p ON p.register = r.register AND p.date_of_birth = r.date_of_birth
    WHERE r.register = 'optn'
        AND NOT (
            substr(r.ssn, 1, 8) = substr(p.ssn, 1, 8)
            AND abs(ascii(substr(r.ssn, 9, 1)) - ascii(substr(p.ssn, 9, 1))) = 1
        )
        AND (
            levenshtein(r.ssn, p.ssn) = 1
            OR (
                levenshtein(r.ssn, p.ssn) = 2
                AND EXISTS (
                    SELECT 1
                    FROM place AS c
                    WHERE substr(r.ssn, 1, c.place - 1)
                        || substr(r.ssn, c.place + 1, 1)
                        || substr(r.ssn, c.place, 1)
                        || substr(r.ssn, c.place + 2)
                        = p.ssn
                )
            )
        )
),

near AS (
    SELECT register, ssn, date_of_birth, patient_id, error_in FROM wrong_birth
    UNION ALL
    SELECT register, ssn, date_of_birth, patient_id, error_in FROM wrong_number
),

counted AS (
    SELECT
        *,
        count(*) OVER (PARTITION BY register, ssn, date_of_birth) AS patients,
        count(*) OVER (PARTITION BY register, patient_id) AS persons
    FROM near
)

SELECT
    register,
    ssn,
    date_of_birth,
    patient_id,
    $performance_year AS performance_year,
    CAST(NULL AS VARCHAR) AS error_in
FROM exact
UNION ALL
SELECT
    register,
    ssn,
    date_of_birth,
    patient_id,
    $performance_year AS performance_year,
    error_in
FROM counted
WHERE patients = 1 AND persons = 1
