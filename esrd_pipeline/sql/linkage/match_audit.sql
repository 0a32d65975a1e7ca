-- One row: one comparison tried for one beneficiary, in the order of the look-ups. Manual 3.2.1;
-- 2.2.15, Table 2, footnote 1 (typing errors). A look-up is tried only if no earlier one matched.
-- Beneficiaries of earlier years' folders are matched too, with the EQRS patients known today and
-- with their newest enrollment record (reading 100). Placeholder numbers identify nobody (reading
-- 102). Of several patients who have had a number, the one it was given to last has it; two given
-- it on one day are no match.
-- Look-up 6, after the manual's five (reading 103): one typing error. Either two of MBI, HICN and
-- SSN agree and the birth date is wrong in one of year, month and day, the year by one keystroke or
-- by one, or has day and month exchanged; or the birth date agrees, no number does, and one is
-- wrong by one character, while no other that both have is wrong by more, and it does not look like
-- a twin's (reading 299). In both the sex does not differ, the beneficiary and the patient have no
-- other match, and nobody else comes into question. Enrollment has no names.
WITH
ranked_enrollment AS (
    SELECT
        bene_id,
        mbi_num AS mbi,
        bene_crnt_hic_num AS hicn,
        bene_ssn_num AS ssn,
        bene_birth_dt,
        CASE sex_ident_cd WHEN '1' THEN 'M' WHEN '2' THEN 'F' END AS sex,
        row_number() OVER (PARTITION BY bene_id ORDER BY performance_year DESC) AS place
    FROM raw.medicare_enrollment
    WHERE performance_year BETWEEN $performance_year - 3 AND $performance_year
),

enrolled AS (
    SELECT bene_id, mbi, hicn, ssn, bene_birth_dt, sex FROM ranked_enrollment WHERE place = 1
),

finder AS (
    SELECT patient_id, mbi, hicn, ssn, date_of_birth, sex
    FROM raw.eqrs_patient
    WHERE performance_year = $performance_year
),

history AS (
    SELECT h.patient_id, h.mbi, h.hicn, h.effective_date, f.date_of_birth
    FROM raw.eqrs_identifier AS h
    JOIN finder AS f ON f.patient_id = h.patient_id
    WHERE h.performance_year = $performance_year
),

enrolled_number AS (
    SELECT bene_id, 'mbi' AS identifier, mbi AS value, bene_birth_dt FROM enrolled
    UNION ALL
    SELECT bene_id, 'hicn', hicn, bene_birth_dt FROM enrolled
    UNION ALL
    SELECT bene_id, 'ssn', ssn, bene_birth_dt FROM enrolled
),

-- A HICN is a Social Security number and a letter: the first nine characters tell.
own_number AS (
    SELECT
        e.bene_id,
        e.identifier,
        CASE WHEN p.number IS NULL THEN e.value END AS value,
        e.bene_birth_dt
    FROM enrolled_number AS e
    LEFT JOIN parameter.placeholder_number AS p ON p.number = substr(e.value, 1, 9)
),

lookup AS (
    SELECT 1 AS lookup, 'mbi' AS identifier, 'finder' AS looked_in
    UNION ALL
    SELECT 2, 'mbi', 'history'
    UNION ALL
    SELECT 3, 'hicn', 'finder'
    UNION ALL
    SELECT 4, 'hicn', 'history'
    UNION ALL
    SELECT 5, 'ssn', 'finder'
),

wanted AS (
    SELECT n.bene_id, k.lookup, k.identifier, k.looked_in, n.value, n.bene_birth_dt
    FROM own_number AS n
    JOIN lookup AS k ON k.identifier = n.identifier
),

every_number AS (
    SELECT
        1 AS lookup,
        mbi AS value,
        date_of_birth,
        patient_id,
        DATE '1900-01-01' AS effective_date
    FROM finder
    UNION ALL
    SELECT 2, mbi, date_of_birth, patient_id, effective_date
    FROM history
    UNION ALL
    SELECT 3, hicn, date_of_birth, patient_id, DATE '1900-01-01'
    FROM finder
    UNION ALL
    SELECT 4, hicn, date_of_birth, patient_id, effective_date
    FROM history
    UNION ALL
    SELECT 5, ssn, date_of_birth, patient_id, DATE '1900-01-01'
    FROM finder
),

known AS (
    SELECT
        e.lookup,
        e.value,
        e.date_of_birth,
        e.patient_id,
        max(e.effective_date) AS effective_date
    FROM every_number AS e
    LEFT JOIN parameter.placeholder_number AS p ON p.number = substr(e.value, 1, 9)
    WHERE e.value IS NOT NULL AND p.number IS NULL
    GROUP BY e.lookup, e.value, e.date_of_birth, e.patient_id
),

candidate AS (
    SELECT
        w.bene_id,
        w.lookup,
        k.patient_id,
        rank() OVER (PARTITION BY w.bene_id, w.lookup ORDER BY k.effective_date DESC) AS place
    FROM wanted AS w
    JOIN known AS k
        ON k.lookup = w.lookup AND k.value = w.value AND k.date_of_birth = w.bene_birth_dt
),

found AS (
    SELECT bene_id, lookup, count(*) AS patients, min(patient_id) AS patient_id
    FROM candidate
    WHERE place = 1
    GROUP BY bene_id, lookup
),

judged AS (
    SELECT
        w.bene_id,
        w.lookup,
        w.identifier,
        w.looked_in,
        CASE
            WHEN w.value IS NULL OR w.bene_birth_dt IS NULL THEN 'no identifier'
            WHEN f.patients = 1 THEN 'match'
            WHEN f.patients > 1 THEN 'several patients'
            ELSE 'no match'
        END AS result,
        CASE WHEN f.patients = 1 THEN f.patient_id END AS patient_id
    FROM wanted AS w
    LEFT JOIN found AS f ON f.bene_id = w.bene_id AND f.lookup = w.lookup
),

first_match AS (
    SELECT bene_id, min(lookup) AS lookup
    FROM judged
    WHERE result = 'match'
    GROUP BY bene_id
),

-- Who is left on both sides, for look-up 6.
matched_patient AS (
    SELECT DISTINCT patient_id FROM judged WHERE result = 'match'
),

free_patient AS (
    SELECT f.patient_id, f.mbi, f.hicn, f.ssn, f.date_of_birth, f.sex
    FROM finder AS f
    LEFT JOIN matched_patient AS m ON m.patient_id = f.patient_id
    WHERE m.patient_id IS NULL
),

free_beneficiary AS (
    SELECT e.bene_id, e.bene_birth_dt, e.sex
    FROM enrolled AS e
    JOIN judged AS j ON j.bene_id = e.bene_id
    GROUP BY e.bene_id, e.bene_birth_dt, e.sex
    HAVING max(CASE WHEN j.result IN ('match', 'several patients') THEN 1 ELSE 0 END) = 0
        AND max(CASE WHEN j.result = 'no match' THEN 1 ELSE 0 END) = 1
),

agreeing AS (
    SELECT w.bene_id, k.patient_id, count(DISTINCT w.identifier) AS identifiers
    FROM wanted AS w
    JOIN free_beneficiary AS b ON b.bene_id = w.bene_id
    JOIN known AS k ON k.lookup = w.lookup AND k.value = w.value
    GROUP BY w.bene_id, k.patient_id
),

-- Two numbers agree, the birth date does not.
wrong_birth AS (
    SELECT a.bene_id, a.patient_id, 'date of birth' AS error_in
    FROM agreeing AS a
    JOIN free_beneficiary AS b ON b.bene_id = a.bene_id
    JOIN free_patient AS f ON f.patient_id = a.patient_id
    WHERE a.identifiers >= 2
        AND coalesce(b.sex, f.sex, '') = coalesce(f.sex, b.sex, '')
        AND (
            (
                month(b.bene_birth_dt) = month(f.date_of_birth)
                AND day(b.bene_birth_dt) = day(f.date_of_birth)
                AND (
                    abs(year(b.bene_birth_dt) - year(f.date_of_birth)) = 1
                    OR levenshtein(
                        CAST(year(b.bene_birth_dt) AS VARCHAR),
                        CAST(year(f.date_of_birth) AS VARCHAR)
                    ) = 1
                )
            )
            OR (
                year(b.bene_birth_dt) = year(f.date_of_birth)
                AND (
                    month(b.bene_birth_dt) = month(f.date_of_birth)
                    OR day(b.bene_birth_dt) = day(f.date_of_birth)
                    OR (
                        month(b.bene_birth_dt) = day(f.date_of_birth)
                        AND day(b.bene_birth_dt) = month(f.date_of_birth)
                    )
                )
            )
        )
),

free_number AS (
    SELECT patient_id, 'mbi' AS identifier, mbi AS value, date_of_birth, sex FROM free_patient
    UNION ALL
    SELECT patient_id, 'hicn', hicn, date_of_birth, sex FROM free_patient
    UNION ALL
    SELECT patient_id, 'ssn', ssn, date_of_birth, sex FROM free_patient
),

-- The places of a number's characters: an MBI has eleven, a HICN up to twelve.
place AS (
    SELECT unnest([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]) AS place
),

-- One character wrong, missing or too many, or two neighbours exchanged.
compared AS (
    SELECT
        n.bene_id,
        f.patient_id,
        n.identifier,
        levenshtein(n.value, f.value) = 1
        OR (
            levenshtein(n.value, f.value) = 2
            AND length(n.value) = length(f.value)
            AND EXISTS (
                SELECT 1
                FROM place AS p
                WHERE substr(n.value, 1, p.place - 1)
                    || substr(n.value, p.place + 1, 1)
                    || substr(n.value, p.place, 1)
                    || substr(n.value, p.place + 2)
                    = f.value
            )
        ) AS is_one_error,
        -- Twins' numbers follow each other; children of one insured person are C1, C2 ...
        n.identifier <> 'mbi'
        AND (
            (
                substr(n.value, 1, 8) = substr(f.value, 1, 8)
                AND substr(n.value, 10) = substr(f.value, 10)
                AND abs(ascii(substr(n.value, 9, 1)) - ascii(substr(f.value, 9, 1))) = 1
            )
            OR (
                substr(n.value, 1, 10) = substr(f.value, 1, 10) AND substr(n.value, 10, 1) = 'C'
            )
        ) AS is_twins
    FROM own_number AS n
    JOIN free_beneficiary AS b ON b.bene_id = n.bene_id
    JOIN free_number AS f
        ON f.identifier = n.identifier
        AND f.date_of_birth = b.bene_birth_dt
        AND coalesce(f.sex, b.sex, '') = coalesce(b.sex, f.sex, '')
    LEFT JOIN parameter.placeholder_number AS h ON h.number = substr(f.value, 1, 9)
    WHERE n.value IS NOT NULL AND f.value IS NOT NULL AND h.number IS NULL
),

wrong_number AS (
    SELECT
        bene_id,
        patient_id,
        min(identifier) AS error_in
    FROM compared
    GROUP BY bene_id, patient_id
    HAVING min(CASE WHEN is_one_error THEN 1 ELSE 0 END) = 1
        AND min(CASE WHEN is_twins THEN 1 ELSE 0 END) = 0
),

near AS (
    SELECT bene_id, patient_id, error_in FROM wrong_birth
    UNION ALL
    SELECT bene_id, patient_id, error_in FROM wrong_number
),

counted AS (
    SELECT
        bene_id,
        patient_id,
        error_in,
        count(*) OVER (PARTITION BY bene_id) AS patients,
        count(*) OVER (PARTITION BY patient_id) AS beneficiaries
    FROM near
),

tolerant AS (
    SELECT
        b.bene_id,
        CASE
            WHEN max(c.bene_id) IS NULL THEN 'no match'
            WHEN max(c.patients) = 1 AND max(c.beneficiaries) = 1 THEN 'match'
            ELSE 'several patients'
        END AS result,
        min(c.patient_id) AS patient_id,
        min(c.error_in) AS error_in
    FROM free_beneficiary AS b
    LEFT JOIN counted AS c ON c.bene_id = b.bene_id
    GROUP BY b.bene_id
)

SELECT
    j.bene_id,
    $performance_year AS performance_year,
    j.lookup,
    j.identifier,
    j.looked_in,
    j.result,
    j.patient_id,
    CAST(NULL AS VARCHAR) AS error_in
FROM judged AS j
LEFT JOIN first_match AS m ON m.bene_id = j.bene_id
WHERE m.lookup IS NULL OR j.lookup <= m.lookup
UNION ALL
SELECT
    bene_id,
    $performance_year AS performance_year,
    6 AS lookup,
    'all' AS identifier,
    'both' AS looked_in,
    result,
    CASE WHEN result = 'match' THEN patient_id END AS patient_id,
    CASE WHEN result = 'match' THEN error_in END AS error_in
FROM tolerant
